package health

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/providers"
)

// fly runs a test in which time flies: hours of waiting take no time.
func fly(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newQuietWorld(t)) })
}

// crowd adds n credentials of a provider.
func (w *world) crowd(provider string, n int) {
	for i := range n {
		w.add(provider, fmt.Sprintf("%s-%02d", provider, i))
	}
}

func TestATokenIsRequestedOnce(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.add("acme", "plain")
		w.add("acme", "required", requires("read"))
		w.add("acme", "other", requires("read", "write"))
		run := w.night()
		for _, name := range []string{"plain", "required", "other"} {
			if n := w.servers["acme"].count(name + " token"); n != 1 {
				t.Errorf("%s: %d token requests, want 1: %s", name, n, outcome(run, name))
			}
		}
		if c := run.named("plain"); c.TokenLifetime.Round(time.Minute) != time.Hour || c.TokenRequests != 1 || c.Requests != 2 {
			t.Errorf("got %+v", c)
		}
	})
}

func TestLimitsAreKept(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		// 40 token requests an hour; a check takes half of them.
		w.crowd("cargo", 50)
		w.opts.Deadline = 90 * time.Minute
		var planned []Place
		w.opts.Planned = func(p []Place) { planned = p }
		start := time.Now()
		run := w.night()
		if got := planned[0].Planned; got.Now != 20 || got.Later != 20 || got.Deferred != 10 || got.Requests["token"] != 50 || got.LaterTill.Sub(start).Round(time.Minute) != time.Hour {
			t.Errorf("planned %+v", got)
		}
		if p, s := run.Count(check.Passed), run.Count(check.Skipped); p != 40 || s != 10 {
			t.Errorf("%d passed and %d deferred, want 40 and 10", p, s)
		}
		s := w.servers["cargo"]
		busiestHour(t, s.times["token"], time.Hour, 20)
		if n := len(s.times["token"]); n != 40 {
			t.Errorf("%d token requests, want 40", n)
		}
		for i := range run.Credentials {
			if c := &run.Credentials[i]; c.Verdict == check.Skipped && (c.Cause != check.Deferred || c.Rule != ByBudget || !strings.Contains(c.Message, "limits of Cargo")) {
				t.Errorf("got %s %s: %s", c.Cause, c.Rule, c.Message)
			}
		}
	})
}

// busiestHour fails when more than most requests fall into any span.
func busiestHour(t *testing.T, times []time.Time, span time.Duration, most int) {
	t.Helper()
	for i := range times {
		n := 0
		for j := i; j < len(times) && times[j].Sub(times[i]) < span; j++ {
			n++
		}
		if n > most {
			t.Errorf("%d requests within %s of %s, want at most %d", n, span, times[i], most)
			return
		}
	}
}

func TestLimitsAreKeptFromRunToRunAndTheDeferredComeFirst(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("cargo", 30)
		w.opts.Deadline = 10 * time.Minute
		var mu sync.Mutex
		sent := map[string][]time.Time{}
		w.opts.Spent = func(place, call string, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			sent[place+call] = append(sent[place+call], at)
		}
		w.opts.Sent = func(place, call string) []time.Time { return sent[place+call] }
		first := w.night()
		if n := first.Count(check.Skipped); n != 10 {
			t.Errorf("%d deferred, want 10", n)
		}
		time.Sleep(30 * time.Minute)
		if second := w.night(); second.Count(check.Skipped) != 30 {
			t.Errorf("the hour is not over, and %d were not deferred", 30-second.Count(check.Skipped))
		}
		time.Sleep(31 * time.Minute)
		third := w.night()
		for i := range first.Credentials {
			if c := &first.Credentials[i]; c.Verdict == check.Skipped && third.named(c.Name).Verdict != check.Passed {
				t.Errorf("%s was deferred first, and then again", c.Name)
			}
		}
		busiestHour(t, w.servers["cargo"].times["token"], time.Hour, 20)
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "600" },
		"a date":  func() string { return time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			fly(t, func(t *testing.T, w *world) {
				w.crowd("acme", 6)
				start := time.Now()
				w.servers["acme"].all = on("me", first(1, func(rw http.ResponseWriter, _ *http.Request, _ string) bool {
					rw.Header().Set("Retry-After", header())
					rw.WriteHeader(429)
					return true
				}))
				run := w.night()
				if run.Count(check.Passed) != 6 {
					t.Errorf("%d passed", run.Count(check.Passed))
				}
				times := w.servers["acme"].times
				if n := len(times["token"]); n != 6 {
					t.Errorf("%d token requests for 6 credentials", n)
				}
				between := 0
				for _, at := range append(times["token"], times["me"]...) {
					if d := at.Sub(start); d > time.Second && d < 10*time.Minute-time.Second {
						between++
					}
				}
				if between > 0 {
					t.Errorf("%d requests before the time was over", between)
				}
			})
		})
	}
}

