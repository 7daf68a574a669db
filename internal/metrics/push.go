package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	dto "github.com/prometheus/client_model/go"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
)

const (
	job         = "authspec"
	pushTimeout = 10 * time.Second
	mostQuoted  = 300 // bytes of an answer
)

// Push puts metrics onto a Pushgateway, in place of all that its job authspec
// had there. The gateway is a URL that ends before /metrics/job/…; user and
// password in it become Basic authentication, and are sent in clear to this
// machine only. Redirects are not followed, and after 10 seconds it gives up.
//
// No error shows the URL beyond its host, or a secret. Nothing is sent, and the
// error wraps ErrLeak, when a secret is in the metrics.
func Push(ctx context.Context, carrier http.RoundTripper, gateway string, g prometheus.Gatherer, erase *redact.Redactor) error {
	to, err := newGateway(carrier, gateway, erase)
	if err != nil {
		return err
	}
	families, err := gather(g, erase)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	pusher := push.New(to.url.String(), job).Client(to).Gatherer(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil }))
	if to.user != nil {
		password, _ := to.user.Password()
		pusher.BasicAuth(to.user.Username(), password)
	}
	if err := pusher.PushContext(ctx); err != nil {
		return fmt.Errorf("pushgateway %s: %s", to.url.Host, to.explain(err))
	}
	return nil
}

// A gateway is a Pushgateway, and what it answered.
type gateway struct {
	client http.Client
	url    url.URL // without user and password
	user   *url.Userinfo
	erase  func(string) string

	status int    // 0: no answer
	says   string // why not, in plain text
}

func newGateway(carrier http.RoundTripper, address string, erase *redact.Redactor) (*gateway, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("pushgateway: want a URL such as https://push.example.com")
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, fmt.Errorf("pushgateway %s: leave out what follows ? or # in the URL", u.Host)
	case strings.Contains(u.Path, "/metrics/job"):
		return nil, fmt.Errorf("pushgateway %s: leave out /metrics/job and what follows it in the URL", u.Host)
	}
	g := &gateway{url: *u, user: u.User, erase: erase.String}
	g.url.User = nil
	g.client = http.Client{Transport: carrier, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if g.user == nil {
		return g, nil
	}
	if err := providers.SecureURL(u); err != nil {
		return nil, fmt.Errorf("pushgateway: a user and a password: %w", err)
	}
	g.erase = eraser(g.user, erase)
	return g, nil
}

// eraser erases user and password too. They are not added to erase itself,
// which may search the metrics: a user is often called authspec. A text with
// one that is too short to be found is erased as a whole.
func eraser(user *url.Userinfo, erase *redact.Redactor) func(string) string {
	own := redact.New()
	password, _ := user.Password()
	own.AddPair("pushgateway", user.Username(), password)
	for _, secret := range []string{user.Username(), password} {
		if secret != "" && !own.Add("pushgateway", secret) {
			return func(string) string { return "" }
		}
	}
	return func(s string) string { return own.String(erase.String(s)) }
}

// Do sends a request of the Pusher's, and keeps what is to be said of the
// answer. The Pusher sees no body: it would read it to its end.
func (g *gateway) Do(req *http.Request) (*http.Response, error) {
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	g.status = resp.StatusCode
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/plain" && g.status >= 400 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 16*mostQuoted))
		g.says = g.erase(string(text))
	}
	resp.Body = http.NoBody
	return resp, nil
}

// explain says what went wrong, and what to do.
func (g *gateway) explain(err error) string {
	switch {
	case g.status == 0 && errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: is it running, and may this machine reach it?"
	case g.status == 0 && errors.Is(err, context.Canceled):
		return "interrupted before it answered"
	case g.status == 0:
		var sending *url.Error
		if errors.As(err, &sending) {
			err = sending.Err // without the URL
		}
		return strings.TrimSuffix("not reached: "+g.erase(err.Error()), ": ")
	case g.status < 400:
		return fmt.Sprintf("status %d: it redirects, which is not followed: give the URL to which it does", g.status)
	case g.status == http.StatusUnauthorized || g.status == http.StatusForbidden:
		if g.user == nil {
			return fmt.Sprintf("status %d: it wants a user and a password: https://USER:PASSWORD@%s", g.status, g.url.Host)
		}
		return fmt.Sprintf("status %d: it does not accept the user and the password in the URL", g.status)
	case g.status == http.StatusNotFound || g.status == http.StatusMethodNotAllowed:
		return fmt.Sprintf("status %d: no Pushgateway is at this URL, which ends before /metrics/job", g.status)
	}
	text := fmt.Sprintf("status %d %s", g.status, http.StatusText(g.status))
	if says, _, _ := strings.Cut(strings.TrimSpace(g.says), "\n"); says != "" {
		text += ": " + printable(says[:min(len(says), mostQuoted)])
	}
	return text
}
