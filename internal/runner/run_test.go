package runner

import (
	"context"
	"testing"

	"github.com/authspec/authspec/internal/check"
)

// builtin runs the built-in features on simulated providers.
func builtin(t *testing.T, sel Selection, opts Options) *check.Run {
	t.Helper()
	w, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(w, sel)
	if err != nil {
		t.Fatal(err)
	}
	return Run(context.Background(), p, opts)
}

func TestBuiltinFeaturesPassOnSimulatedProviders(t *testing.T) {
	run := builtin(t, Selection{}, Options{Version: "test", Concurrency: 16})
	for _, res := range run.Results {
		if res.Verdict != check.Passed {
			t.Logf("%s:%d %s %s: %s\n%+v", res.URI, res.Line, res.Verdict, res.Cause, res.Message, res.Failing())
		}
		if res.Verdict.Failed() {
			t.Errorf("%s:%d failed", res.URI, res.Line)
		}
	}
	if run.ExitCode() != check.ExitOK {
		t.Errorf("exit code %d", run.ExitCode())
	}
}
