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

// Open reads the workspace of dir: its providers/, features/ and fixtures/
// laid over the built-in ones, file by file. An empty dir is the built-in
// workspace.
func Open(dir string) (*Workspace, error) {
	w := &Workspace{Dir: dir, Features: features.Files, Fixtures: fixtures.Files}
	var providerFiles fs.FS = providers.Files
	if dir != "" {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, fmt.Errorf("--dir: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("--dir: %s is not a directory", dir)
		}
		own := func(room string) fs.FS { return os.DirFS(filepath.Join(dir, room)) }
		providerFiles = overlay{own("providers"), providers.Files}
		w.Features = overlay{own("features"), features.Files}
		w.Fixtures = overlay{own("fixtures"), fixtures.Files}
	}
	catalogue, err := providers.Load(providerFiles)
	if err != nil {
		return nil, err
	}
	w.Providers = catalogue
	return w, nil
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
