package providers_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/providers"
)

// The token request in its other forms, byte for byte.
func TestFormsOfTokenRequestsOnTheWire(t *testing.T) {
	const form, isJSON = "application/x-www-form-urlencoded", "application/json"
	client := providers.Credentials{"client_id": "a b", "client_secret": `c"&`}
	for _, c := range []struct {
		name, auth string
		creds      providers.Credentials
		ask        providers.TokenRequest
		want       sent
	}{
		{"no grant type", "client_auth: form, grant_type: none", client, providers.TokenRequest{}, sent{"POST", "/token", "", form, "client_id=a+b&client_secret=c%22%26"}},
		{"no grant type, but a scenario's", "client_auth: form, grant_type: none", client, providers.TokenRequest{GrantType: "x"}, sent{"POST", "/token", "", form, "grant_type=x&client_id=a+b&client_secret=c%22%26"}},
		{"GET, credentials in the query", "token: GET /token, client_auth: query", client, providers.TokenRequest{Scope: "s"}, sent{"GET", "/token?grant_type=client_credentials&client_id=a+b&client_secret=c%22%26&scope=s", "", "", ""}},
		{"GET, Basic", "token: GET /token, client_auth: basic_raw", client, providers.TokenRequest{}, sent{"GET", "/token?grant_type=client_credentials", "Basic YSBiOmMiJg==", "", ""}},
		{"GET, names of its own", "token: GET /token?v=2, client_auth: none, grant_type: none, params: {key: '{client_id}', secret: '{client_secret}'}", client, providers.TokenRequest{}, sent{"GET", "/token?v=2&key=a+b&secret=c%22%26", "", "", ""}},
		{"a form with names of its own", "client_auth: none, grant_type: none, params: {username: '{client_id}', password: '{client_secret}'}", client, providers.TokenRequest{}, sent{"POST", "/token", "", form, "password=c%22%26&username=a+b"}},
		{"JSON with names of its own", "body: {username: '{client_id}', password: '{client_secret}'}", client, providers.TokenRequest{}, sent{"POST", "/token", "", isJSON, `{"password":"c\"\u0026","username":"a b"}`}},
		{"nested JSON", "body: {auth: {keys: ['{client_id}', 'x-{client_secret}']}, days: 30, remember: true, rate: 1.5, site: null, empty: '', scope: '{scope}'}", client, providers.TokenRequest{Scopes: []string{"r", "w"}}, sent{"POST", "/token", "", isJSON, `{"auth":{"keys":["a b","x-c\"\u0026"]},"days":30,"empty":"","rate":1.5,"remember":true,"scope":"r w","site":null}`}},
		{"JSON without what is missing", "body: {id: '{client_id}', in: {secret: '{client_secret}', v: 1}, scope: '{scope}'}", providers.Credentials{"client_id": "a"}, providers.TokenRequest{}, sent{"POST", "/token", "", isJSON, `{"id":"a","in":{"v":1}}`}},
		{"JSON without a member", "body: {id: '{client_id}', in: {secret: '{client_secret}', v: 1}, grant_type: x}", client, providers.TokenRequest{Without: []string{"in.secret", "grant_type", "other.member"}}, sent{"POST", "/token", "", isJSON, `{"id":"a b","in":{"v":1}}`}},
		{"JSON with another grant", "body: {id: '{client_id}', grant_type: x}", client, providers.TokenRequest{GrantType: "y"}, sent{"POST", "/token", "", isJSON, `{"grant_type":"y","id":"a b"}`}},
		{"JSON of literals and braces", "client_auth: basic, body: {text: '{\"a\": {B}}'}", client, providers.TokenRequest{}, sent{"POST", "/token", "Basic YStiOmMlMjIlMjY=", isJSON, `{"text":"{\"a\": {B}}"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			auth := "scheme: client_credentials, " + c.auth
			if !strings.Contains(auth, "token: GET") {
				auth += ", token: POST /token"
			}
			client, seen := recording(t, parse(t, "client_id client_secret", auth))
			if _, err := client.Authenticate(t.Context(), c.creds, c.ask); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]sent{c.want}, *seen); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if client.Provider.Auth.GrantType == "none" {
				t.Error("none is left for others to send")
			}
		})
	}
}

// Headers of the provider stand on every request, those of auth and call in
// their place, and one without a value takes one away.
func TestHeadersOnTheWire(t *testing.T) {
	p, err := providers.Parse("example.yaml", []byte(`
name: Example
docs: https://example.com/docs
base_url: https://api.example.com
headers: {Api-Version: "1", Accept: application/vnd.api+json, X-Client: "{client_id}", Content-Type: text/plain, User-Agent: fixed/1}
credentials: {client_id: X_ID, client_secret: X_SECRET}
auth: {scheme: client_credentials, token: POST /token, headers: {api-version: "2"}}
calls:
  me: {endpoint: GET /me}
  other: {endpoint: GET /other, headers: {Api-Version: "3", accept: "", X-Client: ""}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var seen []http.Header
	client := over(t, p, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		_, _ = w.Write([]byte(`{"access_token": "a-token", "expires_in": 60}`))
	})
	for _, call := range []string{"me", "other"} {
		if _, err := client.Call(t.Context(), providers.Credentials{"client_id": "a", "client_secret": "b"}, call, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CallWithToken(t.Context(), nil, "", "me"); err != nil {
		t.Fatal(err)
	}
	want := [][6]string{ // token, me, token, other, me without credentials
		{"2", "application/vnd.api+json", "a", "application/x-www-form-urlencoded", "fixed/1", "Basic YTpi"},
		{"1", "application/vnd.api+json", "a", "text/plain", "fixed/1", "Bearer a-token"},
		{"2", "application/vnd.api+json", "a", "application/x-www-form-urlencoded", "fixed/1", "Basic YTpi"},
		{"3", "application/json", "", "text/plain", "fixed/1", "Bearer a-token"},
		{"1", "application/vnd.api+json", "", "text/plain", "fixed/1", ""},
	}
	var got [][6]string
	for _, h := range seen {
		got = append(got, [6]string{h.Get("Api-Version"), h.Get("Accept"), h.Get("X-Client"), h.Get("Content-Type"), h.Get("User-Agent"), h.Get("Authorization")})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A path that a file leaves out is the RFC's; none says that there is none.
func TestDefaultsOfTokenResponses(t *testing.T) {
	const body = `{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "token": "b", "ttl": 30}`
	for _, c := range []struct {
		response, body string
		token, kind    string
		lives          time.Duration
		fails          string
	}{
		{"", body, "a", "Bearer", time.Minute, ""},
		{"form: opaque", body, "a", "Bearer", time.Minute, ""},
		{"access_token: token", body, "b", "Bearer", time.Minute, ""},
		{"access_token: token, expires_in: ttl", body, "b", "Bearer", 30 * time.Second, ""},
		{"access_token: token, token_type: none, expires_in: none", body, "b", "", 0, ""},
		{"lifetime: 1h", body, "a", "Bearer", time.Hour, ""},
		{"expires_in: none, lifetime: 2h", body, "a", "Bearer", 2 * time.Hour, ""},
		{"expires_in_ms: ttl", body, "a", "Bearer", 30 * time.Millisecond, ""},
		{"form: opaque", `{"access_token": "a"}`, "a", "", 0, ""},
		{"form: opaque", `{"access_token": "a", "expires_in": "60"}`, "a", "", 0, "want a positive number at expires_in"},
		{"expires_in: expires_in", `{"access_token": "a"}`, "a", "", 0, "want a positive number at expires_in"},
		{"", `{"access_token": "a"}`, "a", "", 0, "want a positive number at expires_in"},
		{`access_token: 'data\.x.\@token'`, `{"data.x": {"@token": "c"}}`, "c", "", 0, ""},
	} {
		auth := "scheme: client_credentials, token: POST /token, error: none"
		if c.response != "" {
			auth += ", response: {" + c.response + "}"
		}
		p := parse(t, "client_id client_secret", auth)
		token, err := p.ReadToken([]byte(c.body), noon)
		if token.Value != c.token || token.Type != c.kind || token.Lifetime(noon) != c.lives {
			t.Errorf("%q: a token %q of type %q for %s, want %q, %q, %s", c.response, token.Value, token.Type, token.Lifetime(noon), c.token, c.kind, c.lives)
		}
		if (err == nil) != (c.fails == "") || err != nil && err.Error() != c.fails || errors.Is(err, providers.ErrNoToken) {
			t.Errorf("%q: got the error %v, want %q", c.response, err, c.fails)
		}
		if p.Auth.Error != "" || p.Auth.Response.TokenType == "none" || p.Auth.Response.ExpiresIn == "none" {
			t.Errorf("%q: none is left: %+v", c.response, p.Auth.Response)
		}
	}
}

// A request without a body has no type of one.
func TestNoContentTypeWithoutABody(t *testing.T) {
	p := parse(t, "client_id client_secret", "scheme: basic_token, token: POST /token")
	p.Headers = map[string]string{"Content-Type": "application/json"}
	client, seen := recording(t, p)
	if _, err := client.Authenticate(t.Context(), providers.Credentials{"client_id": "a", "client_secret": "b"}, providers.TokenRequest{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sent{{"POST", "/token", "Basic YTpi", "", ""}}, *seen); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
