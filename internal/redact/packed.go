package redact

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// wrapWidth is the length from which a line of base64 may go on in the next
// one: PEM breaks lines at 64 characters, MIME at 76.
const wrapWidth = 60

// A segment is a piece of a view's text that was written in characters of a
// fixed number of bits. Byte i of it stands in the characters 8i/bits to
// (8i+7)/bits of its run.
type segment struct {
	at   int // where in the view's text it begins
	bits int // 6 for base64, 4 for hex and lists
	run
}

// A run is a row of characters of the parent's text: those from one place on,
// or, if it is broken by other characters, those at the places listed.
type run struct {
	from, length int
	places       []int32
}

// char returns the place of the i-th character.
func (r *run) char(i int) int {
	if r.places == nil {
		return r.from + i
	}
	return int(r.places[i])
}

// after returns the run without its first n characters.
func (r *run) after(n int) run {
	if r.places == nil {
		return run{from: r.from + n, length: r.length - n}
	}
	return run{length: r.length - n, places: r.places[n:]}
}

// unpack returns the view of everything in v that can be read as base64, hex or
// a list of bytes, at every alignment, and the view of that part of it which
// reads as text. The pieces are kept apart by zero bytes; those of less than
// least bytes are left out. A view without pieces is nil.
func unpack(v *view, least int) (all, readable *view) {
	p := packer{parent: v, least: max(least, MinLength)}
	p.base64(v.text)
	p.hex(v.text)
	p.lists(v.text)
	return p.all, p.readable
}

// packedSource returns the characters of the parent's text in which the view's
// bytes were written, and the padding that follows.
func (v *view) packedSource(from, to int) (int, int) {
	i, exact := slices.BinarySearchFunc(v.segments, from, func(s segment, at int) int { return s.at - at })
	if !exact {
		i--
	}
	s := v.segments[i]
	// A match that takes in the zero byte between segments counts for this one.
	end := s.length - 1
	first, last := min(8*(from-s.at)/s.bits, end), min((8*(to-1-s.at)+7)/s.bits, end)
	from, to = s.char(first), s.char(last)+1
	if s.bits == 6 && last == end {
		for range 2 {
			if to < len(v.parent.text) && v.parent.text[to] == '=' {
				to++
			}
		}
	}
	return from, to
}

type packer struct {
	parent        *view
	least         int   // bytes of the shortest string that is looked for: no decoding makes more of them
	all, readable *view // nil until there is a piece
	piece         []byte
}

// add adds what the digits of the run say, read from each of the first
// alignments digits on.
func (p *packer) add(r run, bits, alignments int, digits *[256]int8) {
	text := p.parent.text
	for shift := range alignments {
		if (r.length-shift)*bits < p.least*8 {
			return
		}
		p.piece = p.piece[:0]
		held, n := uint(0), 0
		for i := shift; i < r.length; i++ {
			held = held<<bits | uint(digits[text[r.char(i)]])
			if n += bits; n >= 8 {
				n -= 8
				p.piece = append(p.piece, byte(held>>n))
			}
		}
		p.keep(bits, r.after(shift))
	}
}

func (p *packer) keep(bits int, r run) {
	p.all = p.appended(p.all, bits, r)
	if reads(p.piece) {
		p.readable = p.appended(p.readable, bits, r)
	}
}

func (p *packer) appended(v *view, bits int, r run) *view {
	if v == nil {
		v = &view{parent: p.parent, packed: true}
	}
	v.segments = append(v.segments, segment{len(v.text), bits, r})
	v.text = append(append(v.text, p.piece...), 0)
	return v
}

// reads reports whether most of text is printable, as by chance little is.
func reads(text []byte) bool {
	printable := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if ' ' <= c && c <= '~' || c == '\n' || c == '\r' || c == '\t' {
				printable++
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if size > 1 && unicode.IsPrint(r) {
			printable += size
		}
		i += size
	}
	return printable*4 >= len(text)*3
}

