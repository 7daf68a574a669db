package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
)

// sampleNight holds every verdict, and what is hard to draw.
func sampleNight() *health.Run {
	stood := func(v check.Verdict, cause check.Cause, sure bool, days int) health.State {
		since := at(0).AddDate(0, 0, -days)
		return health.State{Verdict: v, Cause: cause, Confirmed: sure, Since: since, Checked: at(1), LastRun: at(1), Passed: at(1).AddDate(0, 0, -days-1)}
	}
	evidence := &health.Evidence{Scenario: "Antsomi access tokens › Valid credentials receive a token", URI: "features/antsomi.feature", Line: 17,
		Exchange: check.Exchange{Call: "token", Method: "POST", URL: "https://iam.ants.tech/oauth/token", RequestBody: "grant_type=client_credentials&client_id=<redacted:ID>",
			Status: 400, ResponseHeader: http.Header{"Content-Type": {"application/json"}}, ResponseBody: `{"name":"invalid_client"}`, Duration: ms(41),
			Curl: `curl -i https://iam.ants.tech/oauth/token --data-urlencode "client_id=$ANTSOMI_EU_ID"`}}
	run := &health.Run{Version: "0.1.0", Started: at(0), Duration: 83 * time.Second, Seed: 7, Selected: 9, Credentials: []health.Credential{
		{Name: "antsomi-eu", Provider: "antsomi", Owner: "growth@example.com", Tags: []string{"eu"}, Verdict: check.Rejected, Cause: check.CredentialRejected, Confirmed: true,
			Rule: health.BySecondLook, Message: "Antsomi refuses it: status 400, invalid_client, in 2 checks in a row",
			Advice: "Look at Antsomi whether it was revoked, rotated or disabled; then put the new value where env:ANTSOMI_EU_SECRET points to.", Who: health.TheOwner,
			Since: at(0).AddDate(0, 0, -1), Evidence: evidence, Requests: 1, TokenRequests: 1, Started: at(1), Duration: ms(44), Latency: ms(41), State: stood(check.Rejected, check.CredentialRejected, true, 1)},
		{Name: "ankorstore-fr", Provider: "ankorstore", Verdict: check.Rejected, Cause: check.ScopeMissing, Rule: health.ByScopes, Message: `Ankorstore grants fewer scopes than required: "orders" missing`,
			Advice: "Wait for the next check.", Who: health.TheOwner, Since: at(0), Missing: []string{"orders"}, Requests: 2, State: stood(check.Rejected, check.ScopeMissing, false, 0)},
		{Name: "gigastore-\x1b[31mred", Provider: "gigastore", Owner: hostile, Verdict: check.Invalid, Cause: check.NoCredential, Confirmed: true, Rule: health.ByValues, Message: hostile, Advice: hostile,
			Who: health.TheOperator, Since: at(0), Warnings: []string{hostile}, Line: 14},
		{Name: "antsomi-us", Provider: "antsomi", Verdict: check.Inconclusive, Cause: check.ProviderDown, Confirmed: true, Rule: health.ByAnswer, Message: "antsomi: token: status 503",
			Advice: "Nothing is known against the credential. The next check tries again.", Who: health.TheProvider, Since: at(0), Requests: 1, State: stood(check.Passed, "", true, 40)},
		{Name: "antsomi-jp", Provider: "antsomi", Verdict: check.Inconclusive, Cause: check.ProviderDown, Confirmed: true, Rule: health.ByAnswer, Message: "antsomi: token: status 503",
			Advice: "Nothing is known against the credential. The next check tries again.", Who: health.TheProvider, Since: at(0), Requests: 1, State: stood(check.Passed, "", true, 40)},
		{Name: "ankorstore-de", Provider: "ankorstore", Verdict: check.Skipped, Cause: check.Deferred, Confirmed: true, Rule: health.ByBudget, Message: "ankorstore: its limits leave no request before 04:30 UTC, which is after the deadline",
			Advice: "It is among the first of the next check.", Who: health.TheOperator, Since: at(0), State: health.State{Checked: at(0).AddDate(0, 0, -3)}},
		{Name: "gigastore", Provider: "gigastore", Verdict: check.Passed, Confirmed: true, Rule: health.ByAcceptance, Message: "Gigastore accepts it", Since: at(0).AddDate(0, 0, -12), Requests: 3,
			Drift: []health.Drift{{Verdict: check.Drifted, Cause: check.Shape, Scenario: "Gigastore access tokens › A token opens the inventory", URI: "features/gigastore.feature", Line: 66,
				Message: "gigastore: inventory: the response body is not as expected; items: want an array, got absent", Advice: "Read the page again."}},
			Expires: health.Expiry{Date: "2026-11-27", At: at(0).AddDate(0, 0, 6), Days: 6, Level: 7}, Warnings: []string{"expires in 6 days, on 2026-11-27"},
			TokenLifetime: time.Hour, State: stood(check.Passed, "", true, 12)},
		{Name: "ankorstore-it", Provider: "ankorstore", Verdict: check.Passed, Confirmed: true, Rule: health.ByAcceptance, Message: "Ankorstore accepts it", Since: at(0).AddDate(0, 0, -100), Requests: 2, State: stood(check.Passed, "", true, 100)},
		{Name: "ankorstore-control", Provider: "ankorstore", Control: credentials.KnownBad, Verdict: check.Passed, Confirmed: true, Rule: health.ByControl, Message: "Ankorstore refuses it, as it has to", Since: at(0).AddDate(0, 0, -100), Requests: 1, State: stood(check.Passed, "", true, 100)},
	}, Places: []health.Place{
		{Provider: "antsomi", Name: "Antsomi", State: health.Unreachable, Cause: check.ProviderDown, Message: "antsomi: token: status 503", Credentials: 3, Rejected: 1, Unknown: 2},
		{Provider: "ankorstore", Name: "Ankorstore", Address: "sandbox", State: health.Working, Credentials: 4, Passed: 1, Rejected: 1, Unknown: 1},
	}}
	run.Credentials[0].State.Flapping = true
	return run
}

