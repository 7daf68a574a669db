//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
)

// A cell is a credential in a night: what goes wrong, what authspec has to make
// of it, and how many requests arrive at the server.
//
// What goes wrong is with the credential ("wrong secret", "unknown client",
// and "revoked", "limited", "locked" as authspec mock has such clients), or
// with the answer to its token request ("token: 503") or to a call with its
// token ("call: reset once").
type cell struct {
	fault, want string
	requests    int
}

// A nightRow is a credential, and three nights of it.
type nightRow struct {
	name, place string
	nights      [3]cell
}

var (
	ok1 = cell{"", "passed", 1}
	ok2 = cell{"", "passed", 2} // a token, and a call
	// Who comes first is tried and fails, all others are left alone.
	outage = cell{"token: 503", "outage", 0}
)

const (
	refused   = "rejected credential_rejected"
	suspected = refused + " suspected"
)

var nightRows = slices.Concat([]nightRow{
	// oidc-provider, whose refusals are those of the RFC; in the second night
	// it is down.
	{"standard-wrong", "standard", [3]cell{{"wrong secret", refused, 1}, outage, {"wrong secret", refused, 1}}},
	{"standard-unknown", "standard", [3]cell{{"unknown client", refused, 1}, outage, ok1}},
	{"standard-scope", "standard", [3]cell{{"", "rejected scope_missing", 1}, outage, {"", "rejected scope_missing", 1}}},
	{"standard-500", "standard", [3]cell{{"token: 500", "inconclusive provider_down", 1}, outage, ok1}},
	{"standard-hang", "standard", [3]cell{{"token: hang", "inconclusive timeout", 1}, outage, ok1}},
	{"standard-huge", "standard", [3]cell{{"token: huge", "inconclusive response_too_large", 1}, outage, ok1}},
	{"standard-page", "standard", [3]cell{{"token: page", "inconclusive not_an_api_answer", 1}, outage, ok1}},
	{"standard-redirect", "standard", [3]cell{{"token: redirect", "inconclusive redirected", 1}, outage, ok1}},
	{"standard-strange", "standard", [3]cell{{"token: strange 401", suspected, 1}, outage, {"token: strange 401", refused, 1}}},
	{"standard-renamed", "standard", [3]cell{{"token: rename access_token", "inconclusive not_proven drifted", 1}, outage, ok1}},
	{"standard-drift", "standard", [3]cell{{"token: rename expires_in", "passed drifted", 1}, outage, ok1}},
	{"standard-later", "standard", [3]cell{{"token: 429 retry-after once", "passed", 2}, outage, ok1}},
}, healthy("standard", 28, [3]cell{ok1, outage, ok1}), []nightRow{
	// The same server, with the secret in the form. Accounts lock here.
	{"post-mended", "standard-post", [3]cell{{"wrong secret", refused, 1}, {"wrong secret", refused, 1}, ok1}},
	{"post-locked", "standard-post", [3]cell{{"wrong secret", refused, 1}, {"wrong secret", "rejected locked_out", 1}, {"wrong secret", "rejected locked_out", 1}}},
	{"post-silent", "standard-post", [3]cell{{"token: reset", "inconclusive network_tcp", 1}, {"token: hang", "inconclusive timeout", 1}, ok1}},
	{"post-limited", "standard-post", [3]cell{ok1, {"token: 429 retry-after", "inconclusive rate_limited", 3}, ok1}},

	// @node-oauth/oauth2-server.
	{"antsomi-fine", "antsomi", [3]cell{ok1, ok1, ok1}},
	{"antsomi-wrong", "antsomi", [3]cell{{"wrong secret", suspected, 1}, {"wrong secret", refused, 1}, {"wrong secret", refused, 1}}},
	{"antsomi-absolved", "antsomi", [3]cell{{"token: strange 401", suspected, 1}, ok1, ok1}},
	{"antsomi-limited", "antsomi", [3]cell{{"token: 429", "inconclusive rate_limited", 1}, {"token: 429 retry-after once", "passed", 2}, ok1}},

	// authspec mock.
	{"mock-revoked", "antsomi-mock", [3]cell{{"revoked", suspected, 1}, {"revoked", refused, 1}, {"revoked", refused, 1}}},
	{"mock-narrow", "antsomi-mock", [3]cell{{"limited", "rejected scope_missing", 1}, {"limited", "rejected scope_missing", 1}, ok1}},
	{"mock-locked", "antsomi-mock", [3]cell{{"locked", suspected, 1}, ok1, ok1}},
	{"mock-huge", "antsomi-mock", [3]cell{ok1, {"token: huge", "inconclusive response_too_large", 1}, ok1}},

	{"ankorstore-down", "ankorstore", [3]cell{{"token: 503", "inconclusive provider_down", 1}, {"call: reset once", "passed", 3}, ok2}},
	{"ankorstore-odd", "ankorstore", [3]cell{{"call: strange 401", suspected, 2}, ok2, ok2}},
	{"ankorstore-page", "ankorstore", [3]cell{{"token: page", "inconclusive not_an_api_answer", 1}, {"call: page", "inconclusive not_an_api_answer", 2}, ok2}},
	{"ankorstore-drift", "ankorstore", [3]cell{{"token: rename expires_in", "passed drifted", 2}, ok2, ok2}},

	// It was accepted and refused by turns in two checks before.
	{"gigastore-flapping", "gigastore", [3]cell{ok2, {"revoked", suspected + " flapping", 1}, {"", "passed flapping", 2}}},
	{"gigastore-cut", "gigastore", [3]cell{{"token: cut", "inconclusive network_tcp", 1}, {"token: 502", "inconclusive provider_down", 1}, ok2}},
	{"gigastore-redirected", "gigastore", [3]cell{ok2, {"call: redirect", "inconclusive redirected", 2}, ok2}},
	{"gigastore-later", "gigastore", [3]cell{{"token: 429 retry-after once", "passed", 3}, {"call: reset", "inconclusive network_tcp", 3}, ok2}},
})

