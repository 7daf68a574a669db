package providers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

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

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	at := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Source == "" {
		return at
	}
	return fmt.Sprintf("%s\n  %4d | %s\n       | %s^", at, p.Line, p.Source, strings.Repeat(" ", max(p.Column-1, 0)))
}

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
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, Problems{yamlProblem(name, source, err)}
	}
	p := new(Provider)
	if err := yaml.UnmarshalWithOptions(source, p, yaml.Strict()); err != nil {
		return nil, Problems{yamlProblem(name, source, err)}
	}
	v := validator{p: p, name: name, file: file, source: source}
	p.setDefaults()
	v.validate()
	return p, v.problems
}

// setDefaults fills in what a file may leave out.
func (p *Provider) setDefaults() {
	a, s := &p.Auth, schemeNamed(p.Auth.Scheme)
	if s.token != nil {
		if a.GrantType == "" && a.Scheme == "client_credentials" {
			a.GrantType = "client_credentials"
		}
		if a.ClientAuth == "" {
			a.ClientAuth = "basic"
		}
		if a.Response == (TokenResponse{}) {
			a.Response = TokenResponse{AccessToken: "access_token", TokenType: "token_type", ExpiresIn: "expires_in"}
		}
		if a.Response.AccessToken == "" {
			a.Response.AccessToken = "access_token"
		}
		if a.Response.Form == "" {
			a.Response.Form = "opaque"
		}
		if a.Scopes.Separator == "" {
			a.Scopes.Separator = " "
		}
		if a.Error == "" {
			a.Error = "error"
		}
	}
	if a.Header == "" && a.Query == "" {
		a.Header = s.header
	}
	if a.Value == "" {
		a.Value = s.value
	}
	if len(p.Credentials) == 1 {
		a.Value = strings.ReplaceAll(a.Value, "{credential}", "{"+p.CredentialFields()[0]+"}")
	}
}

type validator struct {
	p        *Provider
	name     string
	file     *ast.File
	source   []byte
	problems Problems
}

func (v *validator) validate() {
	p, a := v.p, &v.p.Auth
	v.require("$.name", p.Name, "the name people call the provider by")
	v.require("$.docs", p.Docs, "the page this file was written from")
	v.require("$.base_url", p.BaseURL, "scheme and host of the endpoints")
	v.baseURL("$.base_url", p.BaseURL)
	for _, name := range p.EnvironmentNames() {
		at := "$.environments." + name
		v.baseURL(at+".base_url", p.Environments[name].BaseURL)
		v.endpoint(at+".token", p.Environments[name].Token)
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
	for i, s := range p.Undocumented {
		if !p.HasSituation(s) {
			v.add(fmt.Sprintf("$.undocumented[%d]", i), "%q is no situation%s", s, v.situationHint(s))
		}
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
	if a.ClientAuth != "none" {
		for _, field := range []string{fieldID, fieldSecret} {
			if _, ok := v.p.Credentials[field]; !ok && len(v.p.Credentials) > 0 {
				v.add("$.credentials", "client_auth %s needs the field %s", a.ClientAuth, field)
			}
		}
	}
	v.templates("$.auth.params", a.Params)
	v.templates("$.auth.headers", a.Headers)
	v.template("$.auth.value", a.Value, "access_token")
	r := a.Response
	v.oneOf("$.auth.response.form", r.Form, []string{"jwt", "opaque"})
	expiries := 0
	for _, set := range []bool{r.ExpiresIn != "", r.ExpiresInMS != "", r.ExpiresAt != "", r.ExpiresAtEpoch != "", r.ExpiresJWT} {
		if set {
			expiries++
		}
	}
	if expiries > 1 {
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
	if a.Token != "" || a.GrantType != "" || a.ClientAuth != "" {
		v.add("$.auth", "scheme %s has no token request: token, grant_type and client_auth do not belong here", a.Scheme)
	}
	switch a.Scheme {
	case "header":
		v.require("$.auth.header", a.Header, "the header that carries the key: X-Api-Key")
	case "query":
		v.require("$.auth.query", a.Query, "the query parameter that carries the key: api_key")
	case "basic":
		if _, ok := v.p.Credentials[fieldUser]; !ok && a.Value == basicCredentials {
			v.add("$.credentials", "scheme basic needs the field %s (and %s, unless there is none)", fieldUser, fieldPassword)
		}
		if a.Value == basicCredentials {
			return
		}
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
	v.template(at+".endpoint", string(c.Endpoint))
	v.templates(at+".query", c.Query)
	v.templates(at+".headers", c.Headers)
	v.template(at+".body", c.Body)
	if c.Scope != "" && !v.p.HasToken() {
		v.add(at+".scope", "scheme %s has no scopes", v.p.Auth.Scheme)
	}
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
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil {
		v.add(at, "want a URL such as https://api.example.com, got %q", value)
		return
	}
	v.secure(at, u)
}

func (v *validator) endpoint(at string, e Endpoint) {
	if e == "" {
		return
	}
	u, err := url.Parse(e.Target())
	method := e.Method()
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}, method):
		v.add(at, "want a method and a path, %q: got %q", "POST /oauth/token", string(e))
	case err != nil, !u.IsAbs() && !strings.HasPrefix(e.Target(), "/"), u.User != nil:
		v.add(at, "want a path that begins with / or a URL after %s, got %q", method, e.Target())
	case u.IsAbs():
		v.secure(at, u)
	}
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

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// add notes a problem at a YAML path; when the path is not in the file, at
// the nearest parent that is.
func (v *validator) add(at, format string, args ...any) {
	problem := Problem{File: v.name, Message: fmt.Sprintf(format, args...)}
	for at != "$" {
		if path, err := yaml.PathString(at); err == nil {
			if node, err := path.FilterFile(v.file); err == nil && node != nil {
				problem.locate(v.source, node.GetToken().Position.Line, node.GetToken().Position.Column)
				break
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 1)]
	}
	v.problems = append(v.problems, problem)
}

func (p *Problem) locate(source []byte, line, column int) {
	p.Line, p.Column = line, column
	if lines := strings.Split(string(source), "\n"); line >= 1 && line <= len(lines) {
		p.Source = strings.TrimRight(lines[line-1], "\r")
	}
}

// yamlProblem puts an error of the YAML library into our form.
func yamlProblem(name string, source []byte, err error) Problem {
	problem := Problem{File: name, Message: err.Error()}
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		problem.Message = positioned.GetMessage()
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			problem.locate(source, t.Position.Line, t.Position.Column)
		}
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) && unknown.Token != nil {
		field := unknown.Token.Value
		problem.Message = fmt.Sprintf("unknown field %q%s", field, suggest.DidYouMean(field, fieldNames()))
	}
	return problem
}

// fieldNames returns every field a provider file can have, at any depth: the
// keys of an empty provider, as the YAML library itself writes them.
func fieldNames() []string {
	empty := Provider{Environments: map[string]Environment{"environment": {}}, Calls: map[string]Call{"call": {}}, Limits: map[string]Limit{"call": {}}}
	encoded, err := yaml.Marshal(empty)
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(encoded)) {
		if name, _, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			names = append(names, name)
		}
	}
	return names
}
