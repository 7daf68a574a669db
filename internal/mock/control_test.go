package mock_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/mock"
)

func TestControlMovesTheClock(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "ankorstore")
	e := s.endpoint("ankorstore")
	token := field(t, s.token(e, e.Credentials, "*"), "access_token")
	if got := s.me(e, token); got.status != 200 {
		t.Fatalf("a fresh token: %d", got.status)
	}
	got := s.control(e, "clock", `{"advance": "1h1s"}`)
	now, err := time.Parse(time.RFC3339, field(t, got, "now"))
	if err != nil || time.Until(now) < time.Hour {
		t.Errorf("%d %s", got.status, got.body)
	}
	expired := s.me(e, token)
	if expired.status != 401 {
		t.Errorf("an expired token: %d", expired.status)
	}
	if date, err := http.ParseTime(expired.header.Get("Date")); err != nil || time.Until(date) < time.Hour {
		t.Errorf("the Date header stands still: %s", expired.header.Get("Date"))
	}
	if got := lastOf(t, s.received(e)).Situation; got != "me/expired_token" {
		t.Errorf("situation %s", got)
	}
}

func TestControlRevokesATokenOnce(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "ankorstore")
	e := s.endpoint("ankorstore")
	token := field(t, s.token(e, e.Credentials, "*"), "access_token")
	body := `{"token": "` + token + `"}`
	if got := s.control(e, "revoke", body); got.status != 200 || got.body != "{\"revoked\":true}\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.me(e, token); got.status != 401 {
		t.Errorf("a revoked token: %d", got.status)
	}
	if got := s.control(e, "revoke", body); got.status != 404 || strings.Contains(got.body, token) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestControlForcesTheNextSituationOnce(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "antsomi")
	e := s.endpoint("antsomi")
	if got := s.control(e, "next", `{"situation": "token/invalid_scope"}`); got.status != 200 || got.body != "{\"next\":\"token/invalid_scope\"}\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.token(e, e.Credentials, "item"); got.status != 400 || field(t, got, "name") != "invalid_scope" {
		t.Errorf("forced: %d %s", got.status, got.body)
	}
	if got := s.token(e, e.Credentials, "item"); got.status != 200 {
		t.Errorf("after that: %d %s", got.status, got.body)
	}
}

