package health

import (
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
)

// A Run is everything that one check of credentials found out. Reports,
// alerts, metrics and pages read it and nothing else. Every text in it has
// passed the redactor.
type Run struct {
	Version     string // of authspec
	Started     time.Time
	Duration    time.Duration
	Seed        uint64 // of the order and of the pauses
	Selected    int    // credentials chosen; more than len(Credentials) when interrupted
	Interrupted bool
	Credentials []Credential // what needs doing first
	Places      []Place      // by provider and address
}

// A Credential is what became of one credential. It ends in exactly one
// verdict and cause; it never drifts: what its provider does to its contract
// stands in Drift.
type Credential struct {
	Name        string
	Provider    string // ID
	Owner       string
	Tags        []string
	Environment string
	BaseURL     string
	Place       string // Key of its place
	Control     credentials.Control
	Line        int // in the credentials file; 0: unknown

	Verdict   check.Verdict // passed, rejected, inconclusive, skipped or invalid
	Cause     check.Cause   // empty when passed
	Confirmed bool          // false: suspected; a second look may tell
	Rule      Rule          // which rule came to that verdict
	Message   string        // one sentence
	Advice    string        // what to do
	Who       Who           // who should do it; empty: nobody has to
	Since     time.Time     // since when it is as it is: the first check that said so

	Evidence *Evidence // what the verdict rests on; nil when nothing was sent, and when it passed
	Missing  []string  // required scopes that were not granted
	Drift    []Drift   // how its provider broke its contract on the way
	Ran      []Ran     // its scenarios, in the order they ran
	Met      []Met     // the errors that its provider gave, each once
	Warnings []string  // what a reader should know and can live with
	Expires  Expiry

	TokenLifetime time.Duration // of the token it got; 0: none, or not stated
	Latency       time.Duration // of the token request, or of the first call where there is none
	Requests      int           // sent for it, token requests included
	TokenRequests int
	Started       time.Time // zero: it was not tried
	Duration      time.Duration

	Before State // as it stood before this run; the zero value: never checked
	State  State // as it stands now
}

// A Rule is what a verdict was reached by. The words do not change.
type Rule string

// The rules, in the order in which they are asked.
const (
	ByValues     Rule = "values"           // what its references gave cannot be tried
	BySpec       Rule = "spec"             // its scenarios, or the provider file, are wrong
	ByBudget     Rule = "budget"           // no request was left within the deadline
	ByBreaker    Rule = "breaker"          // its provider failed for others too often in a row
	ByControl    Rule = "control"          // a control credential fared otherwise than it has to
	ByDocument   Rule = "documented_error" // the provider's own error: documented, recorded or declared
	ByKnownBad   Rule = "as_known_bad"     // the answer that the known-bad control got
	BySecondLook Rule = "second_look"      // refused as often in a row as the provider file asks
	ByFirstLook  Rule = "first_look"       // refused, and not yet often enough
	ByScopes     Rule = "scopes"           // fewer scopes granted than required
	ByNoAnswer   Rule = "no_answer"        // no response arrived
	ByAnswer     Rule = "says_nothing"     // a response that says nothing about the credential
	ByProof      Rule = "proof"            // an error that only an accepted client gets
	ByAcceptance Rule = "accepted"         // the provider accepted it
	ByNothing    Rule = "nothing_proven"   // nothing that was sent could have told
)

// Who should act on a credential.
type Who string

// Who.
const (
	TheOwner    Who = "owner"    // of the credential
	TheOperator Who = "operator" // whoever runs authspec
	TheProvider Who = "provider"
)

// Evidence is what a verdict rests on.
type Evidence struct {
	Scenario string // "FEATURE › SCENARIO"; empty: the request for the required scopes
	URI      string
	Line     int
	Exchange check.Exchange
}

// A Drift is a scenario whose answer broke the provider's contract, or was not
// what had been assumed of it.
type Drift struct {
	Verdict  check.Verdict // drifted, or inconclusive with the cause assumption_wrong
	Cause    check.Cause
	Scenario string
	URI      string
	Line     int
	Message  string
	Advice   string
}

