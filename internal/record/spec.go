package record

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

// A Pin is a place of an answer whose values a feature spells out.
type Pin struct {
	Call     string         // whose answers it is about
	Path     string         // gjson path of the body
	Literals []gjson.Result // one of them stands there
}

// Admits reports whether v is one of the literals.
func (p *Pin) Admits(v gjson.Result) bool {
	for _, want := range p.Literals {
		if v.Type == want.Type && sameJSON(v.Raw, want.Raw) {
			return true
		}
	}
	return false
}

// String returns the literals as a feature writes them.
func (p *Pin) String() string {
	if len(p.Literals) == 1 {
		return p.Literals[0].Raw
	}
	var list []string
	for _, l := range p.Literals {
		list = append(list, l.Raw)
	}
	return "one of " + strings.Join(list, ", ")
}

var callSentence = regexp.MustCompile(`^I call "([^"]+)"`)

var errorSentence = regexp.MustCompile(`^the error is "([^"]+)"$`)

// Pins returns what a scenario spells out of the body of its answer.
func Pins(s *runner.Scenario, p *providers.Provider) []Pin {
	var pins []Pin
	call := providers.TokenCall
	for i := range s.Steps {
		step := &s.Steps[i]
		if m := callSentence.FindStringSubmatch(step.Text); m != nil {
			call = m[1]
		}
		if m := errorSentence.FindStringSubmatch(step.Text); m != nil && p.Auth.Error != "" {
			raw, _ := json.Marshal(m[1]) // a string cannot fail
			pins = append(pins, Pin{call, p.Auth.Error, []gjson.Result{gjson.ParseBytes(raw)}})
		}
		if step.Text != "the response body has:" {
			continue
		}
		for _, cells := range step.Cells {
			if len(cells) != 2 {
				continue
			}
			if literals := literalsOf(cells[1]); literals != nil {
				pins = append(pins, Pin{call, cells[0], literals})
			}
		}
	}
	return pins
}

// literalsOf reads an expectation that spells values out; nil: it does not.
func literalsOf(expectation string) []gjson.Result {
	list, isList := strings.CutPrefix(expectation, "one of ")
	if isList && json.Valid([]byte("["+list+"]")) {
		return gjson.Parse("[" + list + "]").Array()
	}
	if json.Valid([]byte(expectation)) {
		return []gjson.Result{gjson.Parse(expectation)}
	}
	return nil
}

var headerSentence = regexp.MustCompile(`^the response header "([^"]+)" is `)

// headersNamed returns the response headers that the plan's scenarios speak of.
func headersNamed(plan *runner.Plan) []string {
	var names []string
	for _, s := range plan.Scenarios {
		for i := range s.Steps {
			if m := headerSentence.FindStringSubmatch(s.Steps[i].Text); m != nil {
				names = append(names, m[1])
			}
		}
	}
	return names
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	canonical := func(v any) string {
		encoded, _ := json.Marshal(v) // it was JSON; keys come out sorted
		return string(encoded)
	}
	return canonical(x) == canonical(y)
}
