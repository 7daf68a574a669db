package health

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// A carrier takes the requests of one credential to its provider, politely:
// what was issued a moment ago is not requested again, nothing goes out once
// the provider has said no, the budget is kept, and a GET whose connection
// broke is sent a second time. A token request never is.
type carrier struct {
	next     http.RoundTripper
	provider *providers.Provider
	spend    func(call string) bool // nil: there is no budget

	mu            sync.Mutex
	stopped       string                // why nothing goes out any more
	answered      map[fingerprint]*kept // token requests
	requests      map[string]int        // sent, by call
	retried       bool
	latency       time.Duration
	tokenLifetime time.Duration
}

// A kept response is one to a token request that need not be sent again: it
// issued a token, or refused the scope.
type kept struct {
	response http.Response
	body     []byte
	until    time.Time
}

func newCarrier(next http.RoundTripper, p *providers.Provider) *carrier {
	return &carrier{next: next, provider: p, answered: map[fingerprint]*kept{}, requests: map[string]int{}}
}

// begin lets requests out, again or for the first time.
func (c *carrier) begin(spend func(call string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spend, c.stopped = spend, ""
}

// stop lets nothing out any more.
func (c *carrier) stop(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped == "" {
		c.stopped = why
	}
}

// RoundTrip sends the request, or answers with what was issued before, or
// fails with a *check.Failure that says why nothing is sent.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	call := providers.CallOf(req.Context())
	key := fingerprintOf(req)
	if resp := c.held(req, call, key); resp != nil {
		return resp, nil
	}
	if err := c.allow(call); err != nil {
		return nil, err
	}
	began := time.Now()
	resp, err := c.send(req, call)
	if err != nil && c.mayRetry(req, call, err) {
		if err := c.allow(call); err != nil {
			return nil, err
		}
		again := req.Clone(req.Context())
		if req.GetBody != nil {
			if again.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		began = time.Now()
		resp, err = c.send(again, call)
	}
	if err != nil {
		return nil, err
	}
	c.note(call, time.Since(began))
	if call == providers.TokenCall && resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return c.keep(key, resp)
	}
	return resp, nil
}

// send sends a request. net/http sends a GET again by itself when it had chosen
// a connection that the server has dropped: that is counted too, and is the
// one repetition there is. It would go on for as long as it finds such
// connections, so the next attempt is cancelled.
func (c *carrier) send(req *http.Request, call string) (*http.Response, error) {
	c.mu.Lock()
	allowed := int32(2)
	if c.retried {
		allowed = 1
	}
	c.mu.Unlock()
	var written atomic.Int32
	var enough atomic.Bool
	ctx, cancel := context.WithCancel(req.Context())
	trace := &httptrace.ClientTrace{
		WroteRequest: func(w httptrace.WroteRequestInfo) {
			if w.Err == nil {
				written.Add(1)
			}
		},
		GetConn: func(string) {
			if written.Load() >= allowed {
				enough.Store(true)
				cancel()
			}
		},
	}
	resp, err := c.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		cancel()
		if enough.Load() {
			err = fmt.Errorf("%w: the connection broke, and broke again", io.ErrUnexpectedEOF)
		}
	} else {
		resp.Body = canceling{resp.Body, cancel}
	}
	if again := int(written.Load()) - 1; again > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests[call] += again
		if c.spend != nil {
			c.spend(call) // whether or not there was one left: it was sent
		}
		c.retried = true
	}
	return resp, err
}

// A canceling body ends the context of its request when it is closed.
type canceling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c canceling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// allow counts a request that is about to be sent, or says why it is not.
func (c *carrier) allow(call string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped != "" {
		return hold(check.BreakerOpen, c.stopped)
	}
	if c.spend != nil && !c.spend(call) {
		return hold(check.Deferred, fmt.Sprintf("%s: %s: the requests that the limits allow are used up", c.provider.ID, call))
	}
	c.requests[call]++
	return nil
}

func hold(cause check.Cause, message string) error {
	return &check.Failure{Verdict: check.Skipped, Cause: cause, Message: message}
}

// mayRetry allows one repetition of a request that changes nothing, when the
// connection broke: not when there was none, and not when time ran out.
func (c *carrier) mayRetry(req *http.Request, call string, err error) bool {
	if req.Method != http.MethodGet && req.Method != http.MethodHead || call == providers.TokenCall || req.Context().Err() != nil {
		return false
	}
	var dns *net.DNSError
	var op *net.OpError
	broke := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && !op.Timeout()
	if !broke || errors.As(err, &dns) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.retried
	c.retried = true
	return first
}

func (c *carrier) note(call string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latency == 0 || call == providers.TokenCall && c.requests[call] == 1 {
		c.latency = took
	}
}

// keep remembers a response that issued a token for as long as the token
// lives.
func (c *carrier) keep(key fingerprint, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, providers.MaxBody+1))
	if err != nil || len(body) > providers.MaxBody {
		// Whoever reads it shall meet the same.
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), failing{err}, resp.Body), resp.Body}
		return resp, nil
	}
	_ = resp.Body.Close() // it was read to its end
	now := time.Now()
	// A token whose lifetime cannot be read is good for now.
	if token, _ := c.provider.ReadToken(body, now); token.Value != "" {
		c.mu.Lock()
		k := &kept{response: *resp, body: body, until: now.Add(time.Hour)}
		k.response.Request = nil // its context holds the whole scenario
		if !token.Expires.IsZero() {
			const margin = 10 * time.Second
			k.until = token.Expires.Add(-margin)
			c.tokenLifetime = token.Lifetime(now)
		}
		c.answered[key] = k
		c.mu.Unlock()
	}
	return reopened(resp, body), nil
}

// A failing reader fails with err; a nil err is the end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// keepRefusal remembers that the scope of a token request was refused.
func (c *carrier) keepRefusal(r *providers.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered[fingerprintOf(r.Request)] = &kept{
		response: http.Response{StatusCode: r.Status, Header: r.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1},
		body:     r.Body, until: time.Now().Add(time.Hour),
	}
}

// held answers a token request that was answered before.
func (c *carrier) held(req *http.Request, call string, key fingerprint) *http.Response {
	if call != providers.TokenCall {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.answered[key]
	if !ok || !time.Now().Before(k.until) {
		return nil
	}
	resp := k.response
	resp.Request = req
	return reopened(&resp, k.body)
}

func reopened(resp *http.Response, body []byte) *http.Response {
	resp.Header = resp.Header.Clone()
	resp.Status = fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp
}

// A fingerprint tells requests apart by all that goes over the wire.
type fingerprint [sha256.Size]byte

func fingerprintOf(req *http.Request) fingerprint {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", req.Method, req.URL)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		fmt.Fprintf(h, "%s: %q\n", name, req.Header[name])
	}
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			_, _ = io.Copy(h, body) // a reader of our own
		}
	}
	return fingerprint(h.Sum(nil))
}

// count returns how many requests were sent.
func (c *carrier) count() int {
	all, _ := c.sent()
	return all
}

// sent returns how many requests were sent, and how many of them for tokens.
func (c *carrier) sent() (all, token int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for call, n := range c.requests {
		all += n
		if call == providers.TokenCall {
			token += n
		}
	}
	return all, token
}
