package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v42"
	messages "github.com/cucumber/messages/go/v34"
	tagexpressions "github.com/cucumber/tag-expressions/go/v6"

	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// A Selection says which scenarios run. The zero value is all of them.
type Selection struct {
	Args  []string // providers, and paths as FILE, DIR or FILE:LINE
	Tags  string   // a tag expression: "@health and not @slow"
	Name  string   // text that the name of the scenario contains, in any case
	Shard Shard
}

// A Shard is one of several equal parts of a run. The zero value is all.
type Shard struct{ Index, Count int } // Index from 1

// ParseShard reads "2/5".
func ParseShard(text string) (Shard, error) {
	var s Shard
	index, count, found := strings.Cut(text, "/")
	i, errIndex := strconv.Atoi(index)
	n, errCount := strconv.Atoi(count)
	if !found || errIndex != nil || errCount != nil || i < 1 || n < i {
		return s, fmt.Errorf("want i/n with i from 1 to n, such as 2/5, got %q", text)
	}
	return Shard{i, n}, nil
}

// A Plan is the scenarios that a run is going to run.
type Plan struct {
	Workspace *Workspace
	Scenarios []*Scenario // by feature and line
	features  []*feature
}

// A Scenario is one that can be run: a scenario, or a row of an outline.
type Scenario struct {
	URI      string
	Line     int // of the scenario, or of the row of its examples
	Feature  string
	Rule     string
	Name     string
	Tags     []string
	Provider string // ID of the provider it speaks of; of none there is, what the file is named after
	Steps    []ScenarioStep

	first int // first line of the scenario it comes from, tags included
	last  int // last line of it
}

// A ScenarioStep is a step as written.
type ScenarioStep struct {
	Keyword, Text string
	Type          messages.PickleStepType
	Line, Column  int
	Rows          []int // lines of its table
	Cells         [][]string
}

// ID returns "uri:line", by which a scenario can be asked for again.
func (s *Scenario) ID() string { return s.URI + ":" + strconv.Itoa(s.Line) }

type feature struct {
	uri       string
	source    []byte
	scenarios []*Scenario
}

// NewPlan reads the features of the workspace and chooses from them.
func NewPlan(w *Workspace, sel Selection) (*Plan, error) {
	tags, err := parseTags(sel.Tags)
	if err != nil {
		return nil, fmt.Errorf("--tags %q: %w", sel.Tags, err)
	}
	files, needed, chosen, err := w.chosen(sel.Args)
	if err != nil {
		return nil, err
	}
	p := &Plan{Workspace: w}
	var problems []error
	n := 0
	for _, file := range files {
		f, err := readFeature(w, file)
		if err != nil {
			if needed(file) {
				problems = append(problems, err)
			}
			continue
		}
		p.features = append(p.features, f)
		for _, s := range f.scenarios {
			switch {
			case !chosen(s):
			case sel.Tags != "" && !tags.Evaluate(s.Tags):
			case sel.Name != "" && !strings.Contains(strings.ToLower(s.Name), strings.ToLower(sel.Name)):
			default:
				if n++; sel.Shard.Count == 0 || n%sel.Shard.Count == sel.Shard.Index%sel.Shard.Count {
					p.Scenarios = append(p.Scenarios, s)
				}
			}
		}
	}
	if len(problems) == 0 {
		problems = p.unspoken(sel.Args)
	}
	return p, errors.Join(problems...)
}

// unspoken names the providers among the arguments that no scenario speaks of.
func (p *Plan) unspoken(args []string) []error {
	spoken := map[string]bool{}
	for _, f := range p.features {
		for _, s := range f.scenarios {
			spoken[s.Provider] = true
		}
	}
	var problems []error
	for _, arg := range args {
		if pr, err := p.Workspace.Providers.Lookup(arg); err == nil && !isPath(arg) && !spoken[pr.ID] {
			problems = append(problems, fmt.Errorf("%s: no feature: write features/%s.feature", pr.ID, pr.ID))
		}
	}
	return problems
}

