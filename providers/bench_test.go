package providers

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// A cannedTransport answers every request alike, at once.
type cannedTransport string

func (body cannedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewReader([]byte(body))),
	}, nil
}

func benchClient(b *testing.B) (*Client, Credentials) {
	b.Helper()
	source, err := Files.ReadFile("antsomi.yaml")
	if err != nil {
		b.Fatal(err)
	}
	p, err := Parse("antsomi.yaml", source)
	if err != nil {
		b.Fatal(err)
	}
	const body = `{"accessToken":"5474r2x214z26484u2e4y4a403q5e4z5m4j4b403s526","accessTokenExpiresAt":"2099-08-10T12:41:57.643Z","scope":"item"}`
	return &Client{Provider: p, Transport: cannedTransport(body), UserAgent: "bench"}, Credentials{"client_id": "id", "client_secret": "secret"}
}

// BenchmarkTokenRequest is one token request with its response read, and
// nothing on the wire.
func BenchmarkTokenRequest(b *testing.B) {
	c, creds := benchClient(b)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := c.Authenticate(context.Background(), creds, TokenRequest{Scopes: []string{"item", "event"}})
		if err != nil {
			b.Fatal(err)
		}
		if token, err := c.ReadToken(resp); err != nil || token.Value == "" {
			b.Fatal(err)
		}
	}
}

// BenchmarkTokenHeld is what a call pays when its token is there.
func BenchmarkTokenHeld(b *testing.B) {
	c, creds := benchClient(b)
	c.Tokens = new(Tokens)
	b.ReportAllocs()
	for b.Loop() {
		if token, _, err := c.Token(context.Background(), creds, nil); err != nil || token.Lifetime(time.Now()) <= 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadToken(b *testing.B) {
	c, _ := benchClient(b)
	body := []byte(c.Transport.(cannedTransport))
	now := time.Now()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Provider.ReadToken(body, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad reads the catalogue: every start of the command pays for it.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(Files); err != nil {
			b.Fatal(err)
		}
	}
}