func nights() map[string]*health.Run {
	interrupted := sampleNight()
	interrupted.Interrupted, interrupted.Selected, interrupted.Credentials = true, 9, interrupted.Credentials[7:8]
	green := sampleNight()
	green.Credentials, green.Places, green.Selected = green.Credentials[7:], green.Places[1:], 2
	drift := sampleNight()
	drift.Credentials, drift.Selected = drift.Credentials[6:7], 1
	return map[string]*health.Run{"night": sampleNight(), "interrupted": interrupted, "green": green, "drift": drift, "empty": {Version: "0.1.0", Started: at(0)}}
}

func writtenHealth(t *testing.T, format string, run *health.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHealth(&b, format, run, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHealthGolden(t *testing.T) {
	for name, run := range nights() {
		golden(t, "health."+name+".json", writtenHealth(t, "json", run))
		golden(t, "health."+name+".xml", writtenHealth(t, "junit", run))
		for mode, c := range map[string]*HealthConsole{"": {}, ".verbose": {Verbose: true}, ".problems": {OnlyProblems: true}, ".narrow": {Width: 60}} {
			if mode != "" && name != "night" {
				continue
			}
			var b bytes.Buffer
			c.Out = &b
			c.Start(run.Selected)
			for i := range run.Credentials {
				c.Began(&run.Credentials[i])
				c.Done(&run.Credentials[i])
			}
			if err := c.Finish(run); err != nil {
				t.Fatal(err)
			}
			golden(t, "health."+name+mode+".console.txt", b.Bytes())
		}
	}
}

func TestHealthJSONFitsItsSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(HealthSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("health-1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("health-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range nights() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(writtenHealth(t, "json", run)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		assertDescribed(t, s, doc, name)
	}
	good := string(writtenHealth(t, "json", sampleNight()))
	for what, change := range map[string][2]string{
		"a credential that drifts":  {`"verdict": "rejected"`, `"verdict": "drifted"`},
		"no since":                  {`"since":`, `"until":`},
		"a rule that is none":       {`"rule": "second_look"`, `"rule": "because"`},
		"somebody else":             {`"who": "owner"`, `"who": "me"`},
		"a verdict without a cause": {`"cause": "credential_rejected",`, ``},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(doc) == nil || bad == good {
			t.Errorf("the schema accepts %s", what)
		}
	}
}

// What a provider or a file says commands no terminal and no CI runner.
func TestHealthIsInert(t *testing.T) {
	run := sampleNight()
	for _, format := range []string{"json", "junit"} {
		assertInert(t, format, writtenHealth(t, format, run))
	}
	var b bytes.Buffer
	c := &HealthConsole{Out: &b, Verbose: true}
	c.Start(len(run.Credentials))
	for i := range run.Credentials {
		c.Done(&run.Credentials[i])
	}
	if err := c.Finish(run); err != nil {
		t.Fatal(err)
	}
	assertInert(t, "console", b.Bytes())
	if err := xml.Unmarshal(writtenHealth(t, "junit", run), new(struct {
		Tests int `xml:"tests,attr"`
	})); err != nil {
		t.Error(err)
	}
}

func assertInert(t *testing.T, format string, b []byte) {
	t.Helper()
	text := string(b)
	for _, r := range text {
		if r < ' ' && r != '\n' || r == '\u202e' || r == '\u009b' {
			t.Errorf("%s lets %q through", format, r)
			return
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%s lets a command through: %s", format, line)
		}
	}
}

func TestHealthKeepsSecrets(t *testing.T) {
	const secret = "s3cr3t-of-the-test"
	erase := redact.New()
	erase.Add("SECRET", secret)
	run := sampleNight()
	c := &run.Credentials[0]
	c.Message, c.Owner, c.Warnings, c.Name = secret, secret, []string{secret}, "name "+secret
	c.Evidence.Exchange.ResponseBody, c.Evidence.Exchange.RequestHeader = secret, http.Header{"X": {secret}}
	run.Places[0].Message = secret
	for _, format := range []string{"json", "junit"} {
		var b bytes.Buffer
		if err := WriteHealth(&b, format, run, erase); err != nil {
			t.Error(err)
		}
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s holds the secret", format)
		}
	}
	var b bytes.Buffer
	console := &HealthConsole{Out: &b, Erase: erase, Verbose: true}
	console.Start(1)
	console.Done(c)
	if err := console.Finish(run); err != nil || strings.Contains(b.String(), secret) {
		t.Errorf("%v %s", err, b.String())
	}
	if c.Message != secret {
		t.Error("the run was changed")
	}
}

func TestHealthFindsALeak(t *testing.T) {
	erase := redact.New()
	erase.Add("SECRET", "s3cr3t-of-the-test")
	_, err := searched{io.Discard, erase}.Write([]byte("s3cr3t-of-the-test"))
	if !errors.Is(err, ErrLeak) {
		t.Error(err)
	}
}

// The table on a terminal never grows over its lines.
func TestHealthProgressStaysOnItsLines(t *testing.T) {
	var mu sync.Mutex
	var b bytes.Buffer
	c := &HealthConsole{Out: writerFunc(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return b.Write(p) }), Live: true, Width: 60, Color: true}
	run := sampleNight()
	c.Start(len(run.Credentials))
	var places []health.Place
	for i := range 20 {
		places = append(places, health.Place{Key: strings.Repeat("p", i), Provider: strings.Repeat("p", i), Name: strings.Repeat("long ", i+1), Credentials: 9})
	}
	c.Planned(places)
	for i := range run.Credentials {
		c.Began(&run.Credentials[i])
	}
	c.Waiting(places[3], time.Now().Add(time.Hour), strings.Repeat("because ", 40))
	time.Sleep(350 * time.Millisecond)
	c.Done(&run.Credentials[0])
	time.Sleep(150 * time.Millisecond)
	if err := c.Finish(run); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	frames := strings.Split(b.String(), "\x1b[J")
	if len(frames) < 3 {
		t.Fatalf("%d frames", len(frames))
	}
	for _, frame := range frames[:len(frames)-1] {
		for line := range strings.Lines(frame) {
			plain := ansi.ReplaceAllString(strings.TrimRight(line, "\n"), "")
			if n := cells(plain); n > 60 {
				t.Errorf("%d columns: %q", n, plain)
			}
		}
	}
}

var ansi = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]|\r`)

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestHistoryGolden(t *testing.T) {
	run := sampleNight()
	var rows []health.Standing
	for i := range run.Credentials {
		c := &run.Credentials[i]
		c.State.Recent = "pppr"
		rows = append(rows, health.Standing{At: at(float64(i)), Record: c.Record(at(9)), State: c.State})
	}
	var b bytes.Buffer
	page := &HealthPage{Out: &b, Now: at(3600), Stale: health.DefaultStale}
	if err := page.Standings(rows); err != nil {
		t.Fatal(err)
	}
	golden(t, "history.standings.txt", b.Bytes())
	b.Reset()
	if err := page.Credential(rows[0], rows[1:5]); err != nil {
		t.Fatal(err)
	}
	golden(t, "history.credential.txt", b.Bytes())
	assertInert(t, "history", b.Bytes())
}
