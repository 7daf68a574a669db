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
// (8i+7)/bits; chars holds their places in the parent's text.
type segment struct {
	at    int // where in the view's text it begins
	bits  int // 6 for base64, 4 for hex and lists
	chars []int32
}

// unpack returns the view of everything in v that can be read as base64, hex or
// a list of bytes, at every alignment, and the view of that part of it which
// reads as text. The pieces are kept apart by zero bytes. A view without pieces
// is nil.
func unpack(v *view) (all, readable *view) {
	p := packer{
		all:      &view{parent: v, packed: true},
		readable: &view{parent: v, packed: true},
	}
	p.base64(v.text)
	p.hex(v.text)
	p.lists(v.text)
	if p.all.segments != nil {
		all = p.all
	}
	if p.readable.segments != nil {
		readable = p.readable
	}
	return all, readable
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
	end := len(s.chars) - 1
	first, last := min(8*(from-s.at)/s.bits, end), min((8*(to-1-s.at)+7)/s.bits, end)
	from, to = int(s.chars[first]), int(s.chars[last])+1
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
	all, readable *view
	piece         []byte
	run           []int32 // the places of the digits that are read
	block         []int32 // memory for places that segments keep
}

// add adds what the digits of the run say, read from each of the first
// alignments digits on.
func (p *packer) add(text []byte, bits, alignments int, digits *[256]int8) {
	chars := p.keepPlaces(p.run)
	for shift := range alignments {
		if (len(chars)-shift)*bits < MinLength*8 {
			return
		}
		p.piece = p.piece[:0]
		held, n := uint(0), 0
		for _, at := range chars[shift:] {
			held = held<<bits | uint(digits[text[at]])
			if n += bits; n >= 8 {
				n -= 8
				p.piece = append(p.piece, byte(held>>n))
			}
		}
		p.keep(bits, chars[shift:])
	}
}

func (p *packer) keep(bits int, chars []int32) {
	p.all.append(p.piece, bits, chars)
	if reads(p.piece) {
		p.readable.append(p.piece, bits, chars)
	}
}

func (v *view) append(piece []byte, bits int, chars []int32) {
	v.segments = append(v.segments, segment{len(v.text), bits, chars})
	v.text = append(append(v.text, piece...), 0)
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

// base64 reads runs of the standard and the URL-safe alphabet.
func (p *packer) base64(text []byte) {
	for at := 0; at < len(text); at++ {
		if base64Digits[text[at]] < 0 {
			continue
		}
		from := at
		for at < len(text) && base64Digits[text[at]] >= 0 {
			at++
		}
		if (at-from)*6 < MinLength*8 {
			continue
		}
		p.run = count(p.run[:0], from, at)
		for line := from; at-line >= wrapWidth; {
			line = nextLine(text, at)
			at = max(at, line)
			for at < len(text) && base64Digits[text[at]] >= 0 {
				at++
			}
			p.run = count(p.run, line, at)
		}
		p.add(text, 6, 4, &base64Digits)
	}
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

// keepPlaces copies places to where they can stay. Most runs are short, so many
// share a block of memory.
func (p *packer) keepPlaces(places []int32) []int32 {
	n := len(places)
	if n > len(p.block) {
		p.block = make([]int32, max(n, 1024))
	}
	kept := p.block[:n:n]
	p.block = p.block[n:]
	copy(kept, places)
	return kept
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
		if (at-from)*4 >= MinLength*8 {
			p.run = count(p.run[:0], from, at)
			p.add(text, 4, 2, &hexDigits)
		}
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
	if len(l.bytes) >= MinLength {
		p.piece = append(p.piece[:0], l.bytes...)
		p.keep(4, l.chars)
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
