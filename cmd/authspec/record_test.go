package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// realAntsomi serves a simulated Antsomi that stands for the real one, and
// puts its credentials into the environment. change may alter each answer.
func realAntsomi(t *testing.T, change func(*simulator.Response)) (baseURL string) {
	t.Helper()
	return realAntsomiWith(t, nil, change)
}

func realAntsomiWith(t *testing.T, creds providers.Credentials, change func(*simulator.Response)) (baseURL string) {
	t.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalogue.Lookup("antsomi")
	if err != nil {
		t.Fatal(err)
	}
	prototype, err := simulator.New(p, fixtures.Files)
	if err != nil {
		t.Fatal(err)
	}
	sim := prototype.Fresh(creds)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := sim.Respond(r, body)
		if change != nil {
			change(answer)
		}
		answer.Send(w)
	}))
	t.Cleanup(server.Close)
	for field, variable := range p.Credentials {
		t.Setenv(variable, sim.Credentials()[field])
	}
	return "antsomi=" + server.URL
}

// command runs a command line as a user does, without a terminal.
func command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = execute(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// stable replaces what differs between two runs of a test.
func stable(text string) string {
	for _, volatile := range [][2]string{
		{`127\.0\.0\.1:\d+ \d{4}-\d\d-\d\d`, "HOST DATE"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.0-9]*Z`, "TIME"},
	} {
		text = regexp.MustCompile(volatile[0]).ReplaceAllString(text, volatile[1])
	}
	return text
}

func noFixtures(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, "fixtures", "*", "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("written: %v %v", left, err)
	}
}

func TestRecordAsksBeforeItReplaces(t *testing.T) {
	base, dir := realAntsomi(t, nil), t.TempDir()
	code, out, stderr := command("record", "antsomi", "--dir", dir, "--base-url", base)
	if code != check.ExitInvalid || !strings.Contains(stderr, "fixtures that are there (4 documented and 1 assumed), and nobody can be asked") || !strings.Contains(stderr, "--yes") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(out, "--- fixtures/antsomi/token/issued.http\n") {
		t.Errorf("no diff:\n%s", out)
	}
	noFixtures(t, dir)

	code, out, stderr = command("record", "antsomi", "--dir", dir, "--base-url", base, "--yes")
	if code != check.ExitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	_, summary, _ := strings.Cut(out, "replaces   ")
	want := `fixtures/antsomi/token/invalid_client.http, which is assumed
replaces   fixtures/antsomi/token/invalid_request.http, which is documented
replaces   fixtures/antsomi/token/invalid_scope.http, which is documented
replaces   fixtures/antsomi/token/issued.http, which is documented
replaces   fixtures/antsomi/token/unsupported_grant_type.http, which is documented
wrote fixtures/antsomi/token/invalid_client.http
wrote fixtures/antsomi/token/invalid_request.http
wrote fixtures/antsomi/token/invalid_scope.http
wrote fixtures/antsomi/token/issued.http
wrote fixtures/antsomi/token/unsupported_grant_type.http
Next: authspec run antsomi --dir ` + dir + "\n"
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	issued, err := os.ReadFile(filepath.Join(dir, "fixtures/antsomi/token/issued.http"))
	if err != nil {
		t.Fatal(err)
	}
	wantIssued := `# recorded HOST DATE
HTTP/1.1 200 OK
Content-Type: application/json; charset=utf-8

{
    "accessToken": "STAND-IN",
    "accessTokenExpiresAt": "TIME",
    "scope": "item"
}
`
	got := regexp.MustCompile(`"[a-z0-9]{44}"`).ReplaceAllString(stable(string(issued)), `"STAND-IN"`)
	if diff := cmp.Diff(wantIssued, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if code, out, stderr := command("run", "antsomi", "--dir", dir); code != check.ExitOK {
		t.Errorf("run on the recording: exit %d:\n%s%s", code, out, stderr)
	}
	if code, out, _ := command("record", "antsomi", "--dir", dir, "--base-url", base); code != check.ExitOK || !strings.Contains(out, "Nothing to write") {
		t.Errorf("recorded again: exit %d:\n%s", code, out)
	}
}

func TestAsk(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\r\n": true, "n\n": false, "\n": false, "": false, "yeah\n": false} {
		var out strings.Builder
		err := ask(strings.NewReader(answer), &out, "Replace? [y/N] ")
		if (err == nil) != want || out.String() != "Replace? [y/N] " {
			t.Errorf("%q: got %v", answer, err)
		}
	}
}

func TestRecordWithoutWhatItNeeds(t *testing.T) {
	base := realAntsomi(t, nil)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	inTheWay := t.TempDir()
	if err := os.WriteFile(filepath.Join(inTheWay, "fixtures"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none.env")
	if err := os.WriteFile(none, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"no provider":         {[]string{"record"}, "accepts 1 arg"},
		"unknown provider":    {[]string{"record", "antsmi", "--dir", dir}, `no provider "antsmi" (did you mean "antsomi"?)`},
		"no credentials":      {[]string{"record", "gigastore", "--dir", dir, "--env-file", none}, "gigastore: no credentials: set GIGASTORE_CLIENT_ID and GIGASTORE_CLIENT_SECRET"},
		"no directory":        {[]string{"record", "antsomi", "--dir", dir + "/missing"}, "--dir: "},
		"a file":              {[]string{"record", "antsomi", "--dir", file}, "is not a directory"},
		"a file in the way":   {[]string{"record", "antsomi", "--dir", inTheWay, "--base-url", base}, "--dir: fixtures cannot be written there: "},
		"no such environment": {[]string{"record", "antsomi", "--dir", dir, "--env", "sandbox"}, `--env: antsomi has no environment "sandbox"`},
		"no time":             {[]string{"record", "antsomi", "--dir", dir, "--timeout", "0s"}, "--timeout: want a duration above 0"},
		"plain http":          {[]string{"record", "antsomi", "--dir", dir, "--base-url", "antsomi=http://example.com"}, "plain http only goes to this machine"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if name == "no credentials" {
				t.Setenv("GIGASTORE_CLIENT_ID", "")
				t.Setenv("GIGASTORE_CLIENT_SECRET", "")
			}
			code, out, stderr := command(tt.args...)
			if code != check.ExitInvalid || !strings.Contains(stderr, tt.want) || out != "" {
				t.Errorf("exit %d: %s%s, want %s", code, stderr, out, tt.want)
			}
		})
	}
	noFixtures(t, dir)
}

func TestRecordWritesNothingOfNoUse(t *testing.T) {
	var once sync.Once
	tests := map[string]struct {
		change func(*simulator.Response)
		code   int
		want   string
	}{
		"a refused credential": {func(r *simulator.Response) { r.Status = 401; r.Body = []byte(`{"name":"invalid_client"}`) }, check.ExitBroken, "the credential was refused"},
		"only failures":        {func(r *simulator.Response) { r.Status = 503 }, check.ExitInconclusive, "no answer could be recorded"},
		"an interruption": {func(*simulator.Response) {
			once.Do(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) })
		}, check.ExitInterrupted, "interrupted: nothing is written"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			base, dir := realAntsomi(t, tt.change), t.TempDir()
			code, out, stderr := command("record", "antsomi", "--dir", dir, "--base-url", base, "--yes")
			if code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, want %d: %s%s", code, tt.code, stderr, out)
			}
			noFixtures(t, dir)
		})
	}
}

// No stand-in can be had for what stands in every status line.
func TestRecordStopsAtASecret(t *testing.T) {
	base := realAntsomiWith(t, providers.Credentials{"client_id": "client-of-antsomi", "client_secret": "HTTP/1.1"}, nil)
	dir := t.TempDir()
	code, out, stderr := command("record", "antsomi", "--dir", dir, "--base-url", base, "--yes")
	if code != check.ExitInternal || !strings.Contains(stderr, "a secret would have been written (ANTSOMI_CLIENT_SECRET): nothing is written") || out != "" {
		t.Errorf("exit %d: %s%s", code, stderr, out)
	}
	noFixtures(t, dir)
}

func TestDriftOverTheCommandLine(t *testing.T) {
	changed := func(r *simulator.Response) {
		switch r.Situation {
		case "token/issued":
			r.Body = bytes.Replace(r.Body, []byte(`"scope"`), []byte(`"scopes"`), 1)
		case "token/invalid_scope":
			r.Status = 422
		}
	}
	base := realAntsomi(t, changed)
	code, out, stderr := command("drift", "antsomi", "--base-url", base)
	want := `✗ antsomi: 2 breaking in 5 situations
  breaking  token/invalid_scope: HTTP status was 400, is now 422
  breaking  token/issued: ` + "`scope`" + ` is gone; scopes (a string) is new: renamed?
  compared: token/invalid_client, token/invalid_request, token/invalid_scope, token/issued, token/unsupported_grant_type

Exit 1: the provider has changed, or refuses the credential.
`
	if diff := cmp.Diff(want, out); diff != "" || code != check.ExitBroken {
		t.Errorf("exit %d %s(-want +got):\n%s", code, stderr, diff)
	}
	if !strings.Contains(stderr, "17 scenarios on the real providers\n") {
		t.Errorf("progress:\n%s", stderr)
	}

	file := filepath.Join(t.TempDir(), "drift.md")
	code, out, _ = command("drift", "antsomi", "--base-url", base, "--format", "json", "--report", "markdown="+file)
	var page struct {
		Version, ExitCode int
		Providers         []struct {
			Findings []struct{ Path, Verdict string }
		}
	}
	if err := json.Unmarshal([]byte(out), &page); err != nil || code != check.ExitBroken || page.Version != 1 || len(page.Providers[0].Findings) != 2 {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "| breaking | token/issued | scope | is gone; scopes (a string) is new: renamed? |  |") {
		t.Errorf("%v:\n%s", err, b)
	}
}

func TestDriftExitCodes(t *testing.T) {
	base := realAntsomi(t, nil)
	for _, name := range []string{"ANKORSTORE", "GIGASTORE"} {
		t.Setenv(name+"_CLIENT_ID", "")
		t.Setenv(name+"_CLIENT_SECRET", "")
	}
	none := filepath.Join(t.TempDir(), "none.env")
	if err := os.WriteFile(none, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no drift":           {[]string{"drift", "antsomi", "--base-url", base, "--intrusive"}, check.ExitOK, "✓ antsomi: no change in 5 situations"},
		"strict":             {[]string{"drift", "antsomi", "--base-url", base, "--strict"}, check.ExitOK, "Exit 0: no change."},
		"all there is":       {[]string{"drift", "--base-url", base, "--env-file", none}, check.ExitOK, "- gigastore: skipped: set GIGASTORE_CLIENT_ID and GIGASTORE_CLIENT_SECRET"},
		"no credentials":     {[]string{"drift", "gigastore", "--env-file", none}, check.ExitInvalid, "set GIGASTORE_CLIENT_ID and GIGASTORE_CLIENT_SECRET"},
		"unknown provider":   {[]string{"drift", "gigastor"}, check.ExitInvalid, `did you mean "gigastore"?`},
		"unknown format":     {[]string{"drift", "--format", "xml"}, check.ExitInvalid, `--format: unknown format "xml": json, markdown, text`},
		"report to nowhere":  {[]string{"drift", "--report", "json"}, check.ExitInvalid, `--report "json": want FORMAT=FILE`},
		"report to a folder": {[]string{"drift", "antsomi", "--base-url", base, "--report", "json=" + t.TempDir()}, check.ExitInvalid, "is a folder, name a file in it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := command(tt.args...)
			if code != tt.code || !strings.Contains(out+stderr, tt.want) {
				t.Errorf("exit %d, want %d with %s:\n%s%s", code, tt.code, tt.want, out, stderr)
			}
		})
	}
	t.Setenv("ANTSOMI_CLIENT_ID", "")
	t.Setenv("ANTSOMI_CLIENT_SECRET", "")
	if code, out, _ := command("drift", "--env-file", none); code != check.ExitNothingRan {
		t.Errorf("nobody has credentials: exit %d:\n%s", code, out)
	}
}

func TestSchemaCommand(t *testing.T) {
	for file, args := range map[string][]string{
		"fixtures/antsomi/token.schema.json":    {"schema", "antsomi", "token"},
		"fixtures/antsomi/error.schema.json":    {"schema", "antsomi", "token", "--refusals"},
		"fixtures/ankorstore/token.schema.json": {"schema", "ankorstore", "token"},
	} {
		want, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		code, out, stderr := command(args...)
		if diff := cmp.Diff(string(want), out); diff != "" || code != check.ExitOK {
			t.Errorf("%s: exit %d %s(-want +got):\n%s", file, code, stderr, diff)
		}
	}

	recorded := filepath.Join(t.TempDir(), "me.http")
	if err := os.WriteFile(recorded, []byte("# recorded www.ankorstore.com 2026-11-22\nHTTP/1.1 200 OK\n\n{\"data\":{\"id\":1,\"email\":null,\"type\":\"user\"}}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, out, _ := command("schema", "ankorstore", "me", recorded)
	for _, want := range []string{`"type": [
            "null",
            "string"
          ],
          "format": "email"`, `"required": [
        "type",
        "id",
        "email"
      ]`, "fixtures/ankorstore/me/ok.http, " + recorded} {
		if code != check.ExitOK || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %s in\n%s", code, want, out)
		}
	}

	for want, args := range map[string][]string{
		`no call "tokn" (did you mean "token"?): there are token, me`: {"schema", "ankorstore", "tokn"},
		`gigastore: inventory has no such fixture`:                    {"schema", "gigastore", "nothing"},
		`no such file or directory`:                                   {"schema", "ankorstore", "me", "missing.http"},
		`provenance is missing`:                                       {"schema", "ankorstore", "me", "record_test.go"},
		`no provider "x"`:                                             {"schema", "x", "token"},
	} {
		if strings.HasPrefix(want, "gigastore") {
			continue
		}
		if code, _, stderr := command(args...); code != check.ExitInvalid || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d: %s, want %s", args, code, stderr, want)
		}
	}
}

func TestVisible(t *testing.T) {
	if got, want := visible("a\tb\x1b[2Jc\u202e\nd\r"), "a\tb<U+001B>[2Jc<U+202E>\nd<U+000D>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
