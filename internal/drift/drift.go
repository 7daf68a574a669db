// Package drift compares what a real provider answers with its fixtures: by
// shape, not by value.
package drift

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/record"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A Grade says what a change means to the clients that are out there.
type Grade string

// The grades.
const (
	Breaking Grade = "breaking" // a client that relied on the fixture may fail
	Additive Grade = "additive" // there is more than there was
	Cosmetic Grade = "cosmetic" // no client should notice
)

// A Finding is one change of a provider: what became of one path in the
// answers to one call.
type Finding struct {
	Situations []string // "call/situation", of one call: where it shows
	Path       string   // gjson path of the body, "HTTP status" or "header NAME"
	Change     string   // in words that follow the path: "is gone"
	Grade      Grade
	// Assumed says that the fixture only assumed this: nobody had seen the
	// answer, so nothing drifted. The cause is check.AssumptionWrong.
	Assumed bool
	// Accepted is the deviation of the provider file that allows the change.
	Accepted *providers.Deviation
	// Lapsed is one that did, until its date.
	Lapsed *providers.Deviation
}

// Paths that are not of the body.
const (
	StatusPath = "HTTP status"
	headerPath = "header "
)

// A Silence is a situation that was tried, and no answer to it could be
// compared.
type Silence struct {
	Situation string // empty: no request got an answer
	Cause     check.Cause
	Text      string
}

// A Provider is what was found out about one provider.
type Provider struct {
	ID, Name string
	Compared []string // situations, sorted
	Findings []Finding
	Silences []Silence
	Unmet    []string // fixtures that no request met
	Unknown  []string // situations that were met and have no fixture
	Notes    []string
	Skipped  string   // why nothing was tried
	Rejected string   // why the credential is of no use
	Invalid  []string // mistakes of the spec
	tried    bool
}

// A Report is what was found out about all of them.
type Report struct {
	Version     string // of authspec
	Started     time.Time
	Strict      bool // every change counts
	Interrupted bool
	Providers   []*Provider
}

// Compare compares what was observed with the provider's fixtures. erase
// removes secrets from what is quoted.
func Compare(o *record.Observation, now time.Time, erase func(string) string) (*Provider, error) {
	p := &Provider{ID: o.Provider.ID, Name: o.Provider.Name}
	fixtures, err := simulator.LoadFixtures(o.Provider, o.Plan.Workspace.Fixtures)
	if err != nil {
		return nil, err
	}
	p.readRun(o.Run)
	answers := map[string][]*record.Exchange{}
	silent := map[string]*record.Silence{}
	met := map[string]bool{} // by fixture
	for _, x := range o.Exchanges {
		known := fixtures[x.Fixture(o.Provider)]
		met[x.Fixture(o.Provider)] = true
		switch silence := x.Silence(o.Provider, known); {
		case known == nil:
			if silence == nil && !slices.Contains(p.Unknown, x.Situation) {
				p.Unknown = append(p.Unknown, x.Situation)
			}
		case silence != nil:
			if silent[x.Situation] == nil {
				silent[x.Situation] = silence
			}
		default:
			answers[x.Situation] = append(answers[x.Situation], x)
		}
	}
	c := comparer{provider: o.Provider, pins: pinsOf(o), erase: erase}
	for _, situation := range slices.Sorted(maps.Keys(answers)) {
		p.Compared = append(p.Compared, situation)
		known := fixtures[answers[situation][0].Fixture(o.Provider)]
		findings, other := c.compare(situation, known, answers[situation])
		if other != "" {
			p.Notes = append(p.Notes, erase(other))
		}
		for _, f := range findings {
			f.Path, f.Change = erase(f.Path), erase(f.Change)
			accept(&f, o.Provider.Deviations, now)
			p.add(f)
		}
	}
	for _, situation := range slices.Sorted(maps.Keys(silent)) {
		if s := silent[situation]; answers[situation] == nil {
			p.Silences = append(p.Silences, Silence{situation, s.Cause, s.Text})
		}
	}
	for _, situation := range slices.Sorted(maps.Keys(fixtures)) {
		if !met[situation] {
			p.Unmet = append(p.Unmet, situation)
		}
	}
	sort.Strings(p.Unknown)
	p.noteDeviations(o.Provider.Deviations)
	slices.SortStableFunc(p.Findings, func(a, b Finding) int { return cmp.Compare(a.rank(), b.rank()) })
	return p, nil
}

