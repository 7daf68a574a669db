package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/history"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/schedule"
	"github.com/authspec/authspec/internal/suggest"
)

// checkFlags are the flags of authspec check.
type checkFlags struct {
	liveFlags
	dir, file, history    string
	reports               []string
	overall, perProvider  int
	deadline, jitter      time.Duration
	keep, commandTimeout  time.Duration
	seed                  uint64
	share                 int
	onlyProblems, verbose bool
	noColor, schema       bool

	page, metrics      string
	dryRun, testAlerts bool
	every              time.Duration
	cron, timezone     string
}

func newCheck(c *console) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [CREDENTIAL ...]",
		Short: "Check credentials against the real providers: which works, which does not, and why",
		Long: `Runs the health scenarios (@health) of every credential in a credentials file
against its real provider, and says of each whether it works, since when, why
not, and who must act. Names choose some of them.

It is polite: two credentials of a provider at a time, half of the limits that
the provider file declares, one token request for each token it needs, one
refused attempt a credential, no repeated token request, Retry-After obeyed,
and a provider that fails five times in a row is left alone. What its limits
leave no room for before the deadline is deferred to the next check.

A refusal that the provider does not document is suspected until the next check
confirms it. So the results are remembered in a history beside the credentials
file; authspec history shows it.

No value stands in the credentials file, only where it is kept:

  credentials:
    - name: antsomi-eu
      provider: antsomi
      owner: growth@example.com
      values: {client_id: env:ANTSOMI_EU_ID, client_secret: file:secrets/antsomi}
      scopes: [item, event]   # required
      expires: 2027-03-31     # the last day of the secret

env:NAME, file:PATH, exec:COMMAND (run without a shell) and keyring:SERVICE/KEY
say where. --schema prints the JSON Schema of the file. The same file says who
is told of changes (alerts:), which URL hears that the check took place (ping:),
and where metrics go (pushgateway:).

With --every or --cron it stays and checks again and again; what was missed
while the machine slept is made up for by one check.

Exit status: 0 all work, 1 rejected, or a contract is broken, 2 a credential
cannot be tried, or somebody could not be told, 3 inconclusive, 4 interrupted,
5 nothing was tried.`,
		Example: `  authspec check
  authspec check --credentials nightly.yaml --history /var/lib/authspec/history.db
  authspec check antsomi-eu --verbose
  authspec check --only-problems --report json=health.json --report junit=health.xml
  authspec check --dry-run            # show the alerts, send none
  authspec check --page status.html --metrics /var/lib/node_exporter/authspec.prom
  authspec check --cron "30 2 * * *" --timezone Europe/Berlin`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), c, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.file, "credentials", "credentials.yaml", "the credentials file")
	flags.StringVar(&f.history, "history", "", "file that remembers the results, or none (default: beside the credentials file)")
	flags.StringVar(&f.dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	flags.StringVar(&f.envFile, "env-file", "", "file in which env: finds variables, NAME=value a line (default: .env, if it is there)")
	flags.StringArrayVar(&f.baseURLs, "base-url", nil, "PROVIDER=URL: send a provider's requests there; plain http only to this machine")
	flags.StringVar(&f.caCert, "ca-cert", "", "PEM file with further certificate authorities to trust")
	flags.StringArrayVar(&f.reports, "report", nil, "FORMAT=FILE, - for standard output; formats: json, junit")
	flags.StringVar(&f.page, "page", "", "write the status page, one self-contained HTML file, after the check")
	flags.StringVar(&f.metrics, "metrics", "", "write Prometheus metrics, for the textfile collector, after the check")
	flags.BoolVar(&f.dryRun, "dry-run", false, "check, but print the alerts instead of sending them; call no ping URL, push no metrics")
	flags.BoolVar(&f.testAlerts, "test-alerts", false, "send a test to every channel, and do nothing else")
	flags.DurationVar(&f.every, "every", 0, "stay, and check again and again, such as 24h")
	flags.StringVar(&f.cron, "cron", "", "stay, and check at these times, such as \"30 2 * * *\"")
	flags.StringVar(&f.timezone, "timezone", "", "of --cron, such as Europe/Berlin (default: that of this machine)")
	flags.BoolVar(&f.onlyProblems, "only-problems", false, "leave out what works")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the evidence: scenario, exchange, a curl command")
	flags.DurationVar(&f.deadline, "deadline", time.Hour, "how long after the start a credential may still be begun")
	f.addTimeout(flags)
	flags.IntVar(&f.overall, "concurrency", 16, "how many credentials are checked at the same time")
	flags.IntVar(&f.perProvider, "per-provider", 2, "how many of them at one provider")
	flags.IntVar(&f.share, "budget", 50, "percentage of a provider's limits that a check may use")
	flags.DurationVar(&f.jitter, "jitter", 250*time.Millisecond, "longest random pause before each credential of a provider")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of the pauses and the order (default: a new one each time)")
	flags.DurationVar(&f.commandTimeout, "exec-timeout", credentials.DefaultTimeout, "limit for each exec: command and each look into the keyring")
	flags.DurationVar(&f.keep, "keep", history.DefaultRetention, "how long results are remembered")
	flags.BoolVar(&f.noColor, "no-color", false, "no colours, also on a terminal (NO_COLOR does the same)")
	flags.BoolVar(&f.schema, "schema", false, "print the JSON Schema of the credentials file, and do nothing else")
	return cmd
}

