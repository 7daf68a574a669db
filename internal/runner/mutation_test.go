package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// The mutation tests prove the features by breaking the providers: each row
// changes one thing a simulated provider does, and names exactly the scenarios
// that must notice, with their verdict and cause. All others must come out as
// they do without the change, so a skip is no catch and a scenario that fails
// for the wrong reason is a failure of the test.

// A mutation is one change to a provider.
type mutation struct {
	name   string
	change change
	// notices is who must turn red: "verdict: cause" to the scenarios. Nil is
	// for changes that an honest client must not mind.
	notices map[string][]string
}

// A change stands between the client and the true simulated provider, one for
// each scenario.
type change func(next http.RoundTripper) http.RoundTripper

// testMutations runs the provider's features once as they are and once for
// each mutation.
func testMutations(t *testing.T, provider string, mutations []mutation) {
	truth := outcomes(t, provider, nil)
	noticed := 0
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			if diff := cmp.Diff(expected(t, truth, m.notices), outcomes(t, provider, m.change)); diff != "" {
				t.Errorf("scenarios (-want +got):\n%s", diff)
			}
		})
		if len(m.notices) > 0 {
			noticed++
		}
	}
	if noticed < 12 {
		t.Errorf("%d mutations have to be noticed, want at least 12", noticed)
	}
}

// expected is truth but for the scenarios that notice.
func expected(t *testing.T, truth map[string]string, notices map[string][]string) map[string]string {
	t.Helper()
	want := maps.Clone(truth)
	for outcome, names := range notices {
		for _, name := range names {
			if _, ok := truth[name]; !ok {
				t.Fatalf("the feature has no scenario %q", name)
			}
			if want[name] != truth[name] {
				t.Fatalf("the row names %q twice", name)
			}
			want[name] = outcome
		}
	}
	return want
}

// outcomes runs the provider's features against a changed provider and returns
// what became of each scenario: "passed", or its verdict and cause.
func outcomes(t *testing.T, provider string, c change) map[string]string {
	t.Helper()
	run := builtin(t, Selection{Args: []string{provider}}, Options{Version: "test", Concurrency: 2, Wrap: c})
	return outcomesOf(t, run)
}

func outcomesOf(t *testing.T, run *check.Run) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, res := range run.Results {
		outcome := string(res.Verdict)
		if res.Cause != "" {
			outcome += ": " + string(res.Cause)
		}
		if _, twice := got[res.Scenario]; twice {
			t.Fatalf("two scenarios are called %q", res.Scenario)
		}
		got[res.Scenario] = outcome
	}
	if len(got) != run.Selected {
		t.Fatalf("%d results of %d scenarios", len(got), run.Selected)
	}
	return got
}

// An answer is a response that a change may edit.
type answer struct {
	status int
	header http.Header
	body   []byte
}

type edit func(*answer)

// The places where a change can be made.
var (
	tokenAnswer  = answering(true, isSuccess) // a token is issued
	tokenRefusal = answering(true, isRefusal) // a token is refused
	anyToken     = answering(true, isAny)
	callAnswer   = answering(false, isSuccess) // a call is served
	callRefusal  = answering(false, isRefusal) // a call is refused
)

func isSuccess(status int) bool { return status < 300 }
func isRefusal(status int) bool { return status >= 400 && status < 500 }
func isAny(status int) bool     { return true }

// answering returns a constructor of changes to the answers at one place.
func answering(token bool, where func(status int) bool) func(...edit) change {
	return func(edits ...edit) change {
		return func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(req)
				if err != nil || isTokenRequest(req) != token || !where(resp.StatusCode) {
					return resp, err
				}
				a := &answer{resp.StatusCode, resp.Header.Clone(), readAll(resp.Body)}
				for _, e := range edits {
					e(a)
				}
				return a.response(req), nil
			})
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// isTokenRequest tells the built-in providers' token requests from their
// calls, which are all GET.
func isTokenRequest(req *http.Request) bool { return req.Method == http.MethodPost }

func readAll(r io.ReadCloser) []byte {
	defer r.Close()
	content, _ := io.ReadAll(r) // from memory
	return content
}

