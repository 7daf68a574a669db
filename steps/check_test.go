package steps_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

func TestMend(t *testing.T) {
	for text, want := range map[string]string{
		`valid Antsomi credentials`:               `valid Antsomi credentials`,
		`valid My Shop credental`:                 `valid My Shop credentials`,
		`Valid Antsomi Credentials`:               `valid Antsomi credentials`,
		`i request an acess token`:                `I request an access token`,
		`I request an access token without "gra"`: `I request an access token without "gra"`,
		`I call "an acess token"`:                 `I call "an acess token"`,
		`I cal "valide tokn"`:                     `I call "valide tokn"`,
		`the response status is 200.`:             `the response status is 200`,
		`the response body has`:                   `the response body has:`,
		`the request caried;`:                     `the request carried:`,

		`I fetch a token`:                ``,
		`you request an access token`:    ``,
		`call the API with valid tokens`: ``,
		``:                               ``,
	} {
		got, ok := steps.Mend(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestUndefinedSaysWhatWasMeant(t *testing.T) {
	for _, tt := range []struct{ keyword, text, message, advice string }{
		{"When", "valid Antsomi credentials", "this sentence belongs under Given, not under When", "Begin the line with Given, or with And below a Given."},
		{"Then", "the respose status is 200", "no sentence of the vocabulary matches this line", "Did you mean: the response status is 200? authspec steps lists the sentences that exist."},
		{"When", "I ask for an access token", "no sentence of the vocabulary matches this line", "Did you mean: I request an access token? authspec steps lists the sentences that exist."},
		{"Given", "it rains", "no sentence of the vocabulary matches this line", "authspec steps lists the sentences that exist."},
	} {
		message, advice := steps.Undefined(tt.keyword, tt.text)
		if diff := cmp.Diff([]string{tt.message, tt.advice}, []string{message, advice}); diff != "" {
			t.Errorf("%s %s: -want +got\n%s", tt.keyword, tt.text, diff)
		}
	}
}

// What Check says is tested by the archives of internal/lint; here, that
// nothing makes it stumble and that it knows whom a scenario speaks of.
func TestCheckSurvivesAnyOrder(t *testing.T) {
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	var lines []steps.Line
	for _, s := range steps.Sentences() {
		line := steps.Line{Keyword: s.Keyword, Text: s.Example}
		if s.Table != nil {
			line.Table = [][]string{{"a", "1"}, {}, {"its b", "its c", "its d"}}
		}
		lines = append(lines, line)
	}
	for _, uri := range []string{"features/antsomi.feature", "features/nobody.feature", ""} {
		for i := range lines {
			for j := range lines {
				steps.Check(catalogue, fixtures.Files, uri, []steps.Line{lines[i], lines[j], lines[i]})
			}
		}
	}
	for _, tt := range []struct{ uri, given, want string }{
		{"features/antsomi.feature", "valid credentials", "antsomi"},
		{"features/antsomi.feature", "valid Gigastore credentials", "gigastore"},
		{"features/antsomi/scopes.feature", "no access token", "antsomi"},
		{"features/nobody.feature", "valid credentials", ""},
		{"features/nobody.feature", "valid Nobody credentials", ""},
	} {
		_, about := steps.Check(catalogue, fixtures.Files, tt.uri, []steps.Line{{Keyword: "Given", Text: tt.given}})
		got := ""
		if about != nil {
			got = about.ID
		}
		if got != tt.want {
			t.Errorf("%s in %s: got %q, want %q", tt.given, tt.uri, got, tt.want)
		}
	}
}
