// Package redact erases secrets from text before it is printed or written.
//
// A Redactor is told each secret once, as it is. It then finds the secret in
// text however it was encoded on the way: it unwraps the text as a reader
// would (percent-encoding, backslash escapes, character references, shell
// quoting, base64, hex, lists of bytes, and these inside each other) and looks
// for the plain secret in every layer. So mixtures that nobody listed are
// found too: upper and lower case hex, needless escapes, JSON inside JSON, a
// secret anywhere in a longer base64 text.
//
// What it does not find: a part of a secret, a secret in another letter case,
// hashed, encrypted or compressed, in quoted-printable, base32 or UTF-16, or
// wrapped more than four layers deep.
package redact

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// MinLength is the length in bytes of the shortest secret that is erased.
//
// Strings of three bytes ("api", "200", "key") stand in every page, so to erase
// one makes reports unreadable and shows by its gaps what it was. From four
// bytes on, what a secret of random characters matches is the secret: also in
// base64, where four bytes are 32 bits that have to agree.
const MinLength = 4

// A Redactor erases secrets from text: each is shown as <redacted:name>.
// It is safe for concurrent use. A nil Redactor erases nothing and learns
// nothing; the zero value erases nothing until a secret is added.
//
// From New, or from the first secret on, it also erases what is a credential by
// its look alone: JSON Web Tokens, and what follows the scheme in an
// Authorization header.
//
// A secret costs its own bytes and about 100 more, whatever the number of its
// encodings, and about 100 for each further line. Adding one takes the same time
// however many there are, and erasing takes time in proportion to the text and
// to the ways of encoding found in it.
type Redactor struct {
	mu    sync.RWMutex
	live  bool
	index index
	names map[string]bool
}

// New returns a Redactor that knows no secret yet.
func New() *Redactor {
	return &Redactor{live: true}
}

// Add makes value a secret, shown from now on as <redacted:name>. It reports
// false, and ignores the value, if less than MinLength bytes are left of it
// without the white space around it: the caller should refuse such secrets.
//
// Line breaks at either end are not part of the secret. A value in which line
// breaks are written as \n, as private keys are in environment variables, is
// known with real ones too. A value that is added again keeps its first name.
//
// In the name, characters other than letters, digits, space and _-./ become _.
func (r *Redactor) Add(name, value string) bool {
	value = strings.Trim(value, "\r\n")
	if len(strings.TrimSpace(value)) < MinLength {
		return false
	}
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name = r.learn(name)
	r.index.add(name, value, false)
	if strings.Contains(value, `\n`) {
		lines := strings.ReplaceAll(strings.ReplaceAll(value, `\r`, "\r"), `\n`, "\n")
		r.index.add(name, strings.Trim(lines, "\r\n"), false)
	}
	if !utf8.ValidString(value) {
		// Encoders of text write U+FFFD for each byte that is no UTF-8.
		r.index.add(name, string([]rune(value)), false)
	}
	return true
}

// AddPair makes user:password known as HTTP Basic credentials: a token68 of
// them is erased as a whole, as <redacted:name>, whether user and password were
// form-encoded before (RFC 6749 section 2.3.1) or taken as they are (RFC 7617).
//
// It does not make the password itself a secret: Add does.
func (r *Redactor) AddPair(name, user, password string) {
	pair := user + ":" + password
	if r == nil || len(pair) < MinLength {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index.add(r.learn(name), pair, true)
}

// String returns s with every secret replaced by its marker. Nothing that Leak
// would find is left, so String(String(s)) is String(s). Where secrets overlap
// or contain each other, one marker with the name of the longest stands for
// all. Text without secrets comes out as it went in.
//
// A marker is not searched for secrets: a secret that reads "redacted", or like
// a name, stays readable inside markers.
func (r *Redactor) String(s string) string {
	return r.StringExcept(s, "")
}

// StringExcept is String, but a secret that is a word of own, and stands in s as
// it is, is left: own is text of the program itself, the same for all secrets,
// so that a client ID "name" does not eat the word name of every form.
// What came from elsewhere in s must have passed String before.
func (r *Redactor) StringExcept(s, own string) string {
	if r == nil {
		return s
	}
	if out, changed := r.erase([]byte(s), own); changed {
		return string(out)
	}
	return s
}

// Bytes is String for bytes. It does not change b, and returns b itself if
// there is nothing to erase.
func (r *Redactor) Bytes(b []byte) []byte {
	if r == nil {
		return b
	}
	out, _ := r.erase(b, "")
	return out
}

// Leak reports the name of the first secret found in b in any encoding. It
// looks for the secrets it was told only: a sample token in a fixture is no
// leak.
func (r *Redactor) Leak(b []byte) (name string, found bool) {
	return r.LeakExcept(b, "")
}

// LeakExcept is Leak for what StringExcept returns.
func (r *Redactor) LeakExcept(b []byte, own string) (name string, found bool) {
	if r == nil {
		return "", false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	spans := outside(r.secrets(b, own), r.markers(b))
	if len(spans) == 0 {
		return "", false
	}
	first := slices.MinFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	return first.name, true
}

// learn makes name known as one that markers carry, and returns it as they
// carry it.
func (r *Redactor) learn(name string) string {
	name = strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) && c != unicode.ReplacementChar || unicode.IsDigit(c) || strings.ContainsRune(" _-./", c) {
			return c
		}
		return '_'
	}, name)
	if name == "" {
		name = "secret"
	}
	if r.names == nil {
		r.names = make(map[string]bool)
	}
	r.names[name] = true
	r.live = true
	return name
}

