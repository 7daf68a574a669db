package steps_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

// A mistake in a spec is invalid, whatever the provider answers, and says what
// to write instead.
func TestMistakesInASpec(t *testing.T) {
	const given = "Given valid credentials\nWhen I request an access token\n"
	for _, c := range []struct{ name, lines, cause, message, advice string }{
		{"an unknown provider", "Given valid Acmee credentials\nWhen I request an access token", "unknown_provider", `no provider "Acmee" (did you mean "acme"?): known are acme`, "authspec new"},
		{"two providers", "Given valid Acme credentials\nAnd no Acme access token\nWhen I call \"me\"\nThen the response status is 401", "", "", ""}, // the same one twice is fine
		{"an unknown call", "Given valid credentials\nWhen I call \"mee\"", "unknown_call", `acme: no call "mee" (did you mean "me"?): the provider file has me, report`, "provider file"},
		{"an unknown call without a token", "Given no access token\nWhen I call \"users\"", "unknown_call", `acme: no call "users"`, "provider file"},
		{"an unknown credential field", "Given credentials with a wrong api key\nWhen I request an access token", "unknown_credential", `acme: no credential field "api key"`, "field of the provider file"},
		{"no Given", "When I request an access token", "bad_step", "there are no credentials yet", "Given valid Acme credentials"},
		{"no Given before a call", "When I call \"me\"", "bad_step", "there are no credentials yet", "Given valid Acme credentials"},
		{"no Given before an expired token", "Given an access token that has since expired\nWhen I call \"me\"", "bad_step", "there are no credentials yet", "Given valid Acme credentials"},
		{"no When", "Given valid credentials\nThen the response status is 200", "bad_step", "no request was sent before this line", "When"},
		{"no When before the number of tokens", "Given valid credentials\nThen 1 access token was requested", "bad_step", "no request was sent before this line", "When"},
		{"no expectation", given + "Then the response body has:\n| a | Bearer |", "bad_expectation", `Bearer is no expectation (for the text itself write "Bearer")`, "authspec steps"},
		{"no expectation of a token", given + "Then the access token is a jwt", "bad_expectation", `a jwt is no expectation (did you mean "a JWT"?)`, "authspec steps"},
		{"no expectation of a header", given + "Then the response header \"A\" is b", "bad_expectation", `b is no expectation`, "authspec steps"},
		{"no part of a request", given + "Then the request carried:\n| cookie a | \"b\" |", "bad_expectation", "cookie a is no part of a request: write method, path", "authspec steps"},
		{"a credential there is not", given + "Then the request carried:\n| header A | its api_key |", "bad_expectation", "its api_key: the credentials have no field api_key: there are client_id, client_secret", "authspec steps"},
		{"three cells in a row", given + "Then the response body has:\n| a | b | c |", "bad_step", "a row has 3 cells, want 2", "| path | expectation |"},
		{"a list that is none", given + "Then the granted scope is \"a\" or \"b\"", "bad_step", `cannot read the list "a" or "b"`, `"item", "event" and "profile"`},
		{"an undefined sentence", given + "Then the moon is full", "undefined_step", "no sentence of the vocabulary matches this line", "authspec steps"},
		{"a sentence under the wrong keyword", given + "Then valid credentials", "undefined_step", "this sentence belongs under Given, not under Then", "Given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := runScenario(t, c.lines, runner.Options{})
			if c.cause == "" {
				if res.Verdict != check.Passed {
					t.Errorf("%s: %s", outcome(res), res.Message)
				}
				return
			}
			if got := outcome(res); got != "invalid: "+c.cause {
				t.Errorf("got %s, want invalid: %s", got, c.cause)
			}
			if !strings.Contains(res.Message, c.message) {
				t.Errorf("message:\n got %s\nwant %s", res.Message, c.message)
			}
			if !strings.Contains(res.Advice, c.advice) || res.Advice == "" {
				t.Errorf("advice:\n got %s\nwant %s", res.Advice, c.advice)
			}
		})
	}
}

