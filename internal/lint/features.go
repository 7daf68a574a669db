package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	gherkin "github.com/cucumber/gherkin/go/v42"
	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/steps"
)

// features reports mistakes in features, and providers that have none.
func (l *linter) features() {
	titles := map[string]string{} // file by title
	for _, file := range l.names("features") {
		for part := range strings.SplitSeq(strings.TrimSuffix(file, ".feature"), "/") {
			if p, err := l.catalogue.Lookup(part); err == nil {
				l.spoken[p.ID] = true // named after it: what is wrong inside is said there
			}
		}
		document := l.parse(file)
		if document == nil {
			continue
		}
		f := sheet{l, file, document.Feature}
		if other, taken := titles[document.Feature.Name]; taken {
			f.report(Warning, f.at(f.feature.Location, f.feature.Keyword), "Reports group scenarios by it: give each feature a title of its own.", "%s has the same title", other)
		}
		titles[document.Feature.Name] = file
		meant := f.freeText(document)
		f.scenarios()
		f.steps(document, meant)
	}
	for _, p := range l.catalogue.All() {
		if !l.spoken[p.ID] {
			l.report(Warning, place{file: fileOf(p)}, fmt.Sprintf("Write features/%s.feature.", p.ID), "no feature speaks of %s", p.Name)
		}
	}
}

// A sheet is one feature file.
type sheet struct {
	*linter
	file    string
	feature *messages.Feature
}

// at is the place of a node that begins with that text.
func (f sheet) at(where *messages.Location, text string) place {
	return place{f.file, int(where.Line), int(where.Column), utf8.RuneCountInString(text)}
}

// part is the place of those words on a line, or else all that stands there
// from column on.
func (f sheet) part(line, column int, words string) place {
	source := f.source(f.file, line)
	from := offset(source, column-1)
	if at := strings.Index(source[from:], words); words != "" && at >= 0 {
		column += utf8.RuneCountInString(source[from : from+at])
		return place{f.file, line, column, utf8.RuneCountInString(words)}
	}
	return place{f.file, line, column, utf8.RuneCountInString(strings.TrimRight(source[from:], " \t"))}
}

// each calls visit for every scenario.
func (f sheet) each(visit func(*messages.Scenario)) {
	for _, c := range f.feature.Children {
		if c.Scenario != nil {
			visit(c.Scenario)
		}
		if c.Rule == nil {
			continue
		}
		for _, rc := range c.Rule.Children {
			if rc.Scenario != nil {
				visit(rc.Scenario)
			}
		}
	}
}

// scenarios reports what is wrong with the scenarios as such.
func (f sheet) scenarios() {
	names := map[string]int64{}
	n := 0
	f.each(func(s *messages.Scenario) {
		n++
		heading := f.at(s.Location, s.Keyword)
		if line, taken := names[s.Name]; taken {
			f.report(Error, f.part(heading.line, heading.column, s.Name), "Results are told apart by it: give each scenario a name of its own.", "the scenario of line %d has the same name", line)
		}
		names[s.Name] = s.Location.Line
		if strings.TrimSpace(s.Name) == "" {
			f.report(Error, heading, "Say in a sentence what the provider does.", "the scenario has no name")
		}
		if len(s.Steps) == 0 {
			f.report(Error, heading, "Write its steps, or remove it.", "the scenario has no steps: nothing runs")
			return
		}
		if !slices.ContainsFunc(s.Steps, func(st *messages.Step) bool {
			return st.KeywordType == messages.StepKeywordType_OUTCOME || st.KeywordType == messages.StepKeywordType_UNKNOWN
		}) {
			f.report(Error, heading, "Add a Then: what can be observed.", "the scenario has no Then: it checks nothing")
		}
		f.examples(s)
	})
	if n == 0 {
		f.report(Error, f.at(f.feature.Location, f.feature.Keyword), "Write a scenario: authspec steps lists the sentences.", "the feature has no scenarios: nothing runs")
	}
}

var placeholder = regexp.MustCompile(`<([\pL_][\pL\pN_ -]*)>`)

// examples reports rows that never run, and names in angle brackets that no
// column fills: they would be sent as they stand.
func (f sheet) examples(s *messages.Scenario) {
	heading := f.at(s.Location, s.Keyword)
	outline := slices.Contains(gherkin.DialectsBuiltin().GetDialect(f.feature.Language).ScenarioOutlineKeywords(), s.Keyword)
	if outline && len(s.Examples) == 0 {
		f.report(Error, heading, "Add Examples: with a table, or write Scenario:.", "the outline has no examples: its names in angle brackets stay as they are")
	}
	for _, e := range s.Examples {
		if len(e.TableBody) == 0 {
			f.report(Error, f.at(e.Location, e.Keyword), "Add a row for each scenario.", "the examples have no rows: nothing runs")
		}
		var columns []string
		if e.TableHeader != nil {
			for _, c := range e.TableHeader.Cells {
				columns = append(columns, c.Value)
			}
		}
		check := func(at *messages.Location, text string) {
			for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
				if e.TableHeader != nil && !slices.Contains(columns, m[1]) {
					f.report(Error, f.part(int(at.Line), int(at.Column), m[0]), "The columns are "+strings.Join(columns, ", ")+".",
						"no column of the examples is called %s%s", m[1], suggest.DidYouMean(m[1], columns))
				}
			}
		}
		check(s.Location, s.Name)
		for _, st := range s.Steps {
			check(st.Location, st.Text)
			if st.DataTable == nil {
				continue
			}
			for _, row := range st.DataTable.Rows {
				for _, c := range row.Cells {
					check(c.Location, c.Value)
				}
			}
		}
	}
}

