// Package providers reads provider files and drives the providers they
// describe: it authenticates by the scheme a file names and sends the calls it
// lists, over any http.RoundTripper.
package providers

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// A Provider is what one provider file says: where a provider is, how it
// authenticates its clients and which calls it offers. It is never changed
// once loaded.
type Provider struct {
	// ID is the name of the file without its ending: lower-case, stable.
	ID string `yaml:"-"`

	// Name is how people and features call the provider: "Antsomi".
	Name string `yaml:"name"`
	// Docs is the page the file was written from.
	Docs string `yaml:"docs"`
	// BaseURL is scheme and host (and a common path prefix, if any) of every
	// endpoint that is not an absolute URL. A {field} in it is a credential
	// field that says where requests go: https://{shop}.example.com.
	BaseURL string `yaml:"base_url"`
	// Headers are sent with every call and with the token request: the version
	// of an API, say. Those of auth and of a call replace them.
	Headers map[string]string `yaml:"headers"`
	// Environments replace hosts: sandbox, production …
	Environments map[string]Environment `yaml:"environments"`
	// Credentials maps each credential field to the environment variable it
	// is read from in a live run.
	Credentials map[string]string `yaml:"credentials"`
	// Auth says how the provider authenticates its clients.
	Auth Auth `yaml:"auth"`
	// Calls are the protected resources, by the name features call them.
	Calls map[string]Call `yaml:"calls"`
	// Answers lets one fixture serve several situations:
	// "me/expired_token: invalid_token".
	Answers map[string]string `yaml:"answers"`
	// Limits are the documented rate limits, by call: "token".
	Limits map[string]Limit `yaml:"limits"`
	// Health is what a check of credentials has to know of this provider.
	Health Health `yaml:"health"`
	// Undocumented lists the situations ("token/rate_limited") that the
	// provider's pages do not show; scenarios that meet one are skipped.
	Undocumented []string `yaml:"undocumented"`
	// Deviations are differences between the fixtures and the real provider
	// that are known and accepted for a while.
	Deviations []Deviation `yaml:"deviations"`
}

// A Deviation accepts one change that authspec drift reports, until a date.
type Deviation struct {
	Situation string `yaml:"situation"` // what was answered: "token/issued"
	Path      string `yaml:"path"`      // as reported: a gjson path, "HTTP status", "header NAME"
	Change    string `yaml:"change"`    // as reported: "is gone"
	Reason    string `yaml:"reason"`    // why it is accepted
	Until     Date   `yaml:"until"`     // the last day it holds
}

// An Environment is one set of hosts of a provider.
type Environment struct {
	// BaseURL replaces the provider's.
	BaseURL string `yaml:"base_url"`
	// Token replaces the token endpoint when it lives on another host.
	Token Endpoint `yaml:"token"`
}

// Auth is how a provider authenticates its clients.
type Auth struct {
	// Scheme is the name of an authentication scheme; see Schemes.
	Scheme string `yaml:"scheme"`

	// Token is the token endpoint (RFC 6749 3.2) of schemes that have one.
	Token Endpoint `yaml:"token"`
	// GrantType defaults to client_credentials; "none": the token request has
	// no grant type. Once read, none is empty.
	GrantType string `yaml:"grant_type"`
	// ClientAuth is how the client authenticates to the token endpoint; see
	// ClientAuthMethods.
	ClientAuth string `yaml:"client_auth"`
	// Params are further parameters of the token request.
	Params map[string]string `yaml:"params"`
	// Body is the JSON body of the token request, where it is more than a flat
	// list of parameters or names them its own way: {field} and {scope} may
	// stand in its texts.
	Body map[string]any `yaml:"body"`
	// Headers are further headers of the token request. Of schemes without
	// one, they are headers that carry credentials on every call.
	Headers map[string]string `yaml:"headers"`
	// Scopes is the provider's notation of scopes and those it knows.
	Scopes Scopes `yaml:"scopes"`
	// Response says where a token response keeps what.
	Response TokenResponse `yaml:"response"`
	// Error is the gjson path of the error code in an error body; default:
	// error; "none": there is no code. Once read, none is empty.
	Error string `yaml:"error"`

	// Header is the one that carries the credential on a call. Schemes have
	// defaults for it, for Query and for Value.
	Header string `yaml:"header"`
	// Query is the query parameter that carries the credential, instead.
	Query string `yaml:"query"`
	// Value is what stands there: "{api_key}", "Token {access_token}". Of
	// scheme basic it is user and password before they are encoded:
	// "Basic api:{api_key}".
	Value string `yaml:"value"`
}

