//go:build interop

package interop

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// antsomiAfter is a healthy Antsomi that takes its time.
func antsomiAfter(t *testing.T, delay time.Duration, seen *atomic.Int64) *httptest.Server {
	t.Helper()
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Providers.Lookup("antsomi")
	if err != nil {
		t.Fatal(err)
	}
	healthy, err := simulator.New(p, w.Fixtures)
	if err != nil {
		t.Fatal(err)
	}
	healthy = healthy.Fresh(providers.Credentials{"client_id": antsomiID, "client_secret": awkwardSecret})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		body, err := io.ReadAll(r.Body) // or the server would not notice that the client left
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		select {
		case <-time.After(delay):
			healthy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func antsomiArgs(base string, more ...string) []string {
	return append([]string{"run", "antsomi", "--live", "--base-url", "antsomi=" + base}, more...)
}

func TestCtrlCHalfWayLeavesAPartialReport(t *testing.T) {
	for name, concurrency := range map[string]string{"one at a time": "1", "sixteen": "16"} {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int64
			server := antsomiAfter(t, 300*time.Millisecond, &seen)
			cmd, out := command(t, antsomiEnv(awkwardSecret), antsomiArgs(server.URL, "--concurrency", concurrency)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); seen.Load() < 3 && time.Now().Before(deadline); {
				time.Sleep(5 * time.Millisecond)
			}
			interrupted := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			if took := time.Since(interrupted); took > 5*time.Second {
				t.Errorf("it took %s to stop", took)
			}
			out.finish(t, cmd, err, stdout.String(), stderr.String())
			out.exits(t, 4)
			r := out.report
			if !r.Interrupted || r.ExitCode != 4 || r.Selected != 17 || len(r.Scenarios) == 0 || len(r.Scenarios) == 17 {
				t.Errorf("report: interrupted %t, exit code %d, %d of %d scenarios", r.Interrupted, r.ExitCode, len(r.Scenarios), r.Selected)
			}
			for verdict := range out.tally() {
				if strings.HasPrefix(verdict, "inconclusive") || strings.HasPrefix(verdict, "invalid") {
					t.Errorf("an interrupted scenario is reported as %s", verdict)
				}
			}
		})
	}
}

// What an interrupted run leaves behind in the process.
func TestAnInterruptedRunLeavesNoGoroutine(t *testing.T) {
	var seen atomic.Int64
	server := antsomiAfter(t, 300*time.Millisecond, &seen)
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{"antsomi"}})
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	carrier, err := transport.NewLive(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for seen.Load() < 3 {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	run := runner.Run(ctx, plan, runner.Options{Concurrency: 16, Timeout: 5 * time.Second, Live: &steps.Live{
		Transport: carrier, BaseURLs: map[string]string{"antsomi": server.URL},
		Credentials: func(*providers.Provider) (providers.Credentials, error) {
			return providers.Credentials{"client_id": antsomiID, "client_secret": awkwardSecret}, nil
		},
	}})
	if run.ExitCode() != check.ExitInterrupted {
		t.Errorf("exit code %d, want %d", run.ExitCode(), check.ExitInterrupted)
	}
	carrier.CloseIdleConnections()
	server.CloseClientConnections()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before the run:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
	}
}

func TestNoAnswerIsInconclusive(t *testing.T) {
	var seen atomic.Int64
	slow := antsomiAfter(t, time.Minute, &seen)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + closed.Addr().String()
	closed.Close()
	answering := func(status int, header http.Header, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	hangUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangUp.Close)
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}}

	for name, test := range map[string]struct {
		base string
		args []string
		want map[string]int
		says string // on the standard output
	}{
		// The one that passes is about the request alone, and there was an answer.
		// No answer at all: two scenarios wait for one, all others are spared.
		// One that needs no credential may wait beside them, so here one runs
		// after the other.
		"timeout": {slow.URL, []string{"--timeout", "150ms", "--concurrency", "1"}, map[string]int{"inconclusive timeout": 2, "skipped breaker_open": 12, "skipped intrusive": 3}, "--timeout allows more"},
		"refused": {refusing, []string{"--concurrency", "1"}, map[string]int{"inconclusive network_tcp": 2, "skipped breaker_open": 12, "skipped intrusive": 3}, "connection refused"},
		"hang up": {hangUp.URL, []string{"--concurrency", "1"}, map[string]int{"inconclusive network_tcp": 2, "skipped breaker_open": 12, "skipped intrusive": 3}, "EOF"},
		// One scenario only: where there is no DNS each takes its time.
		"no such host": {"https://authspec.invalid", []string{"--tags", "@health"}, map[string]int{"inconclusive network_dns": 1}, "this machine's DNS"},
		"429": {answering(429, http.Header{"Retry-After": {"30"}}, `{"message":"Too Many Requests"}`), nil,
			map[string]int{"passed": 1, "inconclusive rate_limited": 13, "skipped intrusive": 3}, "Retry-After: 30"},
		"500":        {answering(500, nil, "oops"), nil, map[string]int{"passed": 1, "inconclusive provider_down": 13, "skipped intrusive": 3}, "problem of its own"},
		"redirect":   {answering(302, http.Header{"Location": {"/login"}}, ""), nil, map[string]int{"passed": 1, "inconclusive redirected": 13, "skipped intrusive": 3}, "is not followed"},
		"login page": {answering(401, page, "<html>Log in</html>"), nil, map[string]int{"passed": 1, "inconclusive not_an_api_answer": 13, "skipped intrusive": 3}, "login page"},
		"too large":  {answering(200, nil, strings.Repeat("x", providers.MaxBody+1)), nil, map[string]int{"inconclusive response_too_large": 14, "skipped intrusive": 3}, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			out := run(t, antsomiEnv(awkwardSecret), antsomiArgs(test.base, append([]string{"--concurrency", "16"}, test.args...)...)...)
			out.exits(t, 3)
			if diff := cmp.Diff(test.want, out.tally()); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			if !strings.Contains(out.stdout, test.says) {
				t.Errorf("the output does not say %q", test.says)
			}
		})
	}
}
