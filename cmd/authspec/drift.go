package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/drift"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// driftFlags are the flags of authspec drift.
type driftFlags struct {
	liveFlags
	dir, format string
	reports     []string
	strict      bool
}

func newDrift(c *console) *cobra.Command {
	var f driftFlags
	cmd := &cobra.Command{
		Use:   "drift [PROVIDER ...]",
		Short: "Compare what the real providers answer with the fixtures",
		Long: `Runs the scenarios of the named providers live, or of all that have credentials,
and compares the answers with the fixtures: status, content type, and the shape
of the body, path by path; values only where clients compare them, as error
codes and what the features spell out.

Each change is breaking, additive or cosmetic for the clients that are out
there. An answer that differs from what a fixture only assumed is no drift but
a reason to record it. Changes that are accepted for a while stand in the
provider file under deviations:.

Exit status: 0 nothing that breaks clients, 1 a breaking change (any, with
--strict) or a refused credential, 2 usage or an invalid spec, 3 could not
tell, 4 interrupted, 5 nothing ran.`,
		Example: `  authspec drift antsomi
  authspec drift --strict --report markdown=drift.md --report json=drift.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return driftProviders(cmd, c, &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.strict, "strict", false, "additive and cosmetic changes fail too")
	flags.BoolVar(&f.intrusive, "intrusive", false, "also try what a provider may count against the account (wrong secrets)")
	flags.StringVar(&f.dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	f.add(flags)
	f.addTimeout(flags)
	flags.StringVar(&f.format, "format", "text", "what is printed: "+strings.Join(driftFormats(), ", "))
	flags.StringArrayVar(&f.reports, "report", nil, "FORMAT=FILE, - for standard output; formats: "+strings.Join(driftFormats(), ", "))
	return cmd
}

func driftFormats() []string {
	var names []string
	for name := range drift.Formats {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func driftProviders(cmd *cobra.Command, c *console, f *driftFlags, args []string) error {
	outputs, err := f.outputs()
	if err != nil {
		return err
	}
	workspace, err := runner.Open(workspaceDir(c, f.dir, true))
	if err != nil {
		return err
	}
	plan, named, err := driftPlan(workspace, args)
	if err != nil {
		return err
	}
	live, err := f.open(plan, args)
	if err != nil {
		return err
	}
	result := &drift.Report{Version: buildVersion(), Started: time.Now(), Strict: f.strict}
	for _, p := range named {
		found, err := f.compare(cmd, c, workspace, p, live)
		if err != nil {
			return err
		}
		result.Providers = append(result.Providers, found)
		if cmd.Context().Err() != nil {
			result.Interrupted = true
			break
		}
	}
	for _, o := range outputs {
		if err := o.write(c, result); err != nil {
			code := check.ExitInvalid
			if errors.Is(err, report.ErrLeak) {
				code = check.ExitInternal
			}
			return &exitError{code, err}
		}
	}
	if code := result.ExitCode(); code != check.ExitOK {
		return &exitError{code: code}
	}
	return nil
}

// driftPlan finds the providers to look at: those named, or all that have a
// feature.
func driftPlan(w *runner.Workspace, args []string) (*runner.Plan, []*providers.Provider, error) {
	var ids []string
	for _, arg := range args {
		p, err := w.Providers.Lookup(arg)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, p.ID)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: ids})
	if err != nil {
		return nil, nil, err
	}
	return plan, plan.Providers(), nil
}

func (f *driftFlags) compare(cmd *cobra.Command, c *console, w *runner.Workspace, p *providers.Provider, live *steps.Live) (*drift.Provider, error) {
	var missing *providers.MissingCredentialsError
	if _, err := live.Credentials(p); errors.As(err, &missing) {
		return &drift.Provider{ID: p.ID, Name: p.Name, Skipped: "set " + strings.Join(missing.Variables, " and ")}, nil
	}
	seen, err := f.observe(cmd.Context(), c, w, p, live)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(seen.Run.Results, func(r check.Result) bool { return r.Cause == check.InternalError }); i >= 0 {
		return nil, &exitError{check.ExitInternal, errors.New(seen.Run.Results[i].Message)}
	}
	return drift.Compare(seen, time.Now(), c.secrets.String)
}

// An output is one format of the report, and where it goes.
type output struct{ format, file string }

func (f *driftFlags) outputs() ([]output, error) {
	outputs := []output{{f.format, "-"}}
	if err := knownDriftFormat("--format", f.format); err != nil {
		return nil, err
	}
	for _, r := range f.reports {
		format, file, found := strings.Cut(r, "=")
		if !found || file == "" {
			return nil, fmt.Errorf("--report %q: want FORMAT=FILE, such as markdown=drift.md (- is the standard output)", r)
		}
		if err := knownDriftFormat("--report", format); err != nil {
			return nil, err
		}
		outputs = append(outputs, output{format, file})
	}
	return outputs, nil
}

func knownDriftFormat(flag, format string) error {
	if _, ok := drift.Formats[format]; ok {
		return nil
	}
	names := driftFormats()
	return fmt.Errorf("%s: unknown format %q%s: %s", flag, format, suggest.DidYouMean(format, names), strings.Join(names, ", "))
}

func (o output) write(c *console, r *drift.Report) error {
	var b bytes.Buffer
	if err := drift.Formats[o.format](&b, r); err != nil {
		return err
	}
	text := []byte(visible(b.String()))
	if name, found := c.secrets.Leak(text); found {
		return fmt.Errorf("report %s: %w (%s): the report is left out; this is a defect of authspec, please report it", o.format, report.ErrLeak, name)
	}
	if o.file == "-" {
		_, err := c.out.Write(text)
		return err
	}
	if err := atomicfile.Write(o.file, text); err != nil {
		return fmt.Errorf("--report %s=%s: %w", o.format, o.file, err)
	}
	return nil
}
