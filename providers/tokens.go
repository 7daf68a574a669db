package providers

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Tokens keeps the access tokens of a run: each is fetched once per provider,
// credential and scope, reused until shortly before it expires, and fetched by
// one request when several calls want it at the same time. Refused requests
// are not kept. The zero value is ready; it is safe for concurrent use.
type Tokens struct {
	mu     sync.Mutex
	held   map[string]heldToken
	flight singleflight.Group
}

type heldToken struct {
	token  Token
	margin time.Duration
}

// A fetched token comes with the response that carried it; a refused request
// has only the response.
type fetched struct {
	token    Token
	response *Response
}

// get returns the token held for key or fetches it. The fetch outlives the
// caller's own cancellation as long as others wait for it, but never its
// client's timeout.
func (t *Tokens) get(ctx context.Context, key string, now func() time.Time, fetch func(context.Context) (fetched, error)) (fetched, error) {
	if token, ok := t.holds(key, now()); ok {
		return fetched{token: token}, nil
	}
	results := t.flight.DoChan(key, func() (any, error) {
		// Another fetch may have ended since: it is in flight no more.
		if token, ok := t.holds(key, now()); ok {
			return fetched{token: token}, nil
		}
		f, err := fetch(context.WithoutCancel(ctx))
		if err == nil && f.token.Value != "" {
			t.keep(key, f.token, now())
		}
		return f, err
	})
	select {
	case <-ctx.Done():
		return fetched{}, ctx.Err()
	case r := <-results:
		f, _ := r.Val.(fetched)
		return f, r.Err
	}
}

func (t *Tokens) holds(key string, now time.Time) (Token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, ok := t.held[key]
	return h.token, ok && (h.token.Expires.IsZero() || now.Add(h.margin).Before(h.token.Expires))
}

func (t *Tokens) keep(key string, token Token, now time.Time) {
	margin := token.Lifetime(now) / 10
	if margin > time.Minute {
		margin = time.Minute
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = map[string]heldToken{}
	}
	t.held[key] = heldToken{token, margin}
}
