package providers

import (
	"strings"
	"testing"
	"time"
)

const withDeviations = `name: Example
docs: https://docs.example.com
base_url: https://api.example.com
credentials: {client_id: EXAMPLE_CLIENT_ID, client_secret: EXAMPLE_CLIENT_SECRET}
auth: {scheme: client_credentials, token: POST /token}
deviations:
`

func TestDeviationsAreRead(t *testing.T) {
	p, err := Parse("example.yaml", []byte(withDeviations+`  - {situation: token/issued, path: expires_in, change: "was an integer, is now a string", reason: ticket 42, until: 2027-01-31}
  - situation: token/invalid_client
    path: HTTP status
    change: was 401, is now 400
    reason: until the gateway is replaced
    until: "2027-02-28"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Deviation{"token/issued", "expires_in", "was an integer, is now a string", "ticket 42", Date{time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}}
	if len(p.Deviations) != 2 || p.Deviations[0] != want || p.Deviations[1].Until.String() != "2027-02-28" {
		t.Errorf("got %+v", p.Deviations)
	}
}

func TestBadDeviationsAreRefusedWhereTheyStand(t *testing.T) {
	tests := map[string]struct{ line, want string }{
		"no reason":         {`  - {situation: token/issued, path: expires_in, change: is gone, until: 2027-01-31}`, "example.yaml:7:5: a deviation has a situation, a path, a change, a reason and a last day"},
		"no date":           {`  - {situation: token/issued, path: expires_in, change: is gone, reason: x}`, "example.yaml:7:5: a deviation has"},
		"unknown situation": {`  - {situation: token/isued, path: expires_in, change: is gone, reason: x, until: 2027-01-31}`, `example.yaml:7:17: "token/isued" is no situation (did you mean "token/issued"?)`},
		"no day":            {`  - {situation: token/issued, path: expires_in, change: is gone, reason: x, until: soon}`, `want a day such as 2027-01-31, got "soon"`},
		"unknown field":     {`  - {situation: token/issued, path: expires_in, change: is gone, reason: x, untl: 2027-01-31}`, `unknown field "untl"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("example.yaml", []byte(withDeviations+tt.line+"\n"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestADateIsOverWhenItsDayHasEnded(t *testing.T) {
	day := Date{time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	for text, want := range map[string]bool{
		"2027-01-30T12:00:00Z":      false,
		"2027-01-31T23:59:59Z":      false,
		"2027-02-01T00:00:00Z":      true,
		"2027-02-01T01:00:00+02:00": false,
	} {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := day.Over(now); got != want {
			t.Errorf("%s: over is %v, want %v", text, got, want)
		}
	}
}
