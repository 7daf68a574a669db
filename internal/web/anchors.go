package web

import (
	"fmt"
	"strings"
	"unicode"
)

// Anchors gives out the IDs of a page: each depends on a name alone, so that a
// link to it lasts as long as the name does, and is given out once.
type Anchors map[string]bool

// Reserve keeps IDs from being given out.
func (a Anchors) Reserve(ids ...string) {
	for _, id := range ids {
		a[id] = true
	}
}

// Take returns the ID for a name: its letters and digits in lower case, joined
// by dashes, and a number if others have that name.
func (a Anchors) Take(name string) string {
	const longest = 120
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if b.Len() > longest {
			break
		}
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = "unnamed"
	}
	id := base
	for n := 2; a[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	a[id] = true
	return id
}
