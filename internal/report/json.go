package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/authspec/authspec/internal/check"
)

//go:embed run-1.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the format "json", which
// documents each field.
func Schema() []byte { return bytes.Clone(schema) }

// jsonVersion changes when a field goes away or changes its meaning. New fields
// may come at any time.
const jsonVersion = 1

type (
	jsonRun struct {
		Version     int                   `json:"version"`
		Authspec    string                `json:"authspec"`
		Mode        check.Mode            `json:"mode"`
		Started     time.Time             `json:"started"`
		Duration    jsonMilliseconds      `json:"duration_ms"`
		ExitCode    int                   `json:"exit_code"`
		Interrupted bool                  `json:"interrupted"`
		Selected    int                   `json:"selected"`
		Shard       *jsonShard            `json:"shard,omitempty"`
		Counts      map[check.Verdict]int `json:"counts"`
		Scenarios   []jsonScenario        `json:"scenarios"`
	}
	jsonShard struct {
		Index int `json:"index"`
		Of    int `json:"of"`
	}
	jsonScenario struct {
		ID        string           `json:"id"`
		Provider  string           `json:"provider"`
		Feature   string           `json:"feature"`
		Rule      string           `json:"rule,omitempty"`
		Name      string           `json:"name"`
		URI       string           `json:"uri"`
		Line      int              `json:"line"`
		Tags      []string         `json:"tags"`
		Verdict   check.Verdict    `json:"verdict"`
		Cause     check.Cause      `json:"cause,omitempty"`
		Message   string           `json:"message,omitempty"`
		Advice    string           `json:"advice,omitempty"`
		Started   *time.Time       `json:"started,omitempty"`
		Duration  jsonMilliseconds `json:"duration_ms"`
		Steps     []jsonStep       `json:"steps"`
		Exchanges []jsonExchange   `json:"exchanges"`
	}
	jsonStep struct {
		Keyword  string           `json:"keyword"`
		Text     string           `json:"text"`
		Line     int              `json:"line"`
		Column   int              `json:"column"`
		Rows     []jsonRow        `json:"rows,omitempty"`
		Status   check.StepStatus `json:"status"`
		Misses   []jsonMiss       `json:"misses,omitempty"`
		Duration jsonMilliseconds `json:"duration_ms"`
	}
	jsonRow struct {
		Line  int      `json:"line"`
		Cells []string `json:"cells"`
	}
	jsonMiss struct {
		Row      *int   `json:"row,omitempty"`
		Subject  string `json:"subject"`
		Expected string `json:"expected"`
		Actual   string `json:"actual"`
	}
	jsonExchange struct {
		Call     string           `json:"call,omitempty"`
		Request  jsonRequest      `json:"request"`
		Response *jsonResponse    `json:"response,omitempty"`
		Error    string           `json:"error,omitempty"`
		Duration jsonMilliseconds `json:"duration_ms"`
		Curl     string           `json:"curl,omitempty"`
	}
	jsonRequest struct {
		Method  string      `json:"method"`
		URL     string      `json:"url"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
	}
	jsonResponse struct {
		Status  int         `json:"status"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
	}
	jsonMilliseconds time.Duration
)

func (d jsonMilliseconds) MarshalJSON() ([]byte, error) {
	us := time.Duration(d).Microseconds()
	return json.Marshal(float64(us) / 1000)
}

func writeJSON(w io.Writer, run *check.Run) error {
	out := jsonRun{
		Version: jsonVersion, Authspec: run.Version, Mode: run.Mode,
		Started: run.Started.UTC(), Duration: jsonMilliseconds(run.Duration),
		ExitCode: run.ExitCode(), Interrupted: run.Interrupted, Selected: run.Selected,
		Counts:    make(map[check.Verdict]int),
		Scenarios: make([]jsonScenario, len(run.Results)),
	}
	if run.Shard.Of > 0 {
		out.Shard = (*jsonShard)(&run.Shard)
	}
	for _, v := range check.Verdicts() {
		out.Counts[v] = run.Count(v)
	}
	for i := range run.Results {
		out.Scenarios[i] = jsonScenarioOf(&run.Results[i])
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // <redacted:…> stays readable
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(printable(b.Bytes()))
	return err
}

func jsonScenarioOf(r *check.Result) jsonScenario {
	out := jsonScenario{
		ID: fmt.Sprintf("%s:%d", r.URI, r.Line), Provider: r.Provider, Feature: r.Feature, Rule: r.Rule,
		Name: r.Scenario, URI: r.URI, Line: r.Line, Tags: full(r.Tags),
		Verdict: r.Verdict, Cause: r.Cause, Message: r.Message, Advice: r.Advice,
		Duration:  jsonMilliseconds(r.Duration),
		Steps:     make([]jsonStep, len(r.Steps)),
		Exchanges: make([]jsonExchange, len(r.Exchanges)),
	}
	if !r.Started.IsZero() {
		started := r.Started.UTC()
		out.Started = &started
	}
	for i, s := range r.Steps {
		step := jsonStep{Keyword: s.Keyword, Text: s.Text, Line: s.Line, Column: s.Column,
			Status: s.Status, Duration: jsonMilliseconds(s.Duration)}
		for _, row := range s.Rows {
			step.Rows = append(step.Rows, jsonRow{row.Line, full(row.Cells)})
		}
		for _, m := range s.Misses {
			miss := jsonMiss{Subject: m.Subject, Expected: m.Expected, Actual: m.Actual}
			if m.Row >= 0 {
				miss.Row = &m.Row
			}
			step.Misses = append(step.Misses, miss)
		}
		out.Steps[i] = step
	}
	for i, x := range r.Exchanges {
		exchange := jsonExchange{Call: x.Call, Error: x.Error, Duration: jsonMilliseconds(x.Duration), Curl: x.Curl,
			Request: jsonRequest{x.Method, x.URL, fullHeader(x.RequestHeader), x.RequestBody}}
		if x.Status != 0 {
			exchange.Response = &jsonResponse{x.Status, fullHeader(x.ResponseHeader), x.ResponseBody}
		}
		out.Exchanges[i] = exchange
	}
	return out
}

// A list is never null.
func full(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func fullHeader(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h
}

// printable writes what would not print on a terminal, or would command a CI
// runner, as the escapes \uXXXX of JSON: the same document, which is safe to cat.
func printable(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	text := string(b)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '#' && commands(text, i):
			out = append(out, `\u0023`...)
		case r == '\n' || unicode.IsPrint(r) && r != utf8.RuneError: // which encoding/json escapes where it stands for bad bytes
			out = append(out, text[i:i+size]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}
