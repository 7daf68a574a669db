// Package simulator simulates providers. A simulator reads a request as the
// real provider would (method, path, content type, client authentication,
// grant type, scope, bearer token, expiry) and answers with the fixture of
// the situation it finds. It knows no scenario: any client can talk to it.
//
// It has two doors: Transport, in process over httpmock, and ServeHTTP.
package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/authspec/authspec/providers"
)

// UndocumentedHeader is set on the 501 that answers a situation without a
// fixture. Its value is "call/situation".
const UndocumentedHeader = "Authspec-Undocumented"

// maxRequestBody is more than any token request needs.
const maxRequestBody = 1 << 20

// A Simulator is one simulated provider with its clock and the tokens it has
// issued. It is safe for concurrent use.
type Simulator struct {
	provider *providers.Provider
	fixtures map[string]*Fixture
	creds    providers.Credentials
	routes   []route
	hosts    []string // of requests in process; nil: any
	tokens   tokens
	offset   atomic.Int64 // of the clock, in nanoseconds

	mu      sync.Mutex
	steered steering
}

// New returns a simulator of p that answers with the fixtures in fsys, which
// holds PROVIDER/CALL/SITUATION.http files, and accepts TestCredentials(p).
func New(p *providers.Provider, fsys fs.FS) (*Simulator, error) {
	fixtures, err := LoadFixtures(p, fsys)
	if err != nil {
		return nil, err
	}
	return build(p, fixtures, TestCredentials(p)), nil
}

func build(p *providers.Provider, fixtures map[string]*Fixture, creds providers.Credentials) *Simulator {
	s := &Simulator{provider: p, fixtures: fixtures, creds: creds}
	bases := []string{""} // whoever mounts a simulator elsewhere sends the bare path
	for _, base := range append([]string{p.BaseURL}, environmentURLs(p)...) {
		if path := strings.TrimRight(addressOf(base).path, "/"); path != "" {
			bases = append(bases, path)
		}
	}
	calls, list := endpoints(p)
	for i, e := range list {
		for _, base := range bases {
			s.routes = append(s.routes, newRoute(calls[i], e, base))
		}
	}
	s.hosts = s.hostsOf()
	return s
}

func environmentURLs(p *providers.Provider) []string {
	var urls []string
	for _, name := range p.EnvironmentNames() {
		urls = append(urls, p.Environments[name].BaseURL)
	}
	return urls
}

// TestCredentials returns what a new simulator of p accepts: made-up values
// that say what they are. The slash in them tells a client that form-encodes
// its Basic credentials from one that does not, and needs no quoting. What
// stands in URLs has none: it is the name of an account or a region.
func TestCredentials(p *providers.Provider) providers.Credentials {
	creds := providers.Credentials{}
	address := p.AddressFields()
	for _, field := range p.CredentialFields() {
		name := strings.ReplaceAll(field, "_", "-")
		creds[field] = "test-" + p.ID + "/" + name
		if slices.Contains(address, field) {
			creds[field] = "test-" + strings.NewReplacer(".", "-", "_", "-").Replace(p.ID) + "-" + name
		}
	}
	return creds
}

// Fresh returns a simulator that shares the fixtures but has issued nothing
// and whose clock is right. It accepts creds; nil: the same as s.
func (s *Simulator) Fresh(creds providers.Credentials) *Simulator {
	if creds == nil {
		creds = s.creds
	}
	return build(s.provider, s.fixtures, maps.Clone(creds))
}

// Credentials returns what the simulator accepts.
func (s *Simulator) Credentials() providers.Credentials { return maps.Clone(s.creds) }

// Provider returns the provider that is simulated.
func (s *Simulator) Provider() *providers.Provider { return s.provider }

// Now returns the simulator's time.
func (s *Simulator) Now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// Advance moves the simulator's clock forward.
func (s *Simulator) Advance(d time.Duration) { s.offset.Add(int64(d)) }

// Accept makes token known, as if the simulator had issued it. A simulator
// knows the last 50,000 tokens; it tells an expired one from an unknown one
// for as long as it lived, and for a day at least.
func (s *Simulator) Accept(token string, scopes []string, expires time.Time) {
	s.tokens.add(token, scopes, s.Now(), expires)
}

// Knows reports whether the simulator knows the access token, expired or not.
func (s *Simulator) Knows(token string) bool {
	_, known := s.tokens.find(token)
	return known
}

