package mock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// run runs the built-in features in this process or, with a server, live
// against it.
func run(t *testing.T, s *running, sel runner.Selection, opts runner.Options) *check.Run {
	t.Helper()
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, sel)
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		carrier, err := transport.NewLive(s.CA())
		if err != nil {
			t.Fatal(err)
		}
		defer carrier.CloseIdleConnections()
		bases := map[string]string{}
		for _, e := range s.Endpoints() {
			bases[e.ID] = e.BaseURL
		}
		opts.Live = &steps.Live{
			Transport: carrier, BaseURLs: bases, Intrusive: true,
			Credentials: func(p *providers.Provider) (providers.Credentials, error) { return s.endpoint(p.ID).Credentials, nil },
		}
	}
	return runner.Run(context.Background(), plan, opts)
}

// needsClock are the scenarios that a live run cannot try: nobody moves the
// clock of a real provider. All others have the same verdict through both
// doors of a simulator.
var needsClock = []string{
	"ankorstore: After its hour a token is replaced by a new one",
	"ankorstore: An expired token is refused",
	"gigastore: After its day a token is replaced by a new one",
	"gigastore: An expired token is refused",
}

func TestFeaturesHaveTheSameVerdictsOverANetworkAsInProcess(t *testing.T) {
	verdicts := func(r *check.Run) map[string]string {
		m := map[string]string{}
		for _, res := range r.Results {
			m[res.Provider+": "+res.Scenario] = strings.TrimSpace(fmt.Sprintf("%s %s", res.Verdict, res.Cause))
		}
		return m
	}
	inProcess := run(t, nil, runner.Selection{}, runner.Options{Concurrency: 4})
	if code := inProcess.ExitCode(); code != check.ExitOK {
		t.Fatalf("in process: exit %d", code)
	}
	want := verdicts(inProcess)
	for _, name := range needsClock {
		if want[name] != "passed" {
			t.Errorf("in process: %s: %q", name, want[name])
		}
		want[name] = "skipped needs_clock"
	}
	for _, opts := range []mock.Options{{}, {TLS: true}, {Prefix: true}, {TLS: true, Prefix: true, Limits: true}} {
		t.Run(fmt.Sprintf("TLS %t, prefix %t, limits %t", opts.TLS, opts.Prefix, opts.Limits), func(t *testing.T) {
			live := run(t, start(t, opts), runner.Selection{}, runner.Options{Concurrency: 4})
			if diff := cmp.Diff(want, verdicts(live)); diff != "" {
				t.Errorf("in process (-) and over the network (+):\n%s", diff)
			}
			if code := live.ExitCode(); code != check.ExitOK {
				t.Errorf("exit %d", code)
			}
		})
	}
}

// What our own client makes of each fault: never a verdict on the credential,
// never a hang, never a secret, and no more memory than a response may take.
func TestVerdictsOnFaults(t *testing.T) {
	for _, test := range []struct{ fault, want string }{
		{"latency=10s", "inconclusive timeout"},
		{"slow=10s", "inconclusive timeout"},
		{"status=429", "inconclusive rate_limited"},
		{"retry-after=90s", "inconclusive rate_limited"},
		{"retry-after-date=90s", "inconclusive rate_limited"},
		{"status=500", "inconclusive provider_down"},
		{"status=502", "inconclusive provider_down"},
		{"status=503", "inconclusive provider_down"},
		{"html", "inconclusive provider_down"},
		{"html,status=200", "inconclusive not_an_api_answer"},
		{"html,status=403", "inconclusive not_an_api_answer"},
		{"reset", "inconclusive network_tcp"},
		{"truncate", "inconclusive network_tcp"},
		{"redirect=https://login.example.com/", "inconclusive redirected"},
		{"huge=256MB", "inconclusive response_too_large"},
		{"content-type=text/plain", "inconclusive assumption_wrong"}, // no page shows the header
		{"content-type=text/html", "inconclusive not_an_api_answer"},
	} {
		for _, on := range []struct{ call, provider, scenario string }{
			{"token", "ankorstore", "Valid credentials receive a token"},
			{"token", "antsomi", "Valid credentials receive a token for the scope they ask for"},
			{"me", "ankorstore", "A token opens the account"},
		} {
			t.Run(test.fault+" on "+on.provider+" "+on.call, func(t *testing.T) {
				fault, err := mock.ParseFault(test.fault + ",on=" + on.call)
				if err != nil {
					t.Fatal(err)
				}
				s := start(t, mock.Options{Faults: []*mock.Fault{fault}}, "ankorstore", "antsomi")
				timeout := 30 * time.Second // nothing here takes as long, on any machine
				if test.want == "inconclusive timeout" {
					timeout = 500 * time.Millisecond
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				got := run(t, s, runner.Selection{Args: []string{on.provider}, Name: on.scenario}, runner.Options{Timeout: timeout})
				runtime.ReadMemStats(&after)
				i := slices.IndexFunc(got.Results, func(r check.Result) bool { return r.Scenario == on.scenario })
				if i < 0 {
					t.Fatalf("no such scenario")
				}
				res := got.Results[i]
				if verdict := fmt.Sprintf("%s %s", res.Verdict, res.Cause); verdict != test.want {
					t.Errorf("%s, want %s: %s", verdict, test.want, res.Message)
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
					t.Errorf("%d MiB were allocated", grown>>20)
				}
				shown, err := json.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				for _, secret := range s.endpoint(on.provider).Credentials {
					if strings.Contains(string(shown), secret) || strings.Contains(string(shown), strings.ReplaceAll(secret, "/", "%2F")) {
						t.Errorf("the result shows %s", secret)
					}
				}
				if strings.Contains(string(shown), `accessToken\":\"`) && !strings.Contains(string(shown), "redacted:ACCESS_TOKEN") {
					t.Errorf("the result shows a token: %s", shown)
				}
			})
		}
	}
}

// A provider that fails now and then leaves what could be told as it is.
func TestFaultsAtARateMakeNoVerdictOnTheCredential(t *testing.T) {
	var faults []*mock.Fault
	for _, spec := range []string{"reset,rate=0.1", "truncate,rate=0.1", "html,rate=0.1", "retry-after=1s,rate=0.1", "status=500,rate=0.1"} {
		f, err := mock.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	for seed := range uint64(5) {
		s := start(t, mock.Options{Faults: faults, Seed: seed})
		got := run(t, s, runner.Selection{}, runner.Options{Concurrency: 8, Timeout: 30 * time.Second})
		if got.Count(check.Inconclusive) == 0 {
			t.Errorf("seed %d: no scenario met a fault", seed)
		}
		for _, res := range got.Results {
			switch res.Verdict {
			case check.Passed, check.Skipped, check.Inconclusive:
			default:
				t.Errorf("seed %d: %s:%d %s: %s %s: %s", seed, res.URI, res.Line, res.Scenario, res.Verdict, res.Cause, res.Message)
			}
		}
	}
}