func TestRetryAfterTheDeadlineIsNotWaitedFor(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 4)
		w.opts.PerPlace = 1
		w.servers["acme"].all = says(429, "", "Retry-After", "86400")
		start := time.Now()
		run := w.night()
		if time.Since(start) > time.Minute {
			t.Errorf("waited %s", time.Since(start))
		}
		if n := w.servers["acme"].count("token"); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if run.Count(check.Inconclusive) != 1 || run.Count(check.Skipped) != 3 {
			t.Errorf("%d inconclusive, %d skipped", run.Count(check.Inconclusive), run.Count(check.Skipped))
		}
	})
}

func TestATokenRequestThatWasRateLimitedComesAgainThreeTimesAtMost(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.add("acme", "it")
		w.servers["acme"].all = says(429, "", "Retry-After", "0")
		run := w.night()
		if n := w.servers["acme"].count("token"); n != mostAttempts || outcome(run, "it") != "inconclusive rate_limited by says_nothing" {
			t.Errorf("%d requests, %s", n, outcome(run, "it"))
		}
	})
}

func TestABreakerSparesAProviderThatFails(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 40)
		w.crowd("bravo", 3)
		w.opts.Cooldown = 30 * time.Second
		w.servers["acme"].all = says(503, "")
		run := w.night()
		if n := w.servers["acme"].count("token"); n != 6 { // five, and one after the cooldown
			t.Errorf("%d requests, want 6", n)
		}
		if run.Count(check.Inconclusive) != 6 || run.Count(check.Skipped) != 34 || run.Count(check.Passed) != 3 {
			t.Errorf("%d inconclusive, %d skipped, %d passed", run.Count(check.Inconclusive), run.Count(check.Skipped), run.Count(check.Passed))
		}
		for _, p := range run.Places {
			if p.Provider == "acme" && (p.State != Unreachable || p.Cause != check.ProviderDown || p.Unknown != 40) {
				t.Errorf("got %+v", p)
			}
			if p.Provider == "bravo" && p.State != Working {
				t.Errorf("got %+v", p)
			}
		}
		if run.ExitCode() != check.ExitInconclusive {
			t.Errorf("exit code %d", run.ExitCode())
		}
	})
}

func TestABreakerClosesWhenTheProviderIsBack(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 40)
		w.opts.Cooldown = 30 * time.Second
		w.servers["acme"].all = first(5, says(500, ""))
		run := w.night()
		if run.Count(check.Inconclusive) != 5 || run.Count(check.Passed) != 35 {
			t.Errorf("%d inconclusive, %d passed", run.Count(check.Inconclusive), run.Count(check.Passed))
		}
	})
}

func TestRefusalsOpenNoBreaker(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		for i := range 12 {
			w.add("acme", fmt.Sprintf("bad-%02d", i), wrong)
		}
		w.add("acme", "good")
		run := w.night()
		if run.Count(check.Rejected) != 12 || run.Count(check.Passed) != 1 {
			t.Errorf("%d rejected, %d passed", run.Count(check.Rejected), run.Count(check.Passed))
		}
		if n := w.servers["acme"].count("token"); n != 13 {
			t.Errorf("%d token requests, want 13", n)
		}
	})
}

func TestAFaultNowAndThenOpensNoBreaker(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 30)
		w.opts.PerPlace = 1
		n := 0
		w.servers["acme"].all = on("token", func(rw http.ResponseWriter, _ *http.Request, _ string) bool {
			n++
			if n%3 == 0 {
				rw.WriteHeader(502)
			}
			return n%3 == 0
		})
		run := w.night()
		if run.Count(check.Skipped) != 0 || run.Count(check.Inconclusive) != 10 {
			t.Errorf("%d skipped, %d inconclusive", run.Count(check.Skipped), run.Count(check.Inconclusive))
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		slow := func(http.ResponseWriter, *http.Request, string) bool { time.Sleep(time.Second); return false }
		for _, id := range []string{"acme", "bravo", "delta"} {
			w.crowd(id, 10)
			w.servers[id].all = slow
		}
		w.opts.Overall = 4
		start := time.Now()
		run := w.night()
		if run.Count(check.Passed) != 30 {
			t.Errorf("%d passed", run.Count(check.Passed))
		}
		for id, s := range w.servers {
			if s.busiest > 2 {
				t.Errorf("%s: %d requests at a time", id, s.busiest)
			}
		}
		if took := time.Since(start); took < 15*time.Second || took > 25*time.Second { // 60 requests, 4 at a time
			t.Errorf("took %s", took)
		}
	})
}

