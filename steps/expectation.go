package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
)

// An expectation is what a feature says of one value: a JSON literal or a
// kind ("a string", "at least 1").
type expectation struct {
	text  string
	match func(v gjson.Result, now time.Time) bool
}

// A Kind is an expectation in words.
type Kind struct {
	Form string // as people write it
	Doc  string
}

type kind struct {
	Kind
	match func(v gjson.Result, now time.Time) bool
}

// kinds are the expectations without a parameter, sorted.
var kinds = []kind{
	{Kind{"a boolean", "true or false"}, func(v gjson.Result, _ time.Time) bool { return v.IsBool() }},
	{Kind{"a date-time", "an RFC 3339 date and time in a string"}, func(v gjson.Result, _ time.Time) bool { return !dateTime(v).IsZero() }},
	{Kind{"a date-time in the future", "a date-time after now"}, func(v gjson.Result, now time.Time) bool { return dateTime(v).After(now) }},
	{Kind{"a date-time in the past", "a date-time before now"}, func(v gjson.Result, now time.Time) bool { t := dateTime(v); return !t.IsZero() && t.Before(now) }},
	{Kind{"a JWT", "a JSON Web Token: three parts, the first two JSON (RFC 7519); the signature is not verified"}, isJWT},
	{Kind{"a non-empty array", "an array with at least one element"}, func(v gjson.Result, _ time.Time) bool { return v.IsArray() && len(v.Array()) > 0 }},
	{Kind{"a non-empty string", "a string of at least one character"}, func(v gjson.Result, _ time.Time) bool { return isString(v) && v.Str != "" }},
	{Kind{"a number", "any JSON number"}, func(v gjson.Result, _ time.Time) bool { return v.Exists() && v.Type == gjson.Number }},
	{Kind{"a positive integer", "a whole number above 0"}, func(v gjson.Result, _ time.Time) bool { return isInteger(v) && v.Num > 0 }},
	{Kind{"a string", "any JSON string"}, func(v gjson.Result, _ time.Time) bool { return isString(v) }},
	{Kind{"a URL", "an absolute http or https URL in a string"}, isURL},
	{Kind{"a UUID", "a UUID in a string (RFC 9562)"}, func(v gjson.Result, _ time.Time) bool { return isString(v) && uuidPattern.MatchString(v.Str) }},
	{Kind{"absent", "there is no value"}, func(v gjson.Result, _ time.Time) bool { return !v.Exists() }},
	{Kind{"an array", "any array"}, func(v gjson.Result, _ time.Time) bool { return v.IsArray() }},
	{Kind{"an email address", "an e-mail address in a string"}, isEmail},
	{Kind{"an integer", "a whole JSON number"}, func(v gjson.Result, _ time.Time) bool { return isInteger(v) }},
	{Kind{"an object", "any object"}, func(v gjson.Result, _ time.Time) bool { return v.IsObject() }},
	{Kind{"an opaque string", "a non-empty string that is no JWT"}, func(v gjson.Result, now time.Time) bool { return isString(v) && v.Str != "" && !isJWT(v, now) }},
	{Kind{"present", "any value, null included"}, func(v gjson.Result, _ time.Time) bool { return v.Exists() }},
}

// parameterKinds are the expectations with a parameter.
var parameterKinds = []struct {
	Kind
	prefix string
	parse  func(parameter string) (func(gjson.Result) bool, error)
}{
	{Kind{"at least N", "a number of N or more"}, "at least ", atLeast},
	{Kind{"at most N", "a number of N or less"}, "at most ", atMost},
	{Kind{`containing "TEXT"`, "a string with TEXT in it"}, "containing ", containing},
	{Kind{"matching /REGEXP/", "a string that the regular expression (RE2) finds a match in"}, "matching ", matching},
	{Kind{"one of LITERAL, LITERAL …", "equal to one of these JSON literals"}, "one of ", oneOf},
}

// Kinds returns the expectations in words, for the documentation.
func Kinds() []Kind {
	list := []Kind{{`"TEXT", 42, true, null, [1], {"a": 1}`, "a JSON literal: equal to it, with the same type"}}
	for _, k := range kinds {
		list = append(list, k.Kind)
	}
	for _, k := range parameterKinds {
		list = append(list, k.Kind)
	}
	return list
}

// parseExpectation reads a cell or the end of a sentence. Its error says what
// was probably meant, or else what could stand there.
func parseExpectation(text string) (expectation, error) {
	for _, k := range kinds {
		if k.Form == text {
			return expectation{text, k.match}, nil
		}
	}
	for _, k := range parameterKinds {
		if rest, ok := strings.CutPrefix(text, k.prefix); ok {
			match, err := k.parse(rest)
			if err != nil {
				return expectation{}, fmt.Errorf("%s: %w: write %s", text, err, k.Form)
			}
			return expectation{text, func(v gjson.Result, _ time.Time) bool { return match(v) }}, nil
		}
	}
	if json.Valid([]byte(text)) {
		want := gjson.Parse(text)
		return expectation{text, func(v gjson.Result, _ time.Time) bool { return equal(v, want) }}, nil
	}
	var known []string
	for _, k := range Kinds()[1:] {
		known = append(known, k.Form)
	}
	if near := suggest.DidYouMean(text, known); near != "" {
		return expectation{}, fmt.Errorf("%s is no expectation%s", text, near)
	}
	hint := ""
	if !strings.ContainsAny(text, ` "{[`) {
		hint = fmt.Sprintf(" (for the text itself write %q)", text)
	}
	return expectation{}, fmt.Errorf("%s is no expectation%s: write a JSON literal or one of: %s", text, hint, strings.Join(known, ", "))
}

