package steps

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// absent stands for a path at which there is nothing.
const absent = ""

const aJWT = `"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln"`

// expectations has values that meet each expectation and values that do not.
// Values are raw JSON.
var expectations = []struct {
	text    string
	met, no []string
}{
	// Literals: equal in type and value.
	{`"42"`, []string{`"42"`, `"\u0034\u0032"`}, []string{`42`, `"42 "`, `""`, `null`, absent}},
	{`""`, []string{`""`}, []string{`null`, `0`, absent}},
	{`42`, []string{`42`, `42.0`, `4.2e1`}, []string{`"42"`, `42.5`, `true`, `null`, absent}},
	{`1`, []string{`1`}, []string{`true`, `"1"`, `[1]`}},
	{`0`, []string{`0`, `0.0`}, []string{`false`, `null`, `""`, absent}},
	{`9007199254740993`, []string{`9007199254740993`}, []string{`9007199254740992`, `9007199254740994`}},
	{`9223372036854775808`, []string{`9223372036854775808`}, []string{`9223372036854775807`, `9223372036854775809`}},
	{`true`, []string{`true`}, []string{`"true"`, `1`, `false`, absent}},
	{`false`, []string{`false`}, []string{`null`, `0`, `true`, absent}},
	{`null`, []string{`null`}, []string{`"null"`, `0`, `""`, `{}`, absent}},
	{`[1, 2]`, []string{`[1,2]`, `[ 1 , 2.0 ]`}, []string{`[2,1]`, `[1,2,3]`, `{"0":1}`, `"[1,2]"`}},
	{`{"a": 1, "b": [null]}`, []string{`{"b":[null],"a":1}`}, []string{`{"a":1}`, `{"a":1,"b":[]}`, `{"a":"1","b":[null]}`}},
	{`{}`, []string{`{}`}, []string{`[]`, `null`, `{"a":1}`}},

	{`a boolean`, []string{`true`, `false`}, []string{`"true"`, `0`, `null`, absent}},
	{`a date-time`, []string{`"2023-08-10T12:41:57.643Z"`, `"2020-01-28T11:26:35+00:00"`, `"2020-01-28T11:26:35-07:00"`},
		[]string{`"2023-08-10"`, `"2023-08-10T12:41:57"`, `"2023-08-10 12:41:57Z"`, `"2023-13-10T12:41:57Z"`, `1691671317`, `""`, absent}},
	{`a date-time in the future`, []string{`"2026-11-21T12:00:01Z"`, `"2026-11-21T13:00:01+01:00"`}, []string{`"2026-11-21T12:00:00Z"`, `"2026-11-21T12:59:59+01:00"`, `4102444800`, `"never"`, absent}},
	{`a date-time in the past`, []string{`"2026-11-21T11:59:59Z"`, `"0001-01-02T00:00:00Z"`}, []string{`"2026-11-21T12:00:00Z"`, `0`, `""`, absent}},
	{`a JWT`, []string{aJWT}, []string{`"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9."`, `"eyJhbGciOiJSUzI1NiIsInR5c..._very.long_string"`, `"a.b.c"`, `"W10.e30.c2ln"`, `42`, absent}},
	{`a non-empty array`, []string{`[null]`, `[[]]`}, []string{`[]`, `{"0":1}`, `"[1]"`, absent}},
	{`a non-empty string`, []string{`"x"`, `" "`}, []string{`""`, `0`, `null`, `["x"]`, absent}},
	{`a number`, []string{`0`, `-1.5`, `1e300`}, []string{`"0"`, `true`, `null`, absent}},
	{`a positive integer`, []string{`1`, `123456789012345678901234567890`}, []string{`0`, `-1`, `1.0`, `1e3`, `"1"`, `true`, absent}},
	{`a string`, []string{`""`, `"42"`}, []string{`42`, `null`, `{}`, absent}},
	{`a URL`, []string{`"https://api.example.com/x?y#z"`, `"http://localhost:8080"`}, []string{`"/path"`, `"example.com"`, `"ftp://example.com"`, `"https://"`, `"mailto:a@example.com"`, `42`, absent}},
	{`a UUID`, []string{`"26156a86-b739-4c6b-9de2-314228c3e6e5"`, `"26156A86-B739-4C6B-9DE2-314228C3E6E5"`}, []string{`"26156a86b7394c6b9de2314228c3e6e5"`, `"{26156a86-b739-4c6b-9de2-314228c3e6e5}"`, `"26156a86-b739-4c6b-9de2-314228c3e6eg"`, absent}},
	{`absent`, []string{absent}, []string{`null`, `""`, `0`, `false`}},
	{`an array`, []string{`[]`, `[1]`}, []string{`{}`, `"[]"`, `null`, absent}},
	{`an email address`, []string{`"api@ankorstore.com"`}, []string{`"Test <api@ankorstore.com>"`, `"api"`, `"@ankorstore.com"`, `1`, absent}},
	{`an integer`, []string{`0`, `-7`, `9223372036854775808`}, []string{`"42"`, `42.0`, `42.5`, `1e3`, `true`, `null`, absent}},
	{`an object`, []string{`{}`, `{"a":1}`}, []string{`[]`, `"{}"`, `null`, absent}},
	{`an opaque string`, []string{`"5474r2x214z26484"`, `"eyJhbGciOiJSUzI1NiIsInR5c..._very.long_string"`}, []string{aJWT, `""`, `42`, absent}},
	{`present`, []string{`null`, `0`, `""`, `[]`}, []string{absent}},

	{`at least 10`, []string{`10`, `10.5`, `1e300`}, []string{`9.99`, `"10"`, `true`, `null`, absent}},
	{`at least -1.5`, []string{`-1.5`, `0`}, []string{`-2`}},
	{`at most 10`, []string{`10`, `-1e300`}, []string{`10.01`, `"9"`, `false`, `null`, absent}},
	{`containing "b\"c"`, []string{`"ab\"cd"`}, []string{`"abc"`, `["b\"c"]`, absent}},
	{`matching /^[A-Z]{20}$/`, []string{`"ECOTBQNPIFPCVMQNSZAB"`}, []string{`"ecotbqnpifpcvmqnszab"`, `42`, absent}},
	{`matching /a\/b/`, []string{`"a/b"`}, []string{`"ab"`}},
	{`one of "Bearer", "bearer", null`, []string{`"Bearer"`, `"bearer"`, `null`}, []string{`"BEARER"`, `"null"`, absent}},
	{`one of 200, 201`, []string{`200`, `201`}, []string{`"200"`, `202`, absent}},
}

