// Package load puts many clients at once to a served provider and measures
// what it takes beside a bare handler that returns the same bytes.
package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A Result is what clients saw.
type Result struct {
	Requests int64
	Errors   int64
	First    error // the first of them
	Elapsed  time.Duration
}

// PerSecond returns the requests a second.
func (r Result) PerSecond() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Run lets clients, each on a connection of its own, repeat what send does
// for d. send returns how many requests it sent.
func Run(clients int, d time.Duration, send func(*http.Client) (int, error)) Result {
	transport := &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var requests, failures atomic.Int64
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Since(began) < d {
				n, err := send(client)
				requests.Add(int64(n))
				if err != nil {
					failures.Add(1)
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	r := Result{Requests: requests.Load(), Errors: failures.Load(), Elapsed: time.Since(began)}
	if err := first.Load(); err != nil {
		r.First = *err
	}
	return r
}

// TokenAndCall requests an Ankorstore token, calls "me" with it, and wants
// 200 from both.
func TokenAndCall(base string, creds providers.Credentials) func(*http.Client) (int, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"*"},
		"client_id": {creds["client_id"]}, "client_secret": {creds["client_secret"]},
	}.Encode()
	return func(client *http.Client) (int, error) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/oauth/token", strings.NewReader(form))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body, err := answer(client.Do(req))
		if err != nil {
			return 1, fmt.Errorf("token: %w", err)
		}
		var token struct {
			Value string `json:"access_token"`
		}
		if err := json.Unmarshal(body, &token); err != nil {
			return 1, fmt.Errorf("token: %w", err)
		}
		req, err = http.NewRequestWithContext(context.Background(), http.MethodGet, base+"/api/v1/me", http.NoBody)
		if err != nil {
			return 1, err
		}
		req.Header.Set("Authorization", "Bearer "+token.Value)
		if _, err := answer(client.Do(req)); err != nil {
			return 2, fmt.Errorf("me: %w", err)
		}
		return 2, nil
	}
}

func answer(resp *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, err
}

// Ankorstore starts a server of the simulated Ankorstore.
func Ankorstore(opts mock.Options) (*mock.Server, mock.Endpoint, error) {
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		return nil, mock.Endpoint{}, err
	}
	p, err := catalogue.Lookup("ankorstore")
	if err != nil {
		return nil, mock.Endpoint{}, err
	}
	sim, err := simulator.New(p, fixtures.Files)
	if err != nil {
		return nil, mock.Endpoint{}, err
	}
	server, err := mock.Start([]*simulator.Simulator{sim}, opts)
	if err != nil {
		return nil, mock.Endpoint{}, err
	}
	return server, server.Endpoints()[0], nil
}

// Bare serves, with net/http and nothing else, the bytes that a served
// Ankorstore once answered to send: whatever is asked.
func Bare(endpoint mock.Endpoint) (*httptest.Server, error) {
	recorded := map[string]*http.Response{}
	bodies := map[string][]byte{}
	note := roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		recorded[r.URL.Path], bodies[r.URL.Path] = resp, body
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, err
	})
	if _, err := TokenAndCall(endpoint.BaseURL, endpoint.Credentials)(&http.Client{Transport: note}); err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", recorded[r.URL.Path].Header.Get("Content-Type"))
		_, _ = w.Write(bodies[r.URL.Path]) // the client is gone
	})), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A Comparison is the same load on a served Ankorstore and on a bare handler.
type Comparison struct{ Mock, Bare Result }

// Ratio is how much of the bare handler's requests a second the mock reaches.
func (c Comparison) Ratio() float64 { return c.Mock.PerSecond() / c.Bare.PerSecond() }

func (c Comparison) String() string {
	return fmt.Sprintf("mock %.0f requests/s, bare net/http handler %.0f requests/s, ratio %.2f, %d errors",
		c.Mock.PerSecond(), c.Bare.PerSecond(), c.Ratio(), c.Mock.Errors+c.Bare.Errors)
}

// Compare puts the load on both for d each, in turns, so that what else runs
// on the machine meets both. Clients and servers share this process and its
// processors.
func Compare(clients int, d time.Duration) (Comparison, error) {
	server, endpoint, err := Ankorstore(mock.Options{})
	if err != nil {
		return Comparison{}, err
	}
	defer server.Stop()
	bare, err := Bare(endpoint)
	if err != nil {
		return Comparison{}, err
	}
	defer bare.Close()
	const turns = 10
	var c Comparison
	for range turns {
		c.Mock.add(Run(clients, d/turns, TokenAndCall(endpoint.BaseURL, endpoint.Credentials)))
		c.Bare.add(Run(clients, d/turns, TokenAndCall(bare.URL, endpoint.Credentials)))
	}
	return c, cmp.Or(c.Mock.First, c.Bare.First)
}

func (r *Result) add(o Result) {
	r.Requests += o.Requests
	r.Errors += o.Errors
	r.Elapsed += o.Elapsed
	r.First = cmp.Or(r.First, o.First)
}
