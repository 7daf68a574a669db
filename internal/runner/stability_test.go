package runner

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

var update = flag.Bool("update", false, "write the golden files")

// A checker with false alarms is switched off: a healthy provider is healthy
// each time.
func TestNoFalseAlarm(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	plan := planOfAll(t)
	for i := range runs {
		mustBeHealthy(t, i, Run(context.Background(), plan, Options{Version: "test", Concurrency: 16}))
	}
}

// The same over TCP, as a nightly run would: tokens are shared, the breaker
// watches, and nothing is skipped but what a real provider cannot do.
func TestNoFalseAlarmLive(t *testing.T) {
	runs := 20
	if testing.Short() {
		runs = 2
	}
	plan := planOfAll(t)
	bases := map[string]string{}
	for _, p := range plan.Workspace.Providers.All() {
		s, err := simulator.New(p, fixtures.Files)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		bases[p.ID] = server.URL
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	for i := range runs {
		live := &steps.Live{
			Transport: transport, BaseURLs: bases, Intrusive: true,
			Credentials: func(p *providers.Provider) (providers.Credentials, error) { return simulator.TestCredentials(p), nil },
		}
		run := Run(context.Background(), plan, Options{Version: "test", Concurrency: 16, Live: live})
		mustBeHealthy(t, i, run)
		for _, res := range run.Results {
			if res.Verdict == check.Skipped && res.Cause != check.NeedsClock && res.Cause != check.Undocumented {
				t.Fatalf("run %d: %s is skipped: %s", i, res.Scenario, res.Cause)
			}
		}
	}
}

func planOfAll(t *testing.T) *Plan {
	t.Helper()
	w, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(w, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func mustBeHealthy(t *testing.T, i int, run *check.Run) {
	t.Helper()
	for _, res := range run.Results {
		if res.Verdict.Failed() {
			t.Fatalf("run %d: %s:%d %s: %s: %s\n%s", i, res.URI, res.Line, res.Scenario, res.Verdict, res.Cause, res.Message)
		}
	}
	if len(run.Results) != run.Selected || run.ExitCode() != check.ExitOK {
		t.Fatalf("run %d: %d results of %d scenarios, exit code %d", i, len(run.Results), run.Selected, run.ExitCode())
	}
}

// Each skip on simulated providers is known, with its reason: a new one is
// looked at before it is accepted with -update.
func TestSkipsOnSimulatedProviders(t *testing.T) {
	var got strings.Builder
	for _, res := range builtin(t, Selection{}, Options{Version: "test", Concurrency: 16}).Results {
		if res.Verdict == check.Skipped {
			fmt.Fprintf(&got, "%s: %s\n    %s: %s\n", res.URI, res.Scenario, res.Cause, res.Message)
		}
	}
	const golden = "testdata/skips.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("skips (-want +got)\n%s", diff)
	}
}

func TestEnoughScenariosPass(t *testing.T) {
	passed := map[string]int{}
	for _, res := range builtin(t, Selection{}, Options{Version: "test", Concurrency: 16}).Results {
		if res.Verdict == check.Passed {
			passed[res.Provider]++
		}
	}
	for provider, least := range map[string]int{"ankorstore": 10, "antsomi": 10, "gigastore": 8} {
		if passed[provider] < least {
			t.Errorf("%s: %d scenarios pass, want at least %d", provider, passed[provider], least)
		}
	}
}
