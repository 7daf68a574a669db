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
	"net/url"
	"strings"
	"sync"
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

	mu      sync.Mutex
	offset  time.Duration
	issued  map[string]grant
	steered steering
}

// A grant is what an access token stands for.
type grant struct {
	scopes  []string
	expires time.Time // zero: never
}

type route struct {
	call     string
	endpoint providers.Endpoint
}

// New returns a simulator of p that answers with the fixtures in fsys, which
// holds PROVIDER/CALL/SITUATION.http files, and accepts TestCredentials(p).
func New(p *providers.Provider, fsys fs.FS) (*Simulator, error) {
	fixtures, err := LoadFixtures(p, fsys)
	if err != nil {
		return nil, err
	}
	s := &Simulator{provider: p, fixtures: fixtures, creds: TestCredentials(p), issued: map[string]grant{}}
	if p.HasToken() {
		s.routes = append(s.routes, route{providers.TokenCall, p.Auth.Token})
	}
	for _, name := range p.CallNames() {
		s.routes = append(s.routes, route{name, p.Calls[name].Endpoint})
	}
	return s, nil
}

// TestCredentials returns what a new simulator of p accepts: made-up values
// that say what they are.
func TestCredentials(p *providers.Provider) providers.Credentials {
	creds := providers.Credentials{}
	for _, field := range p.CredentialFields() {
		creds[field] = "test-" + p.ID + "-" + strings.ReplaceAll(field, "_", "-")
	}
	return creds
}

// Fresh returns a simulator that shares the fixtures but has issued nothing
// and whose clock is right. It accepts creds; nil: the same as s.
func (s *Simulator) Fresh(creds providers.Credentials) *Simulator {
	if creds == nil {
		creds = s.creds
	}
	return &Simulator{provider: s.provider, fixtures: s.fixtures, creds: maps.Clone(creds), routes: s.routes, issued: map[string]grant{}}
}

// Credentials returns what the simulator accepts.
func (s *Simulator) Credentials() providers.Credentials { return maps.Clone(s.creds) }

// Now returns the simulator's time.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.offset)
}

// Advance moves the simulator's clock forward.
func (s *Simulator) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Accept makes token known, as if the simulator had issued it.
func (s *Simulator) Accept(token string, scopes []string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued[token] = grant{scopes, expires}
}

// Fixture returns what answers the situation "call/situation", and whether
// there is any; the provider's answers are followed.
func (s *Simulator) Fixture(situation string) (*Fixture, bool) {
	call, name, _ := strings.Cut(situation, "/")
	f, ok := s.fixtures[s.provider.Situation(call, name)]
	return f, ok
}

// Judge returns the situation that the request would meet, "call/situation",
// without answering it. A request to no known endpoint is "unknown_call".
func (s *Simulator) Judge(req *http.Request, body []byte) string {
	return s.judge(newRequest(req, body)).String()
}

// ServeHTTP answers over a network.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		http.Error(w, "request body is larger than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	a := s.answer(newRequest(r, body))
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client is gone; there is no one to tell
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
		a := s.answer(newRequest(r, body))
		return &http.Response{
			Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
			StatusCode:    a.status,
			Proto:         "HTTP/1.1",
			ProtoMajor:    1,
			ProtoMinor:    1,
			Header:        a.header,
			Body:          io.NopCloser(bytes.NewReader(a.body)),
			ContentLength: int64(len(a.body)),
			Request:       r,
		}, nil
	}
	for _, rt := range s.routes {
		mock.RegisterResponder(rt.endpoint.Method(), pathOf(rt.endpoint), respond)
	}
	mock.RegisterNoResponder(respond) // says itself what it does not know
	return mock
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// answer judges the request and answers with the fixture of the situation.
func (s *Simulator) answer(r *request) (a answer) {
	v := s.steer(s.judge(r))
	f, ok := s.Fixture(v.String())
	defer func() { s.note(r, v, a.status) }()
	if !ok {
		return undocumented(v.String(), s.provider)
	}
	header := f.Header.Clone()
	body := f.Body
	switch v.name {
	case "issued":
		body = s.issue(f, v.scopes)
	case "rate_limited":
		s.setRetryAfter(header, v.call)
	}
	return answer{f.Status, header, body}
}

func undocumented(situation string, p *providers.Provider) answer {
	message := fmt.Sprintf("%s's documentation does not show what it answers here, and no fixture assumes it: fixtures/%s/%s.http", p.Name, p.ID, situation)
	if situation == unknownCall {
		message = fmt.Sprintf("%s has no such call in providers/%s.yaml", p.Name, p.ID)
	}
	body, _ := json.Marshal(map[string]string{"authspec": "undocumented", "situation": situation, "message": message})
	return answer{
		status: http.StatusNotImplemented,
		header: http.Header{UndocumentedHeader: {situation}, "Content-Type": {"application/json"}},
		body:   append(body, '\n'),
	}
}

func pathOf(e providers.Endpoint) string {
	u, err := url.Parse(e.Target())
	if err != nil {
		return e.Target()
	}
	return u.Path
}
