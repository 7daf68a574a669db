package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A listener is whoever is told: it takes alerts, pings and metrics.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	alerts []heard
	pings  []string
	bodies bytes.Buffer // of all that it got
	down   bool
}

// A heard alert, and by which channel.
type heard struct {
	Channel    string `json:"-"`
	ID         string
	Kind       string
	Title      string
	Credential *struct{ Name, Owner string }
	Provider   *struct{ ID string }
	Concerned  int
	Link       string
}

const hookSecret = "s1gn-th1s-w1th"

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	l.bodies.Write(body)
	where, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case where == "ping":
		_, moment, _ := strings.Cut(rest, "/")
		l.pings = append(l.pings, moment)
	case where == "metrics":
		l.pings = append(l.pings, "metrics")
	case l.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		mac := hmac.New(sha256.New, []byte(hookSecret))
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
		if r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		a := heard{Channel: where}
		if err := json.Unmarshal(body, &a); err != nil || a.ID != r.Header.Get("Webhook-Id") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		l.alerts = append(l.alerts, a)
	}
}

// take returns what was heard since it was last called, each as "channel kind
// subject", sorted.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []string{}
	for _, a := range l.alerts {
		subject := ""
		if a.Credential != nil {
			subject = " " + a.Credential.Name
		}
		if a.Provider != nil {
			subject = fmt.Sprintf(" %s (%d)", a.Provider.ID, a.Concerned)
		}
		list = append(list, a.Channel+" "+a.Kind+subject)
	}
	l.alerts = nil
	slices.Sort(list)
	return list
}

// moments returns what was pinged since it was last called.
func (l *listener) moments() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.pings = nil }()
	return strings.Join(l.pings, " ")
}

// nightsOf is a folder with sixty credentials: forty of p0, four of each of p1
// to p5. Team 1 has a channel of its own.
func nightsOf(t *testing.T, binary string) (*nightly, *listener) {
	n, l := newNightly(t, binary, 6, 60), newListener(t)
	var file strings.Builder
	file.WriteString("env_files: [secrets.env]\ncredentials:\n")
	for i := range 60 {
		provider := 0
		if i >= 40 {
			provider = 1 + i%5
		}
		fmt.Fprintf(&file, "  - name: cred-%05d\n    provider: p%d\n    owner: team-%d@example.com\n    values: {client_id: env:ID_%d, client_secret: env:SECRET_%d}\n", i, provider, i%7, i, i)
	}
	file.WriteString(`alerts:
  link: https://status.example.com/
  channels:
    ops: {webhook: env:OPS, secret: env:HOOK_SECRET}
    one: {webhook: env:ONE, secret: env:HOOK_SECRET}
  owners: {team-1@example.com: [one]}
  default: [ops]
ping: {url: env:PING}
pushgateway: env:GATEWAY
`)
	n.write(t, "credentials.yaml", file.String())
	secrets, err := os.ReadFile(filepath.Join(n.dir, "secrets.env"))
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, "secrets.env", string(secrets)+fmt.Sprintf("OPS=%s/ops/%s-1\nONE=%s/one/%s-2\nHOOK_SECRET=%s\nPING=%s/ping/%s-3\nGATEWAY=%s\n",
		l.URL, channelSecret, l.URL, channelSecret, hookSecret, l.URL, channelSecret, strings.Replace(l.URL, "//", "//pusher:"+channelSecret+"-4@", 1)))
	return n, l
}

const channelSecret = "wh0-kn0ws-th1s-may-wr1te"

