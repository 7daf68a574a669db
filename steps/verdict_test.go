package steps_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/runner"
)

const (
	getToken = `
		Given valid credentials
		When I request an access token
		Then the response status is 200
		And an access token is issued`
	callMe = `
		Given valid credentials
		When I call "me"
		Then the response status is 200
		And the response body has:
			| id | 1 |`
	wrongSecret = `
		Given credentials with a wrong client secret
		When I request an access token
		Then the response status is 401
		And the error is "invalid_client"
		And no access token is issued`
	unknownScope = `
		Given valid credentials
		When I request an access token with scope "nonsense"
		Then the response status is 400
		And the error is "invalid_scope"`
	unknownToken = `
		Given an unknown access token
		When I call "me"
		Then the response status is 401`
	wrongGrant = `
		Given valid credentials
		When I request an access token with grant type "password"
		Then the response status is 400
		And the error is "unsupported_grant_type"`
	requestFact = `
		Given valid credentials
		When I request an access token
		Then the request carried:
			| form scope | "read" |`
	wrongFact = `
		Given valid credentials
		When I request an access token
		Then the request carried:
			| form scope    | "write"  |
			| header Accept | "text/*" |`
)

// What a real provider's answer says, by the answer: one row for each rule.
// Requests to which the row has no answer get the true one.
func TestLiveVerdicts(t *testing.T) {
	const issued = `{"access_token": "fedcba9876543210fedcba9876543210", "expires_in": 3600, "scope": "read"}`
	for _, c := range []struct {
		name      string
		lines     string
		token, me *http.Response
		want      string
		says      string // in the message or the advice
	}{
		{name: "all is well: a token", lines: getToken, want: "passed"},
		{name: "all is well: a call", lines: callMe, want: "passed"},
		{name: "all is well: a refusal", lines: wrongSecret, want: "passed"},
		{name: "all is well: an unknown token", lines: unknownToken, want: "passed"},
		{name: "all is well: a request", lines: requestFact, want: "passed"},

		{name: "token 401 invalid_client", lines: getToken, token: answer(401, `{"error": "invalid_client"}`), want: "rejected: credential_rejected", says: "Acme refused a credential that should work"},
		{name: "token 401 without a body", lines: getToken, token: answer(401, ""), want: "rejected: credential_rejected"},
		{name: "token 403", lines: getToken, token: answer(403, `{}`), want: "rejected: credential_rejected"},
		{name: "token 400 invalid_client", lines: getToken, token: answer(400, `{"error": "invalid_client"}`), want: "rejected: credential_rejected"},
		{name: "token 400 unauthorized_client", lines: getToken, token: answer(400, `{"error": "unauthorized_client"}`), want: "rejected: credential_rejected"},
		{name: "token 400 invalid_grant", lines: getToken, token: answer(400, `{"error": "invalid_grant"}`), want: "rejected: credential_rejected"},
		{name: "token refused before a call", lines: callMe, token: answer(401, `{"error": "invalid_client"}`), want: "rejected: credential_rejected"},
		{name: "token refused where only the request matters", lines: requestFact, token: answer(401, `{"error": "invalid_client"}`), want: "rejected: credential_rejected"},
		{name: "credential refused instead of the scope", lines: unknownScope, token: answer(401, `{"error": "invalid_client"}`), want: "rejected: credential_rejected"},
		{name: "credential refused instead of the grant", lines: wrongGrant, token: answer(401, ``), want: "rejected: credential_rejected"},
		{name: "token 400 invalid_scope", lines: getToken, token: answer(400, `{"error": "invalid_scope"}`), want: "rejected: scope_missing", says: "Acme refused the scope"},
		{name: "call 401 with a good token", lines: callMe, me: answer(401, `{"error": "invalid_token"}`), want: "rejected: credential_rejected"},
		{name: "call 403 with a good token", lines: callMe, me: answer(403, `{}`), want: "rejected: scope_missing"},

		{name: "token 400 of another kind", lines: getToken, token: answer(400, `{"error": "invalid_request"}`), want: "drifted: status", says: "https://acme.example/docs"},
		{name: "token 404", lines: getToken, token: answer(404, `{}`), want: "drifted: status"},
		{name: "token 200 without a token", lines: getToken, token: answer(200, `{"token": "fedcba9876543210"}`), want: "drifted: shape"},
		{name: "token 200 with an expiry in a string", lines: getToken, token: answer(200, strings.Replace(issued, "3600", `"3600"`, 1)), want: "drifted: shape", says: "want a positive number at expires_in"},
		{name: "token 200 that is no JSON", lines: getToken, token: answer(200, "access_token=1"), want: "drifted: shape"},
		{name: "call 200 with another body", lines: callMe, me: answer(200, `{"id": "1"}`), want: "drifted: shape"},
		{name: "call 404", lines: callMe, me: answer(404, `{}`), want: "drifted: status"},
		{name: "a documented refusal with another status", lines: wrongSecret, token: answer(400, `{"error": "invalid_client"}`), want: "drifted: status"},
		{name: "a documented refusal with another code", lines: wrongSecret, token: answer(401, `{"error": "access_denied"}`), want: "drifted: error_code"},
		{name: "a token for a wrong secret", lines: wrongSecret, token: answer(200, issued), want: "drifted: token_issued", says: "token/invalid_client"},
		{name: "a token in a refusal", lines: wrongSecret, token: answer(401, `{"error": "invalid_client", "access_token": "fedcba9876543210"}`), want: "drifted: token_issued"},
		{name: "a token for an unknown scope", lines: unknownScope, token: answer(200, issued), want: "drifted: token_issued"},
		{name: "an unknown token accepted", lines: unknownToken, me: answer(200, `{"id": 1}`), want: "drifted: status"},

		{name: "an assumed refusal with another status", lines: unknownScope, token: answer(422, `{"error": "invalid_scope"}`), want: "inconclusive: assumption_wrong", says: "fixtures/acme/token/invalid_scope.http"},
		{name: "an assumed refusal with another code", lines: unknownScope, token: answer(400, `{"error": "bad_scope"}`), want: "inconclusive: assumption_wrong"},
		{name: "a refusal without a fixture, as expected", lines: wrongGrant, token: answer(400, `{"error": "unsupported_grant_type"}`), want: "passed"},
		{name: "a refusal without a fixture, otherwise", lines: wrongGrant, token: answer(422, `{"error": "unsupported_grant_type"}`), want: "inconclusive: assumption_wrong", says: "fixtures/acme/token/unsupported_grant_type.http"},

		{name: "token 429", lines: getToken, token: with(answer(429, `{}`), "Retry-After", "30"), want: "inconclusive: rate_limited", says: "(Retry-After: 30)"},
		{name: "call 429", lines: callMe, me: answer(429, `{}`), want: "inconclusive: rate_limited"},
		{name: "429 to a wrong secret", lines: wrongSecret, token: answer(429, `{}`), want: "inconclusive: rate_limited"},
		{name: "token 500", lines: getToken, token: answer(500, `{"error": "invalid_client"}`), want: "inconclusive: provider_down", says: "Acme has a problem of its own"},
		{name: "token 503 in HTML", lines: getToken, token: page(503), want: "inconclusive: provider_down"},
		{name: "token 501 that calls itself undocumented", lines: getToken, token: with(answer(501, `{}`), "Authspec-Undocumented", "token/rate_limited"), want: "inconclusive: provider_down"},
		{name: "call 502", lines: callMe, me: answer(502, ``), want: "inconclusive: provider_down"},
		{name: "a login page with 200", lines: getToken, token: page(200), want: "inconclusive: not_an_api_answer", says: "login page"},
		{name: "a login page with 401", lines: getToken, token: page(401), want: "inconclusive: not_an_api_answer"},
		{name: "a login page with 403 to a call", lines: callMe, me: page(403), want: "inconclusive: not_an_api_answer"},
		{name: "a page of XHTML", lines: getToken, token: with(page(401), "Content-Type", "application/xhtml+xml"), want: "inconclusive: not_an_api_answer"},
		{name: "token 302", lines: getToken, token: with(page(302), "Location", "https://acme.example/login"), want: "inconclusive: redirected", says: "not followed"},
		{name: "call 308", lines: callMe, me: with(answer(308, ``), "Location", "https://acme.example/me"), want: "inconclusive: redirected"},

		{name: "a request that is not as the spec says", lines: wrongFact, want: "invalid: request", says: "providers/acme.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			real := realAcme(t).Transport()
			live := liveAt(roundTripper(func(req *http.Request) (*http.Response, error) {
				for path, resp := range map[string]*http.Response{"/token": c.token, "/me": c.me} {
					if req.URL.Path == path && resp != nil {
						return resp, nil
					}
				}
				return real.RoundTrip(req)
			}))
			live.Intrusive = true
			res := runScenario(t, c.lines, runner.Options{Live: live})
			if got := outcome(res); got != c.want {
				t.Errorf("got %s, want %s\n%s\n%s", got, c.want, res.Message, res.Advice)
			}
			if c.says != "" && !strings.Contains(res.Message+"\n"+res.Advice, c.says) {
				t.Errorf("want it to say %q:\n%s\n%s", c.says, res.Message, res.Advice)
			}
			if res.Verdict.Failed() && (res.Message == "" || res.Advice == "") {
				t.Errorf("a failure without message or advice: %q, %q", res.Message, res.Advice)
			}
		})
	}
}

