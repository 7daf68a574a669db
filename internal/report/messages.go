package report

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"time"

	messages "github.com/cucumber/messages/go/v34"

	"github.com/authspec/authspec/internal/check"
)

// writeMessages writes Cucumber messages, an envelope a line, as the official
// formatters read them: https://github.com/cucumber/messages. Each scenario of
// the run is a scenario of theirs; a row of an outline is one of its own.
//
// Cucumber has no word for a verdict that could not be told, so it is PENDING:
// not passed, and nobody's failure.
func writeMessages(w io.Writer, run *check.Run) error {
	m := &messenger{newID: (&messages.Incrementing{}).NewId}
	m.send(&messages.Envelope{Meta: meta(run)})
	documents, cases := m.documents(run)
	for _, d := range documents {
		m.send(&messages.Envelope{GherkinDocument: d})
	}
	for _, c := range cases {
		m.send(&messages.Envelope{Pickle: c.pickle})
	}
	runID := m.newID()
	m.send(&messages.Envelope{TestRunStarted: &messages.TestRunStarted{Id: runID, Timestamp: timestamp(run.Started)}})
	hook := m.newID()
	for _, c := range cases {
		if m.plan(c, runID, hook) && !m.hooked {
			m.hooked = true
			m.send(&messages.Envelope{Hook: &messages.Hook{Id: hook, Name: "verdict", Type: messages.HookType_AFTER_TEST_CASE, SourceReference: &messages.SourceReference{Uri: "authspec"}}})
		}
	}
	for _, c := range cases {
		m.send(&messages.Envelope{TestCase: c.testCase})
	}
	for _, c := range cases {
		m.perform(c, run)
	}
	m.send(&messages.Envelope{TestRunFinished: &messages.TestRunFinished{
		TestRunStartedId: runID, Success: run.ExitCode() == check.ExitOK, Message: meaning(run), Timestamp: timestamp(run.Started.Add(run.Duration)),
	}})
	if m.err != nil {
		return m.err
	}
	_, err := w.Write(printable(m.out.Bytes()))
	return err
}

// A messenger gives out IDs and collects envelopes.
type messenger struct {
	newID  func() string
	out    bytes.Buffer
	hooked bool
	err    error
}

func (m *messenger) send(e *messages.Envelope) {
	line, err := json.Marshal(e) // escapes <, > and &: a page may hold the line
	if err != nil && m.err == nil {
		m.err = err
	}
	m.out.Write(line)
	m.out.WriteByte('\n')
}

func meta(run *check.Run) *messages.Meta {
	return &messages.Meta{
		ProtocolVersion: protocolVersion,
		Implementation:  &messages.Product{Name: "authspec", Version: inert(run.Version)},
		Runtime:         &messages.Product{Name: "go", Version: strings.TrimPrefix(runtime.Version(), "go")},
		Os:              &messages.Product{Name: runtime.GOOS},
		Cpu:             &messages.Product{Name: runtime.GOARCH},
	}
}

// protocolVersion is that of the messages module in go.mod.
const protocolVersion = "34.2.0"

// A messageCase is one result on its way to a test case.
type messageCase struct {
	result   *check.Result
	pickle   *messages.Pickle
	testCase *messages.TestCase
	verdict  bool // its last step is the hook that says the verdict
}

// documents puts the scenarios back into the features they came from.
func (m *messenger) documents(run *check.Run) ([]*messages.GherkinDocument, []*messageCase) {
	var documents []*messages.GherkinDocument
	var cases []*messageCase
	rules := map[string]*messages.Rule{}
	for i := range run.Results {
		r := &run.Results[i]
		uri := label(r.URI)
		n := len(documents)
		if n == 0 || documents[n-1].Uri != uri {
			documents = append(documents, &messages.GherkinDocument{Uri: uri, Comments: []*messages.Comment{}, Feature: &messages.Feature{
				Location: location(1, 1), Tags: []*messages.Tag{}, Language: "en", Keyword: "Feature", Name: label(r.Feature), Children: []*messages.FeatureChild{},
			}})
			rules = map[string]*messages.Rule{}
		}
		feature := documents[len(documents)-1].Feature
		scenario, pickle := m.scenario(r, uri)
		cases = append(cases, &messageCase{result: r, pickle: pickle})
		if r.Rule == "" {
			feature.Children = append(feature.Children, &messages.FeatureChild{Scenario: scenario})
			continue
		}
		rule := rules[r.Rule]
		if rule == nil {
			rule = &messages.Rule{Id: m.newID(), Location: location(r.Line, 1), Tags: []*messages.Tag{}, Keyword: "Rule", Name: label(r.Rule)}
			rules[r.Rule] = rule
			feature.Children = append(feature.Children, &messages.FeatureChild{Rule: rule})
		}
		rule.Children = append(rule.Children, &messages.RuleChild{Scenario: scenario})
	}
	return documents, cases
}

