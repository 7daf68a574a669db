// Package health checks credentials against the real providers: it runs their
// health scenarios, politely, and says of each credential whether it works,
// since when, why not, and who must act.
//
// A check examines each credential in a place of its own, its provider at one
// address, where it waits its turn. An examination runs scenarios and collects
// what the provider answered; a diagnosis makes one verdict of that; and what
// is known from earlier checks says whether it is certain.
package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

// Options say what is checked, and how. Zero values are defaults.
type Options struct {
	Version     string
	Workspace   *runner.Workspace
	Credentials []*credentials.Credential
	// Values fetches the values of a credential; see credentials.Resolver.
	Values func(context.Context, *credentials.Credential) (providers.Credentials, []string, error)
	// Transport carries the requests. It must verify TLS and follow no
	// redirects.
	Transport http.RoundTripper
	// BaseURLs replaces all hosts of a provider, by its ID, for credentials
	// that name no address of their own.
	BaseURLs map[string]string
	// Redactor learns every secret of the run, to be used on whatever is made
	// of it. The run itself has already been redacted.
	Redactor *redact.Redactor

	// PerPlace is how many credentials of one provider at one address are
	// checked at the same time; 0: 2. Overall bounds all together; 0: 16.
	PerPlace, Overall int
	// Timeout bounds each exchange; 0: providers.DefaultTimeout.
	Timeout time.Duration
	// Deadline is how long after the start a credential may still be begun;
	// 0: one hour.
	Deadline time.Duration
	// Jitter is the longest pause before each credential of a place. It is
	// drawn at random, by Seed: the same seed draws the same pauses and the
	// same order.
	Jitter time.Duration
	Seed   uint64
	// Share is which part of a provider's limits may be used; 0: one half,
	// since others need the rest.
	Share float64
	// Breaker is after how many failures of a provider in a row the rest of
	// its credentials is left alone; 0: 5. After Cooldown one more is tried;
	// 0: never.
	Breaker  int
	Cooldown time.Duration

	// Before is how credentials stood before, by name.
	Before map[string]State
	// Sent tells when requests were sent to a place in earlier runs.
	Sent func(place, call string) []time.Time

	// Planned is called once, before the first request, with the places.
	Planned func([]Place)
	// Began is called as a credential's turn comes, Done as soon as it is
	// known what became of it, each from its goroutine. What Done has kept is
	// not lost; when it fails, so does the check, at its end. Revised is
	// called for results that the end of the run shows in another light.
	Began   func(*Credential)
	Done    func(*Credential) error
	Revised func(*Credential) error
	// Spent is called for each request that counts against a limit.
	Spent func(place, call string, at time.Time)
	// Waiting is called when a place has to wait, and why.
	Waiting func(place Place, until time.Time, why string)
}

// defaults fills in what was left out.
func (o *Options) defaults() {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&o.PerPlace, 2)
	set(&o.Overall, 16)
	set(&o.Breaker, 5)
	if o.Deadline == 0 {
		o.Deadline = time.Hour
	}
	if o.Share == 0 {
		o.Share = 0.5
	}
	if o.Timeout == 0 {
		o.Timeout = providers.DefaultTimeout
	}
	if o.Redactor == nil {
		o.Redactor = redact.New()
	}
}

// Check checks the credentials. When ctx ends, those that have not finished
// are left out of the run, which then says that it was interrupted. The error
// is for what the run could not keep; the run is whole all the same.
func Check(ctx context.Context, opts Options) (*Run, error) {
	opts.defaults()
	c := &checker{opts: opts, started: time.Now(), slots: make(chan struct{}, opts.Overall)}
	run := &Run{Version: opts.Version, Started: c.started, Seed: opts.Seed, Selected: len(opts.Credentials)}
	c.deadline = c.started.Add(opts.Deadline)

	places := c.prepare(ctx)
	if opts.Planned != nil && ctx.Err() == nil {
		var planned []Place
		for _, p := range places {
			planned = append(planned, p.summary())
		}
		opts.Planned(planned)
	}
	var wg sync.WaitGroup
	for _, p := range places {
		wg.Go(func() { p.run(ctx) })
	}
	wg.Wait()

	c.revise(places)
	run.Credentials = c.done
	for _, p := range places {
		run.Places = append(run.Places, p.summary())
	}
	run.Interrupted = ctx.Err() != nil && len(c.done) < run.Selected
	run.Duration = time.Since(run.Started)
	slices.SortFunc(run.Credentials, func(a, b Credential) int { return compareUrgency(&a, &b) })
	return run, errors.Join(c.errs...)
}

// A checker is one check under way.
type checker struct {
	opts     Options
	started  time.Time
	deadline time.Time
	slots    chan struct{} // one for each credential being checked

	mu     sync.Mutex
	done   []Credential
	errs   []error
	groups map[string]*group
}

// settle ends a credential.
func (c *checker) settle(j *job, f finding) *Credential {
	cred := j.result(f, c.opts.Before[j.credential.Name], time.Now())
	c.keep(&cred)
	return &cred
}

// keep keeps a result.
func (c *checker) keep(cred *Credential) {
	c.mu.Lock()
	c.done = append(c.done, *cred)
	c.mu.Unlock()
	c.tell(c.opts.Done, cred)
}

// tell hands a result over to whoever keeps it.
func (c *checker) tell(keep func(*Credential) error, cred *Credential) {
	if keep == nil {
		return
	}
	if err := keep(cred); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.errs) == 0 { // the others are the same
			c.errs = append(c.errs, fmt.Errorf("%s: %w", cred.Name, err))
		}
	}
}

// compareUrgency sorts by what needs doing: what a person can mend first.
func compareUrgency(a, b *Credential) int {
	rank := func(c *Credential) int {
		switch {
		case c.Verdict == check.Rejected && c.Confirmed:
			return 0
		case c.Verdict == check.Rejected:
			return 1
		case c.Verdict == check.Invalid:
			return 2
		case c.Verdict == check.Inconclusive:
			return 3
		case c.Verdict == check.Skipped:
			return 4
		case c.drifted():
			return 5
		case c.Expires.Level != 0 || len(c.Warnings) > 0:
			return 6
		}
		return 7
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if d := strings.Compare(a.Provider, b.Provider); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

// sleep waits until t. It reports false when ctx ends first.
func sleep(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
