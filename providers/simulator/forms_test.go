package simulator_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A spoiler changes a request on its way from our client to the simulator: it
// is the client that has the form wrong.
type spoiler struct {
	next  http.RoundTripper
	spoil func(r *http.Request, body string) (*http.Request, string)
}

func (s spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	if s.spoil != nil {
		r, body = s.spoil(r, body)
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	return s.next.RoundTrip(r)
}

// everySituation answers each situation with its name.
func everySituation(p *providers.Provider) fstest.MapFS {
	files := fstest.MapFS{}
	for _, call := range append(p.CallNames(), providers.TokenCall) {
		for _, situation := range providers.Situations(call) {
			name := call + "/" + situation
			status, body := "200 OK", fmt.Sprintf(`{"situation": %q}`, name)
			switch situation {
			case "issued":
				body = `{"situation": "token/issued", "access_token": "sample-token-0123456789", "expires_in": 60, "credentials": {"token": "sample-token-0123456789"}}`
			case "ok":
			default:
				status = "400 Bad Request"
			}
			files[p.ID+"/"+name+".http"] = &fstest.MapFile{Data: []byte("# assumed for this test\nHTTP/1.1 " + status + "\nContent-Type: application/json\n\n" + body)}
		}
	}
	return files
}

func setHeader(name, value string) func(*http.Request, string) (*http.Request, string) {
	return func(r *http.Request, body string) (*http.Request, string) {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
		return r, body
	}
}

func setURL(change func(r *http.Request)) func(*http.Request, string) (*http.Request, string) {
	return func(r *http.Request, body string) (*http.Request, string) {
		change(r)
		return r, body
	}
}

func replaceBody(from, to string) func(*http.Request, string) (*http.Request, string) {
	return func(r *http.Request, body string) (*http.Request, string) {
		return r, strings.Replace(body, from, to, 1)
	}
}

func basicHeader(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Each form of request passes as the client sends it, and no other way.
func TestFormsOfRequests(t *testing.T) {
	type change = func(*http.Request, string) (*http.Request, string)
	type wrong struct {
		name   string
		change change
		want   string
	}
	for _, c := range []struct {
		name, file string
		call       string // empty: the token request
		wrong      []wrong
	}{
		{"a field in the host", `
base_url: https://{shop}.myshop.example.com
credentials: {shop: SHOP, api_key: KEY}
auth: {scheme: header, header: X-Access-Token}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"another host", setURL(func(r *http.Request) { r.URL.Host = "evil.myshop.example.com" }), "unknown_call"},
			{"the field as it stands", setURL(func(r *http.Request) { r.URL.Host = "{shop}.myshop.example.com" }), "unknown_call"},
			{"another header", setHeader("X-Access-Token", ""), "me/missing_token"},
			{"another key", setHeader("X-Access-Token", "test-form-shop"), "me/invalid_token"},
			{"a revoked key", setHeader("X-Access-Token", "test-form/api-key-revoked"), "me/invalid_token"},
		}},
		{"a field in the path", `
base_url: https://api.example.com/v1/{region}
credentials: {account: ACCOUNT, region: REGION, api_key: KEY}
auth: {scheme: bearer}
calls: {me: {endpoint: "GET /accounts/{account}/me.json"}, own: {endpoint: GET /accounts/me/me.json}}`, "me", []wrong{
			{"another account", setURL(func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "test-form-account", "other", 1) }), "me/invalid_token"},
			{"no account", setURL(func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "test-form-account", "", 1) }), "unknown_call"},
			{"another region", setURL(func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "test-form-region", "us", 1) }), "me/invalid_token"},
			{"a path more", setURL(func(r *http.Request) { r.URL.Path += "/x" }), "unknown_call"},
			{"a path that is spelled out", setURL(func(r *http.Request) { r.URL.Path = "/accounts/me/me.json" }), "own/ok"},
			{"no key", setHeader("Authorization", ""), "me/missing_token"},
		}},
		{"a field in the path of the token endpoint", `
base_url: https://api.example.com
credentials: {tenant: TENANT, client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: "POST /{tenant}/token"}`, "", []wrong{
			{"another tenant", setURL(func(r *http.Request) { r.URL.Path = "/other/token" }), "token/invalid_client"},
		}},
		{"a token for the path of another account", `
base_url: https://api.example.com
credentials: {account: ACCOUNT, client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: POST /token}
calls: {me: {endpoint: "GET /{account}/me"}}`, "me", []wrong{
			{"another account", setURL(func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "test-form-account", "other", 1) }), "me/invalid_token"},
		}},
		{"a field in the query of an endpoint", `
base_url: https://api.example.com
credentials: {account: ACCOUNT, api_key: KEY}
auth: {scheme: bearer}
calls: {me: {endpoint: "GET /me?account={account}"}}`, "me", []wrong{
			{"another account", setURL(func(r *http.Request) { r.URL.RawQuery = "account=other" }), "me/invalid_token"},
			{"no account", setURL(func(r *http.Request) { r.URL.RawQuery = "" }), "me/missing_token"},
		}},
		{"fixed headers on a call", `
base_url: https://api.example.com
headers: {Api-Version: "2022-06-28", Accept: application/vnd.api+json}
credentials: {api_key: KEY}
auth: {scheme: bearer}
calls: {me: {endpoint: GET /me, headers: {X-Mode: full}}}`, "me", []wrong{
			{"no version", setHeader("Api-Version", ""), "unknown_call"},
			{"another version", setHeader("Api-Version", "2021-01-01"), "unknown_call"},
			{"no header of the call", setHeader("X-Mode", ""), "unknown_call"},
			{"another type", setHeader("Accept", "application/json"), "unknown_call"},
			{"any type", setHeader("Accept", "*/*"), "me/ok"},
		}},
		{"a header of the call replaces a fixed one", `
base_url: https://api.example.com
headers: {Api-Version: "1", X-Other: x}
credentials: {api_key: KEY}
auth: {scheme: bearer}
calls: {me: {endpoint: GET /me, headers: {api-version: "2", X-Other: ""}}}`, "me", []wrong{
			{"the fixed one", setHeader("Api-Version", "1"), "unknown_call"},
		}},
		{"fixed headers on a token request", `
base_url: https://api.example.com
headers: {Api-Version: "1", Content-Type: application/json}
credentials: {client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: POST /token, headers: {Api-Version: "2", X-Client: "{client_id}"}}`, "", []wrong{
			{"no version", setHeader("Api-Version", ""), "unknown_call"},
			{"that of calls", setHeader("Api-Version", "1"), "unknown_call"},
			{"another client", setHeader("X-Client", "other"), "token/invalid_client"},
		}},
		{"the key as user of Basic", `
base_url: https://api.example.com
credentials: {api_key: KEY}
auth: {scheme: basic, value: "Basic {api_key}:"}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"the key as password", setHeader("Authorization", basicHeader("", "test-form/api-key")), "me/invalid_token"},
			{"a password too", setHeader("Authorization", basicHeader("test-form/api-key", "x")), "me/invalid_token"},
			{"no colon", setHeader("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("test-form/api-key"))), "me/invalid_token"},
			{"not encoded", setHeader("Authorization", "Basic test-form/api-key:"), "me/invalid_token"},
			{"as a bearer token", setHeader("Authorization", "Bearer test-form/api-key"), "me/invalid_token"},
			{"a revoked key", setHeader("Authorization", basicHeader("test-form/api-key-revoked", "")), "me/invalid_token"},
			{"nothing", setHeader("Authorization", ""), "me/missing_token"},
		}},
		{"a fixed user of Basic", `
base_url: https://api.example.com
credentials: {api_key: KEY}
auth: {scheme: basic, value: "Basic api:{api_key}"}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"another user", setHeader("Authorization", basicHeader("key", "test-form/api-key")), "me/invalid_token"},
			{"the key as user", setHeader("Authorization", basicHeader("test-form/api-key", "")), "me/invalid_token"},
		}},
		{"more than a field in the user of Basic", `
base_url: https://api.example.com
credentials: {email: EMAIL, api_token: TOKEN}
auth: {scheme: basic, value: "Basic {email}/token:{api_token}"}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"no /token", setHeader("Authorization", basicHeader("test-form/email", "test-form/api-token")), "me/invalid_token"},
			{"another token", setHeader("Authorization", basicHeader("test-form/email/token", "other")), "me/invalid_token"},
		}},
		{"several headers", `
base_url: https://api.example.com
credentials: {api_key: KEY, application_key: APP}
auth: {scheme: header, headers: {DD-API-KEY: "{api_key}", DD-APPLICATION-KEY: "{application_key}"}}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"only one", setHeader("DD-APPLICATION-KEY", ""), "me/missing_token"},
			{"only the other", setHeader("DD-API-KEY", ""), "me/missing_token"},
			{"one is wrong", setHeader("DD-APPLICATION-KEY", "test-form/api-key"), "me/invalid_token"},
			{"the other is revoked", setHeader("DD-API-KEY", "test-form/api-key-revoked"), "me/invalid_token"},
		}},
		{"a token in the query", `
base_url: https://api.example.com
credentials: {client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: POST /token, query: access_token}
calls: {me: {endpoint: GET /me}}`, "me", []wrong{
			{"with a word before it", setURL(func(r *http.Request) {
				if r.URL.Path == "/me" {
					r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "access_token=", "access_token=Bearer+", 1)
				}
			}), "me/invalid_token"},
			{"under another name", setURL(func(r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "access_token=", "token=", 1)
			}), "me/missing_token"},
		}},
		{"a token request by GET", `
base_url: https://api.example.com
credentials: {client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: GET /token, client_auth: query}`, "", []wrong{
			{"another grant", setURL(func(r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "client_credentials", "password", 1)
			}), "token/unsupported_grant_type"},
			{"a POST", setURL(func(r *http.Request) { r.Method = "POST" }), "unknown_call"},
			{"the parameters as a form", func(r *http.Request, _ string) (*http.Request, string) {
				body := r.URL.RawQuery
				r.URL.RawQuery = ""
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				return r, body
			}, "token/invalid_client"},
		}},
		{"parameters with names of their own, by GET", `
base_url: https://api.example.com
credentials: {user_key: KEY, user_secret: SECRET}
auth: {scheme: client_credentials, token: GET /token, client_auth: none, grant_type: none, params: {key: "{user_key}", secret: "{user_secret}", v: "2"}}`, "", []wrong{
			{"another secret", setURL(func(r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "secret=test", "secret=best", 1)
			}), "token/invalid_client"},
			{"another version", setURL(func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "v=2", "v=1", 1) }), "token/invalid_request"},
		}},
		{"no grant type", `
base_url: https://api.example.com
credentials: {client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: POST /token, client_auth: form, grant_type: none}`, "", []wrong{
			{"no secret", replaceBody("client_secret=", "secret="), "token/invalid_client"},
		}},
		{"JSON with names of its own", `
base_url: https://api.example.com
credentials: {username: NAME, password: PASSWORD}
auth: {scheme: client_credentials, token: POST /token, body: {username: "{username}", password: "{password}"}}`, "", []wrong{
			{"the standard names", replaceBody(`"username"`, `"client_id"`), "token/invalid_client"},
			{"a wrong password", replaceBody("test-form/password", "wrong"), "token/invalid_client"},
			{"a revoked user", replaceBody("test-form/username", "test-form/username-revoked"), "token/invalid_client"},
			{"a locked user", replaceBody("test-form/username", "test-form/username-locked"), "token/unauthorized_client"},
			{"a form", func(r *http.Request, _ string) (*http.Request, string) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				return r, "username=test-form%2Fusername&password=test-form%2Fpassword"
			}, "token/invalid_request"},
			{"no JSON", replaceBody("{", ""), "token/invalid_request"},
			{"a member more", replaceBody("{", `{"more": 1,`), "token/issued"},
		}},
		{"nested JSON", `
base_url: https://api.example.com
credentials: {name: NAME, secret: SECRET}
auth:
  scheme: client_credentials
  token: POST /token
  body: {grant_type: keys, auth: {keys: ["{name}", "{secret}"], remember: true, days: 30, site: null}, scope: "{scope}"}
  scopes: {known: {read: x, write: x}, default: [read]}`, "", []wrong{
			{"flat", replaceBody(`"auth":{`, `"other":{`), "token/invalid_client"},
			{"another order", replaceBody(`"test-form/name"`, `"x","test-form/name"`), "token/invalid_client"},
			{"a text for true", replaceBody("true", `"true"`), "token/invalid_request"},
			{"another number", replaceBody("30", "31"), "token/invalid_request"},
			{"a value for null", replaceBody("null", `""`), "token/invalid_request"},
			{"another grant", replaceBody(`"keys"`, `"other"`), "token/invalid_client"}, // the first "keys" is the member
			{"another grant type", replaceBody(`"grant_type":"keys"`, `"grant_type":"other"`), "token/unsupported_grant_type"},
			{"no grant type", replaceBody(`"grant_type":"keys",`, ``), "token/invalid_request"},
			{"an unknown scope", replaceBody(`"read"`, `"admin"`), "token/invalid_scope"},
		}},
		{"JSON beside Basic", `
base_url: https://api.example.com
credentials: {client_id: ID, client_secret: SECRET}
auth: {scheme: client_credentials, token: POST /token, client_auth: basic, body: {grant_type: client_credentials}}`, "", []wrong{
			{"no Basic", setHeader("Authorization", ""), "token/invalid_client"},
			{"no grant type", replaceBody("grant_type", "type"), "token/invalid_request"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := providers.Parse("form.yaml", []byte("name: Form\ndocs: https://docs.example.com/\n"+strings.TrimSpace(c.file)+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			meets := func(spoil change) string {
				s, err := simulator.New(p, everySituation(p))
				if err != nil {
					t.Fatal(err)
				}
				client := providers.Client{Provider: p, Transport: spoiler{s.Transport(), spoil}}
				var resp *providers.Response
				if c.call == "" {
					resp, err = client.Authenticate(t.Context(), s.Credentials(), providers.TokenRequest{})
				} else {
					resp, err = client.Call(t.Context(), s.Credentials(), c.call, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				return gjson.GetBytes(resp.Body, "situation").Str
			}
			want := "token/issued"
			if c.call != "" {
				want = c.call + "/ok"
			}
			if got := meets(nil); got != want {
				t.Errorf("as the client sends it: %s, want %s", got, want)
			}
			for _, w := range c.wrong {
				if got := meets(w.change); got != w.want {
					t.Errorf("%s: %s, want %s", w.name, got, w.want)
				}
			}
		})
	}
}

// A response that may lack an expiry, and does, issues a token without an end.
func TestTokensWithoutAnExpiry(t *testing.T) {
	p, err := providers.Parse("form.yaml", []byte("name: Form\ndocs: https://docs.example.com/\nbase_url: https://api.example.com\ncredentials: {client_id: ID, client_secret: SECRET}\nauth: {scheme: client_credentials, token: POST /token, response: {form: opaque}}\ncalls: {me: {endpoint: GET /me}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	fixtures := everySituation(p)
	fixtures["form/token/issued.http"] = &fstest.MapFile{Data: []byte("# assumed for this test\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"access_token\": \"sample-token-0123456789\"}")}
	s, err := simulator.New(p, fixtures)
	if err != nil {
		t.Fatal(err)
	}
	client := providers.Client{Provider: p, Transport: s.Transport()}
	token, _, err := client.Token(t.Context(), s.Credentials(), nil)
	if err != nil || token.Value == "" || !token.Expires.IsZero() {
		t.Fatalf("got %v until %s, %v", token, token.Expires, err)
	}
	s.Advance(1000 * time.Hour)
	resp, err := client.CallWithToken(t.Context(), s.Credentials(), token.Value, "me")
	if err != nil || resp.Status != http.StatusOK {
		t.Errorf("got %v, %v", resp, err)
	}
}
