package site

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/providers"
)

// list joins words: "a, b or c".
func list(words []string, last string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
	}
}

// span says a duration as people do: "hour", "15 minutes", "1 day".
func span(d time.Duration) string {
	text := lasts(d)
	if one, ok := strings.CutPrefix(text, "1 "); ok {
		return one
	}
	return text
}

// lasts says a duration in the largest unit that divides it.
func lasts(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	for _, u := range units {
		if n := d / u.size; n > 0 && d%u.size == 0 {
			if n == 1 {
				return "1 " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

// cut shortens a text, with an ellipsis if anything is lost.
func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

func scopeNames(p *providers.Provider) []string {
	return slices.Sorted(maps.Keys(p.Auth.Scopes.Known))
}