func TestPausesComeFromTheSeed(t *testing.T) {
	spread := func(seed uint64) (out string) {
		fly(t, func(_ *testing.T, w *world) {
			w.crowd("acme", 8)
			w.opts.PerPlace, w.opts.Jitter, w.opts.Seed = 1, time.Minute, seed
			start := time.Now()
			w.night()
			for _, at := range w.servers["acme"].times["token"] {
				out += at.Sub(start).String() + " "
			}
		})
		return out
	}
	a, b, c := spread(1), spread(1), spread(2)
	if a != b {
		t.Errorf("one seed, two orders:\n%s\n%s", a, b)
	}
	if a == c {
		t.Error("two seeds, one order")
	}
}

func TestTheDeadlineBeginsNothingMore(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 10)
		w.servers["acme"].all = func(http.ResponseWriter, *http.Request, string) bool { time.Sleep(10 * time.Second); return false }
		w.opts.Deadline, w.opts.PerPlace = 45*time.Second, 1
		run := w.night()
		if run.Count(check.Passed) != 3 || run.Count(check.Skipped) != 7 {
			t.Errorf("%d passed, %d skipped", run.Count(check.Passed), run.Count(check.Skipped))
		}
	})
}

// Nothing is worse than a monitor that locks the account it watches.
func TestAnAccountThatLocksAfterThreeBadAttemptsSurvivesTwoNights(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		for _, tags := range []string{"@health", "@health or @files or @proof"} {
			for _, scopes := range [][]string{nil, {"read", "write"}} {
				name := fmt.Sprintf("%s %v", tags, scopes)
				w.add("bravo", name, wrong, func(c *credentials.Credential, _ providers.Credentials) { c.Scenarios, c.Scopes = tags, scopes })
			}
		}
		w.night()
		w.night()
		for _, c := range w.credentials {
			if n := w.servers["bravo"].bad[c.Name]; n != 2 {
				t.Errorf("%s: %d bad attempts in two nights, want 2", c.Name, n)
			}
		}
	})
}

func TestControlsTellWhoseFaultItIs(t *testing.T) {
	good := func(c *credentials.Credential, _ providers.Credentials) { c.Control = credentials.KnownGood }
	bad := func(c *credentials.Credential, v providers.Credentials) {
		c.Control = credentials.KnownBad
		wrong(c, v)
	}
	for name, c := range map[string]struct {
		fault fault
		want  map[string]string
		place PlaceState
	}{
		"all is well": {nil, map[string]string{"good": "passed by accepted", "bad": "passed by control", "works": "passed by accepted", "broken": "rejected credential_rejected by as_known_bad"}, Working},
		"the provider refuses everyone": {says(401, `{"error":"invalid_client"}`), map[string]string{
			"good": "inconclusive control_failed by control", "bad": "passed by control", "works": "inconclusive control_failed by control", "broken": "inconclusive control_failed by control"}, Unreliable},
		"the provider accepts everyone": {acceptsAll, map[string]string{
			"good": "passed by accepted", "bad": "inconclusive control_failed by control", "works": "inconclusive control_failed by control", "broken": "inconclusive control_failed by control"}, Unreliable},
		"the provider is down": {says(500, ""), map[string]string{
			"good": "inconclusive provider_down by says_nothing", "bad": "inconclusive provider_down by says_nothing", "works": "inconclusive provider_down by says_nothing", "broken": "inconclusive provider_down by says_nothing"}, Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			fly(t, func(t *testing.T, w *world) {
				w.add("bravo", "works")
				w.add("bravo", "broken", wrong)
				w.add("bravo", "bad", bad)
				w.add("bravo", "good", good)
				w.servers["bravo"].all = c.fault
				run := w.night()
				for name, want := range c.want {
					if got := outcome(run, name); got != want {
						t.Errorf("%s: got %s, want %s (%s)", name, got, want, run.named(name).Message)
					}
				}
				if run.Places[0].State != c.place {
					t.Errorf("place %s, want %s", run.Places[0].State, c.place)
				}
			})
		})
	}
}

func acceptsAll(w http.ResponseWriter, r *http.Request, call string) bool {
	if call == "token" {
		return says(200, `{"access_token":"aaaaaaaaaaaaaaaaaaaa","token_type":"Bearer","expires_in":60,"scope":"read"}`)(w, r, call)
	}
	return says(200, `{"id":1}`)(w, r, call)
}

func TestARefusalOfAllAtOnceIsOnlySuspected(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 5)
		w.night()
		w.servers["acme"].all = says(401, `{"error":"invalid_client"}`) // as documented, so certain
		run := w.night()
		if run.Count(check.Rejected) != 5 {
			t.Fatalf("%d rejected", run.Count(check.Rejected))
		}
		for i := range run.Credentials {
			if c := &run.Credentials[i]; c.Confirmed || c.Changed() != Unchanged {
				t.Errorf("%s: %s", c.Name, outcome(run, c.Name))
			}
		}
		if run.Places[0].State != RefusesAll {
			t.Errorf("place %+v", run.Places[0])
		}
		run = w.night()
		if got := outcome(run, "acme-00"); got != "rejected credential_rejected by documented_error" {
			t.Errorf("the next night: %s", got)
		}
	})
}

