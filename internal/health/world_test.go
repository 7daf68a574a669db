package health

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// The six providers of the tests. They differ in what they document, and in
// what their files say of health.
var testProviders = map[string]string{
	"acme":  tokenProvider("Acme", ""),
	"bravo": tokenProvider("Bravo", ""), // its refusals are assumed
	"cargo": tokenProvider("Cargo", "  token: {requests: 40, per: 1h}\n"),
	"delta": tokenProvider("Delta", "") + "health:\n  proof: [invalid_scope]\n  confirm: 1\n",
	"echo":  tokenProvider("Echo", "") + "health:\n  errors: {account_locked: locked_out, client_expired: expired, slow_down: rate_limited}\n  confirm: 3\n",
	"fox": `name: Fox
docs: https://docs.example.com
base_url: https://fox.example.com
credentials: {api_key: FOX_API_KEY}
auth: {scheme: header, header: X-Api-Key, error: error}
calls:
  account: {endpoint: GET /account}
undocumented: [account/insufficient_scope, account/rate_limited, account/expired_token]
`,
}

func tokenProvider(name, limits string) string {
	if limits != "" {
		limits = "limits:\n" + limits
	}
	upper := strings.ToUpper(name)
	return fmt.Sprintf(`name: %s
docs: https://docs.example.com
base_url: https://%s.example.com
credentials: {client_id: %s_ID, client_secret: %s_SECRET}
auth:
  scheme: client_credentials
  token: POST /token
  client_auth: form
  scopes: {default: [read], known: {read: reading, write: writing}}
  response: {access_token: access_token, token_type: token_type, expires_in: expires_in, scope: scope}
calls:
  me: {endpoint: GET /me}
  files: {endpoint: GET /files, scope: write}
undocumented: [token/invalid_request, token/invalid_grant, token/unauthorized_client, token/unsupported_grant_type, token/rate_limited, me/rate_limited, me/insufficient_scope, files/rate_limited]
%s`, name, strings.ToLower(name), upper, upper, limits)
}

const tokenFeature = `Feature: %[1]s access tokens

  @health
  Scenario: Valid credentials receive a token
    Given valid %[1]s credentials
    When I request an access token
    Then the response status is 200
    And the response body has:
      | token_type | "Bearer" |
    And an access token is issued

  @health
  Scenario: A token opens the account
    Given valid %[1]s credentials
    When I call "me"
    Then the response status is 200
    And the response body has:
      | id | an integer |

  @files
  Scenario: A token opens the files
    Given valid %[1]s credentials
    When I call "files"
    Then the response status is 200

  @proof
  Scenario: An unknown scope is refused
    Given valid %[1]s credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"

  @broken
  Scenario: What nobody wrote a sentence for
    Given valid %[1]s credentials
    When I dance
`

const keyFeature = `Feature: Fox keys

  @health
  Scenario: A key opens the account
    Given valid Fox credentials
    When I call "account"
    Then the response status is 200
    And the response body has:
      | id | an integer |
`

func fixture(provenance string, status int, body string) *fstest.MapFile {
	return &fstest.MapFile{Data: fmt.Appendf(nil, "# %s\nHTTP/1.1 %d X\nContent-Type: application/json\n\n%s", provenance, status, body)}
}

