package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
)

// keepFailures leaves in the plan what the file lists, a "path:line" a line.
// With no file, or an empty one, everything runs.
func keepFailures(plan *runner.Plan, file string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--rerun: %w", err)
	}
	listed := map[string]bool{}
	for _, id := range strings.Fields(string(content)) {
		listed[id] = true
	}
	if len(listed) == 0 {
		return nil
	}
	if plan.Keep(func(s *runner.Scenario) bool { return listed[s.ID()] }) == 0 {
		return fmt.Errorf("--rerun: none of the %d scenarios in %s exists any more: remove the file to run all", len(listed), file)
	}
	return nil
}

// writeFailures notes what has to run again.
func writeFailures(file string, run *check.Run) error {
	var b strings.Builder
	for i := range run.Results {
		if res := &run.Results[i]; res.Verdict.Failed() {
			fmt.Fprintf(&b, "%s:%d\n", res.URI, res.Line)
		}
	}
	return atomicfile.Write(file, []byte(b.String()))
}
