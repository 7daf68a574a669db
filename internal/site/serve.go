package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A Preview serves a site to the browsers of this machine, and makes it anew
// when a file it is made of changes.
type Preview struct {
	Addr  string // host and port; the host must be this machine
	Build func(context.Context) (*Site, error)
	Watch []string // files, and folders with all that is in them
	Log   func(format string, args ...any)

	mu      sync.Mutex
	site    *Site
	changed chan struct{} // closed when site is replaced
}

// ReloadScript is what a page of a preview runs: it reloads on every change.
const ReloadScript = `new EventSource("/events").onmessage = function () { location.reload(); };`

// pace is how often files are looked at.
const pace = 300 * time.Millisecond

// Run serves until ctx ends; that is no error. A build that fails later on
// leaves the last good site in place and says so.
func (p *Preview) Run(ctx context.Context) error {
	host, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", p.Addr, err)
	}
	if !loopback(host) {
		return fmt.Errorf("--addr %s: a preview is for this machine only: 127.0.0.1:PORT", p.Addr)
	}
	if p.site, err = p.Build(ctx); err != nil {
		return err
	}
	p.changed = make(chan struct{})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: p, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the event streams
	}
	context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	})
	p.Log("http://%s/ (stop with Ctrl+C)", listener.Addr())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		p.watch(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-watching
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// watch makes the site anew whenever a file has changed.
func (p *Preview) watch(ctx context.Context) {
	seen := state(p.Watch)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := state(p.Watch)
		if now == seen {
			continue
		}
		seen = now
		s, err := p.Build(ctx)
		if err != nil {
			if ctx.Err() == nil {
				p.Log("not rebuilt: %v", err)
			}
			continue
		}
		p.mu.Lock()
		p.site = s
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		p.Log("rebuilt")
	}
}

// state names every watched file with its size and time.
func state(watch []string) string {
	var b strings.Builder
	for _, root := range watch {
		_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // it may come back
			}
			if info, err := d.Info(); err == nil && !d.IsDir() {
				fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}

// ServeHTTP answers browsers of this machine; a page from elsewhere that has
// its own name point here gets nothing.
func (p *Preview) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !loopback(strings.Trim(host, "[]")) {
		http.Error(w, "this is a preview for 127.0.0.1", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "there is nothing to send here", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/events" {
		p.events(w, r)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	p.mu.Lock()
	content, ok := p.site.Files[name]
	p.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".md" || kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content) // the browser is gone; there is no one to tell
}

// events tells a page when to reload.
func (p *Preview) events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "no streaming", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprint(w, "retry: 500\n\n")
	flusher.Flush()
	p.mu.Lock()
	changed := p.changed
	p.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-changed:
		_, _ = fmt.Fprint(w, "data: changed\n\n")
		flusher.Flush()
	}
}
