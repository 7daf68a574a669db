package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/transport"
)

type carrierFunc func(*http.Request) (*http.Response, error)

func (f carrierFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// live is the carrier of the command.
func live(t *testing.T) http.RoundTripper {
	t.Helper()
	carrier, err := transport.NewLive(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(carrier.CloseIdleConnections)
	return carrier
}

// withUser puts user and password into the URL of a server.
func withUser(server *httptest.Server, userinfo string) string {
	return strings.Replace(server.URL, "://", "://"+userinfo+"@", 1)
}

func TestPushReplacesTheGroup(t *testing.T) {
	var method, path, authorization string
	var got []*dto.MetricFamily
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		method, path, authorization = r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization")
		got = nil
		for decoder := expfmt.NewDecoder(r.Body, expfmt.ResponseFormat(r.Header)); ; {
			f := &dto.MetricFamily{}
			if err := decoder.Decode(f); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				return
			}
			got = append(got, f)
		}
	}))
	defer server.Close()
	want, err := gathered(t, sampleNight).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for gateway, as := range map[string][2]string{
		server.URL:                                     {"/metrics/job/authspec", ""},
		server.URL + "/":                               {"/metrics/job/authspec", ""},
		server.URL + "/push/gateway":                   {"/push/gateway/metrics/job/authspec", ""},
		withUser(server, "nightly:p%40ss%3Aword"):      {"/metrics/job/authspec", "Basic bmlnaHRseTpwQHNzOndvcmQ="},
		withUser(server, "only-a-token"):               {"/metrics/job/authspec", "Basic b25seS1hLXRva2VuOg=="},
		withUser(server, "authspec:run_started") + "/": {"/metrics/job/authspec", "Basic YXV0aHNwZWM6cnVuX3N0YXJ0ZWQ="},
	} {
		if err := Push(t.Context(), live(t), gateway, gathered(t, sampleNight), redact.New()); err != nil {
			t.Errorf("%s: %v", gateway, err)
			continue
		}
		if diff := cmp.Diff([]string{http.MethodPut, as[0], as[1]}, []string{method, path, authorization}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", gateway, diff)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d families arrived, want %d", gateway, len(got), len(want))
		}
		for i := range want {
			if got[i].GetName() != want[i].GetName() || got[i].GetHelp() != want[i].GetHelp() {
				t.Errorf("%s: got %s (%s)", gateway, got[i].GetName(), got[i].GetHelp())
			}
			if diff := cmp.Diff(series(want[i]), series(got[i])); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", gateway, want[i].GetName(), diff)
			}
		}
	}
}

