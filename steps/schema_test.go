package steps_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
)

// runWithSchema runs one scenario that asks for a token and matches it with
// the schema "token" that is written.
func runWithSchema(t *testing.T, written string, opts runner.Options, lines ...string) *check.Result {
	t.Helper()
	files := maps.Clone(acmeFixtures)
	files["acme/token.schema.json"] = &fstest.MapFile{Data: []byte(written)}
	if lines == nil {
		lines = []string{"Given valid Acme credentials", "When I request an access token", `Then the response body matches the schema "token"`}
	}
	w := &runner.Workspace{
		Providers: acme(t),
		Features:  fstest.MapFS{"acme.feature": {Data: []byte("Feature: Acme\nScenario: s\n" + strings.Join(lines, "\n") + "\n")}},
		Fixtures:  files,
	}
	plan, err := runner.NewPlan(w, runner.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return &runner.Run(context.Background(), plan, opts).Results[0]
}

func TestBodyMatchesSchema(t *testing.T) {
	res := runWithSchema(t, `{"type":"object","properties":{"expires_in":{"type":"integer","minimum":1}},"required":["access_token"]}`, runner.Options{})
	if outcome(res) != "passed" {
		t.Errorf("got %s: %s", outcome(res), res.Message)
	}
}

func TestEveryViolationOfASchemaIsReported(t *testing.T) {
	res := runWithSchema(t, `{"properties":{
		"access_token":{"type":"integer"}, "expires_in":{"type":"string"}, "scope":{"enum":["write","admin"]}
	},"required":["token_type"]}`, runner.Options{})
	want := []check.Miss{
		{Row: -1, Subject: "access_token", Expected: "an integer", Actual: `"<redacted:ACCESS_TOKEN>"`},
		{Row: -1, Subject: "expires_in", Expected: "a string", Actual: "3600"},
		{Row: -1, Subject: "scope", Expected: `one of "write", "admin"`, Actual: `"read"`},
		{Row: -1, Subject: "token_type", Expected: "present", Actual: "absent"},
	}
	if outcome(res) != "drifted: shape" || res.Message != `acme: token: the response body does not match the schema "token"` {
		t.Errorf("got %s: %s", outcome(res), res.Message)
	}
	if diff := cmp.Diff(want, res.Failing().Misses); diff != "" {
		t.Errorf("misses (-want +got):\n%s", diff)
	}
}

func TestSchemasThatAreWrong(t *testing.T) {
	tests := map[string]struct{ schema, step, cause, message string }{
		"no such schema":    {`{}`, `Then the response body matches the schema "tokn"`, "missing_fixture", `acme: no schema "tokn": there are token`},
		"not a schema":      {`{"type":1}`, "", "bad_expectation", "fixtures/acme/token.schema.json: not a JSON Schema: /type"},
		"not JSON":          {`{`, "", "bad_expectation", "fixtures/acme/token.schema.json: "},
		"a $ref to nothing": {`{"$ref":"gone.schema.json"}`, "", "bad_expectation", "fixtures/acme/token.schema.json: open acme/gone.schema.json: file does not exist"},
		"a $ref elsewhere":  {`{"$ref":"https://example.com/x.schema.json"}`, "", "bad_expectation", "$ref leads out of the folder"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			step := `Then the response body matches the schema "token"`
			if tt.step != "" {
				step = tt.step
			}
			res := runWithSchema(t, tt.schema, runner.Options{}, "Given valid Acme credentials", "When I request an access token", step)
			if outcome(res) != "invalid: "+tt.cause || !strings.Contains(res.Message, tt.message) {
				t.Errorf("got  %s: %s\nwant invalid: %s: %s", outcome(res), res.Message, tt.cause, tt.message)
			}
		})
	}
}

func TestASchemaLooksAtJSONOnly(t *testing.T) {
	answering := runner.Options{Live: liveAt(only(page(200)))}
	res := runWithSchema(t, `{}`, answering)
	if outcome(res) != "inconclusive: not_an_api_answer" {
		t.Errorf("a page: got %s: %s", outcome(res), res.Message)
	}
	answering = runner.Options{Live: liveAt(only(answer(200, `{"a":`)))}
	res = runWithSchema(t, `{}`, answering)
	if outcome(res) != "drifted: content_type" {
		t.Errorf("broken JSON: got %s: %s", outcome(res), res.Message)
	}
}

// only answers every request with resp.
func only(resp *http.Response) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })
}
