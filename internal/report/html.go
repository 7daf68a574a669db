package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

//go:embed html.tmpl
var htmlFiles embed.FS

var htmlTemplate = sync.OnceValue(func() *template.Template { return web.Templates(htmlFiles, "html.tmpl") })

// writeHTML writes one file that needs no other: what was run, the failures
// first with all that is needed to act on them, then every scenario.
func writeHTML(w io.Writer, run *check.Run) error {
	page, err := web.Render(htmlTemplate(), "report", newHTMLRun(run))
	if err != nil {
		return err
	}
	_, err = w.Write(page)
	return err
}

type (
	htmlRun struct {
		web.Page
		*check.Run
		Gist      check.Verdict
		Counts    map[check.Verdict]int
		Happened  string
		Meaning   string
		Exit      int
		Failures  []*htmlResult
		Providers []*htmlProvider
		Columns   []check.Verdict
	}
	htmlProvider struct {
		ID      string
		Name    string
		Worst   check.Verdict
		By      map[check.Verdict]int
		Total   int
		Took    time.Duration
		Results []*htmlResult
	}
	htmlResult struct {
		*check.Result
		ID        string
		Name      string // with its rule
		Place     string
		Outcome   string
		Steps     []htmlStep
		Exchanges []htmlExchange
		Last      *htmlExchange // the one that decides
	}
	htmlStep struct {
		check.Step
		Failing bool
	}
	htmlExchange struct {
		*check.Exchange
		Kind     string // media type of the response
		Request  string
		Response string
	}
)

func newHTMLRun(run *check.Run) *htmlRun {
	out := &htmlRun{
		Run: run, Gist: gist(run), Counts: map[check.Verdict]int{}, Happened: happened(run), Meaning: sentence(meaning(run)), Exit: run.ExitCode(),
		Page: web.Page{Title: fmt.Sprintf("authspec run: %s", meaning(run)), Description: happened(run)},
	}
	_, all := tallies(run)
	out.Columns = all.columns()
	ids := web.Anchors{}
	ids.Reserve("main", "q", "failures")
	for i := range run.Results {
		r := newHTMLResult(&run.Results[i])
		r.ID = ids.Take(r.Provider + " " + r.Scenario)
		out.Counts[r.Verdict]++
		out.provider(r.Provider).add(r)
		if r.Verdict.Failed() {
			out.Failures = append(out.Failures, r)
		}
	}
	order := check.Verdicts()
	slices.SortStableFunc(out.Failures, func(a, b *htmlResult) int {
		return slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict)
	})
	slices.SortStableFunc(out.Providers, func(a, b *htmlProvider) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range out.Providers {
		p.ID = ids.Take("all of " + p.Name)
	}
	return out
}

func (run *htmlRun) provider(name string) *htmlProvider {
	if name == "" {
		name = "(no provider)"
	}
	for _, p := range run.Providers {
		if p.Name == name {
			return p
		}
	}
	p := &htmlProvider{Name: name, By: map[check.Verdict]int{}}
	run.Providers = append(run.Providers, p)
	return p
}

func (p *htmlProvider) add(r *htmlResult) {
	p.By[r.Verdict]++
	p.Total++
	p.Took += r.Duration
	p.Results = append(p.Results, r)
	t := tally{by: p.By}
	p.Worst = t.worst()
}

func newHTMLResult(r *check.Result) *htmlResult {
	out := &htmlResult{Result: r, Name: head1(r.Scenario), Place: place(r), Outcome: outcome(r)}
	if r.Rule != "" {
		out.Name = head1(r.Rule) + " › " + out.Name
	}
	failing := r.Failing()
	for i := range r.Steps {
		out.Steps = append(out.Steps, htmlStep{r.Steps[i], failing == &r.Steps[i]})
	}
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		out.Exchanges = append(out.Exchanges, htmlExchange{
			Exchange: x, Kind: mediaType(x.ResponseHeader),
			Request:  htmlMessage(x.RequestHeader, x.RequestBody),
			Response: htmlMessage(x.ResponseHeader, x.ResponseBody),
		})
	}
	if n := len(out.Exchanges); n > 0 {
		out.Last = &out.Exchanges[n-1]
	}
	return out
}

// htmlMessage writes headers and body as they travel, the body set out over
// lines and cut where nobody would read on.
func htmlMessage(h http.Header, body string) string {
	const mostBytes, mostLines = 32 << 10, 200
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			value, _ = head(value, mostBytes)
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if body == "" {
		return b.String()
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	shown, all := head(body, mostBytes)
	switch {
	case mediaType(h) == "application/x-www-form-urlencoded":
		shown = strings.ReplaceAll(shown, "&", "&\n")
	case all:
		shown = indented(shown)
	}
	lines := strings.Split(shown, "\n")
	if len(lines) > mostLines {
		lines, all = lines[:mostLines], false
	}
	b.WriteString(strings.Join(lines, "\n"))
	if !all {
		fmt.Fprintf(&b, "\n… %d bytes in all", len(body))
	}
	return b.String()
}

// Again is the command that sends the last request again, an option a line.
func (r *htmlResult) Again() string {
	var b strings.Builder
	var quote rune
	previous := ' '
	for i, c := range r.Last.Curl {
		switch {
		case quote == 0 && (c == '\'' || c == '"') && previous != '\\':
			quote = c
		case c == quote && (c == '\'' || previous != '\\'):
			quote = 0
		case quote == 0 && c == ' ' && strings.HasPrefix(r.Last.Curl[i:], " -") && b.Len() > len("curl -i -X"):
			b.WriteString(" \\\n ")
		}
		b.WriteRune(c)
		previous = c
	}
	return b.String()
}

// MissIn returns what a row of the step's table missed, or nil.
func (s htmlStep) MissIn(row int) *check.Miss {
	for i := range s.Misses {
		if s.Misses[i].Row == row {
			return &s.Misses[i]
		}
	}
	return nil
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// head1 is a name that fills no screen.
func head1(s string) string {
	const longest = 240
	s, all := head(s, 4*longest)
	if runes := []rune(s); len(runes) > longest {
		s, all = string(runes[:longest]), false
	}
	if !all {
		s += "…"
	}
	return s
}