func (a *answer) response(req *http.Request) *http.Response {
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}
}

func setStatus(status int) edit { return func(a *answer) { a.status = status } }

func setHeader(name, value string) edit { return func(a *answer) { a.header.Set(name, value) } }

func dropHeader(name string) edit { return func(a *answer) { a.header.Del(name) } }

func setBody(body string) edit { return func(a *answer) { a.body = []byte(body) } }

func truncateBody(a *answer) { a.body = a.body[:len(a.body)-3] }

// setField sets a field of the JSON body, "data.id" being one below data.
func setField(path string, value any) edit {
	return editObject(path, func(parent map[string]any, name string) { parent[name] = value })
}

func dropField(path string) edit {
	return editObject(path, func(parent map[string]any, name string) { delete(parent, name) })
}

func renameField(path, name string) edit {
	return editObject(path, func(parent map[string]any, old string) {
		parent[name] = parent[old]
		delete(parent, old)
	})
}

// editObject edits the object that holds the last name of path.
func editObject(path string, change func(parent map[string]any, name string)) edit {
	return func(a *answer) {
		decoder := json.NewDecoder(bytes.NewReader(a.body))
		decoder.UseNumber()
		var body map[string]any
		if err := decoder.Decode(&body); err != nil {
			panic(fmt.Sprintf("%s: %v", path, err))
		}
		names := strings.Split(path, ".")
		parent := body
		for _, name := range names[:len(names)-1] {
			parent = parent[name].(map[string]any)
		}
		change(parent, names[len(names)-1])
		a.body, _ = json.MarshalIndent(body, "", "  ") // was decoded from JSON
	}
}

// page is what a web server shows to people.
func page(status int) edit {
	return func(a *answer) {
		a.status = status
		a.header = http.Header{"Content-Type": {"text/html; charset=utf-8"}}
		a.body = []byte("<!doctype html>\n<title>Sign in</title>\n<form action=/login method=post>…</form>\n")
	}
}

func redirect(status int, target string) edit {
	return func(a *answer) {
		page(status)(a)
		a.header.Set("Location", target)
	}
}

func tooManyRequests(a *answer) {
	a.status = http.StatusTooManyRequests
	a.header = http.Header{"Content-Type": {"application/json"}, "Retry-After": {"60"}}
	a.body = []byte(`{"message": "Too Many Attempts."}`)
}

func serverError(status int) edit { return refuse(status, `{"message": "Server Error"}`) }

// refuse answers no, in JSON.
func refuse(status int, body string) edit {
	return func(a *answer) {
		a.status = status
		a.header = http.Header{"Content-Type": {"application/json"}}
		a.body = []byte(body)
	}
}

// onError edits only answers with this error code.
func onError(code string, e edit) edit {
	return func(a *answer) {
		if strings.Contains(string(a.body), strconv.Quote(code)) {
			e(a)
		}
	}
}

// rewriteForm makes the provider see another form than it was sent.
func rewriteForm(change func(url.Values)) change {
	return rewriting(func(req *http.Request) *http.Request {
		if !isTokenRequest(req) {
			return req
		}
		form, err := url.ParseQuery(string(bodyOf(req)))
		if err != nil {
			panic(err)
		}
		change(form)
		out := req.Clone(req.Context())
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out.Body = io.NopCloser(strings.NewReader(form.Encode()))
		return out
	})
}

// rewriteBasic makes the provider see other Basic credentials than it was
// sent; both are empty when there were none.
func rewriteBasic(change func(id, secret string) (string, string)) change {
	return rewriting(func(req *http.Request) *http.Request {
		if !isTokenRequest(req) {
			return req
		}
		id, secret, _ := req.BasicAuth()
		out := req.Clone(req.Context())
		out.SetBasicAuth(change(id, secret))
		return out
	})
}

func rewriting(rewrite func(*http.Request) *http.Request) change {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { return next.RoundTrip(rewrite(req)) })
	}
}

func bodyOf(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		panic(err)
	}
	return readAll(body)
}

// A bearer is what a call can carry in place of a token that is good.
type bearer int

