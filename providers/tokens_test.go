package providers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/authspec/authspec/providers"
)

// example is a provider of client credentials, with one call.
func example(t testing.TB) *providers.Provider {
	t.Helper()
	p, err := providers.Parse("example.yaml", []byte(`
name: Example
docs: https://example.com/docs
base_url: https://api.example.com
environments:
  sandbox: {base_url: https://sandbox.example.com}
credentials: {client_id: EXAMPLE_CLIENT_ID, client_secret: EXAMPLE_CLIENT_SECRET}
auth: {scheme: client_credentials, token: POST /token, client_auth: form}
calls:
  me: {endpoint: GET /me}
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var someCredentials = providers.Credentials{"client_id": "some-client", "client_secret": "some-s3cr3t"}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// An issuer issues a token that lives for an hour to everyone, "token-1" being
// the first, and counts.
type issuer struct {
	count  atomic.Int32
	expiry string        // raw JSON; empty: 3600
	hold   chan struct{} // if set, an answer waits for it to close
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	n := i.count.Add(1)
	if i.hold != nil {
		select {
		case <-i.hold:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	expiry := i.expiry
	if expiry == "" {
		expiry = "3600"
	}
	return answer(200, fmt.Sprintf(`{"access_token": "token-%d", "expires_in": %s}`, n, expiry)), nil
}

// client is one of the issuer, by a clock that the test sets.
func (i *issuer) client(t *testing.T, now *time.Time) *providers.Client {
	return &providers.Client{Provider: example(t), Transport: i, Tokens: new(providers.Tokens), Now: func() time.Time { return *now }}
}

func tokenOf(t *testing.T, c *providers.Client) (string, *providers.Response) {
	t.Helper()
	token, resp, err := c.Token(t.Context(), someCredentials, nil)
	if err != nil {
		t.Fatal(err)
	}
	return token.Value, resp
}

func TestTokenIsReusedUntilShortlyBeforeItExpires(t *testing.T) {
	for _, c := range []struct {
		expiry   string
		held     time.Duration // until then it is reused
		replaced time.Duration // from then on it is not
	}{
		{"3600", 59*time.Minute - time.Second, 59 * time.Minute},
		{"86400", 24*time.Hour - 61*time.Second, 24*time.Hour - time.Minute},
		{"100", 89 * time.Second, 90 * time.Second}, // a tenth of a short life
		{"1", 800 * time.Millisecond, time.Second},
	} {
		t.Run(c.expiry+" seconds", func(t *testing.T) {
			now := noon
			issuer := &issuer{expiry: c.expiry}
			client := issuer.client(t, &now)
			value, resp := tokenOf(t, client)
			if value != "token-1" || resp == nil {
				t.Fatalf("first: got %q, response %v", value, resp)
			}
			now = noon.Add(c.held)
			if value, resp := tokenOf(t, client); value != "token-1" || resp != nil {
				t.Errorf("after %v: got %q, response %v, want the held one without a response", c.held, value, resp)
			}
			now = noon.Add(c.replaced)
			if value, resp := tokenOf(t, client); value != "token-2" || resp == nil {
				t.Errorf("after %v: got %q, want a new one", c.replaced, value)
			}
			if n := issuer.count.Load(); n != 2 {
				t.Errorf("%d token requests, want 2", n)
			}
		})
	}
}

func TestTokenWithoutExpiryIsKept(t *testing.T) {
	now := noon
	issuer := new(issuer)
	client := issuer.client(t, &now)
	client.Provider = &providers.Provider{ID: "example", BaseURL: client.Provider.BaseURL, Auth: client.Provider.Auth}
	client.Provider.Auth.Response.ExpiresIn = ""
	tokenOf(t, client)
	now = noon.Add(365 * 24 * time.Hour)
	if value, _ := tokenOf(t, client); value != "token-1" {
		t.Errorf("got %q, want the first token", value)
	}
}

// Nor is one whose expiry cannot be read requested again for each call: what
// is wrong is the response, not the number of requests.
func TestTokenWithUnreadableExpiryIsKept(t *testing.T) {
	now := noon
	issuer := &issuer{expiry: `"3600"`}
	client := issuer.client(t, &now)
	tokenOf(t, client)
	if value, _ := tokenOf(t, client); value != "token-1" {
		t.Errorf("got %q, want the first token", value)
	}
}

func TestTokensAreKeptApart(t *testing.T) {
	now := noon
	issuer := new(issuer)
	tokens := new(providers.Tokens)
	client := func(change func(*providers.Client)) *providers.Client {
		c := issuer.client(t, &now)
		c.Tokens = tokens
		change(c)
		return c
	}
	same := func(*providers.Client) {}
	fetch := func(c *providers.Client, creds providers.Credentials, scopes ...string) string {
		t.Helper()
		token, _, err := c.Token(t.Context(), creds, scopes)
		if err != nil {
			t.Fatal(err)
		}
		return token.Value
	}
	first := fetch(client(same), someCredentials)
	if again := fetch(client(same), someCredentials.With("unused", "")); again != first {
		t.Errorf("equal credentials: got %q, want %q", again, first)
	}
	seen := map[string]string{first: "the first"}
	for name, value := range map[string]string{
		"another client":          fetch(client(same), someCredentials.With("client_id", "other-client")),
		"another secret":          fetch(client(same), someCredentials.With("client_secret", "other")),
		"no secret":               fetch(client(same), someCredentials.With("client_secret", "")),
		"swapped":                 fetch(client(same), providers.Credentials{"client_id": "some-s3cr3t", "client_secret": "some-client"}),
		"a scope":                 fetch(client(same), someCredentials, "read"),
		"two scopes":              fetch(client(same), someCredentials, "read", "write"),
		"an environment":          fetch(client(func(c *providers.Client) { c.Environment = "sandbox" }), someCredentials),
		"a base URL":              fetch(client(func(c *providers.Client) { c.BaseURL = "http://127.0.0.1:1" }), someCredentials),
		"another provider":        fetch(client(func(c *providers.Client) { other := *c.Provider; other.ID = "other"; c.Provider = &other }), someCredentials),
		"another store of tokens": fetch(client(func(c *providers.Client) { c.Tokens = new(providers.Tokens) }), someCredentials),
		"no store of tokens":      fetch(client(func(c *providers.Client) { c.Tokens = nil }), someCredentials),
	} {
		if other, taken := seen[value]; taken {
			t.Errorf("%s shares %s with %s", name, value, other)
		}
		seen[value] = name
	}
}

func TestConcurrentFetchesAreJoined(t *testing.T) {
	now := noon
	issuer := &issuer{hold: make(chan struct{})}
	client := issuer.client(t, &now)
	const callers = 50
	var started, done sync.WaitGroup
	values := make(chan string, callers)
	for range callers {
		started.Add(1)
		done.Go(func() {
			started.Done()
			token, _, err := client.Token(t.Context(), someCredentials, nil)
			if err != nil {
				t.Error(err)
			}
			values <- token.Value
		})
	}
	started.Wait()
	time.Sleep(20 * time.Millisecond)
	close(issuer.hold)
	done.Wait()
	close(values)
	for v := range values {
		if v != "token-1" {
			t.Errorf("a caller got %q, want token-1", v)
		}
	}
	if n := issuer.count.Load(); n != 1 {
		t.Errorf("%d token requests for %d callers, want 1", n, callers)
	}
}

// A caller that looks just before a fetch ends must not begin another one.
func TestLateCallersAreJoined(t *testing.T) {
	now := noon
	for round := range 1000 {
		issuer := new(issuer)
		client := issuer.client(t, &now)
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if _, _, err := client.Token(t.Context(), someCredentials, nil); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if n := issuer.count.Load(); n != 1 {
			t.Fatalf("round %d: %d token requests, want 1", round, n)
		}
	}
}

func TestRefusalsAreNotKept(t *testing.T) {
	now := noon
	var requests int
	issuer := new(issuer)
	client := issuer.client(t, &now)
	failure := errors.New("connection refused")
	client.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		switch requests++; requests {
		case 1:
			return answer(401, `{"error": "invalid_client"}`), nil
		case 2:
			return nil, failure
		case 3:
			return answer(200, `{"accessToken": "elsewhere"}`), nil
		}
		return issuer.RoundTrip(req)
	})
	if value, resp := tokenOf(t, client); value != "" || resp == nil || resp.Status != 401 {
		t.Errorf("refused: got %q, response %v, want no token and the refusal", value, resp)
	}
	if _, _, err := client.Token(t.Context(), someCredentials, nil); !errors.Is(err, failure) {
		t.Errorf("failed: got %v, want %v", err, failure)
	}
	if value, resp := tokenOf(t, client); value != "" || resp == nil || resp.Status != 200 {
		t.Errorf("unreadable: got %q, response %v, want no token and the response", value, resp)
	}
	if value, _ := tokenOf(t, client); value != "token-1" {
		t.Errorf("got %q, want token-1", value)
	}
}

// A caller that gives up leaves at once, and the fetch goes on for the others.
func TestCancelledCallerDoesNotStopTheOthers(t *testing.T) {
	now := noon
	issuer := &issuer{hold: make(chan struct{})}
	client := issuer.client(t, &now)
	impatient, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, _, err := client.Token(impatient, someCredentials, nil)
		gone <- err
	}()
	for issuer.count.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	waiting := make(chan providers.Token)
	go func() {
		token, _, err := client.Token(t.Context(), someCredentials, nil)
		if err != nil {
			t.Error(err)
		}
		waiting <- token
	}()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the impatient caller got %v, want context.Canceled", err)
	}
	close(issuer.hold)
	if token := <-waiting; token.Value != "token-1" {
		t.Errorf("the other got %q, want token-1", token.Value)
	}
	if n := issuer.count.Load(); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
}

// The fetch that nobody waits for any more still ends.
func TestAbandonedFetchTimesOut(t *testing.T) {
	ended := make(chan error, 1)
	client := &providers.Client{
		Provider: example(t), Tokens: new(providers.Tokens), Timeout: 30 * time.Millisecond,
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			ended <- req.Context().Err()
			return nil, req.Context().Err()
		}),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, _, err := client.Token(ctx, someCredentials, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the caller's deadline", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the fetch ended by %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the fetch did not end")
	}
}
