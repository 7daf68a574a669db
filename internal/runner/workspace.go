// Package runner turns options into runs: it reads a workspace, chooses
// scenarios, hands them to godog and returns what they found out.
package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/authspec/authspec/features"
	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
)

// A Workspace is the providers, features and fixtures of a run.
type Workspace struct {
	Dir       string // the user's directory; empty: only what comes with authspec
	Providers *providers.Catalogue
	Features  fs.FS // *.feature files at any depth
	Fixtures  fs.FS // PROVIDER/CALL/SITUATION.http
}

// Files are those of a workspace, before anything is read.
type Files struct {
	Providers fs.FS // *.yaml
	Features  fs.FS // *.feature files at any depth
	Fixtures  fs.FS // PROVIDER/CALL/SITUATION.http
}

// OpenFiles returns the files of dir: its providers/, features/ and fixtures/
// laid over the built-in ones, file by file. An empty dir is the built-in
// workspace.
func OpenFiles(dir string) (Files, error) {
	files := Files{providers.Files, features.Files, fixtures.Files}
	if dir == "" {
		return files, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return files, fmt.Errorf("--dir: %w", err)
	}
	if !info.IsDir() {
		return files, fmt.Errorf("--dir: %s is not a directory", dir)
	}
	own := func(room string) fs.FS { return os.DirFS(filepath.Join(dir, room)) }
	return Files{
		overlay{own("providers"), files.Providers},
		overlay{own("features"), files.Features},
		overlay{own("fixtures"), files.Fixtures},
	}, nil
}

// Open reads the workspace of dir; see OpenFiles.
func Open(dir string) (*Workspace, error) {
	files, err := OpenFiles(dir)
	if err != nil {
		return nil, err
	}
	catalogue, err := providers.Load(files.Providers)
	if err != nil {
		return nil, err
	}
	return &Workspace{Dir: dir, Providers: catalogue, Features: files.Features, Fixtures: files.Fixtures}, nil
}

// IsWorkspace reports whether dir has providers of its own.
func IsWorkspace(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "providers", "*.yaml"))
	return err == nil && len(files) > 0
}

// An overlay shows the files of upper, and those of lower that upper does not
// have.
type overlay struct{ upper, lower fs.FS }

func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.upper.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.lower.Open(name)
	}
	return f, err
}

// ReadDir merges the directories of both.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	above, errAbove := fs.ReadDir(o.upper, name)
	if errAbove != nil && !errors.Is(errAbove, fs.ErrNotExist) {
		return nil, errAbove
	}
	below, errBelow := fs.ReadDir(o.lower, name)
	if errBelow != nil && !errors.Is(errBelow, fs.ErrNotExist) {
		return nil, errBelow
	}
	if errAbove != nil && errBelow != nil {
		return nil, errBelow
	}
	seen := map[string]bool{}
	for _, e := range above {
		seen[e.Name()] = true
	}
	for _, e := range below {
		if !seen[e.Name()] {
			above = append(above, e)
		}
	}
	sort.Slice(above, func(i, j int) bool { return above[i].Name() < above[j].Name() })
	return above, nil
}