// Scopes is a provider's notation of scopes.
type Scopes struct {
	// Separator stands between scopes; RFC 6749 3.3 says a blank.
	Separator string `yaml:"separator"`
	// Known maps each scope to what it grants. Empty: any scope is accepted.
	Known map[string]string `yaml:"known"`
	// Default is requested when a scenario names no scope.
	Default []string `yaml:"default"`
	// Required says that a request without a scope is refused.
	Required bool `yaml:"required"`
}

// TokenResponse holds the gjson paths of what a token response says. At most
// one of the expiries is set. Once read, an empty path means that the provider
// does not say it: in a file that is "none", and a path that is left out is
// the one of RFC 6749 5.1 (access_token, token_type, expires_in).
type TokenResponse struct {
	AccessToken  string `yaml:"access_token"`  // path of the token
	TokenType    string `yaml:"token_type"`    // path of its type: Bearer
	RefreshToken string `yaml:"refresh_token"` // path of the token to renew it with
	Scope        string `yaml:"scope"`         // path of the granted scopes

	ExpiresIn      string `yaml:"expires_in"`       // seconds from now
	ExpiresInMS    string `yaml:"expires_in_ms"`    // milliseconds from now
	ExpiresAt      string `yaml:"expires_at"`       // RFC 3339 date-time
	ExpiresAtEpoch string `yaml:"expires_at_epoch"` // seconds since 1970
	ExpiresJWT     bool   `yaml:"expires_jwt"`      // the exp claim of the token

	// Lifetime is how long a token lives where the response does not say so
	// by a number of seconds: "1h", "30m".
	Lifetime Duration `yaml:"lifetime"`
	// Form is what an access token looks like: "opaque" or "jwt". Declared,
	// never guessed.
	Form string `yaml:"form"`
	// Length is the number of characters of an opaque token; 0: as the sample.
	Length int `yaml:"length"`

	// mayLackExpiry: the file says where other things stand, but nothing of an
	// expiry, so it is the RFC's, which is optional.
	mayLackExpiry bool `yaml:"-"`
}

// A Call is one protected resource.
type Call struct {
	Endpoint Endpoint          `yaml:"endpoint"` // method and path, or URL
	Scope    string            `yaml:"scope"`    // a token without it gets insufficient_scope
	Query    map[string]string `yaml:"query"`    // parameters of the query string
	Headers  map[string]string `yaml:"headers"`  // further request headers
	Body     string            `yaml:"body"`     // of the request, literally
	// Public calls carry no credential.
	Public bool `yaml:"public"`
}

// A Limit is how often a call may be sent: 60 requests per 1h.
type Limit struct {
	Requests int      `yaml:"requests"` // how many are allowed
	Per      Duration `yaml:"per"`      // in how long a time: "1h"
}

// Health says how to read a provider's errors when a credential is checked.
type Health struct {
	// Errors says what an error code of the provider's own means:
	// "account_locked: locked_out". See HealthMeanings.
	Errors map[string]string `yaml:"errors"`
	// Proof are error codes that only a client gets which the provider has
	// accepted: invalid_scope, where it looks at the client first.
	Proof []string `yaml:"proof"`
	// Confirm is in how many checks one after the other a refusal that the
	// provider does not document must be seen before it is certain; 0: 2.
	Confirm int `yaml:"confirm"`
}

