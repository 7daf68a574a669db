package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// inert returns s on one line, with everything visible that would not print:
// control characters as \x1b or \n, bytes that are not UTF-8 as \xff, and what
// hides or reorders text (bidirectional marks, zero-width characters, C1
// controls) as <U+202E>. Words by which a log commands the runner of a CI
// service (::error:: at the start of a word, ##[error], ##vso[…]) lose their
// first character to an escape. The result may be printed anywhere on a line.
func inert(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f || commands(s, i):
			fmt.Fprintf(&b, `\x%02x`, r)
		case unicode.IsPrint(r) || r == '\u3000': // the space of Chinese and Japanese text
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
		i += size
	}
	return b.String()
}

// plain reports whether inert has nothing to do; nearly every text is plain.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || (c == ':' || c == '#') && commands(s, i) {
			return false
		}
	}
	return true
}

// commands reports whether a command to a CI runner begins at s[i].
func commands(s string, i int) bool {
	switch rest := s[i:]; {
	case strings.HasPrefix(rest, "::"):
		return len(rest) > 2 && letter(rest[2]) && (i == 0 || s[i-1] <= ' ')
	case strings.HasPrefix(rest, "##"):
		return strings.HasPrefix(strings.TrimLeftFunc(rest[2:], unicode.IsLetter), "[")
	}
	return false
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// inertLines is inert for a text whose line breaks are kept. Tabs are widened,
// so that a bar in front of the line does not shift its columns.
func inertLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = inert(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
	}
	return lines
}

// head returns at most n bytes of s and whether that is all, cut between
// characters.
func head(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, true
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], false
}
