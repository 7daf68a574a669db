package check

import (
	"errors"
	"fmt"
	"testing"
)

func results(verdicts ...Verdict) []Result {
	out := make([]Result, len(verdicts))
	for i, v := range verdicts {
		out[i].Verdict = v
	}
	return out
}

func TestExitCode(t *testing.T) {
	defect := Result{Verdict: Invalid, Cause: InternalError}
	tests := []struct {
		name        string
		results     []Result
		interrupted bool
		want        int
	}{
		{name: "all passed", results: results(Passed, Passed), want: ExitOK},
		{name: "some skipped", results: results(Skipped, Passed, Skipped), want: ExitOK},
		{name: "one rejected", results: results(Passed, Rejected), want: ExitBroken},
		{name: "one drifted", results: results(Passed, Drifted), want: ExitBroken},
		{name: "only drifted", results: results(Drifted), want: ExitBroken},
		{name: "one inconclusive", results: results(Passed, Inconclusive, Skipped), want: ExitInconclusive},
		{name: "only inconclusive", results: results(Inconclusive), want: ExitInconclusive},
		{name: "one invalid", results: results(Passed, Invalid), want: ExitInvalid},
		{name: "nothing selected", want: ExitNothingRan},
		{name: "all skipped", results: results(Skipped, Skipped), want: ExitNothingRan},
		{name: "a defect", results: []Result{defect}, want: ExitInternal},
		{name: "interrupted", results: results(Passed), interrupted: true, want: ExitInterrupted},
		{name: "interrupted before anything ran", interrupted: true, want: ExitInterrupted},

		// 70, 2, 4, 1, 5, 3, 0: each before all that follow.
		{name: "a defect before all", results: append(results(Invalid, Drifted, Rejected, Inconclusive, Passed, Skipped), defect), interrupted: true, want: ExitInternal},
		{name: "invalid before interrupted", results: results(Passed, Invalid, Drifted), interrupted: true, want: ExitInvalid},
		{name: "invalid before nothing ran", results: results(Invalid, Skipped), want: ExitInvalid},
		{name: "interrupted before broken", results: results(Rejected, Inconclusive), interrupted: true, want: ExitInterrupted},
		{name: "interrupted before nothing ran", results: results(Skipped), interrupted: true, want: ExitInterrupted},
		{name: "broken before inconclusive", results: results(Inconclusive, Drifted, Inconclusive), want: ExitBroken},
		{name: "inconclusive before passed", results: results(Passed, Inconclusive, Passed), want: ExitInconclusive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := &Run{Results: tt.results, Interrupted: tt.interrupted, Selected: len(tt.results)}
			if got := run.ExitCode(); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// The order of results does not matter: every pair of verdicts, both ways round.
func TestExitCodeIgnoresTheOrder(t *testing.T) {
	for _, a := range Verdicts() {
		for _, b := range Verdicts() {
			there, back := (&Run{Results: results(a, b)}).ExitCode(), (&Run{Results: results(b, a)}).ExitCode()
			if there != back {
				t.Errorf("%s, %s is %d, the other way round %d", a, b, there, back)
			}
		}
	}
}

// Only a run in which something passed and nothing failed is green.
func TestExitCodeIsZeroOnlyIfSomethingPassed(t *testing.T) {
	for _, a := range Verdicts() {
		for _, b := range Verdicts() {
			run := &Run{Results: results(a, b)}
			green := !a.Failed() && !b.Failed() && run.Count(Passed) > 0
			if got := run.ExitCode() == ExitOK; got != green {
				t.Errorf("%s, %s: exit 0 is %v, want %v", a, b, got, green)
			}
		}
	}
}

func TestCount(t *testing.T) {
	run := &Run{Results: results(Passed, Drifted, Passed)}
	for v, want := range map[Verdict]int{Passed: 2, Drifted: 1, Skipped: 0} {
		if got := run.Count(v); got != want {
			t.Errorf("%s: got %d, want %d", v, got, want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	failed := map[Verdict]bool{
		Invalid: true, Rejected: true, Drifted: true, Inconclusive: true,
		Skipped: false, Passed: false,
	}
	all := Verdicts()
	if len(all) != len(failed) {
		t.Errorf("there are %d verdicts, want %d", len(all), len(failed))
	}
	for _, v := range all {
		want, known := failed[v]
		if !known || v.Failed() != want {
			t.Errorf("%s: failed is %v, want %v", v, v.Failed(), want)
		}
	}
}

func TestFailing(t *testing.T) {
	tests := map[string]struct {
		steps []StepStatus
		want  int
	}{
		"no steps":     {nil, -1},
		"all passed":   {[]StepStatus{StepPassed, StepPassed}, -1},
		"skipped":      {[]StepStatus{StepSkipped, StepNotChecked}, -1},
		"failed":       {[]StepStatus{StepPassed, StepFailed, StepNotChecked}, 1},
		"undefined":    {[]StepStatus{StepUndefined, StepNotChecked}, 0},
		"ambiguous":    {[]StepStatus{StepPassed, StepPassed, StepAmbiguous}, 2},
		"the first of": {[]StepStatus{StepFailed, StepUndefined}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &Result{}
			for _, s := range tt.steps {
				r.Steps = append(r.Steps, Step{Status: s})
			}
			var want *Step
			if tt.want >= 0 {
				want = &r.Steps[tt.want]
			}
			if got := r.Failing(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestFailureIsAnErrorThatSaysAll(t *testing.T) {
	var err error = &Failure{
		Verdict: Drifted, Cause: Status, Message: "antsomi: token: status 200, want 400", Advice: "tell them",
		Misses: []Miss{{Row: -1, Subject: "status", Expected: "400", Actual: "200"}, {Row: 0, Subject: "name", Expected: "null", Actual: "absent"}},
	}
	want := "drifted (status): antsomi: token: status 200, want 400\n" +
		"  status: want 400, got 200\n" +
		"  name: want null, got absent"
	if got := err.Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	var failure *Failure
	if !errors.As(fmt.Errorf("step: %w", err), &failure) {
		t.Error("errors.As does not find it behind a wrapped error")
	}
}
