package simulator

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/authspec/authspec/providers"
)

// A route is where a call is answered. Its path and query may hold {field}s:
// what a client puts there is part of the request's credentials.
type route struct {
	call, method string
	path         string // as the provider file has it, behind the path of a base URL
	query        string
	segments     []string // of a path that holds a {field}
}

// address is a URL of a provider file taken apart, as text.
type address struct{ host, path, query string }

func addressOf(raw string) address {
	var a address
	if _, rest, absolute := strings.Cut(raw, "://"); absolute && !strings.HasPrefix(raw, "/") {
		a.host, a.path = rest, ""
		if at := strings.IndexAny(rest, "/?"); at >= 0 {
			a.host, a.path = rest[:at], rest[at:]
		}
		raw = a.path
	}
	a.path, a.query, _ = strings.Cut(raw, "?")
	return a
}

func newRoute(call string, e providers.Endpoint, base string) route {
	at := addressOf(e.Target())
	r := route{call: call, method: e.Method(), path: base + at.path, query: at.query}
	if holdsField(r.path) {
		r.segments = strings.Split(r.path, "/")
	} else if plain, err := url.PathUnescape(r.path); err == nil {
		r.path = plain
	}
	return r
}

// endpoints returns every endpoint of a provider with the call it is of.
func endpoints(p *providers.Provider) (calls []string, list []providers.Endpoint) {
	add := func(call string, e providers.Endpoint) {
		calls, list = append(calls, call), append(list, e)
	}
	if p.HasToken() {
		add(providers.TokenCall, p.Auth.Token)
		for _, name := range p.EnvironmentNames() {
			if token := p.Environments[name].Token; token != "" {
				add(providers.TokenCall, token)
			}
		}
	}
	for _, name := range p.CallNames() {
		add(name, p.Calls[name].Endpoint)
	}
	return calls, list
}

// hostsOf returns the hosts that requests with these credentials go to, in
// lower case; nil where the provider file holds them all as they are.
func (s *Simulator) hostsOf() []string {
	raws := append([]string{s.provider.BaseURL}, environmentURLs(s.provider)...)
	_, list := endpoints(s.provider)
	for _, e := range list {
		raws = append(raws, e.Target())
	}
	fixed := true
	var hosts []string
	for _, raw := range raws {
		if host := addressOf(raw).host; host != "" {
			fixed = fixed && !holdsField(host)
			hosts = append(hosts, strings.ToLower(s.expand(host)))
		}
	}
	if fixed {
		return nil
	}
	return hosts
}

// meets reports whether a request is to the route, and whether what stands in
// its path is the accepted credentials'. With anywhere, the path may begin with
// that of a base URL that the simulator does not know.
func (s *Simulator) meets(rt *route, r *request, anywhere bool) (is, own bool) {
	if rt.method != r.method {
		return false, false
	}
	if rt.segments == nil {
		return rt.path == r.path || anywhere && strings.HasSuffix(r.path, rt.path), true
	}
	sent := strings.Split(r.escapedPath, "/")
	if more := len(sent) - len(rt.segments); anywhere && more > 0 {
		sent = append([]string{""}, sent[more+1:]...)
	}
	if len(sent) != len(rt.segments) {
		return false, false
	}
	own = true
	for i, segment := range rt.segments {
		got, err := url.PathUnescape(sent[i])
		if err != nil {
			return false, false
		}
		if !holdsField(segment) {
			if plain, err := url.PathUnescape(segment); err != nil || plain != got {
				return false, false
			}
			continue
		}
		fields := field.FindAllStringIndex(segment, -1)
		before, after := segment[:fields[0][0]], segment[fields[len(fields)-1][1]:]
		if len(got) <= len(before)+len(after) || !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
			return false, false
		}
		_, known := s.matches(segment, got)
		own = own && known
	}
	return true, own
}

// routeOf finds the route of a request: one that is spelled out before one
// that holds a {field}.
func (s *Simulator) routeOf(r *request, anywhere bool) (found *route, own bool) {
	for i := range s.routes {
		rt := &s.routes[i]
		is, isOwn := s.meets(rt, r, anywhere)
		if !is {
			continue
		}
		better := found == nil || anywhere && len(rt.path) > len(found.path)
		if found != nil && !anywhere {
			better = found.segments != nil && (rt.segments == nil || !own && isOwn)
		}
		if better {
			found, own = rt, isOwn
		}
	}
	return found, own
}

// field is how a credential field stands in a text; other braces are JSON's.
var field = regexp.MustCompile(`\{[a-z0-9_]+\}`)

func holdsField(text string) bool { return strings.Contains(text, "{") && field.MatchString(text) }

// expand puts the accepted credentials in place of {field}.
func (s *Simulator) expand(text string) string { return fill(text, s.creds) }

func fill(text string, creds providers.Credentials) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for name, value := range creds {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// matches reports whether what was sent is the text with the accepted
// credentials in place of each {field}, or those of a special client.
func (s *Simulator) matches(text, sent string) (client specialClient, known bool) {
	if s.expand(text) == sent {
		return "", true
	}
	if who := s.identity(); who == "" || !strings.Contains(text, "{"+who+"}") {
		return "", false
	}
	for _, c := range specialClients {
		if fill(text, s.credentialsOf(c)) == sent {
			return c, true
		}
	}
	return "", false
}

// identity is the credential field that tells the special clients apart.
func (s *Simulator) identity() string {
	p := s.provider
	fields := p.CredentialFields()
	first, second := "client_id", "username"
	if p.Auth.Scheme == "basic" {
		first, second = second, first
	}
	for _, name := range []string{first, second} {
		if slices.Contains(fields, name) {
			return name
		}
	}
	address := p.AddressFields()
	last, at := "", -1
	for _, name := range fields {
		if len(fields) > 1 && slices.Contains(address, name) {
			continue // it says where, not who
		}
		if i := strings.LastIndex(p.Auth.Value, "{"+name+"}"); last == "" || i > at {
			last, at = name, i
		}
	}
	return last
}

func (s *Simulator) credentialsOf(c specialClient) providers.Credentials {
	who := s.identity()
	value, ok := s.creds[who]
	if !ok {
		return s.creds
	}
	return s.creds.With(who, value+"-"+string(c))
}
