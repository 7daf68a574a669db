package check

import "time"

// A Mode says where requests went.
type Mode string

// The modes.
const (
	Simulated Mode = "simulated"
	Live      Mode = "live"
)

// A Run is everything one invocation found out.
type Run struct {
	Version     string // of authspec
	Mode        Mode
	Started     time.Time
	Duration    time.Duration
	Selected    int      // scenarios chosen; more than len(Results) when interrupted
	Results     []Result // by path and line
	Interrupted bool
	Shard       Shard
}

// A Shard says which of several equal parts of a run this is. The zero value is
// the whole.
type Shard struct{ Index, Of int } // Index from 1

// Count returns how many results have the verdict.
func (r *Run) Count(v Verdict) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Verdict == v {
			n++
		}
	}
	return n
}

// The exit codes of the command.
const (
	ExitOK           = 0
	ExitBroken       = 1  // rejected or drifted
	ExitInvalid      = 2  // usage, spec or setup
	ExitInconclusive = 3  // nothing worse than inconclusive
	ExitInterrupted  = 4  // partial results were written
	ExitNothingRan   = 5  // a run in which nothing ran is not green
	ExitInternal     = 70 // a defect of authspec, or a secret found in an output
)

// ExitCode says what the run amounts to. Where several codes apply the
// gravest for the reader wins: 70, 2, 4, 1, 5, 3, 0.
func (r *Run) ExitCode() int {
	ran, broken, invalid, inconclusive := 0, 0, 0, 0
	for i := range r.Results {
		switch res := &r.Results[i]; res.Verdict {
		case Invalid:
			if res.Cause == InternalError {
				return ExitInternal
			}
			invalid++
		case Rejected, Drifted:
			broken++
			ran++
		case Inconclusive:
			inconclusive++
			ran++
		case Passed:
			ran++
		}
	}
	switch {
	case invalid > 0:
		return ExitInvalid
	case r.Interrupted:
		return ExitInterrupted
	case broken > 0:
		return ExitBroken
	case ran == 0:
		return ExitNothingRan
	case inconclusive > 0:
		return ExitInconclusive
	}
	return ExitOK
}
