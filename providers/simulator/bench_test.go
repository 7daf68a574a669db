package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

func benchSimulator(b *testing.B, id string) *simulator.Simulator {
	b.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		b.Fatal(err)
	}
	p, err := catalogue.Lookup(id)
	if err != nil {
		b.Fatal(err)
	}
	s, err := simulator.New(p, fixtures.Files)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkServeHTTP is one answer, by what the request meets. Each is by a
// fresh simulator: they remember every token they issue.
func BenchmarkServeHTTP(b *testing.B) {
	for _, test := range []struct {
		name, provider, scope string
		status                int
	}{
		{"opaque token", "antsomi", "item", http.StatusOK},
		{"JWT", "ankorstore", "*", http.StatusOK},
		{"invalid scope", "antsomi", "nonsense", http.StatusBadRequest},
	} {
		b.Run(test.name, func(b *testing.B) {
			prototype := benchSimulator(b, test.provider)
			creds := prototype.Credentials()
			form := "grant_type=client_credentials&client_id=" + creds["client_id"] + "&client_secret=" + creds["client_secret"] + "&scope=" + test.scope
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				prototype.Fresh(nil).ServeHTTP(w, req)
				if w.Code != test.status {
					b.Fatalf("status %d, want %d", w.Code, test.status)
				}
			}
		})
	}
}

// BenchmarkTransport makes the in-process door of one scenario and sends one
// request through it.
func BenchmarkTransport(b *testing.B) {
	prototype := benchSimulator(b, "gigastore")
	creds := prototype.Credentials()
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest(http.MethodPost, "https://api.giga.store/reseller/authenticate", nil)
		req.SetBasicAuth(creds["client_id"], creds["client_secret"])
		resp, err := prototype.Fresh(nil).Transport().RoundTrip(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp, err)
		}
		resp.Body.Close()
	}
}
