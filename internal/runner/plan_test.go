package runner

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
)

// tricky has everything that makes choosing scenarios hard: a background,
// tags on several lines, comments between, a doc string that looks like a
// scenario, an outline with two tables, and rules with backgrounds.
const tricky = `@all
Feature: Tricky

  Background:
    Given valid Antsomi credentials

  # about the first
  @first @health
  @more
  Scenario: First
    When I request an access token
    Then the response status is 200

  Scenario Outline: Outlined <scope>
    When I request an access token with scope "<scope>"
    Then the response status is <status>

    @good
    Examples: good
      | scope | status |
      | item  | 200    |
      | event | 200    |

    @bad
    Examples: bad
      | scope | status |
      | nope  | 400    |

  Rule: Ruled

    Background:
      Given valid Antsomi credentials

    @health
    Scenario: In a rule
      When I request an access token
      Then the response body has:
        | accessToken | a non-empty string |

  @slow
  Rule: Second rule

    Example: Last
      When I request an access token
      Then the response status is 200
`

func trickyWorkspace(t *testing.T) *Workspace {
	t.Helper()
	w, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	w.Features = fstest.MapFS{"antsomi.feature": {Data: []byte(tricky)}, "other/deep.feature": {Data: []byte("Feature: Deep\n\n  Scenario: Deep\n    Given valid Gigastore credentials\n    When I request an access token\n    Then the response status is 200\n")}}
	return w
}

func lineOf(text string) int {
	before, _, found := strings.Cut(tricky, text)
	if !found {
		panic(text)
	}
	return strings.Count(before, "\n") + 1
}

