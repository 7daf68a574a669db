package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
)

func TestStatesFollowWhatChecksSay(t *testing.T) {
	passed := Credential{Verdict: check.Passed, Requests: 1}
	refused := Credential{Verdict: check.Rejected, Cause: check.CredentialRejected, Requests: 1}
	locked := Credential{Verdict: check.Rejected, Cause: check.LockedOut, Requests: 1}
	silent := Credential{Verdict: check.Inconclusive, Cause: check.Timeout, Requests: 1}
	deferred := Credential{Verdict: check.Skipped, Cause: check.Deferred}
	type night struct {
		found   Credential
		certain bool
	}
	for name, c := range map[string]struct {
		nights  []night
		want    check.Verdict // of the state
		sure    bool
		since   int // night, from 1
		change  Change
		checked int
		recent  string
		flaps   bool
	}{
		"never told":                      {[]night{{silent, false}}, "", false, 0, Unchanged, 1, "", false},
		"passes":                          {[]night{{passed, false}}, check.Passed, true, 1, Unchanged, 1, "p", false},
		"keeps passing":                   {[]night{{passed, false}, {passed, false}}, check.Passed, true, 1, Unchanged, 2, "pp", false},
		"silence interrupts nothing":      {[]night{{passed, false}, {silent, false}, {passed, false}}, check.Passed, true, 1, Unchanged, 3, "pp", false},
		"silence changes nothing":         {[]night{{passed, false}, {silent, false}}, check.Passed, true, 1, Unchanged, 2, "p", false},
		"deferred is not checked":         {[]night{{passed, false}, {deferred, false}}, check.Passed, true, 1, Unchanged, 1, "p", false},
		"one refusal is suspected":        {[]night{{passed, false}, {refused, false}}, check.Rejected, false, 2, Unchanged, 2, "pr", false},
		"a second confirms":               {[]night{{passed, false}, {refused, false}, {refused, false}}, check.Rejected, true, 2, Broke, 3, "prr", false},
		"also after a silence":            {[]night{{refused, false}, {silent, false}, {refused, false}}, check.Rejected, true, 1, Broke, 3, "rr", false},
		"a certain refusal needs no more": {[]night{{passed, false}, {refused, true}}, check.Rejected, true, 2, Broke, 2, "pr", false},
		"stays broken":                    {[]night{{refused, true}, {refused, false}}, check.Rejected, true, 1, Unchanged, 2, "rr", false},
		"a suspicion is no change":        {[]night{{passed, false}, {refused, false}, {passed, false}}, check.Passed, true, 3, Unchanged, 3, "prp", false},
		"recovers":                        {[]night{{refused, true}, {passed, false}}, check.Passed, true, 2, Recovered, 2, "rp", false},
		"recovers once":                   {[]night{{refused, true}, {passed, false}, {passed, false}}, check.Passed, true, 2, Unchanged, 3, "rpp", false},
		"another cause":                   {[]night{{refused, true}, {locked, true}}, check.Rejected, true, 2, Turned, 2, "rr", false},
		"flaps":                           {[]night{{passed, false}, {refused, true}, {passed, false}, {refused, true}}, check.Rejected, true, 4, Broke, 4, "prpr", true},
		"calms down": {[]night{{passed, false}, {refused, true}, {passed, false}, {refused, true}, {passed, false}, {passed, false}, {passed, false}, {passed, false}, {passed, false}, {passed, false}},
			check.Passed, true, 5, Unchanged, 10, "prpppppp"[2:] + "pp", false},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Date(2026, 11, 1, 2, 30, 0, 0, time.UTC)
			at := func(night int) time.Time {
				if night == 0 {
					return time.Time{}
				}
				return start.AddDate(0, 0, night)
			}
			var state State
			var last Credential
			for i, n := range c.nights {
				last = n.found
				last.Before = state
				state = state.next(&last, at(i+1), n.certain, 2)
				last.State = state
			}
			if state.Verdict != c.want || state.Confirmed != c.sure || !state.Since.Equal(at(c.since)) || !state.Checked.Equal(at(c.checked)) || state.Flapping != c.flaps {
				t.Errorf("got %+v", state)
			}
			if last.Changed() != c.change {
				t.Errorf("change %q, want %q", last.Changed(), c.change)
			}
			if name != "calms down" && state.Recent != c.recent {
				t.Errorf("recent %q, want %q", state.Recent, c.recent)
			}
			if len(state.Recent) > remembered {
				t.Errorf("recent %q is too long", state.Recent)
			}
		})
	}
}

func TestResultsGoStale(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		state State
		want  bool
	}{
		"never checked": {State{}, true},
		"last night":    {State{Checked: now.Add(-24 * time.Hour)}, false},
		"two nights":    {State{Checked: now.Add(-48 * time.Hour)}, true},
	} {
		if got := c.state.Stale(now, DefaultStale); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestExpiriesWarnInTime(t *testing.T) {
	d, err := credentials.ParseDate("2027-03-31")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]Expiry{
		"2027-01-01T00:00:00Z": {Days: 90, Level: 0},
		"2027-02-28T12:00:00Z": {Days: 31, Level: 0},
		"2027-03-01T12:00:00Z": {Days: 30, Level: 30},
		"2027-03-16T12:00:00Z": {Days: 15, Level: 30},
		"2027-03-17T12:00:00Z": {Days: 14, Level: 14},
		"2027-03-24T12:00:00Z": {Days: 7, Level: 7},
		"2027-03-30T12:00:00Z": {Days: 1, Level: 1},
		"2027-03-31T12:00:00Z": {Days: 0, Level: 1},
		"2027-03-31T23:59:59Z": {Days: 0, Level: 1},
		"2027-04-01T00:00:00Z": {Days: 0, Level: -1},
		"2027-04-03T00:00:00Z": {Days: -2, Level: -1},
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		want.Date, want.At = "2027-03-31", d.Time
		if diff := cmp.Diff(want, expiryOf(d, at)); diff != "" {
			t.Errorf("%s: %s", now, diff)
		}
	}
}
