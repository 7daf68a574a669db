package providers

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/authspec/authspec/internal/strictyaml"
	"github.com/authspec/authspec/internal/suggest"
)

// A Problem is one mistake in a provider file.
type Problem struct {
	File    string
	Line    int    // from 1; 0 when it is the whole file
	Column  int    // from 1
	Source  string // the line itself
	Message string
}

func (p Problem) Error() string { return strictyaml.Problem(p).Error() }

// Problems are all the mistakes found at once.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// read decodes strictly, fills in defaults and validates. The provider is nil
// when the file could not be decoded.
func read(name string, source []byte) (*Provider, Problems) {
	const largest = 1 << 20
	if problem := strictyaml.TooLarge(name, source, largest); problem != nil {
		return nil, Problems{Problem(*problem)}
	}
	p := new(Provider)
	file, problem := strictyaml.Decode(name, source, p, fieldNames())
	if problem != nil {
		return nil, Problems{Problem(*problem)}
	}
	v := validator{p: p, file: file}
	p.setDefaults()
	v.validate()
	return p, v.problems
}

// none is what a file says in place of something that the provider does not
// have and that is filled in otherwise.
const none = "none"

// setDefaults fills in what a file may leave out.
func (p *Provider) setDefaults() {
	a, s := &p.Auth, schemeNamed(p.Auth.Scheme)
	if s.token != nil {
		if a.GrantType == "" && a.Scheme == "client_credentials" && a.Body == nil {
			a.GrantType = "client_credentials"
		}
		if a.ClientAuth == "" {
			a.ClientAuth = "basic"
			if a.Body != nil {
				a.ClientAuth = none
			}
		}
		a.Response.setDefaults()
		if a.Scopes.Separator == "" {
			a.Scopes.Separator = " "
		}
		if a.Error == "" {
			a.Error = "error"
		}
	}
	dropNone(&a.GrantType, &a.Error)
	if a.Header == "" && a.Query == "" {
		a.Header = s.header
	}
	if a.Value == "" && (a.Header != "" || a.Query != "" || len(a.Headers) == 0) {
		a.Value = s.value
		if a.Query != "" {
			a.Value = strings.TrimPrefix(a.Value, "Bearer ") // a word of the header's
		}
	}
	if field := p.onlyKey(); field != "" {
		a.Value = strings.ReplaceAll(a.Value, "{credential}", "{"+field+"}")
	}
}

// onlyKey returns the credential field that is sent where nothing says which:
// the only one, or else the only one that is no part of a URL.
func (p *Provider) onlyKey() string {
	fields := p.CredentialFields()
	if len(fields) > 1 {
		address := p.AddressFields()
		fields = slices.DeleteFunc(fields, func(field string) bool { return slices.Contains(address, field) })
	}
	if len(fields) != 1 {
		return ""
	}
	return fields[0]
}

// setDefaults fills in the names of RFC 6749 5.1.
func (r *TokenResponse) setDefaults() {
	saysSomething := *r != TokenResponse{}
	if r.AccessToken == "" {
		r.AccessToken = "access_token"
	}
	if r.TokenType == "" {
		r.TokenType = "token_type"
	}
	if r.expiries() == 0 && r.Lifetime == 0 {
		r.ExpiresIn, r.mayLackExpiry = "expires_in", saysSomething
	}
	if r.Form == "" {
		r.Form = "opaque"
	}
	dropNone(&r.TokenType, &r.RefreshToken, &r.Scope, &r.ExpiresIn, &r.ExpiresInMS, &r.ExpiresAt, &r.ExpiresAtEpoch)
}

func dropNone(texts ...*string) {
	for _, text := range texts {
		if *text == none {
			*text = ""
		}
	}
}

// expiries counts what says when a token expires.
func (r *TokenResponse) expiries() int {
	n := 0
	for _, set := range []bool{r.ExpiresIn != "", r.ExpiresInMS != "", r.ExpiresAt != "", r.ExpiresAtEpoch != "", r.ExpiresJWT} {
		if set {
			n++
		}
	}
	return n
}

type validator struct {
	p        *Provider
	file     *strictyaml.File
	problems Problems
}