func TestAnInterruptedRunKeepsWhatHasFinished(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.crowd("acme", 10)
		w.servers["acme"].all = func(http.ResponseWriter, *http.Request, string) bool { time.Sleep(time.Second); return false }
		w.opts.PerPlace = 1
		ctx, cancel := context.WithTimeout(context.Background(), 6500*time.Millisecond)
		defer cancel()
		opts := w.opts
		opts.Credentials = w.credentials
		opts.Values = func(_ context.Context, c *credentials.Credential) (providers.Credentials, []string, error) {
			return w.values[c.Name], nil, nil
		}
		kept := 0
		opts.Done = func(*Credential) error { kept++; return nil }
		run, err := Check(ctx, opts)
		if err != nil || !run.Interrupted || len(run.Credentials) != 3 || kept != 3 || run.Count(check.Passed) != 3 || run.ExitCode() != check.ExitInterrupted {
			t.Errorf("%v, interrupted %v, %d finished, %d kept, exit code %d", err, run.Interrupted, len(run.Credentials), kept, run.ExitCode())
		}
	})
}

// What one credential reserved and did not send is another's to send.
func TestRequestsThatWereNotSentAreGivenBack(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.opts.Share = 0.01 // one token request an hour
		w.opts.Deadline = 10 * time.Minute
		for _, name := range []string{"locked-away", "at-hand"} {
			w.add("cargo", name, func(c *credentials.Credential, _ providers.Credentials) {
				for field := range c.Values {
					c.Values[field] = credentials.Reference{Source: credentials.Exec, Target: "somewhere"}
				}
			})
		}
		w.values["locked-away"] = nil
		w.opts.Seed = 3 // which of them comes first
		for range 4 {
			w.opts.Seed++
			w.servers["cargo"].requests = map[string]int{}
			run := w.night()
			if got := outcome(run, "at-hand"); got != "passed by accepted" {
				t.Errorf("seed %d: %s: %s", w.opts.Seed, got, run.named("at-hand").Message)
			}
			if got := outcome(run, "locked-away"); got != "invalid no_credential by values" && got != "skipped deferred by budget" {
				t.Errorf("seed %d: %s", w.opts.Seed, got)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}

func TestADefectEndsOneCredentialOnly(t *testing.T) {
	fly(t, func(t *testing.T, w *world) {
		w.add("acme", "unlucky", func(c *credentials.Credential, _ providers.Credentials) {
			for field := range c.Values {
				c.Values[field] = credentials.Reference{Source: credentials.Exec, Target: "somewhere"}
			}
		})
		w.add("acme", "lucky")
		opts := w.opts
		opts.Credentials = w.credentials
		opts.Values = func(_ context.Context, c *credentials.Credential) (providers.Credentials, []string, error) {
			if c.Name == "unlucky" {
				panic("what nobody thought of")
			}
			return w.values[c.Name], nil, nil
		}
		run, err := Check(context.Background(), opts)
		if err != nil || outcome(run, "lucky") != "passed by accepted" || outcome(run, "unlucky") != "invalid internal_error by spec" || run.ExitCode() != check.ExitInternal {
			t.Errorf("%v: %s, %s", err, outcome(run, "lucky"), outcome(run, "unlucky"))
		}
	})
}

// A page for people from a provider is an outage, and an answer without a token
// is the provider's matter, not that of each credential.
func TestAnswersThatSayNothingAreThePlaces(t *testing.T) {
	for name, c := range map[string]struct {
		answer   fault
		requests int
		state    PlaceState
		cause    check.Cause
		drifted  int
	}{
		"a login page":    {says(200, "<html>", "Content-Type", "text/html"), 5, Unreachable, check.NotAnAPIAnswer, 0},
		"a redirect":      {says(302, "", "Location", "https://example.com"), 5, Unreachable, check.Redirected, 0},
		"a renamed token": {on("token", says(200, `{"token":"abc","token_type":"Bearer"}`)), 10, Unclear, check.NotProven, 10},
		"a strange no":    {says(400, `{"error":"computer_says_no"}`), 10, Unclear, check.NotProven, 0},
	} {
		t.Run(name, func(t *testing.T) {
			fly(t, func(t *testing.T, w *world) {
				w.crowd("acme", 10)
				w.servers["acme"].all = c.answer
				run := w.night()
				p := run.Places[0]
				if p.State != c.state || p.Cause != c.cause || p.Message == "" || w.counts() != c.requests || run.Drifted() != c.drifted {
					t.Errorf("%+v, %d requests, %d drifted", p, w.counts(), run.Drifted())
				}
			})
		})
	}
}
