package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// A NotReportError says that a text is no JSON report at all.
type NotReportError struct{ Reason string }

func (e *NotReportError) Error() string {
	return "not a report of authspec run --report json=FILE: " + e.Reason
}

// ReadJSON reads what the format "json" wrote: writing the run again gives the
// same bytes. Fields that it does not know are left out. The formats rely on
// verdicts, causes, places and the like to be words and numbers of ours, and a
// verdict that is not known would count as nothing, so it accepts no others.
//
// A text that is not JSON gives a *NotReportError.
func ReadJSON(b []byte) (*check.Run, error) {
	var head struct {
		Version     int             `json:"version"`
		Scenarios   json.RawMessage `json:"scenarios"`
		Credentials json.RawMessage `json:"credentials"`
	}
	var in jsonRun
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, &NotReportError{unreadable(b, err)}
	}
	switch {
	case head.Credentials != nil && head.Scenarios == nil:
		return nil, errors.New("a report of authspec check, of credentials and not of scenarios: want one of authspec run --report json=FILE")
	case head.Version != jsonVersion:
		return nil, fmt.Errorf("want a report of version %d, as authspec run --report json=FILE writes it, got version %d", jsonVersion, head.Version)
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, &NotReportError{unreadable(b, err)}
	}
	switch {
	case in.Started.IsZero():
		return nil, errors.New("incomplete: it does not say when the run started")
	case in.Scenarios == nil:
		return nil, errors.New("incomplete: it has no list of scenarios")
	case in.Mode != check.Simulated && in.Mode != check.Live:
		return nil, fmt.Errorf("unknown mode %.40q: %s", in.Mode, newer)
	}
	run := &check.Run{
		Version: in.Authspec, Mode: in.Mode, Started: in.Started, Duration: time.Duration(in.Duration),
		Interrupted: in.Interrupted, Selected: max(in.Selected, len(in.Scenarios)),
	}
	if s := in.Shard; s != nil {
		if s.Index < 1 || s.Index > s.Of {
			return nil, fmt.Errorf("part %d of %d: it was edited", s.Index, s.Of)
		}
		run.Shard = check.Shard(*s)
	}
	for i := range in.Scenarios {
		s := &in.Scenarios[i]
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", label(s.URI), s.Line, err)
		}
		run.Results = append(run.Results, s.result())
	}
	for _, v := range check.Verdicts() {
		if got := run.Count(v); in.Counts != nil && in.Counts[v] != got {
			return nil, fmt.Errorf("it says %d %s, and %d are in it: it was cut or edited", in.Counts[v], v, got)
		}
	}
	return run, nil
}

// unreadable says in a line why JSON cannot be read, and where.
func unreadable(b []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return "the file is empty"
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(b)) && strings.Contains(err.Error(), "unexpected end"):
		return fmt.Sprintf("it ends in the middle of line %d: was it cut off?", lineAt(b, syntax.Offset))
	case errors.As(err, &syntax):
		return inert(fmt.Sprintf("line %d: %s", lineAt(b, syntax.Offset), err))
	case errors.As(err, &kind) && kind.Field != "":
		return inert(fmt.Sprintf("line %d: %s is a %s", lineAt(b, kind.Offset), kind.Field, kind.Value))
	case errors.As(err, &kind):
		return inert("want an object of JSON, got " + kind.Value)
	}
	return inert(err.Error())
}

func lineAt(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(max(int(offset), 0), len(b))], []byte("\n"))
}

// newer is what to do about words that are not known.
const newer = "it was edited, or a newer authspec wrote it, which can read it"

var (
	causePattern = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
	stepStatuses = []check.StepStatus{check.StepPassed, check.StepFailed, check.StepSkipped, check.StepUndefined, check.StepAmbiguous, check.StepNotChecked}
)