func TestExpectations(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, e := range expectations {
		t.Run(e.text, func(t *testing.T) {
			want, err := parseExpectation(e.text)
			if err != nil {
				t.Fatal(err)
			}
			for _, raw := range e.met {
				if !want.match(valueOf(raw), now) {
					t.Errorf("%s does not meet it", raw)
				}
			}
			for _, raw := range e.no {
				if want.match(valueOf(raw), now) {
					t.Errorf("%q meets it", raw)
				}
			}
		})
	}
}

// valueOf finds raw JSON in a document, as a step would.
func valueOf(raw string) gjson.Result {
	if raw == absent {
		return gjson.Get(`{}`, "value")
	}
	return gjson.Get(`{"value": `+raw+`}`, "value")
}

// Each expectation there is has to be in the table above.
func TestEveryKindOfExpectationIsTried(t *testing.T) {
	tried := func(kind string) bool {
		prefix, _, _ := strings.Cut(kind, strings.TrimLeft(kind, "abcdefghijklmnopqrstuvwxyz "))
		for _, e := range expectations {
			if e.text == kind || prefix != kind && prefix != "" && strings.HasPrefix(e.text, prefix) {
				return true
			}
		}
		return false
	}
	for _, k := range Kinds()[1:] { // the first stands for literals
		if !tried(k.Form) {
			t.Errorf("%s is not tried", k.Form)
		}
		if k.Doc == "" {
			t.Errorf("%s is not explained", k.Form)
		}
	}
}

func TestKindsAreSorted(t *testing.T) {
	var forms []string
	for _, k := range kinds {
		forms = append(forms, strings.ToLower(k.Form))
	}
	if !slices.IsSorted(forms) {
		t.Errorf("not sorted: %q", forms)
	}
}

// A value is what gjson finds first: a JSON object may have a key twice, and
// the client reads its token the same way.
func TestExpectationsReadTheFirstOfTwoKeys(t *testing.T) {
	want, err := parseExpectation(`"first"`)
	if err != nil {
		t.Fatal(err)
	}
	if v := gjson.Get(`{"a": "first", "a": "second"}`, "a"); !want.match(v, time.Time{}) {
		t.Errorf("got %s", v.Raw)
	}
}

