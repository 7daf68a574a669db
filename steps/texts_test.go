package steps

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/cucumber/godog"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
)

func builtin(t *testing.T) *providers.Catalogue {
	t.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

// Of the sentences only those are defined that a step of the run is, whatever
// its keyword, and no step can tell.
func TestOnlySpokenSentencesAreDefined(t *testing.T) {
	catalogue := builtin(t)
	var examples []string
	for _, s := range Sentences() {
		examples = append(examples, s.Example)
		v := New(Options{Providers: catalogue, Fixtures: fixtures.Files, Texts: []string{"no sentence at all", s.Example}})
		if len(v.defined) != 1 || v.defined[0].Form != s.Form {
			t.Errorf("%q: %d sentences are defined", s.Example, len(v.defined))
		}
	}
	few := New(Options{Providers: catalogue, Fixtures: fixtures.Files, Texts: examples})
	all := New(Options{Providers: catalogue, Fixtures: fixtures.Files})
	if len(few.defined) != len(sentences) || len(all.defined) != len(sentences) {
		t.Errorf("%d and %d sentences are defined, want %d", len(few.defined), len(all.defined), len(sentences))
	}
	for _, text := range append(examples, "no sentence at all", "not announced") {
		if !slices.Equal(few.sentencesOf(text), all.sentencesOf(text)) {
			t.Errorf("%q is another sentence where the texts are known", text)
		}
	}
	if none := New(Options{Providers: catalogue, Fixtures: fixtures.Files, Texts: []string{}}); len(none.defined) != 0 {
		t.Errorf("without a step %d sentences are defined", len(none.defined))
	}
}

// A step that is no sentence stays undefined, and one under the wrong keyword
// too, when only the texts of the run are looked at.
func TestUndefinedStepsStayUndefined(t *testing.T) {
	catalogue := builtin(t)
	for _, steps := range [][]string{
		{"Given valid Antsomi credentials", "When I request an access token", "Then the response status is two hundred"},
		{"Given valid Antsomi credentials", "When the response status is 200"},
		{"Given I request an access token"},
	} {
		var texts []string
		for _, step := range steps {
			_, text, _ := strings.Cut(step, " ")
			texts = append(texts, text)
		}
		v := New(Options{Providers: catalogue, Fixtures: fixtures.Files, Texts: texts})
		var last godog.StepResultStatus
		suite := godog.TestSuite{
			ScenarioInitializer: func(sc *godog.ScenarioContext) {
				v.Register(sc)
				sc.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, _ error) (context.Context, error) {
					last = status
					return ctx, nil
				})
			},
			Options: &godog.Options{Format: "progress", Output: &strings.Builder{}, NoColors: true, Strict: true, FeatureContents: []godog.Feature{{
				Name: "antsomi.feature", Contents: []byte("Feature: a\n  Scenario: b\n    " + strings.Join(steps, "\n    ") + "\n"),
			}}},
		}
		if suite.Run() == 0 || last != godog.StepUndefined {
			t.Errorf("%q: the last step is %v, want undefined", steps, last)
		}
	}
}