func (v *validator) validate() {
	p, a := v.p, &v.p.Auth
	v.require("$.name", p.Name, "the name people call the provider by")
	v.require("$.docs", p.Docs, "the page this file was written from")
	v.require("$.base_url", p.BaseURL, "scheme and host of the endpoints")
	v.baseURL("$.base_url", p.BaseURL)
	v.headers("$.headers", p.Headers)
	for _, name := range p.EnvironmentNames() {
		at := "$.environments." + name
		v.baseURL(at+".base_url", p.Environments[name].BaseURL)
		v.endpoint(at+".token", p.Environments[name].Token)
	}
	if name, both := headerNamed(p.Headers, a.Header); both {
		v.add("$.headers."+name, "the header %s carries the credential: it cannot be fixed as well", a.Header)
	}
	if len(p.Credentials) == 0 {
		v.add("$.credentials", "credentials are missing: each field and the environment variable it is read from")
	}
	for _, field := range p.CredentialFields() {
		if !isName(field) || !isVariable(p.Credentials[field]) {
			v.add("$.credentials."+field, "want a lower_case field and the NAME of an environment variable: client_id: %s_CLIENT_ID", strings.ToUpper(strings.ReplaceAll(p.Name, " ", "_")))
		}
	}
	v.oneOf("$.auth.scheme", a.Scheme, schemeNames())
	v.path("$.auth.error", a.Error)
	if a.Header != "" && a.Query != "" {
		v.add("$.auth.query", "header and query both say where a call carries the credential: leave one out")
	}
	if s := schemeNamed(a.Scheme); s.token != nil {
		v.tokenScheme()
	} else if s.name != "" {
		v.directScheme()
	}
	for _, name := range p.CallNames() {
		v.call(name, p.Calls[name])
	}
	if _, taken := p.Calls[TokenCall]; taken {
		v.add("$.calls."+TokenCall, "the call %q is the token request; choose another name", TokenCall)
	}
	for _, name := range sortedKeys(p.Limits) {
		if limit := p.Limits[name]; limit.Requests < 1 || limit.Per <= 0 {
			v.add("$.limits."+name, "want requests and per above zero: %s: {requests: 60, per: 1h}", name)
		}
		if !p.HasSituation(name + "/rate_limited") {
			v.add("$.limits."+name, "%q is no call%s", name, suggest.DidYouMean(name, append(p.CallNames(), TokenCall)))
		}
	}
	for from, to := range p.Answers {
		call, _, _ := strings.Cut(from, "/")
		if !p.HasSituation(from) || !p.HasSituation(call+"/"+to) {
			v.add("$.answers", "%s: %s: want CALL/SITUATION: SITUATION%s", from, to, v.situationHint(from))
		}
	}
	v.health()
	for i, s := range p.Undocumented {
		if !p.HasSituation(s) {
			v.add(fmt.Sprintf("$.undocumented[%d]", i), "%q is no situation%s", s, v.situationHint(s))
		}
	}
	for i := range p.Deviations {
		v.deviation(fmt.Sprintf("$.deviations[%d]", i), &p.Deviations[i])
	}
}

func (v *validator) deviation(at string, d *Deviation) {
	const example = `: {situation: token/issued, path: expires_in, change: "is gone", reason: "ticket 42", until: 2027-01-31}`
	if d.Situation == "" || d.Path == "" || d.Change == "" || strings.TrimSpace(d.Reason) == "" || d.Until.IsZero() {
		v.add(at, "a deviation has a situation, a path, a change, a reason and a last day%s", example)
		return
	}
	if !v.p.HasSituation(d.Situation) {
		v.add(at+".situation", "%q is no situation%s", d.Situation, v.situationHint(d.Situation))
	}
}

func (v *validator) health() {
	h := &v.p.Health
	var meanings []string
	for _, m := range HealthMeanings() {
		meanings = append(meanings, m[0])
	}
	for _, code := range sortedKeys(h.Errors) {
		v.oneOf("$.health.errors."+code, h.Errors[code], meanings)
	}
	for i, code := range h.Proof {
		at := fmt.Sprintf("$.health.proof[%d]", i)
		if code == "" {
			v.add(at, "want an error code: invalid_scope")
		}
		if means, both := h.Errors[code]; both {
			v.add(at, "%s cannot be a proof and mean %s", code, means)
		}
	}
	if h.Confirm < 0 {
		v.add("$.health.confirm", "want a number of checks, 1 or more")
	}
}

func (v *validator) situationHint(s string) string {
	var all []string
	if v.p.HasToken() {
		for _, n := range Situations(TokenCall) {
			all = append(all, TokenCall+"/"+n)
		}
	}
	for _, call := range v.p.CallNames() {
		for _, n := range Situations(call) {
			all = append(all, call+"/"+n)
		}
	}
	if hint := suggest.DidYouMean(s, all); hint != "" {
		return hint
	}
	return "; there are " + strings.Join(all, ", ")
}

