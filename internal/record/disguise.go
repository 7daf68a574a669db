package record

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/providers"
)

// A disguise replaces what tells an account or a person by stand-ins: tokens
// and secrets, e-mail addresses, UUIDs, IDs, names and numbers of people by
// the names of their fields, and whatever looks random. It learns first and
// replaces then, so that a value known from one answer is found in all.
//
// What a feature spells out stays as it is, unless it is a secret: the
// feature has published it.
type disguise struct {
	provider *providers.Provider
	known    *redact.Redactor // credentials, and all that was learned
	secrets  []string         // credentials and tokens, to be replaced within texts
	spelled  map[string]bool  // raw JSON
	cast     *cast
	inHost   []string // values that stand in hosts, each before its {field}: for a strings.Replacer
}

func newDisguise(o *Observation) *disguise {
	d := &disguise{provider: o.Provider, known: redact.New(), spelled: map[string]bool{}, cast: newCast()}
	for _, s := range o.Plan.Scenarios {
		for _, pin := range Pins(s, o.Provider) {
			for _, literal := range pin.Literals {
				d.spelled[literal.Raw] = true
			}
		}
	}
	for _, field := range o.Provider.CredentialFields() {
		d.secret(o.Provider.Credentials[field], o.creds[field])
		if o.Provider.InHost(field) && o.creds[field] != "" {
			d.inHost = append(d.inHost, o.creds[field], "{"+field+"}")
		}
	}
	for _, x := range o.Exchanges {
		d.learn(x)
	}
	// The longest first: one secret may contain another.
	slices.SortStableFunc(d.secrets, func(a, b string) int { return len(b) - len(a) })
	return d
}

// host is a host as the provider file has it: the values in it name the
// account.
func (d *disguise) host(h string) string { return strings.NewReplacer(d.inHost...).Replace(h) }

func (d *disguise) secret(name, value string) {
	if d.known.Add(name, value) && !slices.Contains(d.secrets, value) {
		d.secrets = append(d.secrets, value)
	}
}

func (d *disguise) learn(x *Exchange) {
	for _, cookie := range (&http.Response{Header: x.Header}).Cookies() {
		if looksRandom(cookie.Value) || len(cookie.Value) >= 16 {
			d.secret("cookie", cookie.Value)
		}
	}
	d.learnJSON(x.Body, d.grants(x))
	for _, values := range x.Header {
		for _, v := range values {
			d.learnText(v)
		}
	}
	if !json.Valid(x.Body) {
		d.learnText(string(x.Body))
	}
}

// grants reports whether an answer issues tokens.
func (d *disguise) grants(x *Exchange) bool { return x.Call == providers.TokenCall && x.succeeded() }

func (d *disguise) learnJSON(body []byte, grants bool) {
	if !json.Valid(body) {
		return
	}
	_, _ = rewriteJSON(body, func(at place, raw string) string {
		var value string
		if at.name || d.spelled[raw] || json.Unmarshal([]byte(raw), &value) != nil {
			return raw
		}
		switch kind := kindOf(at.key, value, grants && !d.describes(at.key)); kind {
		case harmless:
			d.learnText(value)
		case token:
			if grants {
				d.secret("token", value)
			}
			d.known.Add("token", value)
			if parts, ok := splitJWT(value); ok {
				d.learnJSON([]byte(parts.claims), false)
			}
		case host: // 127.0.0.1 may stand anywhere
		case name:
			if len(value) >= 8 && strings.ContainsAny(value, digits) {
				d.known.Add("id", value)
			}
		default:
			d.known.Add(string(kind), value)
		}
		return raw
	})
}

func (d *disguise) learnText(text string) {
	for _, word := range telling.FindAllString(text, -1) {
		if kind := kindOf("", word, false); kind != harmless && kind != host {
			d.known.Add(string(kind), word)
		}
	}
}

