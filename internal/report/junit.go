package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// The elements and attributes are those that Ant, Jenkins, GitLab and GitHub
// read; a text that XML cannot hold never gets here, since inert made it
// visible.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Suites []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name string `xml:"name,attr"`
		junitCounts
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		uri        string
		names      map[string]int
	}
	junitCounts struct {
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     junitSeconds `xml:"time,attr"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"`
		Time      junitSeconds  `xml:"time,attr"`
		File      string        `xml:"file,attr,omitempty"`
		Line      int           `xml:"line,attr,omitempty"`
		Skipped   *junitProblem `xml:"skipped"`
		Error     *junitProblem `xml:"error"`
		Failure   *junitProblem `xml:"failure"`
		SystemOut *junitText    `xml:"system-out"`
	}
	junitProblem struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
	junitSeconds time.Duration
)

func (s junitSeconds) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: fmt.Sprintf("%.3f", time.Duration(s).Seconds())}, nil
}

// writeJUnit writes a suite for each feature. Rejected and drifted are
// failures; inconclusive and invalid are errors. A run that was interrupted or
// in which nothing ran gets an error of its own, for the readers of JUnit do
// not see the exit code and would show it green.
func writeJUnit(w io.Writer, run *check.Run) error {
	all := junitSuites{Name: "authspec"}
	suites := make(map[string]*junitSuite)
	for i := range run.Results {
		r := &run.Results[i]
		suite := suites[r.URI]
		if suite == nil {
			suite = newJUnitSuite(run, inert(r.Feature), r.URI)
			suites[r.URI] = suite
			all.Suites = append(all.Suites, suite)
		}
		suite.add(junitCaseOf(r, suite))
	}
	switch run.ExitCode() {
	case check.ExitInterrupted, check.ExitNothingRan:
		suite := newJUnitSuite(run, "authspec", "")
		kind := "nothing_ran"
		if run.Interrupted {
			kind = "interrupted"
		}
		suite.add(junitCase{ClassName: "authspec", Name: "the run is complete",
			Error: &junitProblem{Type: kind, Message: verdictOn(run)}})
		all.Suites = append(all.Suites, suite)
	}
	for _, s := range all.Suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Time += s.Time
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func newJUnitSuite(run *check.Run, name, uri string) *junitSuite {
	s := &junitSuite{Name: name, uri: uri, names: make(map[string]int)}
	if name == "" {
		s.Name = inert(uri)
	}
	if !run.Started.IsZero() {
		s.Timestamp = run.Started.UTC().Format("2006-01-02T15:04:05")
	}
	s.Properties = []junitProperty{{"authspec", inert(run.Version)}, {"mode", string(run.Mode)}}
	return s
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.Time += c.Time
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func junitCaseOf(r *check.Result, suite *junitSuite) junitCase {
	c := junitCase{ClassName: inert(r.Provider), Name: inert(r.Scenario),
		Time: junitSeconds(r.Duration), File: inert(r.URI), Line: r.Line}
	if c.ClassName == "" {
		c.ClassName = inert(r.URI)
	}
	if r.Rule != "" {
		c.Name = inert(r.Rule) + " › " + c.Name
	}
	// Rows of an outline may share a name, and readers take one name for one
	// test. An ordinal outlives edits of the file, a line number does not.
	suite.names[c.Name]++
	if n := suite.names[c.Name]; n > 1 {
		c.Name += fmt.Sprintf(" #%d", n)
	}
	switch r.Verdict {
	case check.Passed:
		return c
	case check.Skipped:
		message := words(r.Cause)
		if reason := because(r); reason != "" {
			message += ": " + reason
		}
		c.Skipped = &junitProblem{Message: message}
		return c
	}
	problem := &junitProblem{Type: kind(r), Message: because(&check.Result{Message: r.Message})}
	if problem.Message == "" {
		problem.Message = outcome(r)
	}
	text := newPage(false, 0)
	text.title(r)
	text.source(r)
	text.reason(r)
	problem.Text = text.String()
	if r.Verdict == check.Rejected || r.Verdict == check.Drifted {
		c.Failure = problem
	} else {
		c.Error = problem
	}
	if len(r.Exchanges) > 0 {
		out := newPage(false, 0)
		out.evidence(r, depth{})
		c.SystemOut = &junitText{strings.TrimLeft(out.String(), "\n")}
	}
	return c
}

// kind is verdict:cause, in the words that do not change.
func kind(r *check.Result) string {
	if r.Cause == "" {
		return string(r.Verdict)
	}
	return string(r.Verdict) + ":" + string(r.Cause)
}
