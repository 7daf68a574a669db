package report

import (
	"net/http"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// hostile is what a provider or a feature may hold to trick a reader: it
// clears a terminal, sets its title, turns text around, ends a CDATA section,
// commands GitHub and Azure, mentions people, and is not UTF-8.
const hostile = "\x1b[2J\x1b]0;owned\x07 \u202Egpj.exe\u202C ]]> </pre></details><script>alert(1)</script>\n" +
	"::error::owned\n::stop-commands::x\r\n##[error]owned ##vso[task.setvariable variable=a]b\n" +
	"| `a` ``` @octocat [x](http://evil.example) ![i](//evil.example/i.png) $\\sqrt 2$ 100% \u200b\u009b31m \x00 \xff tab\there"

func at(seconds float64) time.Time {
	return time.Date(2026, 11, 21, 2, 30, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

func step(line int, keyword, text string, status check.StepStatus) check.Step {
	return check.Step{Keyword: keyword, Text: text, Line: line, Column: 5, Status: status, Duration: ms(1)}
}

func tokenExchange(status int, body string) check.Exchange {
	return check.Exchange{
		Call: "token", Method: "POST", URL: "https://iam.ants.tech/oauth/token",
		RequestHeader: http.Header{
			"Accept":       {"application/json"},
			"Content-Type": {"application/x-www-form-urlencoded"},
			"User-Agent":   {"authspec/0.1.0"},
		},
		RequestBody:    "client_id=26156a86&client_secret=<redacted:client_secret>&grant_type=client_credentials&scope=nonsense",
		Status:         status,
		ResponseHeader: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"8f14e45f"}},
		ResponseBody:   body,
		Duration:       ms(41),
		Curl: `curl -i -X POST https://iam.ants.tech/oauth/token -H 'Accept: application/json' --data-urlencode "client_id=$ANTSOMI_CLIENT_ID"` +
			` --data-urlencode "client_secret=$ANTSOMI_CLIENT_SECRET" -d grant_type=client_credentials -d scope=nonsense`,
	}
}

// sampleRun holds every verdict and everything that is hard to draw.
func sampleRun() *check.Run {
	run := &check.Run{
		Version: "0.1.0", Mode: check.Simulated, Started: at(0), Duration: ms(1234),
		Results: []check.Result{
			{
				Provider: "ankorstore", Feature: "Ankorstore access tokens", Scenario: "Valid credentials receive a token",
				URI: "features/ankorstore.feature", Line: 8, Tags: []string{"@health"}, Verdict: check.Passed,
				Steps: []check.Step{
					step(9, "Given", "valid Ankorstore credentials", check.StepPassed),
					step(10, "When", "I request an access token", check.StepPassed),
					step(11, "Then", "the response status is 200", check.StepPassed),
				},
				Exchanges: []check.Exchange{{
					Call: "token", Method: "POST", URL: "https://www.ankorstore.com/oauth/token",
					RequestHeader: http.Header{"Accept": {"application/json"}},
					RequestBody:   "grant_type=client_credentials", Status: 200,
					ResponseHeader: http.Header{"Content-Type": {"application/json"}},
					ResponseBody:   `{"token_type":"Bearer","expires_in":3600,"access_token":"<redacted:access_token>"}`,
					Duration:       ms(12), Curl: "curl -i -X POST https://www.ankorstore.com/oauth/token",
				}},
				Started: at(0.1), Duration: ms(13.2),
			},
			{
				Provider: "ankorstore", Feature: "Ankorstore access tokens", Rule: "A token opens the API", Scenario: "An expired token is refused",
				URI: "features/ankorstore.feature", Line: 21, Verdict: check.Rejected, Cause: check.CredentialRejected,
				Message: "ankorstore: token: the provider refused the client credentials (invalid_client)",
				Advice:  "Check ANKORSTORE_CLIENT_ID and ANKORSTORE_CLIENT_SECRET: the key may have been revoked in the Ankorstore back office. Ask the owner of the credential for a new one.",
				Steps: []check.Step{
					step(22, "Given", "an expired Ankorstore access token", check.StepFailed),
					step(23, "When", `I call "me"`, check.StepNotChecked),
					step(24, "Then", "the response status is 401", check.StepNotChecked),
				},
				Exchanges: []check.Exchange{{
					Call: "token", Method: "POST", URL: "https://www.ankorstore.com/oauth/token", Status: 401,
					ResponseHeader: http.Header{"Content-Type": {"application/json"}},
					ResponseBody:   `{"error":"invalid_client","error_description":"Client authentication failed","message":"Client authentication failed"}`,
					Duration:       ms(88), Curl: "curl -i -X POST https://www.ankorstore.com/oauth/token",
				}},
				Started: at(0.2), Duration: ms(90),
			},
			{
				Provider: "ankorstore", Feature: "Ankorstore access tokens", Scenario: "The token endpoint answers", URI: "features/ankorstore.feature", Line: 30,
				Verdict: check.Inconclusive, Cause: check.NetworkDNS,
				Message: "ankorstore: token: no such host www.ankorstore.com",
				Advice:  "Nothing is known about the credential. Check the network of this machine and run again.",
				Steps: []check.Step{
					step(31, "Given", "valid Ankorstore credentials", check.StepPassed),
					step(32, "When", "I request an access token", check.StepFailed),
					step(33, "Then", "the response status is 200", check.StepNotChecked),
				},
				Exchanges: []check.Exchange{{
					Call: "token", Method: "POST", URL: "https://www.ankorstore.com/oauth/token",
					Error:    "dial tcp: lookup www.ankorstore.com: no such host",
					Duration: ms(3), Curl: "curl -i -X POST https://www.ankorstore.com/oauth/token",
				}},
				Started: at(0.3), Duration: ms(3.4),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "An unknown scope is refused",
				URI: "features/antsomi.feature", Line: 21, Verdict: check.Drifted, Cause: check.Status,
				Message: "antsomi: token: status 200, want 400",
				Advice:  "Antsomi issued a token for a scope that it does not document. If that is what it does now, change the feature and record the answer; otherwise tell Antsomi.",
				Steps: []check.Step{
					step(22, "Given", "valid Antsomi credentials", check.StepPassed),
					step(23, "When", `I request an access token with scope "nonsense"`, check.StepPassed),
					{Keyword: "Then", Text: "the response status is 400", Line: 24, Column: 5, Status: check.StepFailed,
						Misses: []check.Miss{{Row: -1, Subject: "status", Expected: "400", Actual: "200"}}},
					step(25, "And", `the error is "invalid_scope"`, check.StepNotChecked),
				},
				Exchanges: []check.Exchange{tokenExchange(200, `{"accessToken":"<redacted:access_token>","accessTokenExpiresAt":"2026-11-21T23:41:57.643Z","scope":"nonsense"}`)},
				Started:   at(0.4), Duration: ms(42),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "Valid credentials receive a token for the scopes they ask for",
				URI: "features/antsomi.feature", Line: 30, Verdict: check.Drifted, Cause: check.Shape,
				Message: "antsomi: token: 3 of 4 rows of the body differ",
				Advice:  "See which of the fields your integration reads.",
				Steps: []check.Step{
					step(31, "Given", "valid Antsomi credentials", check.StepPassed),
					step(32, "When", `I request an access token with scope "item,event"`, check.StepPassed),
					{Keyword: "Then", Text: "the response body has:", Line: 33, Column: 5, Status: check.StepFailed,
						Rows: []check.Row{
							{Line: 34, Cells: []string{"accessToken", "a non-empty string"}},
							{Line: 35, Cells: []string{"accessTokenExpiresAt", "a date-time in the future"}},
							{Line: 36, Cells: []string{"scope", `"item,event"`}},
							{Line: 38, Cells: []string{"表示名", `matching /a|b/`}},
						},
						Misses: []check.Miss{
							{Row: 0, Subject: "accessToken", Expected: "a non-empty string", Actual: "absent"},
							{Row: 1, Subject: "accessTokenExpiresAt", Expected: "a date-time in the future", Actual: `"2023-08-10T12:41:57.643Z"`},
							{Row: 3, Subject: "表示名", Expected: "matching /a|b/", Actual: `"アンツォミ c"`},
						}},
					step(39, "And", "the token is valid for 1 hour", check.StepNotChecked),
				},
				Exchanges: []check.Exchange{
					tokenExchange(429, `{"statusCode":429}`),
					tokenExchange(200, `{"token":"<redacted:access_token>","accessTokenExpiresAt":"2023-08-10T12:41:57.643Z","scope":"item,event","表示名":"アンツォミ c"}`),
				},
				Started: at(0.5), Duration: ms(85),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "A wrong scope is refused", Tags: []string{"@scopes"},
				URI: "features/antsomi.feature", Line: 51, Verdict: check.Skipped, Cause: check.Undocumented,
				Message: "antsomi: token: its pages do not show the answer to an empty scope",
				Steps:   []check.Step{step(45, "Given", "valid Antsomi credentials", check.StepSkipped)},
				Started: at(0.6), Duration: ms(0.2),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "A wrong scope is refused", Tags: []string{"@scopes"},
				URI: "features/antsomi.feature", Line: 52, Verdict: check.Skipped, Cause: check.Undocumented,
				Message: "antsomi: token: its pages do not show the answer to an empty scope",
				Steps:   []check.Step{step(45, "Given", "valid Antsomi credentials", check.StepSkipped)},
				Started: at(0.6), Duration: ms(0.2),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "An expired token is refused",
				URI: "features/antsomi.feature", Line: 60, Verdict: check.Skipped, Cause: check.NoCredential,
				Message: "antsomi: ANTSOMI_EXPIRED_TOKEN is not set", Advice: "Set it to try this scenario.",
				Started: at(0.6), Duration: ms(0.1),
			},
			{
				Provider: "antsomi", Feature: "Antsomi access tokens", Scenario: "The client joins scopes by commas",
				URI: "features/antsomi.feature", Line: 70, Verdict: check.Drifted, Cause: check.Request,
				Message: "antsomi: token: the request carried another scope",
				Steps: []check.Step{
					step(71, "When", `I request an access token with scope "item,event"`, check.StepPassed),
					{Keyword: "Then", Text: `the request carried the form field "scope" as "item,event" and header "Accept"`, Line: 72, Column: 5, Status: check.StepFailed,
						Misses: []check.Miss{
							{Row: -1, Subject: "form field scope", Expected: `"item,event"`, Actual: `"item event"`},
							{Row: -1, Subject: "header Accept", Expected: "application/json", Actual: ""},
						}},
				},
				Exchanges: []check.Exchange{tokenExchange(200, "")},
				Started:   at(0.7), Duration: ms(9),
			},
			{
				Provider: "evil", Feature: "Hostile " + hostile, Rule: "Rule " + hostile, Scenario: "Scenario " + hostile,
				URI: "features/evil\x1b[31m:,%.feature", Line: 5, Tags: []string{"@" + hostile}, Verdict: check.Drifted, Cause: check.Header,
				Message: "evil: " + hostile, Advice: "Do not " + hostile,
				Steps: []check.Step{
					step(6, "Given", "step "+hostile, check.StepPassed),
					{Keyword: "Then", Text: "the table " + hostile + ":", Line: 7, Column: 5, Status: check.StepFailed,
						Rows: []check.Row{{Line: 8, Cells: []string{"a|b", hostile}}, {Line: 9, Cells: nil}},
						Misses: []check.Miss{
							{Row: 0, Subject: hostile, Expected: hostile, Actual: hostile},
							{Row: 1, Subject: hostile, Expected: hostile, Actual: hostile},
							{Row: 7, Subject: hostile, Expected: "not in the sentence", Actual: hostile},
						}},
				},
				Exchanges: []check.Exchange{
					{Method: "GET\x1b[0m", URL: "https://evil.example/\u202E?" + hostile, Error: hostile, Curl: "curl " + hostile},
					{Call: hostile, Method: "GET", URL: "https://evil.example/", Status: 302,
						RequestHeader: http.Header{"X-Evil": {hostile}}, RequestBody: hostile,
						ResponseHeader: http.Header{"Content-Type": {hostile}, "Location": {hostile}}, ResponseBody: hostile,
						Duration: ms(70), Curl: "curl -i 'https://evil.example/'\n::error::owned"},
				},
				Started: at(0.8), Duration: ms(71),
			},
			{
				Provider: "gigastore", Feature: "Gigastore access tokens", Scenario: "The inventory needs a token", URI: "features/gigastore.feature", Line: 12,
				Verdict: check.Inconclusive, Cause: check.NotAnAPIAnswer,
				Message: "gigastore: inventory: status 200 with a page of HTML",
				Advice:  "A login page or a proxy answered, not the API. Check --base-url and the proxy settings.",
				Steps: []check.Step{
					step(13, "Given", "no Gigastore credentials", check.StepPassed),
					step(14, "When", `I call "inventory"`, check.StepFailed),
					step(15, "Then", "the response status is 401", check.StepNotChecked),
				},
				Exchanges: []check.Exchange{{
					Call: "inventory", Method: "GET", URL: "https://api.gigastore.example/inventory", Status: 200,
					ResponseHeader: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
					ResponseBody:   "<!doctype html>\r\n<html>\r\n\t<head><title>Sign in</title></head>\r\n" + longPage() + "</html>\r\n",
					Duration:       ms(1203), Curl: "curl -i https://api.gigastore.example/inventory",
				}},
				Started: at(0.9), Duration: ms(1210),
			},
			{
				Feature: "Gigastore access tokens", Scenario: "A sentence with a typo", URI: "features/gigastore.feature", Line: 20,
				Verdict: check.Invalid, Cause: check.UndefinedStep,
				Message: `no sentence matches "I request an acess token"`, Advice: `Did you mean "I request an access token"? authspec steps lists all.`,
				Steps: []check.Step{
					step(21, "Given", "valid Gigastore credentials", check.StepPassed),
					step(22, "When", "I request an acess token", check.StepUndefined),
					step(23, "Then", "the response status is 200", check.StepNotChecked),
				},
				Started: at(1), Duration: ms(0.3),
			},
		},
	}
	run.Selected = len(run.Results)
	return run
}

func longPage() string {
	page := ""
	for range 40 {
		page += "  <p>Please sign in to continue. " + "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor." + "</p>\r\n"
	}
	return page
}

func greenRun() *check.Run {
	run := sampleRun()
	run.Results = run.Results[:1]
	run.Selected = 1
	return run
}

func interruptedRun() *check.Run {
	run := sampleRun()
	run.Results = run.Results[:1]
	run.Interrupted = true
	return run
}

func skippedRun() *check.Run {
	run := sampleRun()
	run.Results = run.Results[5:8]
	run.Selected = 3
	return run
}

func emptyRun() *check.Run {
	return &check.Run{Version: "0.1.0", Mode: check.Live, Started: at(0)}
}
