package report

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// cells returns how many columns of a terminal s takes.
func cells(s string) int { return displaywidth.String(s) }

// cut shortens s to n columns, with an ellipsis if anything is lost.
func cut(s string, n int) string {
	if n < 1 {
		return ""
	}
	return displaywidth.TruncateString(s, n, "…")
}

// pad fills s up to n columns on the right.
func pad(s string, n int) string { return s + blank(n-cells(s)) }

func blank(n int) string { return strings.Repeat(" ", max(n, 0)) }

// wrap breaks s between words into lines of n columns. A longer word, such as
// a URL, stays whole: it would no longer be copyable.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// chunks breaks s into pieces of n columns: behind a blank, or within a word
// that is longer than a piece. Nothing is lost, so columns can be counted on.
func chunks(s string, n int) []string {
	if n < 1 || cells(s) <= n {
		return []string{s}
	}
	var out []string
	from, blank, at := 0, 0, 0 // bytes: of the piece, behind its last blank, of the character
	for g := displaywidth.StringGraphemes(s); g.Next(); {
		end := at + len(g.Value())
		if cells(s[from:end]) > n {
			if blank <= from {
				blank = at
			}
			out, from = append(out, s[from:blank]), blank
		}
		if at = end; g.Value() == " " {
			blank = at
		}
	}
	return append(out, s[from:])
}
