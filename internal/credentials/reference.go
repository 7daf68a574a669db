package credentials

import (
	"errors"
	"strings"
)

// A Reference says where a value is kept: env:NAME, file:PATH, exec:COMMAND
// or keyring:SERVICE/KEY.
type Reference struct {
	Source Source
	Target string // what stands behind the colon
}

// A Source is a kind of place where values are kept.
type Source string

// The sources.
const (
	Env      Source = "env"     // an environment variable, or one of an env file
	FromFile Source = "file"    // the content of a file
	Exec     Source = "exec"    // what a command prints
	Keyring  Source = "keyring" // the keyring of the operating system
)

// errLiteral is what a value is that is no reference. It must never be shown.
var errLiteral = errors.New("a value must not stand here: write where it is kept, env:NAME, file:PATH, exec:COMMAND or keyring:SERVICE/KEY")

// ParseReference reads a reference. Its errors do not repeat the text.
func ParseReference(text string) (Reference, error) {
	source, target, found := strings.Cut(strings.TrimSpace(text), ":")
	target = strings.TrimSpace(target)
	r := Reference{Source(source), target}
	if !found {
		return Reference{}, errLiteral
	}
	switch r.Source {
	case Env:
		if !isVariable(target) {
			return Reference{}, errors.New("env: want the NAME of a variable behind it, of letters, digits and _")
		}
	case FromFile:
		if target == "" {
			return Reference{}, errors.New("file: want a path behind it")
		}
	case Exec:
		if words, err := splitWords(target); err != nil || len(words) == 0 {
			return Reference{}, errors.New("exec: want a command behind it, with its quotes closed")
		}
	case Keyring:
		if service, key := cutLast(target, "/"); service == "" || key == "" {
			return Reference{}, errors.New("keyring: want SERVICE/KEY behind it")
		}
	default:
		return Reference{}, errLiteral
	}
	return r, nil
}

func (r Reference) String() string {
	if r.Source == "" {
		return "(no reference)"
	}
	return string(r.Source) + ":" + r.Target
}

func isVariable(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", ""
	}
	return s[:i], s[i+len(sep):]
}

// splitWords splits a command line as a shell does: at blanks, but for those
// in quotes or behind a backslash. Nothing is expanded: there is no shell.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	escaped := false
	for _, c := range line {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
