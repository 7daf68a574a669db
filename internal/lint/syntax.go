package lint

import (
	"fmt"
	"strings"
	"unicode/utf8"

	gherkin "github.com/cucumber/gherkin/go/v42"
	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/runner"
)

// parse returns a feature file that can be read and has a feature; what is
// wrong with another is reported.
func (l *linter) parse(file string) *messages.GherkinDocument {
	document, found := runner.ParseGherkin(file, []byte(l.texts[file]), (&messages.Incrementing{}).NewId)
	if len(found) > 0 {
		l.syntax(file, found)
		return nil
	}
	if document.Feature == nil {
		l.report(Error, place{file: file}, "Begin it with a line such as Feature: Antsomi access tokens.", "there is no feature in this file")
		return nil
	}
	return document
}

// syntax reports lines that the parser cannot read, in words for people.
func (l *linter) syntax(file string, found []*runner.SyntaxError) {
	lines := l.lines(file)
	for _, e := range found {
		at := place{file: file, line: e.Line, column: e.Column}
		if e.Column == 0 {
			at = place{file: file}
		}
		message, got := e.Message, ""
		if expected, rest, isExpected := strings.Cut(message, ", got '"); isExpected {
			got = strings.TrimSpace(strings.TrimSuffix(rest, "'"))
			message = "cannot read this line here: " + readable(expected)
			at.width = utf8.RuneCountInString(got)
		}
		advice := ""
		if before, expected, isEnd := strings.Cut(message, ", expected: "); isEnd {
			message = before + ": " + readable(expected)
		}
		if strings.Contains(e.Message, "#FeatureLine") {
			advice = "A file begins with Feature: and its title."
		}
		below, _ := nextLine(lines, e.Line)
		if s := slip(gherkin.DialectsBuiltin().GetDialect(gherkin.DefaultDialect), got, below); s.kind != "" {
			message = fmt.Sprintf("%q is no keyword, and free text cannot stand here", s.word)
			advice = "Did you mean " + s.keyword + "?"
			if s.word == s.keyword {
				message, advice = s.word+" cannot stand here", s.advice()
			}
			at.width = utf8.RuneCountInString(s.word)
		}
		l.report(Error, at, advice, "%s", message)
		if strings.Contains(e.Message, "#FeatureLine") {
			return // without its first line, the parser understands none
		}
	}
}

// nextLine returns the next line that is not empty, and its number.
func nextLine(lines []string, after int) (string, int) {
	for i := after; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) != "" {
			return lines[i], i + 1
		}
	}
	return "", 0
}

// tokens are what the parser expects, as people call it; the others go
// without saying.
var tokens = map[string]string{
	"#FeatureLine":        "Feature:",
	"#RuleLine":           "Rule:",
	"#ScenarioLine":       "Scenario:",
	"#ExamplesLine":       "Examples:",
	"#BackgroundLine":     "Background:",
	"#StepLine":           "a step",
	"#TagLine":            "a tag",
	"#TableRow":           "a row of a table",
	"#DocStringSeparator": `"""`,
}

func readable(expected string) string {
	var words []string
	for token := range strings.SplitSeq(strings.TrimPrefix(expected, "expected: "), ", ") {
		if word := tokens[token]; word != "" {
			words = append(words, word)
		}
	}
	if len(words) < 2 {
		return "want " + strings.Join(words, "")
	}
	return "want " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
