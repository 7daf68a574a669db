package site

import (
	"fmt"
	"strings"
	"time"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// An advice is what a situation means for whoever meets it.
type advice struct {
	call, name string
	means      string
	fault      string
	retry      string
	do         string
}

// anyCall stands for every call that is not the token request.
const anyCall = "*"

const (
	yours   = "yours"
	routine = "nobody's"
	never   = "no"
)

// errorAdvice is every situation that is no success, in the order in which a
// client meets them. {…} is filled in from the provider file.
var errorAdvice = []advice{
	{"token", "invalid_client", "The client is unknown, or its secret is wrong or missing.", yours, never, "Check the credentials. Do not try again with the same: it may lock the account."},
	{"token", "invalid_request", "A parameter is missing, is there twice or cannot be read.", yours, never, "Compare the request with the samples on this page."},
	{"token", "unsupported_grant_type", "The grant type is none that this endpoint serves.", yours, never, "{grant}"},
	{"token", "unauthorized_client", "The client is known and may not use this grant.", yours, never, "Have the provider allow the grant for this client."},
	{"token", "invalid_grant", "What the request presents as a grant is wrong, used up or expired.", yours, never, "Obtain a new grant."},
	{"token", "invalid_scope", "A scope is unknown, in the wrong notation, or not for this client.", yours, never, "{scopes}"},
	{"token", "rate_limited", "Too many token requests.", yours, "{after}", "Keep a token until it expires, instead of requesting one for each call.{limit}"},
	{anyCall, "missing_token", "The call carries no credential where one is expected.", yours, never, "Send {credential}."},
	{anyCall, "invalid_token", "The credential is unknown, malformed or revoked.", yours, "{renew}", "{replace}"},
	{anyCall, "expired_token", "The token's time is over.", routine, "yes, with a new token", "Request a new token and repeat the call once."},
	{anyCall, "insufficient_scope", "The token lacks a scope that the call needs.", yours, never, "Request a token with the scope that the call needs."},
	{anyCall, "rate_limited", "Too many calls.", yours, "{after}", "Send fewer, spread over time.{limit}"},
}

// An ErrorRow is one answer that is no success.
type ErrorRow struct {
	Call, Situation string
	Also            []string // further situations that get the same answer
	Status          int
	Code            string // as the provider writes it; may be empty
	Means           string
	Fault           string
	Retry           string
	Do              string
	Scenarios       []*Scenario
	Fixture         *simulator.Fixture
	Seen            time.Time // by a live run; zero: never
}

// Name is "call/situation".
func (e *ErrorRow) Name() string { return e.Call + "/" + e.Situation }

// ID is the anchor of the row.
func (e *ErrorRow) ID() string { return "error-" + e.Call + "-" + e.Situation }

// An ErrorGroup is the errors of one call.
type ErrorGroup struct {
	Call string
	Rows []*ErrorRow
}

// ErrorGroups returns the errors by call.
func (page *providerPage) ErrorGroups() []*ErrorGroup {
	var groups []*ErrorGroup
	for _, row := range page.Errors {
		if n := len(groups); n == 0 || groups[n-1].Call != row.Call {
			groups = append(groups, &ErrorGroup{Call: row.Call})
		}
		last := groups[len(groups)-1]
		last.Rows = append(last.Rows, row)
	}
	return groups
}

// errorRows returns the answers that are known or assumed, and the situations
// of which nothing is.
func errorRows(p *providers.Provider, fixtures map[string]*simulator.Fixture, call string) (rows []*ErrorRow, unknown []string) {
	byFixture := map[string]*ErrorRow{}
	var also [][2]string
	for _, a := range errorAdvice {
		if a.call != call && (a.call != anyCall || call == providers.TokenCall) || !p.HasSituation(call+"/"+a.name) {
			continue
		}
		served := p.Situation(call, a.name)
		f, ok := fixtures[served]
		switch {
		case !ok:
			unknown = append(unknown, a.name)
			continue
		case served != call+"/"+a.name:
			also = append(also, [2]string{served, a.name})
			continue
		}
		row := &ErrorRow{Call: call, Situation: a.name, Status: f.Status, Code: errorCode(p, string(f.Body)), Fixture: f, Fault: a.fault}
		fill := filler(p, call, f)
		row.Means, row.Retry, row.Do = a.means, fill(a.retry), fill(a.do)
		byFixture[served] = row
		rows = append(rows, row)
	}
	for _, pair := range also {
		if row := byFixture[pair[0]]; row != nil {
			row.Also = append(row.Also, pair[1])
		}
	}
	return rows, unknown
}

// filler writes what the provider file knows into an advice.
func filler(p *providers.Provider, call string, f *simulator.Fixture) func(string) string {
	after := "later, with growing pauses"
	if f.Header.Get("Retry-After") != "" {
		after = "after the seconds in Retry-After"
	}
	scopes := "Ask for scopes that your client may have."
	if known := scopeNames(p); len(known) > 0 {
		scopes = "Ask for " + list(known, "or") + joinedBy(p) + "."
	}
	renew, replace := never, "Check the credential; if it was revoked, have a new one made."
	if p.HasToken() {
		renew, replace = "once, with a new token", "Request a new token and repeat the call once. If that is refused too, check the credentials."
	}
	limit := ""
	if l, ok := p.Limits[call]; ok {
		limit = fmt.Sprintf(" The limit is %d per %s.", l.Requests, span(time.Duration(l.Per)))
	}
	grant := "Send the grant type that the provider documents."
	if p.Auth.GrantType != "" {
		grant = "Send grant_type=" + p.Auth.GrantType + "."
	}
	return strings.NewReplacer("{after}", after, "{scopes}", scopes, "{renew}", renew, "{replace}", replace,
		"{limit}", limit, "{grant}", grant, "{credential}", carries(p)).Replace
}

// carries says what a call carries: "the header Authorization: Bearer …".
func carries(p *providers.Provider) string {
	a := p.Auth
	if a.Query != "" {
		return "the query parameter " + a.Query
	}
	return "the header " + a.Header + ": " + a.Value
}

func joinedBy(p *providers.Provider) string {
	switch p.Auth.Scopes.Separator {
	case " ":
		return ", several joined by blanks"
	case ",":
		return ", several joined by commas"
	case "":
		return ""
	}
	return ", several joined by " + p.Auth.Scopes.Separator
}
