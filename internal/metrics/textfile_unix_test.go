//go:build unix

package metrics

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// node_exporter has another user.
func TestFilePermissions(t *testing.T) {
	dir := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o077))
	fresh, kept := filepath.Join(dir, "fresh.prom"), filepath.Join(dir, "kept.prom")
	if err := os.WriteFile(kept, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(kept, 0o640); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]fs.FileMode{fresh: 0o644, kept: 0o640} {
		for range 2 {
			if err := WriteFile(file, gathered(t, sampleNight), nil); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want || info.Size() == 0 {
				t.Errorf("%s has mode %v and %d bytes, want %v", file, got, info.Size(), want)
			}
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}
