package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// TestCheck tests authspec check as users have it: the built binary, against
// servers on loopback.
func TestCheck(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "authspec")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, test := range map[string]func(*testing.T, string){
		"interrupted": interruptedCheck,
		"killed":      killedCheck,
		"locked":      lockedHistory,
		"secrets":     checkKeepsSecrets,
		"scale":       manyCredentials,
	} {
		t.Run(name, func(t *testing.T) { test(t, binary) })
	}
}

// A nightly is a folder with a workspace of n providers, a credentials file,
// and a server that plays the providers.
type nightly struct {
	binary   string
	dir      string
	url      string
	requests atomic.Int64
	delay    atomic.Int64 // a time.Duration
	answer   atomic.Pointer[nightlyAnswer]
}

// A nightlyAnswer reports whether it has answered.
type nightlyAnswer func(w http.ResponseWriter, r *http.Request, id string) bool

const nightlySecret = "t0p-s3cr3t-"

func newNightly(t testing.TB, binary string, providers, credentials int) *nightly {
	t.Helper()
	n := &nightly{binary: binary, dir: t.TempDir()}
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	n.url = server.URL
	var file strings.Builder
	file.WriteString("env_files: [secrets.env]\ncredentials:\n")
	var env strings.Builder
	for i := range credentials {
		fmt.Fprintf(&file, "  - name: cred-%05d\n    provider: p%d\n    owner: team-%d@example.com\n    tags: [eu, prod]\n    values: {client_id: env:ID_%d, client_secret: env:SECRET_%d}\n    expires: 2099-03-31\n",
			i, i%providers, i%7, i, i)
		fmt.Fprintf(&env, "ID_%d=client-%d\nSECRET_%d=%s%d\n", i, i, i, nightlySecret, i)
	}
	for i := range providers {
		id := fmt.Sprintf("p%d", i)
		n.write(t, "ws/providers/"+id+".yaml", fmt.Sprintf(`name: P%d
docs: https://docs.example.com
base_url: %s
credentials: {client_id: P%d_ID, client_secret: P%d_SECRET}
auth:
  scheme: client_credentials
  token: POST /%s/token
  client_auth: form
calls: {me: {endpoint: GET /%s/me}}
limits: {token: {requests: 1000000, per: 1h}}
undocumented: [token/invalid_request, token/invalid_grant, token/invalid_scope, token/unauthorized_client, token/unsupported_grant_type, token/rate_limited, me/rate_limited, me/insufficient_scope, me/expired_token, me/missing_token]
`, i, n.url, i, i, id, id))
		n.write(t, "ws/features/"+id+".feature", fmt.Sprintf(`Feature: P%d
  @health
  Scenario: Valid credentials receive a token
    Given valid P%d credentials
    When I request an access token
    Then the response status is 200
    And an access token is issued

  @health
  Scenario: A token opens the account
    Given valid P%d credentials
    When I call "me"
    Then the response status is 200
    And the response body has:
      | id | an integer |
`, i, i, i))
		const documented = "# documented https://docs.example.com 2026-11-21\nHTTP/1.1 "
		n.write(t, "ws/fixtures/"+id+"/token/issued.http", documented+"200 OK\nContent-Type: application/json\n\n"+`{"access_token":"AbCdEfGhIjKlMnOpQrSt","token_type":"Bearer","expires_in":3600}`)
		n.write(t, "ws/fixtures/"+id+"/token/invalid_client.http", documented+"401 Unauthorized\nContent-Type: application/json\n\n"+`{"error":"invalid_client"}`)
		n.write(t, "ws/fixtures/"+id+"/me/ok.http", documented+"200 OK\nContent-Type: application/json\n\n"+`{"id":1}`)
		n.write(t, "ws/fixtures/"+id+"/me/invalid_token.http", documented+"401 Unauthorized\nContent-Type: application/json\n\n"+`{"error":"invalid_token"}`)
	}
	n.write(t, "credentials.yaml", file.String())
	n.write(t, "secrets.env", env.String())
	return n
}

