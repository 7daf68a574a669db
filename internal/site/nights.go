package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/history"
	"github.com/authspec/authspec/internal/runner"
)

// A Night is what one check of credentials (authspec check) says about a
// provider, made of all its credentials. It names none of them, and keeps
// nothing of what was sent or answered but which errors were met.
type Night struct {
	Provider string // ID
	At       time.Time
	// Verdict is drifted when an answer broke the contract, passed when a
	// credential was accepted, rejected when none was and a refusal is certain,
	// skipped when nothing was tried, and inconclusive otherwise. A refused
	// credential beside one that works says nothing about the provider.
	Verdict check.Verdict

	ran []health.RecordRan // scenarios that say something about the provider
	met []health.RecordMet
}

// How much of a history is read: a strip has room for 30 runs, and checks by
// hand may lie between the nights.
const (
	mostNights  = 200
	mostResults = 500_000
)

var sqliteMagic = []byte("SQLite format 3\x00")

// isHistory tells the history of authspec check by how it begins.
func isHistory(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(sqliteMagic))
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return bytes.Equal(head, sqliteMagic), nil
}

// readNights reads a history.
func readNights(file string) (nights []*Night, err error) {
	store, err := history.Read(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	runs, err := store.Runs(mostNights)
	if err != nil {
		return nil, fmt.Errorf("not a history of authspec check: %w", err)
	}
	var since time.Time
	results := 0
	for i, r := range runs {
		if results += r.Results; i > 0 && results > mostResults {
			break
		}
		since = r.Started
	}
	type key struct {
		run      int64
		provider string
	}
	byKey := map[key]*Night{}
	err = store.Entries("", since, func(e *history.Entry) error {
		k := key{e.Run, e.Provider}
		n := byKey[k]
		if n == nil {
			n = &Night{Provider: e.Provider, At: e.Started, Verdict: check.Skipped}
			byKey[k] = n
			nights = append(nights, n)
		}
		n.add(&e.Record)
		return nil
	})
	return nights, err
}

// add takes from the result of a credential what it says about the provider.
func (n *Night) add(r *health.Record) {
	verdict := r.Verdict
	switch {
	case slices.ContainsFunc(r.Drift, func(d health.RecordDrift) bool { return d.Verdict == check.Drifted }):
		verdict = check.Drifted
	case verdict == check.Passed && r.Control == credentials.KnownBad, // that it was refused says that the provider answers
		verdict == check.Rejected && !r.Confirmed:
		verdict = check.Inconclusive
	case verdict == check.Invalid: // it is set up wrongly
		verdict = check.Skipped
	}
	order := []check.Verdict{check.Drifted, check.Passed, check.Rejected, check.Inconclusive, check.Skipped}
	if slices.Index(order, verdict) < slices.Index(order, n.Verdict) {
		n.Verdict = verdict
	}
	for _, m := range r.Met {
		if !slices.Contains(n.met, m) {
			n.met = append(n.met, m)
		}
	}
	for _, ran := range r.Ran {
		if r.Control == credentials.KnownBad || scenarioRank(&ran) < 0 {
			continue
		}
		same := func(known health.RecordRan) bool { return known.ID == ran.ID && known.Scenario == ran.Scenario }
		switch i := slices.IndexFunc(n.ran, same); {
		case i < 0:
			n.ran = append(n.ran, ran)
		case scenarioRank(&ran) < scenarioRank(&n.ran[i]):
			n.ran[i] = ran
		}
	}
}

// scenarioRank sorts what a scenario of one credential says about the
// provider, what weighs most first; below 0: nothing.
func scenarioRank(r *health.RecordRan) int {
	switch {
	case r.Verdict == check.Drifted:
		return 0
	case r.Verdict == check.Inconclusive && r.Cause == check.AssumptionWrong:
		return 1
	case r.Verdict == check.Passed:
		return 2
	}
	return -1
}

// told reports whether the night says anything about the provider.
func told(v check.Verdict) bool {
	return v == check.Passed || v == check.Rejected || v == check.Drifted
}

// tonight is what became of the scenario on the last night in which it said
// something about its provider, or nil.
func (ev *evidence) tonight(provider string, s *runner.Scenario) *outcome {
	for _, n := range slices.Backward(ev.nights[provider]) {
		var found *health.RecordRan
		for i := range n.ran {
			r := &n.ran[i]
			uri, line, _ := strings.Cut(r.ID, ":")
			if uri != s.URI || !strings.HasSuffix(r.Scenario, " › "+s.Name) {
				continue
			}
			if exact := line == fmt.Sprint(s.Line); found == nil || exact {
				found = r
			}
		}
		if found == nil {
			continue
		}
		// What the check said of it may quote values.
		message := ""
		switch found.Verdict {
		case check.Drifted:
			message = "An answer of the real provider broke this contract."
		case check.Inconclusive:
			message = "An answer of the real provider was not what is assumed here."
		}
		return &outcome{Result: &check.Result{Verdict: found.Verdict, Cause: found.Cause, Message: message, Duration: time.Duration(found.Duration)}, Mode: check.Live, At: n.At, Night: true}
	}
	return nil
}

// nightWords say what a night found out.
var nightWords = map[check.Verdict]string{
	check.Passed:       "the real provider accepts its credentials",
	check.Drifted:      "the real provider breaks its contract",
	check.Rejected:     "the real provider refused what it was tried with",
	check.Inconclusive: "the real provider could not be told",
	check.Skipped:      "the real provider was not tried",
}
