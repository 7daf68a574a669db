package providers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/providers"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// jwtUntil is a JWT with this claim exp, as raw JSON.
func jwtUntil(exp string) string {
	claims := map[string]string{
		"1795266000":   "eyJleHAiOjE3OTUyNjYwMDB9",
		"1795266000.5": "eyJleHAiOjE3OTUyNjYwMDAuNX0",
		`"1795266000"`: "eyJleHAiOiIxNzk1MjY2MDAwIn0",
		"0":            "eyJleHAiOjB9",
		"":             "e30",
	}
	return "eyJhbGciOiJub25lIn0." + claims[exp] + ".c2ln"
}

// An expiry is read strictly: a value of another type is not an expiry, and a
// token whose expiry cannot be read says so instead of living for ever.
func TestReadTokenExpiry(t *testing.T) {
	type response = providers.TokenResponse
	seconds := response{AccessToken: "token", ExpiresIn: "expiry"}
	millis := response{AccessToken: "token", ExpiresInMS: "expiry"}
	dateTime := response{AccessToken: "token", ExpiresAt: "expiry"}
	epoch := response{AccessToken: "token", ExpiresAtEpoch: "expiry"}
	inJWT := response{AccessToken: "token", ExpiresJWT: true}
	fixed := response{AccessToken: "token", Lifetime: providers.Duration(30 * time.Minute)}

	const wantNumber = "want a positive number at expiry"
	const wantDate = "want a date-time at expiry"
	hour := noon.Add(time.Hour)
	for _, c := range []struct {
		name    string
		paths   response
		expiry  string // raw JSON; empty: it is not there
		token   string // empty: an opaque one
		expires time.Time
		err     string
	}{
		{"seconds", seconds, `3600`, "", hour, ""},
		{"seconds with a fraction", seconds, `3600.5`, "", hour.Add(500 * time.Millisecond), ""},
		{"seconds, exponential", seconds, `3.6e3`, "", hour, ""},
		{"seconds in a string", seconds, `"3600"`, "", time.Time{}, wantNumber},
		{"seconds that are true", seconds, `true`, "", time.Time{}, wantNumber},
		{"seconds that are null", seconds, `null`, "", time.Time{}, wantNumber},
		{"seconds in an array", seconds, `[3600]`, "", time.Time{}, wantNumber},
		{"no seconds", seconds, ``, "", time.Time{}, wantNumber},
		{"zero seconds", seconds, `0`, "", time.Time{}, wantNumber},
		{"negative seconds", seconds, `-1`, "", time.Time{}, wantNumber},
		{"more seconds than a duration holds", seconds, `1e300`, "", noon.Add(100 * 365 * 24 * time.Hour), ""},

		{"milliseconds", millis, `3600000`, "", hour, ""},
		{"one millisecond and a half", millis, `1.5`, "", noon.Add(1500 * time.Microsecond), ""},
		{"milliseconds in a string", millis, `"3600000"`, "", time.Time{}, wantNumber},
		{"no milliseconds", millis, ``, "", time.Time{}, wantNumber},

		{"a date-time", dateTime, `"2026-11-21T13:00:00Z"`, "", hour, ""},
		{"a date-time with milliseconds", dateTime, `"2026-11-21T13:00:00.643Z"`, "", hour.Add(643 * time.Millisecond), ""},
		{"a date-time with an offset", dateTime, `"2026-11-21T20:00:00+07:00"`, "", hour, ""},
		{"a date-time in the past", dateTime, `"2023-08-10T12:41:57.643Z"`, "", time.Date(2023, 8, 10, 12, 41, 57, 643e6, time.UTC), ""},
		{"a date-time without an offset", dateTime, `"2026-11-21T13:00:00"`, "", time.Time{}, wantDate},
		{"a date", dateTime, `"2026-11-21"`, "", time.Time{}, wantDate},
		{"a date-time that is a number", dateTime, `1795266000`, "", time.Time{}, wantDate},
		{"an empty date-time", dateTime, `""`, "", time.Time{}, wantDate},
		{"no date-time", dateTime, ``, "", time.Time{}, wantDate},

		{"epoch", epoch, `1795266000`, "", hour, ""},
		{"epoch with a fraction", epoch, `1795266000.5`, "", hour.Add(500 * time.Millisecond), ""},
		{"epoch of the year 9999", epoch, `253402300799`, "", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), ""},
		{"epoch in milliseconds", epoch, `1795266000000`, "", time.Time{}, "want seconds since 1970 at expiry"},
		{"epoch in a string", epoch, `"1795266000"`, "", time.Time{}, wantNumber},
		{"epoch zero", epoch, `0`, "", time.Time{}, wantNumber},
		{"no epoch", epoch, ``, "", time.Time{}, wantNumber},

		{"a JWT", inJWT, ``, jwtUntil("1795266000"), hour, ""},
		{"a JWT with a fraction", inJWT, ``, jwtUntil("1795266000.5"), hour.Add(500 * time.Millisecond), ""},
		{"a JWT with a string", inJWT, ``, jwtUntil(`"1795266000"`), time.Time{}, "want a number in the token's exp claim"},
		{"a JWT that expired in 1970", inJWT, ``, jwtUntil("0"), time.Time{}, "want seconds since 1970 in the token's exp claim"},
		{"a JWT without exp", inJWT, ``, jwtUntil(""), time.Time{}, "want a number in the token's exp claim"},
		{"no JWT", inJWT, ``, "5474r2x214z2", time.Time{}, "not a JWT"},

		{"a fixed lifetime", fixed, ``, "", noon.Add(30 * time.Minute), ""},
		{"a fixed lifetime, whatever the response says", fixed, `"x"`, "", noon.Add(30 * time.Minute), ""},
		{"nothing said", response{AccessToken: "token"}, `3600`, "", time.Time{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &providers.Provider{Auth: providers.Auth{Response: c.paths}}
			if c.token == "" {
				c.token = "5474r2x214z26484"
			}
			body := fmt.Sprintf(`{"token": %q`, c.token)
			if c.expiry != "" {
				body += `, "expiry": ` + c.expiry
			}
			token, err := p.ReadToken([]byte(body+"}"), noon)
			if token.Value != c.token {
				t.Errorf("the token is %q: only its expiry may be unreadable", token.Value)
			}
			if !token.Expires.Equal(c.expires) {
				t.Errorf("expires %v, want %v", token.Expires, c.expires)
			}
			if got := fmt.Sprint(err); c.err == "" && err != nil || c.err != "" && !strings.Contains(got, c.err) {
				t.Errorf("error %s, want %q", got, c.err)
			}
			if errors.Is(err, providers.ErrNoToken) {
				t.Errorf("%v is ErrNoToken", err)
			}
		})
	}
}

