package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/web"
)

// mostMatters is how many matters are shown with their evidence: a page that
// holds it for thousands could not be opened.
const mostMatters = 300

// newStatus sorts out who has to do what.
func newStatus(page *StatusPage, erase func(string) string) *status {
	s := &status{Run: page.Run, Stale: cmp.Or(page.Stale, health.DefaultStale),
		Noted: &statusTable{Title: "Work, and worth a look", Icon: check.Passed},
		Old:   &statusTable{Title: "Not checked lately", Icon: check.Skipped},
		Works: &statusTable{Title: "Work", Icon: check.Passed}}
	s.Old.Note = fmt.Sprintf("They worked when they were last checked, more than %s ago. Nobody knows how they stand. See why authspec check leaves them out.", tooLong(s.Stale))
	standings := standingsOf(page)
	b := statusBuilder{status: s, now: page.Now, erase: erase, ids: web.Anchors{}, groups: map[string]*statusGroup{}, matters: map[string]*statusMatter{}, drift: map[string]*statusDrift{}}
	b.ids.Reserve("main", "q", "contracts", "noted", "old", "works")
	s.Noted.ID, s.Old.ID, s.Works.ID = "noted", "old", "works"
	if page.Run != nil {
		b.places, b.keys = page.Run.Places, map[string]string{}
		for i := range page.Run.Credentials {
			b.keys[page.Run.Credentials[i].Name] = page.Run.Credentials[i].Place
		}
		s.Checked = page.Run.Started.Add(page.Run.Duration)
	}
	rows := make([]*statusRow, len(standings))
	for i := range standings {
		rows[i] = b.row(&standings[i])
		if at := standings[i].State.LastRun; page.Run == nil && at.After(s.Checked) {
			s.Checked = at
		}
	}
	for _, r := range rows {
		b.sort(r)
	}
	b.finish(rows)
	b.conclude(rows)
	title := cmp.Or(page.Title, "Credentials")
	s.Page = web.Page{Title: s.Word + ": " + title + " · authspec", Description: title + ": " + s.Happened() + "."}
	return s
}

