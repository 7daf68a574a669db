package site

import (
	"fmt"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// strip draws a bar for each run, the latest at the right: the worse, the
// higher. The table below it says the same.
func strip(history []*Status) svg {
	if len(history) == 0 {
		return ""
	}
	const slot, high = 14, 40
	heights := map[check.Verdict]int{
		check.Passed: 10, check.Skipped: 5, check.Inconclusive: 20, check.Drifted: high, check.Rejected: high, check.Invalid: 30,
	}
	var b strings.Builder
	bad := 0
	for i, s := range history {
		h := heights[s.Verdict]
		if s.Verdict.Failed() {
			bad++
		}
		x := (maxRuns - len(history) + i) * slot
		fmt.Fprintf(&b, `<rect class="v-%s" x="%d" y="%d" width="%d" height="%d" rx="1.5"><title>%s: %s, %s</title></rect>`,
			s.Verdict, x, high-h, slot-3, h, web.Day(s.At), s.Verdict, s.Mode)
	}
	title := fmt.Sprintf("The last %s: %d without a failure", web.Plural(len(history), "run"), len(history)-bad)
	return svg(fmt.Sprintf(`<svg class="strip" viewBox="0 0 %d %d" role="img" aria-label="%s"><rect class="base" x="0" y="%d" width="%d" height="1"/>%s</svg>`,
		maxRuns*slot, high+1, esc(title), high, maxRuns*slot, b.String()))
}

// Squares draws the coverage: a square for each situation.
func (c Coverage) Squares() svg {
	var b strings.Builder
	x := 1
	for _, part := range []struct {
		n     int
		class string
	}{{c.Known, "known"}, {c.Partly, "part"}, {c.Guessed, "guess"}, {c.Unknown, "blank"}} {
		for range part.n {
			fmt.Fprintf(&b, `<rect class="%s" x="%d" y="1" width="8" height="8" rx="1.5"/>`, part.class, x)
			x += 11
		}
	}
	if x == 1 {
		return ""
	}
	return svg(fmt.Sprintf(`<svg class="cover" viewBox="0 0 %d 10" aria-hidden="true" focusable="false">%s</svg>`, x, b.String()))
}