func (v *validator) tokenScheme() {
	a := &v.p.Auth
	v.require("$.auth.token", string(a.Token), `the token endpoint: "POST /oauth/token"`)
	v.endpoint("$.auth.token", a.Token)
	var methods []string
	for _, m := range clientAuths {
		methods = append(methods, m.name)
	}
	v.oneOf("$.auth.client_auth", a.ClientAuth, methods)
	if a.ClientAuth != none {
		for _, field := range []string{fieldID, fieldSecret} {
			if _, ok := v.p.Credentials[field]; !ok && len(v.p.Credentials) > 0 {
				v.add("$.credentials", "client_auth %s needs the field %s", a.ClientAuth, field)
			}
		}
	}
	if _, taken := v.p.Credentials["access_token"]; taken {
		v.add("$.credentials.access_token", "{access_token} is the token that is issued: give the credential field another name")
	}
	v.tokenBody()
	v.templates("$.auth.params", a.Params)
	v.headers("$.auth.headers", a.Headers)
	v.template("$.auth.value", a.Value, "access_token")
	r := a.Response
	v.oneOf("$.auth.response.form", r.Form, []string{"jwt", "opaque"})
	if r.AccessToken == none {
		v.add("$.auth.response.access_token", "a token response has a token: say where it stands")
	}
	for _, path := range []struct{ field, path string }{
		{"access_token", r.AccessToken}, {"token_type", r.TokenType}, {"refresh_token", r.RefreshToken}, {"scope", r.Scope},
		{"expires_in", r.ExpiresIn}, {"expires_in_ms", r.ExpiresInMS}, {"expires_at", r.ExpiresAt}, {"expires_at_epoch", r.ExpiresAtEpoch},
	} {
		v.path("$.auth.response."+path.field, path.path)
	}
	if r.expiries() > 1 {
		v.add("$.auth.response", "only one of expires_in, expires_in_ms, expires_at, expires_at_epoch and expires_jwt can say when a token expires")
	}
	if r.Lifetime == 0 && (r.ExpiresAt != "" || r.ExpiresAtEpoch != "" || r.ExpiresJWT) {
		v.add("$.auth.response", "lifetime is missing: an absolute expiry does not say how long a token lives (lifetime: 1h)")
	}
	if r.Lifetime < 0 || r.Length < 0 {
		v.add("$.auth.response", "lifetime and length cannot be negative")
	}
	for i, s := range a.Scopes.Default {
		if _, known := a.Scopes.Known[s]; !known && len(a.Scopes.Known) > 0 {
			v.add(fmt.Sprintf("$.auth.scopes.default[%d]", i), "the default scope %q is not among the known ones%s", s, suggest.DidYouMean(s, sortedKeys(a.Scopes.Known)))
		}
	}
}

func (v *validator) directScheme() {
	a := &v.p.Auth
	if a.Token != "" || a.GrantType != "" || a.ClientAuth != "" || a.Body != nil {
		v.add("$.auth", "scheme %s has no token request: token, grant_type, client_auth and body do not belong here", a.Scheme)
	}
	v.headers("$.auth.headers", a.Headers)
	for _, name := range sortedKeys(a.Headers) {
		if len(Placeholders(a.Headers[name])) == 0 {
			v.add("$.auth.headers."+name, "this header carries no credential: one that is fixed stands under headers: at the top of the file")
		}
		if strings.EqualFold(name, a.Header) {
			v.add("$.auth.headers."+name, "header and headers both say what %s carries", name)
		}
	}
	switch a.Scheme {
	case "header":
		if len(a.Headers) == 0 {
			v.require("$.auth.header", a.Header, "the header that carries the key: X-Api-Key")
		}
	case "query":
		v.require("$.auth.query", a.Query, "the query parameter that carries the key: api_key")
	case "basic":
		if a.Value == basicCredentials {
			if _, ok := v.p.Credentials[fieldUser]; !ok {
				v.add("$.credentials", `scheme basic needs the field %s (and %s, unless there is none), or a value: "Basic {api_key}:"`, fieldUser, fieldPassword)
			}
			return
		}
		if user, isBasic := strings.CutPrefix(a.Value, basicPrefix); !isBasic || !strings.Contains(user, ":") || len(Placeholders(user)) == 0 {
			v.add("$.auth.value", `want user and password as they are before they are encoded, "Basic {api_key}:" or "Basic api:{api_key}": got %q`, a.Value)
		}
	}
	if len(v.p.Credentials) == 0 {
		return // said already
	}
	if strings.Contains(a.Value, "{credential}") {
		v.add("$.auth", `value is missing: there are several credential fields, say which one is sent (value: "{%s}")`, v.p.CredentialFields()[0])
		return
	}
	v.template("$.auth.value", a.Value)
}

