// Package site writes the specs as a site: an index, a page for each provider
// that says how to authenticate and what every error means, and of every page
// a twin in Markdown. All of it is plain files; none of them asks for another.
package site

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/web"
)

// Options say what a site tells besides what the workspace holds.
type Options struct {
	Version string           // of authspec
	Now     time.Time        // when the site is made
	Runs    []*check.Run     // results to show; none: the specs are run, simulated
	Nights  []*Night         // what checks of credentials found out
	Lock    *Lock            // what was published before; nil: nothing
	Redact  *redact.Redactor // what must not appear; nil: nothing is known
	Script  string           // a further script of every page: the preview's
}

// A Site is all its files, in memory.
type Site struct {
	Files map[string][]byte // by slash-separated path
	Lock  *Lock             // what is published now
}

// ErrLeak says that a secret was found in a page that was about to be written.
var ErrLeak = errors.New("a secret would have been written")

//go:embed templates
var templates embed.FS

// Build makes the site. It runs the specs on simulated providers: only a run
// shows which scenario meets which answer.
func Build(ctx context.Context, w *runner.Workspace, opts Options) (*Site, error) {
	ev, err := gather(ctx, w, &opts)
	if err != nil {
		return nil, err
	}
	lock := opts.Lock.next()
	var pages []*providerPage
	for _, p := range w.Providers.All() {
		page, err := newProviderPage(p, w.Fixtures, ev, &opts)
		if err != nil {
			return nil, err
		}
		page.Changes = lock.publish(p.ID, page.contract(), opts.Now)
		pages = append(pages, page)
	}
	s := &Site{Files: map[string][]byte{}, Lock: lock}
	if err := s.render(newIndexPage(pages, &opts), pages); err != nil {
		return nil, err
	}
	for name, content := range s.Files {
		if secret, found := opts.Redact.Leak(content); found {
			return nil, fmt.Errorf("%s: %w (%s): nothing was written", name, ErrLeak, secret)
		}
	}
	return s, nil
}

func (s *Site) render(index *indexPage, pages []*providerPage) error {
	set, text := web.Templates(templates, "templates/*.html"), markdownTemplates()
	page, err := web.Render(set, "index", index)
	if err != nil {
		return err
	}
	s.Files["index.html"] = page
	s.Files["index.md"] = markdownPage(text, "index.md", index)
	s.Files["llms.txt"] = markdownPage(text, "llms.txt", index)
	for _, p := range pages {
		if page, err = web.Render(set, "provider", p); err != nil {
			return err
		}
		s.Files[p.File()] = page
		s.Files[p.Twin()] = markdownPage(text, "provider.md", p)
	}
	s.Files["index.json"], err = index.json(s.Files)
	return err
}

// svg is a drawing of our own, in which every text has been escaped.
type svg = template.HTML
