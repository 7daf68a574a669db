package web

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Inert returns a finished page in which nothing hides, reorders or commands.
// html/template has seen to the markup; this sees to the characters: controls,
// bytes that are not UTF-8, what turns text around or has no width are shown
// by their names, and words that would command a CI runner, should the page be
// printed to its log, have their first character written as a reference.
func Inert(page []byte) []byte {
	text := string(page)
	var b bytes.Buffer
	b.Grow(len(page))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' || r == '\t' || r == '\u3000': // the space of Chinese and Japanese text
			b.WriteRune(r)
		case r == '\r':
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case (r == ':' || r == '#') && commands(text, i):
			fmt.Fprintf(&b, "&#%d;", r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&lt;U+%04X&gt;", r)
		}
		i += size
	}
	return b.Bytes()
}

// commands reports whether a command to a CI runner begins at s[i]:
// "::error::" at the start of a word, "##[error]" or "##vso[…]" anywhere.
func commands(s string, i int) bool {
	switch rest := s[i:]; {
	case strings.HasPrefix(rest, "::"):
		letter := len(rest) > 2 && 'a' <= rest[2]|0x20 && rest[2]|0x20 <= 'z'
		return letter && (i == 0 || s[i-1] <= ' ' || s[i-1] == '>')
	case strings.HasPrefix(rest, "##"):
		return strings.HasPrefix(strings.TrimLeftFunc(rest[2:], unicode.IsLetter), "[")
	}
	return false
}
