package health

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/providers"
)

// A place is a provider at one address, and the queue of the credentials that
// want to go there. One goroutine lets them in, as the limits, the breaker,
// Retry-After and the concurrency allow.
type place struct {
	checker     *checker
	provider    *providers.Provider
	key         string
	address     string
	environment string
	baseURL     string
	random      *rand.Rand // of the one goroutine
	budget      *budget
	planned     Plan
	total       int    // credentials of the run
	announced   hurdle // of the one goroutine

	mu        sync.Mutex
	changed   *sync.Cond
	queue     []*job
	busy      int       // credentials being examined
	controls  int       // that have not ended
	notBefore time.Time // the provider asked to wait until then
	breaker   breaker
	good, bad *finding // what became of the control credentials
	tally     tally
}

// A tally counts what became of the credentials of a place.
type tally struct {
	passed, rejected, refused, unknown int
	answered                           bool // the provider did, at least once
	unclear                            int  // of the unknown: what came says nothing, for the cause of the last one
	cause                              check.Cause
	message                            string
	controlFailed                      string
}

func newPlace(c *checker, cred *credentials.Credential, p *providers.Provider, key, base string) *place {
	at := &place{checker: c, provider: p, key: key, address: cred.Environment + base, environment: cred.Environment, baseURL: base,
		random: rand.New(rand.NewPCG(c.opts.Seed, hashOf(key))), breaker: breaker{limit: c.opts.Breaker, cooldown: c.opts.Cooldown}}
	at.changed = sync.NewCond(&at.mu)
	return at
}

// hashOf gives each place pauses of its own (FNV-1a).
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// prepare puts the queue in order: controls first, then those that were not
// checked for longest, so that what is deferred today is first tomorrow.
func (p *place) prepare() {
	before := p.checker.opts.Before
	p.random.Shuffle(len(p.queue), func(i, j int) { p.queue[i], p.queue[j] = p.queue[j], p.queue[i] })
	day := func(j *job) time.Time { return before[j.credential.Name].Checked.Truncate(time.Hour) }
	slices.SortStableFunc(p.queue, func(a, b *job) int {
		if d := controlRank(a) - controlRank(b); d != 0 {
			return d
		}
		return day(a).Compare(day(b))
	})
	most, sent := map[string]int{}, map[string][]time.Time{}
	var needs []map[string]int
	for _, j := range p.queue {
		needs = append(needs, j.group.needs)
		for call, n := range j.group.needs {
			most[call] = max(most[call], n)
		}
		if j.credential.Control != "" {
			p.controls++
		}
	}
	if p.checker.opts.Sent != nil {
		for call := range p.provider.Limits {
			sent[call] = p.checker.opts.Sent(p.key, call)
		}
	}
	p.budget = newBudget(p.provider.Limits, p.checker.opts.Share, most, sent)
	p.planned = p.budget.foresee(needs, p.checker.deadline)
	p.planned.Share = p.checker.opts.Share
}

func controlRank(j *job) int {
	return slices.Index([]credentials.Control{credentials.KnownGood, credentials.KnownBad, ""}, j.credential.Control)
}

// run examines the queue. It returns when all have ended, or ctx has.
func (p *place) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		j := p.next(ctx)
		if j == nil {
			return
		}
		if !p.admit(ctx, j) {
			continue
		}
		select {
		case p.checker.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		p.busy++
		p.mu.Unlock()
		wg.Go(func() {
			p.examine(ctx, j)
			<-p.checker.slots
			p.mu.Lock()
			defer p.mu.Unlock()
			p.busy--
			p.changed.Broadcast()
		})
	}
}

// next takes a credential out of the queue as soon as there is room for it: as
// many at a time as allowed, but one by one while it is in doubt whether the
// provider answers, and until all controls have ended. It is nil when none is
// left, or ctx has ended.
func (p *place) next(ctx context.Context) *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil {
		switch {
		case len(p.queue) == 0 && p.busy == 0:
			return nil
		case len(p.queue) == 0:
		default:
			j := p.queue[0]
			// What is reserved may not be sent after all: when requests are
			// scarce, those under way are waited for.
			now := time.Now()
			alone := p.controls > 0 || p.breaker.doubtful() || p.budget.earliest(j.group.needs, now).After(now)
			if p.busy == 0 || !alone && p.busy < p.checker.opts.PerPlace {
				p.queue[0] = nil // it would be kept till the end
				p.queue = p.queue[1:]
				return j
			}
		}
		p.changed.Wait()
	}
	return nil
}

