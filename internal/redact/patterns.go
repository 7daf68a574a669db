package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
)

// The names of what is erased by its look.
const (
	nameJWT         = "jwt"
	nameCredentials = "credentials" // RFC 9110 section 11.4
)

// patterns returns what is a credential in text by its look alone.
func patterns(text []byte) []span {
	return append(jwts(text), credentials(text)...)
}

// jwts returns the signed tokens of RFC 7519: two JSON objects and a signature,
// in base64url, joined by dots.
func jwts(text []byte) []span {
	const objectStart = "eyJ" // base64url of {"
	var found []span
	for at := 0; ; {
		from := indexFrom(text, at, objectStart)
		if from < 0 {
			return found
		}
		at = from + len(objectStart)
		header := base64Run(text[from:])
		rest := text[from+len(header):]
		if !bytes.HasPrefix(rest, []byte("."+objectStart)) || !isObject(header) {
			continue
		}
		claims := base64Run(rest[1:])
		rest = rest[1+len(claims):]
		if len(rest) == 0 || rest[0] != '.' || !isObject(claims) {
			continue
		}
		signature := base64Run(rest[1:])
		if _, err := decode(signature); err != nil || len(signature) == 0 {
			continue
		}
		at = len(text) - len(rest) + 1 + len(signature)
		found = append(found, span{from, at, nameJWT, pattern})
	}
}

// base64Run returns the base64url digits at the beginning of text.
func base64Run(text []byte) []byte {
	n := 0
	for n < len(text) && base64Digits[text[n]] >= 0 && text[n] != '+' && text[n] != '/' {
		n++
	}
	return text[:n]
}

func isObject(encoded []byte) bool {
	decoded, err := decode(encoded)
	return err == nil && json.Valid(decoded) && decoded[0] == '{'
}

func decode(encoded []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendDecode(nil, encoded)
}

const (
	// between is what may stand between the header's name and its value: a
	// colon, quotes and brackets, escaped or not, and "value" as in HAR.
	between = `(?:[^0-9A-Za-z]|&(?:quot|#34|#39);|%[0-9A-Fa-f]{2}|\\u00[0-9a-fA-F]{2}|value){0,40}`

	// placeholder begins as documentation writes a credential: $NAME, ${NAME},
	// {name}, <name> (escaped or not), %s, ***, ….
	placeholder = `\$\{?[A-Za-z_]|\{[^{}\r\n]*\}|\{\{[^{}\r\n]*\}\}|%[sqv]\b|\*|…|\.\.\.` +
		`|<[^<>\r\n]*>|&lt;[^<>\r\n]*?&gt;|%3[cC][^\r\n]*?%3[eE]` +
		`|\\(?:x|u00)3[cC][^\r\n]*?\\(?:x|u00)3[eE]`

	// words are what stands there in prose, and names in capitals.
	words = `(?:(?i:access_?token|auth|authentication|authori[sz]ation|authenticated|bearer|basic|credentials?|headers?|required|schemes?|tokens?)` +
		`|[A-Z]+(?:_[A-Z]+)+)[.,:;!?)]*`
)

var (
	headerName  = []byte("authorization")
	headerValue = regexp.MustCompile(`^` + between + `(?i:bearer|basic|token)(?:[ \t]|%20|\+)+(?:(?i:token=)\\?["']?)?`)
	headerOpen  = regexp.MustCompile(`^` + between + `[\[{:,]\s*$`)
	heldPlace   = regexp.MustCompile(`^(?:` + placeholder + `)`)
	prose       = regexp.MustCompile(`^` + words + `$`)
	// The value ends at white space, and at what closes a quotation.
	valueEnd = regexp.MustCompile("[\\s\"'`\\\\<>\\]]|&(?:quot|#34|#39|lt|gt);|%2[27]|$")
)

// credentials returns what follows the scheme in Authorization headers, in
// whatever notation of headers, unless it is a placeholder.
func credentials(text []byte) []span {
	var found []span
	headers(text, func(_, at int) {
		start := headerValue.FindIndex(text[at:min(len(text), at+200)])
		if start == nil {
			return
		}
		from := at + start[1]
		to := from + valueEnd.FindIndex(text[from:])[0]
		if to-from < MinLength || prose.Match(text[from:to]) || heldPlace.Match(text[from:min(len(text), from+200)]) {
			return
		}
		found = append(found, span{from, to, nameCredentials, pattern})
	})
	return found
}

// openHeader returns where in text an Authorization header begins whose value
// may stand on the next line.
func openHeader(text []byte) (from int, found bool) {
	headers(text, func(begin, end int) {
		if !found && headerOpen.Match(text[end:]) {
			from, found = begin, true
		}
	})
	return from, found
}

// headers calls found for each mention of the header. It looks for the z: in
// most texts there are few.
func headers(text []byte, found func(begin, end int)) {
	const z = 7 // its place in the name
	for at := range text {
		if c := text[at]; c != 'z' && c != 'Z' {
			continue
		}
		begin, end := at-z, at-z+len(headerName)
		if begin >= 0 && end <= len(text) && bytes.EqualFold(text[begin:end], headerName) {
			found(begin, end)
		}
	}
}
