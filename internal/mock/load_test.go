package mock_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/internal/mock/load"
)

var loadFor = flag.Duration("load", 5*time.Second, "how long 500 clients keep at it")

// 500 clients at once, each on its own connection: no error, and no more
// memory at the end than in the middle. The whole half minute:
//
//	go test -race ./internal/mock -run Clients -load 30s
func TestManyClientsAtOnce(t *testing.T) {
	clients, d := 500, *loadFor
	if testing.Short() {
		clients, d = 100, time.Second
	}
	server, endpoint, err := load.Ankorstore(mock.Options{Control: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	send := load.TokenAndCall(endpoint.BaseURL, endpoint.Credentials)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start := heap()
	first := load.Run(clients, d/2, send)
	middle := heap()
	second := load.Run(clients, d/2, send)
	end := heap()
	for _, r := range []load.Result{first, second} {
		if r.Errors > 0 {
			t.Errorf("%d errors in %d requests: %v", r.Errors, r.Requests, r.First)
		}
	}
	t.Logf("%d clients: %d requests, %.0f a second; heap %d MiB at the start, %d in the middle, %d at the end",
		clients, first.Requests+second.Requests, second.PerSecond(), start>>20, middle>>20, end>>20)
	// 50,000 tokens and 1000 requests are remembered, and no more.
	const most = 80 << 20
	if end > start+most {
		t.Errorf("the heap has grown by %d MiB", (end-start)>>20)
	}
}

// BenchmarkMock and BenchmarkBare send the same requests over loopback, to a
// served Ankorstore and to a bare handler of net/http that returns the same
// bytes: what the simulator costs beside the network.
func BenchmarkMock(b *testing.B) {
	server, endpoint, err := load.Ankorstore(mock.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Stop()
	benchmark(b, load.TokenAndCall(endpoint.BaseURL, endpoint.Credentials))
}

func BenchmarkBare(b *testing.B) {
	server, endpoint, err := load.Ankorstore(mock.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Stop()
	bare, err := load.Bare(endpoint)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	benchmark(b, load.TokenAndCall(bare.URL, endpoint.Credentials))
}

func benchmark(b *testing.B, send func(*http.Client) (int, error)) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := send(client); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkSimulator is the simulator alone, without a network.
func BenchmarkSimulator(b *testing.B) {
	sim := simulators(b, "ankorstore")[0]
	form := tokenForm(sim.Credentials(), "*")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if resp := sim.Respond(r, []byte(form)); resp.Status != http.StatusOK {
				b.Error(resp.Status)
				return
			}
		}
	})
}
