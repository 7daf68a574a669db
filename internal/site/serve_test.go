package site

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A reader sees a change without doing anything, a mistake leaves the last good
// page, and the preview stops when it is told to.
func TestPreviewFollowsChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "feature")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	var mu sync.Mutex
	var logged []string
	address := make(chan string, 1)
	var builds atomic.Int32
	p := &Preview{
		Addr: "127.0.0.1:0", Watch: []string{filepath.Dir(file)},
		Build: func(context.Context) (*Site, error) {
			builds.Add(1)
			content, err := os.ReadFile(file)
			if string(content) == "broken" {
				return nil, errors.New("features/x.feature:3: no")
			}
			return &Site{Files: map[string][]byte{"index.html": content}}, err
		},
		Log: func(format string, args ...any) {
			line := fmt.Sprintf(format, args...)
			if at, found := strings.CutPrefix(line, "http://"); found {
				address <- strings.TrimSuffix(at, "/ (stop with Ctrl+C)")
			}
			mu.Lock()
			logged = append(logged, line)
			mu.Unlock()
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	base := "http://" + <-address
	get := func(path string) string {
		t.Helper()
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b := make([]byte, 100)
		n, _ := resp.Body.Read(b)
		return fmt.Sprint(resp.StatusCode, " ", string(b[:n]))
	}
	if got := get("/"); got != "200 one" {
		t.Errorf("got %s", got)
	}
	if got := get("/../../etc/passwd"); !strings.HasPrefix(got, "404") {
		t.Errorf("got %s", got)
	}

	events, err := http.Get(base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	changed := make(chan bool)
	go func() {
		for lines := bufio.NewScanner(events.Body); lines.Scan(); {
			if lines.Text() == "data: changed" {
				changed <- true
			}
		}
		close(changed)
	}()
	write("two, longer")
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("no event")
	}
	if got := get("/index.html"); got != "200 two, longer" {
		t.Errorf("got %s", got)
	}

	before := builds.Load()
	write("broken")
	for deadline := time.Now().Add(20 * time.Second); builds.Load() == before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := get("/"); got != "200 two, longer" {
		t.Errorf("after a mistake: %s", got)
	}

	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not stop")
	}
	mu.Lock()
	defer mu.Unlock()
	if all := strings.Join(logged, "\n"); !strings.Contains(all, "rebuilt") || !strings.Contains(all, "not rebuilt: features/x.feature:3: no") {
		t.Errorf("logged %s", all)
	}
}

func TestPreviewIsForThisMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:4040", "example.com:80", ":4040", "nonsense"} {
		p := &Preview{Addr: addr, Build: func(context.Context) (*Site, error) { return nil, errors.New("built") }}
		if err := p.Run(t.Context()); err == nil || err.Error() == "built" {
			t.Errorf("%s: got %v", addr, err)
		}
	}
	// A page elsewhere whose name points to this machine reads nothing.
	p := &Preview{site: &Site{Files: map[string][]byte{"index.html": []byte("mine")}}}
	for host, want := range map[string]int{"127.0.0.1:4040": 200, "localhost:4040": 200, "[::1]:4040": 200, "evil.example": 421, "127.0.0.1.evil.example:4040": 421} {
		w := &recorder{header: http.Header{}}
		r, _ := http.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		p.ServeHTTP(w, r)
		if w.status == 0 {
			w.status = 200
		}
		if w.status != want {
			t.Errorf("%s: got %d, want %d", host, w.status, want)
		}
	}
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }

func TestPreviewSaysThatThePortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := &Preview{Addr: taken.Addr().String(), Build: func(context.Context) (*Site, error) { return &Site{}, nil }}
	if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}