var betweenTags = regexp.MustCompile(`[\s()]+`)

// parseTags reads a tag expression. The library panics on some that are not
// complete.
func parseTags(text string) (tags tagexpressions.Evaluatable, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the expression is not complete: write for example '@health and not @slow'")
		}
	}()
	for _, word := range betweenTags.Split(text, -1) {
		if word != "" && word != "and" && word != "or" && word != "not" && !strings.HasPrefix(word, "@") {
			return nil, fmt.Errorf("a tag begins with @: write @%s", strings.TrimLeft(word, "~!@"))
		}
	}
	return tagexpressions.Parse(text)
}

// chosen resolves the arguments to feature files and a test for scenarios. A
// provider may be spoken of in any file; needed tells which must be readable: not
// those that are named after another provider.
func (w *Workspace) chosen(args []string) (files []string, needed func(string) bool, chosen func(*Scenario) bool, err error) {
	all, err := w.FeatureFiles()
	if err != nil {
		return nil, nil, nil, err
	}
	every := func(string) bool { return true }
	if len(args) == 0 {
		return all, every, func(*Scenario) bool { return true }, nil
	}
	asked := map[string]bool{} // IDs of providers
	within := map[string]bool{}
	var tests []func(*Scenario) bool
	for _, arg := range args {
		name, line := cutLine(arg)
		if !isPath(name) {
			p, err := w.Providers.Lookup(name)
			if err != nil {
				return nil, nil, nil, err
			}
			asked[p.ID] = true
			tests = append(tests, func(s *Scenario) bool { return s.Provider == p.ID })
			continue
		}
		uri := w.uri(name)
		in := func(file string) bool {
			return file == uri || strings.HasPrefix(file, strings.TrimSuffix(uri, "/")+"/") || uri == "."
		}
		matched := false
		for _, f := range all {
			if in(f) {
				within[f], matched = true, true
			}
		}
		if !matched {
			return nil, nil, nil, fmt.Errorf("no feature at %s%s", name, suggest.DidYouMean(uri, all))
		}
		tests = append(tests, func(s *Scenario) bool { return in(s.URI) && (line == 0 || s.covers(line)) })
	}
	needed = func(file string) bool {
		p := steps.SpeaksOf(w.Providers, file, nil)
		return within[file] || len(asked) > 0 && (p == nil || asked[p.ID])
	}
	files = all
	if len(asked) == 0 {
		files = slices.DeleteFunc(all, func(f string) bool { return !within[f] })
	}
	return files, needed, func(s *Scenario) bool {
		return slices.ContainsFunc(tests, func(test func(*Scenario) bool) bool { return test(s) })
	}, nil
}

// covers reports whether a line of the file means this scenario: a row of its
// outline means that row, any other line of it all rows.
func (s *Scenario) covers(line int) bool {
	if s.Line > s.lastStep() { // a row of an outline
		return line == s.Line || line >= s.first && line <= s.lastStep()
	}
	return line >= s.first && line <= s.last
}

func (s *Scenario) lastStep() int {
	last := s.first
	for _, st := range s.Steps {
		if st.Line >= s.first && st.Line <= s.last {
			last = max(last, st.Line)
			for _, r := range st.Rows {
				last = max(last, r)
			}
		}
	}
	return last
}

// FeatureFiles returns every feature of the workspace, as "features/…".
func (w *Workspace) FeatureFiles() ([]string, error) {
	var files []string
	err := fs.WalkDir(w.Features, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".feature") {
			files = append(files, path.Join("features", name))
		}
		return err
	})
	sort.Strings(files)
	return files, err
}

