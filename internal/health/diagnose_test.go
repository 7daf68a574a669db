package health

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/providers"
)

func TestEachFaultHasItsVerdict(t *testing.T) {
	type add = func(*credentials.Credential, providers.Credentials)
	expired := func(c *credentials.Credential, _ providers.Credentials) {
		c.Expires, _ = credentials.ParseDate("2020-01-31")
	}
	scenarios := func(tags string) add {
		return func(c *credentials.Credential, _ providers.Credentials) { c.Scenarios = tags }
	}
	for name, c := range map[string]struct {
		provider string
		change   []add
		fault    fault
		want     string
		requests int // seen by the server
		drift    string
	}{
		"works":                         {provider: "acme", want: "passed by accepted", requests: 2},
		"works, by a key":               {provider: "fox", want: "passed by accepted", requests: 1},
		"documented refusal":            {provider: "acme", change: []add{wrong}, want: "rejected credential_rejected by documented_error", requests: 1},
		"documented refusal of a key":   {provider: "fox", change: []add{wrong}, want: "rejected credential_rejected by documented_error", requests: 1},
		"undocumented refusal":          {provider: "bravo", change: []add{wrong}, want: "rejected credential_rejected suspected by first_look", requests: 1},
		"refusal, one look is enough":   {provider: "delta", change: []add{wrong}, want: "rejected credential_rejected by second_look", requests: 1},
		"a bare 401":                    {provider: "acme", fault: says(401, ""), want: "rejected credential_rejected suspected by first_look", requests: 1},
		"403 at the token endpoint":     {provider: "acme", fault: on("token", says(403, `{}`)), want: "rejected credential_rejected suspected by first_look", requests: 1},
		"expired":                       {provider: "acme", change: []add{wrong, expired}, want: "rejected expired by documented_error", requests: 1},
		"expired, by its error":         {provider: "echo", fault: says(400, `{"error":"client_expired"}`), want: "rejected expired by documented_error", requests: 1},
		"should have expired":           {provider: "acme", change: []add{expired}, want: "passed by accepted", requests: 2},
		"locked out":                    {provider: "echo", fault: says(400, `{"error":"account_locked"}`), want: "rejected locked_out by documented_error", requests: 1},
		"token refused by the call":     {provider: "acme", fault: on("me", says(401, `{"error":"invalid_token"}`)), want: "rejected credential_rejected by documented_error", requests: 2},
		"an unknown 400":                {provider: "acme", fault: says(400, `{"error":"computer_says_no"}`), want: "inconclusive not_proven by says_nothing", requests: 1},
		"an unknown 400 of a call":      {provider: "fox", fault: says(400, `{"error":"computer_says_no"}`), want: "inconclusive not_proven by says_nothing", requests: 1},
		"a call is gone":                {provider: "acme", fault: on("me", says(404, `{}`)), want: "passed by accepted", requests: 2, drift: "status"},
		"a new shape":                   {provider: "acme", fault: on("me", says(200, `{"id":"1"}`)), want: "passed by accepted", requests: 2, drift: "shape"},
		"scopes granted":                {provider: "acme", change: []add{requires("read", "write")}, want: "passed by accepted", requests: 2},
		"fewer scopes granted":          {provider: "acme", change: []add{requires("read", "write")}, fault: on("token", says(200, `{"access_token":"aaaaaaaaaaaaaaaaaaaa","token_type":"Bearer","expires_in":60,"scope":"read"}`)), want: "rejected credential_rejected by documented_error", requests: 2},
		"a required scope is refused":   {provider: "acme", change: []add{requires("admin")}, want: "rejected scope_missing by scopes", requests: 1},
		"a scope of a call is refused":  {provider: "acme", change: []add{scenarios("@files")}, want: "rejected scope_missing by scopes", requests: 2},
		"a scope that it does not need": {provider: "acme", change: []add{scenarios("@files"), requires("read")}, want: "passed by accepted", requests: 2},
		"a required scope of a call":    {provider: "acme", change: []add{scenarios("@files"), requires("write")}, want: "passed by accepted", requests: 2},
		"proof":                         {provider: "delta", change: []add{scenarios("@proof")}, want: "passed by proof", requests: 1},
		"proof, unasked":                {provider: "delta", fault: on("token", says(400, `{"error":"invalid_scope"}`)), want: "passed by proof", requests: 1},
		"no proof":                      {provider: "acme", change: []add{scenarios("@proof")}, want: "inconclusive not_proven by nothing_proven", requests: 1},
		"refused where proof is asked":  {provider: "delta", change: []add{scenarios("@proof"), wrong}, want: "rejected credential_rejected by second_look", requests: 1},
		"500":                           {provider: "acme", fault: says(500, ""), want: "inconclusive provider_down by says_nothing", requests: 1},
		"500 of a call":                 {provider: "acme", fault: on("me", says(500, "")), want: "inconclusive provider_down by says_nothing", requests: 2},
		"429":                           {provider: "acme", fault: says(429, ""), want: "inconclusive rate_limited by says_nothing", requests: 1},
		"429, by its error":             {provider: "echo", fault: says(400, `{"error":"slow_down"}`), want: "inconclusive rate_limited by says_nothing", requests: 1},
		"408":                           {provider: "acme", fault: says(408, ""), want: "inconclusive timeout by says_nothing", requests: 1},
		"a login page":                  {provider: "acme", fault: says(200, "<html>", "Content-Type", "text/html"), want: "inconclusive not_an_api_answer by says_nothing", requests: 1},
		"a redirect":                    {provider: "acme", fault: says(302, "", "Location", "https://example.com/login"), want: "inconclusive redirected by says_nothing", requests: 1},
		"a page that forbids":           {provider: "acme", fault: says(403, "<html>", "Content-Type", "text/html"), want: "inconclusive not_an_api_answer by says_nothing", requests: 1},
		"no answer": {provider: "acme", want: "inconclusive timeout by no_answer", requests: 1, fault: func(_ http.ResponseWriter, r *http.Request, _ string) bool {
			<-r.Context().Done()
			return true
		}},
		"a dripping answer": {provider: "acme", want: "inconclusive timeout by no_answer", requests: 1, fault: func(w http.ResponseWriter, r *http.Request, _ string) bool {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
			return true
		}},
		"a broken connection":           {provider: "acme", want: "inconclusive network_tcp by no_answer", requests: 1, fault: hangUp},
		"a connection that broke once":  {provider: "fox", want: "passed by accepted", requests: 2, fault: first(1, hangUp)},
		"a connection that broke twice": {provider: "fox", want: "inconclusive network_tcp by no_answer", requests: 2, fault: first(2, hangUp)},
		"a token that is not there":     {provider: "acme", fault: on("token", says(200, `{"token_type":"Bearer"}`)), want: "inconclusive not_proven by says_nothing", requests: 1, drift: "shape"},
		"an error in a success":         {provider: "fox", fault: says(200, `{"error":"bad_key"}`), want: "inconclusive not_proven by says_nothing", requests: 1},
		"a declared error in a success": {provider: "echo", fault: says(200, `{"error":"client_expired"}`), want: "rejected expired by documented_error", requests: 1},
		"too large": {provider: "acme", want: "inconclusive response_too_large by no_answer", requests: 1, fault: func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			_, _ = w.Write(make([]byte, 5<<20))
			return true
		}},
		"an undefined step": {provider: "acme", change: []add{scenarios("@broken")}, want: "invalid undefined_step by spec"},
		"no scenario":       {provider: "acme", change: []add{scenarios("@none")}, want: "invalid no_scenario by spec"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.opts.Timeout = 3 * time.Second
			w.add(c.provider, "it", c.change...)
			if c.fault != nil {
				w.fault("it", c.fault)
				w.servers[c.provider].faults["it"] = c.fault
				w.servers[c.provider].all = c.fault
			}
			run := w.night()
			got := run.named("it")
			if outcome(run, "it") != c.want {
				t.Errorf("got  %s\nwant %s\n%s", outcome(run, "it"), c.want, got.Message)
			}
			s := w.servers[c.provider]
			if n := s.count("token") + s.count("me") + s.count("files") + s.count("account"); n != c.requests || got.Requests != n {
				t.Errorf("%d requests at the server, %d by our count, want %d: %v", n, got.Requests, c.requests, s.requests)
			}
			drift := ""
			for _, d := range got.Drift {
				drift += string(d.Cause)
			}
			if drift != c.drift {
				t.Errorf("drift %q, want %q", drift, c.drift)
			}
			if n := s.bad["it"]; n > 1 {
				t.Errorf("%d wrong attempts", n)
			}
			if got.Verdict != "passed" && (got.Message == "" || got.Advice == "" || got.Who == "") {
				t.Errorf("nobody knows what to do: %+v", got)
			}
			t.Logf("%s\n  → %s: %s", got.Message, got.Who, got.Advice)
		})
	}
}

func hangUp(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) }
