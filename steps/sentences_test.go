package steps_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/steps"
)

// matching returns the sentences that a line is, whatever its keyword: a line
// that two of them match would be ambiguous under And.
func matching(line string) []string {
	var forms []string
	for _, s := range steps.Sentences() {
		if s.Pattern.MatchString(line) {
			forms = append(forms, s.Keyword+" "+s.Form)
		}
	}
	return forms
}

func TestSentences(t *testing.T) {
	keywords := []string{"Given", "When", "Then"}
	last := 0
	forms := map[string]bool{}
	for _, s := range steps.Sentences() {
		at := slices.Index(keywords, s.Keyword)
		if at < last {
			t.Errorf("%s %s: does not stand among those of its keyword", s.Keyword, s.Form)
		}
		last = at
		if p := s.Pattern.String(); !strings.HasPrefix(p, "^") || !strings.HasSuffix(p, "$") || strings.Contains(p, "|") && !strings.Contains(p, "(") {
			t.Errorf("%s: the pattern %s is not anchored", s.Form, p)
		}
		if forms[s.Form] {
			t.Errorf("%s: twice", s.Form)
		}
		forms[s.Form] = true
		if got := matching(s.Example); len(got) != 1 || got[0] != s.Keyword+" "+s.Form {
			t.Errorf("%s: its example %q matches %q", s.Form, s.Example, got)
		}
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: want its doc in sentences, got %q", s.Form, s.Doc)
		}
		if strings.HasSuffix(s.Form, ":") != (s.Table != nil) {
			t.Errorf("%s: a colon stands before a table, and nowhere else", s.Form)
		}
	}
}

// Lines that two sentences could claim, each of which one has to claim.
func TestNoLineIsAmbiguous(t *testing.T) {
	for line, form := range map[string]string{
		`valid credentials`:                                `valid [PROVIDER] credentials`,
		`valid no credentials`:                             `valid [PROVIDER] credentials`,
		`no credentials`:                                   `no [PROVIDER] credentials`,
		`no valid credentials`:                             `no [PROVIDER] credentials`,
		`credentials with no secret`:                       `[PROVIDER] credentials with a wrong|an unknown|no FIELD`,
		`credentials with a wrong client secret`:           `[PROVIDER] credentials with a wrong|an unknown|no FIELD`,
		`My Shop credentials with an unknown client ID`:    `[PROVIDER] credentials with a wrong|an unknown|no FIELD`,
		`a valid access token`:                             `a valid|an expired|a malformed|an unknown|no [PROVIDER] access token`,
		`an unknown My Shop access token`:                  `a valid|an expired|a malformed|an unknown|no [PROVIDER] access token`,
		`no access token`:                                  `a valid|an expired|a malformed|an unknown|no [PROVIDER] access token`,
		`an access token that has since expired`:           `an access token that has since expired`,
		`I request an access token`:                        `I request an access token`,
		`I request an access token for the scope "a"`:      `I request an access token for the scope(s) "A" and "B"`,
		`I request an access token with scope ""`:          `I request an access token with scope "TEXT"`,
		`I request an access token with grant type "a b"`:  `I request an access token with grant type "GRANT"`,
		`I request an access token without "scope"`:        `I request an access token without "PARAMETER"`,
		`I call "me"`:                                      `I call "CALL"`,
		`I call "me" 9 times`:                              `I call "CALL" N times`,
		`an access token is issued`:                        `an access token is issued`,
		`no access token is issued`:                        `no access token is issued`,
		`1 access token was requested`:                     `N access token(s) was|were requested`,
		`the access token is a JWT`:                        `the access token is EXPECTATION`,
		`the access token lives for 1 hour`:                `the access token lives for [at least|at most] N seconds|minutes|hours|days`,
		`the access token lives for at least 90 seconds`:   `the access token lives for [at least|at most] N seconds|minutes|hours|days`,
		`the granted scope is "a"`:                         `the granted scope(s) is|are "A" and "B"`,
		`the granted scopes are "a", "b" and "c"`:          `the granted scope(s) is|are "A" and "B"`,
		`the response header "X-Rate" is matching /^\d+$/`: `the response header "NAME" is EXPECTATION`,
		`the response status is 200`:                       `the response status is CODE`,
		`the error is "invalid_scope"`:                     `the error is "CODE"`,
		`the challenge is "Basic"`:                         `the challenge is "SCHEME"`,
		`the request carried:`:                             `the request carried:`,
		`the response body has:`:                           `the response body has:`,
	} {
		got := matching(line)
		if len(got) != 1 || !strings.HasSuffix(got[0], " "+form) {
			t.Errorf("%s: matches %q, want %q", line, got, form)
		}
	}
	for _, line := range []string{
		`Valid credentials`, `valid credentials.`, ` valid credentials`, `I call me`, `I call "me" 1 times`, `I call "me" 10 times`,
		`the response status is 2xx`, `the response status is 20`, `the access token lives for an hour`, `the request carried`,
		`I request an access token for the scopes`, `the response header Content-Type is "a"`,
	} {
		if got := matching(line); len(got) != 0 {
			t.Errorf("%s: matches %q, want none", line, got)
		}
	}
}

func TestBuiltinFeaturesUseEverySentence(t *testing.T) {
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, scenario := range plan.Scenarios {
		for _, step := range scenario.Steps {
			got := matching(step.Text)
			if len(got) != 1 {
				t.Errorf("%s:%d: %s: matches %q", scenario.URI, step.Line, step.Text, got)
				continue
			}
			used[got[0]] = true
		}
	}
	for _, s := range steps.Sentences() {
		if !used[s.Keyword+" "+s.Form] {
			t.Errorf("no built-in feature uses: %s %s", s.Keyword, s.Form)
		}
	}
}

func TestDocumentationHasEverySentence(t *testing.T) {
	page, err := os.ReadFile("../docs/steps.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps.Sentences() {
		for _, part := range append([]string{s.Keyword + " " + s.Example, s.Doc}, s.Table...) {
			if !strings.Contains(string(page), part) {
				t.Errorf("docs/steps.md has not %q: make docs", part)
			}
		}
	}
	for _, k := range steps.Kinds() {
		if !strings.Contains(strings.ReplaceAll(string(page), `\|`, "|"), k.Doc) {
			t.Errorf("docs/steps.md does not explain %s: make docs", k.Form)
		}
	}
}

// What a caller does to the sentences it was given is its own business.
func TestSentencesAreACopy(t *testing.T) {
	list := steps.Sentences()
	list[0].Form = "changed"
	if steps.Sentences()[0].Form == "changed" {
		t.Error("a caller can change the vocabulary")
	}
}