// Five nights: an outage of a provider with forty credentials is one alert, a
// refusal is told when it is certain and once, what recovers is told once, and
// what comes and goes is named.
func nightsOfAlerts(t *testing.T, binary string) {
	n, l := nightsOf(t, binary)
	refused := map[string]string{} // credential to the error it gets
	outage := false
	answer := nightlyAnswer(func(w http.ResponseWriter, r *http.Request, id string) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case outage && strings.HasPrefix(r.URL.Path, "/p0/"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case refused[id] != "":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":%q}`, refused[id])
		default:
			return false
		}
		return true
	})
	n.answer.Store(&answer)
	const documented, undocumented = "invalid_client", "unauthorized_client"
	// The breaker of the outage tries once more after half a minute.
	for i, night := range []struct {
		name     string
		change   func()
		alerts   []string
		exit     int
		requests int
		verdicts map[string]int
	}{
		{"all works but one, for certain", func() { refused["43"] = documented },
			[]string{"one credential_rejected cred-00043"}, 1, 59*2 + 1, map[string]int{"passed": 59, "rejected": 1}},
		{"an outage of forty, and a suspicion", func() { outage, refused["44"] = true, undocumented },
			[]string{"ops provider_failing p0 (40)"}, 1, 6 + 18*2 + 2, map[string]int{"inconclusive": 6, "skipped": 34, "passed": 18, "rejected": 2}},
		{"it is over, the suspicion is confirmed, and the first recovers", func() { outage = false; delete(refused, "43") },
			[]string{"one credential_recovered cred-00043", "ops credential_rejected cred-00044", "ops provider_recovered p0 (0)"}, 1, 59*2 + 1, map[string]int{"passed": 59, "rejected": 1}},
		{"nothing new", func() {}, []string{}, 1, 59*2 + 1, map[string]int{"passed": 59, "rejected": 1}},
		{"refused again", func() { refused["43"] = documented }, []string{"one credential_rejected cred-00043"}, 1, 58*2 + 2, map[string]int{"passed": 58, "rejected": 2}},
		{"it flaps; nobody hears of the other, for the channel is down", func() { delete(refused, "43"); delete(refused, "44"); l.down = true },
			[]string{}, 2, 60 * 2, map[string]int{"passed": 60}},
		{"what was not heard is told", func() { l.down = false }, []string{"one credential_flapping cred-00043", "ops credential_recovered cred-00044"}, 0, 60 * 2, map[string]int{"passed": 60}},
		{"it goes on, and is not repeated", func() { refused["43"] = documented }, []string{}, 1, 59*2 + 1, map[string]int{"passed": 59, "rejected": 1}},
	} {
		l.mu.Lock()
		night.change()
		l.mu.Unlock()
		before := n.requests.Load()
		cmd := n.command(n.check("--page", "status.html", "--metrics", "authspec.prom", "--only-problems")...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != night.exit {
			t.Fatalf("night %d, %s: exit %d, want %d\n%s", i+1, night.name, code, night.exit, out)
		}
		if got := l.take(); !slices.Equal(got, night.alerts) {
			t.Errorf("night %d, %s: alerts %q, want %q\n%s", i+1, night.name, got, night.alerts, out)
		}
		if got := n.requests.Load() - before; got != int64(night.requests) {
			t.Errorf("night %d, %s: %d requests, want %d", i+1, night.name, got, night.requests)
		}
		verdicts := map[string]int{}
		for _, c := range n.report(t).Credentials {
			verdicts[c.Verdict]++
		}
		if fmt.Sprint(verdicts) != fmt.Sprint(night.verdicts) {
			t.Errorf("night %d, %s: %v, want %v", i+1, night.name, verdicts, night.verdicts)
		}
		want := "start metrics "
		if night.exit == 2 {
			want = "start metrics fail"
		}
		if got := l.moments(); got != want {
			t.Errorf("night %d, %s: pings %q, want %q", i+1, night.name, got, want)
		}
		l.seekSecrets(t, n, out)
	}
}

