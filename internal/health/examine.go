package health

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// An examination is what the scenarios of one credential brought to light.
type examination struct {
	results []check.Result // in the order they ran
	answers []answer       // to requests with the credential, in the order they came
	erase   func(string) string
	comeAt  time.Time // when the provider asked to come again; zero: it did not
}

// An answer is one response, and what it says of the credential.
type answer struct {
	steps.Answer
	scenario int // index in results, once all have ended
	code     string
	doubtful bool            // a success that does not read like one
	means    check.Cause     // what the provider file says the code means; empty: nothing
	token    providers.Token // that was issued
	exchange check.Exchange  // redacted; only of answers that may decide
}

// right reports whether the request should have succeeded.
func (a *answer) right() bool {
	return strings.HasSuffix(a.Situation, "/issued") || strings.HasSuffix(a.Situation, "/ok")
}

// unexplained reports an answer that says no to a request that was right, and
// not why: the provider may count it against the account.
func (a *answer) unexplained() bool {
	return a.right() && a.Says == steps.SaysNothing && (a.Response.Status >= 400 || a.doubtful) && a.trouble() == ""
}

// weigh looks closer than at the status: a success without a token, or with an
// error in it, is no yes; a call that wants a scope which the token was never
// asked to have is a no to that scope.
func (a *answer) weigh(p *providers.Provider) {
	switch {
	case a.Says == steps.Accepted && a.Response.Status < 300 && a.Response.Call == providers.TokenCall:
		a.token, _ = p.ReadToken(a.Response.Body, time.Now())
		a.doubtful = a.token.Value == ""
	case a.Says == steps.Accepted && a.Response.Status < 300:
		a.doubtful = a.code != "" && a.code != "0"
	case strings.HasSuffix(a.Situation, "/insufficient_scope") && a.Response.Status == http.StatusForbidden:
		a.Says = steps.ScopeRefused
	}
	if a.doubtful {
		a.Says = steps.SaysNothing
	}
}

// trouble is what ails a provider that answers so; empty: nothing.
func (a *answer) trouble() check.Cause {
	switch status := a.Response.Status; {
	case a.means == check.RateLimited, a.means == check.ProviderDown:
		return a.means
	case status == http.StatusTooManyRequests:
		return check.RateLimited
	case status == http.StatusRequestTimeout:
		return check.Timeout
	case status >= 500:
		return check.ProviderDown
	}
	return ""
}

type examineOptions struct {
	version     string
	environment string
	baseURL     string
	timeout     time.Duration
	secret      func(name, value string)
}

