package health

import (
	"slices"
	"sync"
	"time"

	"github.com/authspec/authspec/providers"
)

// A budget keeps the requests to one place within the provider's limits: in
// any span of a limit's length, no more requests than our share of it. It
// remembers when requests were sent, in this run and before.
type budget struct {
	limits map[string]providers.Limit // by call, our share

	mu       sync.Mutex
	sent     map[string][]time.Time // in order
	reserved map[string]int         // promised and not sent yet
}

// newBudget takes a share of each limit, but never so little that the
// requests of one credential would not fit.
func newBudget(limits map[string]providers.Limit, share float64, atLeast map[string]int, sent map[string][]time.Time) *budget {
	b := &budget{limits: map[string]providers.Limit{}, sent: map[string][]time.Time{}, reserved: map[string]int{}}
	for call, limit := range limits {
		own := max(1, int(float64(limit.Requests)*share), min(atLeast[call], limit.Requests))
		b.limits[call] = providers.Limit{Requests: own, Per: limit.Per}
		b.sent[call] = slices.Clone(sent[call])
		slices.SortFunc(b.sent[call], time.Time.Compare)
	}
	return b
}

// fits reports whether the requests could ever be sent within the limits.
func (b *budget) fits(needs map[string]int) bool {
	for call, limit := range b.limits {
		if needs[call] > limit.Requests {
			return false
		}
	}
	return true
}

// earliest is when all these requests may be sent: now, or later.
func (b *budget) earliest(needs map[string]int, now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free(needs, now)
}

func (b *budget) free(needs map[string]int, now time.Time) time.Time {
	at := now
	for call, limit := range b.limits {
		n := needs[call]
		if n == 0 {
			continue
		}
		per := time.Duration(limit.Per)
		sent := b.sent[call]
		// What is reserved will be sent at any moment.
		over := len(sent) + b.reserved[call] + n - limit.Requests
		switch {
		case over <= 0:
		case over <= len(sent):
			if free := sent[over-1].Add(per); free.After(at) {
				at = free
			}
		default:
			at = maxTime(at, now.Add(per))
		}
	}
	return at
}

// reserve promises the requests to one credential.
func (b *budget) reserve(needs map[string]int) *reservation {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &reservation{budget: b, left: map[string]int{}}
	for call := range b.limits {
		b.reserved[call] += needs[call]
		r.left[call] = needs[call]
	}
	return r
}

// forget drops what no limit looks at any more.
func (b *budget) forget(call string) {
	limit := b.limits[call]
	start := time.Now().Add(-time.Duration(limit.Per))
	sent := b.sent[call]
	i := 0
	for i < len(sent) && !sent[i].After(start) {
		i++
	}
	b.sent[call] = append(sent[:0], sent[i:]...)
}

// A reservation is the requests that one credential may send.
type reservation struct {
	budget *budget
	left   map[string]int
}

// spend takes one request. It reports false when there is none left to take:
// then nothing must be sent.
func (r *reservation) spend(call string) bool {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	limit, limited := b.limits[call]
	if !limited {
		return true
	}
	b.forget(call)
	if r.left[call] > 0 {
		r.left[call]--
		b.reserved[call]--
	} else if len(b.sent[call])+b.reserved[call] >= limit.Requests {
		return false
	}
	b.sent[call] = append(b.sent[call], time.Now())
	return true
}

// release gives back what was not sent.
func (r *reservation) release() {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	for call, n := range r.left {
		r.budget.reserved[call] -= n
		r.left[call] = 0
	}
}

// foresee works out for credentials that want these requests, one after the
// other, which can start now, which later, and which not before the deadline.
func (b *budget) foresee(needs []map[string]int, deadline time.Time) Plan {
	b.mu.Lock()
	defer b.mu.Unlock()
	trial := &budget{limits: b.limits, sent: map[string][]time.Time{}, reserved: map[string]int{}}
	for call, sent := range b.sent {
		trial.sent[call] = slices.Clone(sent)
	}
	p := Plan{Requests: map[string]int{}}
	now := time.Now()
	for _, n := range needs {
		for call, count := range n {
			p.Requests[call] += count
		}
		if !trial.fits(n) {
			p.Deferred++
			continue
		}
		at := trial.free(n, now)
		if at.After(deadline) {
			p.Deferred++
			continue
		}
		if at.After(now) {
			p.Later++
			p.LaterTill = maxTime(p.LaterTill, at)
		} else {
			p.Now++
		}
		for call := range trial.limits {
			for range n[call] {
				trial.sent[call] = append(trial.sent[call], at)
			}
		}
	}
	return p
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
