package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

// healthState is the state of a credential in words: "rejected: scope missing
// (suspected)".
func healthState(c *health.Credential) string {
	s := string(c.Verdict)
	if c.Cause != "" {
		s += ": " + words(c.Cause)
	}
	if c.Verdict == check.Rejected && !c.Confirmed {
		s += " (suspected)"
	}
	if c.State.Flapping {
		s += " (flapping)"
	}
	return s
}

// ago says for how long something has been so.
func ago(since, now time.Time) string {
	switch d := now.Sub(since); {
	case since.IsZero():
		return ""
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// credential writes what a reader needs to act on one credential; at a zero
// time without how long it has been so.
func (p *page) credential(c *health.Credential, now time.Time, evidence bool) {
	p.healthRow(c, now, healthColumns{})
	p.healthReason(c)
	if evidence {
		p.healthEvidence(c)
	}
}

// healthColumns are the widths of a table of credentials.
type healthColumns struct{ name, provider, state int }

func columnsOf(list []health.Credential) healthColumns {
	const widest = 32
	w := healthColumns{cells("credential"), cells("provider"), cells("state")}
	for i := range list {
		c := &list[i]
		w.name = max(w.name, min(cells(label(c.Name)), widest))
		w.provider = max(w.provider, min(cells(label(c.Provider)), widest))
		w.state = max(w.state, cells(healthState(c)))
	}
	return w
}

func (p *page) healthHead(w healthColumns) {
	p.line(p.paint.dim("  " + pad("credential", w.name) + "  " + pad("provider", w.provider) + "  " + pad("state", w.state) + "  since"))
}

func (p *page) healthRow(c *health.Credential, now time.Time, w healthColumns) {
	since := ""
	if !now.IsZero() {
		since = ago(c.Since, now)
	}
	state := p.paint.verdict(c.Verdict, pad(healthState(c), w.state))
	sign := p.paint.loud(c.Verdict, mark(c.Verdict))
	switch {
	case now.IsZero() || c.Verdict == check.Invalid || !c.State.Stale(now, health.DefaultStale):
	case c.State.Checked.IsZero():
		since += ", never checked"
	default:
		since += ", last checked " + ago(c.State.Checked, now) + " ago"
	}
	p.line(sign + " " + p.paint.bold(pad(cut(label(c.Name), max(w.name, 60)), w.name)) + "  " + pad(cut(label(c.Provider), max(w.provider, 40)), w.provider) + "  " + state + "  " + p.paint.dim(since))
}

// healthReason writes why, what to do and who should, and what else there is.
func (p *page) healthReason(c *health.Credential) {
	if c.Verdict != check.Passed {
		p.prose("    ", 4, c.Message)
		if c.Advice != "" {
			p.prose("    "+p.paint.bold("→")+" ", 6, whoever(c)+": "+c.Advice)
		}
	}
	for _, d := range c.Drift {
		p.prose("    "+p.paint.verdict(d.Verdict, mark(d.Verdict))+" ", 6, fmt.Sprintf("contract, %s: %s (%s:%d)", words(d.Cause), d.Message, d.URI, d.Line))
	}
	for _, w := range c.Warnings {
		p.prose("    "+p.paint.verdict(check.Inconclusive, "!")+" ", 6, w)
	}
}

// whoever is who should act, by name if there is one.
func whoever(c *health.Credential) string {
	switch c.Who {
	case health.TheOwner:
		if c.Owner != "" {
			return c.Owner
		}
		return "its owner"
	case health.TheProvider:
		return "the provider"
	}
	return "whoever runs authspec"
}

func (p *page) healthEvidence(c *health.Credential) {
	if c.Evidence == nil {
		return
	}
	where := "the request for the required scopes"
	if c.Evidence.Scenario != "" {
		where = fmt.Sprintf("%s, %s:%d", label(c.Evidence.Scenario), label(c.Evidence.URI), c.Evidence.Line)
	}
	p.line("")
	p.line("  " + p.paint.dim(string(c.Rule)+" · "+where))
	p.exchange(&c.Evidence.Exchange, look{body: true, headers: c.Cause == check.RateLimited || c.Cause == check.Redirected, lines: 20})
	if c.Evidence.Exchange.Curl != "" {
		p.line("")
		p.line("  " + p.paint.dim("reproduce:"))
		for _, line := range inertLines(c.Evidence.Exchange.Curl) {
			p.line("  " + line)
		}
	}
	p.line("")
}

// health writes the final table: what needs doing first, and what works last.
// It hands over what it has written after each group: there may be thousands.
func (p *page) health(run *health.Run, erase func(string) string, onlyProblems, verbose bool, print func(string)) {
	now := run.Started.Add(run.Duration)
	w := columnsOf(run.Credentials)
	flush := func() {
		print(p.String())
		p.Reset()
	}
	p.line("")
	if len(run.Credentials) > 0 {
		p.healthHead(w)
	}
	for i := 0; i < len(run.Credentials); {
		n := alike(run.Credentials[i:])
		group := make([]health.Credential, n)
		for j := range group {
			group[j] = run.Credentials[i+j].Redacted(erase)
		}
		i += n
		if quiet(&group[0]) {
			p.healthPassed(group, now, w, onlyProblems, verbose)
		} else {
			p.healthGroup(group, now, w, verbose)
		}
		flush()
	}
	for _, place := range run.Places {
		if place.Credentials > 1 && placeStates[place.State] != "" {
			p.prose(p.paint.loud(check.Inconclusive, mark(check.Inconclusive))+" ", 2,
				fmt.Sprintf("%s as a whole %s: %s", placeName(&place), placeStates[place.State], erase(place.Message)))
		}
	}
	v := healthGist(run)
	p.line("")
	p.line(p.paint.loud(v, mark(v)+" "+HealthSummary(run)))
	flush()
}

// placeStates are the states of places that deserve a word.
var placeStates = map[health.PlaceState]string{
	health.RefusesAll:  "refuses all",
	health.Unreachable: "cannot be reached",
	health.Unclear:     "says nothing of its credentials",
	health.Unreliable:  "cannot be relied on",
}

// quiet reports a credential of which there is nothing to say.
func quiet(c *health.Credential) bool {
	return c.Verdict == check.Passed && len(c.Drift) == 0 && len(c.Warnings) == 0 && !c.State.Flapping
}

// alike counts the credentials at the beginning of the list about which there
// is the same to say.
func alike(list []health.Credential) int {
	a := &list[0]
	n := 1
	for ; n < len(list); n++ {
		b := &list[n]
		same := a.Provider == b.Provider && a.Verdict == b.Verdict && a.Cause == b.Cause && a.Message == b.Message && a.Advice == b.Advice &&
			len(a.Drift)+len(a.Warnings)+len(b.Drift)+len(b.Warnings) == 0
		if !same && (!quiet(a) || !quiet(b)) {
			break
		}
	}
	return n
}

// enough credentials are listed one by one of those that are alike.
const enoughAlike = 20

func (p *page) healthGroup(group []health.Credential, now time.Time, w healthColumns, verbose bool) {
	shown := group
	if !verbose && len(shown) > enoughAlike+1 {
		shown = shown[:enoughAlike]
	}
	for i := range shown {
		p.healthRow(&shown[i], now, w)
	}
	if hidden := len(group) - len(shown); hidden > 0 {
		p.line("  " + p.paint.dim(fmt.Sprintf("… and %d more (--verbose lists them)", hidden)))
	}
	p.healthReason(&group[0])
	if verbose {
		p.healthEvidence(&group[0])
	}
}

func (p *page) healthPassed(group []health.Credential, now time.Time, w healthColumns, onlyProblems, verbose bool) {
	if onlyProblems {
		return
	}
	const enough = 100
	shown := group
	if !verbose && len(shown) > enough+1 {
		shown = shown[:enough]
	}
	for i := range shown {
		p.healthRow(&shown[i], now, w)
	}
	if hidden := len(group) - len(shown); hidden > 0 {
		p.line("  " + p.paint.dim(fmt.Sprintf("… and %d more that passed (--verbose lists them)", hidden)))
	}
}

func placeName(place *health.Place) string {
	name := label(place.Name)
	if place.Address != "" {
		name += " (" + label(place.Address) + ")"
	}
	return name
}

// plans says what the limits of the places allow, where they do not allow all.
func (p *page) plans(places []health.Place, deadline time.Duration) {
	for i := range places {
		place := &places[i]
		plan := &place.Planned
		if plan.Later+plan.Deferred == 0 {
			continue
		}
		var calls []string
		for call, n := range plan.Requests {
			calls = append(calls, fmt.Sprintf("%d of %s", n, call))
		}
		slices.Sort(calls)
		s := fmt.Sprintf("%s: %.0f%% of its limits leave room for %s now", placeName(place), 100*plan.Share, plural(plan.Now, "credential"))
		if plan.Later > 0 {
			s += fmt.Sprintf(", %d more by %s", plan.Later, plan.LaterTill.UTC().Format("15:04 MST"))
		}
		if plan.Deferred > 0 {
			s += fmt.Sprintf("; %d are deferred to the next check (--deadline %s)", plan.Deferred, deadline)
		}
		p.prose("", 0, s+" (requests wanted: "+strings.Join(calls, ", ")+")")
	}
}
