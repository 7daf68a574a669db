package metrics

import (
	"slices"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

// A status is how a credential stands, in one word.
type status string

const (
	passed       status = "passed"
	suspected    status = "suspected" // refused, and not yet confirmed
	rejected     status = "rejected"
	inconclusive status = "inconclusive"
	skipped      status = "skipped"
	invalid      status = "invalid"
	stale        status = "stale" // last checked too long ago
)

var statuses = []status{passed, suspected, rejected, inconclusive, skipped, invalid, stale}

// statusOf returns the one status of a credential. Stale beats what the last
// check found out, since it may no longer be so; but not invalid: while a
// credential cannot be tried as it is set up, that is why nobody checks it, and
// says what to do.
func statusOf(s *health.Standing, now time.Time, after time.Duration) status {
	switch r := &s.Record; {
	case r.Verdict == check.Invalid:
		return invalid
	case s.State.Stale(now, after):
		return stale
	case r.Verdict == check.Rejected && !r.Confirmed:
		return suspected
	case r.Verdict == check.Rejected:
		return rejected
	case r.Verdict == check.Passed:
		return passed
	case r.Verdict == check.Skipped:
		return skipped
	}
	return inconclusive
}

var placeStates = []health.PlaceState{health.Working, health.Unreachable, health.Unclear, health.RefusesAll, health.Unreliable, health.Untried}

// causes are all that a label may say.
var causes = []check.Cause{
	check.CredentialRejected, check.ScopeMissing, check.Expired, check.LockedOut,
	check.Status, check.Shape, check.Header, check.ErrorCode, check.ContentType, check.Scope, check.Lifetime, check.TokenIssued,
	check.NetworkDNS, check.NetworkTCP, check.NetworkTLS, check.Timeout, check.RateLimited, check.ProviderDown, check.NotAnAPIAnswer,
	check.Redirected, check.ResponseTooLarge, check.AssumptionWrong, check.NotProven, check.ControlFailed,
	check.NoCredential, check.Undocumented, check.NeedsClock, check.Intrusive, check.BreakerOpen, check.FailFast, check.Deferred,
	check.UndefinedStep, check.AmbiguousStep, check.NoSteps, check.UnknownProvider, check.UnknownCall, check.UnknownCredential,
	check.BadExpectation, check.BadStep, check.MissingFixture, check.Request, check.BadSecret, check.NoScenario, check.InternalError,
}

// listed is the cause, or other: a history may have been written by a later
// version.
func listed(c check.Cause) check.Cause {
	if slices.Contains(causes, c) {
		return c
	}
	return "other"
}