// A span is a piece of text to erase.
type span struct {
	from, to int
	name     string
	rank     rank
}

type rank int

const (
	marker  rank = iota // already erased
	pattern             // a credential by its look
	secret
)

// erase repeats itself until a pass finds nothing: what stands beside a new
// marker may, together with it, read as another secret. Each pass but the last
// lessens the bytes outside of markers, or the markers.
func (r *Redactor) erase(text []byte, own string) (out []byte, changed bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.live {
		return text, false
	}
	for {
		spans := r.spans(text, own)
		if len(spans) == 0 {
			return text, changed
		}
		text, changed = replace(text, spans), true
	}
}

// spans returns what is to be erased in text, in order, without overlaps.
func (r *Redactor) spans(text []byte, own string) []span {
	found := append(r.secrets(text, own), patterns(text)...)
	if len(found) == 0 {
		return nil
	}
	markers := r.markers(text)
	return merge(append(outside(found, markers), markers...))
}

// secrets returns every place where a secret stands in text in some encoding,
// but for those that stand there as they are and are a word of own.
func (r *Redactor) secrets(text []byte, own string) []span {
	if len(r.index.entries) == 0 || len(text) < r.index.shortest {
		return nil // no encoding is shorter than what it stands for
	}
	var spans []span
	r.index.layers(text, true, func(v *view) {
		r.index.find(v.text, v.packed, func(from, to int, name string) {
			found := v.text[from:to]
			from, to = v.source(from, to)
			if own != "" && bytes.Equal(text[from:to], found) && strings.Contains(own, string(found)) {
				return
			}
			spans = append(spans, span{from, to, name, secret})
		})
	})
	return spans
}

// outside returns the spans that do not lie within a marker. It reuses spans.
func outside(spans, markers []span) []span {
	if len(markers) == 0 {
		return spans
	}
	return slices.DeleteFunc(spans, func(s span) bool {
		i, _ := slices.BinarySearchFunc(markers, s.to, func(m span, to int) int { return cmp.Compare(m.to, to) })
		return i < len(markers) && markers[i].from <= s.from
	})
}

// merge joins spans that overlap. A joined span takes the name of its longest
// secret, of its longest pattern if no secret is in it, and is left out if
// there are only markers in it.
func merge(spans []span) []span {
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var merged []span
	for i := 0; i < len(spans); {
		best, to := spans[i], spans[i].to
		from := best.from
		for i++; i < len(spans) && spans[i].from < to; i++ {
			s := spans[i]
			if s.rank > best.rank || s.rank == best.rank && s.to-s.from > best.to-best.from {
				best = s
			}
			to = max(to, s.to)
		}
		if best.rank > marker {
			merged = append(merged, span{from, to, best.name, best.rank})
		}
	}
	return merged
}

const markerStart = "<redacted:"

func replace(text []byte, spans []span) []byte {
	out := make([]byte, 0, len(text)+len(spans)*len(markerStart))
	last := 0
	for _, s := range spans {
		out = append(out, text[last:s.from]...)
		out = append(out, markerStart...)
		out = append(out, s.name...)
		out = append(out, '>')
		last = s.to
	}
	return append(out, text[last:]...)
}

// markers returns the markers in text that carry a name of this Redactor's.
func (r *Redactor) markers(text []byte) []span {
	var found []span
	for at := 0; ; {
		from := indexFrom(text, at, markerStart)
		if from < 0 {
			return found
		}
		at = from + len(markerStart)
		length := slices.Index(text[at:], '>')
		if length < 0 {
			return found
		}
		if name := string(text[at : at+length]); r.names[name] || name == nameJWT || name == nameCredentials {
			at += length + 1
			found = append(found, span{from: from, to: at, rank: marker})
		}
	}
}
