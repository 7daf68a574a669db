package runner

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

func TestAntsomiFeatureNoticesMutations(t *testing.T) {
	id, secret := testCredentials(t, "antsomi")
	const (
		valid         = "Valid credentials receive a token for the scope they ask for"
		several       = "Several scopes are granted together"
		event         = "The documented scope event can be requested: event data"
		profile       = "The documented scope profile can be requested: customer data"
		promotion     = "The documented scope promotion can be requested: promotion data"
		expiry        = "The expiry lies ahead"
		unknownScope  = "An unknown scope is refused"
		oneUnknown    = "One unknown scope among known ones is refused"
		blank         = "Scopes joined by a blank are one unknown scope"
		noScope       = "A request without a scope is refused"
		wrongSecret   = "A wrong client secret is refused"
		unknownClient = "An unknown client is refused"
		noSecret      = "A client without its secret is refused"
		noCredentials = "A request without credentials is refused"
		otherGrant    = "Another grant type is refused"
		noGrant       = "A request without a grant type is refused"
	)
	one := []string{event, profile, promotion}
	issuing := slices.Concat([]string{valid, several, expiry}, one)
	scoping := []string{unknownScope, oneUnknown, blank, noScope}
	unauthenticated := []string{wrongSecret, unknownClient, noSecret, noCredentials}
	granting := []string{otherGrant, noGrant}
	refused := slices.Concat(scoping, unauthenticated, granting)
	known := []string{"item", "event", "profile", "promotion"}
	setScope := func(change func(scope string) string) change {
		return rewriteForm(func(form url.Values) { form.Set("scope", change(form.Get("scope"))) })
	}

	testMutations(t, "antsomi", []mutation{
		// The token response.
		{"a token is issued with status 201", tokenAnswer(setStatus(201)), map[string][]string{
			"drifted: status": {valid},
		}},
		{"the token field is renamed", tokenAnswer(renameField("accessToken", "access_token")), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the token is empty", tokenAnswer(setField("accessToken", "")), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the token is null", tokenAnswer(setField("accessToken", nil)), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the token is an object", tokenAnswer(setField("accessToken", map[string]string{"value": "5474r2x214z2"})), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the token is a JWT", withTokens(t, "antsomi", jwtAround), map[string][]string{
			"drifted: shape": {valid},
		}},
		{"the expiry is renamed", tokenAnswer(renameField("accessTokenExpiresAt", "expiresAt")), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the expiry is a number of seconds", tokenAnswer(setField("accessTokenExpiresAt", 3600)), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the expiry is in milliseconds since 1970", tokenAnswer(setField("accessTokenExpiresAt", time.Now().Add(time.Hour).UnixMilli())), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the expiry has no time zone", tokenAnswer(setField("accessTokenExpiresAt", time.Now().Add(time.Hour).Format("2006-01-02T15:04:05"))), map[string][]string{
			"drifted: shape": issuing,
		}},
		{"the expiry is in the past", tokenAnswer(setField("accessTokenExpiresAt", "2023-08-10T12:41:57.643Z")), map[string][]string{
			"drifted: shape":    {valid},
			"drifted: lifetime": slices.Concat([]string{several, expiry}, one),
		}},
		{"a token lives for half a minute", tokenAnswer(expiringAfter(30 * time.Second)), map[string][]string{
			"drifted: lifetime": {expiry},
		}},
		{"the granted scope is not stated", tokenAnswer(dropField("scope")), map[string][]string{
			"drifted: shape": {valid},
			"drifted: scope": append(one, several),
		}},
		{"only the default scope is granted", tokenAnswer(setField("scope", "item")), map[string][]string{
			"drifted: scope": append(one, several),
		}},
		{"one more scope is granted", tokenAnswer(editScope(func(scope string) string { return scope + ",admin" })), map[string][]string{
			"drifted: shape": {valid},
			"drifted: scope": append(one, several),
		}},
		{"the last scope is not granted", tokenAnswer(editScope(func(scope string) string {
			scopes := strings.Split(scope, ",")
			return strings.Join(scopes[:max(1, len(scopes)-1)], ",")
		})), map[string][]string{
			"drifted: scope": {several},
		}},
		{"granted scopes are joined by blanks", tokenAnswer(editScope(func(scope string) string { return strings.ReplaceAll(scope, ",", " ") })), map[string][]string{
			"drifted: scope": {several},
		}},
		{"the token response is cut short", tokenAnswer(truncateBody), map[string][]string{
			"drifted: content_type": {valid},
			"drifted: shape":        slices.Concat([]string{several, expiry}, one),
		}},
		{"the token response calls itself plain text", tokenAnswer(setHeader("Content-Type", "text/plain; charset=utf-8")), map[string][]string{
			"drifted: content_type": {valid},
		}},
		{"the token response is a page for people", tokenAnswer(page(200)), map[string][]string{
			"inconclusive: not_an_api_answer": issuing,
		}},

		// Who gets a token, and for which scope.
		{"a wrong secret is accepted", rewriteForm(func(form url.Values) {
			if form.Get("client_id") == id && form.Has("client_secret") {
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {wrongSecret},
		}},
		{"an unknown client is accepted", rewriteForm(func(form url.Values) {
			if form.Has("client_id") && form.Get("client_id") != id {
				form.Set("client_id", id)
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {unknownClient},
		}},
		{"a client without a secret is accepted", rewriteForm(func(form url.Values) {
			if form.Get("client_id") == id {
				if !form.Has("client_secret") {
					form.Set("client_secret", secret)
				}
			}
		}), map[string][]string{
			"drifted: token_issued": {noSecret},
		}},
		{"nobody has to say who he is", rewriteForm(func(form url.Values) {
			if !form.Has("client_id") {
				form.Set("client_id", id)
				form.Set("client_secret", secret)
			}
		}), map[string][]string{
			"drifted: token_issued": {noCredentials},
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
		{"unknown scopes are taken for the default one", setScope(func(scope string) string {
			for s := range strings.SplitSeq(scope, ",") {
				if scope != "" && !slices.Contains(known, s) {
					return "item"
				}
			}
			return scope
		}), map[string][]string{
			"drifted: token_issued": {unknownScope, oneUnknown, blank},
		}},
		{"unknown scopes among known ones are left out", setScope(func(scope string) string {
			scopes := strings.Split(scope, ",")
			if len(scopes) > 1 {
				scopes = slices.DeleteFunc(scopes, func(s string) bool { return !slices.Contains(known, s) })
			}
			return strings.Join(scopes, ",")
		}), map[string][]string{
			"drifted: token_issued": {oneUnknown},
		}},
		{"blanks between scopes are accepted too", setScope(func(scope string) string { return strings.ReplaceAll(scope, " ", ",") }), map[string][]string{
			"drifted: token_issued": {blank},
		}},
		{"commas between scopes are refused", setScope(func(scope string) string { return strings.ReplaceAll(scope, ",", " ") }), map[string][]string{
			"rejected: scope_missing": {several},
		}},
		{"a request without a scope gets the default one", setScope(func(scope string) string {
			if scope == "" {
				return "item"
			}
			return scope
		}), map[string][]string{
			"drifted: token_issued": {noScope},
		}},
		{"a documented scope is withdrawn", setScope(func(scope string) string {
			return strings.ReplaceAll(scope, "promotion", "promotions")
		}), map[string][]string{
			"rejected: scope_missing": {several, promotion},
		}},
		{"valid credentials are refused", rewriteForm(func(form url.Values) {
			if form.Get("client_secret") == secret {
				form.Set("client_secret", "revoked")
			}
		}), map[string][]string{
			"rejected: credential_rejected": slices.Concat(issuing, scoping, granting),
		}},

		// How a token is refused.
		{"refusals are sent with status 200", tokenRefusal(setStatus(200)), map[string][]string{
			"drifted: status": refused,
		}},
		{"a refused client gets 401", tokenRefusal(onError("invalid_client", setStatus(401))), map[string][]string{
			"drifted: status": unauthenticated,
		}},
		{"a refused client gets another error code", tokenRefusal(onError("invalid_client", setField("name", "unauthorized_client"))), map[string][]string{
			"drifted: error_code": unauthenticated,
		}},
		{"a refused scope gets another error code", tokenRefusal(onError("invalid_scope", setField("name", "invalid_request"))), map[string][]string{
			"drifted: error_code": scoping,
		}},
		{"a refused scope gets 401", tokenRefusal(onError("invalid_scope", setStatus(401))), map[string][]string{
			"drifted: status": scoping,
		}},
		{"errors have the names of the RFC", tokenRefusal(renameField("name", "error"), renameField("message", "error_description")), map[string][]string{
			"drifted: error_code": refused,
		}},
		{"the message of an error is another one", tokenRefusal(setField("message", "Invalid scope")), map[string][]string{
			"drifted: shape": {unknownScope},
		}},
		{"the status in an error is a string", tokenRefusal(setField("statusCode", "400")), map[string][]string{
			"drifted: shape": {unknownScope, noGrant},
		}},
		{"refusals carry a token", tokenRefusal(setField("accessToken", "5474r2x214z26484")), map[string][]string{
			"drifted: token_issued": refused,
		}},

		// The token endpoint as a whole.
		{"the token endpoint is down", anyToken(serverError(502)), map[string][]string{
			"inconclusive: provider_down": slices.Concat(issuing, refused),
		}},
		{"the token endpoint is rate limited", anyToken(tooManyRequests), map[string][]string{
			"inconclusive: rate_limited": slices.Concat(issuing, refused),
		}},
		{"the token endpoint has moved", anyToken(redirect(308, "https://iam.ants.tech/v2/oauth/token")), map[string][]string{
			"inconclusive: redirected": slices.Concat(issuing, refused),
		}},
		{"the token endpoint is gone", anyToken(refuse(404, `{"message": "Not Found"}`)), map[string][]string{
			"drifted: status": slices.Concat(issuing, refused),
		}},

		// What an honest client must not mind.
		{"a token type is added", tokenAnswer(setField("token_type", "Bearer")), nil},
		{"a refresh token is added", tokenAnswer(setField("refreshToken", "8xLOxBtZp8")), nil},
		{"an error has a trace", tokenRefusal(setField("trace", "abc")), nil},
		{"scopes are granted in another order", tokenAnswer(editScope(func(scope string) string {
			scopes := strings.Split(scope, ",")
			slices.Reverse(scopes)
			return strings.Join(scopes, ",")
		})), nil},
		{"the expiry has an offset and no fraction", tokenAnswer(setField("accessTokenExpiresAt", time.Now().Add(time.Hour).In(time.FixedZone("", 7*3600)).Format(time.RFC3339))), nil},
		{"content types say no charset", anyToken(setHeader("Content-Type", "application/json")), nil},
	})
}

func editScope(change func(scope string) string) edit {
	return func(a *answer) { setField("scope", change(gjson.GetBytes(a.body, "scope").Str))(a) }
}

func expiringAfter(d time.Duration) edit {
	return func(a *answer) {
		setField("accessTokenExpiresAt", time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z"))(a)
	}
}

// jwtAround makes a JWT of an opaque token.
func jwtAround(token string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(`{"jti":"`+token+`"}`)) + "." + part([]byte("signature"))
}
