package report

import (
	"fmt"
	"strings"

	"github.com/authspec/authspec/internal/check"
)

// A page is text for people in the making.
type page struct {
	strings.Builder
	paint paint
	width int // columns
}

// defaultWidth serves where there is no terminal: a log, a file.
const defaultWidth = 100

func newPage(p paint, width int) *page {
	if width <= 0 {
		width = defaultWidth
	}
	const narrowest = 40
	return &page{paint: p, width: max(width, narrowest)}
}

func (p *page) line(s string) {
	p.WriteString(strings.TrimRight(s, " "))
	p.WriteByte('\n')
}

// prose writes s in lines behind a lead, which takes n columns.
func (p *page) prose(lead string, n int, s string) {
	for _, paragraph := range inertLines(s) {
		for _, line := range wrap(paragraph, p.width-n) {
			p.line(lead + line)
			lead = blank(n)
		}
	}
}

// title names a scenario for readers.
func title(r *check.Result) string {
	s := label(r.Scenario)
	if r.Rule != "" {
		s = label(r.Rule) + " › " + s
	}
	if r.Feature != "" {
		s = label(r.Feature) + " › " + s
	}
	return s
}

// label is inert for a text that should be short: no name fills a screen.
func label(s string) string {
	const longest = 240
	s, _ = head(s, 4*longest)
	return cut(inert(s), longest)
}

// outcome is the verdict and its cause.
func outcome(r *check.Result) string {
	if r.Cause == "" {
		return string(r.Verdict)
	}
	return string(r.Verdict) + ": " + words(r.Cause)
}

// spot is the file and the line to look at: that of the step that failed.
func spot(r *check.Result) (file string, line int) {
	line = r.Line
	if s := r.Failing(); s != nil && s.Line > 0 {
		line = s.Line
	}
	return r.URI, line
}

func place(r *check.Result) string {
	file, line := spot(r)
	return fmt.Sprintf("%s:%d", label(file), line)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
