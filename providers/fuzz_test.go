package providers_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/authspec/authspec/providers"
)

// Whatever stands in a provider file, it is read or refused, never a panic;
// and a mistake is at a place that there is.
func FuzzParse(f *testing.F) {
	files, err := fs.Glob(providers.Files, "*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no provider files")
	}
	for _, file := range files {
		source, err := fs.ReadFile(providers.Files, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	for _, seed := range []string{
		"", "\t", "---\n---\n", "- a", "name: *x", "a: &a [*a]", "<<: 1", "? {}", "!!binary x", "name: !!int x",
		"auth: {scheme: header, value: '{credential}'}\ncredentials: {}\n", "auth: {response: {lifetime: -1h, length: -1}}",
		"calls: {a: {endpoint: 'GET {'}, b: null}", "environments: {a: null, 'x.y[0]': {base_url: ':'}}", "answers: {a: b, /: /}",
		"undocumented: ['', token/]", "limits: {token: null}", "credentials: {\"\": x, a.b: Y}", "name: \"\\ud800\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		p, err := providers.Parse("fuzz.yaml", source)
		if err == nil {
			if p.ID != "fuzz" || p.Name == "" || p.Docs == "" || len(p.Credentials) == 0 {
				t.Errorf("read without what every provider has: %+v", p)
			}
			use(p)
			return
		}
		var problems providers.Problems
		if !errors.As(err, &problems) || len(problems) == 0 || err.Error() == "" {
			t.Fatalf("an error without problems: %v", err)
		}
		lines := 1 + strings.Count(string(source), "\n") + strings.Count(string(source), "\r") // both end lines in YAML
		for _, problem := range problems {
			if problem.Line < 0 || problem.Line > lines || problem.Line > 0 && problem.Column < 1 {
				t.Errorf("%d lines, and a problem at %d:%d", lines, problem.Line, problem.Column)
			}
			if utf8.Valid(source) && !utf8.ValidString(problem.Error()) {
				t.Errorf("broken text: %q", problem.Error())
			}
		}
	})
}

// use calls what reads a provider.
func use(p *providers.Provider) {
	for _, call := range p.CallNames() {
		_ = p.Calls[call].Endpoint.URL(p.BaseURL, true)
		_ = p.Situation(call, "expired_token")
	}
	_ = p.JoinScopes(p.SplitScopes("a,b c"))
	_ = p.Hosts()
	_ = p.HostsOf(providers.Credentials{})
	_, _ = p.ReadToken([]byte(`{"access_token": "a", "expires_in": 1}`), noon)
}

// Whatever the name of an account is, requests go to the provider.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"acme", "a.b", "evil.net/", "evil.net#", "x@evil.net", "evil.net:1", "[::1]", "%2e", "\\evil", "a\r\nHost: b", "。", "{shop}", "\xff", "EVIL.EXAMPLE.COM"} {
		f.Add(seed)
	}
	p, err := providers.Parse("fuzz.yaml", []byte("name: F\ndocs: d\nbase_url: https://{shop}.example.com/v1\ncredentials: {shop: F_SHOP, api_key: F_KEY}\nauth: {scheme: bearer}\ncalls: {me: {endpoint: GET /me}}\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, shop string) {
		var got *http.Request
		client := &providers.Client{Provider: p, Transport: keeping{&got}}
		_, err := client.Call(t.Context(), providers.Credentials{"shop": shop, "api_key": "k"}, "me", nil)
		var address *providers.AddressError
		if errors.As(err, &address) != (got == nil) {
			t.Fatalf("%q: a request %v with the error %v", shop, got, err)
		}
		if got == nil {
			return
		}
		if u := got.URL; u.Host != shop+".example.com" || u.User != nil || u.Port() != "" || u.Path != "/v1/me" || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q: a request to %s", shop, u)
		}
	})
}

// What a provider answers is not under anyone's control.
func FuzzReadToken(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "{}", `{"access_token": "a"}`, `{"access_token": "a", "expires_in": 1e999}`, `{"access_token": "a", "expires_in": -0}`,
		`{"access_token": "a.b.c", "expires_at": "2026-11-21T12:00:00Z"}`, `{"access_token": "e30.e30.x"}`, `{"access_token": "\ud800"}`,
	} {
		f.Add([]byte(seed), 0)
	}
	kinds := []providers.TokenResponse{
		{AccessToken: "access_token", ExpiresIn: "expires_in", Scope: "scope", TokenType: "token_type"},
		{AccessToken: "access_token", ExpiresInMS: "expires_in"},
		{AccessToken: "access_token", ExpiresAt: "expires_at"},
		{AccessToken: "access_token", ExpiresAtEpoch: "expires_in"},
		{AccessToken: "access_token", ExpiresJWT: true},
		{AccessToken: "@this", ExpiresIn: "#.a|@reverse"},
	}
	f.Fuzz(func(t *testing.T, body []byte, kind int) {
		p := &providers.Provider{Auth: providers.Auth{Response: kinds[uint(kind)%uint(len(kinds))]}}
		token, err := p.ReadToken(body, noon)
		if (token.Value == "") != errors.Is(err, providers.ErrNoToken) {
			t.Errorf("a token of %d characters with the error %v", len(token.Value), err)
		}
		if err == nil && token.Expires.IsZero() {
			t.Error("a token without an expiry and without an error")
		}
		_, _ = providers.JWTClaims(string(body))
	})
}

// A provider file that is read can be loaded, looked up and listed.
func TestCatalogue(t *testing.T) {
	catalogue, err := providers.Load(fstest.MapFS{
		"b.yaml":     {Data: []byte("name: Bee\ndocs: d\nbase_url: https://b.example\ncredentials: {api_key: B_KEY}\nauth: {scheme: bearer}\n")},
		"a.yaml":     {Data: []byte("name: The A\ndocs: d\nbase_url: https://a.example\ncredentials: {api_key: A_KEY}\nauth: {scheme: bearer}\n")},
		"README.md":  {Data: []byte("no provider")},
		"sub/c.yaml": {Data: []byte("no provider either")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := catalogue.All(); len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("got %v", all)
	}
	for _, name := range []string{"b", "B", "Bee", "bee"} {
		if p, err := catalogue.Lookup(name); err != nil || p.ID != "b" {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
	for name, want := range map[string]string{
		"aa":       `no provider "aa" (did you mean "a"?): known are a, b`,
		"sendgrid": `no provider "sendgrid": known are a, b`,
	} {
		if _, err := catalogue.Lookup(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