func (v *validator) call(name string, c Call) {
	at := "$.calls." + name
	v.require(at+".endpoint", string(c.Endpoint), `method and path: "GET /api/v1/me"`)
	v.endpoint(at+".endpoint", c.Endpoint)
	v.templates(at+".query", c.Query)
	v.headers(at+".headers", c.Headers)
	v.template(at+".body", c.Body)
	if c.Scope != "" && !v.p.HasToken() {
		v.add(at+".scope", "scheme %s has no scopes", v.p.Auth.Scheme)
	}
}

// tokenBody checks a body that is written as a tree.
func (v *validator) tokenBody() {
	const at = "$.auth.body"
	a := &v.p.Auth
	if method := a.Token.Method(); method == http.MethodGet || method == http.MethodHead {
		if a.Body != nil || a.ClientAuth == "form" || a.ClientAuth == "json" {
			v.add("$.auth.token", "a %s request has no body: its parameters stand in the query (client_auth: query)", method)
		}
	}
	if a.Body == nil {
		return
	}
	if !slices.Contains([]string{"basic", "basic_raw", none}, a.ClientAuth) {
		v.add("$.auth.client_auth", "body is all of the body, and the credentials stand in it as {field}: client_auth is basic, basic_raw or none, not %s", a.ClientAuth)
	}
	if _, taken := v.p.Credentials["scope"]; taken {
		v.add("$.credentials.scope", "%s is the requested scopes: give the credential field another name", scopeLeaf)
	}
	if len(a.Params) > 0 {
		v.add("$.auth.params", "body is all of the body: write these parameters there")
	}
	if a.GrantType != "" {
		v.add("$.auth.grant_type", "body is all of the body: write grant_type: %s there", a.GrantType)
	}
	if !v.leaves(at, a.Body) && (len(a.Scopes.Default) > 0 || a.Scopes.Required || len(a.Scopes.Known) > 0) {
		v.add(at, `nothing in the body asks for the scopes: put "{scope}" where they belong`)
	}
}

// leaves checks what stands in a tree, and reports whether {scope} is there.
func (v *validator) leaves(at string, node any) (scope bool) {
	switch n := node.(type) {
	case map[string]any:
		for _, name := range sortedKeys(n) {
			scope = v.leaves(at+"."+name, n[name]) || scope
		}
	case []any:
		for i, inner := range n {
			scope = v.leaves(fmt.Sprintf("%s[%d]", at, i), inner) || scope
		}
	case string:
		if n == scopeLeaf {
			return true
		}
		v.template(at, n)
	case nil, bool, int64, uint64, float64, int:
	default:
		v.add(at, "want a text, a number, true, false, null, a list or a mapping")
	}
	return scope
}

// path refuses what computes in a path: a provider file holds no program.
func (v *validator) path(at, path string) {
	before := byte('.')
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '\\':
			i++ // the next one is a letter like another
		case c == '|', before == '.' && strings.IndexByte("@!{[", c) >= 0:
			v.add(at, `want a path, names and numbers joined by dots: %q computes something (a %c in a name is written \%c)`, path, c, c)
			return
		}
		before = c
	}
}