func (s *jsonScenario) check() error {
	switch {
	case !slices.Contains(check.Verdicts(), s.Verdict):
		return fmt.Errorf("unknown verdict %.40q: %s", s.Verdict, newer)
	case s.Cause == "" && s.Verdict != check.Passed:
		return fmt.Errorf("%s, without a cause: it was edited", s.Verdict)
	case s.Cause != "" && !causePattern.MatchString(string(s.Cause)):
		return fmt.Errorf("unknown cause %.40q: %s", s.Cause, newer)
	}
	numbers := []int{s.Line}
	for i := range s.Steps {
		st := &s.Steps[i]
		if !slices.Contains(stepStatuses, st.Status) {
			return fmt.Errorf("unknown status of a step %.40q: %s", st.Status, newer)
		}
		numbers = append(numbers, st.Line, st.Column)
		for _, r := range st.Rows {
			numbers = append(numbers, r.Line)
		}
		for _, m := range st.Misses {
			if m.Row != nil {
				numbers = append(numbers, *m.Row)
			}
		}
	}
	for _, n := range numbers {
		if n < 0 || n > 1e6 { // a page draws as many blanks
			return fmt.Errorf("%d is no line, column or row: it was edited", n)
		}
	}
	for i := range s.Exchanges {
		if r := s.Exchanges[i].Response; r != nil && (r.Status < 100 || r.Status > 999) {
			return fmt.Errorf("%d is no status: it was edited", r.Status)
		}
	}
	return nil
}

func (s *jsonScenario) result() check.Result {
	r := check.Result{
		Provider: s.Provider, Feature: s.Feature, Rule: s.Rule, Scenario: s.Name, URI: s.URI, Line: s.Line, Tags: s.Tags,
		Verdict: s.Verdict, Cause: s.Cause, Message: s.Message, Advice: s.Advice, Duration: time.Duration(s.Duration),
	}
	if s.Started != nil {
		r.Started = *s.Started
	}
	for _, from := range s.Steps {
		step := check.Step{
			Keyword: from.Keyword, Text: from.Text, Line: from.Line, Column: from.Column,
			Status: from.Status, Duration: time.Duration(from.Duration),
		}
		for _, row := range from.Rows {
			step.Rows = append(step.Rows, check.Row(row))
		}
		for _, m := range from.Misses {
			miss := check.Miss{Row: -1, Subject: m.Subject, Expected: m.Expected, Actual: m.Actual}
			if m.Row != nil {
				miss.Row = *m.Row
			}
			step.Misses = append(step.Misses, miss)
		}
		r.Steps = append(r.Steps, step)
	}
	for _, from := range s.Exchanges {
		x := check.Exchange{
			Call: from.Call, Method: from.Request.Method, URL: from.Request.URL,
			RequestHeader: from.Request.Headers, RequestBody: from.Request.Body,
			Error: from.Error, Duration: time.Duration(from.Duration), Curl: from.Curl,
		}
		if from.Response != nil {
			x.Status, x.ResponseHeader, x.ResponseBody = from.Response.Status, from.Response.Headers, from.Response.Body
		}
		r.Exchanges = append(r.Exchanges, x)
	}
	return r
}

func (d *jsonMilliseconds) UnmarshalJSON(b []byte) error {
	var ms float64
	if err := json.Unmarshal(b, &ms); err != nil {
		return err
	}
	if ms < 0 || ms > 1e12 {
		return fmt.Errorf("%g milliseconds are no duration", ms)
	}
	*d = jsonMilliseconds(math.Round(ms*1000)) * jsonMilliseconds(time.Microsecond)
	return nil
}

// A Part is a run that was read from a file, to be merged with others.
type Part struct {
	File string
	Run  *check.Run
}

// Merge makes one run of its parts, of which there is at least one, as if it had
// never been divided: scenarios by path and line. It began when the first part
// did and lasted until the end of the last, and is interrupted if a part is. Of
// a scenario that is in several parts the result of the one that began last
// counts. It fails if the parts know of others that are missing. The notes are
// sentences for people.
func Merge(parts []Part) (run *check.Run, notes []string, err error) {
	parts = slices.Clone(parts)
	if err := complete(parts); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return a.Run.Started.Compare(b.Run.Started) })
	first := parts[0]
	run = &check.Run{Mode: first.Run.Mode, Started: first.Run.Started}
	var versions []string
	var last time.Time
	m := merger{at: map[scenarioID]int{}}
	for _, p := range parts {
		if p.Run.Mode != run.Mode {
			return nil, nil, fmt.Errorf("%s ran %s, %s %s: merge them apart", first.File, where(run.Mode), p.File, where(p.Run.Mode))
		}
		if !slices.Contains(versions, p.Run.Version) {
			versions = append(versions, p.Run.Version)
		}
		if end := p.Run.Started.Add(p.Run.Duration); end.After(last) {
			last = end
		}
		run.Interrupted = run.Interrupted || p.Run.Interrupted
		run.Selected += p.Run.Selected
		if err := m.add(p); err != nil {
			return nil, nil, err
		}
	}
	run.Duration = last.Sub(run.Started)
	run.Version = strings.Join(versions, ", ")
	run.Selected -= m.replaced
	run.Results = m.results
	slices.SortStableFunc(run.Results, func(a, b check.Result) int {
		if a.URI != b.URI {
			return strings.Compare(a.URI, b.URI)
		}
		return a.Line - b.Line
	})
	if len(versions) > 1 {
		notes = append(notes, fmt.Sprintf("the reports are of different versions of authspec (%s), which may judge differently", inert(run.Version)))
	}
	return run, append(notes, m.notes()...), nil
}