// The alerts of each night, each told once.
var nightAlerts = [3][]string{
	{
		"contract_broken ankorstore",
		"contract_broken standard",
		"credential_rejected mock-narrow",
		"credential_rejected post-locked",
		"credential_rejected post-mended",
		"credential_rejected standard-scope",
		"credential_rejected standard-unknown",
		"credential_rejected standard-wrong",
	}, {
		"contract_kept ankorstore",
		"credential_flapping gigastore-flapping",
		"credential_rejected antsomi-wrong",
		"credential_rejected mock-revoked",
		"credential_rejected post-locked", // for another cause
		"credential_unknown ankorstore-page",
		"credential_unknown gigastore-cut",
		"credential_unknown post-silent",
		"provider_failing standard (40)",
	}, {
		"contract_kept standard",
		"credential_recovered ankorstore-page",
		"credential_recovered gigastore-cut",
		"credential_recovered mock-narrow",
		"credential_recovered post-mended",
		"credential_recovered post-silent",
		"credential_recovered standard-unknown",
		"credential_rejected standard-strange", // seen again; the outage in between said nothing
		"provider_recovered standard",
	},
}

// Scopes that a credential needs, where they are not the provider's default.
var nightScopes = map[string]string{"standard-scope": "api:read, api:admin", "mock-narrow": "item"}

// Accounts that lock after three bad attempts, and how many were made before.
var nightLocks = map[string]int{"post-mended": 0, "post-locked": 2}

const locksAfter = 3

func healthy(place string, n int, nights [3]cell) []nightRow {
	rows := make([]nightRow, n)
	for i := range rows {
		rows[i] = nightRow{fmt.Sprintf("%s-%02d", place, i+1), place, nights}
	}
	return rows
}

const (
	planted    = "plant3d-s3cret-" // all secrets begin so
	nightHook  = planted + "of-the-hook"
	hookKey    = planted + "signs-alerts"
	hangs      = 4 * time.Second // --timeout
	nightLimit = 2 * time.Minute // of one check; an outage alone takes half a minute
)

// An account is a credential as the proxies see it.
type account struct {
	name             string
	clientID, secret string // as authspec has them, if nothing is wrong
	fault            string
	requests         int // that arrived, in all
	faults           int // played
	bad              int // attempts with a wrong secret
	locks            bool
}

