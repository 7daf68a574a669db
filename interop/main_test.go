//go:build interop

// Package interop runs the authspec command against real OAuth servers on
// loopback: make interop.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// Nothing here takes longer, unless it hangs.
const patience = 60 * time.Second

// authspec is the path of the command, built with the race detector.
var authspec string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if _, err := os.Stat("node_modules"); err != nil {
		fmt.Fprintln(os.Stderr, "interop: the servers are not installed: make interop")
		return 1
	}
	dir, err := os.MkdirTemp("", "authspec-interop")
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	authspec = filepath.Join(dir, "authspec")
	build := exec.Command("go", "build", "-race", "-o", authspec, "../cmd/authspec")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "interop: go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// A server is one of servers/*.mjs, running.
type server struct {
	base   string
	stdin  io.Closer
	events chan []event
}

// An event is a request as the server saw it.
type event struct {
	Base       string `json:"base"`
	Call       string `json:"call"`
	Status     int    `json:"status"`
	Error      string `json:"error"`
	Token      string `json:"token"`
	Client     string `json:"client"`
	ClientAuth string `json:"client_auth"`
	Scope      string `json:"scope"`
}

// serve starts a server. It ends with the test, or by stop.
func serve(t *testing.T, script string, config map[string]any) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, "node", filepath.Join("servers", script))
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{stdin: stdin, events: make(chan []event, 1)}
	t.Cleanup(func() {
		s.stop()
		cancel()
		_ = cmd.Wait()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("%s: %s", script, stderr.String())
		}
	})
	if err := json.NewEncoder(stdin).Encode(config); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		var seen []event
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var e event
			switch err := json.Unmarshal(lines.Bytes(), &e); {
			case err != nil:
				seen = append(seen, event{Error: "not a report: " + lines.Text()})
			case e.Base != "":
				ready <- e.Base
			default:
				seen = append(seen, e)
			}
		}
		s.events <- seen
	}()
	select {
	case s.base = <-ready:
	case <-ctx.Done():
	}
	if s.base == "" {
		t.Fatalf("%s did not start\n%s", script, stderr.String())
	}
	return s
}

// stop ends the server and returns every request it has seen.
func (s *server) stop() []event {
	s.stdin.Close()
	events := <-s.events
	s.events <- events
	return events
}

// count returns how many events are as asked for.
func count(events []event, is func(event) bool) int {
	n := 0
	for _, e := range events {
		if is(e) {
			n++
		}
	}
	return n
}

func isTokenRequest(e event) bool { return e.Call == "token" }

// tokensOf returns every token the server has issued.
func tokensOf(events []event) []string {
	var tokens []string
	for _, e := range events {
		if e.Token != "" {
			tokens = append(tokens, e.Token)
		}
	}
	return tokens
}

// An outcome is what a run of the command left behind.
type outcome struct {
	code           int
	stdout, stderr string
	dir            string     // its working directory
	report         jsonReport // of --report json=report.json
}

// A jsonReport is what the tests look at of the JSON report.
type jsonReport struct {
	ExitCode    int  `json:"exit_code"`
	Interrupted bool `json:"interrupted"`
	Selected    int  `json:"selected"`
	Scenarios   []struct {
		ID, Name, Verdict, Cause, Message string
		DurationMS                        float64 `json:"duration_ms"`
	}
}

// command prepares the command with nothing in its environment but env.
func command(t *testing.T, env []string, args ...string) (*exec.Cmd, *outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	out := &outcome{dir: t.TempDir()}
	cmd := exec.CommandContext(ctx, authspec, append(args, "--report", "json=report.json")...)
	cmd.Dir = out.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.WaitDelay = time.Second
	return cmd, out
}

// run runs the command to its end.
func run(t *testing.T, env []string, args ...string) *outcome {
	t.Helper()
	cmd, out := command(t, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out.finish(t, cmd, err, stdout.String(), stderr.String())
	return out
}

func (o *outcome) finish(t *testing.T, cmd *exec.Cmd, err error, stdout, stderr string) {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v\n%s%s", cmd, err, stdout, stderr)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		t.Fatalf("%s: %v after %s\n%s%s", cmd, err, patience, stdout, stderr)
	}
	o.code, o.stdout, o.stderr = cmd.ProcessState.ExitCode(), stdout, stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s%s", cmd, stdout, stderr)
		}
	})
	if strings.Contains(stderr, "DATA RACE") {
		t.Errorf("data race:\n%s", stderr)
	}
	if content, err := os.ReadFile(filepath.Join(o.dir, "report.json")); err == nil {
		if err := json.Unmarshal(content, &o.report); err != nil {
			t.Fatalf("report.json: %v", err)
		}
	}
}

// exits fails the test unless the command ended with the code.
func (o *outcome) exits(t *testing.T, code int) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
}

// verdicts is a line for each scenario: verdict, cause, name.
func (o *outcome) verdicts() string {
	var b strings.Builder
	for _, s := range o.report.Scenarios {
		fmt.Fprintf(&b, "%-13s %-20s %s\n", s.Verdict, orDash(s.Cause), s.Name)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// tally counts scenarios by "verdict cause".
func (o *outcome) tally() map[string]int {
	counts := map[string]int{}
	for _, s := range o.report.Scenarios {
		counts[strings.TrimSpace(s.Verdict+" "+s.Cause)]++
	}
	return counts
}

// golden compares the verdicts with a file of testdata, or writes it.
func (o *outcome) golden(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	got := o.verdicts()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update accepts it:\n%s", file, diff)
	}
}
