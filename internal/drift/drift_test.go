package drift

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/record"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// A change makes a provider answer otherwise.
type change func(r *simulator.Response)

// now is when every comparison takes place.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// open returns the workspace, read anew, and its only provider of interest.
func open(t *testing.T) (*runner.Workspace, *providers.Provider) {
	t.Helper()
	w, err := runner.Open("testdata/workspace")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Providers.Lookup("acme")
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

// compare runs acme's scenarios against a server that answers as the fixtures
// say, but for the changes, and compares.
func compare(t *testing.T, ctx context.Context, w *runner.Workspace, p *providers.Provider, changes ...change) *Provider {
	t.Helper()
	sim, err := simulator.New(p, w.Fixtures)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := sim.Respond(r, body)
		for _, change := range changes {
			change(answer)
		}
		answer.Send(rw)
	}))
	defer server.Close()
	return compareWith(t, ctx, w, p, server.URL, sim.Credentials(), true)
}

func compareWith(t *testing.T, ctx context.Context, w *runner.Workspace, p *providers.Provider, base string, creds providers.Credentials, intrusive bool) *Provider {
	t.Helper()
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{p.ID}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := redact.New()
	observed, err := record.Observe(ctx, plan, p, runner.Options{
		Version: "test", Redactor: secrets, Timeout: 5 * time.Second,
		Live: &steps.Live{
			Transport: &http.Transport{}, BaseURLs: map[string]string{p.ID: base}, Intrusive: intrusive,
			Credentials: func(*providers.Provider) (providers.Credentials, error) { return creds, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := Compare(observed, now, secrets.String)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// at restricts a change to one situation, or to those that a fixture serves.
func at(situation string, c change) change {
	return func(r *simulator.Response) {
		served := r.Situation == "items/missing_token" && situation == "items/invalid_token"
		if r.Situation == situation || served {
			c(r)
		}
	}
}

func status(code int) change { return func(r *simulator.Response) { r.Status = code } }

func header(name, value string) change {
	return func(r *simulator.Response) {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	}
}

func replace(old, with string) change {
	return func(r *simulator.Response) {
		if !strings.Contains(string(r.Body), old) {
			panic(r.Situation + " has no " + old)
		}
		r.Body = []byte(strings.ReplaceAll(string(r.Body), old, with))
	}
}

func body(text string) change { return func(r *simulator.Response) { r.Body = []byte(text) } }

// lines shows findings, one a line.
func lines(p *Provider) []string {
	out := []string{}
	for i := range p.Findings {
		f := &p.Findings[i]
		out = append(out, fmt.Sprintf("%s %s: %s %s", f.label(), strings.Join(f.Situations, ", "), f.subject(), f.Change))
	}
	return out
}

func TestEachChangeIsReportedOnceAtItsPath(t *testing.T) {
	const issued, invalidClient, ok, invalidToken = "token/issued", "token/invalid_client", "items/ok", "items/invalid_token"
	tests := map[string]struct {
		change change
		want   []string
		exit   int
	}{
		"nothing": {func(*simulator.Response) {}, []string{}, check.ExitOK},

		// The four that the issue names, and all of them at once.
		"a field is renamed":    {at(issued, replace(`"expires_in"`, `"expiresIn"`)), []string{"breaking token/issued: `expires_in` is gone; expiresIn (an integer) is new: renamed?"}, check.ExitBroken},
		"an expiry is a string": {at(issued, replace(`3600`, `"3600"`)), []string{"breaking token/issued: `expires_in` was an integer, is now a string"}, check.ExitBroken},
		"the scope is dropped":  {at(issued, dropScope), []string{"breaking token/issued: `scope` is gone"}, check.ExitBroken},
		"401 turns 400":         {at(invalidClient, status(400)), []string{"breaking token/invalid_client: HTTP status was 401, is now 400"}, check.ExitBroken},
		"all of them": {func(r *simulator.Response) {
			at(issued, replace(`"token_type"`, `"tokenType"`))(r)
			at(issued, replace(`3600`, `"3600"`))(r)
			at(issued, dropScope)(r)
			at(invalidClient, status(400))(r)
		}, []string{
			"breaking token/invalid_client: HTTP status was 401, is now 400",
			"breaking token/issued: `token_type` is gone; tokenType (a string) is new: renamed?",
			"breaking token/issued: `expires_in` was an integer, is now a string",
			"breaking token/issued: `scope` is gone",
		}, check.ExitBroken},

		// Fields.
		"the token is renamed": {at(issued, replace(`"access_token"`, `"token"`)), []string{"breaking token/issued: `access_token` is gone; token (a string) is new: renamed?"}, check.ExitBroken},
		"a field is new":       {at(issued, replace(`"expires_in"`, `"jti": "x", "expires_in"`)), []string{"additive token/issued: `jti` is new (a string)"}, check.ExitOK},
		"an object is new":     {at(ok, replace(`"empty"`, `"links": {"self": "x", "next": null}, "empty"`)), []string{"additive items/ok: `links` is new (an object)"}, check.ExitOK},
		"a field of array elements is gone": {at(ok, func(r *simulator.Response) {
			replace(`"name": "First", `, ``)(r)
			replace(`"name": "Second", `, ``)(r)
		}), []string{"breaking items/ok: `items.#.name` is gone"}, check.ExitBroken},
		"a field of some array elements is gone": {at(ok, replace(`"name": "Second", `, ``)), []string{"breaking items/ok: `items.#.name` is missing at times"}, check.ExitBroken},
		"a field that was optional is gone":      {at(ok, replace(`, "note": "optional"`, ``)), []string{}, check.ExitOK},
		"a nested field is gone":                 {at(ok, replace(`"email"`, `"address"`)), []string{"breaking items/ok: `items.#.owner.email` is gone", "additive items/ok: `items.#.owner.address` is new (an email address)"}, check.ExitBroken},
		"an object is gone, and all in it":       {at(ok, replace(`"meta.page": {"next": null, "total": 2},`, ``)), []string{"breaking items/ok: `meta\\.page` is gone"}, check.ExitBroken},
		"a field in a name with a dot":           {at(ok, replace(`"total": 2`, `"total": "2"`)), []string{"breaking items/ok: `meta\\.page.total` was an integer, is now a string"}, check.ExitBroken},
		"an empty array is filled":               {at(ok, replace(`"empty": []`, `"empty": [1]`)), []string{}, check.ExitOK},

		// Types and null.
		"an integer is a fraction":  {at(issued, replace(`3600`, `3600.5`)), []string{"breaking token/issued: `expires_in` was an integer, is now a number"}, check.ExitBroken},
		"numbers are whole":         {at(ok, replace(`12.5`, `12`)), []string{"cosmetic items/ok: `items.#.price` was a number, is now an integer"}, check.ExitOK},
		"a field is null":           {at(issued, replace(`"read"`, `null`)), []string{"breaking token/issued: `scope` was a string, is now null"}, check.ExitBroken},
		"a field is null at times":  {at(ok, replace(`"First"`, `null`)), []string{"breaking items/ok: `items.#.name` was a string, can now be null"}, check.ExitBroken},
		"what was null has a value": {at(ok, replace(`"next": null`, `"next": "https://api.acme.example/items?page=2"`)), []string{"additive items/ok: `meta\\.page.next` was null, is now a URL"}, check.ExitOK},
		"an object is an array":     {at(ok, replace(`{"next": null, "total": 2}`, `[]`)), []string{"breaking items/ok: `meta\\.page` was an object, is now an array"}, check.ExitBroken},
		"the body is an array":      {at(invalidToken, body(`["invalid_token"]`)), []string{"breaking items/invalid_token, items/missing_token: `@this` was an object, is now an array"}, check.ExitBroken},
		"elements have two types":   {at(ok, replace(`["a"]`, `["a", 1]`)), []string{"breaking items/ok: `items.#.tags.#` was a string, is now a string or an integer"}, check.ExitBroken},

		// Formats.
		"a date-time is no more":    {at(issued, replace(`2026-11-20T10:00:00Z`, `20 Nov 2026 10:00`)), []string{"breaking token/issued: `issued_at` was a date-time, is now a string"}, check.ExitBroken},
		"another date-time":         {at(issued, replace(`2026-11-20T10:00:00Z`, `2026-11-22T10:00:00.123+02:00`)), []string{}, check.ExitOK},
		"a UUID is no more":         {at(issued, replace(`5b1f5e7a-0c43-4d0e-9f55-0d8f6a3f3c11`, `tok_1`)), []string{"breaking token/issued: `id` was a UUID, is now a string"}, check.ExitBroken},
		"an email address at times": {at(ok, replace(`jkqwhe@example.com`, `none`)), []string{"breaking items/ok: `items.#.owner.email` was an email address, is now a string"}, check.ExitBroken},
		"a string is a URL": {at(ok, func(r *simulator.Response) {
			replace(`"First"`, `"https://a.example/1"`)(r)
			replace(`"Second"`, `"https://a.example/2"`)(r)
		}), []string{"cosmetic items/ok: `items.#.name` was a string, is now a URL"}, check.ExitOK},

		// Values, where clients compare them.
		"another value of the same shape": {at(ok, replace(`"First"`, `"Erstes"`)), []string{}, check.ExitOK},
		"another error code":              {at(invalidClient, replace(`"invalid_client"`, `"unauthorized"`)), []string{"breaking token/invalid_client: `error` was \"invalid_client\", is now \"unauthorized\""}, check.ExitBroken},
		"a value the spec spells out":     {at(issued, replace(`"Bearer"`, `"bearer"`)), []string{"breaking token/issued: `token_type` is \"bearer\", the spec says \"Bearer\""}, check.ExitBroken},
		"a value out of a closed set":     {at(ok, replace(`"state": "open"`, `"state": "pending"`)), []string{"breaking items/ok: `items.0.state` is \"pending\", the spec says one of \"open\", \"closed\""}, check.ExitBroken},
		"a value of the closed set":       {at(ok, replace(`"state": "open"`, `"state": "closed"`)), []string{}, check.ExitOK},

		"a value below a change": {at(ok, func(r *simulator.Response) {
			r.Body = []byte(`{"items":{"0":{"state":"x"}},"meta.page":{"next":null,"total":2},"scope":"all","empty":[]}`)
		}), []string{
			"breaking items/ok: `items` was an array, is now an object",
		}, check.ExitBroken},

		// The same change in two situations of a call is one change.
		"errors change their form": {func(r *simulator.Response) {
			if r.Status >= 400 && strings.HasPrefix(r.Situation, "token/") && r.Situation != "token/invalid_scope" {
				replace(`"error_description"`, `"message"`)(r)
			}
		}, []string{
			"breaking token/invalid_client, token/unsupported_grant_type: `error_description` is gone",
			"additive token/invalid_client, token/unsupported_grant_type: `message` is new (a string)",
		}, check.ExitBroken},
		"one of two situations that share a fixture": {func(r *simulator.Response) {
			if r.Situation == "items/missing_token" {
				r.Status = 403
			}
		}, []string{"breaking items/missing_token: HTTP status was 401, is now 403"}, check.ExitBroken},

		// Content type and body.
		"another content type": {at(ok, header("Content-Type", "application/vnd.api+json")), []string{"breaking items/ok: header Content-Type was application/json, is now application/vnd.api+json"}, check.ExitBroken},
		"another charset":      {at(issued, header("Content-Type", "application/json")), []string{"cosmetic token/issued: header Content-Type was application/json; charset=utf-8, is now application/json"}, check.ExitOK},
		"no content type":      {at(ok, header("Content-Type", "")), []string{"breaking items/ok: header Content-Type is gone"}, check.ExitBroken},
		"the body is empty":    {at(invalidToken, func(r *simulator.Response) { r.Body = nil; header("Content-Type", "")(r) }), []string{"breaking items/invalid_token, items/missing_token: `@this` is gone: the body is empty"}, check.ExitBroken},
		"the body is broken":   {at(invalidToken, body(`{"error":`)), []string{"breaking items/invalid_token, items/missing_token: `@this` was JSON, is no longer"}, check.ExitBroken},
		"the body is text":     {at(invalidToken, func(r *simulator.Response) { r.Body = []byte("no"); header("Content-Type", "text/plain")(r) }), []string{"breaking items/invalid_token, items/missing_token: header Content-Type was application/json, is now text/plain"}, check.ExitBroken},

		// Headers that matter, and one that does not.
		"no challenge":           {at(invalidClient, header("WWW-Authenticate", "")), []string{"breaking token/invalid_client: header WWW-Authenticate is gone"}, check.ExitBroken},
		"another challenge":      {at(invalidClient, header("WWW-Authenticate", `Bearer realm="acme"`)), []string{"breaking token/invalid_client: header WWW-Authenticate was Basic, is now Bearer"}, check.ExitBroken},
		"another realm":          {at(invalidClient, header("WWW-Authenticate", `basic realm="other, one"`)), []string{}, check.ExitOK},
		"one more challenge":     {at(invalidToken, header("WWW-Authenticate", `Bearer realm="a", error="invalid_token", DPoP algs="ES256"`)), []string{"additive items/invalid_token, items/missing_token: header WWW-Authenticate asks for Dpop too"}, check.ExitOK},
		"tokens may be stored":   {at(issued, header("Cache-Control", "private")), []string{"breaking token/issued: header Cache-Control was no-store, is now private"}, check.ExitBroken},
		"no cache either":        {at(issued, header("Cache-Control", "No-Cache, no-store")), []string{"cosmetic token/issued: header Cache-Control was no-store, is now no-cache, no-store"}, check.ExitOK},
		"a header of the moment": {header("X-Request-Id", "42"), []string{}, check.ExitOK},

		// Statuses.
		"the endpoint is gone": {at(ok, func(r *simulator.Response) { r.Status = 404; r.Body = []byte(`{"error":"not_found"}`) }), []string{"breaking items/ok: HTTP status was 200, is now 404"}, check.ExitBroken},
		"201 for 200":          {at(issued, status(201)), []string{"breaking token/issued: HTTP status was 200, is now 201"}, check.ExitBroken},
		"a token for a wrong secret": {at(invalidClient, func(r *simulator.Response) {
			r.Status, r.Body = 200, []byte(`{"access_token":"k3v9x2m7q8w1z5n4b6c0d9f8g7h6j5l5","token_type":"Bearer","expires_in":3600}`)
		}), []string{"breaking token/invalid_client: HTTP status was 401, is now 200: an access token is issued where it must be refused"}, check.ExitBroken},

		// What was only assumed cannot drift.
		"an assumption is wrong": {at("token/invalid_scope", replace(`"error"`, `"code"`)), []string{
			"assumed token/invalid_scope: `error` is gone", "assumed token/invalid_scope: `code` is new (a string)",
		}, check.ExitInconclusive},
		"an assumed status is wrong": {at("token/invalid_scope", status(422)), []string{"assumed token/invalid_scope: HTTP status was 400, is now 422"}, check.ExitInconclusive},
		"a token for an unknown scope is no matter of assumptions": {at("token/invalid_scope", func(r *simulator.Response) {
			r.Status, r.Body = 200, []byte(`{"access_token":"k3v9x2m7q8w1z5n4b6c0d9f8g7h6j5l5","token_type":"Bearer","expires_in":3600,"scope":"nonsense"}`)
		}), []string{"breaking token/invalid_scope: HTTP status was 400, is now 200: an access token is issued where it must be refused"}, check.ExitBroken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := open(t)
			found := compare(t, t.Context(), w, p, tt.change)
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if got := (&Report{Providers: []*Provider{found}}).ExitCode(); got != tt.exit {
				t.Errorf("exit code %d, want %d: %+v", got, tt.exit, found)
			}
		})
	}
}

func dropScope(r *simulator.Response) { replace(`"scope": "read",`, ``)(r) }

// Refusals differ by what is wrong with the request; that is no drift.
func TestOneRefusalAsTheFixtureSaysIsEnough(t *testing.T) {
	w, p := open(t)
	requests := 0
	nth := func(n int, c change) change {
		requests = 0
		return at("token/invalid_scope", func(r *simulator.Response) {
			if requests++; requests == n {
				c(r)
			}
		})
	}
	for n, line := range []string{"16", "22"} {
		found := compare(t, t.Context(), w, p, nth(n+1, func(r *simulator.Response) {
			r.Status, r.Body = 422, []byte(`{"error":"invalid_request"}`)
		}))
		if len(found.Findings) != 0 {
			t.Errorf("got %v", lines(found))
		}
		want := []string{"not every refusal is alike: HTTP status was 400, is now 422, where features/acme.feature:" + line + " meets token/invalid_scope"}
		if diff := cmp.Diff(want, found.Notes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}

	// But no success may hide among refusals.
	found := compare(t, t.Context(), w, p, nth(2, func(r *simulator.Response) {
		r.Status, r.Body = 200, []byte(`{"access_token":"k3v9x2m7q8w1z5n4b6c0d9f8g7h6j5l5","expires_in":3600}`)
	}))
	if diff := cmp.Diff([]string{"breaking token/invalid_scope: HTTP status was 400, is now 200: an access token is issued where it must be refused at times"}, lines(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStrictCountsEveryChange(t *testing.T) {
	w, p := open(t)
	for name, c := range map[string]change{
		"additive": at("token/issued", replace(`"expires_in"`, `"jti": "x", "expires_in"`)),
		"cosmetic": at("token/issued", header("Content-Type", "application/json")),
	} {
		t.Run(name, func(t *testing.T) {
			found := compare(t, t.Context(), w, p, c)
			if got := (&Report{Providers: []*Provider{found}}).ExitCode(); got != check.ExitOK {
				t.Errorf("exit code %d, want 0", got)
			}
			if got := (&Report{Providers: []*Provider{found}, Strict: true}).ExitCode(); got != check.ExitBroken {
				t.Errorf("strict: exit code %d, want 1", got)
			}
		})
	}
	found := compare(t, t.Context(), w, p, at("token/invalid_scope", replace(`"invalid_scope"`, `"invalid_scope", "more": 1`)))
	if got := (&Report{Providers: []*Provider{found}, Strict: true}).ExitCode(); got != check.ExitInconclusive {
		t.Errorf("more than was assumed, strict: exit code %d, want 3", got)
	}
}

// What says nothing about the provider's contract is no drift.
func TestCouldNotTellIsNotBroken(t *testing.T) {
	tests := map[string]struct {
		change change
		cause  check.Cause
	}{
		"too many requests": {func(r *simulator.Response) { r.Status = 429; r.Body = []byte(`{}`) }, check.RateLimited},
		"the server fails":  {status(503), check.ProviderDown},
		"a redirect":        {func(r *simulator.Response) { r.Status = 302; r.Header.Set("Location", "/login") }, check.Redirected},
		"a login page":      {func(r *simulator.Response) { r.Status = 200; header("Content-Type", "text/html")(r) }, check.NotAnAPIAnswer},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, p := open(t)
			found := compare(t, t.Context(), w, p, tt.change)
			if len(found.Findings) > 0 || len(found.Compared) > 0 {
				t.Errorf("got %v of %v", lines(found), found.Compared)
			}
			for _, s := range found.Silences {
				if s.Cause != tt.cause {
					t.Errorf("%s: cause %s, want %s", s.Situation, s.Cause, tt.cause)
				}
			}
			if got := (&Report{Providers: []*Provider{found}}).ExitCode(); got != check.ExitInconclusive {
				t.Errorf("exit code %d, want 3", got)
			}
		})
	}

	t.Run("one situation only", func(t *testing.T) {
		w, p := open(t)
		found := compare(t, t.Context(), w, p, at("items/ok", status(503)))
		want := []Silence{{"items/ok", check.ProviderDown, "503: the provider has a problem of its own"}}
		if diff := cmp.Diff(want, found.Silences); diff != "" || len(found.Compared) != 6 {
			t.Errorf("(-want +got):\n%s%v", diff, found.Compared)
		}
	})

	t.Run("nobody answers", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		w, p := open(t)
		found := compareWith(t, t.Context(), w, p, "http://"+listener.Addr().String(), simulator.TestCredentials(p), false)
		if len(found.Silences) == 0 || found.Silences[0].Cause != check.NetworkTCP {
			t.Errorf("got %+v", found.Silences)
		}
		if got := (&Report{Providers: []*Provider{found}}).ExitCode(); got != check.ExitInconclusive {
			t.Errorf("exit code %d, want 3", got)
		}
	})
}

func TestARefusedCredentialIsSaidAndNotTakenForDrift(t *testing.T) {
	w, p := open(t)
	found := compare(t, t.Context(), w, p, at("token/issued", func(r *simulator.Response) {
		r.Status, r.Body = 401, []byte(`{"error":"invalid_client"}`)
	}))
	if found.Rejected == "" {
		t.Error("the credential is not called refused")
	}
	for _, line := range lines(found) {
		if strings.Contains(line, "issued") {
			t.Errorf("got %s", line)
		}
	}
	if got := (&Report{Providers: []*Provider{found}}).ExitCode(); got != check.ExitBroken {
		t.Errorf("exit code %d, want 1", got)
	}
}

func TestDeviationsAcceptUntilTheirDay(t *testing.T) {
	day := func(text string) providers.Date {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return providers.Date{Time: d}
	}
	expiry := at("token/issued", replace(`3600`, `"3600"`))
	deviation := providers.Deviation{Situation: "token/issued", Path: "expires_in", Change: "was an integer, is now a string", Reason: "ticket 42", Until: day("2026-11-22")}

	tests := map[string]struct {
		edit  func(*providers.Deviation)
		want  string
		exit  int
		notes int
	}{
		"on its last day":      {func(*providers.Deviation) {}, "accepted", check.ExitOK, 0},
		"the day after":        {func(d *providers.Deviation) { d.Until = day("2026-11-21") }, "breaking", check.ExitBroken, 0},
		"of another path":      {func(d *providers.Deviation) { d.Path = "scope" }, "breaking", check.ExitBroken, 1},
		"of another change":    {func(d *providers.Deviation) { d.Change = "is gone" }, "breaking", check.ExitBroken, 1},
		"of another situation": {func(d *providers.Deviation) { d.Situation = "token/invalid_client" }, "breaking", check.ExitBroken, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w, p := open(t)
			d := deviation
			tt.edit(&d)
			p.Deviations = []providers.Deviation{d}
			found := compare(t, t.Context(), w, p, expiry)
			if len(found.Findings) != 1 || found.Findings[0].label() != tt.want || len(found.Notes) != tt.notes {
				t.Errorf("got %v, notes %v", lines(found), found.Notes)
			}
			if lapsed := found.Findings[0].Lapsed != nil; lapsed != (name == "the day after") {
				t.Errorf("lapsed is %v", lapsed)
			}
			if got := (&Report{Providers: []*Provider{found}, Strict: true}).ExitCode(); tt.exit != check.ExitOK && got != tt.exit {
				t.Errorf("exit code %d, want %d", got, tt.exit)
			}
		})
	}
}

// A deviation of one situation leaves the same change in another as it is.
func TestADeviationIsOfOneSituation(t *testing.T) {
	w, p := open(t)
	p.Deviations = []providers.Deviation{{Situation: "token/invalid_client", Path: "error_description", Change: "is gone", Reason: "r", Until: providers.Date{Time: now}}}
	found := compare(t, t.Context(), w, p, func(r *simulator.Response) {
		if r.Situation == "token/invalid_client" || r.Situation == "token/unsupported_grant_type" {
			replace(`"error_description"`, `"xyz"`)(r)
		}
	})
	want := []string{
		"breaking token/unsupported_grant_type: `error_description` is gone",
		"additive token/invalid_client, token/unsupported_grant_type: `xyz` is new (a string)",
		"accepted token/invalid_client: `error_description` is gone",
	}
	if diff := cmp.Diff(want, lines(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A token that is declared opaque may look like anything.
func TestTheFormOfAnOpaqueTokenIsNoContract(t *testing.T) {
	lost := schema.Change{Path: "access_token", Kind: schema.FormatLost}
	for form, want := range map[string]Grade{"opaque": Cosmetic, "jwt": Breaking} {
		_, p := open(t)
		p.Auth.Response.Form = form
		c := comparer{provider: p}
		if got := c.grade(lost); got != want {
			t.Errorf("%s: got %s, want %s", form, got, want)
		}
	}
}

func TestNothingRan(t *testing.T) {
	if got := (&Report{Providers: []*Provider{{ID: "acme", Skipped: "set ACME_CLIENT_ID"}}}).ExitCode(); got != check.ExitNothingRan {
		t.Errorf("exit code %d, want 5", got)
	}
	if got := (&Report{}).ExitCode(); got != check.ExitNothingRan {
		t.Errorf("no providers: exit code %d, want 5", got)
	}
}

func TestInterrupted(t *testing.T) {
	w, p := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	found := compare(t, ctx, w, p, at("token/issued", func(*simulator.Response) { cancel() }))
	if got := (&Report{Providers: []*Provider{found}, Interrupted: true}).ExitCode(); got != check.ExitInterrupted {
		t.Errorf("exit code %d, want 4", got)
	}
}

// Nothing that a provider sends reaches a report but names, types and the
// values that a spec is about, and those without secrets.
func TestFindingsHoldNoSecrets(t *testing.T) {
	w, p := open(t)
	creds := simulator.TestCredentials(p)
	secret := creds["client_secret"]
	found := compare(t, t.Context(), w, p,
		at("token/invalid_client", replace(`"invalid_client"`, `"`+secret+`"`)),
		at("token/issued", replace(`"Bearer"`, `"`+secret+`"`)),
		at("token/unsupported_grant_type", replace(`"error_description"`, `"`+secret+`"`)),
		at("items/ok", header("Content-Type", "application/"+secret)),
	)
	report := &Report{Providers: []*Provider{found}}
	for format, write := range Formats {
		var b strings.Builder
		if err := write(&b, report); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s:\n%s", format, b.String())
		}
	}
	if len(found.Findings) < 4 {
		t.Errorf("got %v", lines(found))
	}
}
