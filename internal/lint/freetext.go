package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	gherkin "github.com/cucumber/gherkin/go/v42"
	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/steps"
)

// Gherkin takes every line that begins with no keyword for free text, where
// free text may stand: below a heading. So a misspelt heading, or a misspelt
// first step, is legal, and what it was to check is never checked.

// freeText reports lines of free text that were meant as something else. It
// returns the steps among them by line, as they were meant.
func (f sheet) freeText(document *messages.GherkinDocument) map[int]steps.Line {
	meant := map[int]steps.Line{}
	structure := f.structure(document)
	lines := f.lines(f.file)
	dialect := gherkin.DialectsBuiltin().GetDialect(f.feature.Language)
	lost := false // below a heading that was reported: its steps are lost with it
	for i, text := range lines {
		n := i + 1
		switch {
		case strings.TrimSpace(text) == "":
		case structure[n] || n <= int(f.feature.Location.Line):
			lost = false
		default:
			below, at := nextLine(lines, n)
			if structure[at] {
				below = "" // no free text: it was not lost with this line
			}
			s := slip(dialect, text, below)
			if s.kind == "" || lost && s.kind == stepSlip {
				continue
			}
			lost = s.kind == headingSlip
			if s.kind == stepSlip {
				sentence, _ := steps.Mend(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), s.word)))
				meant[n] = steps.Line{Text: sentence}
			}
			f.report(Error, f.part(n, 1+indent(text), s.word), s.advice(), "%s", s.message())
		}
	}
	return meant
}

func indent(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

// structure returns the lines that the parser understood as more than text.
func (f sheet) structure(document *messages.GherkinDocument) map[int]bool {
	lines := map[int]bool{}
	mark := func(at *messages.Location) { lines[int(at.Line)] = true }
	tags := func(list []*messages.Tag) {
		for _, t := range list {
			mark(t.Location)
		}
	}
	written := func(list []*messages.Step) {
		for _, st := range list {
			mark(st.Location)
			if st.DataTable != nil {
				for _, r := range st.DataTable.Rows {
					mark(r.Location)
				}
			}
			if st.DocString != nil {
				f.markDocString(lines, st.DocString)
			}
		}
	}
	background := func(b *messages.Background) {
		if b != nil {
			mark(b.Location)
			written(b.Steps)
		}
	}
	for _, c := range document.Comments {
		mark(c.Location)
	}
	mark(f.feature.Location)
	tags(f.feature.Tags)
	for _, c := range f.feature.Children {
		background(c.Background)
		if c.Rule != nil {
			mark(c.Rule.Location)
			tags(c.Rule.Tags)
			for _, rc := range c.Rule.Children {
				background(rc.Background)
			}
		}
	}
	f.each(func(s *messages.Scenario) {
		mark(s.Location)
		tags(s.Tags)
		written(s.Steps)
		for _, e := range s.Examples {
			mark(e.Location)
			tags(e.Tags)
			if e.TableHeader != nil {
				mark(e.TableHeader.Location)
			}
			for _, r := range e.TableBody {
				mark(r.Location)
			}
		}
	})
	return lines
}

func (f sheet) markDocString(lines map[int]bool, d *messages.DocString) {
	first := int(d.Location.Line)
	for n := first; ; n++ {
		lines[n] = true
		if n > first && strings.HasPrefix(strings.TrimSpace(f.source(f.file, n)), d.Delimiter) || n == len(f.lines(f.file)) {
			return
		}
	}
}

// A slipped is a line that was meant as a heading or a step and is none.
type slipped struct {
	kind    string // headingSlip, stepSlip, or "" when it is prose
	word    string // what stands there
	keyword string // what was meant
}

const (
	headingSlip = "heading"
	stepSlip    = "step"
)

func (s slipped) message() string {
	what := "a step"
	if s.kind == headingSlip {
		what = "a heading"
	}
	if s.word == s.keyword {
		return fmt.Sprintf("%s cannot stand here: the line is free text, not %s", s.word, what)
	}
	return fmt.Sprintf("%q is no keyword: the line is free text, not %s", s.word, what)
}

func (s slipped) advice() string {
	switch {
	case s.word != s.keyword:
		return "Did you mean " + s.keyword + "? As it stands nothing runs."
	case s.kind == stepSlip:
		return "Write it below a Scenario: as it stands nothing runs."
	}
	if s.keyword == "Feature:" {
		return "A file has one feature: write another file."
	}
	return "Move it to where it can stand: examples stand below the steps of a scenario outline."
}

// slip tells what a line of free text was meant to be. below is the next line
// of the free text that is not empty. Prose must not trip it: a step has to be
// a sentence, and a heading must be more than alike.
func slip(d *gherkin.Dialect, text, below string) slipped {
	if s := slippedHeading(d, strings.TrimSpace(text), strings.TrimSpace(below)); s.kind != "" {
		return s
	}
	return slippedStep(d, strings.TrimSpace(text))
}

func slippedStep(d *gherkin.Dialect, text string) slipped {
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		return slipped{}
	}
	word := text[:end]
	best, bestDistance := slipped{}, 3
	for _, k := range d.StepKeywords() {
		k = strings.TrimSpace(k)
		if distance := keywordDistance(strings.TrimRight(word, ":"), k); k != "*" && distance < bestDistance {
			best, bestDistance = slipped{stepSlip, word, k}, distance
		}
	}
	if best.kind == "" {
		return best
	}
	if _, ok := steps.Mend(strings.TrimSpace(text[end:])); !ok {
		return slipped{}
	}
	if blank, _ := utf8.DecodeRuneInString(text[end:]); blank != ' ' { // a tab, say: Gherkin wants a blank
		best.word += string(blank)
	}
	return best
}