func TestControlSetsFaultsAndResetsAll(t *testing.T) {
	fault, err := mock.ParseFault("status=502,on=me")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, mock.Options{Control: true, Faults: []*mock.Fault{fault}}, "ankorstore")
	e := s.endpoint("ankorstore")
	if got := s.control(e, "faults", `{"faults": ["status=503,on=token,times=1"]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := s.token(e, e.Credentials, "*"); got.status != 503 {
		t.Errorf("the fault: %d", got.status)
	}
	token := field(t, s.token(e, e.Credentials, "*"), "access_token")
	if got := s.me(e, token); got.status != 200 {
		t.Errorf("the faults of the start are still there: %d", got.status)
	}
	s.control(e, "clock", `{"advance": "10m"}`)
	s.control(e, "next", `{"situation": "me/rate_limited"}`)
	if got := s.control(e, "reset", ""); got.status != 200 || got.body != "{\"reset\":true}\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.received(e); len(got) != 0 {
		t.Errorf("%d requests are still noted", len(got))
	}
	if got := s.me(e, token); got.status != 502 {
		t.Errorf("the faults of the start are not back: %d", got.status)
	}
	s.control(e, "faults", `{"faults": []}`)
	if got := s.me(e, token); got.status != 401 {
		t.Errorf("the token of before, or the forced situation, is still known: %d", got.status)
	}
	if date, _ := http.ParseTime(s.me(e, token).header.Get("Date")); time.Until(date) > time.Minute {
		t.Errorf("the clock is still ahead: %s", date)
	}
}

func TestControlSaysWhatItWants(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "antsomi")
	base := s.endpoint("antsomi").BaseURL + mock.ControlPath
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "", "", 404, `no /_authspec/: there are clock, faults, next, requests, reset, revoke`},
		{"POST", "/clok", "", 404, `no /_authspec/clok (did you mean "clock"?): there are clock, faults, next, requests, reset, revoke`},
		{"GET", "/clock", "", 405, `clock: want POST`},
		{"POST", "/requests", "", 405, `requests: want GET`},
		{"POST", "/clock", "", 400, `clock: the field "advance" is missing: want {"advance": "1h"}`},
		{"POST", "/clock", "advance=1h", 400, `clock: the body is not a JSON object (invalid character 'a' looking for beginning of value): want {"advance": "1h"}`},
		{"POST", "/clock", `{"advance": "1h"} {}`, 400, `clock: the body is not a JSON object (invalid character '{' after top-level value): want {"advance": "1h"}`},
		{"POST", "/clock", `{"advnce": "1h"}`, 400, `clock: no field "advnce" (did you mean "advance"?): want {"advance": "1h"}`},
		{"POST", "/clock", `{"advance": 3600}`, 400, `clock: want a string that is not empty`},
		{"POST", "/clock", `{"advance": "an hour"}`, 400, `clock: want a duration above 0 such as "1h" or "90s", got "an hour"`},
		{"POST", "/clock", `{"advance": "-1h"}`, 400, `clock: want a duration above 0 such as "1h" or "90s", got "-1h"`},
		{"POST", "/clock", `{"advance": "2000000h"}`, 400, `clock: the clock moves 50 years at most: reset sets it right`},
		{"POST", "/revoke", `{"token": "never issued"}`, 404, `revoke: this token is not known: it was not issued here, or is revoked, or was forgotten`},
		{"POST", "/next", `{"situation": "token/invalid_scop"}`, 400, `next: no fixture answers "token/invalid_scop" (did you mean "token/invalid_scope"?): there are token/invalid_client, token/invalid_request, token/invalid_scope, token/issued, token/unsupported_grant_type`},
		{"POST", "/next", `{"situation": "token/rate_limited"}`, 400, `next: no fixture answers "token/rate_limited": there are token/invalid_client, token/invalid_request, token/invalid_scope, token/issued, token/unsupported_grant_type`},
		{"POST", "/faults", `{"faults": "reset"}`, 400, `faults: want a list of faults, or [] for none: ["status=503,rate=0.1"]`},
		{"POST", "/faults", `{"faults": ["reset,on=tokn"]}`, 400, `faults: fault "reset,on=tokn": no call "tokn" (did you mean "token"?): there are token`},
		{"POST", "/reset", `{"all": true}`, 400, `reset: no field "all": want no body`},
		{"POST", "/clock", strings.Repeat(" ", 65<<10), 413, `clock: the body is larger than 64 KiB`},
	} {
		got := s.send(test.method, base+test.path, nil, test.body)
		if problem := field(t, got, "error"); got.status != test.status || problem != test.want {
			t.Errorf("%s %s %.40s:\ngot  %d %s\nwant %d %s", test.method, test.path, test.body, got.status, problem, test.status, test.want)
		}
		if allow := got.header.Get("Allow"); (got.status == 405) != (allow != "") {
			t.Errorf("%s %s: Allow %q", test.method, test.path, allow)
		}
	}
}

func TestControlIsForThoseWhoMay(t *testing.T) {
	off := start(t, mock.Options{HeaderFaults: true}, "antsomi")
	for _, path := range []string{"", "/requests", "/reset"} {
		if got := off.send("GET", off.endpoint("antsomi").BaseURL+mock.ControlPath+path, nil, ""); got.status != 404 || !strings.Contains(got.body, "start authspec mock with --control") {
			t.Errorf("off: %s: %d %s", path, got.status, got.body)
		}
	}
	const secret = "a-token-of-this-test"
	s := start(t, mock.Options{Control: true, ControlToken: secret}, "antsomi")
	target := s.endpoint("antsomi").BaseURL + mock.ControlPath + "/reset"
	for _, test := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"no token", nil, 401},
		{"a wrong token", bearer("another-token-here"), 401},
		{"the token", bearer(secret), 200},
		{"a page", http.Header{"Authorization": {"Bearer " + secret}, "Origin": {"https://example.com"}}, 403},
		{"a page of the same origin", http.Header{"Authorization": {"Bearer " + secret}, "Sec-Fetch-Site": {"same-origin"}}, 403},
	} {
		if got := s.send("POST", target, test.header, ""); got.status != test.status {
			t.Errorf("%s: %d %s", test.name, got.status, got.body)
		}
	}
}

// A received is what GET requests shows of one.
type received struct {
	Method, Path, Query, Body, Situation, Fault, Hidden string
	Headers                                             map[string]string
	Status                                              int
}

func (r *running) received(e mock.Endpoint) []received {
	r.t.Helper()
	var shown struct{ Requests []received }
	got := r.send("GET", e.BaseURL+mock.ControlPath+"/requests", nil, "")
	if err := json.Unmarshal([]byte(got.body), &shown); err != nil || got.status != 200 {
		r.t.Fatalf("%d %v: %s", got.status, err, got.body)
	}
	return shown.Requests
}

func lastOf(t *testing.T, list []received) received {
	t.Helper()
	if len(list) == 0 {
		t.Fatal("no request was noted")
	}
	return list[len(list)-1]
}

func TestControlListsRequestsInOrder(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "antsomi")
	e := s.endpoint("antsomi")
	s.token(e, e.Credentials, "item")
	s.send("POST", e.BaseURL+"/oauth/token", http.Header{mock.FaultHeader: {"status=503"}}, "")
	_, _ = s.try("POST", e.BaseURL+"/oauth/token?a=b", http.Header{mock.FaultHeader: {"reset"}}, "")
	var got []string
	for _, r := range s.received(e) {
		got = append(got, fmt.Sprint(r.Method, " ", r.Path, " ", r.Query, " ", r.Situation, " ", r.Status, " ", r.Fault))
	}
	want := []string{
		"POST /oauth/token  token/issued 200 ",
		"POST /oauth/token  no answer of the provider 503 status=503",
		"POST /oauth/token a=b  0 reset",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
	first := s.received(e)[0]
	if want := "grant_type=client_credentials&scope=item"; !strings.HasSuffix(first.Body, want) || first.Headers["Content-Type"] != "application/x-www-form-urlencoded" {
		t.Errorf("the body is not shown: %+v", first)
	}
}

func TestTheJournalIsBounded(t *testing.T) {
	s := start(t, mock.Options{Control: true}, "antsomi")
	e := s.endpoint("antsomi")
	s.send("POST", e.BaseURL+"/first", nil, "")
	for range 1000 {
		s.send("POST", e.BaseURL+"/more", nil, "")
	}
	s.send("POST", e.BaseURL+"/last", nil, strings.Repeat("x", 9<<10))
	got := s.received(e)
	if len(got) != 1000 || got[0].Path != "/more" || got[999].Path != "/last" || got[999].Hidden != "" || got[999].Body != "<9216 bytes, not kept>" {
		t.Errorf("%d requests, from %s to %+v", len(got), got[0].Path, got[len(got)-1])
	}
}

// Whatever a client sends where a secret belongs, and every token and
// credential wherever it sends it, is shown to nobody.
func TestControlShowsNoSecret(t *testing.T) {
	s := start(t, mock.Options{Control: true})
	antsomi, ankorstore := s.endpoint("antsomi"), s.endpoint("ankorstore")
	opaque := field(t, s.token(antsomi, antsomi.Credentials, "item"), "accessToken")
	jwt := field(t, s.token(ankorstore, ankorstore.Credentials, "*"), "access_token")
	const wrong = `wrong/secret+with &"strange" chars`
	secrets := []string{
		opaque, jwt, wrong, url.QueryEscape(wrong), url.PathEscape(wrong), "wrong-password", "wrong-key-value", "wrong-cookie", "wrong-bearer",
		"wrong-number-1234567", "wrong-nested", "wrong-first", "wrong-broken", "wrong-query", "wrong%zzescape", "wrong-xml", "wrong-json-key",
		antsomi.Credentials["client_id"], antsomi.Credentials["client_secret"], antsomi.Special["revoked"]["client_id"],
		base64.StdEncoding.EncodeToString([]byte("someone:wrong-password")), "987654321987",
	}
	for _, e := range []mock.Endpoint{antsomi, ankorstore} {
		post := func(path, contentType, body string) {
			s.send("POST", e.BaseURL+path, http.Header{"Content-Type": {contentType}}, body)
		}
		const form, asJSON = "application/x-www-form-urlencoded", "application/json"
		s.token(e, antsomi.Credentials.With("client_secret", wrong), "item")
		s.token(e, antsomi.Special["revoked"], "item")
		post("/oauth/token", form, "client_id=someone-unknown&client_secret=wrong%zzescape&scope=item")
		post("/oauth/token", form, `{"client_secret":"wrong-broken",}`)
		post("/oauth/token", form, "client_secret=abc&scope=item")
		post("/oauth/token", asJSON, `{"client_secret":"wrong-first","client_secret":"wrong-nested","pin_secret":987654321987,"auth":{"value":["wrong-number-1234567"]}}`)
		post("/oauth/token", asJSON, `{"api_key":"wrong-json-key"`)
		post("/revoke", form, "token="+opaque+"&token="+jwt)
		post("/soap", "text/xml", "<password>wrong-xml</password>")
		post("/"+opaque+"/"+jwt+"?token="+opaque+"&api_key=wrong-query&next="+jwt, "text/plain", "the token is "+opaque+"!")
		s.send("GET", e.BaseURL+"/api/v1/me", http.Header{
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("someone:wrong-password"))},
			"Cookie":        {"session=wrong-cookie; other=1"}, "X-Api-Key": {"wrong-key-value"}, "X-Trace": {"with-" + "x " + opaque},
		}, "")
		s.send("GET", e.BaseURL+"/api/v1/me", bearer("wrong-bearer"), "")
		s.send("GET", e.BaseURL+"/api/v1/me", bearer(opaque), "")
		s.send("GET", e.BaseURL+"/api/v1/me", bearer(jwt), "")
	}
	for _, e := range []mock.Endpoint{antsomi, ankorstore} {
		shown := s.send("GET", e.BaseURL+mock.ControlPath+"/requests", nil, "").body
		for _, secret := range secrets {
			if e.ID == "ankorstore" && secret == opaque {
				continue // a token of another provider: see below
			}
			if strings.Contains(shown, secret) {
				at := strings.Index(shown, secret)
				t.Errorf("%s: %q is shown: …%s", e.ID, secret, shown[max(0, at-300):min(len(shown), at+100)])
			}
		}
	}
	if t.Failed() {
		return
	}
	got := s.received(antsomi)
	if len(got) != 15 {
		t.Fatalf("%d requests", len(got))
	}
	for i, want := range map[int]string{
		0: "client_id=<redacted:ANTSOMI_CLIENT_ID>&client_secret=<redacted:ANTSOMI_CLIENT_SECRET>&grant_type=client_credentials&scope=item",
		1: "client_id=<redacted:ANTSOMI_CLIENT_ID>&client_secret=<redacted:SENT client_secret>&grant_type=client_credentials&scope=item",
		2: "client_id=<redacted:ANTSOMI_CLIENT_ID revoked>&client_secret=<redacted:ANTSOMI_CLIENT_SECRET>&grant_type=client_credentials&scope=item",
		8: "token=<redacted:ACCESS_TOKEN>&token=<redacted:jwt>",
	} {
		if got[i].Body != want {
			t.Errorf("request %d:\ngot  %s\nwant %s", i, got[i].Body, want)
		}
	}
	for _, i := range []int{4, 5, 7, 9, 10} {
		if got[i].Hidden == "" || got[i].Body+got[i].Path+got[i].Query != "" {
			t.Errorf("request %d is shown: %+v", i, got[i])
		}
	}
	if got := lastOf(t, got).Headers["Authorization"]; got != "Bearer <redacted:jwt>" {
		t.Errorf("Authorization: %s", got)
	}
}