// admit waits until the credential may go in. It reports false when it does
// not: then it has ended, or ctx has.
func (p *place) admit(ctx context.Context, j *job) bool {
	for ctx.Err() == nil {
		h := p.hurdle(j, time.Now())
		switch {
		case h.end != nil:
			p.end(j, *h.end)
			return false
		case h.until.IsZero():
			j.reservation = p.budget.reserve(j.group.needs)
			return p.pause(ctx)
		}
		p.announce(h)
		if !sleep(ctx, h.until) {
			return false
		}
	}
	return false
}

// announce says that the place waits, unless it has just said so.
func (p *place) announce(h hurdle) {
	if p.checker.opts.Waiting == nil || h.why == p.announced.why && h.until.Sub(p.announced.until) < time.Minute {
		return
	}
	p.announced = h
	p.checker.opts.Waiting(p.summary(), h.until, h.why)
}

// A hurdle is what keeps a credential out: for good, or until a time. The zero
// value is none.
type hurdle struct {
	until time.Time
	why   string
	end   *finding
}

func (p *place) hurdle(j *job, now time.Time) hurdle {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.provider.Name
	h := hurdle{}
	later := func(until time.Time, why string) {
		if until.After(now) && until.After(h.until) {
			h.until, h.why = until, why
		}
	}
	if p.breaker.open {
		at, may := p.breaker.probe(j, now)
		if !may || at.After(p.checker.deadline) {
			return hurdle{end: &finding{verdict: check.Skipped, cause: check.BreakerOpen, rule: ByBreaker, who: TheProvider,
				message: fmt.Sprintf("%s failed %d times in a row, so the others were left alone: %s", name, p.breaker.faults, p.breaker.last),
				advice:  "Nothing is known against the credential. The next check tries again."}}
		}
		later(at, fmt.Sprintf("%s failed %d times in a row", name, p.breaker.faults))
	}
	later(p.notBefore, name+" asked to wait (Retry-After)")
	if !p.budget.fits(j.group.needs) {
		return hurdle{end: p.deferral(fmt.Sprintf("it takes %s, and the limits of %s allow fewer", requests(j.group.needs), name))}
	}
	later(p.budget.earliest(j.group.needs, now), "the limits of "+name+" leave no request before")
	switch {
	case h.until.After(p.checker.deadline):
		return hurdle{end: p.deferral(fmt.Sprintf("%s %s, which is after the deadline", h.why, h.until.UTC().Format("15:04 MST")))}
	case now.After(p.checker.deadline):
		return hurdle{end: p.deferral("the deadline passed before its turn came")}
	}
	return h
}

func (p *place) deferral(why string) *finding {
	return &finding{verdict: check.Skipped, cause: check.Deferred, rule: ByBudget, who: TheOperator, message: p.provider.ID + ": " + why,
		advice: "It is among the first of the next check. A longer --deadline leaves room for more."}
}

// pause waits a moment that nobody can foresee, so that a provider does not
// see all its credentials at the same instant.
func (p *place) pause(ctx context.Context) bool {
	jitter := p.checker.opts.Jitter
	if jitter <= 0 {
		return true
	}
	return sleep(ctx, time.Now().Add(time.Duration(p.random.Int64N(int64(jitter)))))
}

// examine examines a credential, and ends it unless the provider wants to see
// it again later.
func (p *place) examine(ctx context.Context, j *job) {
	c := p.checker
	defer j.reservation.release()
	defer func() {
		if v := recover(); v != nil {
			p.end(j, finding{verdict: check.Invalid, cause: check.InternalError, rule: BySpec, who: TheOperator,
				message: c.opts.Redactor.String(fmt.Sprintf("internal error: %v", v)), advice: "This is a defect of authspec: please report it with this output."})
		}
	}()
	if j.began.IsZero() {
		j.began = time.Now()
		if c.opts.Began != nil {
			cred := j.describe()
			c.opts.Began(&cred)
		}
	}
	if j.values == nil && !c.fetch(ctx, p, j) {
		return
	}
	if j.carrier == nil {
		j.carrier = newCarrier(c.opts.Transport, p.provider)
	}
	j.attempts++
	j.carrier.begin(func(call string) bool { return p.spend(j, call) })
	ex := examine(ctx, j, examineOptions{version: c.opts.Version, environment: p.environment, baseURL: p.baseURL, timeout: c.opts.Timeout, secret: func(name, value string) { c.opts.Redactor.Add(name, value) }})
	j.took = time.Since(j.began)
	if len(ex.results) < len(j.group.plan.Scenarios) {
		return // ctx has ended
	}
	j.ran, j.met = ex.ran(), ex.met()
	f := diagnose(j, ex, time.Now())
	if p.learn(j, &f) {
		return
	}
	p.end(j, f)
}

