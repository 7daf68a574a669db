// Package record runs a provider's scenarios against the real provider and
// turns what came back into fixtures, with stand-ins for whatever tells an
// account or a person.
package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// An Exchange is one request of a live run and its answer, as they were. It
// holds secrets.
type Exchange struct {
	*providers.Response
	Situation string // what the request meets by rights: "call/situation", or "unknown_call"
	Scenario  string // ID of the scenario that sent it
}

// An Observation is a live run of one provider's scenarios with everything
// that came back.
type Observation struct {
	Provider  *providers.Provider
	Plan      *runner.Plan
	Run       *check.Run
	Exchanges []*Exchange // in the order they were sent
	creds     providers.Credentials
}

// Observe runs the plan, which is of scenarios of p, against the real p: one
// scenario at a time, so that the same provider gives the same observation.
// opts must be of a live run.
func Observe(ctx context.Context, plan *runner.Plan, p *providers.Provider, opts runner.Options) (*Observation, error) {
	creds, err := opts.Live.Credentials(p)
	if err != nil {
		return nil, err
	}
	prototype, err := simulator.New(p, plan.Workspace.Fixtures)
	if err != nil {
		return nil, err
	}
	t := &tape{provider: p, judge: prototype.Fresh(creds), hosts: p.HostsOf(creds)}
	if u, err := url.Parse(opts.Live.BaseURLs[p.ID]); err == nil && u.Host != "" {
		t.hosts = []string{u.Host}
	}
	done := opts.Done
	opts.Done = func(res *check.Result) {
		t.ended(scenarioID(res))
		if done != nil {
			done(res)
		}
	}
	opts.Wrap, opts.Concurrency = t.wrap, 1
	run := runner.Run(ctx, plan, opts)
	return &Observation{Provider: p, Plan: plan, Run: run, Exchanges: t.exchanges, creds: creds}, nil
}

// A tape notes the exchanges with one provider, and which situation each
// request met.
type tape struct {
	provider *providers.Provider
	judge    *simulator.Simulator // knows the real credentials, and the tokens as they are issued
	hosts    []string

	mu        sync.Mutex
	exchanges []*Exchange
	noted     int // of exchanges, those whose scenario is known
}

func (t *tape) wrap(next http.RoundTripper) http.RoundTripper { return recorder{t, next} }

type recorder struct {
	tape *tape
	next http.RoundTripper
}

// RoundTrip notes the exchange and hands the answer on as it was. An answer
// that cannot be read, or is too large, is nobody's to record: its reader
// will find out the same.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	started := time.Now()
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, providers.MaxBody+1))
	rest := resp.Body
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(body), failing{err}, rest), rest}
	if err == nil && len(body) <= providers.MaxBody {
		r.tape.note(req, &providers.Response{
			Request: req, RequestBody: requestBody(req),
			Status: resp.StatusCode, Header: resp.Header, Body: body,
			Started: started, Duration: time.Since(started),
		})
	}
	return resp, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// failing is a reader that ends, or fails if there is an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

func requestBody(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	content, _ := io.ReadAll(body) // it is in memory
	return content
}

// note judges the request; a token that its answer issues is known from now
// on. What was sent to another provider is not noted.
func (t *tape) note(req *http.Request, resp *providers.Response) {
	if !slices.Contains(t.hosts, req.URL.Host) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	x := &Exchange{Response: resp, Situation: t.judge.Judge(req, resp.RequestBody)}
	resp.Call = callOf(x.Situation)
	t.exchanges = append(t.exchanges, x)
	if resp.Call != providers.TokenCall || !x.succeeded() {
		return
	}
	token, err := t.provider.ReadToken(resp.Body, time.Now())
	if errors.Is(err, providers.ErrNoToken) {
		return
	}
	scopes := t.provider.SplitScopes(token.Scope)
	if len(scopes) == 0 {
		scopes = t.provider.Auth.Scopes.Default
	}
	t.judge.Accept(token.Value, scopes, token.Expires)
}

// ended notes which scenario sent what was exchanged since the last one ended.
func (t *tape) ended(scenario string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.exchanges[t.noted:] {
		x.Scenario = scenario
	}
	t.noted = len(t.exchanges)
}
