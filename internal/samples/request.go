package samples

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/authspec/authspec/providers"
)

// A request is one that the client sends, taken apart so that a language can
// put it together again.
type request struct {
	method  string
	url     text // without the query
	query   []field
	headers []field
	basic   *basic  // nil: no Basic credentials
	form    []field // of a form body
	json    []field // of a flat JSON body
	body    text    // any other body
}

// Basic credentials; encoded says that both are form-encoded first.
type basic struct {
	user, password text
	encoded        bool
}

type field struct {
	name  string
	value text
}

// A text is made of literals and credentials.
type text []part

// A part is a literal, or the name of a credential field.
type part struct {
	literal, field string
}

func (r *request) String() string {
	u := r.url.literal()
	if at := strings.Index(u, "://"); at >= 0 {
		_, path, _ := strings.Cut(u[at+3:], "/")
		u = "/" + path
	}
	return r.method + " " + u
}

// has reports whether a credential field stands in the request.
func (r *request) has(name string) bool {
	if r == nil {
		return false
	}
	texts := []text{r.url, r.body}
	if r.basic != nil {
		texts = append(texts, r.basic.user, r.basic.password)
	}
	for _, fields := range [][]field{r.query, r.headers, r.form, r.json} {
		for _, f := range fields {
			texts = append(texts, f.value)
		}
	}
	return slices.ContainsFunc(texts, func(t text) bool {
		return slices.ContainsFunc(t, func(p part) bool { return p.field == name })
	})
}

// mark stands for the value of a credential field in a request that is only
// looked at. Its braces tell a form-encoded value from one that is not.
func mark(field string) string { return "{{" + field + "}}" }

// hostMark stands for the value of a field that stands in a host: no other
// characters can.
func hostMark(field string) string { return "authspec--" + field + "--" }

var (
	marks     = regexp.MustCompile(`\{\{([a-z0-9_]+)\}\}|authspec--([a-z0-9_]+?)--`)
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// parse finds the marks.
func parse(s string) text {
	var t text
	last := 0
	for _, m := range marks.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > last {
			t = append(t, part{literal: s[last:m[0]]})
		}
		name := max(m[2], m[4]) // one of them is -1
		t = append(t, part{field: s[name:max(m[3], m[5])]})
		last = m[1]
	}
	if last < len(s) {
		t = append(t, part{literal: s[last:]})
	}
	return t
}

// literal is the text with {field} for each credential.
func (t text) literal() string {
	var b strings.Builder
	for _, p := range t {
		if p.field != "" {
			b.WriteString("{" + p.field + "}")
		} else {
			b.WriteString(p.literal)
		}
	}
	return b.String()
}

// read takes a request apart.
func read(resp *providers.Response) (*request, error) {
	sent := resp.Request
	r := &request{method: sent.Method}
	address := *sent.URL
	query, err := pairs(address.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	r.query = query
	address.RawQuery = ""
	plain, err := url.PathUnescape(address.String())
	if err != nil {
		return nil, err
	}
	r.url = parse(plain)
	if err := r.readBody(sent.Header.Get("Content-Type"), resp.RequestBody); err != nil {
		return nil, err
	}
	for name := range sent.Header {
		value := sent.Header.Get(name)
		if b, ok := readBasic(name, value); ok {
			r.basic = b
			continue
		}
		if name == "Content-Type" && (r.form != nil || r.json != nil) {
			continue // goes without saying
		}
		r.headers = append(r.headers, field{name, parse(value)})
	}
	sort.Slice(r.headers, func(i, j int) bool { return r.headers[i].name < r.headers[j].name })
	return r, nil
}

func (r *request) readBody(contentType string, body []byte) error {
	switch {
	case len(body) == 0:
	case contentType == "application/x-www-form-urlencoded":
		form, err := pairs(string(body))
		r.form = form
		return err
	case contentType == "application/json" && r.readFlatJSON(body):
	default:
		r.body = parse(string(body))
	}
	return nil
}

// readFlatJSON reads an object of strings; any other JSON is a literal.
func (r *request) readFlatJSON(body []byte) bool {
	var object map[string]string
	if json.Unmarshal(body, &object) != nil {
		return false
	}
	for name, value := range object {
		r.json = append(r.json, field{name, parse(value)})
	}
	sort.Slice(r.json, func(i, j int) bool { return r.json[i].name < r.json[j].name })
	return true
}

// pairs reads a form in the order it is written.
func pairs(encoded string) ([]field, error) {
	var fields []field
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return nil, fmt.Errorf("%q is not form-encoded", pair)
		}
		fields = append(fields, field{name, parse(value)})
	}
	return fields, nil
}

func readBasic(name, value string) (*basic, bool) {
	encoded, isBasic := strings.CutPrefix(value, "Basic ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if name != "Authorization" || !isBasic || err != nil {
		return nil, false
	}
	user, password, found := strings.Cut(string(decoded), ":")
	if !found {
		return nil, false
	}
	plainUser, errUser := url.QueryUnescape(user)
	plainPassword, errPassword := url.QueryUnescape(password)
	if errUser != nil || errPassword != nil || plainUser == user && plainPassword == password {
		return &basic{user: parse(user), password: parse(password)}, true
	}
	return &basic{parse(plainUser), parse(plainPassword), true}, true
}

// The method is left out where it is what a tool sends anyway.
func (r *request) isPlainGet() bool {
	return r.method == http.MethodGet && r.form == nil && r.json == nil && r.body == nil
}

func (r *request) hasBody() bool { return r.form != nil || r.json != nil || r.body != nil }