// A step reports every row that misses, by its index, expected beside actual.
func TestEveryMissedRowIsReported(t *testing.T) {
	res := runScenario(t, `
		Given valid credentials
		When I call "me"
		Then the response body has:
			| id      | "1"    |
			| name    | "Test" |
			| email   | present |
			| id      | at least 2 |
			| name    | absent |`, runner.Options{})
	failing := res.Failing()
	if failing == nil {
		t.Fatalf("nothing failed: %s", outcome(res))
	}
	want := []check.Miss{
		{Row: 0, Subject: "id", Expected: `"1"`, Actual: `1`},
		{Row: 2, Subject: "email", Expected: `present`, Actual: `absent`},
		{Row: 3, Subject: "id", Expected: `at least 2`, Actual: `1`},
		{Row: 4, Subject: "name", Expected: `absent`, Actual: `"Test"`},
	}
	if diff := cmp.Diff(want, failing.Misses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(failing.Rows) != 5 || failing.Text != "the response body has:" || failing.Keyword != "Then" {
		t.Errorf("got %q %q with %d rows", failing.Keyword, failing.Text, len(failing.Rows))
	}
}

// Request facts, true and false.
func TestRequestFacts(t *testing.T) {
	token := `
		Given valid credentials
		When I request an access token
		Then the request carried:
			`
	call := `
		Given valid credentials
		When I call "me"
		Then the request carried:
			`
	for _, c := range []struct {
		lines string
		row   string
		ok    bool
	}{
		{token, `| method | "POST" |`, true},
		{token, `| method | "post" |`, false},
		{token, `| path | "/token" |`, true},
		{token, `| path | "/token/" |`, false},
		{token, `| body | containing "grant_type=client_credentials" |`, true},
		{token, `| body | absent |`, false},
		{call, `| body | absent |`, true},
		{token, `| header accept | "application/json" |`, true},
		{token, `| header User-Agent | matching /^authspec/ |`, true},
		{token, `| header Authorization | absent |`, true},
		{call, `| header Authorization | absent |`, false},
		{call, `| header Authorization | its access token |`, true},
		{call, `| query access_token | its access token |`, false},
		{token, `| form client_id | its client_id |`, true},
		{token, `| form client_id | its client_secret |`, false},
		{token, `| form client_secret | its client_secret |`, true},
		{token, `| header Authorization | its Basic credentials |`, false},
		{token, `| form scope | "read" |`, true},
		{token, `| form scopes | absent |`, true},
		{token, `| json scope | "read" |`, false},
		{token, `| json scope | absent |`, true},
		{token, `| query scope | absent |`, true},
		{call, `| form scope | absent |`, true},
	} {
		res := runScenario(t, c.lines+c.row, runner.Options{})
		want := "passed"
		if !c.ok {
			want = "invalid: request"
		}
		if got := outcome(res); got != want {
			t.Errorf("%s: got %s, want %s: %s", c.row, got, want, res.Message)
		}
	}
}

// A miss shows what was there; it must not show a token, nor a piece of one
// that was cut off before anyone could recognise it.
func TestMissesShowNoToken(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20)
	live := liveAt(roundTripper(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"access_token": "`+long+`", "expires_in": 3600, "scope": "read"}`), nil
	}))
	for _, then := range []string{
		"the response body has:\n| access_token | absent |\n| @this | null |",
		"the access token is a UUID",
	} {
		res := runScenario(t, "Given valid credentials\nWhen I request an access token\nThen "+then, runner.Options{Live: live})
		failing := res.Failing()
		if failing == nil || len(failing.Misses) == 0 {
			t.Fatalf("%s: nothing was missed", then)
		}
		for _, m := range failing.Misses {
			if strings.Contains(m.Actual, long[:16]) {
				t.Errorf("%s: shows %s", then, m.Actual)
			}
		}
		if strings.Contains(res.Message+res.Advice, long[:16]) {
			t.Errorf("%s: shows the token", then)
		}
	}
}

// The same sentences without a provider's name speak of the one that the file
// is named after.
func TestProviderOfAFile(t *testing.T) {
	named := runScenario(t, "Given valid Acme credentials\nWhen I call \"me\"\nThen the response status is 200", runner.Options{})
	short := runScenario(t, "Given valid credentials\nWhen I call \"me\"\nThen the response status is 200", runner.Options{})
	for _, res := range []*check.Result{named, short} {
		if res.Provider != "acme" || res.Verdict != check.Passed {
			t.Errorf("got %s of %q: %s", outcome(res), res.Provider, res.Message)
		}
	}
	if diff := cmp.Diff(named.Exchanges, short.Exchanges, cmpopts.IgnoreFields(check.Exchange{}, "Duration")); diff != "" {
		t.Errorf("exchanges (-named +short)\n%s", diff)
	}
}

// The sentence says how the pair is encoded, not the provider file: one that is
// wrong changes what is sent, and the feature notices.
func TestTheFormOfBasicCredentialsIsPinned(t *testing.T) {
	for _, c := range []struct{ clientAuth, value, want string }{
		{"basic_raw", "its Basic credentials", "passed"},
		{"basic_raw", "its form-encoded Basic credentials", "invalid: request"},
		{"basic", "its Basic credentials", "invalid: request"},
		{"basic", "its form-encoded Basic credentials", "passed"},
		{"form", "its Basic credentials", "invalid: request"},
		{"form", "its form-encoded Basic credentials", "invalid: request"},
	} {
		file := strings.Replace(acmeFile, "client_auth: form", "client_auth: "+c.clientAuth, 1)
		catalogue, err := providers.Load(fstest.MapFS{"acme.yaml": {Data: []byte(file)}})
		if err != nil {
			t.Fatal(err)
		}
		run := runFeatureOf(t, catalogue, `Scenario: s
			Given valid credentials
			When I request an access token
			Then the request carried:
				| header Authorization | `+c.value+` |
			`, runner.Options{})
		if got := outcome(&run.Results[0]); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.clientAuth, c.value, got, c.want)
		}
	}
}