// headers checks headers and what stands in them.
func (v *validator) headers(at string, headers map[string]string) {
	for _, name := range sortedKeys(headers) {
		where := at + "." + name
		switch {
		case !headerName.MatchString(name):
			v.add(where, "%q is no name of a header", name)
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection"}, http.CanonicalHeaderKey(name)):
			v.add(where, "the header %s follows from the request: it cannot be set", name)
		case strings.ContainsAny(headers[name], "\r\n"):
			v.add(where, "a header is one line")
		}
		v.template(where, headers[name])
	}
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110 5.6.2

// headerNamed finds a name among headers, in any case.
func headerNamed(headers map[string]string, name string) (as string, ok bool) {
	for n := range headers {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	return "", false
}

func (v *validator) templates(at string, texts map[string]string) {
	for _, name := range sortedKeys(texts) {
		v.template(at+"."+name, texts[name])
	}
}

// template checks that each {name} is declared.
func (v *validator) template(at, text string, extra ...string) {
	vars := map[string]string{}
	for field := range v.p.Credentials {
		vars[field] = ""
	}
	for _, name := range extra {
		vars[name] = ""
	}
	if _, err := expand(text, vars); err != nil {
		v.add(at, "%v: there are %s", err, strings.Join(sortedKeys(vars), ", "))
	}
}

func (v *validator) require(at, value, what string) {
	if value == "" {
		v.add(at, "%s is missing: %s", strings.TrimPrefix(at, "$."), what)
	}
}

func (v *validator) oneOf(at, value string, known []string) {
	if !slices.Contains(known, value) {
		what := strings.TrimPrefix(at, "$.")
		if value == "" {
			v.add(at, "%s is missing: one of %s", what, strings.Join(known, ", "))
			return
		}
		v.add(at, "unknown %s %q%s: one of %s", what, value, suggest.DidYouMean(value, known), strings.Join(known, ", "))
	}
}

func (v *validator) baseURL(at, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(sampleURL(value))
	if err == nil && u.User != nil {
		v.secretInURL(at)
		return
	}
	if err != nil || u.Host == "" || u.RawQuery != "" {
		v.add(at, "want a URL such as https://api.example.com, got %q", value)
		return
	}
	v.fieldsInURL(at, value, u)
}

func (v *validator) endpoint(at string, e Endpoint) {
	if e == "" {
		return
	}
	u, err := url.Parse(sampleURL(e.Target()))
	method := e.Method()
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}, method):
		v.add(at, "want a method and a path, %q: got %q", "POST /oauth/token", string(e))
	case err == nil && u.User != nil:
		v.secretInURL(at)
	case err != nil, !u.IsAbs() && !strings.HasPrefix(e.Target(), "/"):
		v.add(at, "want a path that begins with / or a URL after %s, got %q", method, e.Target())
	default:
		v.fieldsInURL(at, e.Target(), u)
	}
}

// fieldsInURL checks a URL, or a path, that may hold {field}s; u is how it
// looks with something in their place.
func (v *validator) fieldsInURL(at, value string, u *url.URL) {
	if u.IsAbs() {
		v.secure(at, u)
		host := splitURL(value).host
		if err := checkHost(host); err != nil {
			v.add(at, "%v", err)
		}
		for _, field := range []string{fieldSecret, fieldPassword} {
			if strings.Contains(host, "{"+field+"}") {
				v.add(at, "{%s} is a secret: a host name is no place for it, everyone on the way reads it", field)
			}
		}
	}
	if len(v.p.Credentials) > 0 { // else that is said
		v.template(at, value)
	}
}

// secretInURL does not show the line: a password stands in it.
func (v *validator) secretInURL(at string) {
	v.add(at, "a URL has no user and password: declare credential fields and choose a scheme")
	v.problems[len(v.problems)-1].Source = ""
}

func (v *validator) secure(at string, u *url.URL) {
	if err := SecureURL(u); err != nil {
		v.add(at, "%v", err)
	}
}

// SecureURL refuses a URL that would send credentials in clear: https, or
// http to this machine.
func SecureURL(u *url.URL) error {
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("plain http only goes to this machine (127.0.0.1, localhost), not to %s: use https", u.Host)
	}
	return fmt.Errorf("want https://HOST, got %q", u.Redacted())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isVariable(s string) bool {
	return s != "" && strings.ToUpper(s) == s && isName(strings.ToLower(s)) && (s[0] < '0' || s[0] > '9')
}

// bases returns every URL that requests may go to.
func (p *Provider) bases() []string {
	all := []string{p.BaseURL, p.Auth.Token.Target()}
	for _, name := range p.EnvironmentNames() {
		all = append(all, p.Environments[name].BaseURL, p.Environments[name].Token.Target())
	}
	for _, name := range p.CallNames() {
		all = append(all, p.Calls[name].Endpoint.Target())
	}
	return all
}

// add notes a problem at a YAML path; when the path is not in the file, at
// the nearest parent that is.
func (v *validator) add(at, format string, args ...any) {
	v.problems = append(v.problems, Problem(v.file.Problem(at, format, args...)))
}

// fieldNames returns every field a provider file can have, at any depth.
var fieldNames = sync.OnceValue(func() []string {
	return strictyaml.Fields(Provider{Environments: map[string]Environment{"environment": {}}, Calls: map[string]Call{"call": {}}, Limits: map[string]Limit{"call": {}}, Health: Health{Errors: map[string]string{}}, Deviations: []Deviation{{}}})
})
