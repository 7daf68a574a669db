package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// Options say how an observation becomes a recording.
type Options struct {
	// Dir is where fixtures/ is, or will be.
	Dir string
	// RateLimited also takes an answer of 429 for the call's rate_limited.
	RateLimited bool
}

// A Recording is the fixtures that an observation amounts to. Nothing of it
// is written yet.
type Recording struct {
	Files    []File // by name
	Notes    []Note // what was not recorded, and what to look at
	dir      string
	provider *providers.Provider
}

// A File is one fixture.
type File struct {
	Name string // "fixtures/antsomi/token/issued.http"
	Old  []byte // nil: there is none
	New  []byte
	// Replaces is the provenance of the old fixture, of its best known part:
	// simulator.Documented, Recorded or Assumed; empty: there is none.
	Replaces string
	// Same says that the provider answers as the old fixture does, whose
	// provenance is no assumption: it is left alone.
	Same bool
}

// A Note is something to know about one situation.
type Note struct {
	Situation string
	Text      string
}

// ErrLeak says that a secret was found in a fixture that would have been
// written. The exit code is check.ExitInternal.
var ErrLeak = errors.New("a secret would have been written")

// NewRecording makes fixtures of what was observed: of each situation the
// first answer that says something about it. Everything telling has a
// stand-in; if any file still holds a secret of the run, the error wraps
// ErrLeak.
func NewRecording(o *Observation, opts Options) (*Recording, error) {
	r := &Recording{dir: opts.Dir, provider: o.Provider}
	d := newDisguise(o)
	answers, order := map[string][]*Exchange{}, []string(nil)
	for _, x := range o.Exchanges {
		situation, reason := r.situation(x, opts)
		if reason != "" {
			r.note(x.Situation, "not recorded: "+reason)
			continue
		}
		if answers[situation] == nil {
			order = append(order, situation)
		}
		answers[situation] = append(answers[situation], x)
	}
	sort.Strings(order)
	named := headersNamed(o.Plan)
	for _, situation := range order {
		if err := r.add(d, situation, answers[situation], named, o.Plan.Workspace.Fixtures); err != nil {
			return nil, err
		}
	}
	for i := range r.Files {
		f := &r.Files[i]
		if secret, found := d.known.Leak(f.New); found && !f.Same {
			return nil, fmt.Errorf("%s: %w (%s): nothing is written; this is a defect of authspec, please report it", f.Name, ErrLeak, secret)
		}
	}
	return r, nil
}

// situation returns the fixture that the answer belongs to, or why it belongs
// to none.
func (r *Recording) situation(x *Exchange, opts Options) (fixture, reason string) {
	silence := x.Silence(r.provider, nil)
	switch {
	case silence != nil && silence.Cause == check.RateLimited && opts.RateLimited:
		return r.provider.Situation(x.Call, "rate_limited"), ""
	case silence != nil:
		return "", silence.Text
	case !utf8.Valid(x.Body):
		return "", fmt.Sprintf("%d: the body is no text", x.Status)
	case !x.Granted() && x.succeeded():
		return "", fmt.Sprintf("%d: a success where it must refuse; if that is how %s refuses, write the fixture by hand", x.Status, r.provider.Name)
	case x.Granted() && !x.succeeded():
		return "", fmt.Sprintf("%d: no success; check the endpoint in providers/%s.yaml", x.Status, r.provider.ID)
	case x.Call == providers.TokenCall && x.Granted():
		token, err := r.provider.ReadToken(x.Body, x.Started)
		if token.Value == "" {
			return "", fmt.Sprintf("%d: %v; correct auth.response in providers/%s.yaml", x.Status, err, r.provider.ID)
		}
		if err != nil {
			r.note(x.Situation, fmt.Sprintf("%v; correct auth.response in providers/%s.yaml", err, r.provider.ID))
		}
	}
	return x.Fixture(r.provider), ""
}