func (m *messenger) scenario(r *check.Result, uri string) (*messages.Scenario, *messages.Pickle) {
	s := &messages.Scenario{
		Id: m.newID(), Location: location(r.Line, 3), Keyword: "Scenario", Name: label(r.Scenario),
		Tags: []*messages.Tag{}, Steps: []*messages.Step{}, Examples: []*messages.Examples{},
	}
	p := &messages.Pickle{
		Id: m.newID(), Uri: uri, Location: s.Location, Name: s.Name, Language: "en",
		Steps: []*messages.PickleStep{}, Tags: []*messages.PickleTag{}, AstNodeIds: []string{s.Id},
	}
	for _, name := range r.Tags {
		tag := &messages.Tag{Id: m.newID(), Location: s.Location, Name: label(name)}
		s.Tags = append(s.Tags, tag)
		p.Tags = append(p.Tags, &messages.PickleTag{Name: tag.Name, AstNodeId: tag.Id})
	}
	kind := messages.PickleStepType_UNKNOWN
	for i := range r.Steps {
		written := &r.Steps[i]
		step := &messages.Step{
			Id: m.newID(), Location: location(written.Line, written.Column), Keyword: inert(written.Keyword) + " ", Text: inert(written.Text),
			KeywordType: messages.StepKeywordType_CONJUNCTION,
		}
		switch written.Keyword {
		case "Given":
			kind, step.KeywordType = messages.PickleStepType_CONTEXT, messages.StepKeywordType_CONTEXT
		case "When":
			kind, step.KeywordType = messages.PickleStepType_ACTION, messages.StepKeywordType_ACTION
		case "Then":
			kind, step.KeywordType = messages.PickleStepType_OUTCOME, messages.StepKeywordType_OUTCOME
		}
		pickled := &messages.PickleStep{Id: m.newID(), AstNodeIds: []string{step.Id}, Type: kind, Text: step.Text}
		if len(written.Rows) > 0 {
			step.DataTable, pickled.Argument = m.table(written)
		}
		s.Steps = append(s.Steps, step)
		p.Steps = append(p.Steps, pickled)
	}
	return s, p
}

func (m *messenger) table(step *check.Step) (*messages.DataTable, *messages.PickleStepArgument) {
	table := &messages.DataTable{Location: location(step.Rows[0].Line, step.Column)}
	pickled := &messages.PickleTable{}
	for _, written := range step.Rows {
		row := &messages.TableRow{Id: m.newID(), Location: location(written.Line, step.Column), Cells: []*messages.TableCell{}}
		pickledRow := &messages.PickleTableRow{Cells: []*messages.PickleTableCell{}}
		for _, cell := range written.Cells {
			row.Cells = append(row.Cells, &messages.TableCell{Location: row.Location, Value: inert(cell)})
			pickledRow.Cells = append(pickledRow.Cells, &messages.PickleTableCell{Value: inert(cell)})
		}
		table.Rows = append(table.Rows, row)
		pickled.Rows = append(pickled.Rows, pickledRow)
	}
	return table, &messages.PickleStepArgument{DataTable: pickled}
}

// plan makes the test case. It reports whether it needs the hook: where no
// step says the verdict, as in a scenario without steps, the hook does.
func (m *messenger) plan(c *messageCase, runID, hook string) bool {
	c.testCase = &messages.TestCase{Id: m.newID(), PickleId: c.pickle.Id, TestRunStartedId: runID, TestSteps: []*messages.TestStep{}}
	said := messages.TestStepResultStatus_UNKNOWN
	for i, step := range c.pickle.Steps {
		c.testCase.TestSteps = append(c.testCase.TestSteps, &messages.TestStep{Id: m.newID(), PickleStepId: step.Id})
		if status := stepStatus(c.result, &c.result.Steps[i]); severity[status] > severity[said] {
			said = status
		}
	}
	c.verdict = said != caseStatus(c.result)
	if c.verdict {
		c.testCase.TestSteps = append(c.testCase.TestSteps, &messages.TestStep{Id: m.newID(), HookId: hook})
	}
	return c.verdict
}

