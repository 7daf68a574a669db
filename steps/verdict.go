package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/cucumber/godog"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// invalid is a mistake in the spec or the setup.
func invalid(cause check.Cause, message, advice string) error {
	return &check.Failure{Verdict: check.Invalid, Cause: cause, Message: message, Advice: advice}
}

// skip ends the scenario without a verdict on the provider.
func skip(cause check.Cause, message string) error {
	return fmt.Errorf("%w: %w", godog.ErrSkip, &check.Failure{Verdict: check.Skipped, Cause: cause, Message: message})
}

// networkFailure is a request that got no response: it says nothing about the
// credential. Its cause is told by the type of the error.
func (s *scenario) networkFailure(err error) error {
	var held *check.Failure
	var address *providers.AddressError
	switch {
	case errors.As(err, &address):
		return invalid(check.BadSecret, err.Error(), "Set "+address.Variable+" to what stands in the provider's address. Nothing was sent.")
	case errors.As(err, &held) && held.Verdict == check.Skipped:
		return fmt.Errorf("%w: %w", godog.ErrSkip, held)
	case held != nil:
		return held // a round tripper sent nothing, and says why
	}
	f := &check.Failure{Verdict: check.Inconclusive, Cause: check.NetworkTCP, Message: err.Error(), Advice: "Check the network between here and " + s.provider.Name + ", then run again."}
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, providers.ErrTooLarge):
		f.Cause, f.Advice = check.ResponseTooLarge, "Look at what answers there: an API's answer to a token request is small."
	case errors.As(err, &dns):
		f.Cause, f.Advice = check.NetworkDNS, "Check the host name in the provider file, and this machine's DNS."
	case isTLS(err):
		f.Cause, f.Advice = check.NetworkTLS, "Check the certificate of the host; --ca-cert FILE adds a certificate authority to trust."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		f.Cause, f.Advice = check.Timeout, "The provider did not answer in time; --timeout allows more."
	}
	return f
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		alert        *net.OpError // the type of the alert in it is not exported
	)
	return errors.As(err, &verification) || errors.As(err, &record) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error")
}

// opinion is what the answer to a request with a valid credential says of that
// credential.
func (s *scenario) opinion(resp *providers.Response) Opinion {
	_, situation, _ := strings.Cut(s.situation(resp), "/")
	code := s.provider.ErrorCode(resp)
	if says, declared := s.declared(resp, situation, code); declared {
		return says
	}
	switch situation {
	case "issued", "ok":
	case "invalid_scope", "unsupported_grant_type", "invalid_request":
		// The credential was good, another part of the request was not: but a
		// provider looks at the credential first.
		if !s.notFromAPI(resp) && (code == "invalid_client" || code == "" && resp.Status == http.StatusUnauthorized) {
			return Refused
		}
		return SaysNothing
	default:
		return SaysNothing
	}
	switch {
	case resp.Status >= 200 && resp.Status < 300:
		return Accepted
	case resp.Status < 400 || resp.Status >= 500 || resp.Status == http.StatusTooManyRequests:
		return SaysNothing
	case s.notFromAPI(resp):
		return SaysNothing
	case code == "invalid_scope" || code == "insufficient_scope":
		return ScopeRefused
	case resp.Status == http.StatusForbidden && resp.Call != providers.TokenCall:
		return ScopeRefused
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden,
		code == "invalid_client", code == "unauthorized_client", code == "invalid_grant", code == "access_denied":
		return Refused
	}
	return SaysNothing
}

// situation says what the request should have met.
func (s *scenario) situation(resp *providers.Response) string {
	return s.judge.Judge(resp.Request, resp.RequestBody)
}

// notFromAPI reports a page for people where the API would have answered in
// JSON: a login page, a proxy's error page.
func (s *scenario) notFromAPI(resp *providers.Response) bool {
	return strings.Contains(resp.ContentType(), "html")
}