// uri turns a path of the user's into one of the workspace: it may be
// relative to the current directory, or to the workspace.
func (w *Workspace) uri(name string) string {
	if w.Dir != "" {
		dir, errDir := filepath.Abs(w.Dir)
		abs, errAbs := filepath.Abs(name)
		if _, err := os.Stat(abs); err == nil && errDir == nil && errAbs == nil {
			if rel, err := filepath.Rel(dir, abs); err == nil && !strings.HasPrefix(rel, "..") {
				return filepath.ToSlash(rel)
			}
		}
	}
	return path.Clean(filepath.ToSlash(name))
}

var lineSuffix = regexp.MustCompile(`^(.+):(\d+)$`)

func cutLine(arg string) (string, int) {
	if m := lineSuffix.FindStringSubmatch(arg); m != nil {
		if line, err := strconv.Atoi(m[2]); err == nil {
			return m[1], line
		}
	}
	return arg, 0
}

func isPath(arg string) bool {
	return strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".feature") || arg == "." || arg == "features"
}

// providerOf returns the ID that a feature file is named after: the file
// itself or the folder it stands in.
func providerOf(uri string) string {
	rest := strings.TrimPrefix(uri, "features/")
	if folder, _, found := strings.Cut(rest, "/"); found {
		return folder
	}
	return strings.TrimSuffix(rest, ".feature")
}

func readFeature(w *Workspace, uri string) (*feature, error) {
	source, err := w.ReadFeature(uri)
	if err != nil {
		return nil, err
	}
	return parseFeature(w.Providers, uri, source)
}

func parseFeature(catalogue *providers.Catalogue, uri string, source []byte) (*feature, error) {
	newID := (&messages.Incrementing{}).NewId
	document, found := ParseGherkin(uri, source, newID)
	if len(found) > 0 {
		var all []error
		for _, e := range found {
			all = append(all, e)
		}
		return nil, errors.Join(all...)
	}
	f := &feature{uri: uri, source: source}
	if document.Feature == nil {
		return f, nil
	}
	index := indexFeature(document.Feature, lines(source))
	for _, pickle := range gherkin.Pickles(*document, uri, newID) {
		s := index.scenario(uri, document.Feature, pickle)
		if p := steps.SpeaksOf(catalogue, uri, s.texts()); p != nil {
			s.Provider = p.ID
		}
		f.scenarios = append(f.scenarios, s)
	}
	return f, nil
}

// texts returns the texts of its steps.
func (s *Scenario) texts() []string {
	texts := make([]string, len(s.Steps))
	for i := range s.Steps {
		texts[i] = s.Steps[i].Text
	}
	return texts
}

func lines(source []byte) int { return bytes.Count(source, []byte("\n")) + 1 }

// An astIndex finds the nodes of a feature by ID.
type astIndex struct {
	scenarios map[string]*messages.Scenario
	rules     map[string]string // scenario ID to name of its rule
	steps     map[string]*messages.Step
	span      map[string][2]int // scenario ID to its first and last line
}

func indexFeature(f *messages.Feature, last int) *astIndex {
	x := &astIndex{map[string]*messages.Scenario{}, map[string]string{}, map[string]*messages.Step{}, map[string][2]int{}}
	var starts []int
	var order []*messages.Scenario
	background := func(b *messages.Background) {
		starts = append(starts, int(b.Location.Line))
		for _, st := range b.Steps {
			x.steps[st.Id] = st
		}
	}
	scenario := func(s *messages.Scenario, rule string) {
		starts = append(starts, firstLine(s.Location, s.Tags))
		order = append(order, s)
		x.scenarios[s.Id], x.rules[s.Id] = s, rule
		for _, st := range s.Steps {
			x.steps[st.Id] = st
		}
	}
	for _, c := range f.Children {
		switch {
		case c.Background != nil:
			background(c.Background)
		case c.Scenario != nil:
			scenario(c.Scenario, "")
		case c.Rule != nil:
			starts = append(starts, firstLine(c.Rule.Location, c.Rule.Tags))
			for _, rc := range c.Rule.Children {
				if rc.Background != nil {
					background(rc.Background)
				} else if rc.Scenario != nil {
					scenario(rc.Scenario, c.Rule.Name)
				}
			}
		}
	}
	sort.Ints(starts)
	for _, s := range order {
		first := firstLine(s.Location, s.Tags)
		end := last
		if i := sort.SearchInts(starts, first+1); i < len(starts) {
			end = starts[i] - 1
		}
		x.span[s.Id] = [2]int{first, end}
	}
	return x
}

