package providers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// A TokenRequest is what a scenario varies of a token request. The zero value
// asks for a token as the provider file describes it.
type TokenRequest struct {
	// Scopes are joined in the provider's notation.
	Scopes []string
	// Scope is sent as it stands and wins over Scopes.
	Scope string
	// GrantType replaces the provider's.
	GrantType string
	// Without names parameters that are left out.
	Without []string
}

// scope returns what stands in the request: what was asked for, or else the
// provider's default.
func (r TokenRequest) scope(p *Provider) string {
	switch {
	case r.Scope != "":
		return r.Scope
	case len(r.Scopes) > 0:
		return p.JoinScopes(r.Scopes)
	}
	return p.JoinScopes(p.Auth.Scopes.Default)
}

// tokenParams are the parameters and headers of a token request, in the order
// people write them.
type tokenParams struct {
	names  []string
	values map[string]string
	header http.Header
}

func newTokenParams() *tokenParams {
	return &tokenParams{values: map[string]string{}, header: http.Header{}}
}

// add appends a parameter; one without a value is not sent (RFC 6749 3.2:
// parameters sent without a value are treated as omitted).
func (t *tokenParams) add(name, value string) {
	if value == "" {
		return
	}
	if _, ok := t.values[name]; !ok {
		t.names = append(t.names, name)
	}
	t.values[name] = value
}

func (t *tokenParams) remove(name string) {
	delete(t.values, name)
}

func (t *tokenParams) form() string {
	var pairs []string
	for _, n := range t.names {
		if v, ok := t.values[n]; ok {
			pairs = append(pairs, url.QueryEscape(n)+"="+url.QueryEscape(v))
		}
	}
	return strings.Join(pairs, "&")
}

// How the parameters of a token request travel.
const (
	encodingForm  = "form"
	encodingJSON  = "json"
	encodingQuery = "query"
)

// newTokenRequest builds the token request.
func (p *Provider) newTokenRequest(ctx context.Context, endpoint string, creds Credentials, want TokenRequest) (*http.Request, error) {
	params := schemeNamed(p.Auth.Scheme).token(p, creds, want)
	for _, name := range sortedKeys(p.Auth.Params) {
		value, err := expand(p.Auth.Params[name], creds)
		if err != nil {
			continue // a credential that was left out on purpose
		}
		params.add(name, value)
	}
	for _, name := range want.Without {
		params.remove(name)
	}

	var body []byte
	contentType := ""
	encoding := clientAuthNamed(p.Auth.ClientAuth).encoding
	if method := p.Auth.Token.Method(); method == http.MethodGet || method == http.MethodHead {
		encoding = encodingQuery
	}
	switch {
	case p.Auth.Body != nil:
		encoded, err := json.Marshal(p.tokenBody(creds, want))
		if err != nil {
			return nil, err
		}
		body, contentType = encoded, "application/json"
	case encoding == encodingQuery:
		if q := params.form(); q != "" {
			separator := "?"
			if strings.Contains(endpoint, "?") {
				separator = "&"
			}
			endpoint += separator + q
		}
	case encoding == encodingJSON:
		encoded, err := json.Marshal(params.values)
		if err != nil {
			return nil, err
		}
		body, contentType = encoded, "application/json"
	default:
		if form := params.form(); form != "" {
			body, contentType = []byte(form), "application/x-www-form-urlencoded"
		}
	}
	req, err := http.NewRequestWithContext(ctx, p.Auth.Token.Method(), endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	setHeaders(req, p.Headers, creds)
	req.Header.Del("Content-Type") // follows from the body
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for name, values := range params.header {
		req.Header[name] = values
	}
	setHeaders(req, p.Auth.Headers, creds)
	return req, nil
}

// tokenBody is the body of a token request that the provider file writes down
// as a tree. What has no value is left out, as parameters are.
func (p *Provider) tokenBody(creds Credentials, want TokenRequest) map[string]any {
	body, _ := fillTree(p.Auth.Body, creds, want.scope(p)).(map[string]any)
	if body == nil {
		body = map[string]any{}
	}
	if want.GrantType != "" {
		body["grant_type"] = want.GrantType
	}
	for _, name := range want.Without {
		removeMember(body, name)
	}
	return body
}

// fillTree returns a copy of a tree with values in place of each {field}, or
// nil for what is to be left out.
func fillTree(node any, creds Credentials, scope string) any {
	switch n := node.(type) {
	case map[string]any:
		filled := make(map[string]any, len(n))
		for name, inner := range n {
			if value := fillTree(inner, creds, scope); value != nil {
				filled[name] = value
			}
		}
		return filled
	case []any:
		filled := []any{}
		for _, inner := range n {
			if value := fillTree(inner, creds, scope); value != nil {
				filled = append(filled, value)
			}
		}
		return filled
	case nil:
		return json.RawMessage("null")
	case string:
		if n == scopeLeaf {
			if scope == "" {
				return nil
			}
			return scope
		}
		if value, err := expand(n, creds); err == nil {
			return value
		}
		return nil // a credential that was left out on purpose
	}
	return node
}

// removeMember takes a member of nested objects away, by names joined by dots.
func removeMember(object map[string]any, path string) {
	name, rest, nested := strings.Cut(path, ".")
	if inner, ok := object[name].(map[string]any); nested && ok {
		removeMember(inner, rest)
		return
	}
	delete(object, path)
}

// A Token is what a provider issued. Formatted by any verb it does not show
// its value.
type Token struct {
	Value   string
	Type    string    // "Bearer"; empty where the provider does not say
	Scope   string    // as granted, in the provider's notation; empty where it does not say
	Expires time.Time // zero where nothing says when
}

// Format hides the value of the token.
func (t Token) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "access token (%d characters)", len(t.Value))
}

