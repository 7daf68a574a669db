package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// A finding is the verdict on one examination, before anyone asks what earlier
// ones said.
type finding struct {
	verdict check.Verdict
	cause   check.Cause
	rule    Rule
	message string
	advice  string
	who     Who

	certain   bool   // needs no second look
	signature string // of a refusal: the same for the same answer
	evidence  *Evidence
	missing   []string
	drift     []Drift
	warnings  []string
	comeAt    time.Time // the provider asked to come again then
}

// fault reports whether the finding is one that opens a breaker.
func (f *finding) fault() bool { return f.verdict == check.Inconclusive && faulty(f.cause) }

// diagnose makes one finding of an examination. The rules, in order: a spec
// that is wrong says nothing of anyone; one refusal outweighs whatever else
// was accepted; a required scope that was not granted is missing; what kept
// the provider from answering leaves it open; and only what the provider
// accepted has passed.
func diagnose(j *job, ex *examination, now time.Time) finding {
	f := verdictOf(j, ex, now)
	f.drift = ex.drift()
	f.comeAt = ex.comeAt
	// The provider's words were taken over as they came.
	f.message, f.advice = ex.erase(f.message), ex.erase(f.advice)
	for i := range f.drift {
		f.drift[i].Message = ex.erase(f.drift[i].Message)
	}
	return f
}

func verdictOf(j *job, ex *examination, now time.Time) finding {
	p := j.provider
	for i := range ex.results {
		if r := &ex.results[i]; r.Verdict == check.Invalid {
			return finding{verdict: check.Invalid, cause: r.Cause, rule: BySpec, who: TheOperator,
				message: fmt.Sprintf("%s:%d: %s", r.URI, r.Line, r.Message), advice: r.Advice}
		}
	}
	if a := ex.find(func(a *answer) bool { return a.Says == steps.Refused }); a != nil {
		return refusalOf(j, ex, a, now)
	}
	granted, missing := grantedScopes(j, ex)
	if len(missing) > 0 {
		return scopesOf(j, ex, granted, missing)
	}
	for i := range ex.results {
		if r := &ex.results[i]; r.Verdict == check.Inconclusive && r.Cause != check.AssumptionWrong {
			return silenceOf(j, ex, r, i)
		}
	}
	if a := ex.find(func(a *answer) bool { return a.trouble() != "" }); a != nil {
		return troubleOf(j, ex, a) // no Then looked at it
	}
	if a := ex.find(func(a *answer) bool { return a.Says == steps.ScopeRefused && needed(j, a) }); a != nil {
		return forbiddenOf(j, ex, a)
	}
	if a := ex.find((*answer).unexplained); a != nil && ex.accepted() == nil {
		f := finding{verdict: check.Inconclusive, cause: check.NotProven, rule: ByAnswer, who: TheOperator, evidence: ex.evidence(a),
			message: fmt.Sprintf("%s: %s: %s, which neither accepts nor refuses the credential", p.ID, a.Response.Call, said(a))}
		switch {
		case a.code != "":
			f.advice = fmt.Sprintf("Look at the answer. If it means the credential, say so in providers/%s.yaml: health: {errors: {%s: credential_rejected}}.", p.ID, a.code)
		case a.doubtful:
			f.advice = fmt.Sprintf("Look at the answer: there is no token where auth.response in providers/%s.yaml says.", p.ID)
		default:
			f.advice = "Look at the answer: it has no error code that could be explained in the provider file."
		}
		return f
	}
	return acceptanceOf(j, ex)
}

// needed reports whether a scope that was refused is one that the credential
// has to have. When it names what it requires, nothing else is.
func needed(j *job, a *answer) bool {
	switch {
	case slices.Contains(j.provider.Health.Proof, a.code):
		return false
	case len(j.credential.Scopes) == 0:
		return true
	case a.Response.Call == providers.TokenCall:
		return false // those required were granted
	}
	scope := j.provider.Calls[a.Response.Call].Scope
	return scope == "" || slices.Contains(j.credential.Scopes, scope)
}

