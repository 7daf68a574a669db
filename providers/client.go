package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/suggest"
)

// Limits of every exchange.
const (
	DefaultTimeout = 30 * time.Second // of one exchange, body included
	MaxBody        = 4 << 20          // bytes of a response body, decompressed
)

// ErrTooLarge is returned for a response body of more than MaxBody bytes.
var ErrTooLarge = fmt.Errorf("the response body is larger than %d MiB", MaxBody>>20)

// A Client speaks to one provider. It is safe for concurrent use as long as
// its fields do not change. It never follows a redirect and never repeats a
// request.
type Client struct {
	Provider *Provider
	// Environment is one of the provider's environments; empty: base_url.
	Environment string
	// BaseURL, when set, replaces the host of every endpoint.
	BaseURL string
	// Transport carries every request: live, simulated, recording.
	Transport http.RoundTripper
	// Tokens are shared between clients that may reuse each other's tokens.
	Tokens *Tokens
	// Now is the clock by which tokens expire; nil: time.Now.
	Now func() time.Time
	// Timeout bounds each exchange; 0: DefaultTimeout.
	Timeout time.Duration
	// UserAgent is sent with every request.
	UserAgent string
	// Observe, if set, sees every exchange, also those that failed: then the
	// response has no status and err says why. Concurrent calls are possible.
	Observe func(response *Response, err error)
}

// Authenticate sends one token request and returns the whole response, also
// when it says no. The error is for a request that got no response. The
// credentials may lack fields: what is missing is not sent.
func (c *Client) Authenticate(ctx context.Context, creds Credentials, want TokenRequest) (*Response, error) {
	if !c.Provider.HasToken() {
		return nil, fmt.Errorf("%s: scheme %s has no token request", c.Provider.ID, c.Provider.Auth.Scheme)
	}
	endpoint := c.Provider.Auth.Token
	if env := c.Provider.Environments[c.Environment]; env.Token != "" {
		endpoint = env.Token
	}
	target, err := c.address(endpoint, creds)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Provider.ID, TokenCall, err)
	}
	req, err := c.Provider.newTokenRequest(ctx, target, creds, want)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Provider.ID, TokenCall, err)
	}
	return c.send(ctx, TokenCall, req)
}

// Token returns an access token for the scopes: the one held, or a new one.
// When the provider refuses, the token is empty and the response says why; a
// held token comes without a response.
func (c *Client) Token(ctx context.Context, creds Credentials, scopes []string) (Token, *Response, error) {
	fetch := func(ctx context.Context) (fetched, error) {
		resp, err := c.Authenticate(ctx, creds, TokenRequest{Scopes: scopes})
		if err != nil {
			return fetched{}, err
		}
		token, _ := c.ReadToken(resp)
		return fetched{token, resp}, nil
	}
	var f fetched
	var err error
	if c.Tokens == nil {
		f, err = fetch(ctx)
	} else {
		key := strings.Join([]string{c.Provider.ID, c.Environment, c.BaseURL, creds.fingerprint(), c.Provider.JoinScopes(scopes)}, "\x00")
		f, err = c.Tokens.get(ctx, key, c.now, fetch)
	}
	return f.token, f.response, err
}

// ReadToken reads the token of a response that issued one: any status of 2xx
// with a token at the provider's path. The token is returned along with an
// error when only its expiry cannot be read.
func (c *Client) ReadToken(resp *Response) (Token, error) {
	if resp.Status < 200 || resp.Status > 299 {
		return Token{}, fmt.Errorf("%w: status %d", ErrNoToken, resp.Status)
	}
	return c.Provider.ReadToken(resp.Body, c.now())
}

// Call sends the named call with the provider's credential: with an access
// token, held or fetched, where the provider issues tokens. When the provider
// refuses the token, the response is the one to the token request.
func (c *Client) Call(ctx context.Context, creds Credentials, name string, scopes []string) (*Response, error) {
	call, err := c.call(name)
	if err != nil {
		return nil, err
	}
	vars := map[string]string(creds)
	if !call.Public && c.Provider.HasToken() {
		token, resp, err := c.Token(ctx, creds, scopes)
		if err != nil {
			return nil, err
		}
		if token.Value == "" {
			return resp, nil
		}
		vars = creds.With("access_token", token.Value)
	}
	return c.sendCall(ctx, name, call, vars)
}

