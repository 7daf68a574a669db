package steps_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// Acme is a provider of which some answers are documented and some assumed.
const acmeFile = `
name: Acme
docs: https://acme.example/docs
base_url: https://api.acme.example
credentials: {client_id: ACME_CLIENT_ID, client_secret: ACME_CLIENT_SECRET}
auth:
  scheme: client_credentials
  token: POST /token
  client_auth: form
  scopes:
    default: [read]
    known: {read: reading, write: writing}
  response: {access_token: access_token, expires_in: expires_in, scope: scope}
calls:
  me: {endpoint: GET /me}
  report: {endpoint: GET /report, scope: write}
answers:
  me/missing_token: invalid_token
  me/expired_token: invalid_token
undocumented: [me/rate_limited, token/invalid_request, token/rate_limited]
`

var acmeFixtures = fstest.MapFS{
	"acme/token/issued.http":              documented("200 OK", `{"access_token": "0123456789abcdef0123456789abcdef", "expires_in": 3600, "scope": "read"}`),
	"acme/token/invalid_client.http":      documented("401 Unauthorized", `{"error": "invalid_client"}`),
	"acme/token/invalid_scope.http":       assumed("400 Bad Request", `{"error": "invalid_scope"}`),
	"acme/me/ok.http":                     documented("200 OK", `{"id": 1, "name": "Test"}`),
	"acme/me/invalid_token.http":          documented("401 Unauthorized", `{"error": "invalid_token"}`),
	"acme/report/ok.http":                 documented("200 OK", `{"rows": []}`),
	"acme/report/insufficient_scope.http": documented("403 Forbidden", `{"error": "insufficient_scope"}`),
}

func documented(status, body string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("# documented https://acme.example/docs 2026-11-21\nHTTP/1.1 " + status + "\nContent-Type: application/json\n\n" + body + "\n")}
}

func assumed(status, body string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("# assumed the page shows no errors\nHTTP/1.1 " + status + "\nContent-Type: application/json\n\n" + body + "\n")}
}

// acmeCredentials are those of the real Acme, as it were.
var acmeCredentials = providers.Credentials{"client_id": "live-acme-client", "client_secret": "live-acme-s3cr3t"}

func acme(t *testing.T) *providers.Catalogue { return acmeWith(t, "") }

// acmeWith is acme with further lines in its provider file.
func acmeWith(t *testing.T, lines string) *providers.Catalogue {
	t.Helper()
	catalogue, err := providers.Load(fstest.MapFS{"acme.yaml": {Data: []byte(acmeFile + lines)}})
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

// realAcme is a provider to run live against.
func realAcme(t *testing.T) *simulator.Simulator {
	t.Helper()
	p, err := acme(t).Lookup("acme")
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulator.New(p, acmeFixtures)
	if err != nil {
		t.Fatal(err)
	}
	return s.Fresh(acmeCredentials)
}

// liveAt are the options of a live run over the transport.
func liveAt(transport http.RoundTripper) *steps.Live {
	return &steps.Live{
		Transport:   transport,
		Credentials: func(*providers.Provider) (providers.Credentials, error) { return acmeCredentials, nil },
	}
}

// runFeature runs the scenarios, which stand in acme.feature.
func runFeature(t *testing.T, scenarios string, opts runner.Options) *check.Run {
	t.Helper()
	return runFeatureOf(t, acme(t), scenarios, opts)
}

func runFeatureOf(t *testing.T, catalogue *providers.Catalogue, scenarios string, opts runner.Options) *check.Run {
	t.Helper()
	w := &runner.Workspace{
		Providers: catalogue,
		Features:  fstest.MapFS{"acme.feature": {Data: []byte("Feature: Acme\n" + scenarios)}},
		Fixtures:  acmeFixtures,
	}
	plan, err := runner.NewPlan(w, runner.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return runner.Run(context.Background(), plan, opts)
}

// runScenario runs one scenario of these lines.
func runScenario(t *testing.T, lines string, opts runner.Options) *check.Result {
	t.Helper()
	run := runFeature(t, "Scenario: s\n"+lines+"\n", opts)
	if len(run.Results) != 1 {
		t.Fatalf("%d results, want 1", len(run.Results))
	}
	return &run.Results[0]
}

// outcome is the verdict and the cause, as the tables of these tests have it.
func outcome(res *check.Result) string {
	return strings.TrimSuffix(string(res.Verdict)+": "+string(res.Cause), ": ")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
