package record

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A place is where a name or a value stands in JSON.
type place struct {
	path string // names and indexes, joined by slashes
	key  string // the nearest name above it, or its own
	name bool   // it is the name of a member
}

// rewriteJSON returns body, which is one JSON value, with each name and each
// scalar as edit returns it, raw. All else stays as it is, byte for byte.
func rewriteJSON(body []byte, edit func(at place, raw string) string) ([]byte, error) {
	r := rewriter{source: body, decoder: json.NewDecoder(bytes.NewReader(body)), edit: edit}
	r.decoder.UseNumber()
	err := r.value("", "")
	r.out.Write(body[r.copied:])
	return r.out.Bytes(), err
}

type rewriter struct {
	source  []byte
	decoder *json.Decoder
	edit    func(at place, raw string) string
	out     bytes.Buffer
	copied  int // bytes of source that are in out
}

func (r *rewriter) value(path, key string) error {
	before := r.decoder.InputOffset()
	token, err := r.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		for r.decoder.More() {
			before := r.decoder.InputOffset()
			token, err := r.decoder.Token()
			if err != nil {
				return err
			}
			name, _ := token.(string) // in an object it is one
			at := path + "/" + name
			r.replace(before, place{at, name, true})
			if err := r.value(at, name); err != nil {
				return err
			}
		}
		_, err = r.decoder.Token()
	case json.Delim('['):
		for i := 0; r.decoder.More(); i++ {
			if err := r.value(path+"/"+strconv.Itoa(i), key); err != nil {
				return err
			}
		}
		_, err = r.decoder.Token()
	default:
		r.replace(before, place{path, key, false})
	}
	return err
}

// replace edits the token that was read last; before is where the one before
// it ended.
func (r *rewriter) replace(before int64, at place) {
	from, to := int(before), int(r.decoder.InputOffset())
	for strings.IndexByte(" \t\r\n:,", r.source[from]) >= 0 {
		from++
	}
	r.out.Write(r.source[r.copied:from])
	r.out.WriteString(r.edit(at, string(r.source[from:to])))
	r.copied = to
}
