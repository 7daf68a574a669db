package site

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"

	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/web"
)

// markdownTemplates are the twins of the pages. Nothing escapes by itself in
// Markdown: md does for text, code and cell for what stands between backticks,
// fence for blocks.
func markdownTemplates() *template.Template {
	funcs := template.FuncMap{
		"md": md, "code": code, "fence": fence, "took": web.Took, "day": web.Day, "moment": web.Moment, "plural": web.Plural,
		"counts": web.Counts, "inline": mdInline, "join": strings.Join,
	}
	return template.Must(template.New("").Funcs(funcs).ParseFS(templates, "templates/*.md", "templates/*.txt"))
}

func markdownPage(t *template.Template, name string, data any) []byte {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("site: %s: %v", name, err)) // a mistake in the template
	}
	return b.Bytes()
}

// md escapes a text for a paragraph or a cell.
func md(v any) string { return report.Markdown(fmt.Sprint(v)) }

// code sets a text between backticks, in a paragraph or a cell.
func code(v any) string {
	s := strings.ReplaceAll(report.Inert(fmt.Sprint(v)), "|", "\\|")
	if s == "" {
		return ""
	}
	ticks := "`"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	if len(ticks) > 1 {
		return ticks + " " + s + " " + ticks
	}
	return ticks + s + ticks
}

// fence sets lines between more backticks than are in them.
func fence(language, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, "\t "))
		lines[i] = line[:indent] + report.Inert(strings.TrimRight(line[indent:], "\r"))
	}
	body := strings.Join(lines, "\n")
	ticks := "```"
	for strings.Contains(body, ticks) {
		ticks += "`"
	}
	return ticks + language + "\n" + body + "\n" + ticks
}

func mdInline(text Inline) string {
	var b strings.Builder
	for _, s := range text {
		if s.URL != "" {
			fmt.Fprintf(&b, "<%s>", report.Inert(s.URL))
		} else {
			b.WriteString(md(s.Text))
		}
	}
	return b.String()
}
