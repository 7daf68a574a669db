package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode"

	"github.com/authspec/authspec/providers"
)

// A cast gives each value its stand-in: of the same length and the same kinds
// of characters, the same for the same value, and made of the place where the
// value was first seen, not of the value: recorded again tomorrow, another
// token at that place has the same stand-in.
type cast struct {
	byValue map[string]string
	taken   map[string]bool
}

func newCast() *cast { return &cast{map[string]string{}, map[string]bool{}} }

// of returns the stand-in of value, which is first seen at place.
func (c *cast) of(value, place string, invent func(value string, r *rand.Rand) string) string {
	if known, ok := c.byValue[value]; ok {
		return known
	}
	standIn := value
	for try := 0; try < 8 && (standIn == value || c.taken[standIn]); try++ {
		standIn = invent(value, dice(place+"\x00"+strconv.Itoa(try)))
	}
	c.byValue[value], c.taken[standIn] = standIn, true
	return standIn
}

func dice(seed string) *rand.Rand {
	sum := sha256.Sum256([]byte(seed))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// alphabet returns the letters and digits that value may be drawn from.
func alphabet(value string) string {
	for _, hex := range []string{digits + "abcdef", digits + "ABCDEF"} {
		if strings.Trim(value, hex+"-") == "" && strings.ContainsAny(value, hex[10:]) {
			return hex
		}
	}
	var all string
	for _, kind := range []string{lower, upper, digits} {
		if strings.ContainsAny(value, kind) {
			all += kind
		}
	}
	return all
}

// sampleToken draws every letter and digit from those kinds that value has.
func sampleToken(value string, r *rand.Rand) string {
	all := alphabet(value)
	return sample(value, r, func(rune) string { return all })
}

// sampleName puts a letter for a letter and a digit for a digit.
func sampleName(value string, r *rand.Rand) string {
	number := strings.Trim(value, digits) == ""
	first := true
	return sample(value, r, func(c rune) string {
		defer func() { first = false }()
		switch {
		case first && number && c != '0':
			return digits[1:]
		case strings.ContainsRune(digits, c):
			return digits
		case strings.ContainsRune(upper, c):
			return upper
		}
		return lower
	})
}

// sample replaces letters, of any script, and digits; punctuation is shape.
func sample(value string, r *rand.Rand, from func(rune) string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return c
		}
		kind := from(c)
		if kind == "" {
			kind = lower
		}
		return rune(kind[r.IntN(len(kind))])
	}, value)
}

// sampleHost is an address for documentation (RFC 5737).
func sampleHost(_ string, r *rand.Rand) string { return "192.0.2." + strconv.Itoa(1+r.IntN(254)) }

// sampleUUID keeps version and variant.
func sampleUUID(value string, r *rand.Rand) string {
	hex := digits + "abcdef"
	if strings.ToUpper(value) == value && strings.ToLower(value) != value {
		hex = strings.ToUpper(hex)
	}
	out := []byte(value)
	for i, c := range out {
		if c != '-' && i != 14 && i != 19 {
			out[i] = hex[r.IntN(len(hex))]
		}
	}
	return string(out)
}

// sampleEmail is an address that cannot be anyone's (RFC 2606). It is as long
// as the real one, unless that is shorter than any such address.
func sampleEmail(value string, r *rand.Rand) string {
	const domain = "@example.com"
	local := make([]byte, max(len(value)-len(domain), 4))
	for i := range local {
		local[i] = lower[r.IntN(len(lower))]
	}
	return string(local) + domain
}

// A jwtParts is a JWT taken apart.
type jwtParts struct{ header, claims, signature string }

func splitJWT(token string) (jwtParts, bool) {
	if _, err := providers.JWTClaims(token); err != nil {
		return jwtParts{}, false
	}
	parts := strings.Split(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0]) // JWTClaims has read both
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return jwtParts{string(header), string(claims), parts[2]}, true
}

func (j jwtParts) String() string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(j.header)) + "." + encode([]byte(j.claims)) + "." + j.signature
}

// sampleSignature is random bytes, as many as there are.
func sampleSignature(value string, r *rand.Rand) string {
	signature, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return sampleToken(value, r)
	}
	for i := range signature {
		signature[i] = byte(r.IntN(256))
	}
	return base64.RawURLEncoding.EncodeToString(signature)
}
