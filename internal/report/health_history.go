package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// A HealthPage prints for people what a history holds.
type HealthPage struct {
	Out   io.Writer
	Erase *redact.Redactor // nil erases nothing
	Color bool
	Width int           // columns; 0 is 100
	Now   time.Time     // by which what was checked is old
	Stale time.Duration // how old is too old
}

// Standings writes how every credential stands, what needs doing first.
func (h *HealthPage) Standings(rows []health.Standing) error {
	p := newPage(paint(h.Color), h.Width)
	slices.SortStableFunc(rows, func(a, b health.Standing) int { return h.rank(&a) - h.rank(&b) })
	table := [][]cell{{{text: "  credential"}, {text: "provider"}, {text: "state"}, {text: "since"}, {text: "checked"}, {text: "recent"}}}
	counts := map[string]int{}
	for i := range rows {
		r := &rows[i]
		stale := r.State.Stale(h.Now, h.Stale)
		state, v := h.state(r, stale)
		counts[state]++
		checked := ago(r.State.Checked, h.Now)
		if r.State.Checked.IsZero() {
			checked = "never"
		}
		table = append(table, []cell{
			{mark(v) + " " + cut(label(r.Record.Name), 40), v, stale}, {cut(label(r.Record.Provider), 24), "", stale},
			{state, v, stale}, {ago(r.Record.Since, h.Now), "", stale}, {checked, "", stale}, {recent(r.State.Recent), "", stale},
		})
	}
	if len(rows) == 0 {
		p.line("nothing was checked yet")
	} else {
		p.cells(table)
	}
	return h.write(p)
}

// state is a state in words; what is stale is nothing else.
func (h *HealthPage) state(r *health.Standing, stale bool) (string, check.Verdict) {
	c := health.Credential{Verdict: r.Record.Verdict, Cause: r.Record.Cause, Confirmed: r.Record.Confirmed, State: r.State}
	if !stale {
		return healthState(&c), c.Verdict
	}
	if r.State.Checked.IsZero() {
		return "never checked: " + healthState(&c), check.Skipped
	}
	return "stale, last " + healthState(&c), check.Skipped
}

func (h *HealthPage) rank(r *health.Standing) int {
	order := []check.Verdict{check.Rejected, check.Invalid, check.Inconclusive, check.Skipped, check.Passed}
	rank := slices.Index(order, r.Record.Verdict) * 2
	if r.State.Stale(h.Now, h.Stale) && r.Record.Verdict == check.Passed {
		rank--
	}
	return rank
}

// recent draws the last checks that could tell, the latest at the right.
func recent(letters string) string {
	return strings.NewReplacer("p", mark(check.Passed), "r", mark(check.Rejected)).Replace(letters)
}

// Credential writes how one credential fared in each check.
func (h *HealthPage) Credential(now health.Standing, rows []health.Standing) error {
	p := newPage(paint(h.Color), h.Width)
	stale := now.State.Stale(h.Now, h.Stale)
	state, v := h.state(&now, stale)
	r := &now.Record
	p.line(p.paint.loud(v, mark(v)) + " " + p.paint.bold(label(r.Name)) + "  " + label(r.Provider) + "  " + p.paint.verdict(v, state))
	for _, fact := range [][2]string{
		{"since", day(r.Since)}, {"owner", label(r.Owner)}, {"last passed", day(now.State.Passed)}, {"last refused", day(now.State.Broken)},
		{"last checked", day(now.State.Checked)}, {"message", r.Message}, {"advice", r.Advice},
	} {
		if fact[1] != "" {
			p.prose("  "+pad(fact[0], 13), 15, fact[1])
		}
	}
	p.line("")
	table := [][]cell{{{text: "  check"}, {text: "state"}, {text: "took"}, {text: "requests"}, {text: "contract"}}}
	for i := range rows {
		e := &rows[i].Record
		c := health.Credential{Verdict: e.Verdict, Cause: e.Cause, Confirmed: e.Confirmed}
		drift := ""
		if n := len(e.Drift); n > 0 {
			drift = plural(n, "difference")
		}
		table = append(table, []cell{
			{mark(e.Verdict) + " " + day(rows[i].At), e.Verdict, false}, {healthState(&c), e.Verdict, false},
			{web.Took(time.Duration(e.Duration)), "", false}, {fmt.Sprint(e.Requests), "", false}, {drift, "", false},
		})
	}
	p.cells(table)
	return h.write(p)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

// Table writes rows under a head.
func (h *HealthPage) Table(head []string, rows [][]string) error {
	p := newPage(paint(h.Color), h.Width)
	table := [][]cell{nil}
	for _, text := range head {
		table[0] = append(table[0], cell{text: text})
	}
	for _, row := range rows {
		var cells []cell
		for _, text := range row {
			cells = append(cells, cell{text: label(text)})
		}
		table = append(table, cells)
	}
	p.cells(table)
	return h.write(p)
}

// A cell is a text of a table, with the verdict it speaks of.
type cell struct {
	text    string
	verdict check.Verdict
	dim     bool
}

// cells writes a table; the first row is its head.
func (p *page) cells(table [][]cell) {
	var widths []int
	for _, row := range table {
		for j, c := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], cells(c.text))
		}
	}
	for i, row := range table {
		var line strings.Builder
		for j, c := range row {
			text := pad(c.text, widths[j])
			switch {
			case i == 0, c.dim:
				text = p.paint.dim(text)
			case c.verdict != "":
				text = p.paint.verdict(c.verdict, text)
			}
			if j > 0 {
				line.WriteString("  ")
			}
			line.WriteString(text)
		}
		p.line(line.String())
	}
}

func (h *HealthPage) write(p *page) error {
	_, err := h.Out.Write(h.Erase.Bytes([]byte(p.String())))
	return err
}