// describes reports whether a member of a token response speaks of the token
// and is none.
func (d *disguise) describes(key string) bool {
	r := d.provider.Auth.Response
	return slices.Contains([]string{lastName(r.TokenType), lastName(r.Scope), lastName(r.ExpiresAt), lastName(d.provider.Auth.Error)}, key)
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// leaks reports whether a secret or a value that was learned stands in text,
// in any encoding.
func (d *disguise) leaks(text string) bool {
	_, found := d.known.Leak([]byte(text))
	return found
}

// body returns the body in disguise. JSON is laid out in lines: a diff is to be
// read.
func (d *disguise) body(x *Exchange, step string) []byte {
	if !json.Valid(x.Body) {
		return []byte(d.text(x.Situation, string(x.Body)))
	}
	return indent(d.json(x.Situation, x.Body, d.grants(x)), step)
}

func (d *disguise) json(situation string, body []byte, grants bool) []byte {
	out, _ := rewriteJSON(body, func(at place, raw string) string { // it is valid
		at.path = situation + at.path
		switch {
		case d.spelled[raw] && !d.leaks(raw):
			return raw
		case raw[0] != '"':
			return d.number(at, raw)
		}
		var value string
		if json.Unmarshal([]byte(raw), &value) != nil {
			return raw
		}
		edit := d.value
		if at.name {
			edit = d.name
		}
		if changed := edit(at, value, grants); changed != value {
			return quote(changed)
		}
		return raw
	})
	return out
}

func (d *disguise) value(at place, value string, grants bool) string {
	switch kind := kindOf(at.key, value, grants && !d.describes(at.key)); kind {
	case harmless:
		return d.text(at.path, value)
	case token:
		return d.sure(at, value, d.token(at, value))
	default:
		return d.sure(at, value, d.cast.of(value, at.path, inventions[kind]))
	}
}

// sure replaces all of a value that still holds a secret.
func (d *disguise) sure(at place, value, out string) string {
	if !d.leaks(out) {
		return out
	}
	const whole = "\x00" // the value itself may have a stand-in already: out
	return strings.TrimPrefix(d.cast.of(whole+value, at.path, sampleToken), whole)
}

// token keeps the header and the shape of a JWT, so that it stays one.
func (d *disguise) token(at place, value string) string {
	return d.cast.of(value, at.path, func(value string, r *rand.Rand) string {
		parts, ok := splitJWT(value)
		if !ok {
			return sampleToken(value, r)
		}
		if d.leaks(parts.header) {
			parts.header = string(d.json(at.path+"/header", []byte(parts.header), false))
		}
		parts.claims = string(d.json(at.path, []byte(parts.claims), false))
		parts.signature = sampleSignature(parts.signature, r)
		return parts.String()
	})
}

func (d *disguise) name(at place, value string, _ bool) string {
	if kind := kindOf("", value, false); kind != harmless {
		return d.cast.of(value, at.path, inventions[kind])
	}
	if isNumber(value) && len(value) >= 6 {
		return d.cast.of(value, at.path, sampleName)
	}
	return d.sure(at, value, value)
}

// number replaces whole numbers of some length where an ID is expected.
func (d *disguise) number(at place, raw string) string {
	isID := isNumber(raw) && len(raw) >= 4 && (idWords[lastWord(at.key)] || phoneWords[lastWord(at.key)])
	if isID || raw != "true" && raw != "false" && raw != "null" && d.leaks(raw) {
		return d.cast.of(raw, at.path, sampleName)
	}
	return raw
}

// text replaces what is telling within a text.
func (d *disguise) text(path, text string) string {
	out := text
	for _, secret := range d.secrets {
		if strings.Contains(out, secret) {
			out = strings.ReplaceAll(out, secret, d.token(place{path: path}, secret))
		}
	}
	n := 0
	out = telling.ReplaceAllStringFunc(out, func(word string) string {
		kind := kindOf("", word, false)
		if kind == harmless || d.cast.taken[word] {
			return word
		}
		n++
		at := place{path: path + "/" + strconv.Itoa(n)}
		if kind == token {
			return d.token(at, word)
		}
		return d.cast.of(word, at.path, inventions[kind])
	})
	out = pathNumber.ReplaceAllStringFunc(out, func(segment string) string {
		return "/" + d.cast.of(segment[1:], path, sampleName)
	})
	return d.sure(place{path: path}, text, out)
}

// telling finds in a text what may have to be replaced.
var telling = regexp.MustCompile(`[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+` + // an e-mail address
	`|[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{8,}` + // a JWT
	`|\b\d{1,3}(?:\.\d{1,3}){3}\b` + // an IPv4 address
	`|[A-Za-z0-9_+~-]{16,}={0,2}`)

// pathNumber finds the numbers in the paths of URLs.
var pathNumber = regexp.MustCompile(`/\d{5,}\b`)

// A kind says what a value is.
type kind string

const (
	harmless kind = ""
	token    kind = "token" // or any secret, or what looks random
	name     kind = "name"  // or an ID, or a number of a person
	uuid     kind = "uuid"
	email    kind = "email"
	host     kind = "host"
)

// inventions make the stand-in of a value of each kind.
var inventions = map[kind]func(value string, r *rand.Rand) string{
	token: sampleToken, name: sampleName, uuid: sampleUUID, email: sampleEmail, host: sampleHost,
}

var ipv4 = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){3}$`)

// kindOf tells what a value is by its form, by the name of its field and,
// where tokens are granted, by being neither.
func kindOf(key, value string, grants bool) kind {
	if strings.TrimSpace(value) == "" {
		return harmless
	}
	switch schema.FormatOf(value) {
	case schema.UUID:
		return uuid
	case schema.Email:
		return email
	case schema.JWT:
		return token
	case schema.Date, schema.DateTime, schema.URL:
		return harmless
	}
	word := lastWord(key)
	blank := strings.ContainsAny(value, " \t\r\n")
	hasDigit := strings.ContainsAny(value, digits)
	switch {
	case ipv4.MatchString(value):
		return host
	case phone.MatchString(value), phoneWords[word] && hasDigit:
		return name
	case blank && !personal(key):
		return harmless
	case passWords[word], secretWords[word] && (len(value) >= 16 && word != "key" || len(value) >= 8 && hasDigit):
		return token
	case describing[word]:
		return harmless
	case grants && len(value) >= 16, looksRandom(value):
		return token
	case personal(key), alwaysID[word], idWords[word] && hasDigit && len(value) >= 4:
		return name
	}
	return harmless
}

// phone is a telephone number as E.164 has it.
var phone = regexp.MustCompile(`^\+\d[\d ()./-]{6,18}$`)

// looksRandom reports whether a word is too mixed for one that people made: a
// long run of letters and digits, or a long word that goes from letters to
// digits and back again and again.
func looksRandom(word string) bool {
	const longRun, longWord, enoughTurns = 16, 20, 3
	run, letters, numbers, turns := 0, 0, 0, 0
	var before rune
	for _, c := range word {
		isDigit, isLetter := strings.ContainsRune(digits, c), strings.ContainsRune(lower+upper, c)
		switch {
		case isDigit || isLetter:
			run++
			if isDigit {
				numbers++
			} else {
				letters++
			}
			if run > 1 && isDigit != strings.ContainsRune(digits, before) {
				turns++
			}
		case strings.ContainsRune("+/=_.~-", c):
			run, letters, numbers = 0, 0, 0
		default:
			return false
		}
		if run >= longRun && letters >= 2 && numbers >= 2 {
			return true
		}
		before = c
	}
	return len(word) >= longWord && turns >= enoughTurns
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, digits) == "" }

// The last words of names of fields, and what they say of the value.
var (
	passWords   = set("password passwd pwd secret pin otp")
	secretWords = set("token jwt key assertion signature cookie session nonce ticket credential hash")
	describing  = set("scope scopes scp type error code status message title detail description hint reason uri url alg")
	idWords     = set("id ids uuid guid number ref reference account customer tenant serial iban vat bic kid")
	alwaysID    = set("sub jti sid oid tid uid azp aud")
	phoneWords  = set("phone mobile tel telephone fax msisdn cellphone")
	personWords = set("username login firstname lastname fullname surname nickname street address city zip postcode")
	whose       = set("first last full given family middle maiden display user login nick contact company account customer client tenant organization organisation owner shop store workspace team legal")
)

// personal reports whether a field is named after a person or a firm. A name
// alone may be anything: Antsomi's error code is one.
func personal(key string) bool {
	w := wordsOf(key)
	if len(w) == 0 {
		return false
	}
	last := w[len(w)-1]
	return personWords[last] || last == "name" && len(w) > 1 && whose[w[len(w)-2]]
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

func lastWord(key string) string {
	w := wordsOf(key)
	if len(w) == 0 {
		return ""
	}
	return w[len(w)-1]
}

// wordsOf splits access_token, access-token and accessToken alike.
func wordsOf(key string) []string {
	var b strings.Builder
	before := ' '
	for _, c := range key {
		if unicode.IsUpper(c) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		before = c
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			c = ' '
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return strings.Fields(b.String())
}

func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}