// seekSecrets looks at everything that a check has left behind.
func (l *listener) seekSecrets(t *testing.T, n *nightly, out []byte) {
	t.Helper()
	l.mu.Lock()
	left := map[string][]byte{"output": out, "what was told": bytes.Clone(l.bodies.Bytes())}
	l.mu.Unlock()
	files, _ := filepath.Glob(filepath.Join(n.dir, "*"))
	for _, f := range files {
		if name := filepath.Base(f); name != "secrets.env" && name != "ws" {
			left[name], _ = os.ReadFile(f)
		}
	}
	for _, name := range []string{"status.html", "authspec.prom", "credentials.history.db", "health.json", "what was told"} {
		if len(left[name]) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	for name, b := range left {
		for _, secret := range []string{nightlySecret, "issued-token-of", channelSecret, hookSecret} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
}

// An interrupted night tells nothing but that it was interrupted; the next one
// tells what it would have.
func interruptedAlerts(t *testing.T, binary string) {
	n, l := nightsOf(t, binary)
	answer := nightlyAnswer(func(w http.ResponseWriter, _ *http.Request, id string) bool {
		if id != "41" && id != "42" {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return true
	})
	n.answer.Store(&answer)
	n.delay.Store(int64(30 * time.Millisecond))
	cmd := n.command(n.check()...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for n.requests.Load() < 30 {
		time.Sleep(5 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if got, pings := l.take(), l.moments(); len(got) > 0 || cmd.ProcessState.ExitCode() != 4 || pings != "start metrics fail" {
		t.Errorf("exit %d, alerts %q, pings %q", cmd.ProcessState.ExitCode(), got, pings)
	}
	n.delay.Store(0)
	kept := n.remembered(t)
	out, err := n.command(n.check()...).CombinedOutput()
	if got, want := l.take(), []string{"ops credential_rejected cred-00041", "ops credential_rejected cred-00042"}; !slices.Equal(got, want) {
		t.Errorf("alerts %q, want %q; %v\n%s", got, want, err, out)
	}
	if got := n.remembered(t); got != kept+60 || kept == 0 {
		t.Errorf("%d results are remembered, %d were before", got, kept)
	}
	dry, _ := n.command(n.check("--dry-run", "--history", "none")...).CombinedOutput()
	if !strings.Contains(string(dry), "would tell ops:\n✗ cred-00041 is rejected: credential rejected\n") || len(l.take()) > 0 {
		t.Errorf("--dry-run: %s", dry)
	}
}

// --every stays, does one check at a time, and ends when it is asked to.
func staysAndChecks(t *testing.T, binary string) {
	n := newNightly(t, binary, 1, 3)
	cmd := n.command(n.check("--cron", "0 0 1 1 *", "--timezone", "Europe/Berlin")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	k, _ := stderr.Read(line)
	if !strings.Contains(string(line[:k]), "next check at") || !strings.Contains(string(line[:k]), "01-01 00:00 CET") {
		t.Errorf("got %s", line[:k])
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("asked to stop: %v", err)
	}
	if n.requests.Load() > 0 {
		t.Error("it checked before its time")
	}
	var out bytes.Buffer
	cmd = n.command(n.check("--every", "24h")...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(n.dir, "health.json")); err == nil && len(b) > 0 || time.Now().After(deadline) {
			break
		}
	}
	time.Sleep(300 * time.Millisecond)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || n.requests.Load() != 6 || !strings.Contains(out.String(), "3 passed") || !strings.Contains(out.String(), "next check at") {
		t.Errorf("%v, %d requests: %s", err, n.requests.Load(), out.String())
	}
	// The history knows when the last check was: a process that starts anew
	// does not check at once again.
	cmd = n.command(n.check("--every", "24h")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || n.requests.Load() != 6 {
		t.Errorf("%v, %d requests", err, n.requests.Load())
	}
}

// TestNights tests what a night tells to whom.
func TestNights(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "authspec")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("alerts", func(t *testing.T) { nightsOfAlerts(t, binary) })
	t.Run("interrupted", func(t *testing.T) { interruptedAlerts(t, binary) })
	t.Run("stays", func(t *testing.T) { staysAndChecks(t, binary) })
}
