package site

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func files(names ...string) *Site {
	s := &Site{Files: map[string][]byte{}}
	names = append(names, "index.json")
	for _, name := range names {
		s.Files[name] = []byte("content of " + name)
	}
	s.Files["index.json"] = []byte(`{"generator": "authspec dev", "files": ["` + strings.Join(names, `", "`) + `"]}`)
	return s
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestWriteReplacesOnlyItsOwnFiles(t *testing.T) {
	dir := t.TempDir()
	if err := files("index.html", "providers/a.html", "providers/b.html").Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "CNAME"), []byte("docs.example.com"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := files("index.html", "providers/b.html", "providers/c.html").Write(dir); err != nil {
		t.Fatal(err)
	}
	want := []string{"CNAME", "index.html", "index.json", "providers/b.html", "providers/c.html"}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteRefusesFoldersOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := files("index.html").Write(dir)
	if err == nil || !strings.Contains(err.Error(), "which authspec did not write: choose an empty folder") {
		t.Errorf("got %v", err)
	}
	if content, _ := os.ReadFile(filepath.Join(dir, "index.html")); string(content) != "mine" || len(tree(t, dir)) != 1 {
		t.Errorf("something was written: %s, %q", content, tree(t, dir))
	}
}

// An index that someone else wrote cannot make a build remove files elsewhere.
func TestWriteStaysInItsFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "site")
	if err := files("index.html", "../outside", "/etc/outside").Write(filepath.Join(dir, "x", "y")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "index.json"), []byte(`{"generator": "authspec dev", "files": ["index.json", "../outside"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := files("index.html").Write(out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

// A build that cannot write one file leaves the old site, whole.
func TestWriteFailsWhole(t *testing.T) {
	dir := t.TempDir()
	if err := files("index.html", "one.html").Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "providers"), []byte("a file where a folder should be"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	next := files("index.html", "providers/a.html", "z.html")
	next.Files["index.html"] = []byte("new")
	if err := next.Write(dir); err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if content, _ := os.ReadFile(filepath.Join(dir, "index.html")); string(content) != "content of index.html" {
		t.Errorf("index.html is %q", content)
	}
}
