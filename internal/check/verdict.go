// Package check holds what a run finds out: verdicts and their causes, the
// results of scenarios, and the exit code they amount to.
package check

// A Verdict is what one scenario says, in one word.
type Verdict string

// The verdicts. Only Rejected and Drifted accuse someone, and only a rule may
// give them: whatever could not be told is Inconclusive.
const (
	Passed       Verdict = "passed"       // as the spec says
	Rejected     Verdict = "rejected"     // the provider refused a credential that should work
	Drifted      Verdict = "drifted"      // an answer that breaks a documented or recorded contract
	Inconclusive Verdict = "inconclusive" // no answer, or one that says nothing about the credential
	Skipped      Verdict = "skipped"      // could not be tried here
	Invalid      Verdict = "invalid"      // the spec or the setup is wrong
)

// Verdicts lists every verdict, what needs doing first.
func Verdicts() []Verdict {
	return []Verdict{Invalid, Rejected, Drifted, Inconclusive, Skipped, Passed}
}

// Failed reports whether v means that something is broken or unknown, so that
// a reader wants its details.
func (v Verdict) Failed() bool { return v != Passed && v != Skipped }

// A Cause narrows a verdict down. It is part of the machine-readable output:
// the words do not change.
type Cause string

// The causes, by verdict.
const (
	// Rejected.
	CredentialRejected Cause = "credential_rejected"
	ScopeMissing       Cause = "scope_missing"
	Expired            Cause = "expired"    // its time was over when the provider refused it
	LockedOut          Cause = "locked_out" // the account, not the credential

	// Drifted: the part of the answer that differs.
	Status      Cause = "status"
	Shape       Cause = "shape"
	Header      Cause = "header"
	ErrorCode   Cause = "error_code"
	ContentType Cause = "content_type"
	Scope       Cause = "scope"
	Lifetime    Cause = "lifetime"
	TokenIssued Cause = "token_issued" // a token where one must be refused

	// Inconclusive.
	NetworkDNS       Cause = "network_dns"
	NetworkTCP       Cause = "network_tcp"
	NetworkTLS       Cause = "network_tls"
	Timeout          Cause = "timeout"
	RateLimited      Cause = "rate_limited"
	ProviderDown     Cause = "provider_down"
	NotAnAPIAnswer   Cause = "not_an_api_answer" // a login page, an error page of a proxy
	Redirected       Cause = "redirected"
	ResponseTooLarge Cause = "response_too_large"
	AssumptionWrong  Cause = "assumption_wrong"
	NotProven        Cause = "not_proven"     // neither accepted nor refused
	ControlFailed    Cause = "control_failed" // a credential whose state is known fared otherwise

	// Skipped.
	NoCredential Cause = "no_credential"
	Undocumented Cause = "undocumented"
	NeedsClock   Cause = "needs_clock"
	Intrusive    Cause = "intrusive"
	BreakerOpen  Cause = "breaker_open"
	FailFast     Cause = "fail_fast"
	Deferred     Cause = "deferred" // no request was left for it within the deadline

	// Invalid.
	UndefinedStep     Cause = "undefined_step"
	AmbiguousStep     Cause = "ambiguous_step"
	NoSteps           Cause = "no_steps"
	UnknownProvider   Cause = "unknown_provider"
	UnknownCall       Cause = "unknown_call"
	UnknownCredential Cause = "unknown_credential"
	BadExpectation    Cause = "bad_expectation"
	BadStep           Cause = "bad_step"
	MissingFixture    Cause = "missing_fixture"
	Request           Cause = "request"     // our own client does not send what the spec says
	BadSecret         Cause = "bad_secret"  // empty, very short, or a placeholder
	NoScenario        Cause = "no_scenario" // nothing to run for a credential
	InternalError     Cause = "internal_error"
)