// complete fails if the parts say that there are others. A part that is there
// twice was run again, unless another is missing: then it was run in its place.
func complete(parts []Part) error {
	var first Part
	files := map[int]string{}
	doubled := ""
	for _, p := range parts {
		s := p.Run.Shard
		switch {
		case s.Of == 0:
			continue
		case first.Run == nil:
			first = p
		case s.Of != first.Run.Shard.Of:
			return fmt.Errorf("%s is part %d of %d and %s part %d of %d: they were divided in different ways",
				first.File, first.Run.Shard.Index, first.Run.Shard.Of, p.File, s.Index, s.Of)
		}
		if other := files[s.Index]; other != "" && doubled == "" {
			doubled = fmt.Sprintf("; part %d is there twice, as %s and %s", s.Index, other, p.File)
		}
		files[s.Index] = p.File
	}
	if first.Run == nil || len(files) == first.Run.Shard.Of {
		return nil
	}
	of := first.Run.Shard.Of
	var missing []string
	for i := 1; i <= of && len(missing) < 5; i++ {
		if files[i] == "" {
			missing = append(missing, strconv.Itoa(i))
		}
	}
	list, verb := "part "+missing[0], "is"
	if n := of - len(files); n > 1 {
		list, verb = "parts "+strings.Join(missing, ", "), "are"
		if n > len(missing) {
			list += fmt.Sprintf(" and %d more", n-len(missing))
		}
	}
	return fmt.Errorf("%s of %d %s missing%s", list, of, verb, doubled)
}

type scenarioID struct {
	uri  string
	line int
}

// A merger collects results, those of the run that began first coming first.
type merger struct {
	results  []check.Result
	from     []Part // which part each result is of
	at       map[scenarioID]int
	replaced int
	unproven []string // that failed before and are skipped now
}

func (m *merger) add(p Part) error {
	for i := range p.Run.Results {
		r := &p.Run.Results[i]
		at, known := m.at[scenarioID{r.URI, r.Line}]
		if !known {
			m.at[scenarioID{r.URI, r.Line}] = len(m.results)
			m.results, m.from = append(m.results, *r), append(m.from, p)
			continue
		}
		old, of := &m.results[at], m.from[at]
		switch {
		case of.Run != p.Run && of.File == p.File:
			return fmt.Errorf("%s is named twice", p.File)
		case of.Run == p.Run:
			return fmt.Errorf("%s: %s:%d is in it twice: it was edited", p.File, label(r.URI), r.Line)
		case of.Run.Started.Equal(p.Run.Started):
			return fmt.Errorf("%s and %s are of the same run: name each report once", of.File, p.File)
		case old.Scenario != r.Scenario || old.Rule != r.Rule:
			return fmt.Errorf("%s:%d is %q in %s and %q in %s: they are of different versions of the feature; run all parts of one",
				label(r.URI), r.Line, label(old.Scenario), of.File, label(r.Scenario), p.File)
		}
		if old.Verdict.Failed() && r.Verdict == check.Skipped {
			m.unproven = append(m.unproven, fmt.Sprintf("%s:%d", label(r.URI), r.Line))
		}
		m.replaced++
		m.results[at], m.from[at] = *r, p
	}
	return nil
}

func (m *merger) notes() (notes []string) {
	if m.replaced > 0 {
		notes = append(notes, plural(m.replaced, "result")+" replaced by a later run of the same scenario")
	}
	if n := len(m.unproven); n > 0 {
		const enough = 5
		list := strings.Join(m.unproven[:min(n, enough)], ", ")
		if n > enough {
			list += fmt.Sprintf(" and %d more", n-enough)
		}
		notes = append(notes, "failed before and only skipped since: "+list)
	}
	return notes
}
