package redact

import (
	"bytes"
	"hash/maphash"
	"html"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLayers is how many encodings inside each other are unwrapped, not counting
// an innermost one in base64, hex or a list. A web page that shows a curl command
// from a JSON report, with JSON in its quotes, has four.
const maxLayers = 4

// A view is a text with one layer of encoding taken off, or, without a parent,
// the text as it came.
type view struct {
	text     []byte
	parent   *view
	packed   bool      // it was in base64, hex or a list
	escapes  []escape  // how a view of unescaped text was made
	segments []segment // how a view of unpacked text was made
}

// An escape is a piece of the parent's text that was replaced in the view's.
type escape struct {
	at, length         int
	parentAt, parentTo int
}

// source returns the piece of the original text in which the view's text from
// from to to was written.
func (v *view) source(from, to int) (int, int) {
	switch {
	case v.parent == nil:
		return from, to
	case v.segments != nil:
		from, to = v.packedSource(from, to)
	default:
		from, to = v.escapedSource(from, false), v.escapedSource(to, true)
	}
	return v.parent.source(from, to)
}

// escapedSource returns the place in the parent's text of a place in the
// view's; inside of an escape, the escape's end or beginning.
func (v *view) escapedSource(at int, end bool) int {
	// i is the first escape that begins at or after at.
	i, exact := slices.BinarySearchFunc(v.escapes, at, func(e escape, at int) int { return e.at - at })
	if exact {
		return v.escapes[i].parentAt
	}
	if i == 0 {
		return at
	}
	e := v.escapes[i-1]
	switch beyond := at - (e.at + e.length); {
	case beyond >= 0:
		return e.parentTo + beyond
	case end:
		return e.parentTo
	default:
		return e.parentAt
	}
}

// layers visits the text and every view of it that may show a secret which its
// parent does not show. Without unpacking, it visits views of unescaped text
// only.
func (x *index) layers(text []byte, unpacking bool, visit func(*view)) {
	w := walk{index: x, unpacking: unpacking, visit: visit}
	whole := &view{text: text}
	visit(whole)
	w.unwrap(whole, maxLayers)
}

type walk struct {
	index     *index
	unpacking bool
	visit     func(*view)
	seen      []seenView
}

// A seenView is a view that need not be unwrapped again: decodings that commute
// lead to the same one.
type seenView struct {
	hash   uint64
	layers int
	packed bool
}

var seed = maphash.MakeSeed()

func (w *walk) isNew(v *view, layers int) bool {
	this := seenView{maphash.Bytes(seed, v.text), layers, v.packed}
	if slices.Contains(w.seen, this) {
		return false
	}
	w.seen = append(w.seen, this)
	return true
}

// unwrap visits the views of v that take off up to layers layers.
func (w *walk) unwrap(v *view, layers int) {
	if w.unpacking {
		all, readable := unpack(v, w.index.shortest)
		if all != nil {
			w.visit(all)
		}
		if readable != nil && layers > 0 && w.isNew(readable, layers-1) {
			w.unwrap(readable, layers-1)
		}
	}
	if layers == 0 {
		return
	}
	for _, e := range encodings {
		if e.quote != 0 && !w.index.quotes[e.quote] {
			continue
		}
		if child := e.unescape(v, &w.index.telling); child != nil && w.isNew(child, layers-1) {
			w.visit(child)
			w.unwrap(child, layers-1)
		}
	}
}

// An encoding writes bytes as sequences that begin with start.
type encoding struct {
	start byte
	quote byte // if not 0, the only byte that it escapes
	// decode appends to dst what the sequence at the beginning of src stands
	// for, and returns the sequence's length: 0 if there is none.
	decode func(dst, src []byte) ([]byte, int)
}

var encodings = []encoding{
	{start: '%', decode: percent},    // URLs and forms; + for a space is known to the index
	{start: '\\', decode: backslash}, // JSON, Go, JavaScript, Gherkin tables, printf %q
	{start: '&', decode: reference},  // HTML and XML
	{start: '\'', decode: shellQuote, quote: '\''},
	{start: '\'', decode: doubled, quote: '\''}, // YAML, SQL
	{start: '"', decode: doubled, quote: '"'},   // CSV
}

// unescape returns the view in which the encoding's sequences are replaced, or
// nil if none of them stands for a telling byte.
func (e encoding) unescape(v *view, telling *[256]bool) *view {
	var child *view
	tells := false
	copied := 0
	for at := 0; ; {
		next := bytes.IndexByte(v.text[at:], e.start)
		if next < 0 {
			break
		}
		at += next
		var buffer [16]byte
		decoded, length := e.decode(buffer[:0], v.text[at:])
		if length == 0 {
			at++
			continue
		}
		if child == nil {
			child = &view{parent: v, packed: v.packed, text: make([]byte, 0, len(v.text))}
		}
		child.text = append(child.text, v.text[copied:at]...)
		child.escapes = append(child.escapes, escape{len(child.text), len(decoded), at, at + length})
		child.text = append(child.text, decoded...)
		for _, b := range decoded {
			tells = tells || telling[b]
		}
		at += length
		copied = at
	}
	if !tells {
		return nil
	}
	child.text = append(child.text, v.text[copied:]...)
	return child
}

// percent reads %XX.
func percent(dst, src []byte) ([]byte, int) {
	if b, ok := number(src, 1, 2, 16); ok {
		return append(dst, byte(b)), 3
	}
	return dst, 0
}

// backslash reads the sequences of JSON, Go, C, JavaScript and the shell, and
// any punctuation that is escaped by a backslash before it.
func backslash(dst, src []byte) ([]byte, int) {
	if len(src) < 2 {
		return dst, 0
	}
	c := src[1]
	if i := bytes.IndexByte([]byte("abtnvfr"), c); i >= 0 {
		return append(dst, "\a\b\t\n\v\f\r"[i]), 2
	}
	switch {
	case c == 'x':
		if b, ok := number(src, 2, 2, 16); ok {
			return append(dst, byte(b)), 4
		}
	case c == 'u' && len(src) > 2 && src[2] == '{':
		if end := bytes.IndexByte(src[:min(len(src), 10)], '}'); end > 3 {
			if r, ok := number(src, 3, end-3, 16); ok {
				return utf8.AppendRune(dst, r), end + 1
			}
		}
	case c == 'u':
		r, ok := number(src, 2, 4, 16)
		if !ok {
			break
		}
		if len(src) > 8 && src[6] == '\\' && src[7] == 'u' && utf16.IsSurrogate(r) {
			if low, ok := number(src, 8, 4, 16); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return utf8.AppendRune(dst, pair), 12
				}
			}
		}
		return utf8.AppendRune(dst, r), 6
	case c == 'U':
		if r, ok := number(src, 2, 8, 16); ok {
			return utf8.AppendRune(dst, r), 10
		}
	case '0' <= c && c <= '3':
		if b, ok := number(src, 1, 3, 8); ok {
			return append(dst, byte(b)), 4
		}
	case ' ' <= c && c <= '~' && !isLetterOrDigit(c):
		return append(dst, c), 2
	}
	return dst, 0
}

