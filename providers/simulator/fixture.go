package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/authspec/authspec/providers"
)

// A Fixture is a raw HTTP response and where each part of it comes from.
type Fixture struct {
	File   string // slash-separated, as in errors
	Status int
	Header http.Header
	Body   []byte

	StatusFrom  Provenance
	HeadersFrom Provenance
	BodyFrom    Provenance
}

// A Provenance says how far a part of a fixture can be trusted.
type Provenance struct {
	Kind   string // Documented, Recorded or Assumed
	Detail string // URL and date, host and date, or the reason
}

// The kinds of provenance.
const (
	Documented = "documented"
	Recorded   = "recorded"
	Assumed    = "assumed"
)

// Assumed reports whether nobody has seen the provider answer so.
func (p Provenance) Assumed() bool { return p.Kind == Assumed }

func (p Provenance) String() string { return p.Kind + " " + p.Detail }

// ParseFixture reads a fixture: comment lines that give the provenance, then
// an HTTP response as `curl -i` prints it. A provenance line is
//
//	# documented URL DATE
//	# recorded HOST DATE
//	# assumed REASON
//
// and speaks of the whole response, or of one part of it when the word
// status, headers or body stands before it. Errors begin with file and line.
func ParseFixture(file string, source []byte) (*Fixture, error) {
	f := &Fixture{File: file, Header: http.Header{}}
	rest := bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	line := 0
	next := func() (string, bool) {
		l, after, found := bytes.Cut(rest, []byte("\n"))
		if !found && len(l) == 0 {
			return "", false
		}
		rest = after
		line++
		return string(l), true
	}
	fail := func(format string, args ...any) (*Fixture, error) {
		return nil, fmt.Errorf("%s:%d: %s", file, line, fmt.Sprintf(format, args...))
	}

	text, ok := next()
	for ; ok && strings.HasPrefix(text, "#"); text, ok = next() {
		if err := f.addProvenance(strings.TrimSpace(strings.TrimPrefix(text, "#"))); err != nil {
			return fail("%v", err)
		}
	}
	if f.StatusFrom.Kind == "" || f.HeadersFrom.Kind == "" || f.BodyFrom.Kind == "" {
		return fail(`provenance is missing: begin with "# documented URL DATE", "# recorded HOST DATE" or "# assumed REASON"`)
	}
	version, status, _ := strings.Cut(text, " ")
	code, _, _ := strings.Cut(status, " ")
	n, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/") || err != nil || n < 200 || n > 599 {
		return fail("want a status line such as HTTP/1.1 200 OK, got %q", text)
	}
	f.Status = n
	for {
		text, ok = next()
		if !ok || text == "" {
			break
		}
		name, value, found := strings.Cut(text, ":")
		if !found || name == "" || strings.ContainsAny(name, " \t") {
			return fail("want a header or an empty line before the body, got %q", text)
		}
		f.Header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	f.Body = rest
	return f, nil
}

func (f *Fixture) addProvenance(text string) error {
	part, rest, _ := strings.Cut(text, " ")
	targets := []*Provenance{&f.StatusFrom, &f.HeadersFrom, &f.BodyFrom}
	switch part {
	case "status":
		targets, text = targets[:1], rest
	case "headers":
		targets, text = targets[1:2], rest
	case "body":
		targets, text = targets[2:], rest
	}
	kind, detail, _ := strings.Cut(text, " ")
	switch kind {
	case Documented, Recorded:
		if len(strings.Fields(detail)) != 2 {
			return fmt.Errorf("want %s, then where and when, as in %q", kind, kind+" https://docs.example.com/auth 2026-11-21")
		}
	case Assumed:
		if detail == "" {
			return errors.New("assumed wants a reason")
		}
	default:
		return fmt.Errorf("want documented, recorded or assumed, got %q", kind)
	}
	for _, t := range targets {
		*t = Provenance{kind, detail}
	}
	return nil
}

// LoadFixtures reads the provider's fixtures, CALL/SITUATION.http below its
// own folder, into a map by "call/situation". The error lists every fixture
// that cannot be read.
func LoadFixtures(p *providers.Provider, fsys fs.FS) (map[string]*Fixture, error) {
	files, err := fs.Glob(fsys, p.ID+"/*/*.http")
	if err != nil {
		return nil, err
	}
	loaded := map[string]*Fixture{}
	var problems []error
	for _, file := range files {
		source, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		f, err := ParseFixture("fixtures/"+file, source)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, p.ID+"/"), ".http")
		loaded[name] = f
	}
	return loaded, errors.Join(problems...)
}
