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
	out := *run
	out.Version = erase.String(run.Version)
	out.Results = make([]check.Result, len(run.Results))
	for i := range run.Results {
		out.Results[i] = redactedResult(&run.Results[i], erase)
	}
	return &out
}

func redactedResult(r *check.Result, erase *redact.Redactor) check.Result {
	out := *r
	for _, s := range []*string{
		&out.Provider, &out.Feature, &out.Rule, &out.Scenario, &out.URI, &out.Message, &out.Advice,
	} {
		*s = erase.String(*s)
	}
	out.Tags = redactedStrings(r.Tags, erase)
	out.Steps = slices.Clone(r.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Keyword, s.Text = erase.String(s.Keyword), erase.String(s.Text)
		s.Rows = slices.Clone(s.Rows)
		for j := range s.Rows {
			s.Rows[j].Cells = redactedStrings(s.Rows[j].Cells, erase)
		}
		s.Misses = slices.Clone(s.Misses)
		for j := range s.Misses {
			m := &s.Misses[j]
			m.Subject, m.Expected, m.Actual = erase.String(m.Subject), erase.String(m.Expected), erase.String(m.Actual)
		}
	}
	out.Exchanges = slices.Clone(r.Exchanges)
	for i := range out.Exchanges {
		x := &out.Exchanges[i]
		for _, s := range []*string{
			&x.Call, &x.Method, &x.URL, &x.RequestBody, &x.ResponseBody, &x.Error, &x.Curl,
		} {
			*s = erase.String(*s)
		}
		x.RequestHeader = redactedHeader(x.RequestHeader, erase)
		x.ResponseHeader = redactedHeader(x.ResponseHeader, erase)
	}
	return out
}

func redactedHeader(h http.Header, erase *redact.Redactor) http.Header {
	if h == nil {
		return nil
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		name = erase.String(name)
		out[name] = append(out[name], redactedStrings(values, erase)...)
	}
	return out
}

func redactedStrings(in []string, erase *redact.Redactor) []string {
	out := slices.Clone(in)
	for i := range out {
		out[i] = erase.String(out[i])
	}
	return out
}
