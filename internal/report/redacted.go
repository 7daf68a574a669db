package report

import (
	"net/http"
	"slices"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
)

// redacted returns a deep copy of the run in which every text has passed the
// redactor. Results are redacted when they are made; this is the second door,
// for secrets that were not known yet when a result was made.
func redacted(run *check.Run, erase *redact.Redactor) *check.Run {
	return eachTextOf(run, once(erase.String))
}

// skeleton returns a deep copy of the run in which a dash stands for every text.
// What a format makes of it are the format's own words, and the numbers.
func skeleton(run *check.Run) *check.Run {
	return eachTextOf(run, func(text string) string {
		if text == "" {
			return ""
		}
		return "-"
	})
}

// once remembers what change made of a text. A run says the same things in
// thousands of scenarios.
func once(change func(string) string) func(string) string {
	changed := make(map[string]string)
	return func(text string) string {
		if text == "" {
			return ""
		}
		out, known := changed[text]
		if !known {
			out = change(text)
			changed[text] = out
		}
		return out
	}
}

// eachTextOf returns a deep copy of the run in which every text that is not a
// word of ours is changed.
func eachTextOf(run *check.Run, change func(string) string) *check.Run {
	out := *run
	out.Version = change(run.Version)
	out.Results = make([]check.Result, len(run.Results))
	for i := range run.Results {
		out.Results[i] = changedResult(&run.Results[i], change)
	}
	return &out
}

func changedResult(r *check.Result, change func(string) string) check.Result {
	out := *r
	for _, s := range []*string{
		&out.Provider, &out.Feature, &out.Rule, &out.Scenario, &out.URI, &out.Message, &out.Advice,
	} {
		*s = change(*s)
	}
	out.Tags = changedStrings(r.Tags, change)
	out.Steps = slices.Clone(r.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Keyword, s.Text = change(s.Keyword), change(s.Text)
		s.Rows = slices.Clone(s.Rows)
		for j := range s.Rows {
			s.Rows[j].Cells = changedStrings(s.Rows[j].Cells, change)
		}
		s.Misses = slices.Clone(s.Misses)
		for j := range s.Misses {
			m := &s.Misses[j]
			m.Subject, m.Expected, m.Actual = change(m.Subject), change(m.Expected), change(m.Actual)
		}
	}
	out.Exchanges = slices.Clone(r.Exchanges)
	for i := range out.Exchanges {
		x := &out.Exchanges[i]
		for _, s := range []*string{
			&x.Call, &x.Method, &x.URL, &x.RequestBody, &x.ResponseBody, &x.Error, &x.Curl,
		} {
			*s = change(*s)
		}
		x.RequestHeader = changedHeader(x.RequestHeader, change)
		x.ResponseHeader = changedHeader(x.ResponseHeader, change)
	}
	return out
}

func changedHeader(h http.Header, change func(string) string) http.Header {
	if h == nil {
		return nil
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		name = change(name)
		out[name] = append(out[name], changedStrings(values, change)...)
	}
	return out
}

func changedStrings(in []string, change func(string) string) []string {
	out := slices.Clone(in)
	for i := range out {
		out[i] = change(out[i])
	}
	return out
}
