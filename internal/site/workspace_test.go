package site

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

var today = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

// builtIn is the workspace that comes with authspec.
func builtIn(t testing.TB) *runner.Workspace {
	t.Helper()
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// workspace makes one of files: "providers/x.yaml", "features/x.feature",
// "fixtures/x/token/issued.http".
func workspace(t testing.TB, files map[string]string) *runner.Workspace {
	t.Helper()
	rooms := map[string]fstest.MapFS{"providers": {}, "features": {}, "fixtures": {}}
	for name, content := range files {
		room, rest, _ := strings.Cut(name, "/")
		rooms[room][rest] = &fstest.MapFile{Data: []byte(content)}
	}
	catalogue, err := providers.Load(rooms["providers"])
	if err != nil {
		t.Fatal(err)
	}
	return &runner.Workspace{Providers: catalogue, Features: fs.FS(rooms["features"]), Fixtures: rooms["fixtures"]}
}

// example is a small provider: one of everything.
func example() map[string]string {
	return map[string]string{
		"providers/example.yaml": `name: Example
docs: https://docs.example.com/auth
base_url: https://api.example.com
environments:
  sandbox: {base_url: https://sandbox.example.com}
credentials: {client_id: EXAMPLE_CLIENT_ID, client_secret: EXAMPLE_CLIENT_SECRET}
auth:
  scheme: client_credentials
  token: POST https://login.example.com/token
  client_auth: basic
  scopes: {default: [read], known: {read: what there is, write: all of it}}
  response: {access_token: access_token, token_type: token_type, expires_in: expires_in}
calls:
  me: {endpoint: GET /me}
limits:
  token: {requests: 60, per: 1h}
answers:
  me/missing_token: invalid_token
  me/expired_token: invalid_token
undocumented: [token/invalid_grant, token/invalid_request, token/unauthorized_client, token/unsupported_grant_type, token/rate_limited, me/insufficient_scope, me/rate_limited]
deviations:
  - {situation: token/issued, path: expires_in, change: is gone, reason: they know of it, until: 2027-01-31}
`,
		"features/example.feature": `Feature: Example access tokens

  Example issues tokens. What to know:

  - Create a client at https://example.com/clients, and
    keep its secret.
  - Tokens live for an hour.

  @health
  Scenario: Valid credentials receive a token
    Given valid Example credentials
    When I request an access token
    Then the response status is 200
    And the response body has:
      | token_type   | "Bearer" |
      | access_token | a string |
    And the access token lives for 1 hour

  Scenario: A wrong secret is refused
    The page shows what it answers.

    Given Example credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"

  Scenario: A token opens the account
    Given valid Example credentials
    When I call "me"
    Then the response body has:
      | user.name | a string |

  Scenario: An unknown token is refused
    Given an unknown Example access token
    When I call "me"
    Then the response status is 401
`,
		"fixtures/example/token/issued.http":         "# documented https://docs.example.com/auth 2026-11-21\n# headers assumed the page shows none\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"access_token\": \"0123456789abcdef\", \"token_type\": \"Bearer\", \"expires_in\": 3600}\n",
		"fixtures/example/token/invalid_client.http": "# recorded login.example.com 2026-11-21\nHTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error\": \"invalid_client\"}\n",
		"fixtures/example/token/invalid_scope.http":  "# assumed by RFC 6749 5.2\nHTTP/1.1 400 Bad Request\nContent-Type: application/json\n\n{\"error\": \"invalid_scope\"}\n",
		"fixtures/example/me/ok.http":                "# documented https://docs.example.com/me 2026-11-21\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"user\": {\"name\": \"Ada\", \"tags\": [{\"id\": 1}]}}\n",
		"fixtures/example/me/invalid_token.http":     "# status documented https://docs.example.com/me 2026-11-21\n# headers assumed none are shown\n# body assumed none is shown\nHTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error\": \"nope\"}\n",
	}
}

// exampleRun is a run of the example whose times are known.
func exampleRun(mode check.Mode, at time.Time, verdicts ...check.Verdict) *check.Run {
	run := &check.Run{Mode: mode, Started: at}
	for i, name := range []string{"Valid credentials receive a token", "A wrong secret is refused", "A token opens the account", "An unknown token is refused"} {
		r := check.Result{
			Provider: "example", Feature: "Example access tokens", Scenario: name, URI: "features/example.feature", Line: 100 + i,
			Verdict: check.Passed, Started: at, Duration: time.Duration(i+1) * 11 * time.Millisecond,
		}
		if i < len(verdicts) {
			r.Verdict = verdicts[i]
		}
		if r.Verdict.Failed() {
			r.Cause, r.Message, r.Advice = check.Status, "example: token: status 200, want 401", "Tell Example."
		}
		run.Results = append(run.Results, r)
	}
	run.Results[1].Exchanges = []check.Exchange{{Call: "token", Status: 401, ResponseBody: `{"error": "invalid_client"}`}}
	return run
}

func build(t testing.TB, w *runner.Workspace, opts Options) *Site {
	t.Helper()
	if opts.Now.IsZero() {
		opts.Now = today
	}
	if opts.Version == "" {
		opts.Version = "0.1.0"
	}
	s, err := Build(t.Context(), w, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pageOf returns the model of a page, for what templates do not show apart.
func pageOf(t testing.TB, w *runner.Workspace, id string, runs ...*check.Run) *providerPage {
	t.Helper()
	opts := &Options{Version: "0.1.0", Now: today, Runs: runs}
	ev, err := gather(t.Context(), w, opts)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Providers.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	page, err := newProviderPage(p, w.Fixtures, ev, opts)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// copies is a workspace of n providers like Antsomi, with so many scenarios
// each; 0 is all.
func copies(t testing.TB, n, scenarios int) *runner.Workspace {
	t.Helper()
	files := map[string]string{}
	read := func(fsys fs.FS, name string) string {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	w := builtIn(t)
	provider, feature := read(providers.Files, "antsomi.yaml"), read(w.Features, "antsomi.feature")
	if parts := strings.SplitAfter(feature, "\n\n  Scenario"); scenarios > 0 {
		feature = strings.TrimSuffix(strings.Join(parts[:scenarios+1], ""), "  Scenario")
	}
	answers, err := fs.Glob(w.Fixtures, "antsomi/*/*.http")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id, name := fmt.Sprintf("copy%03d", i), fmt.Sprintf("Copy %d", i)
		files["providers/"+id+".yaml"] = strings.Replace(provider, "name: Antsomi", "name: "+name, 1)
		files["features/"+id+".feature"] = strings.NewReplacer("valid Antsomi", "valid "+name, "no Antsomi", "no "+name, "Given Antsomi", "Given "+name).Replace(feature)
		for _, a := range answers {
			files["fixtures/"+strings.Replace(a, "antsomi", id, 1)] = read(w.Fixtures, a)
		}
	}
	return workspace(t, files)
}
