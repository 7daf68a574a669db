package providers_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/providers"
)

func addressed(t *testing.T, base, endpoint string) *providers.Provider {
	t.Helper()
	p, err := providers.Parse("example.yaml", []byte(`
name: Example
docs: https://example.com/docs
base_url: `+base+`
environments: {eu: {base_url: "https://{shop}.eu.example.com"}}
credentials: {shop: X_SHOP, account: X_ACCOUNT, api_key: X_KEY}
auth: {scheme: header, header: X-Key}
calls:
  me: {endpoint: "`+endpoint+`"}
  elsewhere: {endpoint: "GET https://login.example.com/{account}/me"}
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refusing fails the test if anything is sent.
type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("a request went to %s", req.URL)
	return nil, errors.New("nothing is to be sent")
}

type keeping struct{ got **http.Request }

func (k keeping) RoundTrip(req *http.Request) (*http.Response, error) {
	*k.got = req
	return nil, errors.New("seen enough")
}

// A value is escaped for where it stands.
func TestFieldsInURLs(t *testing.T) {
	creds := providers.Credentials{"shop": "Acme-1", "account": "a/b c?d#e%f@:é", "api_key": "k"}
	const escaped = "a%2Fb%20c%3Fd%23e%25f@:%C3%A9"
	for _, c := range []struct{ name, base, endpoint, environment, override, call, want string }{
		{"host", "https://{shop}.example.com", "GET /me", "", "", "me", "https://Acme-1.example.com/me"},
		{"host and port", "https://api-{shop}.example.com:8443/v1", "GET /me", "", "", "me", "https://api-Acme-1.example.com:8443/v1/me"},
		{"the whole host", "https://{shop}", "GET /me", "", "", "me", "https://Acme-1/me"},
		{"path", "https://api.example.com", "GET /a/{account}/me", "", "", "me", "https://api.example.com/a/" + escaped + "/me"},
		{"path of the base", "https://api.example.com/{account}", "GET /me", "", "", "me", "https://api.example.com/" + escaped + "/me"},
		{"query", "https://api.example.com", "GET /me?a={account}&b=1", "", "", "me", "https://api.example.com/me?a=a%2Fb+c%3Fd%23e%25f%40%3A%C3%A9&b=1"},
		{"an absolute endpoint", "https://{shop}.example.com", "GET /me", "", "", "elsewhere", "https://login.example.com/" + escaped + "/me"},
		{"an environment", "https://{shop}.example.com", "GET /me", "eu", "", "me", "https://Acme-1.eu.example.com/me"},
		{"--base-url replaces the host", "https://{shop}.example.com/v1", "GET /{account}", "", "http://127.0.0.1:8080/p/", "me", "http://127.0.0.1:8080/p/" + escaped},
		{"--base-url replaces other hosts", "https://{shop}.example.com/v1", "GET /me", "", "http://127.0.0.1:8080", "elsewhere", "http://127.0.0.1:8080/" + escaped + "/me"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *http.Request
			client := &providers.Client{Provider: addressed(t, c.base, c.endpoint), Environment: c.environment, BaseURL: c.override, Transport: keeping{&got}}
			_, _ = client.Call(t.Context(), creds, c.call, nil)
			if got == nil || got.URL.String() != c.want {
				t.Errorf("got %v, want %s", got.URL, c.want)
			}
		})
	}
}

// Whoever chooses the name of a shop must not choose who gets its key. Nothing
// is sent, and no error shows the value.
func TestValuesThatWouldChangeTheHost(t *testing.T) {
	for _, c := range []struct{ value, reason string }{
		{"", "is missing"},
		{"evil.example.net/", `contains '/'`},
		{"evil.example.net/x", `contains '/'`},
		{"evil.example.net#", `contains '#'`},
		{"evil.example.net?", `contains '?'`},
		{"evil.example.net:443", `contains ':'`},
		{"user@evil", `contains '@'`},
		{`evil.example.net\`, `contains '\\'`},
		{"evil%2Enet", `contains '%'`},
		{"https://acme.example.com", `contains ':'`},
		{"acme evil", "contains a blank"},
		{"acme\t", "contains a blank"},
		{"acme\n", "contains a blank"},
		{"acme\u00a0x", "contains a blank"},
		{"acme\x00", "is no part of a host name"},
		{"acme..evil", "is no part of a host name"},
		{".acme", "is no part of a host name"},
		{"acme.", "is no part of a host name"},
		{"münchen", "is no part of a host name"},
		{"evil。net", "is no part of a host name"},
		{"acme.Example.com", "ends in .example.com: give only what stands before"},
		{strings.Repeat("a", 64), "is too long"},
		{strings.Repeat("a.", 120) + "secret-value", "is too long"},
	} {
		for _, call := range []string{"me", "elsewhere"} {
			p := addressed(t, "https://{shop}.example.com", "GET /me")
			client := &providers.Client{Provider: p, Transport: refusing{t}}
			_, err := client.Call(t.Context(), providers.Credentials{"shop": c.value, "account": "a", "api_key": "k"}, call, nil)
			var address *providers.AddressError
			if !errors.As(err, &address) || address.Field != "shop" || address.Variable != "X_SHOP" || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%q: got %v, want %s", c.value, err, c.reason)
				continue
			}
			if !strings.HasPrefix(err.Error(), "example: "+call+": shop (X_SHOP) cannot stand in https://{shop}.") {
				t.Errorf("%q: got %v", c.value, err)
			}
			if len(c.value) > 5 && strings.Contains(err.Error(), c.value) {
				t.Errorf("the error shows the value: %v", err)
			}
		}
	}
}

func TestValuesThatCannotStandInAPath(t *testing.T) {
	for _, value := range []string{"", ".", "..", "a\nb", "\x7f"} {
		client := &providers.Client{Provider: addressed(t, "https://{shop}.example.com", "GET /{account}"), Transport: refusing{t}, BaseURL: "http://127.0.0.1:1"}
		_, err := client.Call(t.Context(), providers.Credentials{"shop": "acme", "account": value, "api_key": "k"}, "me", nil)
		var address *providers.AddressError
		if !errors.As(err, &address) || address.Field != "account" {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

func TestHostsAndAddressFields(t *testing.T) {
	p := addressed(t, "https://{shop}.example.com", "GET /me")
	if diff := cmp.Diff([]string{"login.example.com", "{shop}.eu.example.com", "{shop}.example.com"}, p.Hosts()); diff != "" {
		t.Errorf("hosts (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"acme.eu.example.com", "acme.example.com", "login.example.com"}, p.HostsOf(providers.Credentials{"shop": "acme"})); diff != "" {
		t.Errorf("hosts of acme (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"login.example.com"}, p.HostsOf(providers.Credentials{"shop": "evil.net/"})); diff != "" {
		t.Errorf("hosts of a bad value (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"account", "shop"}, p.AddressFields()); diff != "" {
		t.Errorf("address fields (-want +got)\n%s", diff)
	}
	if !p.InHost("shop") || p.InHost("account") || p.InHost("api_key") {
		t.Error("only shop stands in a host")
	}
	if p.Auth.Value != "{api_key}" {
		t.Errorf("the key that is sent is %s: the others stand in URLs", p.Auth.Value)
	}
}

// A token is not fetched for a call that cannot be sent.
func TestAddressesAreCheckedBeforeTheTokenRequest(t *testing.T) {
	p, err := providers.Parse("example.yaml", []byte(`
name: Example
docs: https://example.com/docs
base_url: https://{shop}.example.com
credentials: {shop: X_SHOP, client_id: X_ID, client_secret: X_SECRET}
auth: {scheme: client_credentials, token: POST https://login.example.com/token}
calls: {me: {endpoint: GET /me}}
`))
	if err != nil {
		t.Fatal(err)
	}
	client := &providers.Client{Provider: p, Transport: refusing{t}}
	_, _, err = client.Token(t.Context(), providers.Credentials{"shop": "evil/", "client_id": "a", "client_secret": "b"}, nil)
	var address *providers.AddressError
	if !errors.As(err, &address) {
		t.Errorf("got %v", err)
	}
}