// miss turns missed expectations into the verdict. The rules, in order: what
// says nothing about the contract is inconclusive; a valid credential that is
// refused is rejected; what nobody had seen before is a wrong assumption;
// all else has drifted.
func (s *scenario) miss(cause check.Cause, message string, misses ...check.Miss) error {
	resp := s.last
	for i := range misses {
		misses[i].Actual = s.vocabulary.opts.Redact(misses[i].Actual)
	}
	f := &check.Failure{Verdict: check.Drifted, Cause: cause, Message: s.vocabulary.opts.Redact(s.provider.ID + ": " + message), Misses: misses}
	if resp == nil {
		return f
	}
	name := s.provider.Name
	situation := s.situation(resp)
	fixture, _ := s.judge.Fixture(situation)
	expected := 0
	if fixture != nil {
		expected = fixture.Status
	}
	issued := strings.HasSuffix(situation, "/issued")
	switch says := s.opinion(resp); {
	case resp.Status == http.StatusTooManyRequests && expected != resp.Status:
		f.Verdict, f.Cause = check.Inconclusive, check.RateLimited
		f.Advice = name + " limits the rate of requests" + retryAfter(resp) + ". Run again later, or with fewer scenarios."
	case resp.Status >= 500 && expected != resp.Status:
		f.Verdict, f.Cause = check.Inconclusive, check.ProviderDown
		f.Advice = name + " has a problem of its own. Run again later; tell the provider if it stays."
	case resp.Status >= 300 && resp.Status < 400 && expected != resp.Status:
		f.Verdict, f.Cause = check.Inconclusive, check.Redirected
		f.Advice = "The answer is a redirect, which is not followed: a credential would travel with it. Check base_url."
	case s.notFromAPI(resp):
		f.Verdict, f.Cause = check.Inconclusive, check.NotAnAPIAnswer
		f.Advice = "A page for people answered, not the API: a login page, or a proxy on the way."
	case says == Refused:
		f.Verdict, f.Cause = check.Rejected, check.CredentialRejected
		if means, declared := s.provider.Health.Errors[s.provider.ErrorCode(resp)]; declared {
			f.Cause = check.Cause(means)
		}
		f.Advice = name + " refused a credential that should work. Its owner: check that it is not revoked, expired or rotated."
	case says == ScopeRefused:
		f.Verdict, f.Cause = check.Rejected, check.ScopeMissing
		f.Advice = name + " refused the scope. The credential's owner: ask for it, or request less."
	case resp.Call == providers.TokenCall && !issued && s.hasToken(resp):
		f.Cause = check.TokenIssued
		f.Advice = name + " issued a token where it must refuse (" + situation + "). Tell the provider: this may be a hole."
	case accessGranted(resp, situation):
		f.Advice = name + " served a call that it must refuse (" + situation + "). Tell the provider: this may be a hole."
	case s.live() && fixture != nil && assumed(fixture, cause), s.live() && fixture == nil:
		f.Verdict, f.Cause = check.Inconclusive, check.AssumptionWrong
		call, word, _ := strings.Cut(situation, "/")
		file := s.provider.Situation(call, word)
		f.Advice = fmt.Sprintf("Nobody had seen this answer: %s was an assumption. Record the real one as fixtures/%s/%s.http.", situation, s.provider.ID, file)
	default:
		f.Advice = name + " answers otherwise than " + s.provider.Docs + " says. Read the page again: either the provider changed, or the spec is wrong."
		if !s.live() {
			f.Advice = "The simulated " + name + " answers otherwise than the feature says: correct the fixture or the feature, whichever is not what " + s.provider.Docs + " says."
		}
	}
	return f
}

// assumed reports whether the part of the answer that missed is an assumption.
func assumed(f *simulator.Fixture, cause check.Cause) bool {
	switch cause {
	case check.Status:
		return f.StatusFrom.Assumed()
	case check.Header, check.ContentType:
		return f.HeadersFrom.Assumed()
	}
	return f.BodyFrom.Assumed()
}

// hasToken reports whether a success carries a token, also under the standard
// name where the provider has one of its own.
func (s *scenario) hasToken(resp *providers.Response) bool {
	if resp.Status < 200 || resp.Status > 299 {
		return false
	}
	path, _ := s.tokenIn(resp)
	return path != ""
}

// accessGranted reports whether a call without a good token was served.
func accessGranted(resp *providers.Response, situation string) bool {
	refuses := strings.HasSuffix(situation, "_token") || strings.HasSuffix(situation, "/insufficient_scope")
	return resp.Call != providers.TokenCall && refuses && resp.Status >= 200 && resp.Status < 300
}

func retryAfter(resp *providers.Response) string {
	if v := resp.Header.Get("Retry-After"); v != "" {
		return " (Retry-After: " + v + ")"
	}
	return ""
}

// describe says in a few words what a response is.
func describe(resp *providers.Response) string {
	if resp == nil {
		return "no response"
	}
	if ct := resp.ContentType(); ct != "" {
		return fmt.Sprintf("%d %s", resp.Status, ct)
	}
	return fmt.Sprint(resp.Status)
}
