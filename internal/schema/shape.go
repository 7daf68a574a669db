// Package schema tells what JSON looks like: it infers shapes from samples,
// says what changed between two of them, writes them down as JSON Schema and
// checks values against a schema.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/authspec/authspec/providers"
)

// A Type is a type of JSON value. A whole number is an Integer: clients
// declare it so.
type Type string

// The types.
const (
	Array   Type = "array"
	Boolean Type = "boolean"
	Integer Type = "integer"
	Null    Type = "null"
	Number  Type = "number"
	Object  Type = "object"
	String  Type = "string"
)

// A Format is what a string looks like beyond being one.
type Format string

// The formats, by their names in JSON Schema where they have one.
const (
	Plain    Format = ""
	Date     Format = "date"
	DateTime Format = "date-time"
	Email    Format = "email"
	JWT      Format = "jwt"
	URL      Format = "uri"
	UUID     Format = "uuid"
)

var uuidPattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// FormatOf returns the format of a string.
func FormatOf(s string) Format {
	if uuidPattern.MatchString(s) {
		return UUID
	}
	if _, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return DateTime
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return Date
	}
	if _, err := providers.JWTClaims(s); err == nil {
		return JWT
	}
	if u, err := url.Parse(s); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		return URL
	}
	if a, err := mail.ParseAddress(s); err == nil && a.Address == s {
		return Email
	}
	return Plain
}

// A Shape is what the values at one place look like, over all samples. The
// zero value has seen none.
type Shape struct {
	Types   map[Type]int      // how many values were of each type
	Formats map[Format]int    // of the strings among them that are not empty
	Fields  map[string]*Shape // of the objects among them
	Order   []string          // the names of Fields, as first seen
	Element *Shape            // of the elements of the arrays among them; nil: none seen
}

// ErrNotJSON is returned for a sample that is not one JSON value.
var ErrNotJSON = errors.New("not JSON")

// Of returns the shape of one sample.
func Of(sample []byte) (*Shape, error) {
	s := &Shape{}
	return s, s.Add(sample)
}

// Add takes one more sample into account.
func (s *Shape) Add(sample []byte) error {
	if !json.Valid(sample) {
		return ErrNotJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(sample))
	decoder.UseNumber()
	return s.value(decoder)
}

func (s *Shape) value(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			return s.array(d)
		}
		return s.object(d)
	case nil:
		s.count(Null)
	case bool:
		s.count(Boolean)
	case json.Number:
		s.count(numberType(v.String()))
	case string:
		s.count(String)
		if v != "" {
			if s.Formats == nil {
				s.Formats = map[Format]int{}
			}
			s.Formats[FormatOf(v)]++
		}
	}
	return nil
}

func (s *Shape) array(d *json.Decoder) error {
	s.count(Array)
	for d.More() {
		if s.Element == nil {
			s.Element = &Shape{}
		}
		if err := s.Element.value(d); err != nil {
			return err
		}
	}
	return closing(d)
}

// object takes the first of members that share a name, as gjson does.
func (s *Shape) object(d *json.Decoder) error {
	s.count(Object)
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // in an object it is one
		field := s.Fields[name]
		switch {
		case seen[name]:
			field = &Shape{}
		case field == nil:
			field = &Shape{}
			if s.Fields == nil {
				s.Fields = map[string]*Shape{}
			}
			s.Fields[name] = field
			s.Order = append(s.Order, name)
		}
		seen[name] = true
		if err := field.value(d); err != nil {
			return err
		}
	}
	return closing(d)
}

func closing(d *json.Decoder) error {
	_, err := d.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *Shape) count(t Type) {
	if s.Types == nil {
		s.Types = map[Type]int{}
	}
	s.Types[t]++
}

func numberType(raw string) Type {
	if strings.ContainsAny(raw, ".eE") {
		return Number
	}
	return Integer
}

// values is how many values were seen.
func (s *Shape) values() int {
	n := 0
	for _, count := range s.Types {
		n += count
	}
	return n
}

// format is the one format of all strings that are not empty.
func (s *Shape) format() Format {
	if len(s.Formats) != 1 {
		return Plain
	}
	for f := range s.Formats {
		return f
	}
	return Plain
}

// names of what a type or a format is called in features.
var (
	typeNames = map[Type]string{
		Array: "an array", Boolean: "a boolean", Integer: "an integer", Null: "null",
		Number: "a number", Object: "an object", String: "a string",
	}
	formatNames = map[Format]string{
		Plain: "a string", Date: "a date", DateTime: "a date-time", Email: "an email address",
		JWT: "a JWT", URL: "a URL", UUID: "a UUID",
	}
)

// String describes the shape in the words of features: "an integer", "a
// date-time or null".
func (s *Shape) String() string {
	var words []string
	for _, t := range []Type{Object, Array, String, Integer, Number, Boolean, Null} {
		switch {
		case s.Types[t] == 0:
		case t == String:
			words = append(words, formatNames[s.format()])
		case t == Integer && s.Types[Number] > 0:
		default:
			words = append(words, typeNames[t])
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " or ")
}
