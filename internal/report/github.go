package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/authspec/authspec/internal/check"
)

// writeGitHub writes workflow commands that GitHub Actions shows beside the
// line of the feature: an error for each scenario that is broken, a warning for
// each that could not be told, and one notice that sums the run up.
func writeGitHub(w io.Writer, run *check.Run) error {
	var b strings.Builder
	for i := range run.Results {
		r := &run.Results[i]
		level := "error"
		switch r.Verdict {
		case check.Passed, check.Skipped:
			continue
		case check.Inconclusive:
			level = "warning"
		}
		file, line := spot(r)
		fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", level,
			githubProperty(label(file)), line,
			githubProperty(outcome(r)+" - "+label(r.Scenario)), githubText(annotation(r)))
	}
	fmt.Fprintf(&b, "::notice title=authspec::%s\n", githubText(verdictOn(run)))
	_, err := io.WriteString(w, b.String())
	return err
}

// annotation is the reason, and each thing that was missed on a line.
func annotation(r *check.Result) string {
	var lines []string
	if r.Message != "" {
		lines = append(lines, inertLines(r.Message)...)
	}
	if s := r.Failing(); s != nil {
		for _, m := range s.Misses {
			lines = append(lines, fmt.Sprintf("%s: want %s, got %s", inert(m.Subject), inert(m.Expected), actual(m)))
		}
	}
	if r.Advice != "" {
		lines = append(lines, inertLines(r.Advice)...)
	}
	if len(lines) == 0 {
		lines = append(lines, outcome(r))
	}
	return strings.Join(lines, "\n")
}

// GitHub's escapes: https://github.com/actions/toolkit, packages/core/src/command.ts.
func githubText(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
