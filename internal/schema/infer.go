package schema

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Draft is the dialect that schemas are written in.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// jwtPattern stands for a format that JSON Schema does not have.
const jwtPattern = `^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`

// JSONSchema writes the shape as a JSON Schema that every sample meets:
// fields that all samples have are required, others are allowed. The comment
// says where the samples are from.
func (s *Shape) JSONSchema(title, comment string) []byte {
	var b bytes.Buffer
	w := writer{&b}
	w.object(func(member func(string, any)) {
		member("$schema", Draft)
		member("title", title)
		member("$comment", comment)
		w.shape(s, member)
	})
	var out bytes.Buffer
	_ = json.Indent(&out, b.Bytes(), "", "  ") // it was written as JSON
	out.WriteByte('\n')
	return out.Bytes()
}

type writer struct{ b *bytes.Buffer }

// object writes an object whose members keep their order.
func (w writer) object(members func(member func(name string, value any))) {
	w.b.WriteByte('{')
	first := true
	members(func(name string, value any) {
		if !first {
			w.b.WriteByte(',')
		}
		first = false
		w.literal(name)
		w.b.WriteByte(':')
		if nested, ok := value.(func()); ok {
			nested()
			return
		}
		w.literal(value)
	})
	w.b.WriteByte('}')
}

func (w writer) literal(v any) {
	encoder := json.NewEncoder(w.b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings and lists of them
}

func (w writer) shape(s *Shape, member func(string, any)) {
	var types []Type
	for t := range s.Types {
		if t != Integer || s.Types[Number] == 0 {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	switch len(types) {
	case 0:
		return
	case 1:
		member("type", types[0])
	default:
		member("type", types)
	}
	strings := 0
	for _, n := range s.Formats {
		strings += n
	}
	if f := s.format(); f != Plain && strings == s.Types[String] { // no empty ones
		if f == JWT {
			member("pattern", jwtPattern)
		} else {
			member("format", f)
		}
	}
	if len(s.Fields) > 0 {
		w.fields(s, member)
	}
	if s.Element != nil {
		member("items", func() {
			w.object(func(member func(string, any)) { w.shape(s.Element, member) })
		})
	}
}

func (w writer) fields(s *Shape, member func(string, any)) {
	var required []string
	member("properties", func() {
		w.object(func(member func(string, any)) {
			for _, name := range s.Order {
				field := s.Fields[name]
				if field.values() == s.Types[Object] {
					required = append(required, name)
				}
				member(name, func() {
					w.object(func(member func(string, any)) { w.shape(field, member) })
				})
			}
		})
	})
	if len(required) > 0 {
		member("required", required)
	}
}