// A Ran is what became of one scenario. A refused credential ends the others as
// skipped.
type Ran struct {
	Scenario string // "FEATURE › SCENARIO"
	URI      string
	Line     int
	Verdict  check.Verdict
	Cause    check.Cause
	Duration time.Duration
}

// A Met is an error that a provider gave.
type Met struct {
	Call   string
	Status int
	Code   string // empty: it has none
}

// An Expiry is the end of a secret, as far as somebody wrote it down. The zero
// value is none.
type Expiry struct {
	Date  string    // as in the credentials file; empty: unknown
	At    time.Time // when it is over
	Days  int       // whole days left; negative when it is over
	Level int       // 30, 14, 7 or 1: the smallest of these that is not below Days; 0: far off; -1: over
}

// A Place is a provider at one address, and how it did in the run: what fails
// for a whole place is one matter, not one for each credential.
type Place struct {
	Key      string // unique in a run, and the same in each
	Provider string // ID
	Name     string // as people call it
	Address  string // environment or base URL; empty: the provider's own
	State    PlaceState
	Cause    check.Cause // why it is not as it should be
	Message  string

	Credentials int // of the run
	Passed      int
	Rejected    int
	Unknown     int // inconclusive or skipped
	Planned     Plan
}

// A PlaceState says whether a place did its part.
type PlaceState string

// The states of a place.
const (
	Working     PlaceState = "working"
	Unreachable PlaceState = "unreachable" // no answer, or none but faults of its own
	Unclear     PlaceState = "unclear"     // it answers three or more credentials, and nothing that says anything of one
	RefusesAll  PlaceState = "refuses_all" // three or more credentials, and not one accepted
	Unreliable  PlaceState = "unreliable"  // a control credential fared otherwise than it has to
	Untried     PlaceState = "untried"     // nothing was sent
)

// A Plan is what a place's limits allow.
type Plan struct {
	Share     float64        // of the limits that a check may use
	Requests  map[string]int // wanted, by call
	Now       int            // credentials that can be checked at once
	Later     int            // that have to wait, and for how long at most
	LaterTill time.Time
	Deferred  int // that the deadline leaves no time for
}

// Count returns how many credentials ended in the verdict.
func (r *Run) Count(v check.Verdict) int {
	n := 0
	for i := range r.Credentials {
		if r.Credentials[i].Verdict == v {
			n++
		}
	}
	return n
}

// Drifted returns how many credentials met a broken contract.
func (r *Run) Drifted() int {
	n := 0
	for i := range r.Credentials {
		if r.Credentials[i].drifted() {
			n++
		}
	}
	return n
}

func (c *Credential) drifted() bool {
	for _, d := range c.Drift {
		if d.Verdict == check.Drifted {
			return true
		}
	}
	return false
}

// ExitCode says what the run amounts to, as check.Run.ExitCode does: the
// gravest of 70, 2, 4, 1, 5, 3, 0. A broken contract counts as a rejected
// credential does.
func (r *Run) ExitCode() int {
	ran, broken, invalid, inconclusive := 0, 0, 0, 0
	for i := range r.Credentials {
		c := &r.Credentials[i]
		switch c.Verdict {
		case check.Invalid:
			if c.Cause == check.InternalError {
				return check.ExitInternal
			}
			invalid++
		case check.Rejected:
			broken++
			ran++
		case check.Inconclusive:
			inconclusive++
			ran++
		case check.Passed:
			ran++
		}
		if c.drifted() {
			broken++
		}
	}
	switch {
	case invalid > 0:
		return check.ExitInvalid
	case r.Interrupted:
		return check.ExitInterrupted
	case broken > 0:
		return check.ExitBroken
	case ran == 0:
		return check.ExitNothingRan
	case inconclusive > 0:
		return check.ExitInconclusive
	}
	return check.ExitOK
}