func (n *nightly) write(t testing.TB, name, content string) {
	t.Helper()
	file := filepath.Join(n.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ServeHTTP plays all providers: any client with its own secret is welcome.
func (n *nightly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serial := n.requests.Add(1)
	time.Sleep(time.Duration(n.delay.Load()))
	answer := n.answer.Load()
	w.Header().Set("Content-Type", "application/json")
	id, isToken := "", strings.HasSuffix(r.URL.Path, "/token")
	if isToken {
		id = strings.TrimPrefix(r.FormValue("client_id"), "client-")
	} else {
		_, id, _ = strings.Cut(r.Header.Get("Authorization"), "Bearer issued-token-of-")
		id, _, _ = strings.Cut(id, "-")
	}
	switch {
	case answer != nil && (*answer)(w, r, id):
	case isToken && r.FormValue("client_secret") == nightlySecret+id:
		fmt.Fprintf(w, `{"access_token":"issued-token-of-%s-%d","token_type":"Bearer","expires_in":3600}`, id, serial)
	case !isToken && id != "":
		fmt.Fprint(w, `{"id":1}`)
	default:
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
	}
}

func (n *nightly) command(args ...string) *exec.Cmd {
	cmd := exec.Command(n.binary, args...)
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	return cmd
}

func (n *nightly) check(args ...string) []string {
	return append([]string{"check", "--dir", "ws", "--jitter", "0", "--report", "json=health.json"}, args...)
}

// A healthReport is what a machine reads of a check.
type healthReport struct {
	ExitCode    int  `json:"exit_code"`
	Interrupted bool `json:"interrupted"`
	Selected    int  `json:"selected"`
	Credentials []struct {
		Name, Provider, Verdict, Cause string
		Confirmed                      bool
		Since                          time.Time
	} `json:"credentials"`
}

func (n *nightly) report(t testing.TB) healthReport {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, "health.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r healthReport
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// remembered is how many results the history has.
func (n *nightly) remembered(t testing.TB) int {
	t.Helper()
	out, err := n.command("history", "--ndjson").Output()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(out, []byte("\n"))
}

// SIGTERM interrupts a check, which keeps what has finished.
func interruptedCheck(t *testing.T, binary string) {
	n := newNightly(t, binary, 3, 60)
	n.delay.Store(int64(50 * time.Millisecond))
	cmd := n.command(n.check()...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "passed") {
			if seen++; seen == 12 {
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	}
	err = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != check.ExitInterrupted {
		t.Errorf("exit code %d, %v", code, err)
	}
	r := n.report(t)
	if !r.Interrupted || r.Selected != 60 || len(r.Credentials) < 12 || len(r.Credentials) == 60 {
		t.Errorf("interrupted %v, %d of %d", r.Interrupted, len(r.Credentials), r.Selected)
	}
	if got := n.remembered(t); got != len(r.Credentials) || seen < 12 {
		t.Errorf("the history remembers %d, the report has %d, %d lines were printed", got, len(r.Credentials), seen)
	}
	runs, _ := n.command("history", "--runs").Output()
	if !bytes.Contains(runs, []byte("interrupted")) {
		t.Errorf("got %s", runs)
	}
}

// SIGKILL loses nothing that had finished.
func killedCheck(t *testing.T, binary string) {
	n := newNightly(t, binary, 3, 60)
	n.delay.Store(int64(50 * time.Millisecond))
	cmd := n.command(n.check()...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "passed" {
			seen[f[1]] = true
			if len(seen) == 12 {
				_ = cmd.Process.Kill()
			}
		}
	}
	_ = cmd.Wait()
	if _, err := os.Stat(filepath.Join(n.dir, "health.json")); err == nil {
		t.Error("a killed process has written a report")
	}
	kept, err := n.command("history", "--ndjson").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range seen {
		if !bytes.Contains(kept, []byte(`"name":"`+name+`"`)) {
			t.Errorf("%s had finished, and is lost", name)
		}
	}
	if len(seen) < 12 {
		t.Errorf("%d had finished", len(seen))
	}
	if runs, _ := n.command("history", "--runs").Output(); !bytes.Contains(runs, []byte("killed")) || bytes.Contains(runs, []byte("running")) {
		t.Errorf("before the next check: %s", runs)
	}
	n.delay.Store(int64(0))
	if out, err := n.command(n.check()...).CombinedOutput(); err != nil { // the lock is free, the file whole
		t.Errorf("the next check: %v\n%s", err, out)
	}
	runs, _ := n.command("history", "--runs").Output()
	if !bytes.Contains(runs, []byte("killed")) || !bytes.Contains(runs, []byte("finished")) {
		t.Errorf("got %s", runs)
	}
}

// A second check is told who is at work.
func lockedHistory(t *testing.T, binary string) {
	n := newNightly(t, binary, 1, 10)
	n.delay.Store(int64(100 * time.Millisecond))
	first := n.command(n.check()...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for n.requests.Load() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	out, _ := n.command("check", "--dir", "ws").CombinedOutput()
	if !strings.Contains(string(out), fmt.Sprintf("authspec, process %d on ", first.Process.Pid)) || !strings.Contains(string(out), "--history FILE puts it elsewhere") {
		t.Errorf("got %s", out)
	}
	if out, err := n.command("history").CombinedOutput(); err != nil { // reading disturbs nobody
		t.Errorf("%v %s", err, out)
	}
	if runs, _ := n.command("history", "--runs").Output(); !bytes.Contains(runs, []byte("running")) {
		t.Errorf("during the check: %s", runs)
	}
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
}

// Nothing that leaves the process, or that it leaves behind, holds a secret;
// nor do the arguments that ps shows.
func checkKeepsSecrets(t *testing.T, binary string) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	n := newNightly(t, binary, 2, 12)
	n.delay.Store(int64(20 * time.Millisecond))
	b, err := os.ReadFile(filepath.Join(n.dir, "credentials.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, "hidden", nightlySecret+"3")
	file := strings.Replace(string(b), "client_secret: env:SECRET_3}", `client_secret: "exec:sh -c 'sleep 0.3; cat hidden'"}`, 1)
	file = strings.Replace(file, "client_secret: env:SECRET_4}", "client_secret: file:hidden}", 1) // the wrong one
	n.write(t, "credentials.yaml", file)
	answer := nightlyAnswer(func(w http.ResponseWriter, r *http.Request, id string) bool {
		if id != "5" {
			return false
		}
		_ = r.ParseForm()
		w.Header().Set("X-Echo", r.Form.Encode())
		w.WriteHeader(500)
		fmt.Fprintf(w, `{"error":"%s","you_sent":%q}`, r.FormValue("client_secret"), r.Form.Encode())
		return true
	})
	n.answer.Store(&answer)

	var seen bytes.Buffer
	cmd := n.command(n.check("--verbose", "--report", "junit=health.xml")...)
	cmd.Stdout, cmd.Stderr = &seen, &seen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var processes bytes.Buffer
	go func() {
		defer close(done)
		for cmd.ProcessState == nil {
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, f := range files {
				args, _ := os.ReadFile(f)
				processes.Write(args)
				processes.WriteByte('\n')
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-t.Context().Done():
				return
			}
			if _, err := os.Stat(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); err != nil {
				return
			}
			if s, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)); bytes.Contains(s, []byte(") Z ")) {
				return
			}
		}
	}()
	<-done
	_ = cmd.Wait()
	if !bytes.Contains(processes.Bytes(), []byte("cat hidden")) {
		t.Error("the command was not seen at work")
	}
	for _, c := range n.report(t).Credentials {
		want := map[string]string{"cred-00004": "rejected", "cred-00005": "inconclusive"}[c.Name]
		if want == "" {
			want = "passed"
		}
		if c.Verdict != want {
			t.Errorf("%s: %s %s, want %s", c.Name, c.Verdict, c.Cause, want)
		}
	}
	left := map[string][]byte{"output": seen.Bytes(), "ps": processes.Bytes()}
	for _, args := range [][]string{{"history"}, {"history", "cred-00005"}, {"history", "--json"}, {"history", "--ndjson"}} {
		out, err := n.command(args...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		left[strings.Join(args, " ")] = out
	}
	files, _ := filepath.Glob(filepath.Join(n.dir, "*"))
	for _, f := range files {
		if name := filepath.Base(f); name != "secrets.env" && name != "hidden" && name != "ws" {
			left[name], _ = os.ReadFile(f)
		}
	}
	for name, b := range left {
		for _, secret := range []string{nightlySecret, "issued-token-of"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
	if len(left) < 9 {
		t.Errorf("looked at %d places only", len(left))
	}
}

// A night of ten thousand stays small; -short, and the race detector, check a
// few hundred.
func manyCredentials(t *testing.T, binary string) {
	credentials := 10_000
	if testing.Short() || raceEnabled {
		credentials = 500
	}
	n := newNightly(t, binary, 6, credentials)
	cmd := n.command(n.check("--concurrency", "32", "--per-provider", "8", "--only-problems", "--page", "status.html", "--metrics", "authspec.prom")...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int)
	go func() { peak <- mostMemory(cmd.Process.Pid) }()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%.2000s", err, out.String())
	}
	took := time.Since(began)
	r := n.report(t)
	if len(r.Credentials) != credentials || r.ExitCode != 0 {
		t.Errorf("%d results, exit code %d", len(r.Credentials), r.ExitCode)
	}
	if got := n.requests.Load(); got != int64(2*credentials) {
		t.Errorf("%d requests, want two for each credential", got)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	most := <-peak
	t.Logf("%d credentials in %s: %s of wall time and %s of CPU each, %d MiB at most", credentials, took.Round(time.Millisecond),
		(took / time.Duration(credentials)).Round(time.Microsecond), (cpu / time.Duration(credentials)).Round(time.Microsecond), most)
	if most > 300 {
		t.Errorf("%d MiB, want less than 300", most)
	}
}

// mostMemory watches a process until it ends, and returns the most memory it
// had, in MiB; 0 where nothing tells. What the system itself says of an ended
// child is no use: it counts the memory of the parent that started it.
func mostMemory(pid int) int {
	most := 0
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, found := strings.Cut(string(status), "VmHWM:")
		if err != nil || !found {
			return most >> 10
		}
		var kib int
		if _, err := fmt.Sscan(after, &kib); err == nil {
			most = max(most, kib)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
