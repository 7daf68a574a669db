package report

import "github.com/authspec/authspec/internal/check"

// A paint colours text with ANSI sequences; false leaves it as it is.
type paint bool

func (p paint) sgr(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string { return p.sgr("1", s) }
func (p paint) dim(s string) string  { return p.sgr("2", s) }

// verdict paints s in the colour of v, loud in bold.
func (p paint) verdict(v check.Verdict, s string) string { return p.sgr(colour(v), s) }
func (p paint) loud(v check.Verdict, s string) string    { return p.sgr("1;"+colour(v), s) }

// colour is red for a verdict that accuses and yellow for one that doubts.
func colour(v check.Verdict) string {
	switch v {
	case check.Passed:
		return "32"
	case check.Rejected, check.Drifted:
		return "31"
	case check.Inconclusive:
		return "33"
	case check.Invalid:
		return "35"
	}
	return "36"
}

// mark is the sign of v, one column wide.
func mark(v check.Verdict) string {
	switch v {
	case check.Passed:
		return "✓"
	case check.Rejected, check.Drifted:
		return "✗"
	case check.Inconclusive:
		return "?"
	case check.Invalid:
		return "!"
	}
	return "-"
}
