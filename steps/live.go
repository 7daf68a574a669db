package steps

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// Live says how real providers are reached. One value serves all scenarios of
// a run: they share its tokens, and what it learned of each credential.
type Live struct {
	// Transport carries the requests. It must verify TLS and follow no
	// redirects.
	Transport http.RoundTripper
	// Credentials returns a provider's credentials, or an error that says
	// which environment variables are missing.
	Credentials func(*providers.Provider) (providers.Credentials, error)
	// BaseURLs replaces all hosts of a provider, by its ID.
	BaseURLs map[string]string
	// Intrusive allows attempts that a provider may count against an account.
	Intrusive bool
	// Answered, if set, is told each answer to a request with the valid
	// credential, before anything else is sent.
	Answered func(Answer)

	shared providers.Tokens
	mu     sync.Mutex
	gates  map[string]*breaker
}

// An Answer is what came back to a request with the valid credential, and what
// it says of that credential.
type Answer struct {
	Response  *providers.Response
	Situation string // what the request should have met: "token/issued"
	Says      Opinion
	// Known: the answer is, by status and error code, the refusal that the
	// provider documents or that was recorded.
	Known bool
}

// An Opinion is what an answer says of the credential that was used.
type Opinion int

// The opinions.
const (
	SaysNothing  Opinion = iota
	Accepted             // the provider took it
	Refused              // the provider did not take it
	ScopeRefused         // the provider took it, but not for what was asked
)

// tokens are the run's, but for a scenario that requests or counts them.
func (l *Live) tokens(own bool) *providers.Tokens {
	if own {
		return new(providers.Tokens)
	}
	return &l.shared
}

// breakerOf returns the breaker of a provider's credential.
func (l *Live) breakerOf(p *providers.Provider) *breaker {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gates == nil {
		l.gates = map[string]*breaker{}
	}
	if l.gates[p.ID] == nil {
		b := &breaker{}
		b.changed = sync.NewCond(&b.mu)
		l.gates[p.ID] = b
	}
	return l.gates[p.ID]
}

// A breaker keeps a refused credential from being tried again. Until the
// credential has worked once, scenarios that use it go one at a time: a
// provider that locks accounts sees one bad attempt, not sixteen.
//
// It also keeps a run from waiting again and again for a provider that does not
// answer at all.
type breaker struct {
	mu      sync.Mutex
	changed *sync.Cond
	state   breakerState
	busy    bool
	silent  int    // requests in a row that got no answer
	silence string // why the last of them got none
}

// deadAfter is how many requests in a row must get no answer at all before no
// more are sent. One may be lost on the way.
const deadAfter = 2

type breakerState int

const (
	untried breakerState = iota
	proven
	open
)

// A gate is one scenario's passage through a breaker.
type gate struct {
	breaker *breaker
	alone   bool
}

// enter waits until the credential is known, or this scenario is the one to
// find out. It fails when the credential was refused.
func (b *breaker) enter() (*gate, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.state == untried && b.busy && b.silent < deadAfter {
		b.changed.Wait()
	}
	if b.state == open {
		return nil, skip(check.BreakerOpen, breakerMessage)
	}
	if err := b.dead(); err != nil {
		return nil, err
	}
	g := &gate{breaker: b, alone: b.state == untried}
	b.busy = b.busy || g.alone
	return g, nil
}

const breakerMessage = "the provider refused this credential in an earlier scenario; it is not tried again in this run"

func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == open
}

// heard tells whether a request got an answer, whatever it says: cause is nil,
// or why there is none.
func (b *breaker) heard(cause *check.Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cause == nil {
		b.silent = 0
		return
	}
	b.silent++
	b.silence = cause.Message
	b.changed.Broadcast()
}

// mayAsk fails when the provider is not answering.
func (b *breaker) mayAsk() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dead()
}

// dead is mayAsk for who holds the lock.
func (b *breaker) dead() error {
	if b.silent < deadAfter {
		return nil
	}
	return skip(check.BreakerOpen, fmt.Sprintf("%d requests in a row got no answer, so no more are sent in this run; the last: %s", deadAfter, b.silence))
}

// report tells what an answer said of the credential.
func (g *gate) report(o Opinion) {
	b := g.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	switch o {
	case Refused:
		b.state = open
	case Accepted:
		if b.state == untried {
			b.state = proven
		}
	}
	b.changed.Broadcast()
}

func (g *gate) leave() {
	b := g.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.alone {
		b.busy = false
		g.alone = false
	}
	b.changed.Broadcast()
}

// skipUnlessIntrusive guards attempts that a provider may count.
func (s *scenario) skipUnlessIntrusive(what string) error {
	if live := s.vocabulary.opts.Live; live != nil && !live.Intrusive {
		return skip(check.Intrusive, what+" may lock the account; --intrusive tries it all the same")
	}
	return nil
}