// A stage is sixty credentials, their six places behind proxies, and who is
// told of what a check finds out.
type stage struct {
	dir    string
	hook   *httptest.Server
	fronts map[string]*front // by place

	mu       sync.Mutex
	accounts map[string]*account // by name
	issued   map[string]*account // by token
	delay    time.Duration
	alerts   []string
	told     bytes.Buffer // all that the hook got
	strange  []string     // what should not have arrived
	busy     sync.WaitGroup
}

// A front is the proxy before a place.
type front struct {
	*stage
	server *httptest.Server
	behind string        // base URL, under mu
	mock   *mockEndpoint // nil: a real server, which knows the clients by their own names
}

// A mockEndpoint is what authspec mock says of a provider.
type mockEndpoint struct {
	ID          string
	BaseURL     string `json:"base_url"`
	Credentials map[string]string
	Special     map[string]map[string]string
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.busy.Add(1)
	defer f.busy.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked was killed
	}
	a, call := f.identify(r, body)
	f.mu.Lock()
	if a == nil {
		f.strange = append(f.strange, fmt.Sprintf("%s %s from nobody that is known", r.Method, r.URL))
		f.mu.Unlock()
		w.WriteHeader(http.StatusTeapot)
		return
	}
	a.requests++
	delay, locked := f.delay, a.locks && a.bad >= locksAfter
	fault := ""
	if on, what, found := strings.Cut(a.fault, ": "); found && on == call {
		fault = what
		a.faults++
		if once, found := strings.CutSuffix(what, " once"); found {
			fault = once
			if a.faults > 1 {
				fault = ""
			}
		}
	}
	special := a.fault
	f.mu.Unlock()
	time.Sleep(delay)
	switch field, renamed := strings.CutPrefix(fault, "rename "); {
	case locked:
		answer(w, http.StatusForbidden, `{"error":"account_locked"}`)
	case renamed:
		f.forward(w, r, body, a, special, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"`+field+`"`), []byte(`"the_`+field+`"`))
		})
	case fault != "":
		play(w, r, body, fault)
	default:
		f.forward(w, r, body, a, special, nil)
	}
}

// identify tells whose request it is: by the client ID, or by whom the token
// was issued to.
func (f *front) identify(r *http.Request, body []byte) (a *account, call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		return f.issued[token], "call"
	}
	id, _, basic := r.BasicAuth()
	if !basic {
		form, _ := url.ParseQuery(string(body))
		id = form.Get("client_id")
	}
	name, _ := strings.CutPrefix(id, "id-of-")
	name, _ = strings.CutPrefix(name, "nobody-like-")
	return f.accounts[name], "token"
}

// forward asks the server behind, and remembers whom it issued a token to.
func (f *front) forward(w http.ResponseWriter, r *http.Request, body []byte, a *account, special string, change func([]byte) []byte) {
	f.mu.Lock()
	to := f.behind + r.URL.RequestURI()
	f.mu.Unlock()
	header := r.Header.Clone()
	if f.mock != nil {
		header, body = f.mock.introduce(a, special, header, body)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header = header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		if r.Context().Err() == nil {
			f.mu.Lock()
			f.strange = append(f.strange, fmt.Sprintf("the server of %s: %v", a.name, err))
			f.mu.Unlock()
		}
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var told struct {
		Standard string `json:"access_token"`
		Own      string `json:"accessToken"`
	}
	_ = json.Unmarshal(content, &told) // a refusal may be anything
	f.mu.Lock()
	if token := told.Standard + told.Own; token != "" {
		if other := f.issued[token]; other != nil {
			f.strange = append(f.strange, fmt.Sprintf("%s and %s were issued the same token", a.name, other.name))
		}
		f.issued[token] = a
	} else if resp.StatusCode >= 400 && r.Method == http.MethodPost {
		a.bad++
	}
	f.mu.Unlock()
	if change != nil {
		content = change(content)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(content)
}

// introduce puts a client of authspec mock, which has but few, in the place of
// one of ours. A wrong secret stays wrong.
func (m *mockEndpoint) introduce(a *account, special string, header http.Header, body []byte) (http.Header, []byte) {
	creds := m.Credentials
	if s, ok := m.Special[special]; ok {
		creds = s
	}
	swap := func(value string) string {
		switch value {
		case a.clientID:
			return creds["client_id"]
		case a.secret:
			return creds["client_secret"]
		}
		return value
	}
	if id, secret, ok := (&http.Request{Header: header}).BasicAuth(); ok {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(swap(id)+":"+swap(secret))))
		return header, body
	}
	if header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		form, _ := url.ParseQuery(string(body))
		for _, values := range form {
			for i := range values {
				values[i] = swap(values[i])
			}
		}
		body = []byte(form.Encode())
	}
	return header, body
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// play plays a fault. Where there is something to say it repeats what it was
// sent, as some servers do.
func play(w http.ResponseWriter, r *http.Request, body []byte, fault string) {
	sent := string(body) + " " + r.Header.Get("Authorization")
	switch fault {
	case "500", "502", "503", "429":
		status, _ := strconv.Atoi(fault)
		answer(w, status, fmt.Sprintf(`{"message":"a fault of mine, with %s"}`, url.QueryEscape(sent)))
	case "429 retry-after":
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, `{"message":"later"}`)
	case "strange 401":
		w.Header().Set("X-You-Sent", strings.ReplaceAll(sent, "\n", " "))
		answer(w, http.StatusUnauthorized, fmt.Sprintf(`["go away",%q]`, sent))
	case "page":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>Sign in</title><form><input name=password><!-- %s -->", sent)
	case "redirect":
		http.Redirect(w, r, "/login?"+url.Values{"of": {sent}}.Encode(), http.StatusFound)
	case "huge":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.CopyN(w, forever('x'), providers.MaxBody+1)
	case "cut":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"accessToken":"half of`)
		panic(http.ErrAbortHandler)
	case "reset":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	case "hang":
		<-r.Context().Done()
	default:
		panic("no such fault: " + fault)
	}
}