// HealthMeanings returns what an error code can mean for a credential, with a
// line that says when, sorted by name.
func HealthMeanings() [][2]string {
	return [][2]string{
		{"credential_rejected", "revoked, disabled or wrong"},
		{"expired", "the credential's time is over"},
		{"locked_out", "the account is locked"},
		{"provider_down", "the provider has a problem of its own"},
		{"rate_limited", "too many requests"},
		{"scope_missing", "accepted, but not for what was asked"},
	}
}

// Confirmations returns in how many checks one after the other a refusal must
// be seen before it is certain.
func (p *Provider) Confirmations() int {
	if p.Health.Confirm == 0 {
		return 2
	}
	return p.Health.Confirm
}

// TokenCall is the name of the token request where calls are named: in
// fixtures, exchanges and errors.
const TokenCall = "token"

// An Endpoint is "METHOD /path" or "METHOD https://host/path". A {field} may
// stand in the host, the path and the query.
type Endpoint string

// Method returns the HTTP method.
func (e Endpoint) Method() string {
	m, _, _ := strings.Cut(string(e), " ")
	return m
}

// Target returns the path, or the absolute URL.
func (e Endpoint) Target() string {
	_, t, _ := strings.Cut(string(e), " ")
	return strings.TrimSpace(t)
}

// URL returns the absolute URL at base, with each {field} as it stands. When
// override is true the endpoint's own host gives way to base too.
func (e Endpoint) URL(base string, override bool) string {
	target := e.Target()
	if u := splitURL(target); u.scheme != "" {
		if !override {
			return target
		}
		target = u.path
		if u.query != "" {
			target += "?" + u.query
		}
	}
	return strings.TrimSuffix(base, "/") + target
}

// A Duration is a time.Duration, written as "1h30m".
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("want a duration such as 1h30m, got %q", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// A Date is a day, written as "2027-01-31". The zero value is none.
type Date struct{ time.Time }

// UnmarshalText reads a day.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("want a day such as 2027-01-31, got %q", text)
	}
	d.Time = t
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Date) String() string { return d.Format(time.DateOnly) }

// Over reports whether the day has ended, in UTC.
func (d Date) Over(now time.Time) bool { return !now.Before(d.AddDate(0, 0, 1)) }

// HasToken reports whether the provider issues access tokens.
func (p *Provider) HasToken() bool { return schemeNamed(p.Auth.Scheme).token != nil }

// CredentialFields returns the names of the credential fields, sorted.
func (p *Provider) CredentialFields() []string { return sortedKeys(p.Credentials) }

// CallNames returns the names of the calls, sorted.
func (p *Provider) CallNames() []string { return sortedKeys(p.Calls) }

// EnvironmentNames returns the names of the environments, sorted.
func (p *Provider) EnvironmentNames() []string { return sortedKeys(p.Environments) }

// JoinScopes writes scopes in the provider's notation.
func (p *Provider) JoinScopes(scopes []string) string {
	return strings.Join(scopes, p.Auth.Scopes.Separator)
}

// SplitScopes reads the provider's notation. The empty string is no scope.
func (p *Provider) SplitScopes(scope string) []string {
	if scope == "" {
		return nil
	}
	return strings.Split(scope, p.Auth.Scopes.Separator)
}

// Situation returns "call/situation" after the provider's answers are
// followed: the fixture that serves it.
func (p *Provider) Situation(call, situation string) string {
	if as, ok := p.Answers[call+"/"+situation]; ok {
		situation = as
	}
	return call + "/" + situation
}

// IsUndocumented reports whether the file lists "call/situation" as not shown
// by the provider's pages.
func (p *Provider) IsUndocumented(situation string) bool {
	return slices.Contains(p.Undocumented, situation)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
