package providers

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// A scheme is one way to authenticate. Schemes with a token request write it
// by token. What a call carries is a header (or query parameter) and a value,
// which the provider file may replace; in a value, {credential} stands for
// the only credential field there is.
type scheme struct {
	name   string
	doc    string
	token  func(p *Provider, creds Credentials, want TokenRequest) *tokenParams // nil: calls carry the credential itself
	header string
	value  string
}

// schemes is every way to authenticate, sorted by name.
var schemes = []scheme{
	{"basic", "HTTP Basic on every call, from username and password (RFC 7617)", nil, "Authorization", basicCredentials},
	{"basic_token", "HTTP Basic to the token endpoint, with no grant type", basicToken, "Authorization", "Bearer {access_token}"},
	{"bearer", "an API key as bearer token on every call (RFC 6750 2.1)", nil, "Authorization", "Bearer {credential}"},
	{"client_credentials", "OAuth 2.0 client credentials grant, or another grant of the same form (RFC 6749 4.4)", clientCredentials, "Authorization", "Bearer {access_token}"},
	{"header", "an API key in a header of the provider's own", nil, "", "{credential}"},
	{"query", "an API key in the query string", nil, "", "{credential}"},
}

// What scheme basic sends is user and password behind basicPrefix, encoded:
// base64 is not for a template to make.
const (
	basicPrefix      = "Basic "
	basicCredentials = basicPrefix + "{username}:{password}"
)

// scopeLeaf stands in a token request's body for the requested scopes.
const scopeLeaf = "{scope}"

// Schemes returns the name of every authentication scheme with a line that
// says what it is, sorted by name.
func Schemes() [][2]string {
	var list [][2]string
	for _, s := range schemes {
		list = append(list, [2]string{s.name, s.doc})
	}
	return list
}

func schemeNamed(name string) scheme {
	for _, s := range schemes {
		if s.name == name {
			return s
		}
	}
	return scheme{}
}

func schemeNames() []string {
	var names []string
	for _, s := range schemes {
		names = append(names, s.name)
	}
	return names
}

// A clientAuth is how a client authenticates to a token endpoint.
type clientAuth struct {
	name     string
	doc      string
	encoding string // of the token request's parameters
	apply    func(t *tokenParams, id, secret string)
}

// clientAuths is every client authentication method, sorted by name.
var clientAuths = []clientAuth{
	{"basic", "HTTP Basic, id and secret form-encoded first (RFC 6749 2.3.1)", encodingForm, func(t *tokenParams, id, secret string) {
		t.header.Set("Authorization", basic(url.QueryEscape(id), url.QueryEscape(secret)))
	}},
	{"basic_raw", "HTTP Basic, id and secret as they are (curl -u)", encodingForm, func(t *tokenParams, id, secret string) {
		t.header.Set("Authorization", basic(id, secret))
	}},
	{"form", "client_id and client_secret in the form body (RFC 6749 2.3.1)", encodingForm, inParameters},
	{"json", "client_id and client_secret in a JSON body", encodingJSON, inParameters},
	{"none", "no client authentication of its own: params carry what there is", encodingForm, func(*tokenParams, string, string) {}},
	{"query", "client_id and client_secret in the query string", encodingQuery, inParameters},
}

// ClientAuthMethods returns the name of every client authentication method
// with a line that says what it is, sorted by name.
func ClientAuthMethods() [][2]string {
	var list [][2]string
	for _, m := range clientAuths {
		list = append(list, [2]string{m.name, m.doc})
	}
	return list
}

func clientAuthNamed(name string) clientAuth {
	for _, m := range clientAuths {
		if m.name == name {
			return m
		}
	}
	return clientAuth{}
}

func inParameters(t *tokenParams, id, secret string) {
	t.add("client_id", id)
	t.add("client_secret", secret)
}

// The names of the credential fields that client authentication and Basic
// read. A field that is missing is not sent.
const (
	fieldID       = "client_id"
	fieldSecret   = "client_secret"
	fieldUser     = "username"
	fieldPassword = "password"
)

// clientCredentials is the token request of RFC 6749 4.4.2, or of any grant
// that differs from it only by its grant type and further parameters.
func clientCredentials(p *Provider, creds Credentials, want TokenRequest) *tokenParams {
	t := newTokenParams()
	grant := p.Auth.GrantType
	if want.GrantType != "" {
		grant = want.GrantType
	}
	t.add("grant_type", grant)
	authenticateClient(t, p, creds)
	t.add("scope", want.scope(p))
	return t
}

// basicToken is a token request that is nothing but client authentication.
func basicToken(p *Provider, creds Credentials, want TokenRequest) *tokenParams {
	t := newTokenParams()
	if want.GrantType != "" {
		t.add("grant_type", want.GrantType)
	}
	authenticateClient(t, p, creds)
	t.add("scope", want.scope(p))
	return t
}

// authenticateClient leaves out what the credentials do not have: a scenario
// may want to see what the provider says to that.
func authenticateClient(t *tokenParams, p *Provider, creds Credentials) {
	id, secret := creds[fieldID], creds[fieldSecret]
	if id == "" && secret == "" {
		return
	}
	clientAuthNamed(p.Auth.ClientAuth).apply(t, id, secret)
}

func basic(user, password string) string {
	return basicPrefix + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// authorize writes the credential onto a call. vars are the credential fields
// and, where there is one, access_token. A call whose credential is missing
// goes out without: a scenario may want to see what the provider says to that.
func (p *Provider) authorize(req *http.Request, vars map[string]string) {
	if !p.HasToken() {
		setHeaders(req, p.Auth.Headers, vars)
	}
	if p.Auth.Value == "" {
		return // several headers are all there is
	}
	value, err := expand(p.Auth.Value, vars)
	if user, isBasic := strings.CutPrefix(p.Auth.Value, basicPrefix); isBasic && p.Auth.Scheme == "basic" {
		value, err = expandBasic(user, vars)
	}
	switch {
	case err != nil:
	case p.Auth.Query != "":
		q := req.URL.Query()
		q.Set(p.Auth.Query, value)
		req.URL.RawQuery = q.Encode()
	default:
		req.Header.Set(p.Auth.Header, value)
	}
}

// expandBasic encodes user and password (RFC 7617). Either may be missing, but
// not all that stands in them.
func expandBasic(userAndPassword string, vars map[string]string) (string, error) {
	found := false
	plain, _ := substitute(userAndPassword, func(field string) (string, error) { // does not fail
		found = found || vars[field] != ""
		return vars[field], nil
	})
	if !found {
		return "", errNoCredential
	}
	return basicPrefix + base64.StdEncoding.EncodeToString([]byte(plain)), nil
}

var errNoCredential = errors.New("no credential")