func firstLine(at *messages.Location, tags []*messages.Tag) int {
	line := int(at.Line)
	for _, t := range tags {
		line = min(line, int(t.Location.Line))
	}
	return line
}

func (x *astIndex) scenario(uri string, f *messages.Feature, p *messages.Pickle) *Scenario {
	ast := x.scenarios[p.AstNodeIds[0]]
	span := x.span[ast.Id]
	s := &Scenario{
		URI: uri, Line: int(p.Location.Line), Feature: f.Name, Rule: x.rules[ast.Id], Name: p.Name,
		Provider: providerOf(uri), first: span[0], last: span[1],
	}
	for _, t := range p.Tags {
		s.Tags = append(s.Tags, t.Name)
	}
	for _, ps := range p.Steps {
		st := x.steps[ps.AstNodeIds[0]]
		step := ScenarioStep{Keyword: strings.TrimSpace(st.Keyword), Text: ps.Text, Type: ps.Type, Line: int(st.Location.Line), Column: int(st.Location.Column)}
		if st.DataTable != nil {
			for i, r := range st.DataTable.Rows {
				step.Rows = append(step.Rows, int(r.Location.Line))
				var cells []string
				if ps.Argument != nil && ps.Argument.DataTable != nil {
					for _, c := range ps.Argument.DataTable.Rows[i].Cells {
						cells = append(cells, c.Value)
					}
				}
				step.Cells = append(step.Cells, cells)
			}
		}
		s.Steps = append(s.Steps, step)
	}
	return s
}

// text returns the source of the feature with the lines of all scenarios that
// are not chosen blanked out, so that line numbers stay true: godog itself
// cannot select rows, shards or tag expressions.
func (f *feature) text(chosen map[*Scenario]bool) []byte {
	type span struct{ first, last int }
	keep := map[span]bool{}
	any := false
	for _, s := range f.scenarios {
		keep[span{s.first, s.last}] = keep[span{s.first, s.last}] || chosen[s]
		any = any || chosen[s]
	}
	if !any {
		return nil
	}
	out := bytes.Split(f.source, []byte("\n"))
	blank := func(first, last int) {
		for i := first; i <= last && i <= len(out); i++ {
			out[i-1] = nil
		}
	}
	for _, s := range f.scenarios {
		switch {
		case !keep[span{s.first, s.last}]:
			blank(s.first, s.last)
		case !chosen[s]: // a row of an outline
			blank(s.Line, s.Line)
		}
	}
	return bytes.Join(out, []byte("\n"))
}

// Prepend adds the scenarios of a feature that is not in the workspace; they
// run before all others.
func (p *Plan) Prepend(uri string, source []byte) error {
	f, err := parseFeature(p.Workspace.Providers, uri, source)
	if err != nil {
		return err
	}
	p.features = append([]*feature{f}, p.features...)
	p.Scenarios = append(slices.Clone(f.scenarios), p.Scenarios...)
	return nil
}

// Keep removes the scenarios that keep does not want, and returns how many
// are left.
func (p *Plan) Keep(keep func(*Scenario) bool) int {
	p.Scenarios = slices.DeleteFunc(p.Scenarios, func(s *Scenario) bool { return !keep(s) })
	return len(p.Scenarios)
}

// Providers returns the providers that the plan's scenarios speak of, by ID.
func (p *Plan) Providers() []*providers.Provider {
	used := map[string]bool{}
	for _, s := range p.Scenarios {
		used[s.Provider] = true
	}
	return slices.DeleteFunc(p.Workspace.Providers.All(), func(pr *providers.Provider) bool { return !used[pr.ID] })
}
