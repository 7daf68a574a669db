package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// writeMarkdown writes a job summary in GitHub's Markdown: the gist, a table of
// the providers, the failures folded, the skips with their reasons.
func writeMarkdown(w io.Writer, run *check.Run) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s authspec: %s\n\n", mark(gist(run)), markdown(meaning(run)))
	fmt.Fprintf(&b, "%s. Exit %d.\n", markdown(happened(run)), run.ExitCode())
	markdownTable(&b, run)
	markdownFailures(&b, run)
	markdownSkips(&b, run)
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownTable(b *strings.Builder, run *check.Run) {
	rows, all := tallies(run)
	if len(rows) == 0 {
		return
	}
	verdicts := all.columns()
	b.WriteString("\n| | provider | scenarios |")
	for _, v := range verdicts {
		fmt.Fprintf(b, " %s |", v)
	}
	b.WriteString(" time |\n|---|---|---:|" + strings.Repeat("---:|", len(verdicts)) + "---:|\n")
	for _, t := range rows {
		fmt.Fprintf(b, "| %s | %s | %d |", mark(t.worst()), markdown(t.provider), t.total)
		for _, v := range verdicts {
			if n := t.by[v]; n > 0 {
				fmt.Fprintf(b, " %d |", n)
			} else {
				b.WriteString(" |")
			}
		}
		fmt.Fprintf(b, " %s |\n", markdown(web.Took(t.took)))
	}
}

func markdownFailures(b *strings.Builder, run *check.Run) {
	heading := "\n### What needs doing\n"
	for i := range run.Results {
		r := &run.Results[i]
		if !r.Verdict.Failed() {
			continue
		}
		b.WriteString(heading)
		heading = ""
		fmt.Fprintf(b, "\n<details><summary>%s <b>%s</b> %s</summary>\n\n",
			mark(r.Verdict), markup(outcome(r)), markup(title(r)))
		for _, s := range []string{r.Message, r.Advice} {
			if s != "" {
				fmt.Fprintf(b, "%s\n\n", markdown(strings.Join(inertLines(s), " ")))
			}
		}
		source := newPage(false, 0)
		source.line(place(r))
		source.source(r)
		fence(b, source.String())
		if len(r.Exchanges) > 0 {
			wire := newPage(false, 0)
			wire.evidence(r, depth{})
			fence(b, wire.String())
		}
		b.WriteString("</details>\n")
	}
}

func markdownSkips(b *strings.Builder, run *check.Run) {
	groups := skips(run)
	if len(groups) == 0 {
		return
	}
	b.WriteString("\n### Skipped\n\n")
	for _, g := range groups {
		fmt.Fprintf(b, "- %s\n", markdown(g.heading()))
		for _, r := range g.results {
			fmt.Fprintf(b, "  - %s (%s)\n", markdown(title(r)), markdown(fmt.Sprintf("%s:%d", inert(r.URI), r.Line)))
		}
	}
}

// markdown escapes a text of one line for the middle of a paragraph or a cell:
// no emphasis, code, link, image, HTML, formula, mention or automatic link.
func markdown(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "|", `\|`, "$", `\$`,
		"[", `\[`, "]", `\]`, "!", `\!`, "#", `\#`, "&", "&amp;", "<", "&lt;", ">", "&gt;",
		"://", `:\/\/`, "www.", `www\.`, "WWW.", `WWW\.`,
		"@", "@&#8203;", // GitHub looks for mentions after it has undone escapes
	).Replace(s)
}

// markup escapes a text for the inside of an HTML element.
func markup(s string) string {
	return strings.ReplaceAll(html.EscapeString(s), "@", "@&#8203;")
}

// fence writes a block of code between more backticks than are in it.
func fence(b *strings.Builder, code string) {
	ticks := "```"
	for strings.Contains(code, ticks) {
		ticks += "`"
	}
	fmt.Fprintf(b, "%stext\n%s\n%s\n\n", ticks, strings.Trim(code, "\n"), ticks)
}
