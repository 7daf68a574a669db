package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authspec/authspec/providers"
)

// A request is what a provider can see of one.
type request struct {
	method, path string
	escapedPath  string
	host         string // empty where the simulator is served elsewhere than the provider
	header       http.Header
	query        url.Values
	contentType  string
	body         []byte
}

func newRequest(r *http.Request, body []byte) *request {
	return &request{
		method: r.Method, path: r.URL.Path, escapedPath: r.URL.EscapedPath(), header: r.Header,
		query: r.URL.Query(), contentType: mediaType(r.Header.Get("Content-Type")), body: body,
	}
}

func mediaType(contentType string) string {
	t, _, _ := mime.ParseMediaType(contentType) // empty if it cannot be read
	return t
}

// A verdict is the situation a request meets, and the scopes it is granted.
type verdict struct {
	call, name string
	scopes     []string
	why        string // of an unknown call: what the provider file says
}

// unknownCall is the situation of a request to no endpoint of the provider.
const unknownCall = "unknown_call"

func (v verdict) String() string {
	if v.call == "" {
		return v.name
	}
	return v.call + "/" + v.name
}

func (s *Simulator) judge(r *request) verdict {
	if r.host != "" && s.hosts != nil && !slices.Contains(s.hosts, strings.ToLower(r.host)) {
		return verdict{name: unknownCall, why: fmt.Sprintf("requests go to %s, not to %s", strings.Join(slices.Compact(slices.Clone(s.hosts)), " or "), r.host)}
	}
	rt, own := s.routeOf(r, false)
	return s.judgeAt(rt, own, r)
}

// judgeAt judges a request to an endpoint; own says that the path is of the
// account that the credentials are of.
func (s *Simulator) judgeAt(rt *route, own bool, r *request) verdict {
	if rt == nil {
		return verdict{name: unknownCall}
	}
	if why := s.wrongHeader(rt.call, r); why != "" {
		return verdict{name: unknownCall, why: why}
	}
	if rt.call == providers.TokenCall {
		return s.judgeToken(rt, own, r)
	}
	return verdict{call: rt.call, name: s.judgeCall(rt, own, r)}
}

// headersOf returns the headers that the provider file says a request has.
func (s *Simulator) headersOf(call string) map[string]string {
	further := s.provider.Calls[call].Headers
	if call == providers.TokenCall {
		further = s.provider.Auth.Headers
	}
	if len(s.provider.Headers) == 0 {
		return further
	}
	all := map[string]string{}
	for name, value := range s.provider.Headers {
		all[http.CanonicalHeaderKey(name)] = value
	}
	for name, value := range further {
		all[http.CanonicalHeaderKey(name)] = value
	}
	if call == providers.TokenCall && !hasHeader(s.provider.Auth.Headers, "Content-Type") {
		delete(all, "Content-Type") // it follows from the body
	}
	return all
}