func TestMistakenExpectations(t *testing.T) {
	for text, want := range map[string]string{
		`Bearer`:              `Bearer is no expectation (for the text itself write "Bearer"): write a JSON literal or one of: `,
		`a strng`:             `a strng is no expectation (did you mean "a string"?)`,
		`a JWt`:               `a JWt is no expectation (did you mean "a JWT"?)`,
		`'single'`:            `'single' is no expectation`,
		``:                    ` is no expectation`,
		`{"a": }`:             `{"a": } is no expectation`,
		`at least ten`:        `at least ten: want a number: write at least N`,
		`at least NaN`:        `at least NaN: want a number: write at least N`,
		`at most 1_000`:       `at most 1_000: want a number: write at most N`,
		`at most 0x10`:        `at most 0x10: want a number: write at most N`,
		`at most "10"`:        `at most "10": want a number: write at most N`,
		`containing Bearer`:   `containing Bearer: want a text between quotation marks: write containing "TEXT"`,
		`containing null`:     `containing null: want a text between quotation marks`,
		`matching ^a$`:        `matching ^a$: a regular expression stands between slashes: write matching /REGEXP/`,
		`matching /`:          `matching /: a regular expression stands between slashes`,
		`matching /(/`:        "matching /(/: error parsing regexp: missing closing ): `(`: write matching /REGEXP/",
		`one of Bearer, MAC`:  `one of Bearer, MAC: want JSON literals with commas between them`,
		`one of `:             `one of : want JSON literals with commas between them`,
		`one of "a" "b"`:      `one of "a" "b": want JSON literals with commas between them`,
		`a date-time in 2030`: `a date-time in 2030 is no expectation`,
	} {
		_, err := parseExpectation(text)
		if err == nil {
			t.Errorf("%q: no error", text)
			continue
		}
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n got %s\nwant %s…", text, err, want)
		}
		if suggests, lists := strings.Contains(err.Error(), "did you mean"), strings.Contains(err.Error(), " one of: "); suggests && lists {
			t.Errorf("%q: a list of all beside the one that was meant: %s", text, err)
		}
	}
}

func TestShownValues(t *testing.T) {
	const secret = "5474r2x214z26484u2e4y4a403q5e4z5m4j4b403s526"
	s := &scenario{vocabulary: New(Options{})}
	s.vocabulary.opts.Secret("TOKEN", secret)
	long := `"` + strings.Repeat("ä", 200) + `"`
	for _, c := range []struct{ raw, want string }{
		{absent, "absent"},
		{`null`, "null"},
		{`"42"`, `"42"`},
		{"{\n  \"a\":  1\n}", `{ "a": 1 }`},
		{long, `"` + strings.Repeat("ä", 119) + " …"},
		{`"` + secret + `"`, `"<redacted:TOKEN>"`},
		{`"` + strings.Repeat("-", 100) + secret + `"`, `"` + strings.Repeat("-", 100) + `<redacted:TOKEN>"`},
	} {
		if got := s.show(valueOf(c.raw)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.raw, got, c.want)
		}
	}
}

func TestQuotedLists(t *testing.T) {
	for text, want := range map[string][]string{
		`"item"`:                             {"item"},
		`"item" and "event"`:                 {"item", "event"},
		`"item", "event" and "profile"`:      {"item", "event", "profile"},
		`"item", "event", and "profile"`:     {"item", "event", "profile"},
		`"a b", "c,d" and "urn:x:and \"quo\`: nil,
		`"a b" and "c,d"`:                    {"a b", "c,d"},
		`"*"`:                                {"*"},
		`"item" or "event"`:                  nil,
		`"item" "event"`:                     nil,
		`"item",`:                            nil,
		`"item" and`:                         nil,
		`""`:                                 nil,
		`"item" and ""`:                      nil,
		`item`:                               nil,
		`"item" and event`:                   nil,
		`"item"` + "\n" + `and "event"`:      nil,
	} {
		got, err := quotedList(text)
		if (err != nil) != (want == nil) {
			t.Errorf("%s: error %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", text, diff)
		}
	}
}
