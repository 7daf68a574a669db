package metrics

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
)

// tenThousand returns a run of 10,000 credentials, and a Redactor that knows
// their secrets and a token of each.
func tenThousand() (*health.Run, []health.Standing, *redact.Redactor) {
	run := &health.Run{Version: "0.1.0", Started: now.Add(-time.Hour), Duration: time.Hour, Selected: 10_000}
	erase := redact.New()
	random := rand.NewChaCha8([32]byte{})
	secret := func() string {
		b := make([]byte, 20)
		random.Read(b)
		return fmt.Sprintf("%x", b)
	}
	verdicts := []check.Verdict{check.Passed, check.Rejected, check.Inconclusive, check.Skipped}
	standings := make([]health.Standing, 10_000)
	for i := range standings {
		c := health.Credential{
			Name: fmt.Sprintf("acme-eu-production-%05d", i), Provider: "acme", Owner: fmt.Sprintf("team-%d@example.com", i%100), Environment: "production",
			Verdict: verdicts[i%4], Cause: check.CredentialRejected, Since: now, Started: now, Duration: time.Second, Latency: time.Second,
			TokenLifetime: time.Hour, Requests: 2, Expires: health.Expiry{Date: "2027-01-01", At: now},
			State: health.State{Checked: now, Passed: now},
		}
		run.Credentials = append(run.Credentials, c)
		standings[i] = health.Standing{At: now, Record: c.Record(now), State: c.State}
		erase.Add("secret", secret())
		erase.Add("token", secret())
		erase.AddPair("basic", c.Name, secret())
	}
	return run, standings, erase
}

// BenchmarkTenThousand gathers, writes and pushes 10,000 credentials, and
// searches them for 30,000 secrets. It is to stay below a second.
func BenchmarkTenThousand(b *testing.B) {
	run, standings, erase := tenThousand()
	file := filepath.Join(b.TempDir(), "authspec.prom")
	gather := func() (err error) {
		g, err := Gather(run, standings, now, health.DefaultStale)
		if err == nil {
			_, err = g.Gather()
		}
		return err
	}
	write := func() error {
		g, err := Gather(run, standings, now, health.DefaultStale)
		if err != nil {
			return err
		}
		return WriteFile(file, g, erase)
	}
	sent := int64(0)
	swallow := carrierFunc(func(req *http.Request) (*http.Response, error) {
		sent, _ = io.Copy(io.Discard, req.Body)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	})
	push := func() error {
		g, err := Gather(run, standings, now, health.DefaultStale)
		if err != nil {
			return err
		}
		return Push(b.Context(), swallow, "https://push.example.com", g, erase)
	}
	for name, do := range map[string]func() error{"gather": gather, "write": write, "push": push} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			if name == "push" {
				b.ReportMetric(float64(sent), "bytes-sent")
			}
		})
	}
}