func (r *Recording) note(situation, text string) {
	if n := (Note{situation, text}); !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

// add makes the fixture of one situation of its first answer.
func (r *Recording) add(d *disguise, situation string, answers []*Exchange, named []string, fixtures fs.FS) error {
	first := answers[0]
	name := r.provider.ID + "/" + situation + ".http"
	f := File{Name: "fixtures/" + name}
	if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
		return fmt.Errorf("%s: a call is named so that its fixture would lie outside of fixtures/: rename it", situation)
	}
	old, err := r.old(name, fixtures)
	if err != nil {
		return err
	}
	also := slices.Clone(named)
	var known *simulator.Fixture
	step := indentOf(nil)
	if old != nil {
		if known, err = simulator.ParseFixture(f.Name, old); err != nil {
			return err
		}
		f.Old, f.Replaces, step = old, provenance(known), indentOf(known.Body)
		for header := range known.Header {
			also = append(also, header)
		}
	}
	f.New = fixture(d.host(first.Request.URL.Host), first.Started, first.Status, d.header(first, also), d.body(first, step))
	recorded, err := simulator.ParseFixture(f.Name, f.New)
	if err != nil {
		r.note(situation, fmt.Sprintf("not recorded: the answer cannot be written as a fixture: %v", err))
		return nil
	}
	f.Same = known != nil && same(known, recorded)
	r.Files = append(r.Files, f)
	for _, x := range answers[1:] {
		if differs := difference(first, x); differs != "" {
			r.note(situation, "recorded the first of several answers that differ; another"+differs)
		}
	}
	if r.provider.IsUndocumented(situation) {
		r.note(situation, fmt.Sprintf("has a fixture now: remove it from undocumented: in providers/%s.yaml", r.provider.ID))
	}
	return nil
}

// old returns the fixture as it is: in the directory that is written to, or
// else in the workspace.
func (r *Recording) old(name string, fixtures fs.FS) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(r.dir, "fixtures", filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		content, err = fs.ReadFile(fixtures, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// provenance is that of the best known part.
func provenance(f *simulator.Fixture) string {
	kinds := []string{f.StatusFrom.Kind, f.HeadersFrom.Kind, f.BodyFrom.Kind}
	for _, kind := range []string{simulator.Documented, simulator.Recorded} {
		if slices.Contains(kinds, kind) {
			return kind
		}
	}
	return simulator.Assumed
}

// same reports whether the old fixture says what was recorded, and knew it.
// Times pass: another one is the same answer.
func same(old, recorded *simulator.Fixture) bool {
	if old.StatusFrom.Assumed() || old.HeadersFrom.Assumed() || old.BodyFrom.Assumed() || old.Status != recorded.Status {
		return false
	}
	if len(old.Header) != len(recorded.Header) {
		return false
	}
	for name, values := range old.Header {
		if !slices.Equal(values, recorded.Header[name]) && !strings.HasSuffix(name, "-Reset") && !strings.HasSuffix(name, "-Remaining") {
			return false
		}
	}
	return bytes.Equal(timeless(old.Body), timeless(recorded.Body))
}

var epoch = regexp.MustCompile(`^1[0-9]{9}([0-9]{3})?(\.[0-9]+)?$`) // in seconds or milliseconds, until 2033

// timeless returns a body without its layout, its times and its tokens.
func timeless(body []byte) []byte {
	if !json.Valid(body) {
		return body
	}
	out, _ := rewriteJSON(body, func(at place, raw string) string { // it is valid
		var text string
		switch {
		case epoch.MatchString(raw):
			return `"a time"`
		case at.name || json.Unmarshal([]byte(raw), &text) != nil:
		case schema.FormatOf(text) == schema.DateTime:
			return `"a time"`
		case schema.FormatOf(text) == schema.JWT:
			parts, _ := splitJWT(text)
			return quote(parts.header + string(timeless([]byte(parts.claims))))
		case kindOf(at.key, text, false) == token:
			return `"a token"`
		}
		return raw
	})
	return indent(out, "")
}

// difference says how another answer to the same situation differs in shape.
func difference(first, other *Exchange) string {
	if first.Status != other.Status {
		return fmt.Sprintf(" is %d, not %d", other.Status, first.Status)
	}
	if a, b := first.ContentType(), other.ContentType(); a != b {
		return fmt.Sprintf(" is %s, not %s", b, a)
	}
	before, errBefore := schema.Of(first.Body)
	after, errAfter := schema.Of(other.Body)
	if errBefore != nil || errAfter != nil {
		return ""
	}
	for _, c := range schema.Changes(before, after) {
		return fmt.Sprintf(": %s %s", c.Path, c.Text)
	}
	return ""
}

// Diff returns what the file changes as a unified diff; empty for a new file
// and one that stays.
func (f *File) Diff() []byte {
	if f.Old == nil || f.Same {
		return nil
	}
	return diff.Diff(f.Name, f.Old, f.Name+" (recorded)", f.New)
}

// Replacing says how many fixtures would be replaced, by provenance: "2
// documented and 1 assumed"; empty: none.
func (r *Recording) Replacing() string {
	count := map[string]int{}
	for i := range r.Files {
		if f := &r.Files[i]; !f.Same && f.Old != nil {
			count[f.Replaces]++
		}
	}
	var parts []string
	for _, kind := range []string{simulator.Documented, simulator.Recorded, simulator.Assumed} {
		if count[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[kind], kind))
		}
	}
	if n := len(parts); n > 1 {
		parts = append(parts[:n-2], parts[n-2]+" and "+parts[n-1])
	}
	return strings.Join(parts, ", ")
}

