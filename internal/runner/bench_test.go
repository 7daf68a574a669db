package runner

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// scenariosPerRun is enough for what a run costs once not to show.
const scenariosPerRun = 200

// benchPlan is a plan of that many Antsomi scenarios, half of them refused.
func benchPlan(b *testing.B) *Plan {
	b.Helper()
	w, err := Open("")
	if err != nil {
		b.Fatal(err)
	}
	var feature strings.Builder
	feature.WriteString("Feature: many scenarios\n")
	for i := range scenariosPerRun {
		if i%2 == 0 {
			fmt.Fprintf(&feature, "\n  Scenario: granted %d\n    Given valid Antsomi credentials\n    When I request an access token with scope \"item,event\"\n    Then the response status is 200\n    And the response body has:\n      | accessToken          | a non-empty string        |\n      | accessTokenExpiresAt | a date-time in the future |\n      | scope                | \"item,event\"              |\n", i)
		} else {
			fmt.Fprintf(&feature, "\n  Scenario: refused %d\n    Given valid Antsomi credentials\n    When I request an access token with scope \"nonsense\"\n    Then the response status is 400\n    And the error is \"invalid_scope\"\n", i)
		}
	}
	w.Features = fstest.MapFS{"antsomi.feature": {Data: []byte(feature.String())}}
	p, err := NewPlan(w, Selection{})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// benchRun reports the time of one scenario.
func benchRun(b *testing.B, opts func() Options) {
	b.Helper()
	plan := benchPlan(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if run := Run(context.Background(), plan, opts()); run.Count(check.Passed) != scenariosPerRun {
			b.Fatalf("%d of %d passed", run.Count(check.Passed), scenariosPerRun)
		}
		n += scenariosPerRun
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/scenario")
}

func BenchmarkRunSimulated(b *testing.B) {
	benchRun(b, func() Options { return Options{} })
}

func BenchmarkRunLive(b *testing.B) {
	w, err := Open("")
	if err != nil {
		b.Fatal(err)
	}
	p, err := w.Providers.Lookup("antsomi")
	if err != nil {
		b.Fatal(err)
	}
	simulated, err := simulator.New(p, w.Fixtures)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(simulated)
	defer server.Close()
	carrier, err := transport.NewLive(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer carrier.CloseIdleConnections()
	benchRun(b, func() Options {
		return Options{Live: &steps.Live{
			Transport: carrier, BaseURLs: map[string]string{p.ID: server.URL},
			Credentials: func(*providers.Provider) (providers.Credentials, error) { return simulated.Credentials(), nil },
		}}
	})
}
