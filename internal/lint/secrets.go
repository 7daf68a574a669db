package lint

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// What is treated apart.
const (
	privateKey  = "a private key"
	signedToken = "a signed token"
)

// looks are credentials that can be told by their look. The first group, or
// else all of it, is the secret.
var looks = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a GitHub token", regexp.MustCompile(`\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{22,})`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[0-9A-Za-z_-]{20,}`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)},
	{"a Google access token", regexp.MustCompile(`\bya29\.[0-9A-Za-z_-]{20,}`)},
	{"an npm token", regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}`)},
	{privateKey, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----([0-9A-Za-z+/=\\]*)`)},
	{"a SendGrid key", regexp.MustCompile(`\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`)},
	{"a Shopify token", regexp.MustCompile(`\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abeoprs]-[0-9A-Za-z-]{10,}`)},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_live_[0-9A-Za-z]{16,}`)},
	{signedToken, regexp.MustCompile(`\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}`)},
}

// assigned is a long value under a name that says it is a secret: in YAML,
// JSON, a table, a header or a form.
var assigned = regexp.MustCompile(`(?i)[\w-]*(?:secret|passw(?:or)?d|token|api_?-?key|private_?-?key|access_?-?key|authorization)[\w-]*["']?\s*[:=|]\s*(?:(?:basic|bearer)\s+)?["']?([0-9A-Za-z+/=_.~-]{32,})`)

// insideKey is a line of a private key, indented or not.
var insideKey = regexp.MustCompile(`^[ \t|]*([0-9A-Za-z+/=]{16,})`)

// secrets reports what looks like one, and remembers it: no finding shows it.
func (l *linter) secrets() {
	for room := range endings {
		for _, file := range l.names(room) {
			exempt := l.samples(file)
			inKey := false
			for i, line := range l.lines(file) {
				if m := insideKey.FindStringSubmatch(line); inKey && m != nil {
					l.hidden = append(l.hidden, m[1])
					continue
				}
				found := secretIn(line, exempt)
				inKey = found.what == privateKey
				if found.what == "" {
					continue
				}
				l.hidden = append(l.hidden, found.value)
				l.report(Error, place{file, i + 1, len([]rune(line[:found.at])) + 1, 0},
					"If it is real, revoke it, and take it out of the history too. A made-up sample serves as well.", "this looks like %s", found.what)
			}
		}
	}
	// The longest first: another may be a part of it.
	slices.SortFunc(l.hidden, func(a, b string) int { return len(b) - len(a) })
}

type found struct {
	what  string
	at    int // byte of the line
	value string
}

// secretIn finds what looks like a secret in a line and is no sample.
func secretIn(line string, exempt samples) found {
	for _, look := range looks {
		m := look.pattern.FindStringSubmatchIndex(line)
		if m == nil || contains(exempt.tokens, line[m[0]:m[1]]) || look.what == signedToken && contains(exempt.public, line[m[0]:m[1]]) {
			continue
		}
		return found{look.what, m[0], line[m[len(m)-2]:m[len(m)-1]]}
	}
	for _, m := range assigned.FindAllStringSubmatchIndex(line, -1) {
		value := line[m[2]:m[3]]
		if isRandom(value) && !contains(exempt.tokens, value) && !contains(exempt.public, value) {
			return found{"a secret", m[2], value}
		}
	}
	return found{}
}

func contains(texts []string, part string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) })
}

// isRandom tells values that a machine made from words, paths and the names
// of variables: letters and digits are mixed, and few of them repeat.
func isRandom(value string) bool {
	counts := map[rune]int{}
	letters, digits := 0, 0
	for _, c := range value {
		counts[c]++
		switch {
		case unicode.IsDigit(c):
			digits++
		case unicode.IsLetter(c):
			letters++
		}
	}
	entropy := 0.0
	for _, n := range counts {
		p := float64(n) / float64(len(value))
		entropy -= p * math.Log2(p)
	}
	const enough = 3.2 // bits a character; hexadecimal digits at random have nearly 4
	return letters >= 4 && digits >= 4 && entropy >= enough
}

// samples are what may look like a secret in a fixture.
type samples struct {
	tokens []string // of the token response: the simulator replaces them
	public []string // of a body that anyone can read in the documentation
}

func (l *linter) samples(file string) samples {
	parts := strings.Split(file, "/")
	if parts[0] != "fixtures" || len(parts) != 4 {
		return samples{}
	}
	f, err := simulator.ParseFixture(file, []byte(l.texts[file]))
	if err != nil {
		return samples{}
	}
	var s samples
	p := l.provider(parts[1])
	switch {
	case parts[2] != providers.TokenCall || parts[3] != "issued.http":
	case p == nil: // its file has mistakes: nobody knows where the token stands
		s.tokens = []string{string(f.Body)}
	default:
		for _, path := range []string{p.Auth.Response.AccessToken, p.Auth.Response.RefreshToken} {
			s.tokens = append(s.tokens, gjson.GetBytes(f.Body, path).Str)
		}
	}
	if f.BodyFrom.Kind == simulator.Documented {
		s.public = []string{string(f.Body)}
	}
	return s
}

// hide takes what looks like a secret out of a finding.
func (l *linter) hide(f *Finding) {
	before := f.Source[:offset(f.Source, f.Column-1)]
	f.shift = len([]rune(before)) - len([]rune(l.hideIn(before)))
	f.Source, f.Message, f.Advice = l.hideIn(f.Source), l.hideIn(f.Message), l.hideIn(f.Advice)
}

func (l *linter) hideIn(text string) string {
	const shown = 4
	for _, secret := range l.hidden {
		if len(secret) > shown {
			text = strings.ReplaceAll(text, secret, secret[:shown]+"…")
		}
	}
	return text
}