// forbiddenOf is a credential that was accepted, but not for what a scenario
// does.
func forbiddenOf(j *job, ex *examination, a *answer) finding {
	p := j.provider
	f := finding{verdict: check.Rejected, cause: check.ScopeMissing, rule: ByScopes, certain: a.Known, who: TheOwner,
		signature: signature(a), evidence: ex.evidence(a),
		message: fmt.Sprintf("%s: %s: %s: accepted, but not for this", p.ID, a.Response.Call, said(a)),
		advice:  fmt.Sprintf("Ask %s for the permission, or list under scopes: in the credentials file what this credential needs.", p.Name)}
	if scope := p.Calls[a.Response.Call].Scope; scope != "" {
		f.missing = []string{scope}
		f.message += fmt.Sprintf("; it needs the scope %q", scope)
	}
	return f
}

// acceptanceOf is passed if anything proves the credential.
func acceptanceOf(j *job, ex *examination) finding {
	p := j.provider
	refusedScope := ex.find(func(a *answer) bool { return a.Says == steps.ScopeRefused })
	accepted := ex.accepted()
	if accepted == nil {
		accepted = refusedScope // by an error that only an accepted client gets
	}
	if accepted == nil {
		for i := range ex.results {
			if r := &ex.results[i]; r.Verdict == check.Skipped {
				rule := BySpec
				if r.Cause == check.Deferred {
					rule = ByBudget
				}
				return finding{verdict: check.Skipped, cause: r.Cause, rule: rule, message: r.Message, advice: r.Advice, who: TheOperator}
			}
		}
		return finding{verdict: check.Inconclusive, cause: check.NotProven, rule: ByNothing, who: TheOperator,
			message: p.ID + ": the scenarios passed, and none of them needed the credential",
			advice:  "Choose a scenario that the provider answers only to a credential it accepts."}
	}
	f := finding{verdict: check.Passed, rule: ByAcceptance, message: fmt.Sprintf("%s accepts it", p.Name)}
	if accepted.Response.Status >= 400 {
		f.rule, f.message = ByProof, fmt.Sprintf("%s accepts it: %s comes after the client was accepted", p.Name, said(accepted))
	}
	if refusedScope != nil && accepted != refusedScope {
		f.warnings = append(f.warnings, fmt.Sprintf("%s asks for a scope that this credential does not have, and does not need", ex.title(refusedScope.scenario)))
	}
	if d := j.credential.Expires; !d.IsZero() && !time.Now().Before(d.Time) {
		f.warnings = append(f.warnings, fmt.Sprintf("it should have expired on %s, and is still accepted", d))
	}
	return f
}

// refusalOf tells apart why a credential is refused, as far as anything says
// so.
func refusalOf(j *job, ex *examination, a *answer, now time.Time) finding {
	p := j.provider
	f := finding{verdict: check.Rejected, cause: check.CredentialRejected, rule: ByFirstLook, who: TheOwner, signature: signature(a), evidence: ex.evidence(a), certain: a.Known}
	if a.Known {
		f.rule = ByDocument
	}
	f.message = fmt.Sprintf("%s refuses it: %s", p.Name, said(a))
	f.advice = fmt.Sprintf("Look at %s whether it was revoked, rotated or disabled; then put the new value where %s.", p.Name, keptAt(j))
	if means, declared := p.Health.Errors[a.code]; declared {
		f.cause = check.Cause(means)
	}
	if d := j.credential.Expires; f.cause == check.CredentialRejected && !d.IsZero() && !now.Before(d.Time) {
		f.cause = check.Expired
	}
	switch f.cause {
	case check.Expired:
		f.message += ", and its time is over"
		if d := j.credential.Expires; !d.IsZero() {
			f.message = fmt.Sprintf("%s refuses it: %s; it expired on %s", p.Name, said(a), d)
		}
		f.advice = fmt.Sprintf("Ask %s for a new one; then put it where %s, and correct expires:.", p.Name, keptAt(j))
	case check.LockedOut:
		f.message = fmt.Sprintf("%s has locked the account: %s", p.Name, said(a))
		f.advice = fmt.Sprintf("Unlock the account at %s, and find out who tried a wrong secret.", p.Name)
	}
	if first := ex.accepted(); first != nil {
		f.message += fmt.Sprintf(", though %s was accepted a moment before", first.Response.Call)
	}
	return f
}

