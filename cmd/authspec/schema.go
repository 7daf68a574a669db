package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

func newSchema(c *console) *cobra.Command {
	var dir string
	var refusals bool
	cmd := &cobra.Command{
		Use:   "schema PROVIDER CALL [FILE.http ...]",
		Short: "Infer a JSON Schema from fixtures and recordings",
		Long: `Prints a JSON Schema (draft 2020-12) that the bodies of the call's success
fixtures meet, or of its refusals: those of the workspace, those that come with
authspec, and further recorded responses. What all of them have is required,
anything else is allowed. Saved as fixtures/PROVIDER/NAME.schema.json it is
what a feature means by: the response body matches the schema "NAME".`,
		Example: `  authspec schema antsomi token > fixtures/antsomi/token.schema.json
  authspec schema antsomi token --refusals
  authspec schema ankorstore me me-1.http me-2.http`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := runner.Open(workspaceDir(c, dir, false))
			if err != nil {
				return err
			}
			p, err := w.Providers.Lookup(args[0])
			if err != nil {
				return err
			}
			samples, err := collect(w, p, args[1], refusals, args[2:])
			if err != nil {
				return err
			}
			shape := &schema.Shape{}
			var sources []string
			for _, s := range samples {
				if err := shape.Add(s.Body); err != nil {
					return fmt.Errorf("%s: the body is %w", s.File, err)
				}
				sources = append(sources, s.File)
			}
			title := p.Name + ": " + args[1]
			if refusals {
				title += ", refused"
			}
			c.show(string(shape.JSONSchema(title, "Inferred by authspec schema from "+strings.Join(sources, ", "))))
			return nil
		},
	}
	cmd.Flags().BoolVar(&refusals, "refusals", false, "of the refusals instead of the successes")
	cmd.Flags().StringVar(&dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	return cmd
}

// collect reads the responses to a call: fixtures and files.
func collect(w *runner.Workspace, p *providers.Provider, call string, refusals bool, files []string) ([]*simulator.Fixture, error) {
	if known := callNames(p); !p.HasSituation(call + "/rate_limited") {
		return nil, fmt.Errorf("%s: no call %q%s: there are %s", p.ID, call, suggest.DidYouMean(call, known), strings.Join(known, ", "))
	}
	var samples []*simulator.Fixture
	for _, situation := range providers.Situations(call) {
		success := situation == "issued" || situation == "ok"
		// Too many requests is an answer of its own, whatever the call.
		if success == refusals || situation == "rate_limited" {
			continue
		}
		name := p.ID + "/" + call + "/" + situation + ".http"
		seen := ""
		for i, fsys := range []fs.FS{w.Fixtures, fixtures.Files} {
			source, err := fs.ReadFile(fsys, name)
			if errors.Is(err, fs.ErrNotExist) || string(source) == seen {
				continue
			}
			if err != nil {
				return nil, err
			}
			file := "fixtures/" + name
			if i > 0 {
				file += " (built in)"
			}
			f, err := simulator.ParseFixture(file, source)
			if err != nil {
				return nil, err
			}
			seen = string(source)
			samples = append(samples, f)
		}
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		f, err := simulator.ParseFixture(file, source)
		if err != nil {
			return nil, err
		}
		samples = append(samples, f)
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s: %s has no such fixture: authspec record %s, or name a recorded response", p.ID, call, p.ID)
	}
	return samples, nil
}
