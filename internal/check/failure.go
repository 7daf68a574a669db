package check

import (
	"fmt"
	"strings"
)

// A Failure is why a step ended its scenario, as an error. Steps return it;
// the runner turns it into a Result.
type Failure struct {
	Verdict Verdict
	Cause   Cause
	Message string // one sentence, lower case, provider first
	Advice  string // what to do, and who; may be empty
	Misses  []Miss // what was looked for and not found
}

// A Miss is one expectation that was not met.
type Miss struct {
	Row      int    // index of the row of the step's table, or -1 when the step itself expects
	Subject  string // what was looked at: "status", a gjson path, "header Accept"
	Expected string // as the feature says it
	Actual   string // what was there, redacted when shown
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", f.Verdict, f.Cause, f.Message)
	for _, m := range f.Misses {
		fmt.Fprintf(&b, "\n  %s: want %s, got %s", m.Subject, m.Expected, m.Actual)
	}
	return b.String()
}