func TestReadTokenValue(t *testing.T) {
	p := &providers.Provider{Auth: providers.Auth{Response: providers.TokenResponse{AccessToken: "data.token", TokenType: "type", Scope: "data.scope"}}}
	for _, c := range []struct {
		name, body string
		want       string // empty: there is none
	}{
		{"where it should be", `{"data": {"token": "abc", "scope": "a b"}, "type": "Bearer"}`, "abc"},
		{"the first of two", `{"data": {"token": "abc", "token": "def", "scope": "a b"}, "type": "Bearer"}`, "abc"},
		{"somewhere else", `{"token": "abc"}`, ""},
		{"empty", `{"data": {"token": ""}}`, ""},
		{"null", `{"data": {"token": null}}`, ""},
		{"a number", `{"data": {"token": 42}}`, ""},
		{"an object", `{"data": {"token": {"value": "abc"}}}`, ""},
		{"no body", ``, ""},
		{"cut short", `{"data": {"token": "abc"}`, ""},
		{"with something behind", `{"data": {"token": "abc"}} <!-- -->`, ""},
		{"in HTML", `<html>{"data": {"token": "abc"}}</html>`, ""},
		{"in a form", `token=abc`, ""},
		{"in an array", `[{"data": {"token": "abc"}}]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			token, err := p.ReadToken([]byte(c.body), noon)
			if token.Value != c.want {
				t.Errorf("got %q, want %q", token.Value, c.want)
			}
			if errors.Is(err, providers.ErrNoToken) != (c.want == "") {
				t.Errorf("error %v", err)
			}
			if c.want != "" && (token.Type != "Bearer" || token.Scope != "a b") {
				t.Errorf("type %q, scope %q", token.Type, token.Scope)
			}
		})
	}
}

func TestLifetime(t *testing.T) {
	for _, c := range []struct {
		expires time.Time
		want    time.Duration
	}{
		{noon.Add(time.Hour), time.Hour},
		{noon.Add(-time.Second), -time.Second},
		{time.Time{}, 0},
	} {
		if got := (providers.Token{Expires: c.expires}).Lifetime(noon); got != c.want {
			t.Errorf("%v: got %v, want %v", c.expires, got, c.want)
		}
	}
}

func TestJWTClaims(t *testing.T) {
	claims, err := providers.JWTClaims(jwtUntil("1795266000"))
	if err != nil || claims.Get("exp").Raw != "1795266000" {
		t.Errorf("got %s, %v", claims.Raw, err)
	}
	for _, token := range []string{
		"", "abc", "a.b", "a.b.c", "a.b.c.d",
		"eyJhbGciOiJub25lIn0.e30.",       // RFC 7515 6: without a signature it proves nothing
		"eyJhbGciOiJub25lIn0=.e30=.c2ln", // padded
		"W10.e30.c2ln", "e30.W10.c2ln",   // arrays
		"e30.eyJhIjox.c2ln", // cut short
		"eyJhbGciOiJSUzI1NiIsInR5c..._very.long_string",
	} {
		if claims, err := providers.JWTClaims(token); err == nil {
			t.Errorf("%q is a JWT with the claims %s", token, claims.Raw)
		}
	}
}