// What a provider file says of error codes goes before the rules, but the
// valid credential is not bad because a wrong one was refused.
func TestLiveVerdictsByDeclaredErrors(t *testing.T) {
	catalogue := acmeWith(t, `
health:
  errors: {account_locked: locked_out, key_expired: expired, bad_client: credential_rejected, invalid_client: credential_rejected, no_access: scope_missing, slow_down: rate_limited}
  proof: [invalid_scope]
`)
	for _, c := range []struct {
		name      string
		lines     string
		token, me *http.Response
		want      string
	}{
		{"the account is locked", getToken, answer(400, `{"error": "account_locked"}`), nil, "rejected: locked_out"},
		{"the credential's time is over", getToken, answer(403, `{"error": "key_expired"}`), nil, "rejected: expired"},
		{"refused with a status of success", getToken, answer(200, `{"error": "bad_client"}`), nil, "rejected: credential_rejected"},
		{"refused instead of the scope", unknownScope, answer(400, `{"error": "bad_client"}`), nil, "rejected: credential_rejected"},
		{"refused with a good token", callMe, nil, answer(400, `{"error": "account_locked"}`), "rejected: locked_out"},
		{"not for this scope", getToken, answer(400, `{"error": "no_access"}`), nil, "rejected: scope_missing"},
		{"a page that says it too", getToken, with(page(401), "X-Error", "account_locked"), nil, "inconclusive: not_an_api_answer"},
		{"a wrong secret with another status", wrongSecret, answer(400, `{"error": "invalid_client"}`), nil, "drifted: status"},
		{"a wrong secret that locked the account", wrongSecret, answer(401, `{"error": "account_locked"}`), nil, "rejected: locked_out"},
		{"an unknown token with another status", unknownToken, nil, answer(400, `{"error": "invalid_client"}`), "drifted: status"},
		{"a wrong secret, refused as documented", wrongSecret, answer(401, `{"error": "invalid_client"}`), nil, "passed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			real := realAcme(t).Transport()
			live := liveAt(roundTripper(func(req *http.Request) (*http.Response, error) {
				switch {
				case req.URL.Path == "/token" && c.token != nil:
					return c.token, nil
				case req.URL.Path == "/me" && c.me != nil:
					return c.me, nil
				}
				return real.RoundTrip(req)
			}))
			live.Intrusive = true
			run := runFeatureOf(t, catalogue, "Scenario: s\n"+c.lines+"\n", runner.Options{Live: live})
			if got := outcome(&run.Results[0]); got != c.want {
				t.Errorf("got %s, want %s: %s", got, c.want, run.Results[0].Message)
			}
		})
	}
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func page(status int) *http.Response {
	return with(answer(status, "<!doctype html><title>Sign in</title>"), "Content-Type", "text/html; charset=utf-8")
}

