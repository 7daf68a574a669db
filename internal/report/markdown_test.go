package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/check"
)

func TestMarkdownEscapes(t *testing.T) {
	tests := map[string]string{
		"plain text, 42 ms.":        "plain text, 42 ms.",
		"a|b":                       `a\|b`,
		"`code` *em* _em_ ~~x~~":    "\\`code\\` \\*em\\* \\_em\\_ \\~\\~x\\~\\~",
		"[x](http://evil.example)":  `\[x\](http:\/\/evil.example)`,
		"![x](//evil.example)":      `\!\[x\](//evil.example)`,
		"<script>&amp;":             "&lt;script&gt;&amp;amp;",
		"@octocat #12 $x$":          `@&#8203;octocat \#12 \$x\$`,
		`\[x](y)`:                   `\\\[x\](y)`,
		"see www.evil.example":      `see www\.evil.example`,
		"https://evil.example/?a_b": `https:\/\/evil.example/?a\_b`,
	}
	for in, want := range tests {
		if got := markdown(in); got != want {
			t.Errorf("markdown(%q) = %q, want %q", in, got, want)
		}
	}
}

// Outside of blocks of code, no hostile text makes an element or a line of its
// own; and no text ends a block of code.
func TestMarkdownStructure(t *testing.T) {
	everything := sampleRun()
	eachText(everything, func(s string) string { return hostile + "\n```\n</details>\n# x\n" + s })
	element := regexp.MustCompile(`</?[A-Za-z!][^>]*>`)
	ours := regexp.MustCompile(`^(<details><summary>[✗?!] <b>[a-z: ]+</b> [^<>]+</summary>|</details>)$`)
	for name, run := range map[string]*check.Run{"sample": sampleRun(), "everything": everything} {
		fence, open := "", 0
		for line := range strings.Lines(string(written(t, "markdown", run))) {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case fence != "" && line == fence:
				fence = ""
			case fence != "":
			case strings.HasPrefix(line, "```"):
				fence = strings.TrimSuffix(line, "text")
			case strings.HasPrefix(line, "<details>"):
				open++
				fallthrough
			case line == "</details>":
				if !ours.MatchString(line) {
					t.Errorf("%s: %q", name, line)
				}
			case element.MatchString(line):
				t.Errorf("%s: an element in %q", name, line)
			case strings.HasPrefix(line, "#") && !regexp.MustCompile(`^(## . authspec: |### (What needs doing|Skipped)$)`).MatchString(line):
				t.Errorf("%s: a heading %q", name, line)
			case strings.HasPrefix(line, "|") && len(regexp.MustCompile(`(?:^|[^\\])\|`).FindAllString(line, -1)) != 11:
				t.Errorf("%s: another number of columns in %q", name, line)
			}
		}
		if want := 8; open != want || fence != "" {
			t.Errorf("%s: %d failures unfolded, want %d; open block of code %q", name, open, want, fence)
		}
	}
}
