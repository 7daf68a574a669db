package report

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/check"
)

func TestBodyIsBounded(t *testing.T) {
	tests := map[string]struct {
		body  string
		lines int
		last  string
	}{
		"long array":     {"[" + strings.Repeat("1,", 100) + "1]", 21, "< … 83 more lines"},
		"page":           {strings.Repeat("<p>\n", 100), 8, "< … 93 more lines"},
		"one line over":  {strings.Repeat("<p>\n", 8), 8, "< <p>"},
		"megabytes":      {strings.Repeat("a", 5<<20), 2, "< … 5242880 bytes in all"},
		"deep nesting":   {strings.Repeat("[", 9000) + strings.Repeat("]", 9000), 1, ""},
		"not JSON":       {`{"a":`, 1, `< {"a":`},
		"after redacted": {`{"a":<redacted:x>}`, 1, `< {"a":<redacted:x>}`},
		"a number":       {"42", 1, "< 42"},
		"values as sent": {`{"a":1.0e2,"b":"\u00e9\/"}`, 4, "< }"},
		"empty":          {"", 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPage(false, 80)
			p.body("< ", tt.body, 20)
			lines := strings.Split(strings.TrimSuffix(p.String(), "\n"), "\n")
			if p.String() == "" {
				lines = nil
			}
			if len(lines) != tt.lines {
				t.Fatalf("%d lines, want %d:\n%s", len(lines), tt.lines, p.String())
			}
			for _, line := range lines {
				if n := cells(line); n > 80 {
					t.Errorf("a line of %d columns: %s", n, line)
				}
			}
			if tt.last != "" && lines[len(lines)-1] != "  "+tt.last {
				t.Errorf("it ends with %q, want %q", lines[len(lines)-1], "  "+tt.last)
			}
		})
	}
}

// The cause decides which parts of the last exchange are evidence.
func TestEvidence(t *testing.T) {
	x := check.Exchange{
		Method: "GET", URL: "https://x.example/", RequestHeader: http.Header{"Asked": {"1"}}, RequestBody: "question",
		Status: 429, ResponseHeader: http.Header{"Retry-After": {"60"}}, ResponseBody: "answer", Curl: "curl -i https://x.example/",
	}
	const line = "\n  GET https://x.example/ → 429, 0 ms\n"
	const request, header, body = "  > Asked: 1\n  >\n  > question\n", "  < Retry-After: 60\n  <\n", "  < answer\n"
	const curl = "\n  reproduce:\n  curl -i https://x.example/\n"
	tests := map[string]struct {
		verdict check.Verdict
		cause   check.Cause
		depth   depth
		want    string
	}{
		"status":           {check.Drifted, check.Status, depth{}, line + body + curl},
		"our request":      {check.Drifted, check.Request, depth{}, line + request + body + curl},
		"a header":         {check.Drifted, check.Header, depth{}, line + header + body + curl},
		"a limit":          {check.Inconclusive, check.RateLimited, depth{}, line + header + body + curl},
		"verbose":          {check.Drifted, check.Status, depth{verbose: true}, line + request + header + body + curl},
		"passed, verbose":  {check.Passed, "", depth{verbose: true}, line + request + header + body},
		"passed, curl":     {check.Passed, "", depth{curl: true}, line + curl},
		"skipped, verbose": {check.Skipped, check.NeedsClock, depth{verbose: true}, line + request + header + body},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPage(false, 80)
			p.evidence(&check.Result{Verdict: tt.verdict, Cause: tt.cause, Exchanges: []check.Exchange{x}}, tt.depth)
			if got := p.String(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestEarlierExchangesAreALineEach(t *testing.T) {
	r := &check.Result{Verdict: check.Drifted, Cause: check.Status}
	for i := range 9 {
		r.Exchanges = append(r.Exchanges, check.Exchange{Method: "GET", URL: fmt.Sprint("https://x.example/", i), Status: 200, ResponseBody: "answer"})
	}
	p := newPage(false, 80)
	p.evidence(r, depth{})
	want := `
  … 3 earlier exchanges
  GET https://x.example/3 → 200, 0 ms
  GET https://x.example/4 → 200, 0 ms
  GET https://x.example/5 → 200, 0 ms
  GET https://x.example/6 → 200, 0 ms
  GET https://x.example/7 → 200, 0 ms

  GET https://x.example/8 → 200, 0 ms
  < answer
`
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnswerThatBrokeOff(t *testing.T) {
	p := newPage(false, 80)
	got := p.answer(&check.Exchange{Status: 200, Error: "the body is larger than 1 MiB"})
	if want := "200, 0 ms, then the body is larger than 1 MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
