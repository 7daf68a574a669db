package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/authspec/authspec/internal/check"
)

func TestInert(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":                   {"a plain text: 100%", "a plain text: 100%"},
		"other scripts":           {"Zürich 東京　駅 e\u0301", "Zürich 東京　駅 e\u0301"},
		"escape sequence":         {"\x1b[31mred", `\x1b[31mred`},
		"line breaks":             {"a\r\nb\tc", `a\r\nb\tc`},
		"nul, bell, delete":       {"\x00\a\x7f", `\x00\x07\x7f`},
		"not UTF-8":               {"a\xff\xc3b", `a\xff\xc3b`},
		"C1 control":              {"\u009b31m", "<U+009B>31m"},
		"turned around":           {"\u202egpj.exe\u202c", "<U+202E>gpj.exe<U+202C>"},
		"isolates":                {"\u2066a\u2069", "<U+2066>a<U+2069>"},
		"invisible":               {"a\u200bb\ufeffc\u00add", "a<U+200B>b<U+FEFF>c<U+00AD>d"},
		"no-break space":          {"a\u00a0b", "a<U+00A0>b"},
		"line separator":          {"a\u2028b", "a<U+2028>b"},
		"tag characters":          {"a\U000e0041", "a<U+E0041>"},
		"replacement character":   {"a\ufffdb", "a\ufffdb"},
		"workflow command":        {"::error::x", `\x3a:error::x`},
		"workflow command within": {"x ::add-mask::x", `x \x3a:add-mask::x`},
		"command of old runners":  {"x##[add-path]y", `x\x23#[add-path]y`},
		"command of Azure":        {"##vso[task.x]", `\x23#vso[task.x]`},
		"three hashes":            {"###[x]", `#\x23#[x]`},
		"IPv6":                    {"dial [::1]:9103, ::1", "dial [::1]:9103, ::1"},
		"C++":                     {"std::string", "std::string"},
		"Markdown heading":        {"## title", "## title"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := inert(tt.in); got != tt.want {
				t.Errorf("inert(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzInert(f *testing.F) {
	f.Add(hostile)
	f.Add("::a ##a[ \x1b \xff \u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := inert(s)
		if problem := obeyed(got); problem != "" || strings.Contains(got, "\n") {
			t.Errorf("inert(%q) = %q: %s", s, got, problem)
		}
		if again := inert(got); again != got {
			t.Errorf("inert(%q) = %q, and that of it %q", s, got, again)
		}
		if p := printable([]byte(s)); utf8.ValidString(s) && obeyed(strings.ReplaceAll(string(p), "::", "")) != "" {
			t.Errorf("printable(%q) = %q: %s", s, p, obeyed(string(p)))
		}
	})
}

var (
	workflowCommand = regexp.MustCompile(`(?m)^\s*::[A-Za-z]`)
	loggingCommand  = regexp.MustCompile(`##\p{L}*\[`)
	ownCommand      = regexp.MustCompile(`(?m)^::(error file=|warning file=|notice title=authspec::)`)
	colours         = regexp.MustCompile("\x1b\\[(1|2|(1;)?3[1-6]|0)m")
)

// obeyed says what in a text a terminal, a reader's eye or a CI runner would obey.
func obeyed(s string) string {
	if !utf8.ValidString(s) {
		return "not UTF-8"
	}
	for _, r := range s {
		if r != '\n' && r != '\u3000' && !unicode.IsPrint(r) {
			return fmt.Sprintf("holds %U", r)
		}
	}
	for _, command := range []*regexp.Regexp{workflowCommand, loggingCommand} {
		if at := command.FindString(s); at != "" {
			return "commands " + at
		}
	}
	return ""
}

// Whatever a provider sends, no output does more than print.
func TestHostileRunIsInertEverywhere(t *testing.T) {
	everything := sampleRun()
	eachText(everything, func(s string) string { return hostile + s })
	for name, run := range map[string]*check.Run{"sample": sampleRun(), "everything": everything} {
		outputs := map[string][]byte{
			"json":     written(t, "json", run),
			"junit":    written(t, "junit", run),
			"markdown": written(t, "markdown", run),
			"console":  printed(t, &Console{}, run),
			"narrow":   printed(t, &Console{Width: 1, Verbose: true, Curl: true}, run),
			"colour":   colours.ReplaceAll(printed(t, &Console{Color: true, Width: 77, Verbose: true}, run), nil),
			"github":   ownCommand.ReplaceAll(written(t, "github", run), nil),
		}
		for output, b := range outputs {
			if problem := obeyed(string(b)); problem != "" {
				t.Errorf("%s in %s: %s", name, output, problem)
			}
		}
	}
}
