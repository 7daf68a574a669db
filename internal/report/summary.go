package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// A tally counts the scenarios of one provider.
type tally struct {
	provider string // as shown
	total    int
	by       map[check.Verdict]int
	took     time.Duration // all its scenarios one after another
}

func (t *tally) add(r *check.Result) {
	if t.by == nil {
		t.by = make(map[check.Verdict]int)
	}
	t.total++
	t.by[r.Verdict]++
	t.took += r.Duration
}

// worst is the verdict by which a reader judges the whole: the one that needs
// doing first. Skips do not spoil what passed.
func (t *tally) worst() check.Verdict {
	for _, v := range check.Verdicts() {
		if v == check.Skipped && t.by[check.Passed] > 0 {
			continue
		}
		if t.by[v] > 0 {
			return v
		}
	}
	return check.Skipped
}

// tallies counts by provider, sorted by name, and all together.
func tallies(run *check.Run) (byProvider []tally, all tally) {
	all.provider = "all"
	for i := range run.Results {
		r := &run.Results[i]
		all.add(r)
		name := inert(r.Provider)
		if name == "" {
			name = "(no provider)"
		}
		at := slices.IndexFunc(byProvider, func(t tally) bool { return t.provider == name })
		if at < 0 {
			at = len(byProvider)
			byProvider = append(byProvider, tally{provider: name})
		}
		byProvider[at].add(r)
	}
	slices.SortFunc(byProvider, func(a, b tally) int { return strings.Compare(a.provider, b.provider) })
	return byProvider, all
}

// columns lists the verdicts that a table has a column for.
func (t *tally) columns() []check.Verdict {
	out := []check.Verdict{check.Passed}
	for _, v := range check.Verdicts() {
		if v != check.Passed && t.by[v] > 0 {
			out = append(out, v)
		}
	}
	return out
}

// counts says the tally in words, what needs doing first.
func (t *tally) counts() string {
	var parts []string
	for _, v := range check.Verdicts() {
		if n := t.by[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// A skipGroup is scenarios that were skipped for one reason.
type skipGroup struct {
	cause   check.Cause
	reason  string
	results []*check.Result
}

func (g *skipGroup) heading() string {
	if g.reason == "" {
		return words(g.cause)
	}
	return words(g.cause) + ": " + g.reason
}

// skips groups the skipped scenarios by cause and then by reason.
func skips(run *check.Run) []skipGroup {
	var out []skipGroup
	for i := range run.Results {
		r := &run.Results[i]
		if r.Verdict != check.Skipped {
			continue
		}
		reason := because(r)
		at := slices.IndexFunc(out, func(g skipGroup) bool { return g.cause == r.Cause && g.reason == reason })
		if at < 0 {
			at = len(out)
			out = append(out, skipGroup{cause: r.Cause, reason: reason})
		}
		out[at].results = append(out[at].results, r)
	}
	slices.SortStableFunc(out, func(a, b skipGroup) int { return strings.Compare(string(a.cause), string(b.cause)) })
	return out
}

// because is message and advice on one line.
func because(r *check.Result) string {
	s := strings.Join(inertLines(r.Message), " ")
	if r.Advice != "" {
		s += " → " + strings.Join(inertLines(r.Advice), " ")
	}
	return strings.TrimSpace(s)
}

// happened says in one line what was run.
func happened(run *check.Run) string {
	_, all := tallies(run)
	s := plural(all.total, "scenario")
	if run.Interrupted || all.total < run.Selected {
		s = fmt.Sprintf("%d of %s", all.total, plural(run.Selected, "scenario"))
	}
	s += " " + where(run.Mode) + " in " + web.Took(run.Duration)
	if all.total > 0 {
		s += ": " + all.counts()
	}
	return s
}

func where(m check.Mode) string {
	if m == check.Live {
		return "on the real providers"
	}
	return "on simulated providers"
}

// verdictOn is happened with what follows from it.
func verdictOn(run *check.Run) string {
	return fmt.Sprintf("%s. Exit %d: %s.", happened(run), run.ExitCode(), meaning(run))
}

// meaning says what the exit code of the run means.
func meaning(run *check.Run) string {
	switch run.ExitCode() {
	case check.ExitOK:
		return "all that ran is as the specs say"
	case check.ExitBroken:
		return "a provider refuses a credential or breaks its contract"
	case check.ExitInvalid:
		return "the specs or the setup are wrong"
	case check.ExitInconclusive:
		return "nothing is known to be broken, but some of it could not be told"
	case check.ExitInterrupted:
		return "interrupted, the results are partial"
	case check.ExitNothingRan:
		if len(run.Results) > 0 {
			return "every scenario was skipped, which proves nothing"
		}
		return "no scenario was selected, which proves nothing"
	}
	return "authspec itself went wrong, please report it"
}

// gist is the verdict on the whole run, for its sign and its colour.
func gist(run *check.Run) check.Verdict {
	switch run.ExitCode() {
	case check.ExitOK:
		return check.Passed
	case check.ExitBroken:
		return check.Drifted
	case check.ExitInvalid, check.ExitInternal:
		return check.Invalid
	}
	return check.Inconclusive
}
