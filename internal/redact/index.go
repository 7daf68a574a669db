package redact

import (
	"math/bits"
	"slices"
	"strings"
)

// An index finds any of many strings in a text in one pass.
//
// Strings are looked up by their last bytes, not their first: tokens of one
// issuer begin alike (sk_live_, eyJhbGciOi) and end in randomness.
type index struct {
	entries []entry
	long    map[uint64]int32 // by the last 8 bytes; for strings of 8 bytes or more
	short   map[uint32]int32 // by the last 4 bytes; for shorter ones
	filter  []uint64         // a bit for each hash of 4 last bytes: most positions end here
	quotes  [256]bool        // the bytes for which a way of quoting matters
	telling [256]bool        // the bytes that an escape must hide to hide a string

	shortest, longest int // in bytes

	// openings holds, of each string of several lines, the beginnings that end
	// with a line break, by their last 8 bytes (or all, if they have fewer).
	openings map[string][]string
}

type entry struct {
	text, name string
	packed     bool  // to be found in packed views only
	next       int32 // the next entry with the same key, not longer than this; 0 is none
}

// key adds a byte to the key of the last eight. A plus sign may stand for a
// space, so they share a key.
func key(k uint64, b byte) uint64 {
	if b == '+' {
		b = ' '
	}
	return k<<8 | uint64(b)
}

func keyOf(s string) uint64 {
	var k uint64
	for i := max(0, len(s)-8); i < len(s); i++ {
		k = key(k, s[i])
	}
	return k
}

// bit returns the place in the filter of a key's last four bytes.
func (x *index) bit(k uint64) (word int, mask uint64) {
	hash := uint32(k) * 0x9e3779b1 >> (32 - bits.Len(uint(len(x.filter)*64-1)))
	return int(hash >> 6), 1 << (hash & 63)
}

// add adds a string of at least MinLength bytes, unless it is known.
func (x *index) add(name, text string, packed bool) {
	if len(text) < MinLength {
		return
	}
	k := keyOf(text)
	// Walk to where the new entry belongs among those of its key, longest first.
	head, previous := x.head(k, len(text)), int32(0)
	at := head
	for ; at != 0 && len(x.entries[at-1].text) >= len(text); at = x.entries[at-1].next {
		if e := &x.entries[at-1]; e.text == text {
			if e.packed && !packed {
				e.name, e.packed = name, false
				x.note(text)
			}
			return
		}
		previous = at
	}
	x.entries = append(x.entries, entry{text, name, packed, at})
	added := int32(len(x.entries))
	switch {
	case previous != 0:
		x.entries[previous-1].next = added
	case len(text) >= 8:
		if x.long == nil {
			x.long = make(map[uint64]int32)
		}
		x.long[k] = added
	default:
		if x.short == nil {
			x.short = make(map[uint32]int32)
		}
		x.short[uint32(k)] = added
	}
	x.sift(k)
	x.know(text)
	if x.shortest == 0 || len(text) < x.shortest {
		x.shortest = len(text)
	}
	x.longest = max(x.longest, len(text))
	if !packed {
		x.note(text)
	}
}

// know notes the bytes that occur in strings.
func (x *index) know(text string) {
	for i := range len(text) {
		x.quotes[text[i]], x.telling[text[i]] = true, true
	}
	// What is no part of a string may still be a part of an escape sequence or
	// of base64, or join its lines.
	for _, b := range []byte("%\\&;#+/-_=\n") {
		x.telling[b] = true
	}
	if x.quotes['\''] { // shellQuote needs the other one
		x.quotes['"'], x.telling['"'] = true, true
	}
}

func (x *index) head(k uint64, length int) int32 {
	if length >= 8 {
		return x.long[k]
	}
	return x.short[uint32(k)]
}

// sift adds a key to the filter, which doubles whenever less than 16 bits are
// left for each entry.
func (x *index) sift(k uint64) {
	if len(x.entries)*16 > len(x.filter)*64 {
		x.filter = make([]uint64, max(256, 2*len(x.filter)))
		for _, e := range x.entries {
			word, mask := x.bit(keyOf(e.text))
			x.filter[word] |= mask
		}
	}
	word, mask := x.bit(k)
	x.filter[word] |= mask
}

// note keeps the openings of a text of several lines.
func (x *index) note(text string) {
	for i := range len(text) - 1 {
		if text[i] != '\n' && text[i] != '\r' {
			continue
		}
		opening := text[:i+1]
		if x.openings == nil {
			x.openings = make(map[string][]string)
		}
		end := opening[max(0, len(opening)-8):]
		if !slices.Contains(x.openings[end], opening) {
			x.openings[end] = append(x.openings[end], opening)
		}
	}
}

// find calls found for each place of text where a string ends, with the longest
// that ends there.
func (x *index) find(text []byte, packed bool, found func(from, to int, name string)) {
	var k uint64
	for i, b := range text {
		k = key(k, b)
		if word, mask := x.bit(k); x.filter[word]&mask == 0 {
			continue
		}
		for _, at := range [2]int32{x.long[k], x.short[uint32(k)]} {
			for ; at != 0; at = x.entries[at-1].next {
				e := &x.entries[at-1]
				if (packed || !e.packed) && endsWith(text[:i+1], e.text) {
					found(i+1-len(e.text), i+1, e.name)
					break
				}
			}
		}
	}
}

// opening returns the earliest place in text from which, to its end, it is the
// beginning of a string of several lines.
func (x *index) opening(text []byte) (from int, found bool) {
	longest := 0
	for n := 1; n <= min(8, len(text)); n++ {
		for _, opening := range x.openings[string(text[len(text)-n:])] {
			if len(opening) > longest && endsWith(text, opening) {
				longest = len(opening)
			}
		}
	}
	return len(text) - longest, longest > 0
}

// endsWith reports whether text ends with s, where a plus sign in text may
// stand for a space.
func endsWith(text []byte, s string) bool {
	if len(text) < len(s) {
		return false
	}
	text = text[len(text)-len(s):]
	if string(text) == s {
		return true
	}
	if strings.IndexByte(s, ' ') < 0 {
		return false
	}
	for i, b := range text {
		if b != s[i] && (b != '+' || s[i] != ' ') {
			return false
		}
	}
	return true
}
