package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/site"
)

// docsFlags are the flags of authspec docs.
type docsFlags struct {
	dir, out, lock string
	results        []string
	serve          bool
	addr           string
}

func newDocs(c *console) *cobra.Command {
	var f docsFlags
	cmd := &cobra.Command{
		Use:   "docs --out DIR",
		Short: "Write the readable specs as a site",
		Long: `Writes a page for each provider: what you need, what to send, what comes back
and what every error means, with code in four languages. Plain files that need
no server and ask for nothing; each page has a twin in Markdown, and index.json
and llms.txt are for machines.

The specs are run on simulated providers to learn which scenario meets which
answer. --results shows the results of other runs instead, live ones above all:
reports of authspec run, and the history of authspec check, of which no
credential, owner or answer is shown, only how each provider fared that night.

DIR/authspec-docs.lock.json notes what was published, so that the next build
can say what has changed; --lock keeps it elsewhere, under version control say.`,
		Example: `  authspec docs --out site
  authspec run antsomi --live --report json=live.json; authspec docs --out site --results live.json
  authspec docs --out site --results credentials.history.db
  authspec docs --serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return docs(cmd, c, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.out, "out", "", "folder of the site: empty, new, or written by authspec docs before")
	flags.StringVar(&f.dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	flags.StringArrayVar(&f.results, "results", nil, "results to show: of authspec run --report json=FILE, or the history of authspec check; may be repeated")
	flags.StringVar(&f.lock, "lock", "", "file that notes what was published (default: OUT/"+site.LockFile+")")
	flags.BoolVar(&f.serve, "serve", false, "show the site to this machine's browsers and follow every change; writes nothing")
	flags.StringVar(&f.addr, "addr", "127.0.0.1:4040", "with --serve: the address on this machine")
	return cmd
}

func docs(cmd *cobra.Command, c *console, f *docsFlags) error {
	switch {
	case f.out == "" && !f.serve:
		return errors.New("--out is missing: name the folder of the site, or preview it with --serve")
	case f.out != "" && f.serve:
		return errors.New("--serve writes nothing: leave out --out")
	}
	dir := workspaceDir(c, f.dir, false)
	if f.serve {
		return f.preview(cmd.Context(), c, dir)
	}
	if f.lock == "" {
		f.lock = filepath.Join(f.out, site.LockFile)
	}
	began := time.Now()
	s, err := f.build(cmd.Context(), c, dir, "")
	if err != nil {
		return docsError(cmd.Context(), err)
	}
	if err := s.Write(f.out); err != nil {
		return err
	}
	if err := atomicfile.Write(f.lock, s.Lock.JSON()); err != nil {
		return fmt.Errorf("--lock: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "wrote %d files to %s in %s: open %s\n", len(s.Files), f.out, time.Since(began).Round(time.Millisecond), filepath.Join(f.out, "index.html"))
	return err
}

// build reads everything anew. Credentials that happen to be in the environment
// are known to the redactor, so that no page can hold them.
func (f *docsFlags) build(ctx context.Context, c *console, dir, script string) (*site.Site, error) {
	workspace, err := runner.Open(dir)
	if err != nil {
		return nil, err
	}
	for _, p := range workspace.Providers.All() {
		for _, variable := range p.Credentials {
			if value := os.Getenv(variable); value != "" {
				c.secrets.Add(variable, value)
			}
		}
	}
	runs, nights, err := site.ReadResults(f.results)
	if err != nil {
		return nil, err
	}
	opts := site.Options{Version: buildVersion(), Now: time.Now(), Runs: runs, Nights: nights, Redact: c.secrets, Script: script}
	if f.lock != "" {
		if opts.Lock, err = site.ReadLock(f.lock); err != nil {
			return nil, fmt.Errorf("--lock: %w", err)
		}
	}
	return site.Build(ctx, workspace, opts)
}

func docsError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, site.ErrLeak):
		return &exitError{check.ExitInternal, err}
	case ctx.Err() != nil:
		return &exitError{check.ExitInterrupted, errors.New("interrupted: nothing was written")}
	}
	return err
}

// preview serves the site until it is interrupted.
func (f *docsFlags) preview(ctx context.Context, c *console, dir string) error {
	server := site.Preview{
		Addr:  f.addr,
		Build: func(ctx context.Context) (*site.Site, error) { return f.build(ctx, c, dir, site.ReloadScript) },
		Watch: append(watched(dir), f.results...),
		Log:   func(format string, args ...any) { fmt.Fprintln(c.err, c.secrets.String(fmt.Sprintf(format, args...))) },
	}
	return server.Run(ctx)
}

// watched are the files that the site is made of; those that come with
// authspec do not change.
func watched(dir string) []string {
	if dir == "" {
		return nil
	}
	return []string{filepath.Join(dir, "providers"), filepath.Join(dir, "features"), filepath.Join(dir, "fixtures")}
}
