package providers_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
)

// over returns a client of the provider that talks to handler over TCP, by the
// transport of live runs.
func over(t *testing.T, p *providers.Provider, handler http.HandlerFunc) *providers.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	live, err := transport.NewLive(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		live.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return &providers.Client{Provider: p, BaseURL: server.URL, Transport: live, Timeout: 30 * time.Second, UserAgent: "authspec/test"}
}

// A credential must not travel to where a response points: 307 and 308 would
// take the form along, 302 the headers.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			var strangers atomic.Int32
			stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
			defer stranger.Close()
			var paths []string
			client := over(t, example(t), func(w http.ResponseWriter, r *http.Request) {
				paths = append(paths, r.Method+" "+r.URL.Path)
				target := stranger.URL + "/elsewhere"
				if r.URL.Path == "/me" {
					target = "/login" // on the same host
				}
				w.Header().Set("Location", target)
				w.WriteHeader(status)
			})
			resp, err := client.Authenticate(t.Context(), someCredentials, providers.TokenRequest{})
			if err != nil || resp.Status != status || resp.Header.Get("Location") != stranger.URL+"/elsewhere" {
				t.Errorf("token: got %v, %v, want the redirect itself", resp, err)
			}
			resp, err = client.CallWithToken(t.Context(), nil, "a-token", "me")
			if err != nil || resp.Status != status {
				t.Errorf("call: got %v, %v, want the redirect itself", resp, err)
			}
			if diff := cmp.Diff([]string{"POST /token", "GET /me"}, paths); diff != "" {
				t.Errorf("requests (-want +got)\n%s", diff)
			}
			if n := strangers.Load(); n != 0 {
				t.Errorf("%d requests went elsewhere", n)
			}
		})
	}
}

func TestResponseBodyLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		want error
	}{
		{"empty", 0, nil},
		{"as large as allowed", providers.MaxBody, nil},
		{"a byte too large", providers.MaxBody + 1, providers.ErrTooLarge},
		{"much too large", 4 * providers.MaxBody, providers.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := over(t, example(t), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(bytes.Repeat([]byte("x"), c.size))
			})
			resp, err := client.CallWithToken(t.Context(), nil, "a-token", "me")
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && len(resp.Body) != c.size {
				t.Errorf("got %d bytes, want %d", len(resp.Body), c.size)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "example: me: ") {
				t.Errorf("want the provider and the call first: %v", err)
			}
		})
	}
}

// 256 MiB in some 256 KiB: it is the size after decompression that counts.
func TestGzipBomb(t *testing.T) {
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	_, _ = w.Write(make([]byte, 1<<20))
	w.Close()
	bomb := bytes.Repeat(member.Bytes(), 256) // members follow each other (RFC 1952 2.2)
	client := over(t, example(t), func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compressed answers are not asked for: the test tests nothing")
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.CallWithToken(t.Context(), nil, "a-token", "me")
	runtime.ReadMemStats(&after)
	if !errors.Is(err, providers.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, providers.ErrTooLarge)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MiB were allocated for it", used>>20)
	}
}

