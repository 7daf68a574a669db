package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"html/template"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/authspec/authspec/internal/check"
)

func page(t *testing.T, body string, p Page) string {
	t.Helper()
	set := Templates(fstest.MapFS{"x.html": &fstest.MapFile{Data: []byte(`{{define "x"}}{{template "head" .Page}}<main id="main">{{.Text}}</main>{{template "foot" .Page}}{{end}}`)}}, "x.html")
	out, err := Render(set, "x", struct {
		Page
		Text string
	}{p, body})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// The policy allows exactly what stands in the page, by its hash.
func TestPolicyMatchesThePage(t *testing.T) {
	for name, script := range map[string]string{"plain": "", "preview": "alert('<a & b>');"} {
		out := page(t, "text", Page{Title: "T", Script: script})
		policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(out)[1])
		for _, element := range []string{"style", "script"} {
			for _, m := range regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(out, -1) {
				sum := sha256.Sum256([]byte(m[1]))
				if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, hash) {
					t.Errorf("%s: the policy does not allow a %s of its own: %s is not in %s", name, element, hash, policy)
				}
			}
		}
		if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none';") {
			t.Errorf("%s: %s", name, policy)
		}
	}
}

// What every page carries is a few KB.
func TestStyleAndScriptAreSmall(t *testing.T) {
	if n := len(css); n > 24<<10 {
		t.Errorf("the style sheet has %d bytes", n)
	}
	if n := len(js); n > 6<<10 {
		t.Errorf("the script has %d bytes", n)
	}
	if bytes.ContainsAny([]byte(css+js), "\r\x00") {
		t.Error("characters that a page would not keep")
	}
	if inert := string(Inert([]byte(css + js))); inert != css+js {
		t.Error("making a page inert would change its style or script, and break their hashes")
	}
}

func TestInert(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":            {"<p>a: b # c</p>\n\tx", "<p>a: b # c</p>\n\tx"},
		"other scripts":    {"Zürich 東京　駅", "Zürich 東京　駅"},
		"escape sequence":  {"\x1b[31mred", `\x1b[31mred`},
		"turned around":    {"\u202egpj.exe\u202c", "&lt;U+202E&gt;gpj.exe&lt;U+202C&gt;"},
		"invisible":        {"a\u200bb", "a&lt;U+200B&gt;b"},
		"not UTF-8":        {"a\xffb", `a\xffb`},
		"carriage return":  {"a\r\nb", "a\nb"},
		"workflow command": {"<td>::error::x", "<td>&#58;:error::x"},
		"at a line":        {"a\n::error::x", "a\n&#58;:error::x"},
		"of old runners":   {"x##[error]", "x&#35;#[error]"},
		"of Azure":         {"##vso[task.x]", "&#35;#vso[task.x]"},
		"C++":              {"std::string", "std::string"},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(Inert([]byte(tt.in)))
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if again := string(Inert([]byte(got))); again != got {
				t.Errorf("and that again %q", again)
			}
		})
	}
}

// A reader sees of a command what was sent.
func TestInertCommandsReadTheSame(t *testing.T) {
	for _, s := range []string{"::error::x", "##[error]x", "a ::b ##vso[c]"} {
		if got := html.UnescapeString(string(Inert([]byte(s)))); got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
}

func FuzzInert(f *testing.F) {
	f.Add("::a ##a[ \x1b \xff \u202e")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		template.HTMLEscape(&b, []byte(s))
		got := string(Inert(b.Bytes()))
		if again := string(Inert([]byte(got))); again != got {
			t.Errorf("Inert(%q) = %q, and that of it %q", s, got, again)
		}
		if strings.ContainsAny(got, "\x1b\r\x00<") || strings.Contains(got, "\u202e") || regexp.MustCompile(`(?m)^\s*::[A-Za-z]|##\p{L}*\[`).MatchString(got) {
			t.Errorf("Inert(%q) = %q", s, got)
		}
	})
}

func TestAnchors(t *testing.T) {
	a := Anchors{}
	a.Reserve("errors")
	var got []string
	for _, name := range []string{"An unknown scope: \"item event\" is refused", "Errors", "a", "a", "a 2", "!?", "東京", strings.Repeat("long ", 100)} {
		got = append(got, a.Take(name))
	}
	want := "an-unknown-scope-item-event-is-refused errors-2 a a-2 a-2-2 unnamed 東京 " + strings.TrimSuffix(strings.Repeat("long-", 24), "-") + "-l"
	if g := strings.Join(got, " "); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

func TestWords(t *testing.T) {
	for want, got := range map[string]string{
		"<1 ms": Took(time.Microsecond), "41 ms": Took(41 * time.Millisecond), "1.2 s": Took(1234 * time.Millisecond), "2 min 5 s": Took(125 * time.Second),
		"1 run": Plural(1, "run"), "2 runs": Plural(2, "run"),
		"network DNS": Words("network_dns"), "api.example.com/docs": Bare("https://www.api.example.com/docs/"),
		"22 November 2026":               Day(time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)),
		"1 drifted, 3 passed, 2 skipped": Counts(map[check.Verdict]int{check.Passed: 3, check.Skipped: 2, check.Drifted: 1}),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
