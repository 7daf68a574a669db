package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/providers"
)

// A specialClient is one of the clients that every simulator knows besides
// the valid one: the same credentials, with the word after a dash behind the
// client ID, the user name or the key.
type specialClient string

// The special clients.
const (
	limitedClient specialClient = "limited" // may have one scope only: the first by name
	lockedClient  specialClient = "locked"  // its account is locked
	revokedClient specialClient = "revoked" // its credential was revoked
)

// specialClients are ordered: of two that one request names, the later counts.
var specialClients = []specialClient{limitedClient, lockedClient, revokedClient}

// clientOf tells which client an ID is, of those that go with the valid one,
// and whether it is any of them. The valid ID itself may end in such a word.
func clientOf(id, valid string) (client specialClient, known bool) {
	if id == valid {
		return "", true
	}
	for _, c := range specialClients {
		if id == valid+"-"+string(c) {
			return c, true
		}
	}
	return "", false
}

// SpecialClients returns the credentials of the special clients by name:
// "limited" may have one scope only, "locked" and "revoked" are refused.
func (s *Simulator) SpecialClients() map[string]providers.Credentials {
	special := map[string]providers.Credentials{}
	for _, c := range specialClients {
		if c == limitedClient && len(s.provider.Auth.Scopes.Known) < 2 {
			continue
		}
		if _, ok := s.creds[s.identity()]; ok {
			special[string(c)] = s.credentialsOf(c)
		}
	}
	return special
}

func (s *Simulator) limitedScope() string {
	first := ""
	for scope := range s.provider.Auth.Scopes.Known {
		if first == "" || scope < first {
			first = scope
		}
	}
	return first
}

func (s *Simulator) hasFixture(situation string) bool {
	_, ok := s.Fixture(situation)
	return ok
}

// steering is what someone outside wants a simulator to do, guarded by
// Simulator.mu.
type steering struct {
	next    map[string]string // situation to force, by call
	limits  bool
	windows map[string]window
	journal int
	noted   []Received
}

// A window counts the requests of one call since it began.
type window struct {
	began time.Time
	count int
}

// Force makes the next request to the situation's call meet it, whatever the
// request is.
func (s *Simulator) Force(situation string) error {
	if !s.provider.HasSituation(situation) {
		return fmt.Errorf("%s: no situation %q", s.provider.ID, situation)
	}
	call, name, _ := strings.Cut(situation, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steered.next == nil {
		s.steered.next = map[string]string{}
	}
	s.steered.next[call] = name
	return nil
}

// Revoke makes the simulator forget an access token. It reports whether the
// token was known.
func (s *Simulator) Revoke(token string) bool { return s.tokens.remove(token) }

// EnforceLimits makes the simulator keep the provider's documented limits.
func (s *Simulator) EnforceLimits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steered.limits = true
}

// Journal makes the simulator note the last n requests.
func (s *Simulator) Journal(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steered.journal = n
}

// A Received is one request that a simulator has answered. It holds secrets.
type Received struct {
	Time      time.Time // by the simulator's clock
	Method    string
	Path      string
	Header    http.Header
	Body      []byte
	Situation string
	Status    int
}

// Received returns the requests noted, the oldest first.
func (s *Simulator) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.steered.noted...)
}

// Reset forgets tokens, the moved clock, forced situations, counted and noted
// requests.
func (s *Simulator) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset.Store(0)
	s.tokens.clear()
	s.steered = steering{limits: s.steered.limits, journal: s.steered.journal}
}

// steer changes the verdict where someone outside wants it so.
func (s *Simulator) steer(v verdict) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, forced := s.steered.next[v.call]; forced {
		delete(s.steered.next, v.call)
		return verdict{call: v.call, name: name, scopes: v.scopes}
	}
	limit, limited := s.provider.Limits[v.call]
	if !s.steered.limits || !limited {
		return v
	}
	now := s.Now()
	w := s.steered.windows[v.call]
	if now.Sub(w.began) >= time.Duration(limit.Per) {
		w = window{began: now}
	}
	if w.count++; w.count > limit.Requests {
		v = verdict{call: v.call, name: "rate_limited"}
	}
	if s.steered.windows == nil {
		s.steered.windows = map[string]window{}
	}
	s.steered.windows[v.call] = w
	return v
}

// setRetryAfter says how long the window still lasts, where the fixture says
// anything at all.
func (s *Simulator) setRetryAfter(header http.Header, call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, counted := s.steered.windows[call]
	if header.Get("Retry-After") == "" || !counted {
		return
	}
	left := time.Duration(s.provider.Limits[call].Per) - s.Now().Sub(w.began)
	header.Set("Retry-After", strconv.Itoa(max(1, int(left.Seconds()+0.999))))
}

func (s *Simulator) note(r *request, situation string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.steered.journal == 0 {
		return
	}
	s.steered.noted = append(s.steered.noted, Received{s.Now(), r.method, r.path, r.header.Clone(), r.body, situation, status})
	s.steered.noted = s.steered.noted[max(0, len(s.steered.noted)-s.steered.journal):]
}