// Fixture returns what answers the situation "call/situation", and whether
// there is any; the provider's answers are followed.
func (s *Simulator) Fixture(situation string) (*Fixture, bool) {
	call, name, _ := strings.Cut(situation, "/")
	f, ok := s.fixtures[s.provider.Situation(call, name)]
	return f, ok
}

// Judge returns the situation that the request would meet, "call/situation",
// without answering it. A request to no known endpoint is "unknown_call". The
// path may begin with that of a base URL the simulator does not know.
func (s *Simulator) Judge(req *http.Request, body []byte) string {
	r := newRequest(req, body)
	rt, own := s.routeOf(r, true)
	return s.judgeAt(rt, own, r).String()
}

// ServeHTTP answers over a network.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		http.Error(w, "request body is larger than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	s.Respond(r, body).Send(w)
}

// A Response is what a simulator answers.
type Response struct {
	Situation string // "call/situation", or "unknown_call"
	Status    int
	Header    http.Header
	Body      []byte
	Token     string // the access token that the body issues, if any
}

// Respond answers a request whose body has been read. The response is the
// caller's to change.
func (s *Simulator) Respond(r *http.Request, body []byte) *Response {
	return s.answer(newRequest(r, body))
}

// Send writes the response as it is: what net/http would guess of it is left
// out, and what belongs to the connection it was recorded on too.
func (r *Response) Send(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, r.Header)
	for _, name := range []string{"Connection", "Transfer-Encoding", "Content-Length"} {
		header.Del(name)
	}
	if header.Get("Content-Type") == "" {
		header["Content-Type"] = nil
	}
	if r.Status != http.StatusNoContent && r.Status != http.StatusNotModified {
		header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // the client is gone; there is no one to tell
}

// Transport returns a round tripper that answers in process, for one client.
func (s *Simulator) Transport() http.RoundTripper {
	mock := httpmock.NewMockTransport()
	respond := func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			body = b
		}
		sent := newRequest(r, body)
		if sent.host = r.URL.Host; sent.host == "" {
			sent.host = r.Host
		}
		a := s.answer(sent)
		return &http.Response{
			Status:        fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)),
			StatusCode:    a.Status,
			Proto:         "HTTP/1.1",
			ProtoMajor:    1,
			ProtoMinor:    1,
			Header:        a.Header,
			Body:          io.NopCloser(bytes.NewReader(a.Body)),
			ContentLength: int64(len(a.Body)),
			Request:       r,
		}, nil
	}
	for _, rt := range s.routes {
		if rt.segments == nil {
			mock.RegisterResponder(rt.method, rt.path, respond)
		}
	}
	mock.RegisterNoResponder(respond) // says itself what it does not know
	return mock
}

// answer judges the request and answers with the fixture of the situation.
func (s *Simulator) answer(r *request) (a *Response) {
	v := s.steer(s.judge(r))
	situation := v.String()
	f, ok := s.Fixture(situation)
	defer func() { s.note(r, situation, a.Status) }()
	if !ok {
		return undocumented(situation, v.why, s.provider)
	}
	a = &Response{Situation: situation, Status: f.Status, Header: f.Header.Clone(), Body: bytes.Clone(f.Body)}
	switch v.name {
	case "issued":
		a.Body, a.Token = s.issue(f, v.scopes)
	case "rate_limited":
		s.setRetryAfter(a.Header, v.call)
	}
	return a
}

func undocumented(situation, why string, p *providers.Provider) *Response {
	message := fmt.Sprintf("%s's documentation does not show what it answers here, and no fixture assumes it: fixtures/%s/%s.http", p.Name, p.ID, situation)
	if situation == unknownCall {
		message = fmt.Sprintf("%s has no such call in providers/%s.yaml", p.Name, p.ID)
		if why != "" {
			message = fmt.Sprintf("%s: %s, says providers/%s.yaml", p.Name, why, p.ID)
		}
	}
	body, _ := json.Marshal(map[string]string{"authspec": "undocumented", "situation": situation, "message": message})
	return &Response{
		Situation: situation,
		Status:    http.StatusNotImplemented,
		Header:    http.Header{UndocumentedHeader: {situation}, "Content-Type": {"application/json"}},
		Body:      append(body, '\n'),
	}
}
