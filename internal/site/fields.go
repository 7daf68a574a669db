package site

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A Field is one value of a response body.
type Field struct {
	Path    string
	Type    string
	Example string
	Means   string // what the provider file says of it; may be empty
	Checks  []Check
}

// A Check is a scenario that looks at a field.
type Check struct {
	Expects  string // as the scenario says it
	Scenario *Scenario
}

// A Success is the response of a call when all is well.
type Success struct {
	Call    string
	Fixture *simulator.Fixture
	Fields  []*Field
	More    int // fields that are not listed
}

// Evidence says how well the body is known.
func (s *Success) Evidence() Evidence { return evidenceOf(s.Fixture) }

// Sources says where the response is known from.
func (s *Success) Sources() []Source { return sourcesOf(s.Fixture) }

// maxFields bounds a table; a body of more is data, not a contract.
const maxFields = 60

func newSuccess(p *providers.Provider, call string, f *simulator.Fixture) *Success {
	s := &Success{Call: call, Fixture: f}
	if !gjson.ValidBytes(f.Body) {
		return s
	}
	means := map[string]string{}
	if call == providers.TokenCall {
		means = tokenFields(p)
	}
	walkFields("", gjson.ParseBytes(f.Body), func(path string, v gjson.Result) {
		if len(s.Fields) == maxFields {
			s.More++
			return
		}
		s.Fields = append(s.Fields, &Field{Path: path, Type: typeOf(v), Example: exampleOf(v), Means: means[path]})
	})
	return s
}

// walkFields calls found for each value that holds no others, in the order of
// the body; of an array it looks at the first element.
func walkFields(path string, v gjson.Result, found func(path string, v gjson.Result)) {
	switch {
	case v.IsObject() && v.Raw != "{}":
		v.ForEach(func(key, value gjson.Result) bool {
			walkFields(join(path, gjson.Escape(key.Str)), value, found)
			return true
		})
	case v.IsArray() && v.Get("0").IsObject():
		walkFields(join(path, "#"), v.Get("0"), found)
	case path != "":
		found(path, v)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func typeOf(v gjson.Result) string {
	switch {
	case v.IsObject():
		return "object"
	case v.IsArray():
		return "array"
	case v.Type == gjson.True, v.Type == gjson.False:
		return "boolean"
	case v.Type == gjson.Number && !strings.ContainsAny(v.Raw, ".eE"):
		return "integer"
	}
	return strings.ToLower(v.Type.String())
}

// exampleOf is short: a token would fill a screen, and look like a secret.
func exampleOf(v gjson.Result) string {
	const longest = 40
	return cut(oneLine(v.Raw), longest)
}

// tokenFields is what the provider file says of a token response, by path.
func tokenFields(p *providers.Provider) map[string]string {
	r := p.Auth.Response
	means := map[string]string{
		r.TokenType: "type of the token", r.RefreshToken: "refresh token", r.Scope: "scopes that were granted" + joinedBy(p),
		r.ExpiresIn: "lifetime in seconds", r.ExpiresInMS: "lifetime in milliseconds",
		r.ExpiresAt: "when the token expires", r.ExpiresAtEpoch: "when the token expires, in seconds since 1970",
	}
	means[r.AccessToken] = "the access token, " + tokenForm(p)
	delete(means, "")
	return means
}

func tokenForm(p *providers.Provider) string {
	if p.Auth.Response.Form == "jwt" {
		return "a JWT"
	}
	return "an opaque string"
}

// addChecks notes which fields the scenario looks at.
func (s *Success) addChecks(p *providers.Provider, scenario *Scenario) {
	met := scenario.Meets == s.Call+"/ok" || scenario.Meets == s.Call+"/issued"
	for _, step := range scenario.Steps {
		if met && step.Text == "the response body has:" {
			for _, row := range step.Rows {
				if len(row) == 2 {
					s.check(row[0], row[1], scenario)
				}
			}
		}
		if s.Call != providers.TokenCall {
			continue
		}
		r := p.Auth.Response
		switch {
		case strings.HasPrefix(step.Text, "the access token lives for "):
			for _, path := range []string{r.ExpiresIn, r.ExpiresInMS, r.ExpiresAt, r.ExpiresAtEpoch} {
				s.check(path, strings.TrimPrefix(step.Text, "the access token "), scenario)
			}
		case strings.HasPrefix(step.Text, "the access token is "):
			s.check(r.AccessToken, strings.TrimPrefix(step.Text, "the access token is "), scenario)
		case strings.HasPrefix(step.Text, "the granted scope"):
			s.check(r.Scope, "what was asked for", scenario)
		}
	}
}

// check notes that a scenario looks at a path, or at what holds it.
func (s *Success) check(path, expects string, scenario *Scenario) {
	if path == "" {
		return
	}
	for _, f := range s.Fields {
		if f.Path != path && !strings.HasPrefix(f.Path, path+".") {
			continue
		}
		known := false
		for _, c := range f.Checks {
			known = known || c.Scenario.Name == scenario.Name || c.Expects == expects
		}
		if !known {
			f.Checks = append(f.Checks, Check{expects, scenario})
		}
	}
}

// A Scenario is one of a provider's, with what became of it.
type Scenario struct {
	ID      string // the anchor
	Name    string
	Text    string // free text
	URI     string
	Line    int
	Tags    []string
	Steps   []Step
	Meets   string // call/situation of the answer it is about; may be empty
	Outcome *outcome
}

// A Step is one line of a scenario.
type Step struct {
	Keyword, Text string
	Rows          [][]string
}

// Gherkin writes the scenario as a feature has it.
func (s *Scenario) Gherkin() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Scenario: %s\n", s.Name)
	for _, st := range s.Steps {
		fmt.Fprintf(&b, "  %s %s\n", st.Keyword, st.Text)
		writeRows(&b, st.Rows)
	}
	return b.String()
}

var gherkinCell = strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", `\n`)

func writeRows(b *strings.Builder, rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(gherkinCell.Replace(cell)))
		}
	}
	for _, row := range rows {
		b.WriteString("    |")
		for i, cell := range row {
			cell = gherkinCell.Replace(cell)
			fmt.Fprintf(b, " %s%s |", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		b.WriteByte('\n')
	}
}

// Verdict is what became of it, or "" when no run shown has it.
func (s *Scenario) Verdict() check.Verdict {
	if s.Outcome == nil {
		return ""
	}
	return s.Outcome.Verdict
}