// severity is Cucumber's order: the gravest step is the scenario's status.
var severity = map[messages.TestStepResultStatus]int{
	messages.TestStepResultStatus_UNKNOWN: 0, messages.TestStepResultStatus_PASSED: 1, messages.TestStepResultStatus_SKIPPED: 2,
	messages.TestStepResultStatus_PENDING: 3, messages.TestStepResultStatus_UNDEFINED: 4, messages.TestStepResultStatus_AMBIGUOUS: 5, messages.TestStepResultStatus_FAILED: 6,
}

// caseStatus is the status of a whole scenario.
func caseStatus(r *check.Result) messages.TestStepResultStatus {
	switch r.Verdict {
	case check.Passed:
		return messages.TestStepResultStatus_PASSED
	case check.Skipped:
		return messages.TestStepResultStatus_SKIPPED
	case check.Inconclusive:
		return messages.TestStepResultStatus_PENDING
	}
	switch r.Cause {
	case check.UndefinedStep:
		return messages.TestStepResultStatus_UNDEFINED
	case check.AmbiguousStep:
		return messages.TestStepResultStatus_AMBIGUOUS
	}
	return messages.TestStepResultStatus_FAILED
}

func stepStatus(r *check.Result, s *check.Step) messages.TestStepResultStatus {
	switch s.Status {
	case check.StepPassed:
		return messages.TestStepResultStatus_PASSED
	case check.StepSkipped, check.StepNotChecked:
		return messages.TestStepResultStatus_SKIPPED
	}
	return caseStatus(r)
}

// perform tells what happened, step by step.
func (m *messenger) perform(c *messageCase, run *check.Run) {
	r := c.result
	now := r.Started
	if now.IsZero() {
		now = run.Started
	}
	id := m.newID()
	m.send(&messages.Envelope{TestCaseStarted: &messages.TestCaseStarted{Id: id, TestCaseId: c.testCase.Id, Timestamp: timestamp(now)}})
	failing := r.Failing()
	for i, step := range c.testCase.TestSteps {
		result := &messages.TestStepResult{Status: caseStatus(r)}
		deciding := i == len(r.Steps)
		var took time.Duration
		if !deciding {
			s := &r.Steps[i]
			result.Status, took = stepStatus(r, s), s.Duration
			deciding = s == failing || s.Status == check.StepSkipped
		}
		m.send(&messages.Envelope{TestStepStarted: &messages.TestStepStarted{TestCaseStartedId: id, TestStepId: step.Id, Timestamp: timestamp(now)}})
		if deciding {
			result.Message = outcome(r) + "\n" + annotation(r)
			if r.Verdict.Failed() {
				result.Exception = &messages.Exception{Type: outcome(r), Message: annotation(r), StackTrace: result.Message}
				m.attach(r, id, step.Id, now)
			}
		}
		result.Duration = duration(took)
		now = now.Add(took)
		m.send(&messages.Envelope{TestStepFinished: &messages.TestStepFinished{TestCaseStartedId: id, TestStepId: step.Id, TestStepResult: result, Timestamp: timestamp(now)}})
	}
	m.send(&messages.Envelope{TestCaseFinished: &messages.TestCaseFinished{TestCaseStartedId: id, Timestamp: timestamp(now)}})
}

// attach shows what went over the wire.
func (m *messenger) attach(r *check.Result, caseID, stepID string, now time.Time) {
	if len(r.Exchanges) == 0 {
		return
	}
	wire := newPage(false, 0)
	wire.evidence(r, depth{})
	m.send(&messages.Envelope{Attachment: &messages.Attachment{
		TestCaseStartedId: caseID, TestStepId: stepID, Timestamp: timestamp(now), FileName: "exchange.txt",
		MediaType: "text/plain", ContentEncoding: messages.AttachmentContentEncoding_IDENTITY, Body: strings.Trim(wire.String(), "\n") + "\n",
	}})
}

func location(line, column int) *messages.Location {
	return &messages.Location{Line: int64(line), Column: int64(column)}
}

func timestamp(t time.Time) *messages.Timestamp {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return &messages.Timestamp{Seconds: t.Unix(), Nanos: int64(t.Nanosecond())}
}

func duration(d time.Duration) *messages.Duration {
	return &messages.Duration{Seconds: int64(d / time.Second), Nanos: int64(d % time.Second)}
}
