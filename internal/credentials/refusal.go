package credentials

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// shortest is the length of the shortest secret that is tried. Nobody issues
// shorter ones; what is shorter was cut off or typed for a test.
const shortest = 8

// identifiers are credential fields that name an account and are no secret.
// They may be short.
var identifiers = regexp.MustCompile(`(^|_)(id|user|username|email|login|account|tenant|region|subdomain|domain|host|store|shop|instance|site|workspace|org|organization|company|team|dc|cluster|zone|environment|pod|realm|slug|portal|namespace)$`)

// Identifies reports whether a credential field names an account and is no
// secret, by its name.
func Identifies(field string) bool { return identifiers.MatchString(field) }

// refusal says why a value cannot be the real one, or "". It never repeats
// the value.
func refusal(field, value string) string {
	switch {
	case strings.TrimSpace(value) == "":
		return "is empty"
	case isPlaceholder(value):
		return "is a placeholder, not a value"
	case !Identifies(field) && utf8.RuneCountInString(value) < shortest:
		return fmt.Sprintf("is shorter than %d characters", shortest)
	case !isText(value):
		return "is no text"
	}
	return ""
}

var (
	placeholderWords = []string{
		"changeme", "change-me", "change_me", "change this", "changeit", "replaceme", "replace-me", "replace_me", "placeholder",
		"dummy", "fixme", "insert-here", "none", "null", "nil", "undefined", "n/a", "redacted", "secret", "password", "tbd", "todo", "token", "example",
	}
	placeholderForms = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
		`<[^<>]*>`, `\[[\w .-]*\]`, `\{[\w .-]*\}`, `\{\{.*\}\}`, `\$\{.*\}`, `\$\(.*\)`, `\$[A-Z_]+`, `%[A-Z_]+%`, // where something should have been put in
		`(your|insert|enter|put|replace|change)[-_ ].*`, `(your|my|the|some)[-_ ]?.*(key|secret|token|password|here)`,
		`.*(changeme|change[-_]me|replace[-_]?me|placeholder).*`,
		`x{3,}([-_ ]?x+)*`, `x{3,}[-_ ].*`, `.*[-_]x{3,}`,
		`(env|file|exec|keyring|op|vault|sops|ref\+\w+):.*`, // a reference that nobody followed
		`\.{3,}`, `…`,
	}, "|") + `)$`)
)

func isPlaceholder(value string) bool {
	v := strings.TrimSpace(value)
	if strings.Contains(v, "\n") {
		return false // a private key
	}
	if slices.Contains(placeholderWords, strings.ToLower(v)) || placeholderForms.MatchString(v) {
		return true
	}
	if utf8.RuneCountInString(v) < 3 {
		return false
	}
	return strings.Count(v, v[:1]) == len(v) // ********, --------, 00000000
}