// Lifetime returns how long the token lives after now, or 0 when unknown.
func (t Token) Lifetime(now time.Time) time.Duration {
	if t.Expires.IsZero() {
		return 0
	}
	return t.Expires.Sub(now)
}

// ErrNoToken is returned by ReadToken for a body without an access token.
var ErrNoToken = errors.New("no access token in the response")

// ReadToken reads a token response (RFC 6749 5.1) by the provider's own field
// names. now is when the response arrived. The error says which path is
// missing or of the wrong type; it wraps ErrNoToken when it is the token.
func (p *Provider) ReadToken(body []byte, now time.Time) (Token, error) {
	if !json.Valid(body) {
		return Token{}, fmt.Errorf("%w: it is not JSON", ErrNoToken)
	}
	paths := p.Auth.Response
	value := gjson.GetBytes(body, paths.AccessToken)
	if value.Type != gjson.String || value.Str == "" {
		return Token{}, fmt.Errorf("%w: want a non-empty string at %s", ErrNoToken, paths.AccessToken)
	}
	t := Token{Value: value.Str}
	if paths.TokenType != "" {
		t.Type = gjson.GetBytes(body, paths.TokenType).String()
	}
	if paths.Scope != "" {
		t.Scope = gjson.GetBytes(body, paths.Scope).String()
	}
	expires, err := p.readExpiry(body, t.Value, now)
	t.Expires = expires
	return t, err
}

func (p *Provider) readExpiry(body []byte, token string, now time.Time) (time.Time, error) {
	paths := p.Auth.Response
	switch {
	case paths.mayLackExpiry && !gjson.GetBytes(body, paths.ExpiresIn).Exists():
		return time.Time{}, nil
	case paths.ExpiresIn != "":
		n, err := positiveNumber(body, paths.ExpiresIn)
		return after(now, n, time.Second), err
	case paths.ExpiresInMS != "":
		n, err := positiveNumber(body, paths.ExpiresInMS)
		return after(now, n, time.Millisecond), err
	case paths.ExpiresAt != "":
		v := gjson.GetBytes(body, paths.ExpiresAt)
		t, err := time.Parse(time.RFC3339Nano, v.Str)
		if v.Type != gjson.String || err != nil {
			return time.Time{}, fmt.Errorf("want a date-time at %s", paths.ExpiresAt)
		}
		return t, nil
	case paths.ExpiresAtEpoch != "":
		n, err := positiveNumber(body, paths.ExpiresAtEpoch)
		if err != nil {
			return time.Time{}, err
		}
		return epoch(n, "at "+paths.ExpiresAtEpoch)
	case paths.ExpiresJWT:
		claims, err := JWTClaims(token)
		if err != nil {
			return time.Time{}, err
		}
		exp := claims.Get("exp")
		if exp.Type != gjson.Number {
			return time.Time{}, errors.New("want a number in the token's exp claim")
		}
		return epoch(exp.Num, "in the token's exp claim")
	case paths.Lifetime > 0:
		return now.Add(time.Duration(paths.Lifetime)), nil
	}
	return time.Time{}, nil
}

// positiveNumber is strict where gjson is kind: "3600" and true are no numbers.
func positiveNumber(body []byte, path string) (float64, error) {
	v := gjson.GetBytes(body, path)
	if v.Type != gjson.Number || v.Num <= 0 {
		return 0, fmt.Errorf("want a positive number at %s", path)
	}
	return v.Num, nil
}

// after is capped: a provider may say "never" by a number that overflows.
func after(now time.Time, n float64, unit time.Duration) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	const century = 100 * 365 * 24 * time.Hour
	if d := n * float64(unit); d < float64(century) {
		return now.Add(time.Duration(d))
	}
	return now.Add(century)
}

// epoch reads seconds since 1970. Those beyond the year 9999, which some
// providers write for "never", are milliseconds.
func epoch(seconds float64, where string) (time.Time, error) {
	const endOfTime = 253402300800
	if seconds <= 0 || seconds >= endOfTime {
		return time.Time{}, fmt.Errorf("want seconds since 1970 %s", where)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e6)*1e3).UTC(), nil
}

// JWTClaims returns the claims of a JWT (RFC 7519) as JSON. The signature is
// not verified: the token is opaque to its client, this looks at its shape.
func JWTClaims(token string) (gjson.Result, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return gjson.Result{}, errors.New("not a JWT: want three parts joined by dots")
	}
	for i, part := range parts[:2] {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || !json.Valid(decoded) || !gjson.ParseBytes(decoded).IsObject() {
			return gjson.Result{}, fmt.Errorf("not a JWT: part %d is not a base64url JSON object", i+1)
		}
		if i == 1 {
			return gjson.ParseBytes(decoded), nil
		}
	}
	return gjson.Result{}, nil
}

// fingerprint tells credentials apart without keeping them.
func (c Credentials) fingerprint() string {
	h := sha256.New()
	for _, k := range sortedKeys(c) {
		fmt.Fprintf(h, "%d:%s=%d:%s;", len(k), k, len(c[k]), c[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}