// Changes returns how many files would be written.
func (r *Recording) Changes() int {
	n := 0
	for i := range r.Files {
		if !r.Files[i].Same {
			n++
		}
	}
	return n
}

// Write writes every file that changes and returns their names. When one
// cannot be written, those before it are put back.
func (r *Recording) Write() (written []string, err error) {
	type undo struct {
		file string
		old  []byte
	}
	var done []undo
	defer func() {
		if err == nil {
			return
		}
		written = nil
		for _, u := range slices.Backward(done) {
			if u.old == nil {
				err = errors.Join(err, os.Remove(u.file))
			} else {
				err = errors.Join(err, atomicfile.Write(u.file, u.old))
			}
		}
	}()
	for i := range r.Files {
		f := &r.Files[i]
		if f.Same {
			continue
		}
		file := filepath.Join(r.dir, filepath.FromSlash(f.Name))
		before, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := atomicfile.Write(file, f.New); err != nil {
			return nil, err
		}
		done = append(done, undo{file, before})
		written = append(written, f.Name)
	}
	return written, nil
}

// Writable reports whether fixtures of a provider could be written to dir,
// which must be there. It leaves nothing behind.
func Writable(dir, provider string) error {
	at := dir
	for _, next := range []string{dir, filepath.Join(dir, "fixtures"), filepath.Join(dir, "fixtures", provider)} {
		info, err := os.Stat(next)
		if errors.Is(err, fs.ErrNotExist) && next != dir {
			break
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", next)
		}
		at = next
	}
	probe, err := os.CreateTemp(at, ".authspec-*.tmp")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Unseen returns the assumed fixtures of the provider that no answer met:
// nobody knows yet whether they are right.
func (r *Recording) Unseen(fixtures fs.FS) ([]string, error) {
	all, err := simulator.LoadFixtures(r.provider, fixtures)
	if err != nil {
		return nil, err
	}
	var unseen []string
	for situation, f := range all {
		met := slices.ContainsFunc(r.Files, func(file File) bool {
			return file.Name == path.Join("fixtures", r.provider.ID, situation+".http")
		})
		if !met && (f.StatusFrom.Assumed() || f.BodyFrom.Assumed()) {
			unseen = append(unseen, situation)
		}
	}
	sort.Strings(unseen)
	return unseen, nil
}

// Summary says in one line what the file will do.
func (f *File) Summary() string {
	switch {
	case f.Same:
		return "unchanged  " + f.Name
	case f.Old == nil:
		return "new        " + f.Name
	}
	return "replaces   " + f.Name + ", which is " + f.Replaces
}
