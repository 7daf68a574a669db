package lint

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// A Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // a run would be invalid, or not check what it seems to
	Warning Severity = "warning" // worth a look
)

// A Finding is one mistake: where it is, what it is, what to do.
type Finding struct {
	File         string // slash-separated, from the root of the workspace
	Line, Column int    // from 1, in characters; 0: the whole file
	Source       string // the line, without what looks like a secret
	Message      string
	Advice       string // may be empty
	Severity     Severity

	width int // characters that the mistake takes from Column on; 0: as 1
	shift int // characters before Column that Source has less than the file
}

// String draws the finding as compilers do: a line that editors can follow,
// the source with a caret, and what to do.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, max(f.Column, 1))
	}
	fmt.Fprintf(&b, ": %s: %s", f.Severity, visible(f.Message))
	if strings.TrimSpace(f.Source) != "" {
		before, marked, after := f.cut()
		fmt.Fprintf(&b, "\n%5d | %s", f.Line, before+marked+after)
		fmt.Fprintf(&b, "\n      | %s%s", strings.Repeat(" ", displaywidth.String(before)), strings.Repeat("^", max(displaywidth.String(marked), 1)))
	}
	if f.Advice != "" {
		fmt.Fprintf(&b, "\n        %s", visible(f.Advice))
	}
	return b.String()
}

// cut returns the source as it is shown: what stands before the mistake, the
// mistake itself and the rest, of long lines the part around it.
func (f Finding) cut() (before, marked, after string) {
	const room, head = 120, 40
	from := offset(f.Source, f.Column-1-f.shift)
	to := from + offset(f.Source[from:], max(f.width, 1))
	before, marked, after = visible(f.Source[:from]), visible(f.Source[from:to]), visible(f.Source[to:])
	if displaywidth.String(before+marked+after) <= room {
		return before, marked, after
	}
	if characters := []rune(before); len(characters) > head {
		before = "…" + string(characters[len(characters)-head:])
	}
	marked = displaywidth.TruncateString(marked, room-head, "…")
	left := room - displaywidth.String(before+marked)
	return before, marked, displaywidth.TruncateString(after, max(left, 1), "…")
}

// offset returns where the character with that index begins.
func offset(s string, characters int) int {
	at := 0
	for ; characters > 0 && at < len(s); characters-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// visible widens tabs, so that carets stand where they should, and shows what
// a terminal would obey.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteString("    ")
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}

// order sorts findings by where they are.
func order(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Message, b.Message),
	)
}