type forever byte

func (f forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

// hear takes an alert, if it is signed as Standard Webhooks has it.
func (s *stage) hear(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.Write(body)
	fmt.Fprint(&s.told, r.Header)
	id, at := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	mac := hmac.New(sha256.New, []byte(hookKey))
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	seconds, err := strconv.ParseInt(at, 10, 64)
	var a struct {
		ID, Kind   string
		Credential *struct{ Name string }
		Provider   *struct{ ID string }
		Concerned  int
	}
	switch {
	case r.URL.Path != "/"+nightHook:
		s.strange = append(s.strange, "an alert to "+r.URL.Path)
	case err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute,
		r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)):
		s.strange = append(s.strange, "an alert that is not signed")
	case json.Unmarshal(body, &a) != nil || a.ID != id:
		s.strange = append(s.strange, "not an alert: "+string(body))
	default:
		told := a.Kind
		if a.Credential != nil {
			told += " " + a.Credential.Name
		}
		if a.Provider != nil {
			told += " " + a.Provider.ID
		}
		if a.Concerned > 0 {
			told += fmt.Sprintf(" (%d)", a.Concerned)
		}
		s.alerts = append(s.alerts, told)
	}
}

// heard returns the alerts since it was last called.
func (s *stage) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	alerts := append([]string{}, s.alerts...)
	s.alerts = nil
	slices.Sort(alerts)
	return alerts
}

// newStage starts servers, proxies and hook, and writes what authspec check
// reads.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir(), fronts: map[string]*front{}, accounts: map[string]*account{}, issued: map[string]*account{}}
	s.hook = httptest.NewServer(http.HandlerFunc(s.hear))
	t.Cleanup(s.hook.Close)
	for _, row := range nightRows {
		bad, locks := nightLocks[row.name]
		a := &account{name: row.name, clientID: "id-of-" + row.name, secret: planted + "of-" + row.name, bad: bad, locks: locks}
		s.accounts[row.name] = a
		if s.fronts[row.place] == nil {
			f := &front{stage: s}
			f.server = httptest.NewServer(f)
			t.Cleanup(f.server.Close)
			s.fronts[row.place] = f
		}
	}
	for _, e := range serveMock(t) {
		place := e.ID
		if place == "antsomi" {
			place = "antsomi-mock"
		}
		s.fronts[place].behind, s.fronts[place].mock = e.BaseURL, &e
	}
	if len(s.fronts) != 6 || len(nightRows) != 60 {
		t.Fatalf("%d places, %d credentials", len(s.fronts), len(nightRows))
	}

	var file strings.Builder
	file.WriteString("env_files: [secrets.env]\ncredentials:\n")
	for i, row := range nightRows {
		fmt.Fprintf(&file, "  - name: %s\n    provider: %s\n    owner: team-%d@example.com\n    base_url: %s\n    values: {client_id: env:ID_%d, client_secret: env:SECRET_%d}\n",
			row.name, strings.TrimSuffix(row.place, "-mock"), i%3, s.fronts[row.place].server.URL, i, i)
		if scopes := nightScopes[row.name]; scopes != "" {
			fmt.Fprintf(&file, "    scopes: [%q]\n", strings.ReplaceAll(scopes, ", ", `", "`))
		}
	}
	file.WriteString("alerts:\n  channels:\n    ops: {webhook: env:HOOK, secret: env:HOOK_SECRET}\n  default: [ops]\n")
	s.write(t, "credentials.yaml", strings.ReplaceAll(file.String(), `\"`, `"`))
	s.writeWorkspace(t)
	return s
}