func (p *place) spend(j *job, call string) bool {
	if !j.reservation.spend(call) {
		return false
	}
	if _, limited := p.provider.Limits[call]; limited && p.checker.opts.Spent != nil {
		p.checker.opts.Spent(p.key, call, time.Now())
	}
	return true
}

// learn takes from a finding what it says of the provider. It reports true
// when the credential is back in the queue, for the provider asked it to come
// again.
func (p *place) learn(j *job, f *finding) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	overloaded := f.fault() || f.verdict == check.Inconclusive && (f.cause == check.RateLimited || f.cause == check.NotAnAPIAnswer || f.cause == check.Redirected)
	if overloaded && !f.comeAt.IsZero() {
		if soonest := time.Now().Add(time.Second); f.comeAt.Before(soonest) {
			f.comeAt = soonest
		}
		if f.comeAt.After(p.notBefore) {
			p.notBefore = f.comeAt
		}
		p.tally.answered = true
		if j.attempts < mostAttempts && !f.comeAt.After(p.checker.deadline) {
			p.queue = slices.Insert(p.queue, 0, j)
			return true
		}
	}
	switch {
	case overloaded:
		p.breaker.fault(f.cause, f.message)
	case j.carrier.count() > 0:
		p.breaker.success()
		p.tally.answered = true
	}
	p.tally.answered = p.tally.answered || f.rule == ByAnswer
	return false
}

// mostAttempts is how often a credential is begun because the provider asked
// it to come again.
const mostAttempts = 3

// end ends a credential.
func (p *place) end(j *job, f finding) {
	p.mu.Lock()
	if j.credential.Control != "" {
		p.control(j, &f)
	} else {
		p.compare(&f)
	}
	p.mu.Unlock()
	cred := p.checker.settle(j, f)
	p.ended(cred)
}

// ended counts a credential that has ended.
func (p *place) ended(cred *Credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.tally
	switch {
	case cred.Control != "":
		p.controls = max(p.controls-1, 0)
		if cred.Cause == check.ControlFailed {
			t.controlFailed = cred.Message
		}
	case cred.Verdict == check.Passed:
		t.passed++
	case cred.Verdict == check.Rejected:
		t.rejected++
		if cred.Cause != check.ScopeMissing {
			t.refused++
		}
	default:
		t.unknown++
		if saysNothing(cred.Cause) {
			t.unclear++
			t.cause, t.message = cred.Cause, cred.Message
		}
	}
}

// summary is the place as others see it.
func (p *place) summary() Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Place{Key: p.key, Provider: p.provider.ID, Name: p.provider.Name, Address: p.address, State: Untried, Planned: p.planned,
		Credentials: p.total, Passed: p.tally.passed, Rejected: p.tally.rejected, Unknown: p.tally.unknown}
	switch t := &p.tally; {
	case t.controlFailed != "":
		s.State, s.Cause, s.Message = Unreliable, check.ControlFailed, t.controlFailed
	case p.breaker.open, p.breaker.faults > 0 && t.passed+t.rejected == 0:
		s.State, s.Cause, s.Message = Unreachable, p.breaker.cause, p.breaker.last
	case t.passed == 0 && t.refused >= many && t.refused == t.rejected:
		s.State, s.Cause = RefusesAll, check.CredentialRejected
		s.Message = fmt.Sprintf("%s refuses all %d credentials that were tried", p.provider.Name, t.refused)
	case t.passed+t.rejected == 0 && t.unclear >= many:
		s.State, s.Cause, s.Message = Unclear, t.cause, t.message
	case t.answered:
		s.State = Working
	}
	return s
}

// many is how many credentials make "all of them" mean something.
const many = 3
