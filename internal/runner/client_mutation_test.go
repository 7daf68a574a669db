package runner

import (
	"context"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// The client follows the provider file, so a client that does something wrong
// is one with a wrong provider file. It talks to the true simulated provider,
// which refuses what the provider's page says is wrong; what the provider
// would let pass, the feature's request facts have to notice.

// A clientMutation replaces one text of a provider file.
type clientMutation struct {
	name     string
	old, new string
	notices  map[string][]string
}

func TestAnkorstoreNoticesWrongClients(t *testing.T) {
	const (
		valid         = "Valid credentials receive a token"
		form          = "The token request is a form with the client's credentials in its body"
		jwt           = "The token is a JWT that lives for an hour"
		wrongSecret   = "A wrong client secret is refused"
		unknownClient = "An unknown client is refused"
		noSecret      = "A client without its secret is refused"
		otherGrant    = "Another grant type is refused"
		noGrant       = "A request without a grant type is refused"
		unknownScope  = "An unknown scope is refused"
		account       = "A token opens the account"
		carried       = "A call carries the token as a bearer token"
		noToken       = "A call without a token is refused"
		unknownToken  = "An unknown token is refused"
		malformed     = "A malformed token is refused"
		reused        = "A token serves many calls"
	)
	testClientMutations(t, "ankorstore", []clientMutation{
		{"Basic for form", "client_auth: form", "client_auth: basic", map[string][]string{
			"rejected: credential_rejected": {valid, jwt, otherGrant, noGrant, unknownScope, account, carried, reused},
			"invalid: request":              {form},
		}},
		{"JSON for form", "client_auth: form", "client_auth: json", map[string][]string{
			"drifted: status":     {valid, jwt, wrongSecret, unknownClient, noSecret},
			"drifted: shape":      {account, carried, reused},
			"drifted: error_code": {unknownScope},
			"invalid: request":    {form},
		}},
		{"the query string for form", "client_auth: form", "client_auth: query", map[string][]string{
			"rejected: credential_rejected": {valid, jwt, otherGrant, noGrant, unknownScope, account, carried, reused},
			"invalid: request":              {form},
		}},
		{"another grant type", "scheme: client_credentials", "scheme: client_credentials\n  grant_type: password", map[string][]string{
			"drifted: status":     {valid, jwt},
			"drifted: shape":      {account, carried, reused},
			"drifted: error_code": {unknownScope},
			"invalid: request":    {form},
		}},
		{"no scope", `default: ["*"]`, `default: []`, map[string][]string{
			"invalid: request": {form},
		}},
		{"an Accept header of its own", "client_auth: form", "client_auth: form\n  headers: {Accept: '*/*'}", map[string][]string{
			"invalid: request": {form},
		}},
		{"an Accept header of its own on a call", "endpoint: GET /api/v1/me", "endpoint: GET /api/v1/me\n    headers: {Accept: '*/*'}", map[string][]string{
			"invalid: request": {carried},
		}},
		{"another word for Bearer", "scheme: client_credentials", "scheme: client_credentials\n  value: Token {access_token}", map[string][]string{
			"drifted: status": {account, reused},
		}},
		{"the token in the query string", "scheme: client_credentials", "scheme: client_credentials\n  query: access_token\n  value: '{access_token}'", map[string][]string{
			"drifted: status":  {account, reused},
			"invalid: request": {carried},
		}},
		{"another token endpoint", "token: POST /oauth/token", "token: POST /oauth/v2/token", map[string][]string{
			"invalid: unknown_call": {valid, form, jwt, wrongSecret, unknownClient, noSecret, otherGrant, noGrant, unknownScope, account, carried, reused},
		}},
		{"another method", "endpoint: GET /api/v1/me", "endpoint: POST /api/v1/me", map[string][]string{
			"invalid: unknown_call": {account, carried, reused, noToken, unknownToken, malformed},
		}},
		{"another name for the token", "access_token: access_token", "access_token: accessToken", map[string][]string{
			"drifted: shape": {valid, jwt, account, carried, reused},
		}},
		{"another name for the expiry", "expires_in: expires_in", "expires_in: expiresIn", map[string][]string{
			"drifted: shape": {valid, jwt},
		}},
		{"another name for the error", "error: error", "error: error_code", map[string][]string{
			"drifted: error_code": {wrongSecret, unknownClient, noSecret, otherGrant, noGrant},
		}},
	})
}

func TestAntsomiNoticesWrongClients(t *testing.T) {
	const (
		valid         = "Valid credentials receive a token for the scope they ask for"
		form          = "The token request is a form with the client's credentials in its body"
		several       = "Several scopes are granted together"
		event         = "The documented scope event can be requested: event data"
		profile       = "The documented scope profile can be requested: customer data"
		promotion     = "The documented scope promotion can be requested: promotion data"
		expiry        = "The expiry lies ahead"
		unknownScope  = "An unknown scope is refused"
		oneUnknown    = "One unknown scope among known ones is refused"
		blank         = "Scopes joined by a blank are one unknown scope"
		noScope       = "A request without a scope is refused"
		wrongSecret   = "A wrong client secret is refused"
		unknownClient = "An unknown client is refused"
		noSecret      = "A client without its secret is refused"
		noCredentials = "A request without credentials is refused"
		otherGrant    = "Another grant type is refused"
		noGrant       = "A request without a grant type is refused"
	)
	testClientMutations(t, "antsomi", []clientMutation{
		{"blanks between scopes", `separator: ","`, `separator: " "`, map[string][]string{
			"rejected: scope_missing": {several},
			"invalid: request":        {form},
		}},
		{"semicolons between scopes", `separator: ","`, `separator: ";"`, map[string][]string{
			"rejected: scope_missing": {several},
			"invalid: request":        {form},
		}},
		{"no scope unless asked", "default: [item]", "default: []", map[string][]string{
			"drifted: status": {expiry},
		}},
		{"Basic for form", "client_auth: form", "client_auth: basic", map[string][]string{
			"rejected: credential_rejected": {valid, several, event, profile, promotion, expiry, unknownScope, oneUnknown, blank, noScope, otherGrant, noGrant},
			"invalid: request":              {form},
		}},
		{"raw Basic for form", "client_auth: form", "client_auth: basic_raw", map[string][]string{
			"rejected: credential_rejected": {valid, several, event, profile, promotion, expiry, unknownScope, oneUnknown, blank, noScope, otherGrant, noGrant},
			"invalid: request":              {form},
		}},
		{"JSON for form", "client_auth: form", "client_auth: json", map[string][]string{
			"drifted: status":     {valid, several, event, profile, promotion, expiry},
			"drifted: error_code": {unknownScope, oneUnknown, blank, noScope, wrongSecret, unknownClient, noSecret, noCredentials, otherGrant},
			"invalid: request":    {form},
		}},
		{"another grant type", "scheme: client_credentials", "scheme: client_credentials\n  grant_type: password", map[string][]string{
			"drifted: status":     {valid, several, event, profile, promotion, expiry},
			"drifted: error_code": {unknownScope, oneUnknown, blank, noScope},
			"invalid: request":    {form},
		}},
		{"an Accept header of its own", "client_auth: form", "client_auth: form\n  headers: {Accept: '*/*'}", map[string][]string{
			"invalid: request": {form},
		}},
		{"another name for the expiry", "expires_at: accessTokenExpiresAt", "expires_at: expiresAt", map[string][]string{
			"drifted: shape": {valid, several, event, profile, promotion, expiry},
		}},
		{"another name for the scope", "scope: scope", "scope: scopes", map[string][]string{
			"drifted: scope": {several, event, profile, promotion},
		}},
	})
}

func TestGigastoreNoticesWrongClients(t *testing.T) {
	const (
		valid        = "Valid credentials receive a token"
		basic        = "The token request is Basic credentials and nothing else"
		day          = "A token lives for a day"
		inventory    = "A token opens the inventory"
		carried      = "A call carries the token as a bearer token"
		reused       = "A token serves many calls"
		noToken      = "A call without a token is refused"
		unknownToken = "An unknown token is refused"
		malformed    = "A malformed token is refused"
	)
	testClientMutations(t, "gigastore", []clientMutation{
		{"form-encoded Basic for raw", "client_auth: basic_raw", "client_auth: basic", map[string][]string{
			"rejected: credential_rejected": {valid, day, inventory, carried, reused},
			"invalid: request":              {basic},
		}},
		{"form for Basic", "client_auth: basic_raw", "client_auth: form", map[string][]string{
			"rejected: credential_rejected": {valid, day, inventory, carried, reused},
			"invalid: request":              {basic},
		}},
		{"JSON for Basic", "client_auth: basic_raw", "client_auth: json", map[string][]string{
			"rejected: credential_rejected": {valid, day, inventory, carried, reused},
			"invalid: request":              {basic},
		}},
		{"a grant type nobody asked for", "scheme: basic_token", "scheme: basic_token\n  params: {grant_type: client_credentials}", map[string][]string{
			"invalid: request": {basic},
		}},
		{"an Accept header of its own", "scheme: basic_token", "scheme: basic_token\n  headers: {Accept: text/html}", map[string][]string{
			"invalid: request": {basic},
		}},
		{"an Accept header of its own on a call", "endpoint: GET /gigastore/products/inventory", "endpoint: GET /gigastore/products/inventory\n    headers: {Accept: text/html}", map[string][]string{
			"invalid: request": {carried},
		}},
		{"Basic for the token", "scheme: basic_token", "scheme: basic_token\n  value: Basic {access_token}", map[string][]string{
			"drifted: status": {inventory, reused},
		}},
		{"another path of a call", "GET /gigastore/products/inventory", "GET /gigastore/inventory", map[string][]string{
			"invalid: unknown_call": {inventory, carried, reused, noToken, unknownToken, malformed},
		}},
		{"seconds read as milliseconds", "expires_in: expiresIn", "expires_in_ms: expiresIn", map[string][]string{
			"drifted: lifetime": {day},
		}},
	})
}

func testClientMutations(t *testing.T, provider string, mutations []clientMutation) {
	source, err := fs.ReadFile(providers.Files, provider+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	truth, err := simulator.New(providerNamed(t, provider), fixtures.Files)
	if err != nil {
		t.Fatal(err)
	}
	right := clientOutcomes(t, provider, string(source), truth)
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			if strings.Count(string(source), m.old) != 1 {
				t.Fatalf("%s.yaml has not one %q", provider, m.old)
			}
			got := clientOutcomes(t, provider, strings.Replace(string(source), m.old, m.new, 1), truth)
			if diff := cmp.Diff(expected(t, right, m.notices), got); diff != "" {
				t.Errorf("scenarios (-want +got):\n%s", diff)
			}
			if len(m.notices) == 0 {
				t.Error("no scenario notices")
			}
		})
	}
}

// clientOutcomes runs a client that follows the provider file against the true
// simulated provider. The scenarios that move the clock are left out: the one
// they move is not the true provider's. Nor does the judge behind the steps
// know the true provider's tokens: a good one that is refused is drift here.
func clientOutcomes(t *testing.T, provider, file string, truth *simulator.Simulator) map[string]string {
	t.Helper()
	w, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	w.Providers, err = providers.Load(fstest.MapFS{provider + ".yaml": {Data: []byte(file)}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(w, Selection{Args: []string{provider}})
	if err != nil {
		t.Fatal(err)
	}
	all := p.Scenarios
	p.Scenarios = nil
	for _, s := range all {
		if !strings.Contains(s.Steps[0].Text+s.Steps[1].Text, "expired") {
			p.Scenarios = append(p.Scenarios, s)
		}
	}
	run := Run(context.Background(), p, Options{Version: "test", Concurrency: 2, Wrap: func(http.RoundTripper) http.RoundTripper {
		return truth.Fresh(nil).Transport()
	}})
	return outcomesOf(t, run)
}
