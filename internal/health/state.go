package health

import (
	"time"

	"github.com/authspec/authspec/internal/check"
)

// A State is how a credential stands: what all checks so far say together. It
// is what a history keeps from run to run.
type State struct {
	// What was last found out for certain. A check that could not tell
	// changes nothing of this.
	Verdict   check.Verdict `json:"verdict,omitempty"` // passed or rejected; empty: never told
	Cause     check.Cause   `json:"cause,omitempty"`
	Confirmed bool          `json:"confirmed,omitempty"`
	Since     time.Time     `json:"since,omitzero"`  // the first check that said so
	Looks     int           `json:"looks,omitempty"` // checks in a row that said so

	// The last check of any kind.
	Last      check.Verdict `json:"last,omitempty"`
	LastCause check.Cause   `json:"last_cause,omitempty"`
	LastSince time.Time     `json:"last_since,omitzero"` // the first of those in a row that ended so
	LastRun   time.Time     `json:"last_run,omitzero"`

	Checked time.Time `json:"checked,omitzero"` // last time a request was sent for it
	Passed  time.Time `json:"passed,omitzero"`  // last time it was accepted
	Broken  time.Time `json:"broken,omitzero"`  // last time it was refused

	// Unsure counts the checks since that could not tell; Unknown says that they
	// were as many as a refusal takes to be confirmed.
	Unsure  int  `json:"unsure,omitempty"`
	Unknown bool `json:"unknown,omitempty"`

	// Recent is how the last checks that could tell ended, the oldest first:
	// p passed, r rejected.
	Recent string `json:"recent,omitempty"`
	// Flapping: it changed too often of late to be called either.
	Flapping bool `json:"flapping,omitempty"`
	// ExpiryLevel is the warning that was last due: see Expiry.Level.
	ExpiryLevel int `json:"expiry_level,omitempty"`
}

// Known reports whether the credential was ever part of a run.
func (s *State) Known() bool { return !s.LastRun.IsZero() }

// DefaultStale is how long a result is good for: a night and a half.
const DefaultStale = 36 * time.Hour

// Stale reports whether the credential was last checked too long ago for
// anyone to rely on.
func (s *State) Stale(now time.Time, after time.Duration) bool {
	return s.Checked.IsZero() || now.Sub(s.Checked) > after
}

// Flapping is changes among the last checks that could tell.
const (
	remembered = 8
	restless   = 3
)

func flapping(recent string) bool {
	changes := 0
	for i := 1; i < len(recent); i++ {
		if recent[i] != recent[i-1] {
			changes++
		}
	}
	return changes >= restless
}

// determinate reports whether a verdict says something about the credential.
func determinate(v check.Verdict) bool { return v == check.Passed || v == check.Rejected }

// next returns how a credential stands after a check that ended in c, at now.
// certain says whether a refusal needs no second look; confirm is how many
// looks it takes otherwise.
func (s State) next(c *Credential, now time.Time, certain bool, confirm int) State {
	s.LastRun = now
	if c.Verdict != s.Last || c.Cause != s.LastCause || s.LastSince.IsZero() {
		s.Last, s.LastCause, s.LastSince = c.Verdict, c.Cause, now
	}
	if c.Requests > 0 {
		s.Checked = now
	}
	s.ExpiryLevel = c.Expires.Level
	if !determinate(c.Verdict) {
		s.Unsure++
		s.Unknown = s.Unsure >= confirm
		return s
	}
	s.Unsure, s.Unknown = 0, false
	if c.Verdict != s.Verdict {
		s.Looks = 0
		s.Confirmed = false
	}
	if c.Verdict != s.Verdict || c.Cause != s.Cause {
		s.Since = now
	}
	s.Looks++
	s.Verdict, s.Cause = c.Verdict, c.Cause
	letter := "p"
	if c.Verdict == check.Passed {
		s.Passed, s.Confirmed = now, true
	} else {
		letter = "r"
		s.Broken = now
		s.Confirmed = s.Confirmed || certain || s.Looks >= confirm
	}
	s.Recent += letter
	s.Recent = s.Recent[max(0, len(s.Recent)-remembered):]
	s.Flapping = flapping(s.Recent)
	return s
}

// since is since when the credential is as this check found it.
func (s *State) since(v check.Verdict) time.Time {
	if determinate(v) {
		return s.Since
	}
	return s.LastSince
}

// A Change is how a check moved a credential.
type Change string

// The changes.
const (
	Unchanged Change = ""
	Broke     Change = "broke"     // accepted before, or never seen, and now refused for certain
	Recovered Change = "recovered" // refused for certain before, and now accepted
	Turned    Change = "turned"    // refused for certain before and now, for another cause
)

// Changed says what this check changed for certain. What is only suspected is
// no change yet, and what could not be told is none.
func (c *Credential) Changed() Change {
	was := c.Before.Verdict == check.Rejected && c.Before.Confirmed
	is := c.State.Verdict == check.Rejected && c.State.Confirmed
	switch {
	case !determinate(c.Verdict):
		return Unchanged
	case !was && is:
		return Broke
	case was && c.Verdict == check.Passed:
		return Recovered
	case was && is && c.Before.Cause != c.State.Cause:
		return Turned
	}
	return Unchanged
}