func with(resp *http.Response, name, value string) *http.Response {
	resp.Header.Set(name, value)
	return resp
}

// A request without an answer accuses nobody, whatever was asked for.
func TestLiveNetworkFailures(t *testing.T) {
	never := make(chan struct{})
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-never:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the client go
		select {
		case <-r.Context().Done():
		case <-never:
		}
	}
	reset := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"access_token": "fedc`)
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		for range 5 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}
	garbage := func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = buffer.WriteString("220 smtp.acme.example ESMTP\r\n")
			_ = buffer.Flush()
			conn.Close()
		}
	}
	over := func(handler http.HandlerFunc) *httptest.Server {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server
	}
	secure := func(handler http.HandlerFunc, config *tls.Config) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		server.TLS = config
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	ok := func(http.ResponseWriter, *http.Request) {}
	closed := over(ok)
	closed.Close()
	plain := over(ok)
	verifying := func(server *httptest.Server) http.RoundTripper { return server.Client().Transport }

	cases := []struct {
		name      string
		base      string
		transport http.RoundTripper // nil: one that trusts no test server
		want      string
		says      string
	}{
		{"no such host", "https://api.acme.example", failing(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.acme.example", IsNotFound: true}}), "network_dns", "host name"},
		{"the DNS server does not answer", "https://api.acme.example", failing(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: "api.acme.example", IsTimeout: true}}), "network_dns", ""},
		{"connection refused", closed.URL, nil, "network_tcp", "Acme"},
		{"connection reset", over(reset).URL, nil, "network_tcp", ""},
		{"half an answer", over(half).URL, nil, "network_tcp", ""},
		{"no HTTP", over(garbage).URL, nil, "network_tcp", ""},
		{"a certificate nobody vouches for", secure(ok, nil).URL, nil, "network_tls", "--ca-cert"},
		{"a certificate of another host", strings.Replace(secure(ok, nil).URL, "127.0.0.1", "localhost", 1), verifying(secure(ok, nil)), "network_tls", "certificate"},
		{"no TLS at all", strings.Replace(plain.URL, "http:", "https:", 1), nil, "network_tls", ""},
		{"a client certificate is wanted", secure(ok, &tls.Config{ClientAuth: tls.RequireAnyClientCert}).URL, insecure(), "network_tls", ""},
		{"old TLS only", secure(ok, &tls.Config{MaxVersion: tls.VersionTLS11}).URL, insecure(), "network_tls", ""},
		{"no answer in time", over(hang).URL, nil, "timeout", "--timeout"},
		{"a body that never ends", over(drip).URL, nil, "timeout", "--timeout"},
		{"a body that is too large", over(huge).URL, nil, "response_too_large", ""},
	}
	t.Cleanup(func() { close(never) }) // before the servers close
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			transport := c.transport
			if transport == nil {
				own := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
				t.Cleanup(own.CloseIdleConnections)
				transport = own
			}
			timeout := 30 * time.Second
			if c.want == "timeout" {
				timeout = 100 * time.Millisecond
			}
			for _, lines := range []string{getToken, wrongSecret, requestFact} {
				live := liveAt(transport)
				live.Intrusive = true
				live.BaseURLs = map[string]string{"acme": c.base}
				res := runScenario(t, lines, runner.Options{Live: live, Timeout: timeout})
				if got, want := outcome(res), "inconclusive: "+c.want; got != want {
					t.Errorf("got %s, want %s: %s", got, want, res.Message)
				}
				if !strings.HasPrefix(res.Message, "acme: token: ") {
					t.Errorf("want the provider and the call first: %s", res.Message)
				}
				if !strings.Contains(res.Advice, c.says) || res.Advice == "" {
					t.Errorf("want advice with %q: %s", c.says, res.Advice)
				}
				if len(res.Exchanges) != 1 || res.Exchanges[0].Status != 0 {
					t.Errorf("want one exchange without a status, got %+v", res.Exchanges)
				}
			}
		})
	}
}

func failing(err error) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })
}

func insecure() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the test's own servers
}
