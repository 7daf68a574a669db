package report

import (
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/check"
)

// The caret stands under the expectation, wherever the sentence has it.
func TestStepCaret(t *testing.T) {
	tests := map[string]struct {
		text string
		miss check.Miss
		want string // the carets and the label, below the text
	}{
		"a number at the end": {
			"the response status is 400",
			check.Miss{Row: -1, Subject: "status", Expected: "400", Actual: "200"},
			"                       ^^^ got 200"},
		"quoted as in the sentence": {
			`the error is "invalid_scope"`,
			check.Miss{Row: -1, Subject: "error", Expected: `"invalid_scope"`, Actual: `"invalid_client"`},
			`             ^^^^^^^^^^^^^^^ got "invalid_client"`},
		"quoted unlike the sentence": {
			"the granted scope is item",
			check.Miss{Row: -1, Subject: "scope", Expected: `"item"`, Actual: "absent"},
			"                     ^^^^ got absent"},
		"the last of several": {
			`the header "401" says 401`,
			check.Miss{Row: -1, Subject: "header", Expected: "401", Actual: "402"},
			`                      ^^^ got 402`},
		"no part of a longer word": {
			"at least 4 of 400 items in 14 days",
			check.Miss{Row: -1, Subject: "items", Expected: "4", Actual: "3"},
			"         ^ got 3"},
		"what was looked at, if the sentence does not spell the expectation": {
			`the response has the header "WWW-Authenticate"`,
			check.Miss{Row: -1, Subject: "header WWW-Authenticate", Expected: "present", Actual: "absent"},
			`                             ^^^^^^^^^^^^^^^^ want present, got absent`},
		"else the whole sentence": {
			"one access token was requested",
			check.Miss{Row: -1, Subject: "token requests", Expected: "1", Actual: "2"},
			"^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ want 1, got 2"},
		"wide characters": {
			`日本 is "東京"`,
			check.Miss{Row: -1, Subject: "capital", Expected: `"東京"`, Actual: `"京都"`},
			`        ^^^^^^ got "京都"`},
		"nothing there": {
			"the body is empty text",
			check.Miss{Row: -1, Subject: "body", Expected: "empty text", Actual: ""},
			"            ^^^^^^^^^^ got nothing"},
		"no expectation at all": {
			"it is so",
			check.Miss{Row: -1},
			"^^^^^^^^ want , got nothing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := stepCaret("", tt.text, tt.miss, false)
			if got := blank(c.at) + strings.Repeat("^", c.width) + " " + c.label; got != tt.want {
				t.Errorf("under\n%s\ngot\n%s\nwant\n%s", tt.text, got, tt.want)
			}
		})
	}
}

func TestLongScenarioShowsWhatIsNearTheCarets(t *testing.T) {
	rows := make([]check.Row, 60)
	for i := range rows {
		rows[i] = check.Row{Line: 101 + i, Cells: []string{"field", "a string"}}
	}
	r := &check.Result{Verdict: check.Drifted, Cause: check.Shape, Steps: []check.Step{
		{Keyword: "When", Text: `I call "me"`, Line: 99, Column: 5, Status: check.StepPassed},
		{Keyword: "Then", Text: "the response body has:", Line: 100, Column: 5, Status: check.StepFailed, Rows: rows,
			Misses: []check.Miss{
				{Row: 3, Subject: "field", Expected: "a string", Actual: "4"},
				{Row: 40, Subject: "field", Expected: "a string", Actual: "41"},
			}},
	}}
	p := newPage(false, 80)
	p.source(r)
	want := `
   99 │ When I call "me"
  100 │ Then the response body has:
    ⋮ │
  102 │   | field | a string |
  103 │   | field | a string |
  104 │   | field | a string |
      │             ^^^^^^^^ got 4
  105 │   | field | a string |
  106 │   | field | a string |
    ⋮ │
  139 │   | field | a string |
  140 │   | field | a string |
  141 │   | field | a string |
      │             ^^^^^^^^ got 41
  142 │   | field | a string |
  143 │   | field | a string |
    ⋮ │
`
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWrapAndChunks(t *testing.T) {
	if got, want := strings.Join(wrap("aa bb  cc https://example.com/long dd", 6), "|"), "aa bb|cc|https://example.com/long|dd"; got != want {
		t.Errorf("wrap: got %q, want %q", got, want)
	}
	for in, want := range map[string]string{
		"":                     "",
		"short":                "short",
		"some words to break":  "some |words to |break",
		"averyverylongword is": "averyveryl|ongword is",
		"東京東京東京":               "東京東京東|京",
		"👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧": "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧|👩‍👩‍👧",
	} {
		if got := strings.Join(chunks(in, 10), "|"); got != want {
			t.Errorf("chunks(%q): got %q, want %q", in, got, want)
		}
	}
}