func hasHeader(headers map[string]string, name string) bool {
	for n := range headers {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// wrongHeader says which fixed header a request should have had, or nothing. A
// client that takes anything takes what the provider has.
func (s *Simulator) wrongHeader(call string, r *request) string {
	headers := s.headersOf(call)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		want := headers[name]
		got := r.header.Get(name)
		right := got == want
		switch {
		case want == "" || holdsField(want):
			continue
		case strings.EqualFold(name, "Accept"):
			right = right || got == "" || strings.Contains(got, mediaType(want)) || strings.Contains(got, "*/*")
		case strings.EqualFold(name, "Content-Type"):
			right = right || mediaType(got) == mediaType(want)
		}
		if !right {
			return fmt.Sprintf("want the header %s: %s", http.CanonicalHeaderKey(name), want)
		}
	}
	return ""
}

// A carrier is a place of a request that a credential belongs in: what the
// provider file says is there, and what is.
type carrier struct{ want, sent string }

// furtherCarriers are those besides the one of auth: headers and parameters of
// the query with a {field} in them.
func (s *Simulator) furtherCarriers(rt *route, r *request) []carrier {
	var list []carrier
	for name, want := range s.headersOf(rt.call) {
		if holdsField(want) {
			list = append(list, carrier{want, r.header.Get(name)})
		}
	}
	if holdsField(rt.query) {
		for pair := range strings.SplitSeq(rt.query, "&") {
			if name, want, _ := strings.Cut(pair, "="); holdsField(want) {
				list = append(list, carrier{want, r.query.Get(name)})
			}
		}
	}
	for name, want := range s.provider.Calls[rt.call].Query {
		if holdsField(want) {
			list = append(list, carrier{want, r.query.Get(name)})
		}
	}
	return list
}

// judgeToken looks at a token request in the order RFC 6749 suggests: can the
// parameters be read, who asks, by which grant, for which scope.
func (s *Simulator) judgeToken(rt *route, own bool, r *request) verdict {
	token := func(name string) verdict { return verdict{call: providers.TokenCall, name: name} }
	a := &s.provider.Auth
	read := clientAuths[a.ClientAuth]
	readParams := read.params
	switch {
	case a.Body != nil:
		readParams = noParams
	case rt.method == http.MethodGet || rt.method == http.MethodHead:
		readParams = queryParams
	}
	var client specialClient
	params, readable := readParams(r)
	var tree any
	if a.Body != nil {
		tree, readable = jsonTree(r)
	}
	if !readable && !read.inHeader {
		return token("invalid_request")
	}
	if !own {
		return token("invalid_client")
	}
	if read.credentials != nil {
		id, secret, found := read.credentials(r, params)
		special, known := clientOf(id, s.creds["client_id"])
		if !found || !known || secret != s.creds["client_secret"] {
			return token("invalid_client")
		}
		client = special
	}
	for _, c := range s.furtherCarriers(rt, r) {
		special, known := s.matches(c.want, c.sent)
		if !known {
			return token("invalid_client")
		}
		client = max(client, special)
	}
	if !readable {
		return token("invalid_request")
	}
	grants := grants{grantType: params.Get("grant_type"), scope: params.Get("scope")}
	wrong := ""
	if a.Body != nil {
		grants, wrong = s.judgeTree(tree, &client)
	} else {
		wrong = s.judgeParams(params, &client)
	}
	if wrong == "invalid_client" {
		return token(wrong)
	}
	switch {
	case client == revokedClient, client == lockedClient && !s.hasFixture("token/unauthorized_client"):
		return token("invalid_client")
	case client == lockedClient:
		return token("unauthorized_client")
	case wrong != "":
		return token(wrong)
	}
	if a.GrantType != "" {
		switch grants.grantType {
		case a.GrantType:
		case "":
			return token("invalid_request")
		default:
			return token("unsupported_grant_type")
		}
	}
	return s.judgeScope(client, grants.scope)
}

// grants is what a token request asks for.
type grants struct{ grantType, scope string }

// judgeScope is the end of a token request: all else was right.
func (s *Simulator) judgeScope(client specialClient, sent string) verdict {
	refused := verdict{call: providers.TokenCall, name: "invalid_scope"}
	a := &s.provider.Auth
	scopes := s.provider.SplitScopes(sent)
	if len(scopes) == 0 {
		// RFC 6749 3.3: without a scope a server uses a default or refuses.
		if a.Scopes.Required {
			return refused
		}
		scopes = a.Scopes.Default
	}
	for _, scope := range scopes {
		if client == limitedClient && scope != s.limitedScope() {
			return refused
		}
		if _, known := a.Scopes.Known[scope]; !known && len(a.Scopes.Known) > 0 {
			return refused
		}
	}
	return verdict{call: providers.TokenCall, name: "issued", scopes: scopes}
}

// judgeParams compares the further parameters of a token request with those
// of the provider file. It returns what is wrong, or nothing.
func (s *Simulator) judgeParams(params url.Values, client *specialClient) (wrong string) {
	a := &s.provider.Auth
	for name, want := range a.Params {
		special, known := s.matches(want, params.Get(name))
		switch {
		case known:
			*client = max(*client, special)
		case a.ClientAuth == "none" && holdsField(want):
			return "invalid_client"
		default:
			wrong = "invalid_request"
		}
	}
	return wrong
}

// clientAuths is how a token endpoint reads what a client sends, by the name
// of the client authentication method. It does not share code with the client
// that writes it: one mistake must not hide in both.
var clientAuths = map[string]struct {
	params      func(*request) (url.Values, bool)
	credentials func(*request, url.Values) (id, secret string, found bool) // nil: params are all there is
	inHeader    bool                                                       // read before the parameters are
}{
	"basic":     {formParams, formEncodedBasic, true},
	"basic_raw": {formParams, rawBasic, true},
	"form":      {formParams, paramCredentials, false},
	"json":      {jsonParams, paramCredentials, false},
	"none":      {formParams, nil, false},
	"query":     {queryParams, paramCredentials, false},
}

func formParams(r *request) (url.Values, bool) {
	if len(r.body) == 0 {
		return url.Values{}, true
	}
	if r.contentType != "application/x-www-form-urlencoded" {
		return nil, false
	}
	values, err := url.ParseQuery(string(r.body))
	return values, err == nil
}

func jsonParams(r *request) (url.Values, bool) {
	if len(r.body) == 0 {
		return url.Values{}, true
	}
	var object map[string]string
	if r.contentType != "application/json" || json.Unmarshal(r.body, &object) != nil {
		return nil, false
	}
	values := url.Values{}
	for name, value := range object {
		values.Set(name, value)
	}
	return values, true
}

func noParams(*request) (url.Values, bool) { return url.Values{}, true }

func queryParams(r *request) (url.Values, bool) { return r.query, true }

func paramCredentials(_ *request, params url.Values) (id, secret string, found bool) {
	return params.Get("client_id"), params.Get("client_secret"), params.Has("client_id")
}

func rawBasic(r *request, _ url.Values) (id, secret string, found bool) {
	return parseBasic(r.header.Get("Authorization"))
}

// formEncodedBasic follows RFC 6749 2.3.1: id and secret are form-encoded.
func formEncodedBasic(r *request, _ url.Values) (id, secret string, found bool) {
	id, secret, found = parseBasic(r.header.Get("Authorization"))
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return id, secret, found && errID == nil && errSecret == nil
}

func parseBasic(header string) (user, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}

// judgeCall looks at a call to a protected resource (RFC 6750 3.1).
func (s *Simulator) judgeCall(rt *route, own bool, r *request) string {
	call := s.provider.Calls[rt.call]
	a := &s.provider.Auth
	further := s.furtherCarriers(rt, r)
	sent := r.header.Get(a.Header)
	if a.Query != "" {
		sent = r.query.Get(a.Query)
	}
	carried := a.Header != "" || a.Query != "" // else several headers are all there is
	switch {
	case call.Public && !own:
		return "invalid_token"
	case call.Public:
		return "ok"
	case carried && sent == "":
		return "missing_token"
	case s.provider.HasToken():
		return s.judgeBearer(&call, sent, own, further)
	}
	for name, want := range a.Headers {
		further = append(further, carrier{want, r.header.Get(name)})
	}
	client, known := s.identified(further)
	if carried {
		special, isCredential := s.isCredential(sent)
		client, known = max(client, special), known && isCredential
	}
	missing := slices.ContainsFunc(further, func(c carrier) bool { return c.sent == "" })
	switch {
	case missing:
		return "missing_token"
	case !known || !own || client == revokedClient:
		return "invalid_token"
	case client != "" && s.hasFixture(rt.call+"/insufficient_scope"):
		return "insufficient_scope"
	case client != "":
		return "invalid_token"
	}
	return "ok"
}

// identified reports whether each carrier has a credential that is accepted,
// or that of a special client.
func (s *Simulator) identified(carriers []carrier) (client specialClient, known bool) {
	for _, c := range carriers {
		special, isKnown := s.matches(c.want, c.sent)
		if !isKnown {
			return "", false
		}
		client = max(client, special)
	}
	return client, true
}

// judgeBearer looks at a call with an access token.
func (s *Simulator) judgeBearer(call *providers.Call, sent string, own bool, further []carrier) string {
	before, after, _ := strings.Cut(s.expand(s.provider.Auth.Value), "{access_token}")
	if len(sent) < len(before)+len(after) || !strings.EqualFold(sent[:len(before)], before) || !strings.HasSuffix(sent, after) {
		return "invalid_token"
	}
	token := sent[len(before) : len(sent)-len(after)]
	g, known := s.tokens.find(token)
	_, identified := s.identified(further)
	switch {
	case !known:
		return "invalid_token"
	case g.expires.hasCome(s.Now()):
		return "expired_token"
	case slices.ContainsFunc(further, func(c carrier) bool { return c.sent == "" }):
		return "missing_token"
	case !identified || !own:
		return "invalid_token"
	case call.Scope != "" && !slices.Contains(g.scopes, call.Scope):
		return "insufficient_scope"
	}
	return "ok"
}

// isCredential compares what was sent in place of a token with what the
// provider file says is sent.
func (s *Simulator) isCredential(sent string) (specialClient, bool) {
	if s.provider.Auth.Scheme == "basic" {
		_, want, _ := strings.Cut(s.provider.Auth.Value, " ")
		user, password, ok := parseBasic(sent)
		client, known := s.matches(withoutMissing(want, s.creds), user+":"+password)
		return client, ok && known
	}
	want := s.provider.Auth.Value
	if scheme, key, hasScheme := strings.Cut(want, " "); hasScheme && !holdsField(scheme) {
		sentScheme, sentKey, _ := strings.Cut(sent, " ")
		if !strings.EqualFold(scheme, sentScheme) {
			return "", false
		}
		want, sent = key, sentKey
	}
	return s.matches(want, sent)
}

// withoutMissing takes out the fields that the provider has not: a password,
// where the user name is the key.
func withoutMissing(text string, creds providers.Credentials) string {
	for _, field := range []string{"username", "password"} {
		if _, ok := creds[field]; !ok {
			text = strings.ReplaceAll(text, "{"+field+"}", "")
		}
	}
	return text
}
