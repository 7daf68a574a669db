package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

func (s *scenario) tokenIssued(context.Context) error {
	_, err := s.issued()
	return err
}

// issued returns the token of the last response, or the miss that there is
// none to be had.
func (s *scenario) issued() (providers.Token, error) {
	none := providers.Token{}
	resp, err := s.response()
	if err != nil {
		return none, err
	}
	if resp.Status < 200 || resp.Status > 299 {
		return none, s.miss(check.Status, fmt.Sprintf("%s: no access token: status %d", resp.Call, resp.Status),
			check.Miss{Row: -1, Subject: "status", Expected: "200", Actual: fmt.Sprint(resp.Status)})
	}
	token, err := s.client.ReadToken(resp)
	if err != nil {
		return none, s.unreadable(resp, err)
	}
	if !token.Expires.IsZero() && !token.Expires.After(s.now()) {
		return none, s.miss(check.Lifetime, resp.Call+": the access token has already expired",
			check.Miss{Row: -1, Subject: "expiry", Expected: "a date-time in the future", Actual: token.Expires.Format(time.RFC3339)})
	}
	return token, nil
}

// unreadable is the miss of a token response that ReadToken cannot read.
func (s *scenario) unreadable(resp *providers.Response, err error) error {
	expected := "an expiry"
	if errors.Is(err, providers.ErrNoToken) {
		expected = "an access token"
	}
	return s.miss(check.Shape, resp.Call+": "+err.Error(),
		check.Miss{Row: -1, Subject: "token response", Expected: expected, Actual: describe(resp)})
}

func (s *scenario) noTokenIssued(_ context.Context) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	if path, token := s.tokenIn(resp); path != "" {
		return s.miss(check.TokenIssued, resp.Call+": an access token was issued",
			check.Miss{Row: -1, Subject: path, Expected: "no access token", Actual: fmt.Sprintf("a string of %d characters", len(token))})
	}
	return nil
}

// tokenIn looks for a token where the provider has it, and at the standard
// name. The path is empty when there is none.
func (s *scenario) tokenIn(resp *providers.Response) (path, token string) {
	body, err := resp.JSON()
	if err != nil {
		return "", ""
	}
	for _, path := range []string{s.provider.Auth.Response.AccessToken, "access_token"} {
		if v := body.Get(path); path != "" && isString(v) && v.Str != "" {
			return path, v.Str
		}
	}
	return "", ""
}

func (s *scenario) tokenIs(_ context.Context, expected string) error {
	want, err := parseExpectation(expected)
	if err != nil {
		return badExpectation(err)
	}
	token, err := s.issued()
	if err != nil {
		return err
	}
	if want.match(text(token.Value), s.now()) {
		return nil
	}
	kind := "opaque"
	if _, err := providers.JWTClaims(token.Value); err == nil {
		kind = "JWT"
	}
	return s.miss(check.Shape, "token: the access token is not "+expected,
		check.Miss{Row: -1, Subject: "access token", Expected: expected, Actual: fmt.Sprintf("a string of %d characters (%s)", len(token.Value), kind)})
}

// tolerance is what a lifetime may be off by for the way and for rounding.
const tolerance = 10 * time.Second

var units = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

func (s *scenario) tokenLives(_ context.Context, bound, number, unit string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return badExpectation(err)
	}
	want := time.Duration(n) * units[unit]
	token, err := s.issued()
	if err != nil {
		return err
	}
	expected := strings.TrimSpace(fmt.Sprintf("%s %s %ss", bound, number, unit))
	report := func(subject, actual string) error {
		return s.miss(check.Lifetime, "token: the access token does not live for "+expected,
			check.Miss{Row: -1, Subject: subject, Expected: expected, Actual: actual})
	}
	if token.Expires.IsZero() {
		return report("lifetime", "not stated")
	}
	if lives := token.Lifetime(s.issuedAt()); !within(lives, want, bound) {
		return report("lifetime", lives.Round(time.Second).String())
	}
	claims, err := providers.JWTClaims(token.Value)
	if err != nil || !claims.Get("exp").Exists() {
		return nil
	}
	issued := claims.Get("iat").Num
	if issued == 0 {
		issued = float64(s.issuedAt().Unix())
	}
	if lives := time.Duration((claims.Get("exp").Num - issued) * float64(time.Second)); !within(lives, want, bound) {
		return report("lifetime in the JWT (exp - iat)", lives.Round(time.Second).String())
	}
	return nil
}

func within(actual, want time.Duration, bound string) bool {
	switch bound {
	case "at least":
		return actual >= want-tolerance
	case "at most":
		return actual <= want+tolerance
	}
	return (actual - want).Abs() <= tolerance
}

// issuedAt is when the token was issued: by the provider's own clock where
// the expiry is absolute and the response has a Date, else by ours.
func (s *scenario) issuedAt() time.Time {
	paths := s.provider.Auth.Response
	if paths.ExpiresAt != "" || paths.ExpiresAtEpoch != "" || paths.ExpiresJWT {
		if date, err := http.ParseTime(s.last.Header.Get("Date")); err == nil {
			return date
		}
	}
	return s.tokenRead
}

func (s *scenario) grantedScopes(_ context.Context, list string) error {
	want, err := quotedList(list)
	if err != nil {
		return err
	}
	token, err := s.issued()
	if err != nil {
		return err
	}
	granted := s.provider.SplitScopes(token.Scope)
	slices.Sort(granted)
	sorted := slices.Sorted(slices.Values(want))
	if slices.Equal(granted, sorted) {
		return nil
	}
	actual := strings.Join(granted, ", ")
	if token.Scope == "" {
		actual = "not stated"
	}
	return s.miss(check.Scope, "token: the granted scopes differ",
		check.Miss{Row: -1, Subject: "scope", Expected: strings.Join(sorted, ", "), Actual: actual})
}

func (s *scenario) tokensRequested(_ context.Context, want string) error {
	if _, err := s.response(); err != nil {
		return err
	}
	s.mu.Lock()
	actual := s.tokenRequests
	s.mu.Unlock()
	if fmt.Sprint(actual) == want {
		return nil
	}
	return s.requestMiss("token: the number of token requests differs",
		check.Miss{Row: -1, Subject: "token requests", Expected: want, Actual: fmt.Sprint(actual)})
}
