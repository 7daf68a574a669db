package health

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
)

// A Record is a credential of a run as it is written: in the JSON report, in
// the history and in what is exported of it. report/health-1.schema.json
// describes the fields.
type Record struct {
	Name        string              `json:"name"`
	Provider    string              `json:"provider"`
	Owner       string              `json:"owner,omitempty"`
	Tags        []string            `json:"tags"`
	Environment string              `json:"environment,omitempty"`
	BaseURL     string              `json:"base_url,omitempty"`
	Control     credentials.Control `json:"control,omitempty"`

	Verdict   check.Verdict `json:"verdict"`
	Cause     check.Cause   `json:"cause,omitempty"`
	Confirmed bool          `json:"confirmed"`
	Since     time.Time     `json:"since"`
	Changed   Change        `json:"changed,omitempty"`
	Flapping  bool          `json:"flapping"`
	Stale     bool          `json:"stale"`
	Rule      Rule          `json:"rule"`
	Message   string        `json:"message"`
	Advice    string        `json:"advice,omitempty"`
	Who       Who           `json:"who,omitempty"`

	Missing  []string        `json:"missing_scopes,omitempty"`
	Drift    []RecordDrift   `json:"drift"`
	Ran      []RecordRan     `json:"scenarios,omitempty"`
	Met      []RecordMet     `json:"errors_met,omitempty"`
	Warnings []string        `json:"warnings"`
	Expires  *RecordExpiry   `json:"expires,omitempty"`
	Evidence *RecordEvidence `json:"evidence,omitempty"`

	Checked       *time.Time   `json:"last_checked,omitempty"`
	Passed        *time.Time   `json:"last_passed,omitempty"`
	Started       *time.Time   `json:"started,omitempty"`
	Duration      Milliseconds `json:"duration_ms"`
	Latency       Milliseconds `json:"latency_ms"`
	TokenLifetime float64      `json:"token_lifetime_s,omitempty"`
	Requests      int          `json:"requests"`
	TokenRequests int          `json:"token_requests"`
}

// A Standing is the last result of a credential, and how it stands since.
type Standing struct {
	At     time.Time
	Record Record
	State  State
}

// A RecordDrift is a Drift as it is written.
type RecordDrift struct {
	Verdict  check.Verdict `json:"verdict"`
	Cause    check.Cause   `json:"cause"`
	Scenario string        `json:"scenario"`
	ID       string        `json:"id"`
	Message  string        `json:"message"`
	Advice   string        `json:"advice,omitempty"`
}

// A RecordRan is a Ran as it is written.
type RecordRan struct {
	Scenario string        `json:"scenario"`
	ID       string        `json:"id"`
	Verdict  check.Verdict `json:"verdict"`
	Cause    check.Cause   `json:"cause,omitempty"`
	Duration Milliseconds  `json:"duration_ms"`
}

// A RecordMet is a Met as it is written.
type RecordMet struct {
	Call   string `json:"call"`
	Status int    `json:"status"`
	Code   string `json:"code,omitempty"`
}

// A RecordExpiry is an Expiry as it is written.
type RecordExpiry struct {
	Date  string    `json:"date"`
	At    time.Time `json:"at"`
	Days  int       `json:"days"`
	Level int       `json:"level"`
}

// A RecordEvidence is Evidence as it is written.
type RecordEvidence struct {
	Scenario string         `json:"scenario,omitempty"`
	ID       string         `json:"id,omitempty"`
	Exchange RecordExchange `json:"exchange"`
}

// A RecordExchange is a check.Exchange as it is written.
type RecordExchange struct {
	Call     string          `json:"call,omitempty"`
	Request  RecordRequest   `json:"request"`
	Response *RecordResponse `json:"response,omitempty"`
	Error    string          `json:"error,omitempty"`
	Duration Milliseconds    `json:"duration_ms"`
	Curl     string          `json:"curl,omitempty"`
}

// A RecordRequest is the request of an exchange.
type RecordRequest struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

// A RecordResponse is the response of an exchange.
type RecordResponse struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

// Milliseconds are written as a number, to the microsecond.
type Milliseconds time.Duration

// MarshalJSON writes a number.
func (d Milliseconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Duration(d).Microseconds()) / 1000)
}

// UnmarshalJSON reads a number.
func (d *Milliseconds) UnmarshalJSON(b []byte) error {
	var ms float64
	err := json.Unmarshal(b, &ms)
	*d = Milliseconds(ms * float64(time.Millisecond))
	return err
}

// Record returns the credential as it is written at a time.
func (c *Credential) Record(now time.Time) Record {
	out := Record{
		Name: c.Name, Provider: c.Provider, Owner: c.Owner, Tags: some(c.Tags), Environment: c.Environment, BaseURL: c.BaseURL, Control: c.Control,
		Verdict: c.Verdict, Cause: c.Cause, Confirmed: c.Confirmed, Since: c.Since.UTC(), Changed: c.Changed(), Flapping: c.State.Flapping,
		Stale: c.State.Stale(now, DefaultStale), Rule: c.Rule, Message: c.Message, Advice: c.Advice, Who: c.Who,
		Missing: c.Missing, Drift: []RecordDrift{}, Warnings: some(c.Warnings),
		Checked: moment(c.State.Checked), Passed: moment(c.State.Passed), Started: moment(c.Started),
		Duration: Milliseconds(c.Duration), Latency: Milliseconds(c.Latency), TokenLifetime: c.TokenLifetime.Round(time.Second).Seconds(),
		Requests: c.Requests, TokenRequests: c.TokenRequests,
	}
	for _, d := range c.Drift {
		out.Drift = append(out.Drift, RecordDrift{d.Verdict, d.Cause, d.Scenario, idOf(d.URI, d.Line), d.Message, d.Advice})
	}
	for _, r := range c.Ran {
		out.Ran = append(out.Ran, RecordRan{r.Scenario, idOf(r.URI, r.Line), r.Verdict, r.Cause, Milliseconds(r.Duration)})
	}
	for _, m := range c.Met {
		out.Met = append(out.Met, RecordMet(m))
	}
	if c.Expires.Date != "" {
		out.Expires = &RecordExpiry{c.Expires.Date, c.Expires.At.UTC(), c.Expires.Days, c.Expires.Level}
	}
	if e := c.Evidence; e != nil {
		x := &e.Exchange
		out.Evidence = &RecordEvidence{Scenario: e.Scenario, ID: idOf(e.URI, e.Line), Exchange: RecordExchange{
			Call: x.Call, Error: x.Error, Duration: Milliseconds(x.Duration), Curl: x.Curl,
			Request: RecordRequest{x.Method, x.URL, headers(x.RequestHeader), x.RequestBody}}}
		if x.Status != 0 {
			out.Evidence.Exchange.Response = &RecordResponse{x.Status, headers(x.ResponseHeader), x.ResponseBody}
		}
	}
	return out
}

func idOf(uri string, line int) string {
	if uri == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", uri, line)
}

// A list is never null.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func headers(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
