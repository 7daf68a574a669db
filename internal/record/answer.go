package record

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

func scenarioID(res *check.Result) string { return fmt.Sprintf("%s:%d", res.URI, res.Line) }

func callOf(situation string) string {
	call, _, _ := strings.Cut(situation, "/")
	return call
}

// Fixture returns the name of the fixture that serves the situation,
// "call/situation": the provider's answers are followed.
func (x *Exchange) Fixture(p *providers.Provider) string {
	call, name, _ := strings.Cut(x.Situation, "/")
	return p.Situation(call, name)
}

// Granted reports whether the request meets a success by rights.
func (x *Exchange) Granted() bool {
	return strings.HasSuffix(x.Situation, "/issued") || strings.HasSuffix(x.Situation, "/ok")
}

func (x *Exchange) succeeded() bool { return x.Status >= 200 && x.Status <= 299 }

// A Silence is why an answer says nothing about its situation.
type Silence struct {
	Cause check.Cause
	Text  string
}

// Silence returns why the answer says nothing about how the provider answers
// its situation, or nil if it does. An answer of the kind that known has says
// something, whatever it is; known may be nil.
func (x *Exchange) Silence(p *providers.Provider, known *simulator.Fixture) *Silence {
	silent := func(cause check.Cause, format string, args ...any) *Silence {
		return &Silence{cause, fmt.Sprintf(format, args...)}
	}
	if !p.HasSituation(x.Situation) {
		return silent(check.UnknownCall, "the provider file has no such call")
	}
	expected := 0
	html := false
	if known != nil {
		expected = known.Status
		html = strings.Contains(known.Header.Get("Content-Type"), "html")
	}
	switch code := p.ErrorCode(x.Response); {
	case x.Status == expected && !x.isPage():
		return nil
	case x.Status == http.StatusTooManyRequests && !strings.HasSuffix(x.Situation, "/rate_limited"):
		return silent(check.RateLimited, "429: too many requests")
	case x.Status >= 500:
		return silent(check.ProviderDown, "%d: the provider has a problem of its own", x.Status)
	case x.Status >= 300 && x.Status < 400:
		return silent(check.Redirected, "%d: a redirect, which is not followed", x.Status)
	case x.isPage() && !html:
		return silent(check.NotAnAPIAnswer, "%d: a page for people answered, not the API", x.Status)
	case !x.Granted() || x.succeeded():
		return nil
	case code == "invalid_scope", code == "insufficient_scope":
		return silent(check.ScopeMissing, "%d: the scope was refused", x.Status)
	case x.Status == http.StatusUnauthorized, x.Status == http.StatusForbidden,
		code == "invalid_client", code == "unauthorized_client", code == "invalid_grant", code == "access_denied":
		return silent(check.CredentialRejected, "%d: the credential was refused", x.Status)
	}
	return nil
}

func (x *Exchange) isPage() bool { return strings.Contains(x.ContentType(), "html") }
