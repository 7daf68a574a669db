package providers_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/providers"
)

var update = flag.Bool("update", false, "write the golden files")

// Every mistake in a provider file says where it is: file, line and column,
// the line itself with a caret, and what to write instead.
func TestMistakesInProviderFiles(t *testing.T) {
	folders, err := filepath.Glob("testdata/mistakes/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no mistakes: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			_, err := providers.Load(os.DirFS(folder))
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error() + "\n"
			golden := filepath.Join(folder, "want.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			checkCarets(t, got)
		})
	}
}

// checkCarets checks that a caret stands below the column that was named, on a
// terminal: a tab above it needs a tab in its own line.
func checkCarets(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		before, isCaret := strings.CutSuffix(line, "^")
		if !isCaret {
			continue
		}
		source := []rune(lines[i-1])
		for column, c := range []rune(before) {
			if column >= len(source) {
				break // at the end of the line
			}
			if (source[column] == '\t') != (c == '\t') {
				t.Errorf("the caret is not below its place:\n%s\n%s", lines[i-1], line)
				break
			}
		}
	}
}

// A deep or large file is a mistake like another.
func TestMonstrousProviderFiles(t *testing.T) {
	const deep, large = "nested more than 100 levels deep", "example.yaml: the file has 1025 KiB, want 1024 at most"
	says := map[string]string{"nested braces": deep, "nested brackets": deep, "nested blocks": deep, "a large file": large, "a long line": large}
	for name, source := range map[string]string{
		"nested braces":   strings.Repeat("{a: ", 20_000) + strings.Repeat("}", 20_000),
		"nested brackets": "name: " + strings.Repeat("[", 20_000),
		"nested blocks":   nestedBlocks(1_000),
		"a large file":    strings.Repeat("# more\n", 1<<20/7+2),
		"aliases":         "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nname: *f\n",
		"a long line":     "name: " + strings.Repeat("x", 1<<20) + "\nbogus: 1\n",
		"bytes":           "\x00\x01\xff\xfe",
		"no UTF-8":        "name: \xff\xff\n",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := providers.Parse("example.yaml", []byte(source))
			switch {
			case err == nil:
				t.Errorf("read as %+v", p)
			case !strings.Contains(err.Error(), says[name]):
				t.Errorf("got %.200s, want %s", err, says[name])
			}
		})
	}
}

func nestedBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
