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
			s.Verdict, x, high-h, slot-3, h, web.Day(s.At), s.Verdict, s.How())
	}
	title := fmt.Sprintf("The last %s: %d without a failure", web.Plural(len(history), "run"), len(history)-bad)
	return svg(fmt.Sprintf(`<svg class="strip" viewBox="0 0 %d %d" role="img" aria-label="%s"><rect class="base" x="0" y="%d" width="%d" height="1"/>%s</svg>`,
		maxRuns*slot, high+1, esc(title), high, maxRuns*slot, b.String()))
}
