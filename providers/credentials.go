package providers

import (
	"fmt"
	"io"
	"maps"
	"sort"
	"strings"
)

// Credentials are the values of a provider's credential fields. Formatted by
// any verb they show the names of the fields, never the values.
type Credentials map[string]string

// Format writes the field names only.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "credentials("+strings.Join(sortedKeys(c), ", ")+")")
}

// With returns a copy in which field has value; an empty value removes it.
func (c Credentials) With(field, value string) Credentials {
	out := maps.Clone(c)
	if out == nil {
		out = Credentials{}
	}
	if value == "" {
		delete(out, field)
	} else {
		out[field] = value
	}
	return out
}

// A MissingCredentialsError names every environment variable that a live run
// needs and does not find.
type MissingCredentialsError struct {
	Provider  string
	Variables []string
}

func (e *MissingCredentialsError) Error() string {
	return fmt.Sprintf("%s: no credentials: set %s", e.Provider, strings.Join(e.Variables, " and "))
}

// CredentialsFrom reads the provider's credentials by lookup (os.LookupEnv,
// say). Values are trimmed of the line end that a file leaves behind. When
// any is missing or empty the error is a *MissingCredentialsError.
func (p *Provider) CredentialsFrom(lookup func(string) (string, bool)) (Credentials, error) {
	creds := Credentials{}
	var missing []string
	for field, variable := range p.Credentials {
		value, _ := lookup(variable)
		value = strings.TrimRight(value, "\r\n")
		if value == "" {
			missing = append(missing, variable)
			continue
		}
		creds[field] = value
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		return nil, &MissingCredentialsError{Provider: p.ID, Variables: missing}
	}
	return creds, nil
}

// expand puts vars in place of each {name} in text. A name without a value is
// an error.
func expand(text string, vars map[string]string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed || !isName(name) {
			b.WriteString(before)
			if found {
				b.WriteByte('{')
				text = rest
				continue
			}
			return b.String(), nil
		}
		value, ok := vars[name]
		if !ok {
			return "", fmt.Errorf("{%s} is not a credential field", name)
		}
		b.WriteString(before)
		b.WriteString(value)
		text = after
	}
}

// isName keeps JSON bodies literal: only {lower_case_words} are placeholders.
func isName(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