// examine runs the scenarios of a credential, one after the other, and stops
// sending as soon as an answer makes it pointless or impolite to go on.
func examine(ctx context.Context, j *job, opts examineOptions) *examination {
	// Redactors of this credential alone: few secrets, quickly found. What only
	// names an account may be a common word, so it is erased from exchanges and
	// not from sentences.
	erase, secrets := redact.New(), redact.New()
	for field, value := range j.values {
		// By the name that the operator knows: it stands in the curl command.
		name := j.provider.Credentials[field]
		if r := j.credential.Values[field]; r.Source == credentials.Env {
			name = r.Target
		}
		erase.Add(name, value)
		if !credentials.Identifies(field) {
			secrets.Add(name, value)
		}
	}
	ex := &examination{erase: secrets.String}
	scenario := -1
	live := &steps.Live{
		Transport:   j.carrier,
		Credentials: func(*providers.Provider) (providers.Credentials, error) { return j.values, nil },
		BaseURLs:    map[string]string{},
		Answered: func(got steps.Answer) {
			a := answer{Answer: got, scenario: scenario, code: j.provider.ErrorCode(got.Response)}
			a.means = check.Cause(j.provider.Health.Errors[a.code])
			a.weigh(j.provider)
			if got.Response.Status >= 400 || a.doubtful || len(missing(j, &a)) > 0 {
				a.exchange = runner.Redacted(got.Response, erase)
			}
			switch {
			case a.trouble() != "":
				ex.comeAt = comeAgain(got.Response)
				j.carrier.stop("the provider had trouble with an earlier request; no more are sent for now")
			case a.Says == steps.Refused, a.unexplained() && ex.accepted() == nil:
				j.carrier.stop("the provider did not accept this credential in an earlier scenario; it is not tried again in this run")
			}
			if a.Says == steps.ScopeRefused && got.Response.Call == providers.TokenCall {
				j.carrier.keepRefusal(got.Response)
			}
			ex.answers = append(ex.answers, a)
		},
	}
	if opts.baseURL != "" {
		live.BaseURLs[j.provider.ID] = opts.baseURL
	}
	run := runner.Run(ctx, j.group.plan, runner.Options{
		Version: opts.version, Live: live, Environment: opts.environment, Timeout: opts.timeout,
		Redactor: erase, FailuresOnly: true,
		Secret: func(name, value string) {
			for field, v := range j.values {
				if v == value && credentials.Identifies(field) {
					return
				}
			}
			secrets.Add(name, value)
			if opts.secret != nil {
				opts.secret(name, value)
			}
		},
		Began: func(*check.Result) { scenario++ },
		Done: func(r *check.Result) {
			if r.Verdict == check.Inconclusive && r.Cause != check.AssumptionWrong {
				j.carrier.stop("an earlier request got no answer that says anything; no more are sent for now")
			}
		},
	})
	ex.results = run.Results
	slices.SortStableFunc(ex.results, func(a, b check.Result) int { return a.Started.Compare(b.Started) })
	return ex
}

// ran lists what became of the scenarios.
func (ex *examination) ran() []Ran {
	list := make([]Ran, len(ex.results))
	for i := range ex.results {
		r := &ex.results[i]
		list[i] = Ran{title(r), r.URI, r.Line, r.Verdict, r.Cause, r.Duration}
	}
	return list
}

// met lists the errors that the provider gave.
func (ex *examination) met() []Met {
	var list []Met
	for i := range ex.answers {
		a := &ex.answers[i]
		m := Met{a.Response.Call, a.Response.Status, ex.erase(a.code)}
		if m.Status >= http.StatusBadRequest && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// missing returns the required scopes that an issued token was not granted. A
// provider that does not say grants what was asked for (RFC 6749 5.1).
func missing(j *job, a *answer) []string {
	if a.token.Scope == "" {
		return nil
	}
	granted := j.provider.SplitScopes(a.token.Scope)
	var list []string
	for _, s := range j.credential.Scopes {
		if !slices.Contains(granted, s) {
			list = append(list, s)
		}
	}
	return list
}

// accepted returns the first answer that took the credential, or nil.
func (ex *examination) accepted() *answer {
	return ex.find(func(a *answer) bool { return a.Says == steps.Accepted })
}

// faulty reports whether a cause is a fault of the provider, or of the way to
// it: what opens a breaker.
func faulty(c check.Cause) bool {
	switch c {
	case check.NetworkDNS, check.NetworkTCP, check.NetworkTLS, check.Timeout, check.ProviderDown, check.ResponseTooLarge:
		return true
	}
	return false
}

// saysNothing reports whether a cause is an answer that neither accepts nor
// refuses: a login page, a success without a token.
func saysNothing(c check.Cause) bool {
	return c == check.NotAnAPIAnswer || c == check.Redirected || c == check.NotProven
}

// comeAgain reads Retry-After in both its forms (RFC 9110 10.2.3); zero: there
// is none.
func comeAgain(resp *providers.Response) time.Time {
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if value == "" {
		return time.Time{}
	}
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Now().Add(time.Duration(min(seconds, 366*24*3600)) * time.Second)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	// A date by the provider's clock, which may not be ours.
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return time.Now().Add(at.Sub(date))
	}
	return at
}