func TestPushErrorsSayWhatToDo(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "/elsewhere?key=s3cr3t-of-antsomi")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "AUTHORIZATION", r.Header.Get("Authorization")))
		}
	}
	const plain = "text/plain; charset=utf-8"
	for name, tt := range map[string]struct {
		userinfo string
		handler  http.HandlerFunc
		want     string
	}{
		"refused metrics": {"", answer(400, plain, "pushed metrics are invalid or inconsistent\nsecond line"), "HOST: status 400 Bad Request: pushed metrics are invalid or inconsistent"},
		"a page":          {"", answer(413, "text/html", "<html>413"), "HOST: status 413 Request Entity Too Large"},
		"a fault":         {"", answer(500, plain, ""), "HOST: status 500 Internal Server Error"},
		"control":         {"", answer(500, plain, "\x1b[31mred\xff"), `HOST: status 500 Internal Server Error: \x1b[31mred\xff`},
		"nobody":          {"", answer(401, plain, "no"), "HOST: status 401: it wants a user and a password: https://USER:PASSWORD@HOST"},
		"somebody else":   {"nightly:passw0rd", answer(403, plain, "no"), "HOST: status 403: it does not accept the user and the password in the URL"},
		"another server":  {"", answer(404, plain, "404 page not found"), "HOST: status 404: no Pushgateway is at this URL, which ends before /metrics/job"},
		"a redirect":      {"nightly:passw0rd", answer(307, plain, "AUTHORIZATION"), "HOST: status 307: it redirects, which is not followed: give the URL to which it does"},
		"an echo": {"nightly:passw0rd", answer(500, plain, "AUTHORIZATION nightly passw0rd s3cr3t-of-antsomi"),
			"HOST: status 500 Internal Server Error: Basic <redacted:pushgateway> <redacted:pushgateway> <redacted:pushgateway> <redacted:client secret>"},
		"a short password": {"nightly:abc", answer(500, plain, "AUTHORIZATION abc"), "HOST: status 500 Internal Server Error"},
		"a long story":     {"", answer(500, plain, strings.Repeat("x", 1<<20)), "HOST: status 500 Internal Server Error: " + strings.Repeat("x", mostQuoted)},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				tt.handler(w, r)
			}))
			defer server.Close()
			gateway := server.URL
			if tt.userinfo != "" {
				gateway = withUser(server, tt.userinfo)
			}
			erase := redact.New()
			erase.Add("client secret", "s3cr3t-of-antsomi")
			err := Push(t.Context(), live(t), gateway, gathered(t, sampleNight), erase)
			if err == nil {
				t.Fatal("no error")
			}
			host := strings.TrimPrefix(server.URL, "http://")
			if diff := cmp.Diff("pushgateway "+strings.ReplaceAll(tt.want, "HOST", host), err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestGatewayURL(t *testing.T) {
	refuse := carrierFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, io.EOF
	})
	const want = "pushgateway: want a URL such as https://push.example.com"
	for gateway, want := range map[string]string{
		"":                                                want,
		"push.example.com:9091":                           want,
		"user:passw0rd@push.example.com":                  want,
		"https://user:pass w0rd@host":                     want,
		"https://passw0rd:%zz@host":                       want,
		"ftp://push.example.com/passw0rd":                 want,
		"https:///passw0rd":                               want,
		"https:passw0rd":                                  want,
		"https://push.example.com?passw0rd":               "pushgateway push.example.com: leave out what follows ? or # in the URL",
		"https://push.example.com/#passw0rd":              "pushgateway push.example.com: leave out what follows ? or # in the URL",
		"https://push.example.com/metrics/job/passw0rd":   "pushgateway push.example.com: leave out /metrics/job and what follows it in the URL",
		"http://nightly:passw0rd@push.example.com:9091/x": "pushgateway: a user and a password: plain http only goes to this machine (127.0.0.1, localhost), not to push.example.com:9091: use https",
	} {
		err := Push(t.Context(), refuse, gateway, gathered(t, sampleNight), nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", gateway, err, want)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	server := httptest.NewServer(nil)
	closed := server.URL
	server.Close()
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	for gateway, want := range map[string]string{
		strings.Replace(closed, "://", "://nightly:passw0rd@", 1): "connection refused",
		withUser(tls, "nightly:passw0rd"):                         "certificate",
	} {
		err := Push(t.Context(), live(t), gateway, gathered(t, sampleNight), nil)
		switch {
		case err == nil, !strings.Contains(err.Error(), ": not reached: "), !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %s", gateway, err, want)
		case strings.Contains(err.Error(), "passw0rd"), strings.Contains(err.Error(), "nightly"), strings.Contains(err.Error(), "http"):
			t.Errorf("shown: %v", err)
		}
	}
}

// Whatever the gateway does, or does not, it has ten seconds.
func TestPushGivesUp(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, carrier := range map[string]carrierFunc{
		"no answer": func(req *http.Request) (*http.Response, error) { return nil, hang(req.Context()) },
		"an answer without end": func(req *http.Request) (*http.Response, error) {
			body, end := io.Pipe()
			go func() { end.CloseWithError(hang(req.Context())) }()
			return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"text/plain"}}, Body: body}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				err := Push(t.Context(), carrier, "https://push.example.com", gathered(t, sampleNight), nil)
				if took := time.Since(start); err == nil || took != pushTimeout {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Push(ctx, carrierFunc(func(req *http.Request) (*http.Response, error) { return nil, hang(req.Context()) }), "https://push.example.com", gathered(t, sampleNight), nil)
	if err == nil || err.Error() != "pushgateway push.example.com: interrupted before it answered" {
		t.Error(err)
	}
}

func TestSecretsAreNotPushed(t *testing.T) {
	erase := redact.New()
	erase.Add("client secret", secret)
	sent := false
	carrier := carrierFunc(func(req *http.Request) (*http.Response, error) {
		sent = true
		b, _ := io.ReadAll(req.Body)
		if bytes.Contains(b, []byte(secret)) {
			t.Error("the secret was sent")
		}
		return nil, io.EOF
	})
	for name, night := range leaks {
		if err := Push(t.Context(), carrier, "https://push.example.com", gathered(t, night), erase); !errors.Is(err, ErrLeak) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent {
		t.Error("a request was sent")
	}
}