const (
	missing bearer = iota
	unknown        // to the provider, malformed ones too
	expired
)

// admitting makes the provider serve calls that carry such a token.
func admitting(t *testing.T, provider string, admitted bearer) change {
	p := providerNamed(t, provider)
	return toBearer(p, admitted, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		client := &providers.Client{Provider: p, Transport: next}
		token, _, err := client.Token(req.Context(), simulator.TestCredentials(p), nil)
		if err != nil {
			return nil, err
		}
		out := req.Clone(req.Context())
		out.Header.Set("Authorization", "Bearer "+token.Value)
		return next.RoundTrip(out)
	})
}

// refusing edits the answers to calls that carry such a token.
func refusing(t *testing.T, provider string, refused bearer, e edit) change {
	return toBearer(providerNamed(t, provider), refused, func(next http.RoundTripper, req *http.Request) (*http.Response, error) {
		return callRefusal(e)(next).RoundTrip(req)
	})
}

// toBearer answers those calls otherwise that carry such a token and are
// refused.
func toBearer(p *providers.Provider, which bearer, respond func(next http.RoundTripper, req *http.Request) (*http.Response, error)) change {
	return func(next http.RoundTripper) http.RoundTripper {
		issued := map[string]bool{}
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			if isTokenRequest(req) {
				body := readAll(resp.Body)
				issued["Bearer "+gjson.GetBytes(body, p.Auth.Response.AccessToken).Str] = true
				return (&answer{resp.StatusCode, resp.Header, body}).response(req), nil
			}
			sent := req.Header.Get("Authorization")
			kind := unknown
			switch {
			case sent == "":
				kind = missing
			case issued[sent]:
				kind = expired
			}
			if isSuccess(resp.StatusCode) || kind != which {
				return resp, nil
			}
			return respond(next, req)
		})
	}
}

// withTokens makes the provider issue other tokens than it would, and accept
// them.
func withTokens(t *testing.T, provider string, other func(token string) string) change {
	p := providerNamed(t, provider)
	return func(next http.RoundTripper) http.RoundTripper {
		real := map[string]string{}
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if token, ok := real[req.Header.Get("Authorization")]; ok {
				req = req.Clone(req.Context())
				req.Header.Set("Authorization", token)
			}
			resp, err := next.RoundTrip(req)
			if err != nil || !isTokenRequest(req) || !isSuccess(resp.StatusCode) {
				return resp, err
			}
			a := &answer{resp.StatusCode, resp.Header, readAll(resp.Body)}
			token := gjson.GetBytes(a.body, p.Auth.Response.AccessToken).Str
			setField(p.Auth.Response.AccessToken, other(token))(a)
			real["Bearer "+other(token)] = "Bearer " + token
			return a.response(req), nil
		})
	}
}

// afterTheFirst makes a change to all token requests, or all calls, but the
// first of a scenario.
func afterTheFirst(token bool, c change) change {
	return func(next http.RoundTripper) http.RoundTripper {
		changed := c(next)
		seen := 0
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if isTokenRequest(req) == token {
				seen++
			}
			if isTokenRequest(req) == token && seen > 1 {
				return changed.RoundTrip(req)
			}
			return next.RoundTrip(req)
		})
	}
}

// sameToken makes the provider answer every token request as the first.
func sameToken(next http.RoundTripper) http.RoundTripper {
	var first *answer
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if isTokenRequest(req) && first != nil {
			return first.response(req), nil
		}
		resp, err := next.RoundTrip(req)
		if err != nil || !isTokenRequest(req) {
			return resp, err
		}
		first = &answer{resp.StatusCode, resp.Header, readAll(resp.Body)}
		return first.response(req), nil
	})
}

func providerNamed(t *testing.T, name string) *providers.Provider {
	t.Helper()
	w, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Providers.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testCredentials is what the simulated provider accepts.
func testCredentials(t *testing.T, provider string) (id, secret string) {
	t.Helper()
	creds := simulator.TestCredentials(providerNamed(t, provider))
	return creds["client_id"], creds["client_secret"]
}