// steps asks the vocabulary about every scenario, rows of outlines included.
// meant are steps that were lost to free text: what follows is read as if they
// stood there.
func (f sheet) steps(document *messages.GherkinDocument, meant map[int]steps.Line) {
	written := map[string]*messages.Step{}
	lost := map[string][]steps.Line{} // by the ID of the scenario
	keep := func(list []*messages.Step) {
		for _, st := range list {
			written[st.Id] = st
		}
	}
	f.each(func(s *messages.Scenario) {
		keep(s.Steps)
		for n := s.Location.Line; len(s.Steps) > 0 && n < s.Steps[0].Location.Line; n++ {
			if line, ok := meant[int(n)]; ok {
				lost[s.Id] = append(lost[s.Id], line)
			}
		}
	})
	for _, c := range f.feature.Children {
		if c.Background != nil {
			keep(c.Background.Steps)
		}
		if c.Rule == nil {
			continue
		}
		for _, rc := range c.Rule.Children {
			if rc.Background != nil {
				keep(rc.Background.Steps)
			}
		}
	}

	unnamed := false // said once: no sentence of this file names a provider
	for _, pickle := range gherkin.Pickles(*document, f.file, (&messages.Incrementing{}).NewId) {
		before := lost[pickle.AstNodeIds[0]]
		lines := slices.Clone(before)
		for _, st := range pickle.Steps {
			lines = append(lines, lineOf(st))
		}
		mistakes, about := steps.Check(f.catalogue, f.files.Fixtures, f.file, lines)
		if about != nil {
			f.spoken[about.ID] = true
		}
		for _, m := range mistakes {
			if m.Line -= len(before); m.Line < 0 {
				continue
			}
			if strings.HasPrefix(m.Message, "fixtures/") {
				continue // a schema with mistakes: reported where it stands
			}
			if m.Cause == string(check.UnknownProvider) {
				if f.isBroken(m.Part) || m.Part == "" && unnamed {
					continue
				}
				unnamed = unnamed || m.Part == ""
			}
			// A run shows one mistake and lists what could stand there; here
			// that would come with each.
			message, _, _ := strings.Cut(m.Message, ": write a JSON literal or one of: ")
			f.report(Error, f.placeOf(written[pickle.Steps[m.Line].AstNodeIds[0]], m), m.Advice, "%s", message)
		}
	}
}

// isBroken reports whether a name, or the file itself when there is none,
// means a provider whose own file has mistakes. Those are reported.
func (f sheet) isBroken(name string) bool {
	if name != "" {
		return f.broken[strings.ToLower(name)]
	}
	return slices.ContainsFunc(strings.Split(strings.TrimSuffix(f.file, ".feature"), "/"), func(part string) bool { return f.broken[part] })
}

var keywordOf = map[messages.PickleStepType]string{
	messages.PickleStepType_CONTEXT: "Given",
	messages.PickleStepType_ACTION:  "When",
	messages.PickleStepType_OUTCOME: "Then",
}

func lineOf(st *messages.PickleStep) steps.Line {
	line := steps.Line{Keyword: keywordOf[st.Type], Text: st.Text}
	if st.Argument == nil {
		return line
	}
	line.DocString = st.Argument.DocString != nil
	if st.Argument.DataTable == nil {
		return line
	}
	for _, row := range st.Argument.DataTable.Rows {
		var cells []string
		for _, c := range row.Cells {
			cells = append(cells, c.Value)
		}
		line.Table = append(line.Table, cells)
	}
	return line
}

// placeOf is where in the file a mistake of the vocabulary stands.
func (f sheet) placeOf(st *messages.Step, m steps.Mistake) place {
	if m.Row < 0 {
		column := int(st.Location.Column)
		if m.Cause != string(check.UndefinedStep) || m.Part != "" {
			column += utf8.RuneCountInString(st.Keyword)
		}
		return f.part(int(st.Location.Line), column, m.Part)
	}
	row := st.DataTable.Rows[m.Row]
	for _, c := range row.Cells {
		if c.Value == m.Part {
			return f.part(int(c.Location.Line), int(c.Location.Column), m.Part)
		}
	}
	return f.part(int(row.Location.Line), int(row.Location.Column), "")
}
