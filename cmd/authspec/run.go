package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
)

// runFlags are the flags of authspec run.
type runFlags struct {
	liveFlags
	dir, rerun, format  string
	tags, name, shard   string
	reports             []string
	live                bool
	list, verbose, curl bool
	failFast, noColor   bool
	concurrency         int
}

func newRun(c *console) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PROVIDER|PATH ...]",
		Short: "Run the specs, on simulated providers or, with --live, on the real ones",
		Long: `Runs the scenarios of the named providers and feature files, or all of them.

Without --live every scenario talks to a simulated provider of its own, in
process: no network, no secret. With --live the same scenarios go to the real
providers, with credentials from the environment or a .env file; authspec
providers lists the variables. What cannot be tried live is skipped, with its
reason. A live run goes through the proxy that HTTPS_PROXY names, if any.

A directory with providers/*.yaml of its own is laid over the built-in
providers, file by file: the current one, or --dir. A live run uses an own
directory only when --dir names it.`,
		Example: `  authspec run
  authspec run ankorstore antsomi --tags '@health and not @slow'
  authspec run features/antsomi.feature:24 --verbose
  authspec run antsomi --live --base-url antsomi=http://127.0.0.1:9103
  authspec run --report junit=report.xml --report json=report.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, c, &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.live, "live", false, "talk to the real providers")
	flags.BoolVar(&f.intrusive, "intrusive", false, "with --live: also try what a provider may count against the account (wrong secrets)")
	flags.StringVar(&f.dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	f.add(flags)
	flags.StringVar(&f.tags, "tags", "", "only scenarios whose tags match: '@health and not @slow'")
	flags.StringVar(&f.name, "name", "", "only scenarios whose name contains this text")
	flags.StringVar(&f.shard, "shard", "", "only the i-th of n equal parts: i/n")
	flags.StringVar(&f.rerun, "rerun", "", "only what failed the last time, as noted in this file; note there what fails now")
	flags.BoolVar(&f.list, "list", false, "print what would run, and do not run it")
	flags.IntVar(&f.concurrency, "concurrency", 4, "how many scenarios run at the same time")
	f.addTimeout(flags)
	flags.BoolVar(&f.failFast, "fail-fast", false, "skip the rest after the first failure")
	flags.StringArrayVar(&f.reports, "report", nil, "FORMAT=FILE, - for standard output; formats: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&f.format, "format", "text", "what is printed: text, or one of the report formats")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show every request and response, redacted")
	flags.BoolVar(&f.curl, "curl", false, "show a curl command for every request")
	flags.BoolVar(&f.noColor, "no-color", false, "no colours, also on a terminal (NO_COLOR does the same)")
	return cmd
}

func formatNames() []string {
	names := make([]string, 0, len(report.Formats))
	for name := range report.Formats {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func run(cmd *cobra.Command, c *console, f *runFlags, args []string) error {
	reports, err := f.parseReports()
	if err != nil {
		return err
	}
	if f.concurrency < 1 || f.concurrency > 256 {
		return fmt.Errorf("--concurrency: want 1 to 256, got %d", f.concurrency)
	}
	if err := f.checkTimeout(); err != nil {
		return err
	}
	if f.intrusive && !f.live {
		return errors.New("--intrusive means something only with --live: simulated providers lock no account")
	}
	workspace, err := runner.Open(workspaceDir(c, f.dir, f.live))
	if err != nil {
		return err
	}
	selection := runner.Selection{Args: args, Tags: f.tags, Name: f.name}
	if f.shard != "" {
		if selection.Shard, err = runner.ParseShard(f.shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	}
	plan, err := runner.NewPlan(workspace, selection)
	if err != nil {
		return err
	}
	if f.rerun != "" {
		if err := keepFailures(plan, f.rerun); err != nil {
			return err
		}
	}
	if f.list {
		return listPlan(c.out, plan)
	}
	if len(plan.Scenarios) == 0 && f.shard == "" { // an empty shard has reports too: authspec merge counts them
		return &exitError{check.ExitNothingRan, errors.New("nothing selected: no scenario matches; authspec run --list shows what there is")}
	}
	opts := runner.Options{
		Version: buildVersion(), Environment: f.env, Concurrency: f.concurrency,
		FailFast: f.failFast, Timeout: f.timeout, Redactor: c.secrets,
		FailuresOnly: !f.verbose && !f.curl && !slices.ContainsFunc(reports, keepsExchanges),
	}
	if err := checkEnvironment(plan, f.env, args); err != nil {
		return err
	}
	bases, err := f.parseBaseURLs(workspace.Providers)
	if err != nil {
		return err
	}
	if len(bases) > 0 && !f.live {
		return errors.New("--base-url means something only with --live: without it no request leaves the process")
	}
	if f.live {
		if opts.Live, err = f.newLive(plan, bases, args); err != nil {
			return err
		}
	}

	people := f.newConsole(c, reports)
	opts.Began, opts.Done = people.Running, people.Done
	people.Start(len(plan.Scenarios), modeOf(f.live))
	result := runner.Run(cmd.Context(), plan, opts)
	result.Shard = check.Shard{Index: selection.Shard.Index, Of: selection.Shard.Count}
	if err := conclude(c, people, reports, result); err != nil {
		return err
	}
	if f.rerun != "" {
		if err := writeFailures(f.rerun, result); err != nil {
			return fmt.Errorf("--rerun: %w", err)
		}
	}
	return exitOf(result)
}

// keepsExchanges reports whether a report shows those of passing scenarios.
func keepsExchanges(r reportFlag) bool { return r.format == "json" || r.format == "html" }

func modeOf(live bool) check.Mode {
	if live {
		return check.Live
	}
	return check.Simulated
}

// workspaceDir is --dir, or the current directory if it is a workspace. An
// untrusted checkout must not choose where real credentials go: a live run
// has to name it.
func workspaceDir(c *console, dir string, live bool) string {
	if dir != "" || !runner.IsWorkspace(".") {
		return dir
	}
	if live {
		fmt.Fprintln(c.err, "authspec: note: the providers/ of this directory are not used in a live run; to trust them: --dir .")
		return ""
	}
	return "."
}

type reportFlag struct{ format, file string }

func (f *runFlags) parseReports() ([]reportFlag, error) {
	var parsed []reportFlag
	for _, r := range f.reports {
		format, file, err := report.Parse(r)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		parsed = append(parsed, reportFlag{format, file})
	}
	if f.format != "text" {
		if _, ok := report.Formats[f.format]; !ok {
			return nil, fmt.Errorf("--format: unknown format %q: text, %s", f.format, strings.Join(formatNames(), ", "))
		}
		parsed = append(parsed, reportFlag{f.format, "-"})
	}
	return parsed, nil
}

// newConsole prints for people; not at all when --format prints something
// else, and to the standard error when a report has the standard output.
func (f *runFlags) newConsole(c *console, reports []reportFlag) *report.Console {
	out := c.out
	if slices.ContainsFunc(reports, func(r reportFlag) bool { return r.file == "-" }) {
		out = c.err
	}
	if f.format != "text" {
		out = io.Discard
	}
	people := &report.Console{Out: out, Erase: c.secrets, Verbose: f.verbose, Curl: f.curl}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		people.Live = true
		people.Color = !f.noColor && os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			people.Width = width
		}
	}
	return people
}

func writeReport(c *console, format, file string, result *check.Run) error {
	if file == "-" {
		return report.Write(c.out, format, result, c.secrets)
	}
	return report.WriteFile(format, file, result, c.secrets)
}

func listPlan(out io.Writer, plan *runner.Plan) error {
	for _, s := range plan.Scenarios {
		line := s.ID() + "  " + s.Name
		if len(s.Tags) > 0 {
			line += "  " + strings.Join(s.Tags, " ")
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
