//go:build interop

package interop

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	antsomiID = "26156a86-b739-4c6b-9de2-314228c3e6e5"
	// A secret with all that encodings trip over.
	awkwardSecret = `p@ss:w%rd+&=/ "q"\<x>~`
)

func antsomiEnv(secret string) []string {
	return []string{"ANTSOMI_CLIENT_ID=" + antsomiID, "ANTSOMI_CLIENT_SECRET=" + secret}
}

func antsomiServer(t *testing.T, more map[string]any) *server {
	t.Helper()
	config := map[string]any{"client_id": antsomiID, "client_secret": awkwardSecret}
	maps.Copy(config, more)
	return serve(t, "antsomi.mjs", config)
}

func TestAntsomiFeatureHoldsOnItsServer(t *testing.T) {
	s := antsomiServer(t, nil)
	out := run(t, antsomiEnv(awkwardSecret), "run", "antsomi", "--live", "--intrusive", "--base-url", "antsomi="+s.base, "--concurrency", "16")
	out.exits(t, 0)
	out.golden(t, "antsomi.intrusive")
}

func TestAntsomiFeatureHoldsOverTLS(t *testing.T) {
	c := newCertificate(t)
	s := antsomiServer(t, map[string]any{"key": c.key, "cert": c.cert})

	out := run(t, antsomiEnv(awkwardSecret), "run", "antsomi", "--live", "--intrusive", "--base-url", "antsomi="+s.base, "--ca-cert", c.authority)
	out.exits(t, 0)
	out.golden(t, "antsomi.intrusive")

	out = run(t, antsomiEnv(awkwardSecret), "run", "antsomi", "--live", "--base-url", "antsomi="+s.base, "--concurrency", "1")
	out.exits(t, 3)
	want := map[string]int{"inconclusive network_tls": 2, "skipped breaker_open": 12, "skipped intrusive": 3}
	if diff := cmp.Diff(want, out.tally()); diff != "" {
		t.Errorf("without --ca-cert (-want +got):\n%s", diff)
	}
}

func TestWithoutIntrusiveNoWrongSecretIsTried(t *testing.T) {
	s := antsomiServer(t, nil)
	out := run(t, antsomiEnv(awkwardSecret), "run", "antsomi", "--live", "--base-url", "antsomi="+s.base, "--concurrency", "16")
	out.exits(t, 0)
	out.golden(t, "antsomi")
	if n := count(s.stop(), isRefusedClient); n != 0 {
		t.Errorf("the server counts %d refused attempts, want none", n)
	}
}

// A provider that locks accounts must see one bad attempt, not sixteen,
// whichever scenario comes first.
func TestARefusedSecretIsTriedOnce(t *testing.T) {
	for range 5 {
		s := antsomiServer(t, nil)
		out := run(t, antsomiEnv("not-the-secret-any-more"), "run", "antsomi", "--live", "--base-url", "antsomi="+s.base, "--concurrency", "16")
		out.exits(t, 1)
		if n := count(s.stop(), isRefusedClient); n != 1 {
			t.Errorf("the server counts %d refused attempts, want 1", n)
		}
		want := map[string]int{"rejected credential_rejected": 1, "skipped breaker_open": 12, "skipped intrusive": 3, "passed": 1}
		if diff := cmp.Diff(want, out.tally()); diff != "" {
			t.Errorf("verdicts (-want +got):\n%s", diff)
		}
	}
}

// isRefusedClient reports an attempt with a secret that was refused: what a
// provider may count against an account.
func isRefusedClient(e event) bool {
	return isTokenRequest(e) && e.Error == "invalid_client" && e.ClientAuth != "none"
}
