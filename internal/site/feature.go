package site

import (
	"regexp"
	"strings"

	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/runner"
)

// A feature is the free text of a feature file.
type feature struct {
	name      string
	text      []Block
	scenarios map[string]string // description by name
}

func readFeature(w *runner.Workspace, uri string) (*feature, error) {
	source, err := w.ReadFeature(uri)
	if err != nil {
		return nil, err
	}
	document, problems := runner.ParseGherkin(uri, source, (&messages.Incrementing{}).NewId)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	f := &feature{scenarios: map[string]string{}}
	if document.Feature == nil {
		return f, nil
	}
	f.name, f.text = document.Feature.Name, blocks(document.Feature.Description)
	note := func(s *messages.Scenario) {
		if s != nil {
			f.scenarios[s.Name] = oneLine(s.Description)
		}
	}
	for _, c := range document.Feature.Children {
		note(c.Scenario)
		if c.Rule != nil {
			for _, rc := range c.Rule.Children {
				note(rc.Scenario)
			}
		}
	}
	return f, nil
}

// A Block is a paragraph of a free text, or a list.
type Block struct {
	Items []Inline // of a list
	Text  Inline
}

// An Inline is a text in which addresses are links.
type Inline []Span

// A Span is a piece of text, or an address.
type Span struct{ Text, URL string }

// blocks reads the free text of a feature: paragraphs, and lists whose items
// begin with a dash.
func blocks(description string) []Block {
	var out []Block
	var paragraph []string
	var items []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, Block{Text: inline(strings.Join(paragraph, " "))})
		}
		if len(items) > 0 {
			b := Block{}
			for _, item := range items {
				b.Items = append(b.Items, inline(item))
			}
			out = append(out, b)
		}
		paragraph, items = nil, nil
	}
	for line := range strings.Lines(description) {
		line = strings.TrimSpace(line)
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case line == "":
			flush()
		case isItem:
			if len(paragraph) > 0 {
				flush()
			}
			items = append(items, strings.TrimSpace(item))
		case len(items) > 0:
			items[len(items)-1] += " " + line
		default:
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return out
}

var address = regexp.MustCompile(`https://[^\s<>"'()]*[^\s<>"'().,;:!?]`)

func inline(text string) Inline {
	var out Inline
	last := 0
	for _, m := range address.FindAllStringIndex(text, -1) {
		if m[0] > last {
			out = append(out, Span{Text: text[last:m[0]]})
		}
		out = append(out, Span{Text: text[m[0]:m[1]], URL: text[m[0]:m[1]]})
		last = m[1]
	}
	if last < len(text) {
		out = append(out, Span{Text: text[last:]})
	}
	return out
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
