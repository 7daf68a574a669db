package report

import (
	"encoding/xml"
	"io"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

// writeHealthJUnit writes a suite for each provider and a case for each
// credential. Rejected is a failure; inconclusive and invalid are errors. A
// broken contract is a case of its own, for it is not the credential's.
func writeHealthJUnit(w io.Writer, run *health.Run) error {
	all := junitSuites{Name: "authspec check"}
	suites := map[string]*junitSuite{}
	suiteOf := func(provider string) *junitSuite {
		s := suites[provider]
		if s == nil {
			s = &junitSuite{Name: inert(provider), names: map[string]int{}, Timestamp: run.Started.UTC().Format("2006-01-02T15:04:05")}
			s.Properties = []junitProperty{{"authspec", inert(run.Version)}}
			suites[provider] = s
			all.Suites = append(all.Suites, s)
		}
		return s
	}
	for i := range run.Credentials {
		c := &run.Credentials[i]
		s := suiteOf(c.Provider)
		s.add(healthCase(c))
		for _, d := range c.Drift {
			if d.Verdict != check.Drifted {
				continue
			}
			s.add(junitCase{ClassName: inert(c.Provider), Name: inert(c.Name) + " › contract › " + inert(d.Scenario), File: inert(d.URI), Line: d.Line,
				Failure: &junitProblem{Type: "drifted:" + string(d.Cause), Message: oneLine(d.Message), Text: strings.Join(inertLines(d.Message+"\n"+d.Advice), "\n")}})
		}
	}
	switch run.ExitCode() {
	case check.ExitInterrupted, check.ExitNothingRan:
		kind := "nothing_ran"
		if run.Interrupted {
			kind = "interrupted"
		}
		suiteOf("authspec").add(junitCase{ClassName: "authspec", Name: "the check is complete", Error: &junitProblem{Type: kind, Message: healthVerdict(run)}})
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