func isString(v gjson.Result) bool { return v.Type == gjson.String }

// isInteger looks at the text: gjson would round, and takes "42" for 42.
func isInteger(v gjson.Result) bool {
	return v.Type == gjson.Number && integerPattern.MatchString(v.Raw)
}

var (
	integerPattern = regexp.MustCompile(`^-?\d+$`)
	uuidPattern    = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

func dateTime(v gjson.Result) time.Time {
	if !isString(v) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v.Str)
	if err != nil {
		return time.Time{}
	}
	return t
}

func looksLikeTime(s string) bool {
	return !dateTime(gjson.Result{Type: gjson.String, Str: s}).IsZero()
}

func isJWT(v gjson.Result, _ time.Time) bool {
	if !isString(v) {
		return false
	}
	_, err := providers.JWTClaims(v.Str)
	return err == nil
}

func isURL(v gjson.Result, _ time.Time) bool {
	u, err := url.Parse(v.Str)
	return isString(v) && err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func isEmail(v gjson.Result, _ time.Time) bool {
	a, err := mail.ParseAddress(v.Str)
	return isString(v) && err == nil && a.Address == v.Str
}

func atLeast(parameter string) (func(gjson.Result) bool, error) {
	n, err := number(parameter)
	return func(v gjson.Result) bool { return v.Type == gjson.Number && v.Num >= n }, err
}

func atMost(parameter string) (func(gjson.Result) bool, error) {
	n, err := number(parameter)
	return func(v gjson.Result) bool { return v.Type == gjson.Number && v.Num <= n }, err
}

// number reads a JSON number: strconv would take NaN and 1_000 as well.
func number(text string) (float64, error) {
	var n float64
	if json.Unmarshal([]byte(text), &n) != nil || text == "null" {
		return 0, errors.New("want a number")
	}
	return n, nil
}

func containing(parameter string) (func(gjson.Result) bool, error) {
	var part *string
	if json.Unmarshal([]byte(parameter), &part) != nil || part == nil {
		return nil, errors.New("want a text between quotation marks")
	}
	return func(v gjson.Result) bool { return isString(v) && strings.Contains(v.Str, *part) }, nil
}

func matching(parameter string) (func(gjson.Result) bool, error) {
	if len(parameter) < 2 || parameter[0] != '/' || parameter[len(parameter)-1] != '/' {
		return nil, errors.New("a regular expression stands between slashes")
	}
	re, err := regexp.Compile(parameter[1 : len(parameter)-1])
	return func(v gjson.Result) bool { return isString(v) && re.MatchString(v.Str) }, err
}

func oneOf(parameter string) (func(gjson.Result) bool, error) {
	list := "[" + parameter + "]"
	if !json.Valid([]byte(list)) || strings.TrimSpace(parameter) == "" {
		return nil, errors.New("want JSON literals with commas between them")
	}
	literals := gjson.Parse(list).Array()
	return func(v gjson.Result) bool {
		return slices.ContainsFunc(literals, func(want gjson.Result) bool { return equal(v, want) })
	}, nil
}

// equal compares as JSON: by type first, numbers by value, objects without
// regard to the order of their members.
func equal(v, want gjson.Result) bool {
	if !v.Exists() || v.Type != want.Type {
		return false
	}
	switch v.Type {
	case gjson.String:
		return v.Str == want.Str
	case gjson.Number:
		return v.Raw == want.Raw || v.Num == want.Num && (!isInteger(v) || !isInteger(want))
	case gjson.JSON:
		var a, b any
		return json.Unmarshal([]byte(v.Raw), &a) == nil && json.Unmarshal([]byte(want.Raw), &b) == nil && reflect.DeepEqual(a, b)
	}
	return true // null, true and false are their own types
}

// show returns a value for people, on one line, not too long and without
// secrets: they are erased before it is cut, for nobody finds half of one.
func (s *scenario) show(v gjson.Result) string {
	if !v.Exists() {
		return "absent"
	}
	text := strings.Join(strings.Fields(s.vocabulary.opts.Redact(v.Raw)), " ")
	const longest = 120
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + " …"
	}
	return text
}

// text makes a gjson value of a string that did not come from JSON.
func text(s string) gjson.Result {
	raw, _ := json.Marshal(s) // a string cannot fail
	return gjson.ParseBytes(raw)
}
