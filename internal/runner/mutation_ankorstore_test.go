package runner

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestAnkorstoreFeatureNoticesMutations(t *testing.T) {
	id, secret := testCredentials(t, "ankorstore")
	const (
		valid         = "Valid credentials receive a token"
		jwt           = "The token is a JWT that lives for an hour"
		wrongSecret   = "A wrong client secret is refused"
		unknownClient = "An unknown client is refused"
		noSecret      = "A client without its secret is refused"
		otherGrant    = "Another grant type is refused"
		noGrant       = "A request without a grant type is refused"
		unknownScope  = "An unknown scope is refused"
		account       = "A token opens the account"
		carried       = "A call carries the token as a bearer token"
		noToken       = "A call without a token is refused"
		unknownToken  = "An unknown token is refused"
		malformed     = "A malformed token is refused"
		expiredToken  = "An expired token is refused"
		reused        = "A token serves many calls"
		replaced      = "After its hour a token is replaced by a new one"
	)
	issuing := []string{valid, jwt}                                       // read the token response
	calling := []string{account, carried, expiredToken, reused, replaced} // need a token first
	unauthenticated := []string{wrongSecret, unknownClient, noSecret}     // client authentication fails
	granting := []string{otherGrant, noGrant}                             // the grant is refused
	guarded := []string{noToken, unknownToken, malformed, expiredToken}   // the call is refused
	everyToken := slices.Concat(issuing, calling, unauthenticated, granting, []string{unknownScope})

	testMutations(t, "ankorstore", []mutation{
		// The token response.
		{"a token is issued with status 201", tokenAnswer(setStatus(201)), map[string][]string{
			"drifted: status": {valid},
		}},
		{"the token field is renamed", tokenAnswer(renameField("access_token", "accessToken")), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the token is empty", tokenAnswer(setField("access_token", "")), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the token is null", tokenAnswer(setField("access_token", nil)), map[string][]string{
			"drifted: shape": slices.Concat(issuing, calling),
		}},
		{"the token is no JWT", withTokens(t, "ankorstore", opaque), map[string][]string{
			"drifted: shape": {jwt},
		}},
		{"the JWT expires an hour after the token", withTokens(t, "ankorstore", jwtOfTwoHours), map[string][]string{
			"drifted: lifetime": {jwt},
		}},
		{"the token type is another one", tokenAnswer(setField("token_type", "MAC")), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"the lifetime is a string", tokenAnswer(setField("expires_in", "3600")), map[string][]string{
			"drifted: shape": {valid, jwt, expiredToken, replaced},
		}},
		{"the lifetime is in milliseconds", tokenAnswer(setField("expires_in", 3600_000)), map[string][]string{
			"drifted: shape":    {valid},
			"drifted: lifetime": {jwt},
		}},
		{"the lifetime is 0", tokenAnswer(setField("expires_in", 0)), map[string][]string{
			"drifted: shape": {valid, jwt, expiredToken, replaced},
		}},
		{"the lifetime is negative", tokenAnswer(setField("expires_in", -1)), map[string][]string{
			"drifted: shape": {valid, jwt, expiredToken, replaced},
		}},
		{"the lifetime is missing", tokenAnswer(dropField("expires_in")), map[string][]string{
			"drifted: shape": {valid, jwt, expiredToken, replaced},
		}},
		{"a refresh token comes along", tokenAnswer(setField("refresh_token", "def50200aa")), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"the token response is cut short", tokenAnswer(truncateBody), map[string][]string{
			"drifted: content_type": {valid},
			"drifted: shape":        slices.Concat([]string{jwt}, calling),
		}},
		{"the token response has no content type", tokenAnswer(dropHeader("Content-Type")), map[string][]string{
			"drifted: content_type": {valid},
		}},
		{"the token response calls itself HTML", tokenAnswer(setHeader("Content-Type", "text/html")), map[string][]string{
			"inconclusive: not_an_api_answer": {valid},
		}},

		// Who gets a token.
		{"a wrong secret is accepted", rewriteForm(func(form url.Values) {
			if form.Get("client_id") == id && form.Has("client_secret") {
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {wrongSecret},
		}},
		{"an unknown client is accepted", rewriteForm(func(form url.Values) {
			if form.Get("client_id") != id {
				form.Set("client_id", id)
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {unknownClient},
		}},
		{"a client without a secret is accepted", rewriteForm(func(form url.Values) {
			if !form.Has("client_secret") {
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {noSecret},
		}},
		{"any grant type is accepted", rewriteForm(func(form url.Values) {
			if form.Has("grant_type") {
				form.Set("grant_type", "client_credentials")
			}
		}), map[string][]string{
			"drifted: token_issued": {otherGrant},
		}},
		{"a missing grant type is accepted", rewriteForm(func(form url.Values) {
			if !form.Has("grant_type") {
				form.Set("grant_type", "client_credentials")
			}
		}), map[string][]string{
			"drifted: token_issued": {noGrant},
		}},
		{"an unknown scope is accepted", rewriteForm(func(form url.Values) { form.Set("scope", "*") }), map[string][]string{
			"drifted: token_issued": {unknownScope},
		}},
		{"valid credentials are refused", rewriteForm(func(form url.Values) {
			if form.Get("client_secret") == secret {
				form.Set("client_secret", "revoked")
			}
		}), map[string][]string{
			"rejected: credential_rejected": slices.Concat(issuing, calling, granting, []string{unknownScope}),
		}},
		{"the documented scope is refused", tokenAnswer(refuse(400, `{"error": "invalid_scope"}`)), map[string][]string{
			"rejected: scope_missing": slices.Concat(issuing, calling),
		}},
		{"the second token is refused", afterTheFirst(true, tokenAnswer(refuse(401, `{"error": "invalid_client"}`))), map[string][]string{
			"rejected: credential_rejected": {replaced},
		}},
		{"the second token request is one too many", afterTheFirst(true, tokenAnswer(tooManyRequests)), map[string][]string{
			"inconclusive: rate_limited": {replaced},
		}},
		{"an expired token is issued again", sameToken, map[string][]string{
			"drifted: status": {replaced},
		}},

		// How a token is refused.
		{"a refused client gets 400", tokenRefusal(onError("invalid_client", setStatus(400))), map[string][]string{
			"drifted: status": unauthenticated,
		}},
		{"a refused client gets another error code", tokenRefusal(onError("invalid_client", setField("error", "invalid_grant"))), map[string][]string{
			"drifted: error_code": unauthenticated,
		}},
		{"the error code is renamed", tokenRefusal(renameField("error", "error_code")), map[string][]string{
			"drifted: error_code": slices.Concat(unauthenticated, granting),
		}},
		{"the error code is an object", tokenRefusal(setField("error", map[string]string{"code": "invalid_client"})), map[string][]string{
			"drifted: error_code": slices.Concat(unauthenticated, granting),
		}},
		{"a refused grant gets 401", tokenRefusal(onError("unsupported_grant_type", setStatus(401))), map[string][]string{
			"drifted: status": granting,
		}},
		{"refusals carry a token", tokenRefusal(setField("access_token", "0123456789abcdef")), map[string][]string{
			"drifted: token_issued": slices.Concat(unauthenticated, granting),
		}},
		{"refusals are a page for people", tokenRefusal(page(401)), map[string][]string{
			"inconclusive: not_an_api_answer": slices.Concat(unauthenticated, granting),
		}},

		// The token endpoint as a whole.
		{"the token endpoint is down", anyToken(serverError(500)), map[string][]string{
			"inconclusive: provider_down": everyToken,
		}},
		{"the token endpoint is rate limited", anyToken(tooManyRequests), map[string][]string{
			"inconclusive: rate_limited": everyToken,
		}},
		{"the token endpoint redirects to a login page", anyToken(redirect(302, "https://www.ankorstore.com/login")), map[string][]string{
			"inconclusive: redirected": everyToken,
		}},

		// The call.
		{"a call answers 204", callAnswer(setStatus(204)), map[string][]string{
			"drifted: status": {account, reused, replaced},
		}},
		{"the account's id is a string", callAnswer(setField("data.id", "1234")), map[string][]string{
			"drifted: shape": {account},
		}},
		{"the account's email is renamed", callAnswer(renameField("data.email", "mail")), map[string][]string{
			"drifted: shape": {account},
		}},
		{"the account's dates are numbers", callAnswer(setField("data.created_at", 1580210795), setField("data.updated_at", 1647357789)), map[string][]string{
			"drifted: shape": {account},
		}},
		{"the account is wrapped no more", callAnswer(setBody(`{"type": "user", "id": 1234, "email": "api@ankorstore.com"}`)), map[string][]string{
			"drifted: shape": {account},
		}},
		{"a call is served as plain text", callAnswer(setHeader("Content-Type", "text/plain")), map[string][]string{
			"drifted: content_type": {account},
		}},
		{"a good token is refused", callAnswer(refuse(401, `{"message": "Unauthenticated."}`)), map[string][]string{
			"rejected: credential_rejected": {account, reused, replaced},
		}},
		{"a token serves one call only", afterTheFirst(false, callAnswer(refuse(401, `{"message": "Unauthenticated."}`))), map[string][]string{
			"rejected: credential_rejected": {reused},
		}},
		{"a good token may not", callAnswer(refuse(403, `{"message": "Forbidden"}`)), map[string][]string{
			"rejected: scope_missing": {account, reused, replaced},
		}},
		{"the call is down", callAnswer(serverError(503)), map[string][]string{
			"inconclusive: provider_down": {account, reused, replaced},
		}},

		// How a call is refused.
		{"a call without a token is served", admitting(t, "ankorstore", missing), map[string][]string{
			"drifted: status": {noToken},
		}},
		{"an unknown token is accepted", admitting(t, "ankorstore", unknown), map[string][]string{
			"drifted: status": {unknownToken, malformed},
		}},
		{"an expired token is accepted", admitting(t, "ankorstore", expired), map[string][]string{
			"drifted: status": {expiredToken},
		}},
		{"refused calls get 403", callRefusal(setStatus(403)), map[string][]string{
			"drifted: status": guarded,
		}},
		{"refused calls get a login page", callRefusal(page(200)), map[string][]string{
			"inconclusive: not_an_api_answer": guarded,
		}},
		{"refused calls are redirected to a login page", callRefusal(redirect(302, "https://www.ankorstore.com/login")), map[string][]string{
			"inconclusive: redirected": guarded,
		}},
		{"refused calls say something else", callRefusal(setField("message", "Token invalid")), map[string][]string{
			"drifted: shape": {noToken, expiredToken},
		}},
		{"an expired token gets a page for people", refusing(t, "ankorstore", expired, page(401)), map[string][]string{
			"inconclusive: not_an_api_answer": {expiredToken},
		}},
		{"an expired token gets another message", refusing(t, "ankorstore", expired, setField("message", "Token expired")), map[string][]string{
			"drifted: shape": {expiredToken},
		}},
		{"refused calls get the account all the same", callRefusal(setField("data", map[string]int{"id": 1234})), map[string][]string{
			"drifted: shape": {noToken},
		}},

		// What an honest client must not mind.
		{"a field is added to the token", tokenAnswer(setField("created_at", 1649259881)), nil},
		{"a field is added to errors", tokenRefusal(setField("trace_id", "abc")), nil},
		{"a field is added to the account", callAnswer(setField("data.phone", nil)), nil},
		{"content types say their charset", anyToken(setHeader("Content-Type", "Application/JSON; Charset=UTF-8")), nil},
		{"a header is added", anyToken(setHeader("X-RateLimit-Remaining", "59")), nil},
	})
}

// opaque makes a token of a JWT that is none.
func opaque(token string) string { return strings.ReplaceAll(token, ".", "") }

// jwtOfTwoHours moves the claim exp of a JWT by an hour.
func jwtOfTwoHours(token string) string {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		panic(err)
	}
	a := &answer{header: http.Header{}, body: claims}
	setField("exp", gjson.GetBytes(claims, "exp").Num+3600)(a)
	parts[1] = base64.RawURLEncoding.EncodeToString(a.body)
	return strings.Join(parts, ".")
}