// standingsOf returns how every credential stands, by name: after the run, if
// there is one.
func standingsOf(page *StatusPage) []health.Standing {
	byName := map[string]int{}
	list := slices.Clone(page.Standings)
	for i := range list {
		byName[list[i].Record.Name] = i
	}
	if page.Run != nil {
		end := page.Run.Started.Add(page.Run.Duration)
		for i := range page.Run.Credentials {
			c := &page.Run.Credentials[i]
			st := health.Standing{At: end, Record: c.Record(page.Now), State: c.State}
			if at, known := byName[c.Name]; known {
				list[at] = st
			} else {
				list = append(list, st)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b health.Standing) int { return strings.Compare(a.Record.Name, b.Record.Name) })
	return list
}

type statusBuilder struct {
	*status
	now     time.Time
	erase   func(string) string
	ids     web.Anchors
	places  []health.Place
	keys    map[string]string // of the places, by credential
	groups  map[string]*statusGroup
	matters map[string]*statusMatter
	drift   map[string]*statusDrift

	suspected, unknown, old, soon int
}

// row is a credential in words.
func (b *statusBuilder) row(st *health.Standing) *statusRow {
	r := &st.Record
	stale := st.State.Stale(b.now, b.Stale) && r.Verdict != check.Invalid
	row := &statusRow{
		Name: head1(b.erase(r.Name)), Provider: b.erase(r.Provider), Address: b.erase(r.Environment + r.BaseURL), Owner: b.erase(r.Owner),
		Verdict: r.Verdict, Key: string(r.Verdict), Cause: r.Cause, Since: r.Since, Checked: st.State.Checked, For: ago(r.Since, b.now), Stale: stale, Flapping: st.State.Flapping,
		Message: b.erase(r.Message), Advice: b.erase(r.Advice), Rule: string(r.Rule), RuleWords: ruleWords[r.Rule], who: r.Who, evidence: r.Evidence,
	}
	if row.place = b.place(r); row.place != nil && row.place.Name != "" {
		row.Provider = b.erase(row.place.Name)
	}
	row.ID = b.ids.Take(row.Name)
	switch r.Control {
	case credentials.KnownBad:
		row.Control = "known-bad control, refused as it has to be"
	case credentials.KnownGood:
		row.Control = "known-good control"
	}
	c := health.Credential{Verdict: r.Verdict, Cause: r.Cause, Confirmed: r.Confirmed}
	row.State = healthState(&c)
	if stale {
		row.Verdict, row.Key = check.Skipped, "stale"
		row.State = "stale, last " + row.State
		if st.State.Checked.IsZero() {
			row.State = "never checked: " + healthState(&c)
		}
	}
	if r.Verdict != check.Passed {
		row.Worked = st.State.Passed
	}
	for _, scope := range r.Missing {
		row.Missing = append(row.Missing, b.erase(scope))
	}
	for _, w := range r.Warnings {
		if w = b.erase(w); !strings.HasPrefix(w, "expires ") { // counted anew, from now
			row.Warnings = append(row.Warnings, w)
		}
	}
	if e := r.Expires; e != nil {
		row.days = int(math.Floor(e.At.Sub(b.now).Hours() / 24))
		row.Expires, row.Soon = expiryWords(row.days, b.erase(e.Date)), row.days <= 30
	}
	row.trouble = r.Verdict == check.Skipped || r.Verdict == check.Inconclusive && r.Cause != check.NotProven && r.Cause != check.ControlFailed
	switch {
	case r.Verdict == check.Passed, r.Verdict == check.Rejected && !r.Confirmed:
	case row.trouble: // it is over by itself, or lasts
		row.needs = st.State.Unknown && (r.Who == health.TheOwner || r.Who == health.TheOperator)
	default:
		row.needs = true
	}
	if st.State.Unsure > 1 {
		row.Unsure = st.State.Unsure
	}
	for i := range r.Drift {
		row.Drift = append(row.Drift, b.driftOf(row, &r.Drift[i]))
	}
	return row
}

func expiryWords(days int, date string) string {
	switch {
	case days < 0:
		return "expired on " + date
	case days == 0:
		return "expires today, " + date
	case days == 1:
		return "expires tomorrow, " + date
	case days > 90:
		return "expires on " + date
	}
	return fmt.Sprintf("expires in %d days, on %s", days, date)
}

// ruleWords say for people what a verdict was reached by.
var ruleWords = map[health.Rule]string{
	health.ByValues:     "its values cannot be used",
	health.BySpec:       "its scenarios, or the provider file, are wrong",
	health.ByBudget:     "no request was left before the deadline",
	health.ByBreaker:    "its provider had failed for others too often in a row",
	health.ByControl:    "a control credential fared otherwise than it has to",
	health.ByDocument:   "it is the provider's own error for a refused credential",
	health.ByKnownBad:   "it is the answer that a known-bad credential gets",
	health.BySecondLook: "it was refused in as many checks in a row as it takes",
	health.ByFirstLook:  "it was refused, and not yet often enough to be sure",
	health.ByScopes:     "fewer scopes were granted than are required",
	health.ByNoAnswer:   "no response arrived",
	health.ByAnswer:     "the response says nothing about the credential",
	health.ByProof:      "only a client that was accepted gets this error",
	health.ByAcceptance: "the provider accepted it",
	health.ByNothing:    "nothing that was sent could have told",
}

// place finds the place that a credential belongs to, or nil.
func (b *statusBuilder) place(r *health.Record) *health.Place {
	key := b.keys[r.Name]
	for i := range b.places {
		p := &b.places[i]
		if key != "" && p.Key == key || key == "" && p.Provider == r.Provider && p.Address == r.Environment+r.BaseURL {
			return p
		}
	}
	return nil
}

// driftOf is a broken contract, the same for all who meet it.
func (b *statusBuilder) driftOf(row *statusRow, d *health.RecordDrift) *statusDrift {
	key := row.Provider + "\x00" + d.ID + "\x00" + string(d.Cause) + "\x00" + d.Message
	known := b.drift[key]
	if known == nil {
		known = &statusDrift{ID: "contract-" + fmt.Sprint(len(b.drift)+1), Provider: row.Provider, Scenario: b.erase(d.Scenario), Where: b.erase(d.ID),
			Message: b.erase(d.Message), Advice: b.erase(d.Advice), Verdict: d.Verdict, Cause: d.Cause}
		b.ids.Reserve(known.ID)
		b.drift[key] = known
		b.Drift = append(b.Drift, known)
	}
	known.Rows = append(known.Rows, row)
	return known
}

// sort puts a credential where it belongs.
func (b *statusBuilder) sort(r *statusRow) {
	switch {
	case strings.HasSuffix(r.State, string(check.Passed)) && r.Stale:
		b.Old.Rows = append(b.Old.Rows, r)
	case r.Verdict == check.Passed && (r.Soon || r.Flapping || len(r.Drift)+len(r.Warnings) > 0):
		b.Noted.Rows = append(b.Noted.Rows, r)
	case r.Verdict == check.Passed:
		b.Works.Rows = append(b.Works.Rows, r)
	default:
		b.matter(r)
	}
}

// matter adds a credential to what there is to do about others like it.
func (b *statusBuilder) matter(r *statusRow) {
	whole := r.trouble || r.placeState() == health.RefusesAll && !r.needs
	var g *statusGroup
	switch {
	case whole && !r.needs:
		g = b.group("nobody", 3, "Could not be told", "Nothing is certain about these, and the next check tries again. What fails for a whole provider is told once.")
	case r.who == health.TheOwner && r.Owner != "":
		g = b.group("owner "+r.Owner, 0, r.Owner, "")
	case r.who == health.TheOwner:
		g = b.group("owner", 1, "Owners who are not named", "Name them in the credentials file: owner.")
	default:
		g = b.group("operator", 2, "Whoever runs authspec", "")
	}
	key := strings.Join([]string{g.Title, r.Provider, r.Address, fmt.Sprint(r.trouble)}, "\x00")
	if !whole {
		key += strings.Join([]string{"", r.State, r.Message, r.Advice, r.Rule}, "\x00")
		if len(r.Drift)+len(r.Warnings)+len(r.Missing) > 0 || r.Flapping || r.Soon {
			key += "\x00" + r.ID // there is something to say of it alone
		}
	}
	m := b.matters[key]
	if m == nil {
		m = &statusMatter{First: r, Place: whole, rank: matterRank(r)}
		b.matters[key] = m
		g.Matters = append(g.Matters, m)
	}
	m.Rows = append(m.Rows, r)
	if cause := words(r.Cause); cause != "" && !slices.Contains(m.causes, cause) {
		m.causes = append(m.causes, cause)
	}
}

// placeState is the state of the place that the credential belongs to.
func (r *statusRow) placeState() health.PlaceState {
	if r.place == nil {
		return ""
	}
	return r.place.State
}

func (b *statusBuilder) group(key string, rank int, title, note string) *statusGroup {
	g := b.groups[key]
	if g == nil {
		g = &statusGroup{Title: title, Note: note, rank: rank}
		b.groups[key] = g
		b.Groups = append(b.Groups, g)
	}
	return g
}

// matterRank sorts by what can be mended first.
func matterRank(r *statusRow) int {
	order := []string{string(check.Rejected), string(check.Invalid), string(check.Inconclusive), "stale", string(check.Skipped)}
	rank := 2 * slices.Index(order, r.Key)
	if !r.needs {
		rank += 2 * len(order)
	}
	return rank
}

// finish orders the groups and names what is in them.
func (b *statusBuilder) finish(rows []*statusRow) {
	for _, g := range b.Groups {
		slices.SortStableFunc(g.Matters, func(x, y *statusMatter) int {
			return cmp.Or(x.rank-y.rank, strings.Compare(x.First.Provider, y.First.Provider))
		})
	}
	worst := func(g *statusGroup) int { return g.Matters[0].rank }
	slices.SortStableFunc(b.Groups, func(x, y *statusGroup) int {
		if nobody := 3; x.rank == nobody || y.rank == nobody {
			return x.rank - y.rank
		}
		return cmp.Or(worst(x)-worst(y), x.rank-y.rank, strings.Compare(x.Title, y.Title))
	})
	n := 0
	for _, g := range b.Groups {
		g.ID = b.ids.Take("for " + g.Title)
		for _, m := range g.Matters {
			b.name(m)
			if n++; n > mostMatters {
				m.Brief = true
			} else {
				b.show(m.First)
			}
		}
	}
	slices.SortStableFunc(b.Noted.Rows, func(x, y *statusRow) int { return rankNoted(x) - rankNoted(y) })
	b.chips(rows)
}

func rankNoted(r *statusRow) int {
	if r.Soon {
		return r.days
	}
	return 1000
}

// name gives a matter its title, and an anchor unless it has that of its
// credential.
func (b *statusBuilder) name(m *statusMatter) {
	r := m.First
	at := r.Provider
	if r.Address != "" {
		at += " (" + r.Address + ")"
	}
	switch {
	case m.Place && placeStates[r.placeState()] != "":
		m.Title = fmt.Sprintf("%s as a whole %s", at, placeStates[r.placeState()])
	case m.Place:
		m.Title = at + ": " + strings.Join(m.causes, ", ")
	case len(m.Rows) > 1:
		m.Title = plural(len(m.Rows), "credential") + " of " + at
	default:
		m.Title, m.ID = r.Name, r.ID
		return
	}
	m.ID = b.ids.Take("all of " + at)
}

// show lays out the evidence.
func (b *statusBuilder) show(r *statusRow) {
	e := r.evidence
	if e == nil {
		return
	}
	r.Scenario, r.Where = b.erase(e.Scenario), b.erase(e.ID)
	if r.Scenario == "" {
		r.Scenario = "the request for the required scopes"
	}
	in := &e.Exchange
	x := check.Exchange{Call: b.erase(in.Call), Method: b.erase(in.Request.Method), URL: b.erase(in.Request.URL), RequestBody: b.erase(in.Request.Body),
		RequestHeader: eachHeader(in.Request.Headers, b.erase), Error: b.erase(in.Error), Duration: time.Duration(in.Duration), Curl: b.erase(in.Curl)}
	if a := in.Response; a != nil {
		x.Status, x.ResponseHeader, x.ResponseBody = a.Status, eachHeader(a.Headers, b.erase), b.erase(a.Body)
	}
	r.Wire = &htmlExchange{Exchange: &x, Kind: mediaType(x.ResponseHeader),
		Request: htmlMessage(x.RequestHeader, x.RequestBody), Response: htmlMessage(x.ResponseHeader, x.ResponseBody)}
	if x.Curl != "" {
		r.Again = (&htmlResult{Last: r.Wire}).Again()
	}
}

func eachHeader(h map[string][]string, erase func(string) string) map[string][]string {
	out := map[string][]string{}
	for name, values := range h {
		name = erase(name)
		for _, v := range values {
			out[name] = append(out[name], erase(v))
		}
	}
	return out
}

func (b *statusBuilder) chips(rows []*statusRow) {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Key]++
	}
	for _, v := range []check.Verdict{check.Rejected, check.Invalid, check.Inconclusive, "stale", check.Skipped, check.Passed} {
		icon := v
		if v == "stale" {
			icon = check.Skipped
		}
		if n := counts[string(v)]; n > 0 {
			b.Chips = append(b.Chips, statusChip{string(v), icon, n})
		}
	}
}

