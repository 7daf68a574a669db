package health

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/transport"
)

// everyone is a provider that knows every client.
type everyone struct{}

func (everyone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		fmt.Fprintf(w, `{"access_token":"token-of-%s-0123456789","token_type":"Bearer","expires_in":3600,"scope":"read"}`, r.FormValue("client_id"))
		return
	}
	_, _ = io.WriteString(w, `{"id":1}`)
}

// BenchmarkCheck is one credential with its two requests over loopback; beside
// it BenchmarkBareHTTP, the requests alone.
func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	server := httptest.NewServer(everyone{})
	defer server.Close()
	for i := range b.N {
		w.add("acme", fmt.Sprintf("acme-%05d", i)).BaseURL = server.URL
	}
	b.ReportAllocs()
	b.ResetTimer()
	if run := w.night(); run.Count("passed") != b.N {
		b.Fatalf("%d of %d passed", run.Count("passed"), b.N)
	}
}

func BenchmarkBareHTTP(b *testing.B) {
	server := httptest.NewServer(everyone{})
	defer server.Close()
	carrier, err := transport.NewLive(nil)
	if err != nil {
		b.Fatal(err)
	}
	send := func(req *http.Request) {
		resp, err := carrier.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme-00000"}, "client_secret": {"secret-of-acme-00000"}, "scope": {"read"}}.Encode()
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/token", strings.NewReader(form))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		send(req)
		if req, err = http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/me", nil); err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer token-of-acme-00000-0123456789")
		send(req)
	}
}
