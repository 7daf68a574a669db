package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/history"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/suggest"
)

// historyFlags are the flags of authspec history.
type historyFlags struct {
	file, credentials string
	page              string
	asJSON, asNDJSON  bool
	runs              bool
	since, stale      time.Duration
	noColor           bool
}

func newHistory(c *console) *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history [CREDENTIAL]",
		Short: "Show what checks of credentials found out: how each stands, and since when",
		Long: `Shows how every credential stands, what needs doing first; or, for one
credential, how it fared in each check. What was last checked too long ago is
stale: nobody knows how it stands.

--page writes the status page: one HTML file that says who has to do what, and
that goes grey by itself when it gets old. --ndjson exports every result, one
JSON object a line. Reading never disturbs a check that is under way.`,
		Example: `  authspec history
  authspec history antsomi-eu
  authspec history --page status.html
  authspec history --runs
  authspec history --ndjson --since 720h > results.ndjson`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			credential := ""
			if len(args) > 0 {
				credential = args[0]
			}
			return f.run(c, credential)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.credentials, "credentials", "credentials.yaml", "the credentials file that the history is beside")
	flags.StringVar(&f.file, "history", "", "the history itself")
	flags.StringVar(&f.page, "page", "", "write the status page, an HTML file")
	flags.BoolVar(&f.runs, "runs", false, "list the checks themselves")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	flags.BoolVar(&f.asNDJSON, "ndjson", false, "print every result, one JSON object a line")
	flags.DurationVar(&f.since, "since", 0, "only results that are not older than this, such as 720h (default: all)")
	flags.DurationVar(&f.stale, "stale", health.DefaultStale, "after how long without a check a result is stale")
	flags.BoolVar(&f.noColor, "no-color", false, "no colours, also on a terminal (NO_COLOR does the same)")
	return cmd
}

func (f *historyFlags) run(c *console, credential string) (err error) {
	path := historyFile(f.file, f.credentials)
	if path == "" {
		return errors.New("--history: none is for authspec check; name a file")
	}
	if f.page != "" && (credential != "" || f.runs || f.asJSON || f.asNDJSON) {
		return errors.New("--page shows all credentials: leave out the other flags, and the name")
	}
	if f.since < 0 || f.stale <= 0 {
		return errors.New("--since and --stale: want a duration such as 720h, not below 0")
	}
	store, err := history.Read(path)
	if errors.Is(err, history.ErrNone) {
		return fmt.Errorf("%w: authspec check writes it; --history FILE names another", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var since time.Time
	if f.since > 0 {
		since = time.Now().Add(-f.since)
	}
	page := &report.HealthPage{Out: c.out, Erase: c.secrets, Stale: f.stale, Now: time.Now()}
	_, page.Color, page.Width = terminal(c.out, f.noColor)
	switch {
	case f.page != "":
		return f.writePage(c, store)
	case f.asNDJSON:
		return store.Entries(credential, since, func(e *history.Entry) error { return f.line(c.out, e) })
	case f.runs:
		return f.showRuns(c, store, page)
	case credential != "":
		return f.showCredential(c, store, page, credential, since)
	}
	return f.showAll(c, store, page)
}

// line writes a result as one line of JSON.
func (f *historyFlags) line(out io.Writer, e *history.Entry) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(e)
}

func (f *historyFlags) showAll(c *console, store *history.Store, page *report.HealthPage) error {
	all, err := store.Standings()
	if err != nil {
		return err
	}
	if f.asJSON {
		now := time.Now()
		for i := range all {
			all[i].Stale = all[i].State.Stale(now, f.stale)
		}
		return writeJSON(c.out, map[string]any{"version": 1, "credentials": orEmpty(all)})
	}
	return page.Standings(standings(all))
}

func standings(all []history.Standing) []health.Standing {
	rows := make([]health.Standing, len(all))
	for i := range all {
		rows[i] = health.Standing{At: all[i].At, Record: all[i].Record, State: all[i].State}
	}
	return rows
}

// writePage writes the status page from the history alone.
func (f *historyFlags) writePage(c *console, store *history.Store) error {
	all, err := store.Standings()
	if err != nil {
		return err
	}
	page := report.StatusPage{Standings: standings(all), Now: time.Now(), Stale: f.stale}
	switch err := report.WriteStatusPage(f.page, page, c.secrets); {
	case errors.Is(err, report.ErrLeak):
		return &exitError{check.ExitInternal, fmt.Errorf("--page %s: %w", f.page, err)}
	case err != nil:
		return fmt.Errorf("--page: %w", err)
	}
	return nil
}

func (f *historyFlags) showCredential(c *console, store *history.Store, page *report.HealthPage, credential string, since time.Time) error {
	var entries []history.Entry
	if err := store.Entries(credential, since, func(e *history.Entry) error { entries = append(entries, *e); return nil }); err != nil {
		return err
	}
	all, err := store.Standings()
	if err != nil {
		return err
	}
	var known []string
	var standing *history.Standing
	for i := range all {
		known = append(known, all[i].Name)
		if all[i].Name == credential {
			standing = &all[i]
		}
	}
	if standing == nil {
		return fmt.Errorf("no credential %q in the history%s", credential, suggest.DidYouMean(credential, known))
	}
	if f.asJSON {
		return writeJSON(c.out, map[string]any{"version": 1, "credential": credential, "state": standing.State, "results": orEmpty(entries)})
	}
	rows := make([]health.Standing, len(entries))
	for i := range entries {
		rows[i] = health.Standing{At: entries[i].At, Record: entries[i].Record}
	}
	return page.Credential(standings([]history.Standing{*standing})[0], rows)
}

func (f *historyFlags) showRuns(c *console, store *history.Store, page *report.HealthPage) error {
	const most = 100
	runs, err := store.Runs(most)
	if err != nil {
		return err
	}
	if f.asJSON {
		return writeJSON(c.out, map[string]any{"version": 1, "runs": orEmpty(runs)})
	}
	rows := make([][]string, 0, len(runs))
	for _, r := range runs {
		took, exit := "", ""
		if !r.Finished.IsZero() {
			took, exit = r.Finished.Sub(r.Started).Round(time.Second).String(), fmt.Sprint(r.ExitCode)
		}
		rows = append(rows, []string{r.Started.Format("2006-01-02 15:04 MST"), r.State, fmt.Sprintf("%d of %d", r.Results, r.Selected), took, exit, r.Version})
	}
	return page.Table([]string{"check", "state", "credentials", "took", "exit", "authspec"}, rows)
}

// orEmpty keeps an empty list from becoming null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