// readRun takes over what the scenarios said that is no shape: that the
// credential was refused, that the spec is wrong, that nobody answered.
func (p *Provider) readRun(run *check.Run) {
	for i := range run.Results {
		res := &run.Results[i]
		at := fmt.Sprintf("%s:%d: %s", res.URI, res.Line, res.Message)
		switch {
		case res.Verdict == check.Invalid:
			p.Invalid = append(p.Invalid, at)
		case res.Verdict != check.Skipped:
			p.tried = true
		}
		switch res.Cause {
		case check.CredentialRejected:
			p.Rejected = cmp.Or(p.Rejected, res.Message)
		case check.NetworkDNS, check.NetworkTCP, check.NetworkTLS, check.Timeout, check.ResponseTooLarge:
			if s := (Silence{"", res.Cause, res.Message}); !slices.Contains(p.Silences, s) {
				p.Silences = append(p.Silences, s)
			}
		}
	}
}

// add keeps a finding; the same change in another situation of the same call
// is the same change.
func (p *Provider) add(f Finding) {
	call, _, _ := strings.Cut(f.Situations[0], "/")
	for i := range p.Findings {
		known := &p.Findings[i]
		if strings.HasPrefix(known.Situations[0], call+"/") && known.Path == f.Path && known.Change == f.Change &&
			known.Grade == f.Grade && known.Assumed == f.Assumed && known.Accepted == nil && f.Accepted == nil && known.Lapsed == f.Lapsed {
			known.Situations = append(known.Situations, f.Situations...)
			return
		}
	}
	p.Findings = append(p.Findings, f)
}

// accept looks for a deviation that allows the change.
func accept(f *Finding, deviations []providers.Deviation, now time.Time) {
	for i := range deviations {
		d := &deviations[i]
		if d.Situation != f.Situations[0] || d.Path != f.Path || d.Change != f.Change {
			continue
		}
		if !d.Until.Over(now) {
			f.Accepted, f.Lapsed = d, nil
			return
		}
		f.Lapsed = d
	}
}

// noteDeviations names those that are not needed any more.
func (p *Provider) noteDeviations(deviations []providers.Deviation) {
	for i := range deviations {
		d := &deviations[i]
		needed := slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Accepted == d || f.Lapsed == d })
		if !needed && slices.Contains(p.Compared, d.Situation) {
			p.Notes = append(p.Notes, fmt.Sprintf("the deviation of %s, %s %q, does not occur: remove it from providers/%s.yaml", d.Situation, d.Path, d.Change, p.ID))
		}
	}
}

// rank sorts findings: what needs doing first.
func (f *Finding) rank() int {
	rank := map[Grade]int{Breaking: 0, Additive: 1, Cosmetic: 2}[f.Grade]
	switch {
	case f.Accepted != nil:
		return rank + 20
	case f.Assumed:
		return rank + 10
	}
	return rank
}

// counts reports whether the finding is drift that fails the run.
func (f *Finding) counts(strict bool) bool {
	return f.Accepted == nil && !f.Assumed && (f.Grade == Breaking || strict)
}

// doubts reports whether the finding shows an assumption to be wrong.
func (f *Finding) doubts(strict bool) bool {
	return f.Accepted == nil && f.Assumed && (f.Grade == Breaking || strict)
}

// ExitCode says what the report amounts to, by the rules of check.Run.
func (r *Report) ExitCode() int {
	var tried, invalid, broken, doubtful bool
	for _, p := range r.Providers {
		tried = tried || p.tried
		invalid = invalid || len(p.Invalid) > 0
		broken = broken || p.Rejected != ""
		doubtful = doubtful || len(p.Silences) > 0 || p.tried && len(p.Compared) == 0
		for i := range p.Findings {
			broken = broken || p.Findings[i].counts(r.Strict)
			doubtful = doubtful || p.Findings[i].doubts(r.Strict)
		}
	}
	switch {
	case invalid:
		return check.ExitInvalid
	case r.Interrupted:
		return check.ExitInterrupted
	case broken:
		return check.ExitBroken
	case !tried:
		return check.ExitNothingRan
	case doubtful:
		return check.ExitInconclusive
	}
	return check.ExitOK
}
