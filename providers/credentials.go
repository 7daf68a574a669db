package providers

import (
	"fmt"
	"io"
	"maps"
	"slices"
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
	return substitute(text, func(name string) (string, error) {
		value, ok := vars[name]
		if !ok {
			return "", fmt.Errorf("{%s} is not a credential field", name)
		}
		return value, nil
	})
}

// substitute puts a value in place of each {name} in text.
func substitute(text string, valueOf func(name string) (string, error)) (string, error) {
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
		value, err := valueOf(name)
		if err != nil {
			return "", err
		}
		b.WriteString(before)
		b.WriteString(value)
		text = after
	}
}

// Placeholders returns each name that stands in text as {name}, in the order
// they stand there.
func Placeholders(text string) []string {
	var names []string
	_, _ = substitute(text, func(name string) (string, error) { // does not fail
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return "", nil
	})
	return names
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