// keywordDistance is 0 only for the keyword itself: case counts, but little.
func keywordDistance(word, keyword string) int {
	distance := suggest.Distance(strings.ToLower(word), strings.ToLower(keyword))
	if distance == 0 && word != keyword {
		return 1
	}
	return distance
}

func slippedHeading(d *gherkin.Dialect, text, below string) slipped {
	head, name, colon := strings.Cut(text, ":")
	best, bestDistance := slipped{}, 3
	try := func(keywords []string, convincing func(word, keyword string) bool) {
		for _, k := range keywords {
			word := strings.TrimSpace(head)
			if !colon {
				word = firstWords(text, len(strings.Fields(k)))
			}
			distance := keywordDistance(word, k)
			if distance < bestDistance && (distance <= 1 || utf8.RuneCountInString(k) >= 7) && convincing(word, k) {
				best, bestDistance = slipped{headingSlip, word, k}, distance
			}
		}
	}
	stepsFollow := func(string, string) bool { return slippedStep(d, below).kind != "" }
	titled := func(word, keyword string) bool {
		return stepsFollow("", "") || colon && strings.TrimSpace(name) != "" && sameInitial(word, keyword) && !slices.Contains(d.ExamplesKeywords(), word)
	}
	try(d.ScenarioKeywords(), titled)
	try(d.ScenarioOutlineKeywords(), titled)
	try(d.BackgroundKeywords(), stepsFollow)
	try(d.RuleKeywords(), stepsFollow)
	try(d.FeatureKeywords(), func(word, keyword string) bool { return colon && word == keyword })
	try(d.ExamplesKeywords(), func(string, string) bool { return colon && strings.HasPrefix(below, "|") })
	if best.kind == "" {
		return best
	}
	if strings.HasPrefix(text, best.word+":") {
		best.word += ":"
	}
	best.keyword += ":"
	return best
}

func firstWords(text string, n int) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(n, len(fields))], " ")
}

// sameInitial holds for a word that begins with the keyword's capital: a
// heading has one, a word within prose has none.
func sameInitial(word, keyword string) bool {
	a, _ := utf8.DecodeRuneInString(word)
	b, _ := utf8.DecodeRuneInString(keyword)
	return a == b && !unicode.IsLower(a)
}