// grantedScopes returns which scopes were granted, and which of those required
// were not.
func grantedScopes(j *job, ex *examination) (granted, missing []string) {
	asked := false
	for i := range ex.answers {
		a := &ex.answers[i]
		switch {
		case a.token.Scope != "":
			asked = true
			granted = append(granted, j.provider.SplitScopes(a.token.Scope)...)
		case a.token.Value != "" && ex.isScopes(a.scenario):
			asked = true // it does not say, so it grants what was asked for
			granted = append(granted, j.credential.Scopes...)
		case a.Says == steps.ScopeRefused && ex.isScopes(a.scenario):
			asked = true
		}
	}
	if !asked {
		return nil, nil
	}
	for _, s := range j.credential.Scopes {
		if !slices.Contains(granted, s) {
			missing = append(missing, s)
		}
	}
	return granted, missing
}

// scopesOf is a credential that may do less than it should.
func scopesOf(j *job, ex *examination, granted, missing []string) finding {
	p := j.provider
	f := finding{verdict: check.Rejected, cause: check.ScopeMissing, rule: ByScopes, who: TheOwner, missing: missing, certain: true}
	names := quotedList(missing)
	f.message = fmt.Sprintf("%s grants fewer scopes than required: %s missing", p.Name, names)
	if a := ex.find(func(a *answer) bool { return a.Says == steps.ScopeRefused && ex.isScopes(a.scenario) }); a != nil {
		f.evidence, f.certain, f.signature = ex.evidence(a), a.Known, signature(a)
		f.message = fmt.Sprintf("%s refuses the required scopes: %s: %s missing", p.Name, said(a), names)
		if len(missing) > 1 {
			f.message = fmt.Sprintf("%s refuses the required scopes: %s: at least one of %s is missing", p.Name, said(a), names)
		}
	} else if a := ex.find(func(a *answer) bool { return a.Says == steps.Accepted && ex.isScopes(a.scenario) }); a != nil {
		f.evidence = ex.evidence(a)
	}
	if len(granted) > 0 {
		have := slices.Compact(slices.Sorted(slices.Values(granted)))
		f.message += fmt.Sprintf(" (granted: %s)", strings.Join(have, ", "))
	}
	f.advice = fmt.Sprintf("Ask %s for %s, or remove it from scopes: if it is not needed.", p.Name, names)
	return f
}

// silenceOf is an examination that could not tell.
func silenceOf(j *job, ex *examination, r *check.Result, index int) finding {
	if a := ex.find(func(a *answer) bool { return a.scenario == index && a.trouble() != "" }); a != nil {
		return troubleOf(j, ex, a)
	}
	f := finding{verdict: check.Inconclusive, cause: r.Cause, rule: ByAnswer, message: r.Message, advice: r.Advice, who: TheOperator}
	if faulty(r.Cause) {
		f.rule = ByNoAnswer
	}
	if n := len(r.Exchanges); n > 0 {
		f.evidence = &Evidence{Scenario: title(r), URI: r.URI, Line: r.Line, Exchange: bounded(r.Exchanges[n-1])}
	}
	return f
}

// troubleOf is a provider that has trouble of its own.
func troubleOf(j *job, ex *examination, a *answer) finding {
	f := finding{verdict: check.Inconclusive, cause: a.trouble(), rule: ByAnswer, who: TheProvider, evidence: ex.evidence(a),
		message: fmt.Sprintf("%s: %s: %s", j.provider.ID, a.Response.Call, said(a)),
		advice:  "Nothing is known against the credential. The next check tries again."}
	if f.cause == check.RateLimited {
		f.who = TheOperator
		f.advice = fmt.Sprintf("Nothing is known against the credential. If it happens again, declare the limit in providers/%s.yaml (limits:), or check less often.", j.provider.ID)
	}
	return f
}

