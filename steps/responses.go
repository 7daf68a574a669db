package steps

import (
	"context"
	"fmt"
	"mime"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
)

func (s *scenario) statusIs(_ context.Context, want string) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	actual := fmt.Sprint(resp.Status)
	if actual == want {
		return nil
	}
	return s.miss(check.Status, fmt.Sprintf("%s: status %s, want %s", resp.Call, actual, want),
		check.Miss{Row: -1, Subject: "status", Expected: want, Actual: actual})
}

func (s *scenario) headerIs(_ context.Context, name, expected string) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	want, err := parseExpectation(expected)
	if err != nil {
		return badExpectation(err)
	}
	var actual gjson.Result
	if values := resp.Header.Values(name); len(values) > 0 {
		actual = text(strings.Join(values, ", "))
	}
	cause := check.Header
	if strings.EqualFold(name, "Content-Type") {
		cause = check.ContentType
		if want.match(text(resp.ContentType()), s.now()) {
			return nil
		}
		if sameMediaType(actual.Str, expected) {
			return nil
		}
	}
	if want.match(actual, s.now()) {
		return nil
	}
	return s.miss(cause, fmt.Sprintf("%s: header %s is not as expected", resp.Call, name),
		check.Miss{Row: -1, Subject: "header " + name, Expected: expected, Actual: s.show(actual)})
}

// sameMediaType compares media types with their parameters, which differ in
// blanks and in the case of their names between servers that mean the same.
func sameMediaType(actual, expected string) bool {
	want := gjson.Parse(expected).Str
	a, aParams, aErr := mime.ParseMediaType(actual)
	w, wParams, wErr := mime.ParseMediaType(want)
	return aErr == nil && wErr == nil && a == w && fmt.Sprint(aParams) == fmt.Sprint(wParams)
}

func (s *scenario) bodyHas(_ context.Context, table *godog.Table) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	rows, err := readTable(table)
	if err != nil {
		return err
	}
	body, err := resp.JSON()
	if err != nil {
		return s.miss(check.ContentType, fmt.Sprintf("%s: the response body is not JSON", resp.Call),
			check.Miss{Row: -1, Subject: "response body", Expected: "JSON", Actual: describe(resp)})
	}
	return s.rows(check.Shape, resp.Call+": the response body is not as expected", rows, func(path string) (gjson.Result, error) {
		return body.Get(path), nil
	}, nil)
}

// A row is a subject and what is expected of it.
type row struct{ subject, expected string }

func readTable(table *godog.Table) ([]row, error) {
	if table == nil || len(table.Rows) == 0 {
		return nil, invalid(check.BadStep, "this sentence wants a table", "Write a row for each expectation: | path | expectation |.")
	}
	var rows []row
	for _, r := range table.Rows {
		if len(r.Cells) != 2 || r.Cells[0].Value == "" {
			return nil, invalid(check.BadStep, fmt.Sprintf("a row has %d cells, want 2", len(r.Cells)), "Write each row as | path | expectation |.")
		}
		rows = append(rows, row{r.Cells[0].Value, r.Cells[1].Value})
	}
	return rows, nil
}

// rows checks every row and reports all that miss. An expectation that stands
// in special is answered there; all others are parsed.
func (s *scenario) rows(cause check.Cause, message string, rows []row, value func(subject string) (gjson.Result, error), special func(row) (expectation, bool, error)) error {
	var misses []check.Miss
	now := s.now()
	for i, r := range rows {
		actual, err := value(r.subject)
		if err != nil {
			return badExpectation(err)
		}
		var want expectation
		isSpecial := false
		if special != nil {
			want, isSpecial, err = special(r)
		}
		if !isSpecial {
			want, err = parseExpectation(r.expected)
		}
		if err != nil {
			return badExpectation(err)
		}
		if !want.match(actual, now) {
			misses = append(misses, check.Miss{Row: i, Subject: r.subject, Expected: r.expected, Actual: s.show(actual)})
		}
	}
	if len(misses) == 0 {
		return nil
	}
	return s.miss(cause, message, misses...)
}

func badExpectation(err error) error {
	return invalid(check.BadExpectation, err.Error(), "authspec steps lists the expectations.")
}

func (s *scenario) errorIs(_ context.Context, want string) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	code := s.provider.ErrorCode(resp)
	if code == want {
		return nil
	}
	actual := text(code)
	if code == "" {
		actual = gjson.Result{}
	}
	return s.miss(check.ErrorCode, fmt.Sprintf("%s: the error is not %s", resp.Call, want),
		check.Miss{Row: -1, Subject: "error at " + s.provider.Auth.Error, Expected: `"` + want + `"`, Actual: s.show(actual)})
}

func (s *scenario) challenge(_ context.Context, want string) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	values := resp.Header.Values("WWW-Authenticate")
	for _, v := range values {
		if scheme, _, _ := strings.Cut(v, " "); strings.EqualFold(strings.TrimSuffix(scheme, ","), want) {
			return nil
		}
	}
	actual := gjson.Result{}
	if len(values) > 0 {
		actual = text(strings.Join(values, ", "))
	}
	return s.miss(check.Header, fmt.Sprintf("%s: the challenge is not %s", resp.Call, want),
		check.Miss{Row: -1, Subject: "header WWW-Authenticate", Expected: want, Actual: s.show(actual)})
}

// now is the time by which dates are judged.
func (s *scenario) now() time.Time {
	if s.client != nil && s.client.Now != nil {
		return s.client.Now()
	}
	return time.Now()
}