// reference reads &name; &#decimal; &#xhex;.
func reference(dst, src []byte) ([]byte, int) {
	end := bytes.IndexByte(src[:min(len(src), 12)], ';')
	if end < 0 {
		return dst, 0
	}
	base, from := 10, 2
	if end > 2 && (src[2] == 'x' || src[2] == 'X') {
		base, from = 16, 3
	}
	if src[1] == '#' {
		if r, ok := number(src, from, end-from, base); ok {
			return utf8.AppendRune(dst, r), end + 1
		}
		return dst, 0
	}
	written := string(src[:end+1])
	if read := html.UnescapeString(written); read != written {
		return append(dst, read...), len(written)
	}
	return dst, 0
}

// shellQuote reads the two ways to write ' in a text quoted by '.
func shellQuote(dst, src []byte) ([]byte, int) {
	for _, written := range []string{`'\''`, `'"'"'`} {
		if bytes.HasPrefix(src, []byte(written)) {
			return append(dst, '\''), len(written)
		}
	}
	return dst, 0
}

// doubled reads a quote that is escaped by itself.
func doubled(dst, src []byte) ([]byte, int) {
	if len(src) > 1 && src[0] == src[1] {
		return append(dst, src[0]), 2
	}
	return dst, 0
}

// number reads length digits of text.
func number(text []byte, from, length, base int) (rune, bool) {
	if length == 0 || len(text) < from+length {
		return 0, false
	}
	n := int64(0)
	for _, c := range text[from : from+length] {
		digit := hexDigits[c]
		if digit < 0 || int(digit) >= base {
			return 0, false
		}
		n = n*int64(base) + int64(digit)
	}
	return rune(min(n, utf8.MaxRune+1)), true
}

func isLetterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// indexFrom returns the first place of s in text that is not before at, or -1.
func indexFrom(text []byte, at int, s string) int {
	if i := bytes.Index(text[at:], []byte(s)); i >= 0 {
		return at + i
	}
	return -1
}