// drift lists the scenarios whose answer broke the contract. An answer that is
// about the credential, or may be, is no broken contract.
func (ex *examination) drift() []Drift {
	var list []Drift
	for i := range ex.results {
		r := &ex.results[i]
		if r.Verdict != check.Drifted && r.Cause != check.AssumptionWrong {
			continue
		}
		told := func(a *answer) bool {
			return a.scenario == i && (a.trouble() != "" || a.Says == steps.ScopeRefused || a.unexplained() && ex.accepted() == nil && (a.code != "" || !a.doubtful))
		}
		if ex.find(told) != nil {
			continue
		}
		message := r.Message
		if step := r.Failing(); step != nil {
			for _, m := range step.Misses {
				message += fmt.Sprintf("; %s: want %s, got %s", m.Subject, m.Expected, m.Actual)
			}
		}
		list = append(list, Drift{Verdict: r.Verdict, Cause: r.Cause, Scenario: title(r), URI: r.URI, Line: r.Line, Message: shorten(message), Advice: r.Advice})
	}
	return list
}

// find returns the first answer of its kind.
func (ex *examination) find(is func(*answer) bool) *answer {
	for i := range ex.answers {
		if is(&ex.answers[i]) {
			return &ex.answers[i]
		}
	}
	return nil
}

func (ex *examination) result(i int) *check.Result {
	if i < 0 || i >= len(ex.results) {
		return &check.Result{}
	}
	return &ex.results[i]
}

func (ex *examination) title(i int) string { return title(ex.result(i)) }

// isScopes reports whether a scenario is the one that asks for the required
// scopes.
func (ex *examination) isScopes(i int) bool {
	return strings.HasSuffix(ex.result(i).URI, "/"+scopesFeature)
}

func (ex *examination) evidence(a *answer) *Evidence {
	e := &Evidence{Exchange: bounded(a.exchange)}
	if r := ex.result(a.scenario); !ex.isScopes(a.scenario) {
		e.Scenario, e.URI, e.Line = title(r), r.URI, r.Line
	}
	return e
}

func title(r *check.Result) string {
	if r.Rule != "" {
		return r.Feature + " › " + r.Rule + " › " + r.Scenario
	}
	return r.Feature + " › " + r.Scenario
}

// signature is the same for answers that say the same.
func signature(a *answer) string {
	return fmt.Sprintf("%s %d %s", a.Response.Call, a.Response.Status, a.code)
}

// said is what an answer says, in a few words.
func said(a *answer) string {
	s := fmt.Sprintf("status %d", a.Response.Status)
	if a.code != "" {
		s += ", " + shorten(a.code)
	}
	return s
}

// requests says in words what is sent: "2 token requests and 1 of me".
func requests(needs map[string]int) string {
	var parts []string
	for _, call := range slices.Sorted(maps.Keys(needs)) {
		parts = append(parts, fmt.Sprintf("%d of %s", needs[call], call))
	}
	return strings.Join(parts, " and ") + " requests"
}

// keptAt says where a person finds the values of a credential.
func keptAt(j *job) string {
	var places []string
	for _, field := range j.provider.CredentialFields() {
		if r, ok := j.credential.Values[field]; ok {
			places = append(places, r.String())
		}
	}
	if len(places) == 1 {
		return places[0] + " points to"
	}
	return strings.Join(places, " and ") + " point to"
}

func quotedList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = `"` + w + `"`
	}
	return strings.Join(quoted, ", ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Evidence is kept for years: what is long is cut.
const (
	longestText = 500
	longestBody = 2000
)

func shorten(s string) string { return head(s, longestText) }

func bounded(x check.Exchange) check.Exchange {
	x.RequestBody, x.ResponseBody = head(x.RequestBody, longestBody), head(x.ResponseBody, longestBody)
	x.Error, x.Curl = shorten(x.Error), head(x.Curl, longestBody)
	for _, h := range []map[string][]string{x.RequestHeader, x.ResponseHeader} {
		for _, values := range h {
			for i := range values {
				values[i] = shorten(values[i])
			}
		}
	}
	return x
}

func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