func (f *checkFlags) run(ctx context.Context, c *console, args []string) error {
	if f.schema {
		_, err := c.out.Write(credentials.Schema())
		return err
	}
	when, err := f.schedule()
	if err != nil {
		return err
	}
	n, err := f.prepare(c, args)
	switch {
	case err != nil:
		return err
	case f.testAlerts:
		return n.testAlerts(ctx)
	case when != nil:
		return f.stay(ctx, c, args, len(n.options.Credentials), *when)
	}
	return n.run(ctx)
}

// prepare reads everything that a check needs, and finds what is wrong with
// it.
func (f *checkFlags) prepare(c *console, args []string) (*night, error) {
	reports, err := f.parse()
	if err != nil {
		return nil, err
	}
	dir := f.dir
	if dir == "" {
		dir = workspaceDir(c, "", true)
	}
	workspace, err := runner.Open(dir)
	if err != nil {
		return nil, err
	}
	file, err := credentials.Read(f.file, workspace.Providers)
	if err != nil {
		return nil, err
	}
	if f.history == "none" && file.Alerts != nil && !f.dryRun {
		return nil, fmt.Errorf("%s: alerts tell of changes, so they need a history: leave out --history none, or give --dry-run", file.Path)
	}
	chosen, err := choose(file, args)
	if err != nil {
		return nil, err
	}
	n := &night{flags: f, console: c, reports: reports, file: file}
	return n, n.setUp(workspace, chosen)
}

// parse checks the flags.
func (f *checkFlags) parse() ([]reportFlag, error) {
	var reports []reportFlag
	for _, r := range f.reports {
		format, file, err := report.ParseHealth(r)
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		reports = append(reports, reportFlag{format, file})
	}
	switch {
	case f.overall < 1 || f.overall > 256:
		return nil, fmt.Errorf("--concurrency: want 1 to 256, got %d", f.overall)
	case f.perProvider < 1 || f.perProvider > 64:
		return nil, fmt.Errorf("--per-provider: want 1 to 64, got %d", f.perProvider)
	case f.share < 1 || f.share > 100:
		return nil, fmt.Errorf("--budget: want 1 to 100 percent, got %d", f.share)
	case f.deadline <= 0:
		return nil, fmt.Errorf("--deadline: want a duration above 0 such as 30m, got %s", f.deadline)
	case f.jitter < 0 || f.commandTimeout <= 0 || f.keep <= 0:
		return nil, errors.New("--jitter, --exec-timeout and --keep: want a duration such as 30s, not below 0")
	}
	return reports, f.checkTimeout()
}

// schedule reads the flags that say when to check; nil: once, now.
func (f *checkFlags) schedule() (*schedule.Schedule, error) {
	switch {
	case f.timezone != "" && f.cron == "":
		return nil, errors.New("--timezone is for --cron")
	case f.every != 0 && f.cron != "":
		return nil, errors.New("--every and --cron: want one of them")
	case f.testAlerts && (f.every != 0 || f.cron != ""):
		return nil, errors.New("--test-alerts does nothing else: leave out --every and --cron")
	case f.every != 0:
		s, err := schedule.Every(f.every)
		if err != nil {
			return nil, fmt.Errorf("--every: %w", err)
		}
		return &s, nil
	case f.cron != "":
		zone := time.Local
		if f.timezone != "" {
			var err error
			if zone, err = time.LoadLocation(f.timezone); err != nil {
				return nil, fmt.Errorf("--timezone: no zone %q: want a name such as Europe/Berlin or UTC", f.timezone)
			}
		}
		s, err := schedule.Cron(f.cron, zone)
		if err != nil {
			return nil, fmt.Errorf("--cron: %w", err)
		}
		return &s, nil
	}
	return nil, nil
}

// choose returns the credentials of these names, or all.
func choose(file *credentials.File, names []string) ([]*credentials.Credential, error) {
	if len(names) == 0 {
		return file.Credentials, nil
	}
	var chosen []*credentials.Credential
	for _, name := range names {
		i := slices.IndexFunc(file.Credentials, func(c *credentials.Credential) bool { return c.Name == name })
		if i < 0 {
			var known []string
			for _, c := range file.Credentials {
				known = append(known, c.Name)
			}
			return nil, fmt.Errorf("no credential %q in %s%s", name, file.Path, suggest.DidYouMean(name, known))
		}
		chosen = append(chosen, file.Credentials[i])
	}
	return chosen, nil
}

// breakerCooldown is after how long a provider that failed is asked once more.
const breakerCooldown = 30 * time.Second

// names lists a few names, and counts the others.
func names(list []string) string {
	const enough = 5
	if len(list) <= enough {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:enough], ", "), len(list)-enough)
}

// historyFile is where results are remembered: --history, or beside the
// credentials file; empty: nowhere.
func historyFile(flag, credentialsFile string) string {
	switch flag {
	case "none":
		return ""
	case "":
		return strings.TrimSuffix(credentialsFile, filepath.Ext(credentialsFile)) + ".history.db"
	}
	return flag
}

// newConsole prints for people; to the standard error when a report has the
// standard output.
func (f *checkFlags) newConsole(c *console, reports []reportFlag) *report.HealthConsole {
	out := c.out
	if slices.ContainsFunc(reports, func(r reportFlag) bool { return r.file == "-" }) {
		out = c.err
	}
	people := &report.HealthConsole{Out: out, Erase: c.secrets, Verbose: f.verbose, OnlyProblems: f.onlyProblems, Deadline: f.deadline}
	people.Live, people.Color, people.Width = terminal(out, f.noColor)
	return people
}

// terminal tells whether out is one, with colours, and how wide.
func terminal(out io.Writer, noColor bool) (live, color bool, width int) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return false, false, 0
	}
	if w, _, err := term.GetSize(int(file.Fd())); err == nil {
		width = w
	}
	return true, !noColor && os.Getenv("NO_COLOR") == "", width
}
