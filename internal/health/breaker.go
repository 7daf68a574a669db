package health

import (
	"time"

	"github.com/authspec/authspec/internal/check"
)

// A breaker keeps credentials from a provider that fails: after so many faults
// in a row nobody is let in, but for one that tries again after a while.
// Refusals are no faults: a provider that refuses works.
type breaker struct {
	limit    int
	cooldown time.Duration

	faults  int // in a row
	open    bool
	cause   check.Cause // of the last fault
	last    string      // and what it said
	probeAt time.Time   // when one may try
	prober  *job        // the one that does
}

func (b *breaker) fault(cause check.Cause, message string) {
	b.faults++
	b.cause, b.last = cause, message
	b.open = b.open || b.faults >= b.limit
}

func (b *breaker) success() {
	b.faults, b.open, b.prober, b.probeAt = 0, false, nil, time.Time{}
}

// doubtful reports whether it is not known if the provider answers.
func (b *breaker) doubtful() bool { return b.faults > 0 }

// probe asks for an open breaker whether this credential may try all the same,
// and when.
func (b *breaker) probe(j *job, now time.Time) (at time.Time, may bool) {
	switch {
	case b.cooldown == 0, b.prober != nil && b.prober != j:
		return time.Time{}, false
	case b.prober == nil:
		b.prober, b.probeAt = j, now.Add(b.cooldown)
	}
	return b.probeAt, true
}