// conclude says what it amounts to.
func (b *statusBuilder) conclude(rows []*statusRow) {
	s := b.status
	s.Total = len(rows)
	oldest := time.Time{} // of those that work
	for _, r := range rows {
		switch {
		case r.needs:
			s.Needs++
		case r.Verdict == check.Passed:
			s.Working++
			if oldest.IsZero() || r.Checked.Before(oldest) {
				oldest = r.Checked
			}
		case r.trouble:
			b.unknown++
		case !r.Stale:
			b.suspected++
		}
		if r.Stale {
			b.old++
		}
		if r.Soon && !r.Stale {
			b.soon++
		}
	}
	if oldest.IsZero() {
		oldest = s.Checked
	}
	if !oldest.IsZero() {
		s.Until = oldest.Add(s.Stale)
	}
	broken := 0
	for _, d := range s.Drift {
		if d.Verdict == check.Drifted {
			broken++
		}
	}
	b.say(broken)
	switch {
	case s.Total == 0:
		s.Word, s.Gist = "Nothing checked", check.Skipped
	case s.Checked.IsZero() || b.now.Sub(s.Checked) > s.Stale:
		s.Word, s.Gist, s.Aged = "Stale", check.Skipped, "Nothing was checked yet."
		if !s.Checked.IsZero() {
			s.Aged = "Not checked since " + day(s.Checked) + "."
		}
	case s.Needs > 0 || broken > 0:
		s.Word, s.Gist = "Attention", check.Rejected
	case b.old > 0:
		s.Word, s.Gist = "Stale", check.Skipped
	case s.Working < s.Total:
		s.Word, s.Gist = "Unclear", check.Inconclusive
	default:
		s.Word, s.Gist = "All work", check.Passed
	}
}

// say lists what else there is to know at once.
func (b *statusBuilder) say(broken int) {
	add := func(n int, one, many string) {
		if n == 1 {
			b.More = append(b.More, "1 "+one)
		} else if n > 1 {
			b.More = append(b.More, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(b.suspected, "is suspected: the next check confirms it or not", "are suspected: the next check confirms them or not")
	add(b.unknown, "could not be told", "could not be told")
	add(b.old, "was not checked for more than "+tooLong(b.Stale), "were not checked for more than "+tooLong(b.Stale))
	add(broken, "broken contract", "broken contracts")
	add(b.soon, "secret expires within 30 days", "secrets expire within 30 days")
	if run := b.Run; run != nil && len(run.Credentials) < run.Selected {
		b.More = append(b.More, fmt.Sprintf("the check was cut short: %d of %d", len(run.Credentials), run.Selected))
	}
}

// tooLong is how long something may go unchecked, in words.
func tooLong(stale time.Duration) string { return ago(time.Unix(1, 0), time.Unix(1, 0).Add(stale)) }
