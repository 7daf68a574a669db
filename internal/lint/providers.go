package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/authspec/authspec/providers"
)

var nameLine = regexp.MustCompile(`(?m)^name:[ \t]*["']?([^"'#\n]+)`)

// providers loads the provider files that are right, and reports the others.
func (l *linter) providers() {
	bad := map[string]bool{}
	entries, err := fs.ReadDir(l.files.Providers, ".")
	if err != nil {
		l.unreadable("providers", err)
	}
	for _, e := range entries {
		_, isRead := l.texts["providers/"+e.Name()]
		bad[e.Name()] = !isRead
		if e.IsDir() && path.Ext(e.Name()) == ".yaml" {
			l.report(Error, place{file: "providers/" + e.Name()}, "Give the folder another name.", "this is a folder: it has the name of a provider file")
		}
	}
	catalogue, err := providers.Load(without{l.files.Providers, bad})
	var problems providers.Problems
	for errors.As(err, &problems) {
		for _, p := range problems {
			l.report(Error, place{file: p.File, line: p.Line, column: p.Column}, "", "%s", p.Message)
			bad[path.Base(p.File)] = true
			l.broken[strings.ToLower(idOf(p.File))] = true
			l.broken[l.displayName(p.File)] = true
		}
		for _, file := range l.names("providers") {
			if l.broken[l.displayName(file)] { // another provider of that name
				bad[path.Base(file)] = true
				l.broken[strings.ToLower(idOf(file))] = true
			}
		}
		delete(l.broken, "")
		catalogue, err = providers.Load(without{l.files.Providers, bad})
	}
	if catalogue == nil {
		catalogue = new(providers.Catalogue) // the folder itself cannot be read
	}
	l.catalogue = catalogue
	l.providerFileNames(entries)
	l.sharedVariables()
}

// displayName returns the name in a provider file that may be unreadable
// otherwise, in lower case.
func (l *linter) displayName(file string) string {
	if m := nameLine.FindStringSubmatch(l.texts[file]); m != nil {
		return strings.ToLower(strings.TrimSpace(m[1]))
	}
	return ""
}

func idOf(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

// without shows the files that are not bad.
type without struct {
	fs.FS
	bad map[string]bool
}

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return w.bad[e.Name()] }), err
}

// providerFileNames reports files that look like providers and are not read.
func (l *linter) providerFileNames(entries []fs.DirEntry) {
	for _, e := range entries {
		ext := path.Ext(e.Name())
		looks := strings.EqualFold(ext, ".yml") || strings.EqualFold(ext, ".yaml")
		if looks && ext != ".yaml" && !e.IsDir() {
			l.report(Error, place{file: "providers/" + e.Name()}, "Name it "+idOf(e.Name())+".yaml.", "this file is not read: the name of a provider file ends in .yaml")
		}
	}
	for _, file := range l.names("providers") {
		if strings.Count(file, "/") > 1 {
			l.report(Error, place{file: file}, "Move it to providers/"+path.Base(file)+".", "this file is not read: provider files stand in providers/ itself")
		}
	}
}

// sharedVariables reports credentials of two providers that come from one
// environment variable: a live run would send one provider's secret to the
// other.
func (l *linter) sharedVariables() {
	owner := map[string]*providers.Provider{}
	for _, p := range l.catalogue.All() {
		for _, field := range p.CredentialFields() {
			variable := p.Credentials[field]
			if other := owner[variable]; other != nil && other != p {
				l.report(Warning, l.inYAML(p, "$.credentials."+field), fmt.Sprintf("Give %s a variable of its own.", p.Name),
					"%s is also the variable of %s: a live run sends each provider the other's credential", variable, other.Name)
			}
			owner[variable] = p
		}
	}
}

func fileOf(p *providers.Provider) string { return "providers/" + p.ID + ".yaml" }

// inYAML returns the place of a YAML path in the provider's file.
func (l *linter) inYAML(p *providers.Provider, at string) place {
	where := place{file: fileOf(p)}
	yamlPath, err := yaml.PathString(at)
	if err != nil {
		return where
	}
	file, err := parser.ParseBytes([]byte(l.texts[where.file]), 0)
	if err != nil {
		return where
	}
	node, err := yamlPath.FilterFile(file)
	if err != nil || node == nil {
		return where
	}
	token := node.GetToken()
	where.line, where.column, where.width = token.Position.Line, token.Position.Column, len([]rune(token.Value))
	return where
}

// declares reports whether the provider's file itself has the YAML path: the
// provider has defaults too.
func (l *linter) declares(p *providers.Provider, at string) bool {
	return l.inYAML(p, at).line > 0
}