func TestSelection(t *testing.T) {
	at := func(text string) string { return fmt.Sprintf("features/antsomi.feature:%d", lineOf(text)) }
	all := []string{"First", "Outlined item", "Outlined event", "Outlined nope", "In a rule", "Last", "Deep"}
	for _, tt := range []struct {
		name string
		sel  Selection
		want []string
	}{
		{"everything", Selection{}, all},
		{"a provider", Selection{Args: []string{"Antsomi"}}, all[:6]},
		{"a file", Selection{Args: []string{"features/other/deep.feature"}}, []string{"Deep"}},
		{"a folder", Selection{Args: []string{"features/other"}}, []string{"Deep"}},
		{"a file with ./", Selection{Args: []string{"./features/other/deep.feature"}}, []string{"Deep"}},
		{"all features", Selection{Args: []string{"features"}}, all},
		{"the line of a scenario", Selection{Args: []string{at("Scenario: First")}}, []string{"First"}},
		{"a line of its tags", Selection{Args: []string{at("@more")}}, []string{"First"}},
		{"a line of its steps", Selection{Args: []string{at(`Then the response status is 200`)}}, []string{"First"}},
		{"a line of its table", Selection{Args: []string{at("| accessToken")}}, []string{"In a rule"}},
		{"the line of an outline", Selection{Args: []string{at("Scenario Outline")}}, []string{"Outlined item", "Outlined event", "Outlined nope"}},
		{"a row of an outline", Selection{Args: []string{at("| event | 200")}}, []string{"Outlined event"}},
		{"two arguments", Selection{Args: []string{at("| event | 200"), "features/other"}}, []string{"Outlined event", "Deep"}},
		{"a tag", Selection{Tags: "@health"}, []string{"First", "In a rule"}},
		{"a tag expression", Selection{Tags: "@all and not (@health or @slow)"}, []string{"Outlined item", "Outlined event", "Outlined nope"}},
		{"a tag of examples", Selection{Tags: "@bad"}, []string{"Outlined nope"}},
		{"a name", Selection{Name: "OUTLINED"}, []string{"Outlined item", "Outlined event", "Outlined nope"}},
		{"nothing", Selection{Tags: "@nobody"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewPlan(trickyWorkspace(t), tt.sel)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range p.Scenarios {
				got = append(got, s.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			ran := Run(context.Background(), p, Options{Concurrency: 3})
			var names []string
			for _, res := range ran.Results {
				names = append(names, res.Scenario)
				if res.Verdict != check.Passed {
					t.Errorf("%s: %s: %s", res.Scenario, res.Verdict, res.Message)
				}
			}
			sort.Strings(names)
			if diff := cmp.Diff(slices.Sorted(slices.Values(tt.want)), names); diff != "" {
				t.Errorf("planned and ran differ: -want +got\n%s", diff)
			}
		})
	}
}

// A provider's scenarios are those that speak of it, in whatever file: by name,
// or because the file or its folder has its name.
func TestAProviderIsSpokenOfAnywhere(t *testing.T) {
	w := trickyWorkspace(t)
	w.Features = fstest.MapFS{}
	for file, scenarios := range map[string][]string{
		"antsomi.feature":        {"own: valid credentials", "guest: valid Gigastore credentials", "token: an unknown access token", "broken: valid Nobody credentials"},
		"shared/antsomi.feature": {"shared: valid credentials"},
		"antsomi/more.feature":   {"folder: no credentials"},
		"mixed.feature":          {"named: an expired Antsomi access token", "other: no Ankorstore access token", "wrong: ANTSOMI credentials with a wrong client secret"},
		"nobody.feature":         {"nobody: valid credentials"},
	} {
		text := "Feature: " + file + "\n"
		for _, s := range scenarios {
			name, given, _ := strings.Cut(s, ": ")
			text += "  Scenario: " + name + "\n    Given " + given + "\n    When I request an access token\n    Then the response status is 200\n"
		}
		w.Features.(fstest.MapFS)[file] = &fstest.MapFile{Data: []byte(text)}
	}
	selected := func(args ...string) string {
		t.Helper()
		p, err := NewPlan(w, Selection{Args: args})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range p.Scenarios {
			names = append(names, s.Name)
		}
		return strings.Join(names, " ")
	}
	for args, want := range map[string]string{
		"antsomi":                   "own token broken folder named wrong shared",
		"Gigastore":                 "guest",
		"ankorstore":                "other",
		"gigastore ankorstore":      "guest other",
		"gigastore features/shared": "guest shared",
		"features/mixed.feature":    "named other wrong",
	} {
		if got := selected(strings.Fields(args)...); got != want {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}

	// A file with mistakes keeps no other provider's scenarios from running; one
	// that may be anybody's does.
	w.Features.(fstest.MapFS)["gigastore.feature"] = &fstest.MapFile{Data: []byte("nonsense")}
	if got := selected("ankorstore"); got != "other" {
		t.Errorf("beside a broken file: got %q", got)
	}
	w.Features.(fstest.MapFS)["anyone.feature"] = &fstest.MapFile{Data: []byte("nonsense")}
	for _, args := range [][]string{{"ankorstore"}, {"gigastore"}, nil} {
		if _, err := NewPlan(w, Selection{Args: args}); err == nil || !strings.Contains(err.Error(), "features/anyone.feature:1:1") {
			t.Errorf("%v: got %v", args, err)
		}
	}
}

func TestSelectionErrors(t *testing.T) {
	for _, tt := range []struct {
		sel  Selection
		want string
	}{
		{Selection{Args: []string{"antsmoi"}}, `no provider "antsmoi" (did you mean "antsomi"?): known are ankorstore, antsomi, gigastore`},
		{Selection{Args: []string{"features/antsmoi.feature"}}, `no feature at features/antsmoi.feature (did you mean "features/antsomi.feature"?)`},
		{Selection{Tags: "@a and"}, `--tags "@a and": the expression is not complete`},
		{Selection{Tags: "health"}, `--tags "health": a tag begins with @: write @health`},
		{Selection{Tags: "~@a"}, "a tag begins with @"},
		{Selection{Args: []string{"ankorstore"}}, "ankorstore: no feature: write features/ankorstore.feature"},
	} {
		_, err := NewPlan(trickyWorkspace(t), tt.sel)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %s", tt.sel, err, tt.want)
		}
	}
}

func TestGherkinErrorsNameFileLineAndColumn(t *testing.T) {
	w := trickyWorkspace(t)
	w.Features = fstest.MapFS{"x.feature": {Data: []byte("Feature: X\n\n  Scenario: Y\n    Given nothing\n    Wehn nothing\n")}}
	_, err := NewPlan(w, Selection{})
	if err == nil || !strings.HasPrefix(err.Error(), "features/x.feature:5:5: ") {
		t.Errorf("got %v", err)
	}
}

func TestShardsAreAnExactPartition(t *testing.T) {
	whole, err := NewPlan(trickyWorkspace(t), Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range whole.Scenarios {
		want = append(want, s.ID())
	}
	for n := 1; n <= len(want)+2; n++ {
		var got []string
		for i := 1; i <= n; i++ {
			p, err := NewPlan(trickyWorkspace(t), Selection{Shard: Shard{i, n}})
			if err != nil {
				t.Fatal(err)
			}
			for _, res := range Run(context.Background(), p, Options{}).Results {
				got = append(got, fmt.Sprintf("%s:%d", res.URI, res.Line))
			}
		}
		sort.Strings(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), got); diff != "" {
			t.Errorf("%d shards: -want +got\n%s", n, diff)
		}
	}
}

func TestParseShard(t *testing.T) {
	for _, bad := range []string{"", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"} {
		if s, err := ParseShard(bad); err == nil {
			t.Errorf("%q: got %v", bad, s)
		}
	}
}

func TestLineNumbersStayTrue(t *testing.T) {
	p, err := NewPlan(trickyWorkspace(t), Selection{Args: []string{"features/antsomi.feature"}, Name: "nope"})
	if err != nil {
		t.Fatal(err)
	}
	res := Run(context.Background(), p, Options{}).Results[0]
	if want := lineOf("| nope  | 400"); res.Line != want {
		t.Errorf("scenario at line %d, want %d", res.Line, want)
	}
	last := res.Steps[len(res.Steps)-1]
	if want := lineOf("Then the response status is <status>"); last.Line != want || last.Column != 5 {
		t.Errorf("last step at %d:%d, want %d:5", last.Line, last.Column, want)
	}
	if last.Text != "the response status is 400" {
		t.Errorf("last step is %q", last.Text)
	}
}
