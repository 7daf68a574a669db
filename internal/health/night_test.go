package health

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/providers"
)

// A script is what happens to one credential in three nights: the fault of
// each, what the run says, and how many requests the server counts.
type script struct {
	name     string
	provider string
	change   func(*credentials.Credential, providers.Credentials)
	faults   [3]fault
	want     [3]string
	requests [3]int
}

const works = "passed by accepted"

// theNights scripts 60 credentials of six providers over loopback.
func theNights() []script {
	var list []script
	add := func(s script) { list = append(list, s) }
	steady := func(provider string, n, requests int) {
		for i := range n {
			add(script{name: fmt.Sprintf("%s-steady-%02d", provider, i), provider: provider, want: [3]string{works, works, works}, requests: [3]int{requests, requests, requests}})
		}
	}
	steady("acme", 10, 2)
	steady("bravo", 4, 2)
	steady("delta", 4, 2)
	steady("echo", 4, 2)
	steady("fox", 6, 1)

	refused := says(401, `{"error":"invalid_client"}`)
	add(script{name: "revoked", provider: "acme", faults: [3]fault{nil, refused, refused},
		want:     [3]string{works, "rejected credential_rejected by documented_error", "rejected credential_rejected by documented_error"},
		requests: [3]int{2, 1, 1}})
	add(script{name: "revoked-undocumented", provider: "bravo", faults: [3]fault{nil, refused, refused},
		want:     [3]string{works, "rejected credential_rejected suspected by first_look", "rejected credential_rejected by second_look"},
		requests: [3]int{2, 1, 1}})
	add(script{name: "a-moment", provider: "bravo", faults: [3]fault{refused, nil, nil},
		want:     [3]string{"rejected credential_rejected suspected by first_look", works, works},
		requests: [3]int{1, 2, 2}})
	add(script{name: "recovers", provider: "acme", faults: [3]fault{refused, nil, nil},
		want:     [3]string{"rejected credential_rejected by documented_error", works, works},
		requests: [3]int{1, 2, 2}})
	add(script{name: "flaps", provider: "delta", faults: [3]fault{refused, nil, refused},
		want:     [3]string{"rejected credential_rejected by second_look", works, "rejected credential_rejected by second_look"},
		requests: [3]int{1, 2, 1}})
	add(script{name: "patient", provider: "echo", faults: [3]fault{refused, refused, refused},
		want:     [3]string{"rejected credential_rejected suspected by first_look", "rejected credential_rejected suspected by first_look", "rejected credential_rejected by second_look"},
		requests: [3]int{1, 1, 1}})
	add(script{name: "silent-between", provider: "bravo", faults: [3]fault{refused, says(503, ""), refused},
		want:     [3]string{"rejected credential_rejected suspected by first_look", "inconclusive provider_down by says_nothing", "rejected credential_rejected by second_look"},
		requests: [3]int{1, 1, 1}})
	add(script{name: "locked", provider: "echo", faults: [3]fault{says(400, `{"error":"account_locked"}`), nil, nil},
		want: [3]string{"rejected locked_out by documented_error", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "expired", provider: "acme", change: func(c *credentials.Credential, v providers.Credentials) {
		c.Expires, _ = credentials.ParseDate("2026-01-31")
		wrong(c, v)
	}, want: same("rejected expired by documented_error"), requests: [3]int{1, 1, 1}})
	add(script{name: "wrong-key", provider: "fox", change: wrong, want: same("rejected credential_rejected by documented_error"), requests: [3]int{1, 1, 1}})
	add(script{name: "scopes", provider: "acme", change: requires("read", "write"), want: same(works), requests: [3]int{2, 2, 2}})
	add(script{name: "scopes-shrink", provider: "delta", change: func(c *credentials.Credential, _ providers.Credentials) {
		c.Scopes, c.Scenarios = []string{"read", "write"}, "@proof"
	}, faults: [3]fault{nil, first(1, fewer), first(1, fewer)}, want: [3]string{works, "rejected scope_missing by scopes", "rejected scope_missing by scopes"}, requests: [3]int{2, 2, 2}})
	add(script{name: "scope-refused", provider: "bravo", change: requires("admin"),
		want: same("rejected scope_missing by scopes"), requests: [3]int{1, 1, 1}})
	add(script{name: "proof", provider: "delta", change: func(c *credentials.Credential, _ providers.Credentials) { c.Scenarios = "@proof" },
		want: same("passed by proof"), requests: [3]int{1, 1, 1}})

	add(script{name: "down", provider: "acme", faults: [3]fault{says(500, ""), nil, says(502, "")},
		want: [3]string{"inconclusive provider_down by says_nothing", works, "inconclusive provider_down by says_nothing"}, requests: [3]int{1, 2, 1}})
	add(script{name: "slow", provider: "fox", faults: [3]fault{hang, nil, nil}, want: [3]string{"inconclusive timeout by no_answer", works, works}, requests: [3]int{1, 1, 1}})
	add(script{name: "dripping", provider: "fox", faults: [3]fault{drip, nil, nil}, want: [3]string{"inconclusive timeout by no_answer", works, works}, requests: [3]int{1, 1, 1}})
	add(script{name: "broken-line", provider: "echo", faults: [3]fault{hangUp, nil, nil}, want: [3]string{"inconclusive network_tcp by no_answer", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "broken-once", provider: "fox", faults: [3]fault{first(1, hangUp), nil, nil}, want: same(works), requests: [3]int{2, 1, 1}})
	add(script{name: "limited", provider: "bravo", faults: [3]fault{says(429, `{}`), nil, nil}, want: [3]string{"inconclusive rate_limited by says_nothing", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "limited-for-a-second", provider: "delta", faults: [3]fault{on("token", first(1, says(429, `{}`, "Retry-After", "1"))), nil, nil},
		want: same(works), requests: [3]int{3, 2, 2}})
	add(script{name: "login-page", provider: "echo", faults: [3]fault{says(200, "<html>", "Content-Type", "text/html"), nil, nil},
		want: [3]string{"inconclusive not_an_api_answer by says_nothing", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "redirected", provider: "acme", faults: [3]fault{says(302, "", "Location", "https://example.com"), nil, nil},
		want: [3]string{"inconclusive redirected by says_nothing", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "strange-no", provider: "acme", faults: [3]fault{says(400, `{"error":"computer_says_no"}`), nil, nil},
		want: [3]string{"inconclusive not_proven by says_nothing", works, works}, requests: [3]int{1, 2, 2}})
	add(script{name: "token-refused-later", provider: "bravo", faults: [3]fault{on("me", says(401, `{"error":"invalid_token"}`)), nil, nil},
		want: [3]string{"rejected credential_rejected suspected by first_look", works, works}, requests: [3]int{2, 2, 2}})
	add(script{name: "drifts", provider: "acme", faults: [3]fault{on("me", says(200, `{"identity":1}`)), nil, nil}, want: same(works), requests: [3]int{2, 2, 2}})
	add(script{name: "no-value", provider: "acme", want: same("invalid no_credential by values"), requests: [3]int{0, 0, 0},
		change: func(_ *credentials.Credential, v providers.Credentials) { delete(v, "client_secret") }})
	// An outage of cargo: the last five of the sixty.
	for i := range 5 {
		add(script{name: fmt.Sprintf("cargo-%d", i), provider: "cargo", faults: [3]fault{nil, down, nil}, want: [3]string{works, "inconclusive provider_down by says_nothing", works}, requests: [3]int{2, 1, 2}})
	}
	return list
}

func same(want string) [3]string { return [3]string{want, want, want} }

var down = says(503, "")

func hang(_ http.ResponseWriter, r *http.Request, _ string) bool { <-r.Context().Done(); return true }

func drip(w http.ResponseWriter, r *http.Request, _ string) bool {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

var fewer = says(200, `{"access_token":"granted-less-than-asked","token_type":"Bearer","expires_in":600,"scope":"read"}`)

func TestThreeNightsOfSixtyCredentials(t *testing.T) {
	scripts := theNights()
	if len(scripts) != 60 {
		t.Fatalf("%d credentials are scripted, want 60", len(scripts))
	}
	w := newWorld(t)
	w.opts.Timeout, w.opts.Share = 3*time.Second, 1
	for _, s := range scripts {
		change := s.change
		if change == nil {
			change = func(*credentials.Credential, providers.Credentials) {}
		}
		w.add(s.provider, s.name, change)
		if s.name == "no-value" {
			w.values[s.name] = nil
		}
	}
	var since [3]map[string]time.Time
	var changes [3]map[string]Change
	for night := range 3 {
		before := w.counts()
		for _, s := range scripts {
			w.fault(s.name, s.faults[night])
		}
		run := w.night()
		since[night], changes[night] = map[string]time.Time{}, map[string]Change{}
		expected := 0
		for _, s := range scripts {
			if got := outcome(run, s.name); got != s.want[night] {
				t.Errorf("night %d: %s: got %s, want %s\n%s", night+1, s.name, got, s.want[night], run.named(s.name).Message)
			}
			if c := run.named(s.name); c.Requests != s.requests[night] {
				t.Errorf("night %d: %s: %d requests, want %d", night+1, s.name, c.Requests, s.requests[night])
			}
			expected += s.requests[night]
			since[night][s.name] = run.named(s.name).Since
			changes[night][s.name] = run.named(s.name).Changed()
		}
		if got := w.counts() - before; got != expected {
			t.Errorf("night %d: the servers counted %d requests, want %d", night+1, got, expected)
		}
		if len(run.Credentials) != 60 {
			t.Errorf("night %d: %d results", night+1, len(run.Credentials))
		}
		if night == 1 {
			for _, p := range run.Places {
				if (p.Provider == "cargo") != (p.State == Unreachable) {
					t.Errorf("night 2: %s is %s", p.Provider, p.State)
				}
			}
		}
		if drifted := run.Drifted(); drifted != map[int]int{0: 1}[night] {
			t.Errorf("night %d: %d drifted", night+1, drifted)
		}
	}
	for name, want := range map[string][3]Change{
		"revoked": {Unchanged, Broke, Unchanged}, "revoked-undocumented": {Unchanged, Unchanged, Broke}, "a-moment": {}, "recovers": {Broke, Recovered, Unchanged},
		"flaps": {Broke, Recovered, Broke}, "patient": {Unchanged, Unchanged, Broke}, "silent-between": {Unchanged, Unchanged, Broke}, "locked": {Broke, Recovered, Unchanged},
		"acme-steady-00": {}, "cargo-0": {}, "scopes-shrink": {Unchanged, Broke, Unchanged},
	} {
		if got := [3]Change{changes[0][name], changes[1][name], changes[2][name]}; got != want {
			t.Errorf("%s: changes %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string][2]bool{ // since is kept: from night 1 to 2, from 2 to 3
		"acme-steady-00": {true, true}, "revoked": {false, true}, "flaps": {false, false}, "silent-between": {false, false}, "cargo-0": {false, false},
	} {
		if got := [2]bool{since[0][name].Equal(since[1][name]), since[1][name].Equal(since[2][name])}; got != want {
			t.Errorf("%s: since kept %v, want %v", name, got, want)
		}
	}
	if a, b := since[0]["silent-between"], since[2]["silent-between"]; !a.Equal(b) {
		t.Errorf("a silence interrupted a refusal: since %s, then %s", a, b)
	}
	if a, b := since[0]["cargo-0"], since[2]["cargo-0"]; !a.Equal(b) {
		t.Errorf("an outage interrupted what works: since %s, then %s", a, b)
	}
	if s := w.states["flaps"]; s.Recent != "rpr" || s.Flapping {
		t.Errorf("flaps: %+v", s)
	}
	w.fault("flaps", nil)
	if run := w.night(); !run.named("flaps").State.Flapping || run.named("revoked").State.Flapping {
		t.Errorf("the fourth night: flaps %+v", run.named("flaps").State)
	}
	for _, s := range w.servers {
		for name, n := range s.bad {
			if n > 4 { // one a night
				t.Errorf("%s: %d bad attempts", name, n)
			}
		}
	}
}

// counts is how many requests all servers have seen.
func (w *world) counts() int {
	n := 0
	for _, s := range w.servers {
		s.mu.Lock()
		for key, count := range s.requests {
			if !strings.Contains(key, " ") {
				n += count
			}
		}
		s.mu.Unlock()
	}
	return n
}

func TestEveryNightKeepsItsSecrets(t *testing.T) {
	w := newWorld(t)
	w.add("acme", "good", requires("read", "write"))
	w.add("acme", "echoed", wrong)
	w.add("fox", "key", wrong)
	for _, name := range []string{"echoed", "key"} {
		w.fault(name, func(rw http.ResponseWriter, r *http.Request, _ string) bool {
			body, _ := io.ReadAll(r.Body)
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
			rw.WriteHeader(401)
			fmt.Fprintf(rw, `{"error":%q,"key":%q}`, string(body), r.Header.Get("X-Api-Key"))
			return true
		})
	}
	run := w.night()
	if run.Count(check.Rejected) != 2 {
		t.Fatalf("%d rejected", run.Count(check.Rejected))
	}
	text := fmt.Sprintf("%+v %+v", run, run.named("echoed").Evidence) + fmt.Sprintf("%+v", run.named("key").Evidence)
	for _, values := range w.values {
		for field, value := range values {
			if !credentials.Identifies(field) && strings.Contains(text, value) {
				t.Errorf("the run shows %s", value)
			}
		}
	}
	if name, found := w.opts.Redactor.Leak([]byte("wrong-secret-of-echoed")); !found {
		t.Errorf("the redactor does not know the secret %s", name)
	}
}
