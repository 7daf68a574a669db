package lint_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/authspec/authspec/internal/lint"
)

var update = flag.Bool("update", false, "write the golden files")

func TestBuiltinWorkspaceHasNoMistakes(t *testing.T) {
	for _, f := range findings(t, "") {
		t.Error(f)
	}
}

// Each archive is a small workspace with one kind of mistake; its file "want"
// is what lint says of it.
func TestFindings(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			want := &txtar.File{Name: "want"}
			for i, f := range a.Files {
				if f.Name == "want" {
					want = &a.Files[i]
					continue
				}
				write(t, filepath.Join(dir, f.Name), f.Data)
			}
			var out strings.Builder
			for _, f := range findings(t, dir) {
				out.WriteString(f.String() + "\n")
			}
			if *update {
				want.Data = []byte(out.String())
				if i := len(a.Files) - 1; i < 0 || a.Files[i].Name != "want" {
					a.Files = append(a.Files, *want)
				}
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if out.Len() == 0 {
				t.Error("nothing was found")
			}
			if diff := cmp.Diff(string(want.Data), out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDirectoryThatIsNone(t *testing.T) {
	for _, dir := range []string{filepath.Join(t.TempDir(), "none"), "lint_test.go"} {
		if found, err := lint.Lint(dir); err == nil || found != nil {
			t.Errorf("%s: got %v, %v", dir, found, err)
		}
	}
}

func TestUnreadableFilesAreFindings(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "providers/folder.yaml/x"), nil)
	write(t, filepath.Join(dir, "features/nothing.feature"), nil)
	for _, file := range []string{"providers/dangling.yaml", "features/dangling.feature"} {
		if err := os.Symlink("nowhere", filepath.Join(dir, file)); err != nil {
			t.Skip(err)
		}
	}
	var got []string
	for _, f := range findings(t, dir) {
		got = append(got, strings.SplitN(f.String(), "\n", 2)[0])
	}
	want := []string{
		"features/dangling.feature: error: cannot be read: file does not exist",
		"features/nothing.feature: error: there is no feature in this file",
		"providers/dangling.yaml: error: cannot be read: file does not exist",
		"providers/folder.yaml: error: this is a folder: it has the name of a provider file",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func findings(t *testing.T, dir string) []lint.Finding {
	t.Helper()
	all, err := lint.Lint(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
}
