package simulator

import (
	"encoding/base64"
	"encoding/json"
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
	header       http.Header
	query        url.Values
	contentType  string
	body         []byte
}

func newRequest(r *http.Request, body []byte) *request {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return &request{r.Method, r.URL.Path, r.Header, r.URL.Query(), mediaType, body}
}

// A verdict is the situation a request meets, and the scopes it is granted.
type verdict struct {
	call, name string
	scopes     []string
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
	for _, rt := range s.routes {
		if rt.method == r.method && rt.path == r.path {
			if rt.call == providers.TokenCall {
				return s.judgeToken(r)
			}
			return verdict{call: rt.call, name: s.judgeCall(r, rt.call)}
		}
	}
	return verdict{name: unknownCall}
}

// judgeToken looks at a token request in the order RFC 6749 suggests: can the
// parameters be read, who asks, by which grant, for which scope.
func (s *Simulator) judgeToken(r *request) verdict {
	token := func(name string) verdict { return verdict{call: providers.TokenCall, name: name} }
	a := &s.provider.Auth
	read := clientAuths[a.ClientAuth]
	var client specialClient
	params, readable := read.params(r)
	if !readable && !read.inHeader {
		return token("invalid_request")
	}
	if read.credentials != nil {
		id, secret, found := read.credentials(r, params)
		special, known := clientOf(id, s.creds["client_id"])
		if !found || !known || secret != s.creds["client_secret"] {
			return token("invalid_client")
		}
		client = special
	}
	if !readable {
		return token("invalid_request")
	}
	switch {
	case client == revokedClient, client == lockedClient && !s.hasFixture("token/unauthorized_client"):
		return token("invalid_client")
	case client == lockedClient:
		return token("unauthorized_client")
	}
	for name, want := range a.Params {
		if params.Get(name) != s.expand(want) {
			if read.credentials == nil && strings.Contains(want, "{") {
				return token("invalid_client")
			}
			return token("invalid_request")
		}
	}
	if a.GrantType != "" {
		switch grantType := params.Get("grant_type"); grantType {
		case a.GrantType:
		case "":
			return token("invalid_request")
		default:
			return token("unsupported_grant_type")
		}
	}
	scopes := s.provider.SplitScopes(params.Get("scope"))
	if len(scopes) == 0 {
		// RFC 6749 3.3: without a scope a server uses a default or refuses.
		if a.Scopes.Required {
			return token("invalid_scope")
		}
		scopes = a.Scopes.Default
	}
	for _, scope := range scopes {
		if client == limitedClient && scope != s.limitedScope() {
			return token("invalid_scope")
		}
		if _, known := a.Scopes.Known[scope]; !known && len(a.Scopes.Known) > 0 {
			return token("invalid_scope")
		}
	}
	return verdict{providers.TokenCall, "issued", scopes}
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
func (s *Simulator) judgeCall(r *request, name string) string {
	call := s.provider.Calls[name]
	if call.Public {
		return "ok"
	}
	a := &s.provider.Auth
	sent := r.header.Get(a.Header)
	if a.Query != "" {
		sent = r.query.Get(a.Query)
	}
	if sent == "" {
		return "missing_token"
	}
	if !s.provider.HasToken() {
		switch client, known := s.isCredential(sent); {
		case !known || client == revokedClient:
			return "invalid_token"
		case client != "" && s.hasFixture(name+"/insufficient_scope"):
			return "insufficient_scope"
		case client != "":
			return "invalid_token"
		}
		return "ok"
	}
	before, after, _ := strings.Cut(a.Value, "{access_token}")
	if len(sent) < len(before)+len(after) || !strings.EqualFold(sent[:len(before)], before) || !strings.HasSuffix(sent, after) {
		return "invalid_token"
	}
	token := sent[len(before) : len(sent)-len(after)]
	g, known := s.tokens.find(token)
	switch {
	case !known:
		return "invalid_token"
	case g.expires.hasCome(s.Now()):
		return "expired_token"
	case call.Scope != "" && !slices.Contains(g.scopes, call.Scope):
		return "insufficient_scope"
	}
	return "ok"
}

// isCredential compares what was sent in place of a token with what the
// provider file says is sent.
func (s *Simulator) isCredential(sent string) (specialClient, bool) {
	if s.provider.Auth.Scheme == "basic" {
		user, password, ok := parseBasic(sent)
		special, known := clientOf(user, s.creds["username"])
		return special, ok && known && password == s.creds["password"]
	}
	want := s.expand(s.provider.Auth.Value)
	if scheme, key, hasScheme := strings.Cut(want, " "); hasScheme {
		sentScheme, sentKey, _ := strings.Cut(sent, " ")
		if !strings.EqualFold(scheme, sentScheme) {
			return "", false
		}
		want, sent = key, sentKey
	}
	return clientOf(sent, want)
}

// expand puts the accepted credentials in place of {field}.
func (s *Simulator) expand(text string) string {
	for field, value := range s.creds {
		text = strings.ReplaceAll(text, "{"+field+"}", value)
	}
	return text
}
