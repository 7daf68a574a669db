package steps_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

// scenarios writes n scenarios, of the given lines in turn.
func scenarios(n int, lines ...string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Scenario: %d\n%s\n", i+1, lines[i%len(lines)])
	}
	return b.String()
}

// tally counts the outcomes of a run.
func tally(run *check.Run) map[string]int {
	count := map[string]int{}
	for i := range run.Results {
		count[outcome(&run.Results[i])]++
	}
	return count
}

// A counter counts the requests that go through it, by path.
type counter struct {
	next    http.RoundTripper
	mu      sync.Mutex
	byPath  map[string]int
	now     int
	busiest int // requests at the same time
}

func counting(next http.RoundTripper) *counter { return &counter{next: next, byPath: map[string]int{}} }

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.byPath[req.URL.Path]++
	c.now++
	c.busiest = max(c.busiest, c.now)
	c.mu.Unlock()
	time.Sleep(2 * time.Millisecond) // long enough for others to come
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	return c.next.RoundTrip(req)
}

const (
	aValidToken = `
		Given a valid access token
		When I call "me"
		Then the response status is 200`
	noCredentials = `
		Given no credentials
		When I request an access token
		Then the response status is 401`
)

// A credential that is refused could be locked: it is tried once, however many
// scenarios start at the same time and whatever they ask for.
func TestRefusedCredentialIsTriedOnce(t *testing.T) {
	for name, lines := range map[string][]string{
		"tokens":           {getToken},
		"calls":            {callMe},
		"pinned tokens":    {aValidToken},
		"refused scopes":   {unknownScope},
		"refused grants":   {wrongGrant},
		"facts of request": {requestFact},
		"all of them":      {unknownScope, wrongGrant, callMe, requestFact, getToken, aValidToken},
	} {
		t.Run(name, func(t *testing.T) {
			refusing := counting(roundTripper(func(*http.Request) (*http.Response, error) {
				return answer(401, `{"error": "invalid_client"}`), nil
			}))
			run := runFeature(t, scenarios(16, lines...), runner.Options{Live: liveAt(refusing), Concurrency: 16})
			want := map[string]int{"rejected: credential_rejected": 1, "skipped: breaker_open": 15}
			if diff := cmp.Diff(want, tally(run)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(map[string]int{"/token": 1}, refusing.byPath); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
			if run.ExitCode() != check.ExitBroken {
				t.Errorf("exit code %d, want %d", run.ExitCode(), check.ExitBroken)
			}
		})
	}
}

// The token works, the calls are refused.
func TestRefusedTokenIsTriedOnce(t *testing.T) {
	real := realAcme(t).Transport()
	refusing := counting(roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/me" {
			return answer(401, `{"error": "invalid_token"}`), nil
		}
		return real.RoundTrip(req)
	}))
	run := runFeature(t, scenarios(16, callMe), runner.Options{Live: liveAt(refusing)})
	want := map[string]int{"rejected: credential_rejected": 1, "skipped: breaker_open": 15}
	if diff := cmp.Diff(want, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"/token": 1, "/me": 1}, refusing.byPath); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

