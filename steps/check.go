package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A Line is one step of a scenario as it stands in a feature.
type Line struct {
	// Keyword is Given, When or Then; for And and But the one they continue.
	// Empty: nothing says.
	Keyword   string
	Text      string
	Table     [][]string // nil: it has none
	DocString bool       // it has one
}

// A Mistake is what is wrong with a line whatever the provider answers.
type Mistake struct {
	Line    int    // index in the scenario
	Row     int    // index in the line's table, or -1
	Part    string // the words that are wrong; empty: all of the line or row
	Cause   string // as in a result: "undefined_step", "unknown_call"
	Message string
	Advice  string
}

// Check reads a scenario of the file uri without sending a request, and
// returns every mistake in it. It returns the provider that the scenario
// speaks of too, or nil when that cannot be told.
//
// The sentences themselves are asked: each says what is wrong with the spec
// before it sends anything, and here nobody answers when it does.
//
// Of fixtures it reads the schemas only: a scenario is no less right when the
// provider's answers cannot be read.
func Check(catalogue *providers.Catalogue, fixtures fs.FS, uri string, scenario []Line) ([]Mistake, *providers.Provider) {
	vocabulary := New(Options{
		Providers: catalogue,
		Fixtures:  schemas{fixtures},
		Wrap:      func(http.RoundTripper) http.RoundTripper { return nobody{} },
		Secret:    func(string, string) {},
		Redact:    func(text string) string { return text },
	})
	c := checker{scenario: newScenario(vocabulary, &godog.Scenario{Uri: uri})}
	for i := range scenario {
		c.line(i, &scenario[i])
	}
	if c.lost {
		return c.mistakes, nil
	}
	return c.mistakes, c.provider
}

// A checker is a scenario that sends nothing, and goes on after a mistake as
// if the line had been right.
type checker struct {
	*scenario
	mistakes []Mistake
	// lost: nobody can tell which provider the scenario speaks of. That was
	// said; what depends on it is not looked at.
	lost bool
}

func (c *checker) line(i int, l *Line) {
	sentence, err := sentenceOf(l)
	keyword := l.Keyword
	if sentence != nil {
		keyword = sentence.Keyword
	}
	if keyword == "Then" {
		c.settle()
	}
	switch {
	case err != nil:
		c.note(i, -1, err)
	case sentence.Table != nil:
		for row, cells := range l.Table {
			if c.lost && slices.ContainsFunc(cells, isOwnValue) {
				continue
			}
			err := sentence.ask(c.scenario, nil, tableOf(cells))
			c.note(i, row, err, cells...)
		}
	case !c.lost || keyword == "Then":
		groups := sentence.Pattern.FindStringSubmatch(l.Text)[1:]
		err := sentence.ask(c.scenario, groups, nil)
		c.note(i, -1, err, groups...)
	}
	if keyword == "Given" || keyword == "When" {
		c.settle()
	}
	if keyword == "When" {
		request, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody) // cannot fail
		c.last = &providers.Response{Request: request, Body: []byte("{}")}
	}
}

// settle gives the scenario a provider and credentials if it has none by now.
func (c *checker) settle() {
	if c.provider == nil && c.use("") != nil {
		c.lost = true
		c.provider = &providers.Provider{}
		c.client = &providers.Client{Provider: c.provider}
		c.judge, _ = simulator.New(c.provider, schemas{c.vocabulary.opts.Fixtures}) // without fixtures it cannot fail
	}
	switch {
	case c.creds != nil || c.pinned:
	case c.lost:
		c.creds = providers.Credentials{}
	default:
		c.creds = c.judge.Credentials()
	}
}

// note keeps err if it is a mistake of the spec. parts are the words that it
// may be about.
func (c *checker) note(line, row int, err error, parts ...string) {
	var f *check.Failure
	if !errors.As(err, &f) || f.Verdict != check.Invalid || f.Cause == check.Request || c.lost && f.Cause == check.MissingFixture {
		return
	}
	m := Mistake{Line: line, Row: row, Cause: string(f.Cause), Message: f.Message, Advice: f.Advice}
	for _, part := range parts {
		if len(part) > len(m.Part) && quotes(f.Message, part) {
			m.Part = part
		}
	}
	if last := len(c.mistakes) - 1; last >= 0 && row > 0 && c.mistakes[last].Line == line && c.mistakes[last].Message == m.Message && m.Part == "" {
		return // not about the row but about the table: once is enough
	}
	c.mistakes = append(c.mistakes, m)
}