// open starts the real servers, which last for a night: serve has no more
// patience.
func (s *stage) open(t *testing.T) {
	t.Helper()
	var standard, antsomi []any // clients
	for _, row := range nightRows {
		a := s.accounts[row.name]
		client := map[string]any{"client_id": a.clientID, "client_secret": a.secret}
		switch row.place {
		case "standard":
			client["token_endpoint_auth_method"], client["scope"] = "client_secret_basic", "api:read api:write"
			standard = append(standard, client)
		case "standard-post":
			client["token_endpoint_auth_method"], client["scope"] = "client_secret_post", "api:read api:write"
			standard = append(standard, client)
		case "antsomi":
			antsomi = append(antsomi, client)
		}
	}
	oidc := serve(t, "standard.mjs", map[string]any{"clients": standard})
	node := serve(t, "antsomi.mjs", map[string]any{"clients": antsomi})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fronts["standard"].behind, s.fronts["standard-post"].behind, s.fronts["antsomi"].behind = oidc.base, oidc.base, node.base
}

// serveMock starts authspec mock.
func serveMock(t *testing.T) []mockEndpoint {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.CommandContext(ctx, authspec, "mock", "antsomi", "ankorstore", "gigastore", "--prefix", "--json", "--ready-file", ready)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if strings.Contains(stderr.String(), "DATA RACE") {
			t.Errorf("authspec mock: %s", stderr.String())
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		content, err := os.ReadFile(ready)
		var is struct{ Providers []mockEndpoint }
		if err == nil && json.Unmarshal(content, &is) == nil {
			return is.Providers
		}
		if time.Now().After(deadline) {
			t.Fatal("authspec mock did not start")
		}
	}
}

func (s *stage) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeWorkspace writes the providers of testdata/workspace: Standard Post with
// a scenario for checks, and with an error of its own.
func (s *stage) writeWorkspace(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(s.dir, "ws"), os.DirFS("testdata/workspace")); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"ws/features/standard-post.feature": {"  Scenario: Scopes are granted as requested", "  @health\n  Scenario: Scopes are granted as requested"},
		"ws/providers/standard-post.yaml":   {"undocumented:", "health: {errors: {account_locked: locked_out}}\n\nundocumented:"},
	} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || strings.Count(string(content), change[0]) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		s.write(t, name, strings.Replace(string(content), change[0], change[1], 1))
	}
}

func wrongSecret(name string) string { return planted + "that-is-wrong-" + name }

// script says what goes wrong from now on, by credential, and forgets what has
// arrived.
func (s *stage) script(t *testing.T, fault func(row nightRow) string) {
	t.Helper()
	s.busy.Wait()
	env := fmt.Sprintf("HOOK=%s/%s\nHOOK_SECRET=%s\n", s.hook.URL, nightHook, hookKey)
	s.mu.Lock()
	for i, row := range nightRows {
		a := s.accounts[row.name]
		a.fault, a.requests, a.faults = fault(row), 0, 0
		id, secret := a.clientID, a.secret
		switch a.fault {
		case "wrong secret":
			secret = wrongSecret(row.name)
		case "unknown client":
			id = "nobody-like-" + row.name
		}
		env += fmt.Sprintf("ID_%d=%s\nSECRET_%d=%s\n", i, id, i, secret)
	}
	s.mu.Unlock()
	s.write(t, "secrets.env", env)
}