// A credential that stops to work in the middle of a run is left alone too.
func TestCredentialRefusedLater(t *testing.T) {
	real := realAcme(t).Transport()
	var requests atomic.Int32
	changing := roundTripper(func(req *http.Request) (*http.Response, error) {
		if requests.Add(1) > 3 {
			return answer(401, `{"error": "invalid_client"}`), nil
		}
		return real.RoundTrip(req)
	})
	run := runFeature(t, scenarios(8, getToken), runner.Options{Live: liveAt(changing)})
	want := map[string]int{"passed": 3, "rejected: credential_rejected": 1, "skipped: breaker_open": 4}
	if diff := cmp.Diff(want, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What says nothing about the credential does not open the breaker, but until
// it has worked once it is tried by one scenario at a time.
func TestUnprovenCredentialIsTriedOneAtATime(t *testing.T) {
	down := counting(roundTripper(func(*http.Request) (*http.Response, error) { return answer(503, `{}`), nil }))
	run := runFeature(t, scenarios(8, getToken), runner.Options{Live: liveAt(down), Concurrency: 8})
	if diff := cmp.Diff(map[string]int{"inconclusive: provider_down": 8}, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if down.busiest != 1 {
		t.Errorf("%d requests at the same time, want 1", down.busiest)
	}
}

// A provider that does not answer at all costs two waits, whatever the number of
// scenarios and whatever they ask for.
func TestDeadProviderIsAskedTwice(t *testing.T) {
	silences := map[string]struct {
		err  error
		want string
	}{
		"refused":   {&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, "inconclusive: network_tcp"},
		"no name":   {&net.DNSError{Err: "no such host", Name: "acme.example"}, "inconclusive: network_dns"},
		"bad TLS":   {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "inconclusive: network_tls"},
		"no answer": {context.DeadlineExceeded, "inconclusive: timeout"},
	}
	for name, silence := range silences {
		for lines, of := range map[string][]string{
			"credentials": {getToken, callMe, requestFact},
			"tokens":      {aValidToken},
			"no secrets":  {noCredentials, unknownToken},
			"all of them": {noCredentials, getToken, unknownToken, aValidToken},
		} {
			t.Run(name+"/"+lines, func(t *testing.T) {
				dead := counting(roundTripper(func(*http.Request) (*http.Response, error) { return nil, silence.err }))
				run := runFeature(t, scenarios(17, of...), runner.Options{Live: liveAt(dead)})
				if diff := cmp.Diff(map[string]int{silence.want: 2, "skipped: breaker_open": 15}, tally(run)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if n := dead.byPath["/token"] + dead.byPath["/me"]; n != 2 {
					t.Errorf("%d requests, want 2", n)
				}
				if run.ExitCode() != check.ExitInconclusive {
					t.Errorf("exit code %d, want %d", run.ExitCode(), check.ExitInconclusive)
				}
				if last := run.Results[16].Message; !strings.Contains(last, "2 requests in a row got no answer") || !strings.Contains(last, silence.err.Error()) {
					t.Errorf("the skip does not say why: %q", last)
				}
			})
		}
	}
}

// All who wait for their turn with the credential are let go.
func TestNobodyWaitsForADeadProvider(t *testing.T) {
	dead := counting(roundTripper(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }))
	run := runFeature(t, scenarios(17, getToken, callMe), runner.Options{Live: liveAt(dead), Concurrency: 16})
	if diff := cmp.Diff(map[string]int{"inconclusive: timeout": 2, "skipped: breaker_open": 15}, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Any answer says that somebody is there: also one that says nothing else.
func TestAnAnswerResetsTheBreaker(t *testing.T) {
	for name, answers := range map[string]func() (*http.Response, error){
		"503":       func() (*http.Response, error) { return answer(503, `{}`), nil },
		"too large": func() (*http.Response, error) { return answer(200, strings.Repeat("x", providers.MaxBody+1)), nil },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			flaky := counting(roundTripper(func(*http.Request) (*http.Response, error) {
				if requests.Add(1)%2 == 1 {
					return nil, context.DeadlineExceeded
				}
				return answers()
			}))
			run := runFeature(t, scenarios(8, getToken), runner.Options{Live: liveAt(flaky)})
			if n := flaky.byPath["/token"]; n != 8 || run.Count(check.Skipped) != 0 {
				t.Errorf("%d requests and %v, want all 8 to be tried", n, tally(run))
			}
		})
	}
}

// What a round tripper holds back was not sent: it says nothing about the
// provider.
func TestHeldRequestsAreNoSilence(t *testing.T) {
	holding := counting(roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, &check.Failure{Verdict: check.Skipped, Cause: check.Deferred, Message: "no request is left"}
	}))
	run := runFeature(t, scenarios(5, getToken), runner.Options{Live: liveAt(holding)})
	if diff := cmp.Diff(map[string]int{"skipped: deferred": 5}, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestProvenCredentialIsUsedConcurrently(t *testing.T) {
	real := counting(realAcme(t).Transport())
	run := runFeature(t, scenarios(16, getToken), runner.Options{Live: liveAt(real), Concurrency: 8})
	if diff := cmp.Diff(map[string]int{"passed": 16}, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if real.busiest < 2 {
		t.Error("requests went one at a time")
	}
}

// An open breaker keeps wrong secrets away from the account as well; what
// carries no credential may go on.
func TestOpenBreaker(t *testing.T) {
	refusing := counting(roundTripper(func(*http.Request) (*http.Response, error) {
		return answer(401, `{"error": "invalid_client"}`), nil
	}))
	live := liveAt(refusing)
	live.Intrusive = true
	run := runFeature(t, "Scenario: 1\n"+getToken+"\nScenario: 2\n"+wrongSecret+"\nScenario: 3\n"+noCredentials+"\n", runner.Options{Live: live})
	var got []string
	for i := range run.Results {
		got = append(got, outcome(&run.Results[i]))
	}
	if diff := cmp.Diff([]string{"rejected: credential_rejected", "skipped: breaker_open", "passed"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if refusing.byPath["/token"] != 2 {
		t.Errorf("%d requests, want 2", refusing.byPath["/token"])
	}
}

// What is not tried on a real provider sends nothing, and says why.
func TestLiveSkips(t *testing.T) {
	missing := errors.New("acme: no credentials: set ACME_CLIENT_ID and ACME_CLIENT_SECRET")
	for _, c := range []struct {
		name        string
		lines       string
		intrusive   bool
		credentials error
		want        string
		says        string
	}{
		{"a wrong secret", wrongSecret, false, nil, "skipped: intrusive", "a wrong client secret may lock the account; --intrusive tries it all the same"},
		{"an unknown client", strings.Replace(wrongSecret, "a wrong client secret", "an unknown client ID", 1), false, nil, "skipped: intrusive", "an unknown client ID may lock"},
		{"no secret", strings.Replace(wrongSecret, "a wrong client secret", "no client secret", 1), false, nil, "skipped: intrusive", "no client secret may lock"},
		{"a wrong secret, on demand", wrongSecret, true, nil, "passed", ""},
		{"an expired token", strings.Replace(aValidToken, "a valid", "an expired", 1), true, nil, "skipped: needs_clock", "clock"},
		{"a token that has since expired", "Given valid credentials\nAnd an access token that has since expired\nWhen I call \"me\"\nThen the response status is 200", true, nil, "skipped: needs_clock", "clock"},
		{"no credentials there", getToken, true, missing, "skipped: no_credential", "set ACME_CLIENT_ID and ACME_CLIENT_SECRET"},
		{"no credentials there to be wrong", wrongSecret, true, missing, "skipped: no_credential", "set ACME_CLIENT_ID"},
		{"no credentials wanted", noCredentials, false, nil, "passed", ""},
		{"an unknown token", unknownToken, false, nil, "passed", ""},
		{"a malformed token", strings.Replace(unknownToken, "an unknown", "a malformed", 1), false, nil, "passed", ""},
		{"no token", strings.Replace(unknownToken, "an unknown", "no", 1), false, nil, "passed", ""},
		// Nobody who has no account is to knock at the provider's door.
		{"no credentials wanted, none there", noCredentials, false, missing, "skipped: no_credential", "set ACME_CLIENT_ID"},
		{"an unknown token, no credentials there", unknownToken, false, missing, "skipped: no_credential", "set ACME_CLIENT_ID"},
		{"an expired token, no credentials there", strings.Replace(aValidToken, "a valid", "an expired", 1), true, missing, "skipped: no_credential", "set ACME_CLIENT_ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			real := counting(realAcme(t).Transport())
			live := liveAt(real)
			live.Intrusive = c.intrusive
			if c.credentials != nil {
				live.Credentials = func(*providers.Provider) (providers.Credentials, error) { return nil, c.credentials }
			}
			res := runScenario(t, c.lines, runner.Options{Live: live})
			if got := outcome(res); got != c.want {
				t.Errorf("got %s, want %s: %s", got, c.want, res.Message)
			}
			if !strings.Contains(res.Message, c.says) {
				t.Errorf("want %q to say %q", res.Message, c.says)
			}
			if res.Verdict == check.Skipped && len(real.byPath) > 0 {
				t.Errorf("requests were sent: %v", real.byPath)
			}
		})
	}
}

// A secret that could not be erased from the output is not sent; an ID is no
// secret.
func TestShortSecretsAreNotSent(t *testing.T) {
	for _, c := range []struct{ id, secret, want string }{
		{"live-acme-client", "abc", "invalid: bad_secret"},
		{"live-acme-client", " a \t ", "invalid: bad_secret"},
		{"abc", "live-acme-s3cr3t", "rejected: credential_rejected"},
		{"live-acme-client", "live-acme-s3cr3t", "passed"},
	} {
		real := counting(realAcme(t).Transport())
		live := liveAt(real)
		live.Credentials = func(*providers.Provider) (providers.Credentials, error) {
			return providers.Credentials{"client_id": c.id, "client_secret": c.secret}, nil
		}
		res := runScenario(t, getToken, runner.Options{Live: live})
		if got := outcome(res); got != c.want {
			t.Errorf("%q, %q: got %s, want %s: %s", c.id, c.secret, got, c.want, res.Message)
		}
		if res.Verdict == check.Invalid && (len(real.byPath) > 0 || !strings.Contains(res.Message, "ACME_CLIENT_SECRET") || strings.Contains(res.Message, c.secret)) {
			t.Errorf("%q: requests %v, message %q", c.secret, real.byPath, res.Message)
		}
	}
}

// Ankorstore allows 60 token requests an hour: scenarios that only call share
// one token, those that look at tokens request their own.
func TestLiveScenariosShareAToken(t *testing.T) {
	const counts = `
		Given valid credentials
		When I call "me" 3 times
		Then 1 access token was requested`
	for _, c := range []struct {
		name  string
		lines []string
		want  map[string]int
	}{
		{"calls", []string{callMe}, map[string]int{"/token": 1, "/me": 20}},
		{"calls with a pinned token", []string{aValidToken}, map[string]int{"/token": 1, "/me": 20}},
		{"both", []string{aValidToken, callMe}, map[string]int{"/token": 1, "/me": 20}},
		{"scenarios that count", []string{counts}, map[string]int{"/token": 20, "/me": 60}},
		{"scenarios that request", []string{getToken}, map[string]int{"/token": 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			real := counting(realAcme(t).Transport())
			run := runFeature(t, scenarios(20, c.lines...), runner.Options{Live: liveAt(real), Concurrency: 8})
			if diff := cmp.Diff(map[string]int{"passed": 20}, tally(run)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.want, real.byPath); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
		})
	}
}

// On simulators each scenario has a provider and a token of its own.
func TestSimulatedScenariosShareNothing(t *testing.T) {
	var seen *counter
	var mu sync.Mutex
	opts := runner.Options{Concurrency: 8, Wrap: func(next http.RoundTripper) http.RoundTripper {
		mu.Lock()
		defer mu.Unlock()
		if seen == nil {
			seen = counting(nil)
		}
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			seen.byPath[req.URL.Path]++
			mu.Unlock()
			return next.RoundTrip(req)
		})
	}}
	run := runFeature(t, scenarios(20, callMe), opts)
	if diff := cmp.Diff(map[string]int{"passed": 20}, tally(run)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"/token": 20, "/me": 20}, seen.byPath); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

// The answer that nobody documented is skipped where the provider file says
// so; where it does not, a fixture is missing, and that must not turn green.
func TestSimulatedSituationsWithoutFixture(t *testing.T) {
	for _, c := range []struct{ name, lines, want, says string }{
		{"not listed", wrongGrant, "invalid: missing_fixture", "acme: no fixture for token/unsupported_grant_type"},
		{"listed", "Given valid credentials\nWhen I request an access token without \"grant_type\"\nThen the response status is 400", "skipped: undocumented", "Acme does not document token/invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := runScenario(t, c.lines, runner.Options{})
			if got := outcome(res); got != c.want || res.Message != c.says {
				t.Errorf("got %s, %q, want %s, %q", got, res.Message, c.want, c.says)
			}
		})
	}
}