func TestGzipIsRead(t *testing.T) {
	client := over(t, example(t), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"id": 1}`)
		z.Close()
	})
	resp, err := client.CallWithToken(t.Context(), nil, "a-token", "me")
	if err != nil || string(resp.Body) != `{"id": 1}` {
		t.Errorf("got %v, %v", resp, err)
	}
}

// Headers in time do not help when the body drips.
func TestTimeouts(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a dripping body": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := over(t, example(t), handler)
			client.Timeout = 50 * time.Millisecond
			var observed *providers.Response
			client.Observe = func(resp *providers.Response, err error) {
				observed = resp
				if err == nil {
					t.Error("a failure was observed without its error")
				}
			}
			started := time.Now()
			_, err := client.CallWithToken(t.Context(), nil, "a-token", "me")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want a deadline exceeded", err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if observed == nil || observed.Status != 0 || observed.Call != "me" || observed.Duration < client.Timeout {
				t.Errorf("observed %+v", observed)
			}
		})
	}
}

func TestCallerCanCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := over(t, example(t), func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := client.CallWithToken(ctx, nil, "a-token", "me"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestHeadersOfEveryRequest(t *testing.T) {
	p := example(t)
	p.Calls["vendor"] = providers.Call{Endpoint: "GET /vendor", Headers: map[string]string{"Accept": "application/vnd.api+json", "X-Client": "{client_id}"}}
	type headers struct{ Accept, UserAgent, Client string }
	seen := map[string]headers{}
	client := over(t, p, func(w http.ResponseWriter, r *http.Request) {
		seen[r.URL.Path] = headers{r.Header.Get("Accept"), r.Header.Get("User-Agent"), r.Header.Get("X-Client")}
		_, _ = io.WriteString(w, `{"access_token": "a-token", "expires_in": 3600}`)
	})
	for _, call := range []string{"me", "vendor"} {
		if _, err := client.Call(t.Context(), someCredentials, call, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]headers{
		"/token":  {"application/json", "authspec/test", ""},
		"/me":     {"application/json", "authspec/test", ""},
		"/vendor": {"application/vnd.api+json", "authspec/test", "some-client"},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A response that merely says no is no error, and comes whole.
func TestRefusalIsAResponse(t *testing.T) {
	client := over(t, example(t), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "Application/JSON; Charset=utf-8")
		w.Header().Add("WWW-Authenticate", "Basic")
		w.Header().Add("WWW-Authenticate", "Bearer")
		w.WriteHeader(401)
		_, _ = io.WriteString(w, `{"error": "invalid_client"}`)
	})
	resp, err := client.Authenticate(t.Context(), someCredentials, providers.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Status != 401 || string(resp.Body) != `{"error": "invalid_client"}` || resp.ContentType() != "application/json" || len(resp.Header.Values("WWW-Authenticate")) != 2 {
		t.Errorf("got %d %s %q", resp.Status, resp.ContentType(), resp.Body)
	}
	if code := client.Provider.ErrorCode(resp); code != "invalid_client" {
		t.Errorf("error code %q", code)
	}
	if got := string(resp.RequestBody); got != "grant_type=client_credentials&client_id=some-client&client_secret=some-s3cr3t" {
		t.Errorf("request body %q", got)
	}
	if resp.Duration <= 0 || resp.Started.IsZero() || resp.Call != "token" {
		t.Errorf("call %q, started %v, took %v", resp.Call, resp.Started, resp.Duration)
	}
}

// A refused token request ends a call: nothing is sent without a token.
func TestCallWithoutATokenIsNotSent(t *testing.T) {
	var paths []string
	client := over(t, example(t), func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		w.WriteHeader(401)
	})
	resp, err := client.Call(t.Context(), someCredentials, "me", nil)
	if err != nil || resp.Call != "token" || resp.Status != 401 {
		t.Errorf("got %v, %v, want the refusal", resp, err)
	}
	if diff := cmp.Diff([]string{"/token"}, paths); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnknownCall(t *testing.T) {
	client := &providers.Client{Provider: example(t)}
	_, err := client.Call(t.Context(), someCredentials, "mee", nil)
	var unknown *providers.UnknownCallError
	if !errors.As(err, &unknown) || err.Error() != `example: no call "mee" (did you mean "me"?): the provider file has me` {
		t.Errorf("got %v", err)
	}
	client.Provider = &providers.Provider{ID: "example"}
	_, err = client.CallWithToken(t.Context(), nil, "", "me")
	if err == nil || err.Error() != `example: no call "me": the provider file lists no calls` {
		t.Errorf("got %v", err)
	}
}

// An error says what failed, not what was sent: an API key in the query
// string, a secret in the form, a token in the header.
func TestErrorsShowNoSecret(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	key, err := providers.Parse("key.yaml", []byte(`
name: Key
docs: https://example.com/docs
base_url: https://api.example.com
credentials: {api_key: KEY_API_KEY}
auth: {scheme: query, query: api_key}
calls:
  me: {endpoint: GET /me}
  path: {endpoint: "GET /bot{api_key}/me"}
`))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cr3t-0123456789"
	for name, send := range map[string]func(c *providers.Client) error{
		"query": func(c *providers.Client) error {
			c.Provider = key
			_, err := c.Call(t.Context(), providers.Credentials{"api_key": secret}, "me", nil)
			return err
		},
		"path": func(c *providers.Client) error {
			c.Provider = key
			_, err := c.Call(t.Context(), providers.Credentials{"api_key": secret}, "path", nil)
			return err
		},
		"path that is no URL": func(c *providers.Client) error {
			c.Provider = key
			_, err := c.Call(t.Context(), providers.Credentials{"api_key": secret + "\x7f"}, "path", nil)
			return err
		},
		"form": func(c *providers.Client) error {
			_, err := c.Authenticate(t.Context(), providers.Credentials{"client_id": "a", "client_secret": secret}, providers.TokenRequest{})
			return err
		},
		"token": func(c *providers.Client) error {
			_, err := c.CallWithToken(t.Context(), nil, secret, "me")
			return err
		},
		"token that is no header": func(c *providers.Client) error {
			_, err := c.CallWithToken(t.Context(), nil, secret+"\n", "me")
			return err
		},
		"placeholder": func(c *providers.Client) error {
			p := *example(t)
			p.Calls = map[string]providers.Call{"me": {Endpoint: "GET /{missing}"}}
			c.Provider = &p
			_, err := c.CallWithToken(t.Context(), providers.Credentials{"client_secret": secret}, "", "me")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			live, err := transport.NewLive(nil)
			if err != nil {
				t.Fatal(err)
			}
			err = send(&providers.Client{Provider: example(t), BaseURL: closed.URL, Transport: live})
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the secret stands in: %v", err)
			}
		})
	}
}

func TestCredentialsAndTokensAreNeverShown(t *testing.T) {
	const secret = "s3cr3t-0123456789"
	creds := providers.Credentials{"client_id": secret + "-id", "client_secret": secret}
	token := providers.Token{Value: secret, Type: "Bearer", Scope: "read", Expires: noon}
	forms := []string{
		secret, url.QueryEscape(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret),
		fmt.Sprintf("%d", []byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
	}
	for name, value := range map[string]any{
		"credentials":              creds,
		"pointer to credentials":   &creds,
		"credentials in a struct":  struct{ C providers.Credentials }{creds},
		"credentials in a list":    []providers.Credentials{creds},
		"credentials in a map":     map[string]providers.Credentials{"a": creds},
		"token":                    token,
		"pointer to a token":       &token,
		"token in a struct":        struct{ T providers.Token }{token},
		"pointer in a struct":      struct{ T *providers.Token }{&token},
		"token in a list":          []providers.Token{token},
		"error with both":          fmt.Errorf("%v %v", creds, token),
		"error about missing ones": &providers.MissingCredentialsError{Provider: "example", Variables: []string{"EXAMPLE_CLIENT_SECRET"}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d"} {
			shown := fmt.Sprintf(verb, value)
			for _, form := range forms {
				if strings.Contains(shown, form) {
					t.Errorf("%s by %s: %s", name, verb, shown)
				}
			}
		}
	}
	if got := fmt.Sprint(creds); got != "credentials(client_id, client_secret)" {
		t.Errorf("credentials are shown as %s", got)
	}
	if got := fmt.Sprint(token); got != "access token (17 characters)" {
		t.Errorf("a token is shown as %s", got)
	}
}

func TestCredentialsFrom(t *testing.T) {
	p := example(t)
	env := func(values map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	}
	creds, err := p.CredentialsFrom(env(map[string]string{"EXAMPLE_CLIENT_ID": "a\r\n", "EXAMPLE_CLIENT_SECRET": " b c \n", "OTHER": "x"}))
	if diff := cmp.Diff(map[string]string{"client_id": "a", "client_secret": " b c "}, map[string]string(creds)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for _, c := range []struct {
		values map[string]string
		want   string
	}{
		{nil, "example: no credentials: set EXAMPLE_CLIENT_ID and EXAMPLE_CLIENT_SECRET"},
		{map[string]string{"EXAMPLE_CLIENT_ID": "a"}, "example: no credentials: set EXAMPLE_CLIENT_SECRET"},
		{map[string]string{"EXAMPLE_CLIENT_ID": "a", "EXAMPLE_CLIENT_SECRET": "\n"}, "example: no credentials: set EXAMPLE_CLIENT_SECRET"},
	} {
		creds, err := p.CredentialsFrom(env(c.values))
		var missing *providers.MissingCredentialsError
		if !errors.As(err, &missing) || err.Error() != c.want || creds != nil {
			t.Errorf("%v: got %v, want %s", c.values, err, c.want)
		}
	}
}

func TestEndpointsMeetBaseURLs(t *testing.T) {
	for _, c := range []struct {
		endpoint, base string
		override       bool
		want           string
	}{
		{"GET /me", "https://api.example.com", false, "https://api.example.com/me"},
		{"GET /me", "https://api.example.com/", false, "https://api.example.com/me"},
		{"GET /me", "https://api.example.com/v1", false, "https://api.example.com/v1/me"},
		{"GET /me", "http://127.0.0.1:8080", true, "http://127.0.0.1:8080/me"},
		{"GET /me?fields=id", "https://api.example.com", false, "https://api.example.com/me?fields=id"},
		{"POST https://login.example.com/token", "https://api.example.com", false, "https://login.example.com/token"},
		{"POST https://login.example.com/token", "http://127.0.0.1:8080", true, "http://127.0.0.1:8080/token"},
		{"POST https://login.example.com/token?v=2", "http://127.0.0.1:8080", true, "http://127.0.0.1:8080/token?v=2"},
		{"GET /a%2Fb", "https://api.example.com", false, "https://api.example.com/a%2Fb"},
		{"GET https://api.example.com/a%2Fb", "http://127.0.0.1:8080", true, "http://127.0.0.1:8080/a%2Fb"},
	} {
		e := providers.Endpoint(c.endpoint)
		if got := e.URL(c.base, c.override); got != c.want {
			t.Errorf("%s at %s (override %v): got %s, want %s", c.endpoint, c.base, c.override, got, c.want)
		}
	}
}
