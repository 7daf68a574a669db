package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/providers"
)

// issue returns the body of the fixture with a fresh token, an expiry by the
// simulator's clock and the granted scope, at the paths the provider file
// declares and only where the fixture has a value, and the token. All else
// stays as it is, byte for byte.
func (s *Simulator) issue(f *Fixture, scopes []string) (issued []byte, token string) {
	paths := s.provider.Auth.Response
	now := s.Now()
	expires := s.expiry(f.Body, now)
	body := string(f.Body)

	if sample := gjson.Get(body, paths.AccessToken); sample.Type == gjson.String {
		token = s.newToken(sample.Str, now, expires)
		body = replace(body, sample, quote(token))
		s.Accept(token, scopes, expires)
	}
	if sample := gjson.Get(body, paths.ExpiresAt); sample.Type == gjson.String {
		body = replace(body, sample, quote(expires.UTC().Format(layoutOf(sample.Str))))
	}
	if sample := gjson.Get(body, paths.ExpiresAtEpoch); sample.Type == gjson.Number {
		body = replace(body, sample, epochLike(sample.Raw, expires))
	}
	if sample := gjson.Get(body, paths.Scope); sample.Type == gjson.String && len(scopes) > 0 {
		body = replace(body, sample, quote(s.provider.JoinScopes(scopes)))
	}
	return []byte(body), token
}

// expiry follows the fixture where it states a lifetime, else the provider
// file. Zero means never.
func (s *Simulator) expiry(body []byte, now time.Time) time.Time {
	paths := s.provider.Auth.Response
	stated := gjson.GetBytes(body, paths.ExpiresIn)
	unit := time.Second
	if paths.ExpiresInMS != "" {
		stated, unit = gjson.GetBytes(body, paths.ExpiresInMS), time.Millisecond
	}
	switch {
	case stated.Exists():
		return now.Add(time.Duration(stated.Num * float64(unit)))
	case paths.Lifetime > 0:
		return now.Add(time.Duration(paths.Lifetime))
	}
	return time.Time{}
}

func (s *Simulator) newToken(sample string, now, expires time.Time) string {
	if s.provider.Auth.Response.Form == "jwt" {
		return newJWT(sample, now, expires)
	}
	length := s.provider.Auth.Response.Length
	if length == 0 {
		length = len(sample)
	}
	return randomText(length, alphabetOf(sample))
}

// newJWT keeps the header and the claims of the sample, but for its times and
// its jti, and puts random bytes in place of the signature: nobody can verify
// it, as nobody but the provider could verify the sample.
func newJWT(sample string, now, expires time.Time) string {
	parts := strings.Split(sample, ".")
	claims, err := providers.JWTClaims(sample)
	if err != nil {
		return randomText(len(sample), alphabetOf(sample))
	}
	payload := claims.Raw
	for claim, at := range map[string]time.Time{"iat": now, "nbf": now, "exp": expires} {
		if v := gjson.Get(payload, claim); v.Type == gjson.Number && !at.IsZero() {
			payload = replace(payload, v, epochLike(v.Raw, at))
		}
	}
	if v := gjson.Get(payload, "jti"); v.Type == gjson.String {
		payload = replace(payload, v, quote(randomText(len(v.Str), alphabetOf(v.Str))))
	}
	signature := randomText(len(parts[2]), alphabetOf("aA0-_"))
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + signature
}

// replace puts raw JSON in place of the value that gjson found in body.
func replace(body string, found gjson.Result, raw string) string {
	return body[:found.Index] + raw + body[found.Index+len(found.Raw):]
}

func quote(s string) string {
	quoted, _ := json.Marshal(s) // a string cannot fail
	return string(quoted)
}

// layoutOf returns the time layout of an RFC 3339 sample in UTC with as many
// digits after the second.
func layoutOf(sample string) string {
	_, fraction, found := strings.Cut(strings.TrimSuffix(sample, "Z"), ".")
	if !found {
		return "2006-01-02T15:04:05Z07:00"
	}
	digits := 0
	for digits < len(fraction) && fraction[digits] >= '0' && fraction[digits] <= '9' {
		digits++
	}
	return "2006-01-02T15:04:05." + strings.Repeat("0", digits) + "Z07:00"
}

// epochLike writes t in seconds, with a fraction if the sample has one.
func epochLike(sample string, t time.Time) string {
	if strings.Contains(sample, ".") {
		return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// alphabetOf returns the classes of characters that the sample draws from.
func alphabetOf(sample string) string {
	const lower, upper, digits, hex = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "0123456789abcdef"
	if strings.Trim(sample, hex) == "" {
		return hex
	}
	var alphabet string
	for _, class := range []string{lower, upper, digits, "-_"} {
		if strings.ContainsAny(sample, class) {
			alphabet += class
		}
	}
	if alphabet == "" {
		return lower
	}
	return alphabet
}

func randomText(length int, alphabet string) string {
	const bits = 6 // no alphabet has more than 64 characters
	b := make([]byte, 0, length)
	for len(b) < length {
		for random, n := rand.Uint64(), 0; n+bits <= 64 && len(b) < length; n += bits {
			if i := int(random >> n & (1<<bits - 1)); i < len(alphabet) {
				b = append(b, alphabet[i])
			}
		}
	}
	return string(b)
}