// testWorkspace is the workspace of the six providers.
func testWorkspace(t testing.TB) *runner.Workspace {
	t.Helper()
	files, features, fixtures := fstest.MapFS{}, fstest.MapFS{}, fstest.MapFS{}
	const documented = "documented https://docs.example.com 2026-11-21"
	for id, text := range testProviders {
		files[id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
		refusal := documented
		if id == "bravo" || id == "delta" || id == "echo" {
			refusal = "assumed the page does not say"
		}
		if id == "fox" {
			features["fox.feature"] = &fstest.MapFile{Data: []byte(keyFeature)}
			fixtures["fox/account/ok.http"] = fixture(documented, 200, `{"id": 1}`)
			fixtures["fox/account/invalid_token.http"] = fixture(refusal, 401, `{"error": "bad_key"}`)
			fixtures["fox/account/missing_token.http"] = fixture(refusal, 401, `{"error": "no_key"}`)
			continue
		}
		features[id+".feature"] = &fstest.MapFile{Data: fmt.Appendf(nil, tokenFeature, strings.ToUpper(id[:1])+id[1:])}
		fixtures[id+"/token/issued.http"] = fixture(documented, 200, `{"access_token": "AbCdEfGhIjKlMnOpQrStUv01", "token_type": "Bearer", "expires_in": 3600, "scope": "read"}`)
		fixtures[id+"/token/invalid_client.http"] = fixture(refusal, 401, `{"error": "invalid_client"}`)
		fixtures[id+"/token/invalid_scope.http"] = fixture(documented, 400, `{"error": "invalid_scope"}`)
		for _, call := range []string{"me", "files"} {
			fixtures[id+"/"+call+"/ok.http"] = fixture(documented, 200, `{"id": 1}`)
			fixtures[id+"/"+call+"/invalid_token.http"] = fixture(refusal, 401, `{"error": "invalid_token"}`)
			fixtures[id+"/"+call+"/missing_token.http"] = fixture(refusal, 401, `{"error": "invalid_token"}`)
			fixtures[id+"/"+call+"/expired_token.http"] = fixture(refusal, 401, `{"error": "invalid_token"}`)
		}
		fixtures[id+"/files/insufficient_scope.http"] = fixture(documented, 403, `{"error": "insufficient_scope"}`)
	}
	catalogue, err := providers.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return &runner.Workspace{Providers: catalogue, Features: features, Fixtures: fixtures}
}

// A fault answers in the provider's place; it reports false to let the
// provider itself answer.
type fault func(w http.ResponseWriter, r *http.Request, call string) bool

// A server is one provider with many accounts, and a front in which things go
// wrong.
type server struct {
	t        testing.TB
	provider *providers.Provider
	sim      *simulator.Simulator

	mu       sync.Mutex
	accounts map[string]*simulator.Simulator // by client ID or key
	faults   map[string]fault                // by client ID or key
	all      fault                           // for every request
	requests map[string]int                  // "ID CALL", and "CALL"
	bad      map[string]int                  // wrong secrets, by client ID
	times    map[string][]time.Time          // by call
	busy     int
	busiest  int
}

func newServer(t testing.TB, w *runner.Workspace, id string) *server {
	t.Helper()
	p, err := w.Providers.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	sim, err := simulator.New(p, w.Fixtures)
	if err != nil {
		t.Fatal(err)
	}
	return &server{t: t, provider: p, sim: sim, accounts: map[string]*simulator.Simulator{}, faults: map[string]fault{}, requests: map[string]int{}, bad: map[string]int{}, times: map[string][]time.Time{}}
}

// account opens an account and returns its credentials.
func (s *server) account(id string) providers.Credentials {
	creds := providers.Credentials{"client_id": id, "client_secret": "secret-of-" + id}
	if s.provider.ID == "fox" {
		creds = providers.Credentials{"api_key": "key-of-" + id}
		id = creds["api_key"]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[id] = s.sim.Fresh(creds)
	return creds
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	form, _ := url.ParseQuery(string(body))
	call := "token"
	id := form.Get("client_id")
	if r.URL.Path != "/token" {
		call = strings.TrimPrefix(r.URL.Path, "/")
		id = s.accountOf(r)
	}
	s.mu.Lock()
	s.requests[call]++
	s.requests[id+" "+call]++
	s.times[call] = append(s.times[call], time.Now())
	s.busy++
	s.busiest = max(s.busiest, s.busy)
	f, all, account := s.faults[id], s.all, s.accounts[id]
	if account != nil && call == "token" && account.Credentials()["client_secret"] != form.Get("client_secret") {
		s.bad[id]++
	}
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.busy--; s.mu.Unlock() }()
	switch {
	case all != nil && all(w, r, call), f != nil && f(w, r, call):
	case account == nil:
		s.sim.ServeHTTP(w, r)
	default:
		account.ServeHTTP(w, r)
	}
}

func (s *server) accountOf(r *http.Request) string {
	if s.provider.ID == "fox" {
		return r.Header.Get("X-Api-Key")
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, account := range s.accounts {
		if account.Knows(token) {
			return id
		}
	}
	return ""
}

func (s *server) count(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[key]
}

// RoundTrip lets tests reach the server without a network.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	var err error
	func() {
		defer func() {
			if p := recover(); p != nil {
				if err, _ = p.(error); err == nil {
					panic(p)
				}
			}
		}()
		s.ServeHTTP(w, r)
	}()
	if err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func says(status int, body string, headers ...string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// on limits a fault to one call.
func on(call string, f fault) fault {
	return func(w http.ResponseWriter, r *http.Request, c string) bool { return c == call && f(w, r, c) }
}

// first limits a fault to the first n requests.
func first(n int, f fault) fault {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request, c string) bool {
		mu.Lock()
		defer mu.Unlock()
		if n <= 0 {
			return false
		}
		n--
		return f(w, r, c)
	}
}

// A world is the servers of the six providers, and the credentials to check.
type world struct {
	t           testing.TB
	workspace   *runner.Workspace
	servers     map[string]*server
	addresses   map[string]string
	credentials []*credentials.Credential
	values      map[string]providers.Credentials
	states      map[string]State
	opts        Options
}

// newWorld serves over loopback.
func newWorld(t testing.TB) *world {
	w := newQuietWorld(t)
	for id, s := range w.servers {
		h := httptest.NewServer(s)
		h.Config.ErrorLog = nil
		t.Cleanup(h.Close)
		w.addresses[id] = h.URL
	}
	carrier, err := transport.NewLive(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.opts.Transport = carrier
	t.Cleanup(carrier.CloseIdleConnections)
	return w
}

// newQuietWorld serves without a network, so that time can be made to fly.
func newQuietWorld(t testing.TB) *world {
	w := &world{t: t, workspace: testWorkspace(t), servers: map[string]*server{}, addresses: map[string]string{}, values: map[string]providers.Credentials{}, states: map[string]State{}}
	for id := range testProviders {
		w.servers[id] = newServer(t, w.workspace, id)
		w.addresses[id] = "https://" + id + ".example.com"
	}
	w.opts = Options{Version: "test", Workspace: w.workspace, Redactor: redact.New(), Transport: w}
	return w
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	id, _, _ := strings.Cut(r.URL.Host, ".")
	return w.servers[id].RoundTrip(r)
}

// add adds a credential of an account that is opened for it.
func (w *world) add(provider, name string, change ...func(*credentials.Credential, providers.Credentials)) *credentials.Credential {
	s := w.servers[provider]
	values := s.account(name)
	c := &credentials.Credential{Name: name, Provider: provider, Owner: provider + "@example.com", BaseURL: w.addresses[provider], Values: map[string]credentials.Reference{}}
	for field := range values {
		c.Values[field] = credentials.Reference{Source: credentials.Env, Target: strings.ToUpper(strings.ReplaceAll(name, "-", "_") + "_" + field)}
	}
	for _, f := range change {
		f(c, values)
	}
	w.credentials = append(w.credentials, c)
	w.values[name] = values
	return c
}

// wrong gives a credential a wrong secret.
func wrong(c *credentials.Credential, values providers.Credentials) {
	for _, field := range []string{"client_secret", "api_key"} {
		if _, ok := values[field]; ok {
			values[field] = "wrong-secret-of-" + c.Name
		}
	}
}

func requires(scopes ...string) func(*credentials.Credential, providers.Credentials) {
	return func(c *credentials.Credential, _ providers.Credentials) { c.Scopes = scopes }
}

// fault makes the server answer a credential so.
func (w *world) fault(name string, f fault) {
	for _, c := range w.credentials {
		if c.Name == name {
			s := w.servers[c.Provider]
			id := name
			if c.Provider == "fox" {
				id = w.values[name]["api_key"]
			}
			s.mu.Lock()
			s.faults[id] = f
			s.mu.Unlock()
		}
	}
}

// night checks all credentials once, and remembers.
func (w *world) night() *Run {
	w.t.Helper()
	opts := w.opts
	opts.Credentials = w.credentials
	opts.Before = w.states
	opts.Values = func(_ context.Context, c *credentials.Credential) (providers.Credentials, []string, error) {
		values := w.values[c.Name]
		if values == nil {
			return nil, nil, &check.Failure{Verdict: check.Invalid, Cause: check.NoCredential, Message: c.Name + " is not set"}
		}
		return values, nil, nil
	}
	run, err := Check(context.Background(), opts)
	if err != nil {
		w.t.Fatal(err)
	}
	next := map[string]State{}
	for i := range run.Credentials {
		next[run.Credentials[i].Name] = run.Credentials[i].State
	}
	w.states = next
	return run
}

// outcome is what a run says of a credential: "rejected credential_rejected
// suspected by first_look".
func outcome(run *Run, name string) string {
	for i := range run.Credentials {
		if c := &run.Credentials[i]; c.Name == name {
			parts := []string{string(c.Verdict)}
			if c.Cause != "" {
				parts = append(parts, string(c.Cause))
			}
			if !c.Confirmed {
				parts = append(parts, "suspected")
			}
			return strings.Join(parts, " ") + " by " + string(c.Rule)
		}
	}
	return "(missing)"
}

func (r *Run) named(name string) *Credential {
	for i := range r.Credentials {
		if r.Credentials[i].Name == name {
			return &r.Credentials[i]
		}
	}
	return &Credential{}
}
