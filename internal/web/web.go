// Package web is how pages look: the style sheet, a few lines of JavaScript
// that nothing depends on, and the parts that the site and the run report
// share. Every page is one file that asks for nothing: its content security
// policy allows the style and the script it carries, by their hashes, and
// nothing else.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
)

//go:embed page.css
var css string

//go:embed page.js
var js string

//go:embed *.html
var shared embed.FS

// A Page is what the head of a page says.
type Page struct {
	Title       string
	Description string
	Markdown    string // where the same page is in Markdown; may be empty
	Home        string // where the index is; empty on the index and outside a site
	Script      string // a script besides the shared one; may be empty
}

// CSS and JS are what stands in every page.
func (Page) CSS() template.CSS { return template.CSS(css) }

// JS is the script of every page.
func (Page) JS() template.JS { return template.JS(js) }

// Extra is the further script of this page.
func (p Page) Extra() template.JS { return template.JS(p.Script) }

// Icon is the favicon, so that no browser asks for one.
func (Page) Icon() template.URL {
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0b6070"/><path d="M4 8.5l2.7 2.7L12 5.6" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg)))
}

// Policy is the content security policy of the page.
func (p Page) Policy() string {
	scripts, connect := hash(js), "'none'"
	if p.Script != "" {
		scripts, connect = scripts+" "+hash(p.Script), "'self'"
	}
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; connect-src %s; img-src data:; base-uri 'none'; form-action 'none'", hash(css), scripts, connect)
}

func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Templates returns the shared parts and the templates of fsys.
func Templates(fsys fs.FS, pattern string) *template.Template {
	t := template.New("").Funcs(template.FuncMap{
		"took": Took, "day": Day, "moment": Moment, "iso": ISO, "plural": Plural, "words": func(c any) string { return Words(fmt.Sprint(c)) }, "counts": Counts, "bare": Bare,
	})
	return template.Must(template.Must(t.ParseFS(shared, "*.html")).ParseFS(fsys, pattern))
}

// Render fills in a template and makes the page inert.
func Render(t *template.Template, name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return Inert(b.Bytes()), nil
}

// Took says a duration with the digits that matter.
func Took(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 ms"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	}
	d = d.Truncate(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

// Day is a date as people write it.
func Day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Moment is a date with the time of day.
func Moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// ISO is a time for machines.
func ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Plural counts things.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Bare is an address as people say it.
func Bare(address string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "www."), "/")
}

// Words writes a cause, such as network_dns, for people.
func Words(cause string) string {
	text := strings.ReplaceAll(cause, "_", " ")
	for _, name := range []string{"dns", "tcp", "tls"} {
		text = strings.ReplaceAll(text, " "+name, " "+strings.ToUpper(name))
	}
	return text
}

// Counts says how many there are of each verdict: what needs doing first, what
// was not tried last.
func Counts(by map[check.Verdict]int) string {
	var parts []string
	for _, v := range check.Verdicts() {
		if n := by[v]; n > 0 && v != check.Skipped {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	if n := by[check.Skipped]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", n))
	}
	return strings.Join(parts, ", ")
}
