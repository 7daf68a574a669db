// Package metrics says in the words of Prometheus how credentials stand after
// a check: in a file for node_exporter's textfile collector, or pushed to a
// Pushgateway. docs/metrics.md describes the metrics.
package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

// Gather returns how credentials stand, in a registry of its own and without
// the metrics of this process. The run is the check that has just ended;
// standings are all credentials, also those that were no part of it. What was
// last checked more than stale before now is stale. Neither run nor standings
// may change as long as the Gatherer is in use.
//
// No name can spoil the rest: what is not printable is written as \n, \xff or
// \u200b, and names that redaction has made the same are numbered.
func Gather(run *health.Run, standings []health.Standing, now time.Time, stale time.Duration) (prometheus.Gatherer, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(&collector{run, standings, now, stale}); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return registry, nil
}

// A collector makes the metrics when it is asked for them: there are twenty
// for each credential.
type collector struct {
	run       *health.Run
	standings []health.Standing
	now       time.Time
	stale     time.Duration
}

// Describe promises nothing: the registry has no other collector.
func (*collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends all metrics.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	out := sender(to)
	c.collectRun(out)
	c.collectPlaces(out)
	c.collectCredentials(out)
}

func (c *collector) collectRun(out sender) {
	r := c.run
	out.send(buildInfo, 1, label("version", r.Version))
	out.date(runStarted, r.Started)
	out.send(runDuration, r.Duration.Seconds())
	out.send(runExitCode, float64(r.ExitCode()))
	out.truth(runInterrupted, r.Interrupted)
	if !r.Interrupted {
		out.date(runCompleted, r.Started.Add(r.Duration))
	}
	for _, v := range check.Verdicts() {
		if v != check.Drifted { // no credential does
			out.send(runCredentials, float64(r.Count(v)), label("verdict", string(v)))
		}
	}
}

func (c *collector) collectPlaces(out sender) {
	values := labels("state", placeStates)
	seen := numbering{}
	for i := range c.run.Places {
		p := &c.run.Places[i]
		address, provider := label("address", seen.unique(p.Provider, p.Address)), label("provider", p.Provider)
		for i, state := range placeStates {
			out.truth(providerState, p.State == state, address, provider, values[i])
		}
	}
}

func (c *collector) collectCredentials(out sender) {
	values := labels("status", statuses)
	seen := numbering{}
	for i := range c.standings {
		s, r := &c.standings[i], &c.standings[i].Record
		name, provider := label("credential", seen.unique(r.Provider, r.Name)), label("provider", r.Provider)

		is := statusOf(s, c.now, c.stale)
		for i, status := range statuses {
			out.truth(credentialStatus, is == status, name, provider, values[i])
		}
		if r.Cause != "" {
			out.send(credentialCause, 1, label("cause", string(listed(r.Cause))), name, provider)
		}
		out.send(credentialInfo, 1, name, label("environment", r.Environment), label("owner", r.Owner), provider)
		out.date(credentialSince, r.Since, name, provider)
		out.date(credentialChecked, s.State.Checked, name, provider)
		out.date(credentialPassed, s.State.Passed, name, provider)
		if r.Expires != nil {
			out.date(credentialExpiry, r.Expires.At, name, provider)
		}
		out.known(credentialLifetime, r.TokenLifetime, name, provider)
		out.known(credentialDuration, time.Duration(r.Duration).Seconds(), name, provider)
		out.known(credentialLatency, time.Duration(r.Latency).Seconds(), name, provider)
		out.send(credentialDrift, float64(drifted(r)), name, provider)
		out.truth(credentialFlapping, s.State.Flapping, name, provider)
		out.send(credentialRequests, float64(r.Requests), name, provider)
	}
}

// drifted counts the scenarios that met a broken contract.
func drifted(r *health.Record) int {
	n := 0
	for i := range r.Drift {
		if r.Drift[i].Verdict == check.Drifted {
			n++
		}
	}
	return n
}
