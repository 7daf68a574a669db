package site

import (
	"fmt"
	"strings"
)

// Coverage counts how well the answers that are no success are known.
type Coverage struct {
	Known, Partly, Guessed, Unknown int
}

// Total is all situations that can happen.
func (c Coverage) Total() int { return c.Known + c.Partly + c.Guessed + c.Unknown }

func newCoverage(rows []*ErrorRow, missing []string) Coverage {
	c := Coverage{Unknown: len(missing)}
	for _, row := range rows {
		count := &c.Known
		switch row.Evidence() {
		case Partly:
			count = &c.Partly
		case Guessed:
			count = &c.Guessed
		}
		*count += 1 + len(row.Also)
	}
	return c
}

// Short says the coverage in a few words.
func (c Coverage) Short() string {
	s := fmt.Sprintf("%d of %d", c.Known, c.Total())
	if c.Partly > 0 {
		s += fmt.Sprintf(", %d in part", c.Partly)
	}
	return s
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