// in is the stage in a copy of its folder, so that a night may take place
// twice.
func (s *stage) in(t *testing.T) (back func()) {
	t.Helper()
	was := s.dir
	s.dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(s.dir, os.DirFS(was)); err != nil {
		t.Fatal(err)
	}
	return func() { s.dir = was }
}

// A checked night is what authspec check has left behind.
type checked struct {
	code           int
	signaled       bool
	stdout, stderr string
	printed        []string // credentials whose line was printed
	report         struct {
		Interrupted bool
		Selected    int
		Credentials []nightResult
	}
}

type nightResult struct {
	Name, Verdict, Cause string
	Confirmed, Flapping  bool
	Requests             int
	Drift                []struct{ Verdict string }
}

func (r *nightResult) String() string {
	s := strings.TrimSpace(r.Verdict + " " + r.Cause)
	if !r.Confirmed {
		s += " suspected"
	}
	if r.Flapping {
		s += " flapping"
	}
	for _, d := range r.Drift {
		s += " " + d.Verdict
	}
	return s
}

// check runs authspec check. After so many lines it gets the signal; nil: none.
func (s *stage) check(t *testing.T, signal os.Signal, after int, args ...string) *checked {
	t.Helper()
	_ = os.Remove(filepath.Join(s.dir, "health.json"))
	ctx, cancel := context.WithTimeout(t.Context(), nightLimit)
	defer cancel()
	args = append([]string{
		"check", "--dir", "ws", "--jitter", "0", "--budget", "100", "--timeout", hangs.String(), "--verbose",
		"--report", "json=health.json", "--report", "junit=health.xml", "--page", "status.html", "--metrics", "authspec.prom",
	}, args...)
	cmd := exec.CommandContext(ctx, authspec, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &checked{}
	var out strings.Builder
	verdicts := []string{"passed", "rejected", "inconclusive", "skipped", "invalid"}
	lines := bufio.NewReader(stdout)
	for err == nil {
		var line string
		line, err = lines.ReadString('\n')
		out.WriteString(line)
		if words := strings.Fields(line); len(words) > 1 && slices.Contains(verdicts, words[0]) && s.accounts[words[1]] != nil {
			c.printed = append(c.printed, words[1])
			if signal != nil && len(c.printed) == after {
				_ = cmd.Process.Signal(signal)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), stderr.String())
	}
	c.code, c.stdout, c.stderr = cmd.ProcessState.ExitCode(), out.String(), stderr.String()
	c.signaled = cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled()
	if strings.Contains(c.stderr, "DATA RACE") {
		t.Errorf("data race:\n%s", c.stderr)
	}
	if content, err := os.ReadFile(filepath.Join(s.dir, "health.json")); err == nil {
		if err := json.Unmarshal(content, &c.report); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// holds compares a whole night with the table.
func (s *stage) holds(t *testing.T, c *checked, night int) {
	t.Helper()
	got, want := map[string]string{}, map[string]string{}
	byName := map[string]*nightResult{}
	for i := range c.report.Credentials {
		byName[c.report.Credentials[i].Name] = &c.report.Credentials[i]
	}
	tried := map[string]int{} // of those in an outage
	s.busy.Wait()
	s.mu.Lock()
	for _, row := range nightRows {
		want[row.name] = fmt.Sprintf("%s, %d requests", row.nights[night].want, row.nights[night].requests)
		r, arrived := byName[row.name], s.accounts[row.name].requests
		if r == nil {
			continue
		}
		got[row.name] = fmt.Sprintf("%s, %d requests", r, arrived)
		if r.Requests != arrived {
			got[row.name] += fmt.Sprintf(", of which it knows %d", r.Requests)
		}
		if row.nights[night].want != "outage" {
			continue
		}
		// Which ones come first is left to chance.
		delete(want, row.name)
		tried[got[row.name]]++
		delete(got, row.name)
	}
	strange := s.strange
	s.strange = nil
	s.mu.Unlock()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("night %d (-want +got):\n%s", night+1, diff)
	}
	if len(tried) > 0 {
		// Five in a row, and one more after half a minute.
		want := map[string]int{"inconclusive provider_down, 1 requests": 6, "skipped breaker_open, 0 requests": 34}
		if diff := cmp.Diff(want, tried); diff != "" {
			t.Errorf("night %d, the outage (-want +got):\n%s", night+1, diff)
		}
	}
	if diff := cmp.Diff(nightAlerts[night], s.heard()); diff != "" {
		t.Errorf("night %d, alerts (-want +got):\n%s", night+1, diff)
	}
	if c.code != check.ExitBroken || c.report.Selected != 60 || c.report.Interrupted || len(c.printed) != 60 {
		t.Errorf("night %d: exit code %d, %d credentials, interrupted %v, %d lines", night+1, c.code, c.report.Selected, c.report.Interrupted, len(c.printed))
	}
	if len(strange) > 0 {
		t.Errorf("night %d: %q", night+1, strange)
	}
	s.holdsNoSecret(t, c)
	if t.Failed() {
		t.Logf("night %d:\n%s%s", night+1, c.stdout, c.stderr)
	}
}

// holdsNoSecret looks at all that a check has printed, written and sent.
func (s *stage) holdsNoSecret(t *testing.T, c *checked) {
	t.Helper()
	s.mu.Lock()
	erase := redact.New()
	for _, a := range s.accounts {
		erase.Add("secret", a.secret)
		erase.Add("wrong secret", wrongSecret(a.name))
	}
	for token := range s.issued {
		erase.Add("token", token)
	}
	left := map[string][]byte{"alerts": bytes.Clone(s.told.Bytes())}
	s.mu.Unlock()
	left["standard output"], left["standard error"] = []byte(c.stdout), []byte(c.stderr)
	left["history --ndjson"] = s.history(t, "--ndjson")
	left["history"] = s.history(t)
	for _, name := range []string{"health.json", "health.xml", "status.html", "authspec.prom"} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || len(content) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		left[name] = content
	}
	env, _ := os.ReadFile(filepath.Join(s.dir, "secrets.env"))
	if _, found := erase.Leak(env); !found || len(s.issued) == 0 {
		t.Error("there is nothing to find: this shows nothing")
	}
	for name, content := range left {
		if what, found := erase.Leak(content); found {
			t.Errorf("%s holds a %s", name, what)
		}
	}
	// The database as it lies on the disk, and whatever else is there.
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) < 7 {
		t.Errorf("files: %q, %v", files, err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "secrets.env" && name != "ws" {
			left[name], _ = os.ReadFile(file)
		}
	}
	for name, content := range left {
		if i := bytes.Index(content, []byte(planted)); i >= 0 {
			t.Errorf("%s holds a secret: %s", name, content[max(0, i-200):min(len(content), i+60)])
		}
		s.mu.Lock()
		for token := range s.issued {
			if bytes.Contains(content, []byte(token)) {
				t.Errorf("%s holds a token", name)
			}
		}
		s.mu.Unlock()
	}
}

func (s *stage) history(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(authspec, append([]string{"history"}, args...)...)
	cmd.Dir, cmd.Env = s.dir, []string{"HOME=" + t.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("authspec history %q: %v", args, err)
	}
	return out
}

// remembered counts the results in the history, by credential.
func (s *stage) remembered(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for line := range bytes.Lines(s.history(t, "--ndjson")) {
		var entry struct{ Name string }
		if err := json.Unmarshal(line, &entry); err != nil || entry.Name == "" {
			t.Fatalf("%s: %v", line, err)
		}
		counts[entry.Name]++
	}
	return counts
}

// Sixty credentials on six simulated and real providers, through three nights
// in which servers do whatever servers do.
func TestNightsOfSixtyCredentials(t *testing.T) {
	s := newStage(t)
	scripted := func(night int) func(nightRow) string {
		return func(row nightRow) string { return row.nights[night].fault }
	}

	// By hand, in the evening: one is accepted, then refused.
	const flapping = "gigastore-flapping"
	for i, evening := range []struct {
		fault, want string
		code        int
	}{{"", "passed", check.ExitOK}, {"revoked", suspected, check.ExitBroken}} {
		s.script(t, func(nightRow) string { return evening.fault })
		c := s.check(t, nil, 0, flapping)
		if len(c.report.Credentials) != 1 || c.report.Credentials[0].String() != evening.want || c.code != evening.code || len(s.heard()) > 0 {
			t.Fatalf("evening %d: exit code %d, %v\n%s%s", i+1, c.code, c.report.Credentials, c.stdout, c.stderr)
		}
	}

	for night := range 2 {
		t.Run(fmt.Sprintf("night %d", night+1), func(t *testing.T) {
			s.open(t)
			s.script(t, scripted(night))
			s.holds(t, s.check(t, nil, 0), night)
		})
	}
	// Two nights with a bad secret are two bad attempts: no lockout.
	s.mu.Lock()
	bad := s.accounts["post-mended"].bad
	s.mu.Unlock()
	if bad != 2 {
		t.Errorf("%d bad attempts in two nights, want 2", bad)
	}

	for state, signal := range map[string]os.Signal{"interrupted": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(state, func(t *testing.T) {
			defer s.in(t)()
			s.open(t)
			s.interrupted(t, signal, scripted(2))
			s.script(t, scripted(2))
			s.holds(t, s.check(t, nil, 0), 2)
			if runs := string(s.history(t, "--runs")); strings.Count(runs, state) != 1 || strings.Contains(runs, "running") {
				t.Errorf("want one check that was %s, got\n%s", state, runs)
			}
		})
	}
	t.Run("deferred", func(t *testing.T) {
		defer s.in(t)()
		s.deferred(t)
	})
}

// interrupted interrupts a night: what has finished is kept, and nobody is
// told.
func (s *stage) interrupted(t *testing.T, signal os.Signal, fault func(nightRow) string) {
	t.Helper()
	before := s.remembered(t)
	s.script(t, fault)
	s.setDelay(150 * time.Millisecond)
	c := s.check(t, signal, 12)
	s.setDelay(0)
	kept := s.remembered(t)
	for name, n := range before {
		if kept[name] -= n; kept[name] == 0 {
			delete(kept, name)
		}
	}
	for _, name := range c.printed {
		if kept[name] != 1 {
			t.Errorf("%s had finished, and the history has %d results of it", name, kept[name])
		}
	}
	if alerts := s.heard(); len(alerts) > 0 {
		t.Errorf("it told %q", alerts)
	}
	if len(c.printed) < 12 || len(c.printed) > 40 {
		t.Errorf("%d lines were printed: that is no interruption", len(c.printed))
	}
	if signal == syscall.SIGKILL {
		if !c.signaled || len(c.report.Credentials) > 0 {
			t.Errorf("it was not killed: exit code %d", c.code)
		}
	} else {
		var reported []string
		for _, r := range c.report.Credentials {
			reported = append(reported, r.Name)
		}
		slices.Sort(reported)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(kept)), reported); diff != "" {
			t.Errorf("the report has not what the history has (-history +report):\n%s", diff)
		}
		if c.code != check.ExitInterrupted || !c.report.Interrupted {
			t.Errorf("exit code %d, interrupted %v", c.code, c.report.Interrupted)
		}
		s.holdsNoSecret(t, c)
	}
	if t.Failed() {
		t.Logf("%s%s", c.stdout, c.stderr)
	}
}

// deferred checks a provider once more, whose limit the nights before have used
// up: a twentieth of sixty an hour.
func (s *stage) deferred(t *testing.T) {
	t.Helper()
	s.script(t, func(nightRow) string { return "" })
	args := []string{"--budget", "5", "--deadline", "5m"}
	for _, row := range nightRows {
		if row.place == "ankorstore" {
			args = append(args, row.name)
		}
	}
	c := s.check(t, nil, 0, args...)
	for i := range c.report.Credentials {
		r := &c.report.Credentials[i]
		if n := s.accounts[r.Name].requests; r.String() != "skipped deferred" || n > 0 {
			t.Errorf("%s: %s, %d requests", r.Name, r, n)
		}
	}
	if alerts := s.heard(); len(c.report.Credentials) != 4 || c.code != check.ExitNothingRan || len(alerts) > 0 {
		t.Errorf("%d credentials, exit code %d, alerts %q\n%s%s", len(c.report.Credentials), c.code, alerts, c.stdout, c.stderr)
	}
}

func (s *stage) setDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}
