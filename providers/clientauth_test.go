package providers_test

import (
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// What is hard about a secret: characters that mean something to a form, to
// Basic, to a query string and to JSON.
const (
	hardID     = "app id/é"
	hardSecret = "p@ss:w%rd+&=/ é"
)

// A sent is what a server saw of a request, as it came over the wire.
type sent struct{ Method, URI, Authorization, ContentType, Body string }

// recording notes what comes over TCP and issues a token.
func recording(t *testing.T, p *providers.Provider) (*providers.Client, *[]sent) {
	t.Helper()
	var seen []sent
	client := over(t, p, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, sent{r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "a-token", "expires_in": 3600}`)
	})
	return client, &seen
}

// parse makes a provider of the lines under auth.
func parse(t *testing.T, fields, auth string) *providers.Provider {
	t.Helper()
	var credentials []string
	for field := range strings.FieldsSeq(fields) {
		credentials = append(credentials, fmt.Sprintf("%s: X_%s", field, strings.ToUpper(field)))
	}
	p, err := providers.Parse("example.yaml", []byte(`
name: Example
docs: https://example.com/docs
base_url: https://api.example.com
credentials: {`+strings.Join(credentials, ", ")+`}
auth: {`+auth+`}
calls:
  me: {endpoint: GET /me}
  find: {endpoint: "POST /find?page=1", query: {q: "a&b {missing brace"}, headers: {Content-Type: text/plain}, body: "{\"a\": {\"b\": 1}}"}
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The bytes were worked out by hand, from RFC 6749 2.3.1 and RFC 7617.
func TestClientAuthenticationOnTheWire(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	creds := providers.Credentials{"client_id": hardID, "client_secret": hardSecret}
	for _, c := range []struct {
		name, auth string
		creds      providers.Credentials
		want       sent
	}{
		{"basic", "client_auth: basic", creds, sent{
			// app+id%2F%C3%A9:p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9
			"POST", "/token", "Basic YXBwK2lkJTJGJUMzJUE5OnAlNDBzcyUzQXclMjVyZCUyQiUyNiUzRCUyRislQzMlQTk=", form,
			"grant_type=client_credentials&scope=a+b%26c",
		}},
		{"basic_raw", "client_auth: basic_raw", creds, sent{
			// app id/é:p@ss:w%rd+&=/ é
			"POST", "/token", "Basic YXBwIGlkL8OpOnBAc3M6dyVyZCsmPS8gw6k=", form,
			"grant_type=client_credentials&scope=a+b%26c",
		}},
		{"form", "client_auth: form", creds, sent{
			"POST", "/token", "", form,
			"grant_type=client_credentials&client_id=app+id%2F%C3%A9&client_secret=p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9&scope=a+b%26c",
		}},
		{"json", "client_auth: json", creds, sent{
			"POST", "/token", "", "application/json",
			`{"client_id":"app id/é","client_secret":"p@ss:w%rd+\u0026=/ é","grant_type":"client_credentials","scope":"a b\u0026c"}`,
		}},
		{"query", "client_auth: query", creds, sent{
			"POST", "/token?grant_type=client_credentials&client_id=app+id%2F%C3%A9&client_secret=p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9&scope=a+b%26c", "", "", "",
		}},
		{"none", "client_auth: none, params: {assertion: 'k {client_secret}'}", creds, sent{
			"POST", "/token", "", form,
			"grant_type=client_credentials&scope=a+b%26c&assertion=k+p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9",
		}},
		{"another grant type and further parameters", "client_auth: form, grant_type: account_credentials, params: {account_id: '{client_id}', a: b}", creds, sent{
			"POST", "/token", "", form,
			"grant_type=account_credentials&client_id=app+id%2F%C3%A9&client_secret=p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9&scope=a+b%26c&a=b&account_id=app+id%2F%C3%A9",
		}},
		{"an own header", "client_auth: form, headers: {X-Api-Key: '{client_secret}', Accept: text/plain}", providers.Credentials{"client_id": "a", "client_secret": "b"}, sent{
			"POST", "/token", "", form, "grant_type=client_credentials&client_id=a&client_secret=b&scope=a+b%26c",
		}},
		{"no secret, form", "client_auth: form", creds.With("client_secret", ""), sent{
			"POST", "/token", "", form, "grant_type=client_credentials&client_id=app+id%2F%C3%A9&scope=a+b%26c",
		}},
		{"no secret, basic", "client_auth: basic_raw", providers.Credentials{"client_id": "a"}, sent{
			"POST", "/token", "Basic YTo=", form, "grant_type=client_credentials&scope=a+b%26c",
		}},
		{"no credentials, basic", "client_auth: basic", nil, sent{
			"POST", "/token", "", form, "grant_type=client_credentials&scope=a+b%26c",
		}},
		{"no credentials, parameters of them", "client_auth: form, params: {account_id: '{client_id}'}", nil, sent{
			"POST", "/token", "", form, "grant_type=client_credentials&scope=a+b%26c",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, seen := recording(t, parse(t, "client_id client_secret", "scheme: client_credentials, token: POST /token, "+c.auth))
			resp, err := client.Authenticate(t.Context(), c.creds, providers.TokenRequest{Scopes: []string{"a", "b&c"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]sent{c.want}, *seen); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if string(resp.RequestBody) != c.want.Body {
				t.Errorf("the response says that %q was sent", resp.RequestBody)
			}
		})
	}
}

func TestTokenRequestVariants(t *testing.T) {
	const auth = "scheme: client_credentials, token: 'POST /token?v=2', client_auth: form, scopes: {separator: ',', default: [read]}"
	creds := providers.Credentials{"client_id": "a", "client_secret": "b"}
	for _, c := range []struct {
		name, auth string
		want       providers.TokenRequest
		uri, body  string
	}{
		{"the default scope", auth, providers.TokenRequest{}, "/token?v=2", "grant_type=client_credentials&client_id=a&client_secret=b&scope=read"},
		{"scopes in the provider's notation", auth, providers.TokenRequest{Scopes: []string{"x", "y"}}, "/token?v=2", "grant_type=client_credentials&client_id=a&client_secret=b&scope=x%2Cy"},
		{"a scope as it stands", auth, providers.TokenRequest{Scope: "x y", Scopes: []string{"z"}}, "/token?v=2", "grant_type=client_credentials&client_id=a&client_secret=b&scope=x+y"},
		{"another grant type", auth, providers.TokenRequest{GrantType: "urn:x:y"}, "/token?v=2", "grant_type=urn%3Ax%3Ay&client_id=a&client_secret=b&scope=read"},
		{"without parameters", auth, providers.TokenRequest{Without: []string{"scope", "client_secret", "nothing"}}, "/token?v=2", "grant_type=client_credentials&client_id=a"},
		{"without any", auth, providers.TokenRequest{Without: []string{"grant_type", "scope", "client_id", "client_secret"}}, "/token?v=2", ""},
		{"the query string, which goes on", strings.Replace(auth, "form", "query", 1), providers.TokenRequest{}, "/token?v=2&grant_type=client_credentials&client_id=a&client_secret=b&scope=read", ""},
		{"Basic and no grant type", "scheme: basic_token, token: POST /token, client_auth: basic_raw", providers.TokenRequest{}, "/token", ""},
		{"Basic and a grant type all the same", "scheme: basic_token, token: POST /token, client_auth: basic_raw", providers.TokenRequest{GrantType: "x", Scope: "y"}, "/token", "grant_type=x&scope=y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, seen := recording(t, parse(t, "client_id client_secret", c.auth))
			if _, err := client.Authenticate(t.Context(), creds, c.want); err != nil {
				t.Fatal(err)
			}
			got := (*seen)[0]
			if got.URI != c.uri || got.Body != c.body {
				t.Errorf("got  %s %q\nwant %s %q", got.URI, got.Body, c.uri, c.body)
			}
			if hasType := got.ContentType != ""; hasType != (c.body != "") {
				t.Errorf("content type %q of the body %q", got.ContentType, got.Body)
			}
		})
	}
}

func TestSchemesOnTheWire(t *testing.T) {
	key := providers.Credentials{"api_key": hardSecret}
	user := providers.Credentials{"username": hardID, "password": hardSecret}
	client := providers.Credentials{"client_id": "a", "client_secret": "b"}
	for _, c := range []struct {
		name, fields, auth string
		creds              providers.Credentials
		uri                string
		header, value      string
	}{
		{"bearer", "api_key", "scheme: bearer", providers.Credentials{"api_key": "SG.abc"}, "/me", "Authorization", "Bearer SG.abc"},
		{"bearer with a word of its own", "api_key", "scheme: bearer, value: 'Token token={api_key}'", providers.Credentials{"api_key": "SG.abc"}, "/me", "Authorization", "Token token=SG.abc"},
		{"header", "api_key", "scheme: header, header: X-Api-Key", providers.Credentials{"api_key": "p@ss:w%rd+&=/"}, "/me", "X-Api-Key", "p@ss:w%rd+&=/"},
		{"header of two fields", "app_id api_key", "scheme: header, header: X-Auth, value: '{app_id}/{api_key}'", providers.Credentials{"app_id": "a", "api_key": "{app_id}"}, "/me", "X-Auth", "a/{app_id}"},
		{"query", "api_key", "scheme: query, query: api_key", key, "/me?api_key=p%40ss%3Aw%25rd%2B%26%3D%2F+%C3%A9", "Authorization", ""},
		{"basic", "username password", "scheme: basic", user, "/me", "Authorization", "Basic YXBwIGlkL8OpOnBAc3M6dyVyZCsmPS8gw6k="},
		{"basic without a password", "username", "scheme: basic", providers.Credentials{"username": "sk_test"}, "/me", "Authorization", "Basic c2tfdGVzdDo="},
		{"basic from a key", "api_key", "scheme: basic, value: 'Basic {api_key}:'", providers.Credentials{"api_key": "sk_test"}, "/me", "Authorization", "Basic c2tfdGVzdDo="},
		{"basic with a fixed user", "api_key", "scheme: basic, value: 'Basic api:{api_key}'", key, "/me", "Authorization", "Basic YXBpOnBAc3M6dyVyZCsmPS8gw6k="},
		{"basic of more than fields", "email api_token", "scheme: basic, value: 'Basic {email}/token:{api_token}'", providers.Credentials{"email": "a@b", "api_token": "c"}, "/me", "Authorization", "Basic YUBiL3Rva2VuOmM="},
		{"basic without its only credential", "api_key", "scheme: basic, value: 'Basic api:{api_key}'", nil, "/me", "Authorization", ""},
		{"one of several headers", "api_key app_key", "scheme: header, headers: {X-Key: '{api_key}', X-App: 'app {app_key}'}", providers.Credentials{"api_key": "a", "app_key": "b"}, "/me", "X-App", "app b"},
		{"the other of several headers", "api_key app_key", "scheme: header, headers: {X-Key: '{api_key}', X-App: 'app {app_key}'}", providers.Credentials{"api_key": "a"}, "/me", "X-Key", "a"},
		{"no header for a credential that is missing", "api_key app_key", "scheme: header, headers: {X-Key: '{api_key}', X-App: 'app {app_key}'}", providers.Credentials{"api_key": "a"}, "/me", "X-App", ""},
		{"a header beside a bearer key", "api_key account", "scheme: bearer, value: 'Bearer {api_key}', headers: {X-Account: '{account}'}", providers.Credentials{"api_key": "a", "account": "b"}, "/me", "X-Account", "b"},
		{"a bare token in the query string", "client_id client_secret", "scheme: client_credentials, token: POST /token, query: access_token", client, "/me?access_token=a-token", "Authorization", ""},
		{"a bare key in the query string", "api_key", "scheme: bearer, query: key", providers.Credentials{"api_key": "k"}, "/me?key=k", "Authorization", ""},
		{"client_credentials", "client_id client_secret", "scheme: client_credentials, token: POST /token", client, "/me", "Authorization", "Bearer a-token"},
		{"basic_token", "client_id client_secret", "scheme: basic_token, token: POST /token", client, "/me", "Authorization", "Bearer a-token"},
		{"a token in a header of its own", "client_id client_secret", "scheme: basic_token, token: POST /token, header: X-Token, value: '{access_token}'", client, "/me", "X-Token", "a-token"},
		{"a token in the query string", "client_id client_secret", "scheme: basic_token, token: POST /token, query: access_token, value: '{access_token}'", client, "/me?access_token=a-token", "Authorization", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, seen := recording(t, parse(t, c.fields, c.auth))
			resp, err := client.Call(t.Context(), c.creds, "me", nil)
			if err != nil {
				t.Fatal(err)
			}
			last := (*seen)[len(*seen)-1]
			if last.URI != c.uri {
				t.Errorf("got %s, want %s", last.URI, c.uri)
			}
			if got := resp.Request.Header.Get(c.header); got != c.value {
				t.Errorf("header %s is %q, want %q", c.header, got, c.value)
			}
		})
	}
}

// What a call says in the provider file is sent as it stands: JSON is full of
// braces that are no placeholders.
func TestCallOnTheWire(t *testing.T) {
	client, seen := recording(t, parse(t, "api_key", "scheme: query, query: key"))
	if _, err := client.Call(t.Context(), providers.Credentials{"api_key": "k"}, "find", nil); err != nil {
		t.Fatal(err)
	}
	want := []sent{{"POST", "/find?key=k&page=1&q=a%26b+%7Bmissing+brace", "", "text/plain", `{"a": {"b": 1}}`}}
	if diff := cmp.Diff(want, *seen); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A public call, and one whose credential is missing, carry none.
func TestCallsWithoutACredential(t *testing.T) {
	for _, auth := range []string{"scheme: bearer", "scheme: header, header: Authorization", "scheme: query, query: api_key"} {
		p := parse(t, "api_key", auth)
		p.Calls["public"] = providers.Call{Endpoint: "GET /public", Public: true}
		client, seen := recording(t, p)
		if _, err := client.Call(t.Context(), providers.Credentials{}, "me", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Call(t.Context(), providers.Credentials{"api_key": "k"}, "public", nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]sent{{Method: "GET", URI: "/me"}, {Method: "GET", URI: "/public"}}, *seen); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", auth, diff)
		}
	}
	client, seen := recording(t, parse(t, "username password", "scheme: basic"))
	if _, err := client.Call(t.Context(), nil, "me", nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sent{{Method: "GET", URI: "/me"}}, *seen); diff != "" {
		t.Errorf("basic: (-want +got)\n%s", diff)
	}
}

// Each way of client authentication is understood by a provider that wants it,
// and by no other. The simulator does not share its reading with the client.
func TestClientAuthenticationMeetsTheSimulator(t *testing.T) {
	fixtures := fstest.MapFS{}
	for situation, response := range map[string]string{
		"issued":                 "200 OK\nContent-Type: application/json\n\n{\"access_token\": \"0123456789abcdef\", \"expires_in\": 3600}",
		"invalid_client":         "401 Unauthorized\nContent-Type: application/json\n\n{\"error\": \"invalid_client\"}",
		"invalid_request":        "400 Bad Request\nContent-Type: application/json\n\n{\"error\": \"invalid_request\"}",
		"unsupported_grant_type": "400 Bad Request\nContent-Type: application/json\n\n{\"error\": \"unsupported_grant_type\"}",
	} {
		fixtures["example/token/"+situation+".http"] = &fstest.MapFile{Data: []byte("# assumed for this test\nHTTP/1.1 " + response + "\n")}
	}
	var methods []string
	for _, m := range providers.ClientAuthMethods() {
		if m[0] != "none" {
			methods = append(methods, m[0])
		}
	}
	if !sort.StringsAreSorted(methods) || len(methods) < 5 {
		t.Fatalf("methods %q", methods)
	}
	secrets := []string{hardSecret, "plain/1", "a b", "a+b", "100%", "%41", "a:b", "é", "&=?#", `"quoted"\`, "{client_id}"}
	for _, scheme := range []string{"client_credentials", "basic_token"} {
		for _, wanted := range methods {
			provider := parse(t, "client_id client_secret", "scheme: "+scheme+", token: POST /token, client_auth: "+wanted)
			prototype, err := simulator.New(provider, fixtures)
			if err != nil {
				t.Fatal(err)
			}
			for _, used := range methods {
				p := parse(t, "client_id client_secret", "scheme: "+scheme+", token: POST /token, client_auth: "+used)
				for _, secret := range secrets {
					creds := providers.Credentials{"client_id": hardID, "client_secret": secret}
					client := &providers.Client{Provider: p, Transport: prototype.Fresh(creds).Transport()}
					resp, err := client.Authenticate(t.Context(), creds, providers.TokenRequest{})
					if err != nil {
						t.Fatal(err)
					}
					want := used == wanted
					if used == "basic_raw" && wanted == "basic" {
						// Who decodes what was not encoded is wrong only about these.
						want = !strings.ContainsAny(secret, "%+")
					}
					if issued := resp.Status == 200; issued != want {
						t.Errorf("%s: %s sent to a provider that wants %s, secret %q: status %d %s", scheme, used, wanted, secret, resp.Status, resp.Body)
					}
				}
			}
		}
	}
}

// The same for what calls carry in place of a token.
func TestSchemesMeetTheSimulator(t *testing.T) {
	fixtures := fstest.MapFS{
		"example/me/ok.http":            {Data: []byte("# assumed for this test\nHTTP/1.1 200 OK\n\n{}\n")},
		"example/me/invalid_token.http": {Data: []byte("# assumed for this test\nHTTP/1.1 401 Unauthorized\n\n{}\n")},
		"example/me/missing_token.http": {Data: []byte("# assumed for this test\nHTTP/1.1 403 Forbidden\n\n{}\n")},
	}
	for _, c := range []struct{ fields, auth string }{
		{"api_key", "scheme: bearer"},
		{"api_key", "scheme: bearer, value: 'Token {api_key}'"},
		{"api_key", "scheme: header, header: X-Api-Key"},
		{"app_id api_key", "scheme: header, header: X-Auth, value: '{app_id} {api_key}'"},
		{"api_key", "scheme: query, query: api_key"},
		{"username password", "scheme: basic"},
		{"username", "scheme: basic"},
	} {
		t.Run(c.auth, func(t *testing.T) {
			p := parse(t, c.fields, c.auth)
			prototype, err := simulator.New(p, fixtures)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"plain/1", "p@ss:w%rd+&=/", "a+b", "100%", "%41", "&=?#", `"quoted"\`, "{api_key}", "key-limited"} {
				creds := providers.Credentials{}
				for field := range strings.FieldsSeq(c.fields) {
					creds[field] = secret
				}
				if strings.HasPrefix(c.fields, "username") {
					creds["username"] = "user"
				}
				client := &providers.Client{Provider: p, Transport: prototype.Fresh(creds).Transport()}
				for _, sent := range []struct {
					creds providers.Credentials
					want  int
				}{
					{creds, 200},
					{creds.With(p.CredentialFields()[0], "other"), 401},
					{providers.Credentials{}, 403},
				} {
					resp, err := client.Call(t.Context(), sent.creds, "me", nil)
					if err != nil {
						t.Fatal(err)
					}
					if resp.Status != sent.want {
						t.Errorf("secret %q, sent %q: status %d, want %d", secret, map[string]string(sent.creds), resp.Status, sent.want)
					}
				}
			}
		})
	}
}
