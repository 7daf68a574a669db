// Package lint finds mistakes in a workspace without running it: what a run
// would call invalid, and what it would not notice.
package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
)

// Lint reads a whole workspace, the user's dir laid over the built-in one, and
// returns what is wrong with it by file and line. An empty dir is the built-in
// workspace. No mistake keeps it from finding others; the error is for a dir
// that is none.
func Lint(dir string) ([]Finding, error) {
	files, err := runner.OpenFiles(dir)
	if err != nil {
		return nil, err
	}
	l := &linter{
		files:  files,
		texts:  map[string]string{},
		broken: map[string]bool{},
		spoken: map[string]bool{},
	}
	l.read("providers", files.Providers)
	l.read("features", files.Features)
	l.read("fixtures", files.Fixtures)
	for _, file := range l.names("features") {
		l.texts[file] = strings.TrimPrefix(l.texts[file], "\ufeff")
	}
	l.look()
	return l.findings, nil
}

// look finds what is wrong with the texts.
func (l *linter) look() {
	l.providers()
	l.features()
	l.fixtures()
	l.secrets()
	for i := range l.findings {
		l.hide(&l.findings[i])
	}
	slices.SortStableFunc(l.findings, order)
	l.findings = slices.CompactFunc(l.findings, func(a, b Finding) bool { return order(a, b) == 0 })
}

// A linter is one reading of a workspace.
type linter struct {
	files runner.Files
	texts map[string]string   // of every file that is read, by its name in findings
	split map[string][]string // the same by line

	catalogue *providers.Catalogue // the providers without mistakes
	broken    map[string]bool      // names and IDs, in lower case, of those with
	spoken    map[string]bool      // IDs of providers that a feature speaks of
	hidden    []string             // what looks like a secret

	findings []Finding
}

// endings are of the files that each room is made of.
var endings = map[string]string{"providers": ".yaml", "features": ".feature", "fixtures": ".http"}

// read loads the files of a room, with the line ends that the parsers see.
func (l *linter) read(room string, fsys fs.FS) {
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		file := path.Join(room, name)
		switch {
		case err != nil:
			l.unreadable(file, err)
		case d.IsDir() && room == "providers" && d.Name() == "testdata":
			return fs.SkipDir // of the Go package that stands there too, in authspec itself
		case d.IsDir() || path.Ext(name) != endings[room]:
		default:
			source, err := fs.ReadFile(fsys, name)
			if err != nil {
				l.unreadable(file, err)
				break
			}
			l.texts[file] = strings.ReplaceAll(string(source), "\r\n", "\n")
		}
		return nil
	})
	if err != nil {
		l.unreadable(room, err)
	}
}

func (l *linter) unreadable(file string, err error) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	l.report(Error, place{file: file}, "", "cannot be read: %v", err)
}

// names returns the files of a room, sorted.
func (l *linter) names(room string) []string {
	var names []string
	for file := range l.texts {
		if strings.HasPrefix(file, room+"/") {
			names = append(names, file)
		}
	}
	slices.Sort(names)
	return names
}

// A place is where a mistake is.
type place struct {
	file         string
	line, column int
	width        int
}

func (l *linter) report(severity Severity, at place, advice, format string, args ...any) {
	f := Finding{
		File: at.file, Line: at.line, Column: at.column, width: at.width,
		Source:  l.source(at.file, at.line),
		Message: fmt.Sprintf(format, args...), Advice: advice, Severity: severity,
	}
	l.findings = append(l.findings, f)
}

// lines returns the lines of a file.
func (l *linter) lines(file string) []string {
	if l.split == nil {
		l.split = map[string][]string{}
	}
	if _, ok := l.split[file]; !ok {
		l.split[file] = strings.Split(l.texts[file], "\n")
	}
	return l.split[file]
}

// source returns a line of a file, or nothing.
func (l *linter) source(file string, line int) string {
	if lines := l.lines(file); line >= 1 && line <= len(lines) {
		return lines[line-1]
	}
	return ""
}
