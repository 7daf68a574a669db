package report

import (
	"fmt"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// table writes a row for each provider, and one for all if there are several;
// as a list where the columns do not fit.
func (p *page) table(run *check.Run) {
	rows, all := tallies(run)
	if len(rows) == 0 {
		return
	}
	if len(rows) > 1 {
		rows = append(rows, all)
	}
	verdicts := all.columns()

	const gap, widest = 2, 32
	name := cells("provider")
	for _, t := range rows {
		name = max(name, min(cells(t.provider), widest))
	}
	column := func(head, s string) string { return blank(gap+cells(head)-cells(s)) + s }
	const scenarios, time = "scenarios", "     time"
	line := "  " + pad("provider", name) + column(scenarios, scenarios)
	for _, v := range verdicts {
		line += column(string(v), string(v))
	}
	line += column(time, "time")
	p.line("")
	wide := cells(line) <= p.width
	if wide {
		p.line(p.paint.dim(line))
	}
	for i, t := range rows {
		worst := t.worst()
		line := p.paint.loud(worst, mark(worst)) + " " + pad(cut(t.provider, name), name)
		if len(rows) > 1 && i == len(rows)-1 {
			line = "  " + p.paint.bold(pad(t.provider, name))
		}
		if !wide {
			p.line(line + "  " + t.counts() + p.paint.dim(", "+web.Took(t.took)))
			continue
		}
		line += column(scenarios, fmt.Sprint(t.total))
		for _, v := range verdicts {
			if n := t.by[v]; n > 0 {
				line += p.paint.verdict(v, column(string(v), fmt.Sprint(n)))
			} else {
				line += p.paint.dim(column(string(v), "·"))
			}
		}
		p.line(line + p.paint.dim(column(time, web.Took(t.took))))
	}
}

// skips lists what was skipped by reason, a line for each scenario.
func (p *page) skips(run *check.Run, verbose bool) {
	groups := skips(run)
	if len(groups) == 0 {
		return
	}
	p.line("")
	p.line(p.paint.loud(check.Skipped, mark(check.Skipped)) + " " + p.paint.bold("Skipped"))
	for _, g := range groups {
		p.prose("  ", 4, g.heading())
		shown := g.results
		const enough = 10
		if !verbose && len(shown) > enough+1 {
			shown = shown[:enough]
		}
		for _, r := range shown {
			p.line("    " + p.paint.dim(cut(fmt.Sprintf("%s:%d  %s", label(r.URI), r.Line, label(r.Scenario)), p.width-4)))
		}
		if hidden := len(g.results) - len(shown); hidden > 0 {
			p.line("    " + p.paint.dim(fmt.Sprintf("… and %d more (--verbose lists them)", hidden)))
		}
	}
}

// verdict closes the page: what was run, and what the exit code means.
func (p *page) verdict(run *check.Run) {
	v := gist(run)
	p.line("")
	p.line(p.paint.loud(v, mark(v)+" "+verdictOn(run)))
}