// quotes reports whether a message names the words it is about.
func quotes(message, words string) bool {
	return strings.Contains(message, `"`+words+`"`) || strings.HasSuffix(message, words) ||
		strings.HasPrefix(message, words+" ") || strings.HasPrefix(message, words+":")
}

// sentenceOf finds the sentence that a line is, as godog does. The sentence
// may be known although something is wrong with the line.
func sentenceOf(l *Line) (*Sentence, error) {
	var found []*Sentence
	for i := range sentences {
		if s := &sentences[i]; (l.Keyword == "" || l.Keyword == s.Keyword) && s.Pattern.MatchString(l.Text) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		message, advice := Undefined(l.Keyword, l.Text)
		return sentenceMatching(l.Text), invalid(check.UndefinedStep, message, advice)
	case 1:
		return found[0], found[0].wants(len(l.Table) > 0, l.DocString)
	}
	var forms []string
	for _, s := range found {
		forms = append(forms, s.Keyword+" "+s.Form)
	}
	return found[0], invalid(check.AmbiguousStep, "several sentences match this line: "+strings.Join(forms, "; "), "Say it in other words.")
}

// wants says what is wrong with what stands below a sentence: godog itself
// would not say that nobody reads it.
func (st *Sentence) wants(table, docString bool) error {
	switch {
	case docString:
		return invalid(check.BadStep, "no sentence takes a text between quotation marks", "Remove it; what is expected of a body stands in a table below: the response body has:.")
	case table && st.Table == nil:
		return invalid(check.BadStep, "this sentence takes no table: nothing would look at it", `Write the table below "the response body has:" or "the request carried:".`)
	case !table && st.Table != nil:
		return invalid(check.BadStep, "this sentence wants a table", "Write a row for each expectation: "+st.Table[0])
	}
	return nil
}

// belowSentence says what is wrong with what stands below the sentence of a
// step.
func (v *Vocabulary) belowSentence(step *godog.Step) error {
	table := step.Argument != nil && step.Argument.DataTable != nil
	docString := step.Argument != nil && step.Argument.DocString != nil
	for _, s := range v.sentencesOf(step.Text) {
		if err := s.wants(table, docString); err != nil {
			return err
		}
	}
	return nil
}

// ask runs the sentence outside of godog.
func (st *Sentence) ask(s *scenario, groups []string, table *godog.Table) error {
	ctx := context.Background()
	switch run := st.run.(type) {
	case func(*scenario, context.Context) error:
		return run(s, ctx)
	case func(*scenario, context.Context, string) error:
		return run(s, ctx, groups[0])
	case func(*scenario, context.Context, string, string) error:
		return run(s, ctx, groups[0], groups[1])
	case func(*scenario, context.Context, string, string, string) error:
		return run(s, ctx, groups[0], groups[1], groups[2])
	case func(*scenario, context.Context, *godog.Table) error:
		return run(s, ctx, table)
	default:
		panic(fmt.Sprintf("sentence %q has a function of type %T", st.Form, st.run))
	}
}

func tableOf(cells []string) *godog.Table {
	row := &messages.PickleTableRow{}
	for _, c := range cells {
		row.Cells = append(row.Cells, &messages.PickleTableCell{Value: c})
	}
	return &godog.Table{Rows: []*messages.PickleTableRow{row}}
}

func isOwnValue(cell string) bool { return strings.HasPrefix(cell, "its ") }

// nobody carries no request.
type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is sent")
}

// schemas shows all fixtures but the answers.
type schemas struct{ fs.FS }

func isAnswer(name string) bool { return path.Ext(name) == ".http" }

func (s schemas) Open(name string) (fs.File, error) {
	if isAnswer(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return s.FS.Open(name)
}

func (s schemas) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(s.FS, name)
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return isAnswer(e.Name()) }), err
}
