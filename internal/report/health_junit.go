package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

// writeHealthJUnit writes a suite for each provider and a case for each
// credential. Rejected is a failure; inconclusive and invalid are errors. A
// broken contract is a case of its own, for it is not the credential's.
func writeHealthJUnit(w io.Writer, run *health.Run, erase func(string) string) error {
	var suites []*healthSuite
	byProvider := map[string]*healthSuite{}
	for i := range run.Credentials {
		c := &run.Credentials[i]
		s := byProvider[c.Provider]
		if s == nil {
			s = &healthSuite{name: c.Provider}
			byProvider[c.Provider] = s
			suites = append(suites, s)
		}
		s.members = append(s.members, c)
		for _, j := range healthCases(c) {
			s.count(&j)
		}
	}
	var all junitCounts
	suites = append(suites, incompleteCheck(run))
	for _, s := range suites {
		all.Tests += s.counts.Tests
		all.Failures += s.counts.Failures
		all.Errors += s.counts.Errors
		all.Skipped += s.counts.Skipped
		all.Time += s.counts.Time
	}
	if _, err := fmt.Fprintf(w, "%s<testsuites name=\"authspec check\"%s>\n", xml.Header, attributes(all)); err != nil {
		return err
	}
	for _, s := range suites {
		if err := s.write(w, run, erase); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "</testsuites>\n")
	return err
}

// A healthSuite is the credentials of one provider. They are written one by
// one: a run may have thousands.
type healthSuite struct {
	name    string
	members []*health.Credential
	extra   []junitCase
	counts  junitCounts
}

func (s *healthSuite) count(c *junitCase) {
	s.counts.Tests++
	s.counts.Time += c.Time
	switch {
	case c.Failure != nil:
		s.counts.Failures++
	case c.Error != nil:
		s.counts.Errors++
	case c.Skipped != nil:
		s.counts.Skipped++
	}
}

func (s *healthSuite) write(w io.Writer, run *health.Run, erase func(string) string) error {
	if s.counts.Tests == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "  <testsuite name=%s%s timestamp=\"%s\">\n    <properties>\n      <property name=\"authspec\" value=%s></property>\n    </properties>\n",
		attribute(erase(s.name)), attributes(s.counts), run.Started.UTC().Format("2006-01-02T15:04:05"), attribute(erase(run.Version))); err != nil {
		return err
	}
	for _, c := range s.members {
		clean := c.Redacted(erase)
		if err := writeCases(w, healthCases(&clean)); err != nil {
			return err
		}
	}
	if err := writeCases(w, s.extra); err != nil {
		return err
	}
	_, err := io.WriteString(w, "  </testsuite>\n")
	return err
}

func writeCases(w io.Writer, list []junitCase) error {
	for _, c := range list {
		b, err := xml.MarshalIndent(struct {
			XMLName xml.Name `xml:"testcase"`
			junitCase
		}{junitCase: c}, "    ", "  ")
		if err != nil {
			return err
		}
		if _, err := w.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func attributes(c junitCounts) string {
	return fmt.Sprintf(` tests="%d" failures="%d" errors="%d" skipped="%d" time="%.3f"`, c.Tests, c.Failures, c.Errors, c.Skipped, time.Duration(c.Time).Seconds())
}

// attribute is a text in quotes.
func attribute(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(inert(s))) // a buffer takes all
	return `"` + b.String() + `"`
}

// incompleteCheck is an error of its own for a check that was interrupted or
// in which nothing was tried: the readers of JUnit do not see the exit code.
func incompleteCheck(run *health.Run) *healthSuite {
	s := &healthSuite{name: "authspec"}
	kind := ""
	switch run.ExitCode() {
	case check.ExitInterrupted:
		kind = "interrupted"
	case check.ExitNothingRan:
		kind = "nothing_ran"
	default:
		return s
	}
	s.extra = []junitCase{{ClassName: "authspec", Name: "the check is complete", Error: &junitProblem{Type: kind, Message: HealthSummary(run)}}}
	s.count(&s.extra[0])
	return s
}

// healthCases is the case of a credential, and one for each contract that was
// broken on the way.
func healthCases(c *health.Credential) []junitCase {
	list := []junitCase{healthCase(c)}
	for _, d := range c.Drift {
		if d.Verdict == check.Drifted {
			list = append(list, junitCase{ClassName: inert(c.Provider), Name: inert(c.Name) + " › contract › " + inert(d.Scenario), File: inert(d.URI), Line: d.Line,
				Failure: &junitProblem{Type: "drifted:" + string(d.Cause), Message: oneLine(d.Message), Text: strings.Join(inertLines(d.Message+"\n"+d.Advice), "\n")}})
		}
	}
	return list
}

func healthCase(c *health.Credential) junitCase {
	out := junitCase{ClassName: inert(c.Provider), Name: inert(c.Name), Time: junitSeconds(c.Duration)}
	if c.Verdict == check.Passed {
		return out
	}
	kind := string(c.Verdict) + ":" + string(c.Cause)
	if c.Verdict == check.Skipped {
		out.Skipped = &junitProblem{Message: words(c.Cause) + ": " + oneLine(c.Message)}
		return out
	}
	text := newPage(false, 0)
	text.credential(c, time.Time{}, true)
	problem := &junitProblem{Type: kind, Message: oneLine(c.Message), Text: text.String()}
	if c.Verdict == check.Rejected {
		out.Failure = problem
	} else {
		out.Error = problem
	}
	return out
}

func oneLine(s string) string {
	s = strings.Join(inertLines(s), " ")
	if s == "" {
		return "no message"
	}
	return s
}
