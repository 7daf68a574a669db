package steps

import (
	"slices"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// declared is what the provider file says of an error code, whatever the
// status: some providers say no with a 200.
func (s *scenario) declared(resp *providers.Response, situation, code string) (says Opinion, declared bool) {
	if code == "" || resp.Status >= 500 || s.notFromAPI(resp) {
		return SaysNothing, false
	}
	right := situation == "issued" || situation == "ok" // nothing was wrong with the request
	if means, ok := s.provider.Health.Errors[code]; ok {
		switch check.Cause(means) {
		case check.CredentialRejected, check.Expired:
			// So it says to a wrong secret as well, or to no token.
			return Refused, carriedValid(situation)
		case check.LockedOut:
			return Refused, true
		case check.ScopeMissing:
			return ScopeRefused, right
		}
		return SaysNothing, true
	}
	if slices.Contains(s.provider.Health.Proof, code) && !right && resp.Status >= 400 {
		// The provider says so only to a client it has accepted.
		return Accepted, true
	}
	return SaysNothing, false
}

// carriedValid reports whether a request that should have met the situation
// carried a valid credential.
func carriedValid(situation string) bool {
	switch situation {
	case "issued", "ok", "invalid_scope", "insufficient_scope", "unsupported_grant_type", "invalid_request":
		return true
	}
	return false
}

// knownRefusal reports whether the answer is, by status and error code, a
// refusal that the provider documents, that was recorded, or that the provider
// file explains.
func (s *scenario) knownRefusal(resp *providers.Response) bool {
	code := s.provider.ErrorCode(resp)
	if code == "" || resp.Status >= 500 {
		return false
	}
	if _, declared := s.provider.Health.Errors[code]; declared {
		return true
	}
	situations := []string{"invalid_token", "insufficient_scope"}
	if resp.Call == providers.TokenCall {
		situations = []string{"invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope"}
	}
	return slices.ContainsFunc(situations, func(situation string) bool {
		f, ok := s.judge.Fixture(resp.Call + "/" + situation)
		if !ok || f.StatusFrom.Assumed() || f.BodyFrom.Assumed() || f.Status != resp.Status {
			return false
		}
		shown := &providers.Response{Status: f.Status, Header: f.Header, Body: f.Body}
		return s.provider.ErrorCode(shown) == code
	})
}
