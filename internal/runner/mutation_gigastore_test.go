package runner

import (
	"slices"
	"testing"
)

func TestGigastoreFeatureNoticesMutations(t *testing.T) {
	id, secret := testCredentials(t, "gigastore")
	const (
		valid         = "Valid credentials receive a token"
		day           = "A token lives for a day"
		wrongSecret   = "A wrong client secret is refused"
		unknownClient = "An unknown client is refused"
		noCredentials = "A request without credentials is refused"
		inventory     = "A token opens the inventory"
		carried       = "A call carries the token as a bearer token"
		noToken       = "A call without a token is refused"
		unknownToken  = "An unknown token is refused"
		malformed     = "A malformed token is refused"
		expiredToken  = "An expired token is refused"
		reused        = "A token serves many calls"
		replaced      = "After its day a token is replaced by a new one"
	)
	issuing := []string{valid, day}
	calling := []string{inventory, carried, expiredToken, reused, replaced}
	served := []string{inventory, reused, replaced}
	unauthenticated := []string{wrongSecret, unknownClient, noCredentials}
	guarded := []string{noToken, unknownToken, malformed, expiredToken}
	everyToken := slices.Concat(issuing, calling, unauthenticated)

	testMutations(t, "gigastore", []mutation{
		// The token response.
		{"a token is issued with status 201", tokenAnswer(setStatus(201)), map[string][]string{
			"drifted: status": {valid},
		}},
		{"the token field is renamed", tokenAnswer(renameField("accessToken", "access_token")), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the token is empty", tokenAnswer(setField("accessToken", "")), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the token is null", tokenAnswer(setField("accessToken", nil)), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the lifetime is renamed", tokenAnswer(renameField("expiresIn", "expires_in")), map[string][]string{
			"drifted: shape": {valid, day, expiredToken, replaced},
		}},
		{"the lifetime is a string", tokenAnswer(setField("expiresIn", "86400")), map[string][]string{
			"drifted: shape": {valid, day, expiredToken, replaced},
		}},
		{"the lifetime is a date-time", tokenAnswer(setField("expiresIn", "2030-01-01T00:00:00Z")), map[string][]string{
			"drifted: shape": {valid, day, expiredToken, replaced},
		}},
		{"the lifetime is in milliseconds", tokenAnswer(setField("expiresIn", 86400_000)), map[string][]string{
			"drifted: shape":    {valid},
			"drifted: lifetime": {day},
		}},
		{"the lifetime is an hour", tokenAnswer(setField("expiresIn", 3600)), map[string][]string{
			"drifted: shape":    {valid},
			"drifted: lifetime": {day},
			"drifted: status":   {expiredToken},
		}},
		{"the lifetime is 0", tokenAnswer(setField("expiresIn", 0)), map[string][]string{
			"drifted: shape": {valid, day, expiredToken, replaced},
		}},
		{"the token type is missing", tokenAnswer(dropField("tokenType")), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"a refresh token is issued", tokenAnswer(setField("refreshToken", "eyJhbGciOiJIUzI1NiJ9"), setField("refreshExpiresIn", 604800)), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"the null fields are gone", tokenAnswer(dropField("refreshToken"), dropField("idToken")), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"the token response is cut short", tokenAnswer(truncateBody), map[string][]string{
			"drifted: content_type": {valid},
			"drifted: shape":        slices.Concat([]string{day}, calling),
		}},
		{"the token response is a bare token", tokenAnswer(setHeader("Content-Type", "text/plain"), setBody("eyJhbGciOiJSUzI1NiIsInR5c..._very.long_string")), map[string][]string{
			"drifted: content_type": {valid},
			"drifted: shape":        slices.Concat([]string{day}, calling),
		}},

		// Who gets a token.
		{"a wrong secret is accepted", rewriteBasic(func(user, password string) (string, string) {
			if user == id {
				return id, secret
			}
			return user, password
		}), map[string][]string{
			"drifted: token_issued": {wrongSecret},
		}},
		{"an unknown client is accepted", rewriteBasic(func(user, password string) (string, string) {
			if user != "" && user != id {
				return id, secret
			}
			return user, password
		}), map[string][]string{
			"drifted: token_issued": {unknownClient},
		}},
		{"Basic credentials are not required", rewriteBasic(func(user, password string) (string, string) {
			if user == "" && password == "" {
				return id, secret
			}
			return user, password
		}), map[string][]string{
			"drifted: token_issued": {noCredentials},
		}},
		{"Basic credentials are refused", rewriteBasic(func(string, string) (string, string) { return "", "" }), map[string][]string{
			"rejected: credential_rejected": slices.Concat(issuing, calling),
		}},
		{"valid credentials may not", tokenAnswer(refuse(403, `{"error": "access_denied"}`)), map[string][]string{
			"rejected: credential_rejected": slices.Concat(issuing, calling),
		}},
		{"the second token is refused", afterTheFirst(true, tokenAnswer(refuse(401, `{"error": "invalid_client"}`))), map[string][]string{
			"rejected: credential_rejected": {replaced},
		}},
		{"an expired token is issued again", sameToken, map[string][]string{
			"drifted: status": {replaced},
		}},

		// How a token is refused.
		{"refused credentials get 400", tokenRefusal(setStatus(400)), map[string][]string{
			"drifted: status": unauthenticated,
		}},
		{"refused credentials get 200 and an error", tokenRefusal(setStatus(200)), map[string][]string{
			"drifted: status": unauthenticated,
		}},
		{"refused credentials get no challenge", tokenRefusal(dropHeader("WWW-Authenticate")), map[string][]string{
			"drifted: header": {wrongSecret},
		}},
		{"refused credentials get another challenge", tokenRefusal(setHeader("WWW-Authenticate", `Bearer realm="gigastore"`)), map[string][]string{
			"drifted: header": {wrongSecret},
		}},
		{"refusals carry a token", tokenRefusal(setField("accessToken", "eyJhbGciOiJSUzI1NiIsInR5c")), map[string][]string{
			"drifted: token_issued": unauthenticated,
		}},

		// The token endpoint as a whole.
		{"the token endpoint is down", anyToken(serverError(500)), map[string][]string{
			"inconclusive: provider_down": everyToken,
		}},
		{"the token endpoint is rate limited", anyToken(tooManyRequests), map[string][]string{
			"inconclusive: rate_limited": everyToken,
		}},
		{"the token endpoint has moved", anyToken(redirect(307, "https://api.giga.store/v2/authenticate")), map[string][]string{
			"inconclusive: redirected": everyToken,
		}},
		{"the token endpoint is in maintenance", anyToken(page(200)), map[string][]string{
			"inconclusive: not_an_api_answer": everyToken,
		}},

		// The call.
		{"the inventory is renamed", callAnswer(renameField("items", "data")), map[string][]string{
			"drifted: shape": {inventory},
		}},
		{"the inventory is an object", callAnswer(setField("items", map[string]string{"id": "1f0c6a52"})), map[string][]string{
			"drifted: shape": {inventory},
		}},
		{"the inventory is wrapped no more", callAnswer(setBody(`[{"id": "1f0c6a52"}]`)), map[string][]string{
			"drifted: shape": {inventory},
		}},
		{"the inventory is cut short", callAnswer(truncateBody), map[string][]string{
			"drifted: content_type": {inventory},
		}},
		{"a good token is refused", callAnswer(refuse(401, `{"error": "invalid_token"}`)), map[string][]string{
			"rejected: credential_rejected": served,
		}},
		{"a token serves one call only", afterTheFirst(false, callAnswer(refuse(401, `{"error": "invalid_token"}`))), map[string][]string{
			"rejected: credential_rejected": {reused},
		}},
		{"a good token may not", callAnswer(refuse(403, `{"error": "insufficient_scope"}`)), map[string][]string{
			"rejected: scope_missing": served,
		}},
		{"the inventory is down", callAnswer(serverError(503)), map[string][]string{
			"inconclusive: provider_down": served,
		}},

		// How a call is refused.
		{"a call without a token is served", admitting(t, "gigastore", missing), map[string][]string{
			"drifted: status": {noToken},
		}},
		{"an unknown token is accepted", admitting(t, "gigastore", unknown), map[string][]string{
			"drifted: status": {unknownToken, malformed},
		}},
		{"an expired token is accepted", admitting(t, "gigastore", expired), map[string][]string{
			"drifted: status": {expiredToken},
		}},
		{"refused calls get 403", callRefusal(setStatus(403)), map[string][]string{
			"drifted: status": guarded,
		}},
		{"refused calls get no challenge", callRefusal(dropHeader("WWW-Authenticate")), map[string][]string{
			"drifted: header": {noToken},
		}},
		{"refused calls ask for Basic credentials", callRefusal(setHeader("WWW-Authenticate", "Basic")), map[string][]string{
			"drifted: header": {noToken},
		}},
		{"refused calls get a login page", callRefusal(page(200)), map[string][]string{
			"inconclusive: not_an_api_answer": guarded,
		}},

		// What an honest client must not mind.
		{"a field is added to the token", tokenAnswer(setField("scope", "inventory")), nil},
		{"the inventory has one more field", callAnswer(setField("total", 1)), nil},
		{"the inventory is empty", callAnswer(setField("items", []string{})), nil},
		{"a challenge in lower case", anyToken(setHeader("WWW-Authenticate", `basic realm="gigastore", charset="UTF-8"`)), nil},
		{"content types say their charset", anyToken(setHeader("Content-Type", "application/json;charset=utf-8")), nil},
	})
}