// base64 reads runs of the standard and the URL-safe alphabet. A long line may
// go on in the next one, so it is the joined run that must be long enough.
func (p *packer) base64(text []byte) {
	for at := 0; at < len(text); at++ {
		if base64Digits[text[at]] < 0 {
			continue
		}
		r := run{from: at}
		at = base64End(text, at)
		for line := r.from; at-line >= wrapWidth; {
			next := nextLine(text, at)
			if next == at {
				break
			}
			if r.places == nil {
				r.places = count(nil, r.from, at)
			}
			line, at = next, base64End(text, next)
			r.places = count(r.places, line, at)
		}
		r.length = at - r.from
		if r.places != nil {
			r.length = len(r.places)
		}
		p.add(r, 6, 4, &base64Digits)
	}
}

// base64End returns where the digits end that begin at at.
func base64End(text []byte, at int) int {
	for at < len(text) && base64Digits[text[at]] >= 0 {
		at++
	}
	return at
}

// nextLine returns where after a line break at at, if there is one, the text
// goes on; else it returns at.
func nextLine(text []byte, at int) int {
	rest := bytes.TrimPrefix(text[at:], []byte("\r"))
	if len(rest) == 0 || rest[0] != '\n' {
		return at
	}
	return len(text) - len(bytes.TrimLeft(rest[1:], " \t"))
}

// count appends the numbers from from up to to.
func count(places []int32, from, to int) []int32 {
	for at := from; at < to; at++ {
		places = append(places, int32(at))
	}
	return places
}

// hex reads runs of hex digits.
func (p *packer) hex(text []byte) {
	for at := 0; at < len(text); at++ {
		from := at
		for at < len(text) && hexDigits[text[at]] >= 0 {
			at++
		}
		p.add(run{from: from, length: at - from}, 4, 2, &hexDigits)
	}
}

// lists reads numbers of one byte in a row: as fmt prints a []byte ([112 64],
// []byte{0x70, 0x40}, 70 40), as JSON has an array.
func (p *packer) lists(text []byte) {
	var decimal, hexadecimal list
	end := func() {
		p.list(&decimal)
		p.list(&hexadecimal)
	}
	last := -1 // where the number before ended
	for at := 0; at < len(text); {
		from := at
		for at < len(text) && isLetterOrDigit(text[at]) {
			at++
		}
		if at == from {
			at++
			continue
		}
		if last < 0 || !separates(text[last:from]) {
			end()
		}
		last = at
		word := text[from:at]
		if len(word) > 2 && word[0] == '0' && word[1] == 'x' {
			decimal.read(p, word[2:], from, at, 16)
			p.list(&hexadecimal)
			continue
		}
		decimal.read(p, word, from, at, 10)
		if len(word) == 2 {
			hexadecimal.read(p, word, from, at, 16)
		} else {
			p.list(&hexadecimal)
		}
	}
	end()
}

// A list is a row of numbers as far as it is read.
type list struct {
	bytes []byte
	chars []int32
}

// read adds a word to the list, or ends the list if it is no number of a byte.
func (l *list) read(p *packer, word []byte, from, to, base int) {
	n, ok := rune(0), len(word) <= 3
	if ok {
		n, ok = number(word, 0, len(word), base)
	}
	if !ok || n > 0xff {
		p.list(l)
		return
	}
	l.bytes = append(l.bytes, byte(n))
	l.chars = append(l.chars, int32(from), int32(to-1))
}

// list keeps a list that has ended, and begins a new one.
func (p *packer) list(l *list) {
	if len(l.bytes) >= p.least {
		p.piece = append(p.piece[:0], l.bytes...)
		p.keep(4, run{length: len(l.chars), places: l.chars})
		l.chars = nil // the segment has them now
	}
	l.bytes, l.chars = l.bytes[:0], l.chars[:0]
}

// separates reports whether a list goes on behind gap.
func separates(gap []byte) bool {
	for _, c := range gap {
		if c != ' ' && c != ',' && c != ':' && c != '\n' && c != '\t' {
			return false
		}
	}
	return len(gap) > 0
}

var (
	base64Digits = digits("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"                                                              -_")
	hexDigits = digits("0123456789abcdef",
		"          ABCDEF")
)

// digits returns the value of each digit of the alphabets, and -1 for the rest.
func digits(alphabets ...string) (values [256]int8) {
	for i := range values {
		values[i] = -1
	}
	for _, alphabet := range alphabets {
		for value, c := range []byte(alphabet) {
			if c != ' ' {
				values[c] = int8(value)
			}
		}
	}
	return values
}