// CallWithToken sends the named call with the token as it stands; without any
// when it is empty.
func (c *Client) CallWithToken(ctx context.Context, creds Credentials, token, name string) (*Response, error) {
	call, err := c.call(name)
	if err != nil {
		return nil, err
	}
	return c.sendCall(ctx, name, call, creds.With("access_token", token))
}

func (c *Client) call(name string) (Call, error) {
	call, ok := c.Provider.Calls[name]
	if !ok {
		return Call{}, &UnknownCallError{Provider: c.Provider, Call: name}
	}
	return call, nil
}

// An UnknownCallError names a call that the provider file does not have.
type UnknownCallError struct {
	Provider *Provider
	Call     string
}

func (e *UnknownCallError) Error() string {
	names := e.Provider.CallNames()
	if len(names) == 0 {
		return fmt.Sprintf("%s: no call %q: the provider file lists no calls", e.Provider.ID, e.Call)
	}
	return fmt.Sprintf("%s: no call %q%s: the provider file has %s", e.Provider.ID, e.Call,
		suggest.DidYouMean(e.Call, names), strings.Join(names, ", "))
}

func (c *Client) sendCall(ctx context.Context, name string, call Call, vars map[string]string) (*Response, error) {
	target, err := c.address(call.Endpoint, vars)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Provider.ID, name, err)
	}
	body, err := expand(call.Body, vars)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: body: %w", c.Provider.ID, name, err)
	}
	req, err := http.NewRequestWithContext(ctx, call.Endpoint.Method(), target, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Provider.ID, name, withoutURL(err))
	}
	if len(call.Query) > 0 {
		q := req.URL.Query()
		for _, key := range sortedKeys(call.Query) {
			if value, err := expand(call.Query[key], vars); err == nil { // else left out, as a credential is
				q.Set(key, value)
			}
		}
		req.URL.RawQuery = q.Encode()
	}
	setHeaders(req, c.Provider.Headers, vars)
	setHeaders(req, call.Headers, vars)
	if !call.Public {
		c.Provider.authorize(req, vars)
	}
	return c.send(ctx, name, req)
}

// withoutURL leaves out the URL that an error is about: a credential may stand
// in it.
func withoutURL(err error) error {
	var about *url.Error
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

// setHeaders sets headers in place of those there are. One without a value
// takes a header away; one whose credential is missing is left out, as that of
// authorize is.
func setHeaders(req *http.Request, headers, vars map[string]string) {
	for _, name := range sortedKeys(headers) {
		value, err := expand(headers[name], vars)
		switch {
		case err != nil:
		case value == "":
			req.Header.Del(name)
		default:
			req.Header.Set(name, value)
		}
	}
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// send goes to the transport directly: http.Client would follow redirects,
// and put the query string, which may hold an API key, into its errors.
func (c *Client) send(ctx context.Context, name string, req *http.Request) (*Response, error) {
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if c.UserAgent != "" && req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	resp := &Response{Call: name, Request: req, RequestBody: readBody(req), Started: time.Now()}

	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, callKey{}, name), timeout)
	defer cancel()
	err := resp.exchange(ctx, c.Transport)
	resp.Duration = time.Since(resp.Started)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		resp.Err = err
		err = fmt.Errorf("%s: %s: %w", c.Provider.ID, name, err)
	}
	if c.Observe != nil {
		c.Observe(resp, err)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

type callKey struct{}

// CallOf returns the name of the call that a request on its way belongs to:
// TokenCall or one of the provider file. Round trippers that treat token
// requests differently ask it; it is empty for the request of anyone else.
func CallOf(ctx context.Context) string {
	name, _ := ctx.Value(callKey{}).(string)
	return name
}

func readBody(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	content, _ := io.ReadAll(body) // a bytes or strings reader of our own
	return content
}
