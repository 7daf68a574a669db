package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/authspec/authspec/internal/alert"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/history"
	"github.com/authspec/authspec/internal/metrics"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/schedule"
)

// A night is one check of credentials, from the credentials file to the last
// alert.
type night struct {
	flags    *checkFlags
	console  *console
	reports  []reportFlag
	file     *credentials.File
	resolver *credentials.Resolver
	carrier  http.RoundTripper
	options  health.Options

	store *history.Store // nil: there is to be none
	code  int            // what it amounts to
	errs  []error
}

// setUp says how the chosen credentials are checked.
func (n *night) setUp(workspace *runner.Workspace, chosen []*credentials.Credential) error {
	f, c := n.flags, n.console
	lookup, err := f.credentialSource()
	if err != nil {
		return err
	}
	if n.resolver, err = credentials.NewResolver(n.file, lookup, f.commandTimeout); err != nil {
		return err
	}
	bases, err := f.parseBaseURLs(workspace.Providers)
	if err != nil {
		return err
	}
	if n.carrier, err = f.carrier(); err != nil {
		return err
	}
	seed := f.seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	n.options = health.Options{
		Version: buildVersion(), Workspace: workspace, Credentials: chosen, Values: n.resolver.Values,
		Transport: n.carrier, BaseURLs: bases, Redactor: c.secrets,
		PerPlace: f.perProvider, Overall: f.overall, Timeout: f.timeout, Deadline: f.deadline, Jitter: f.jitter, Seed: seed,
		Share: float64(f.share) / 100, Cooldown: breakerCooldown,
	}
	return nil
}

// run checks, and tells whoever has to know.
func (n *night) run(ctx context.Context) error {
	n.warn()
	n.ping(ctx, started, "")
	if err := n.openHistory(); err != nil {
		n.ping(ctx, failed, err.Error())
		return err
	}
	people := n.flags.newConsole(n.console, n.reports)
	run, unkept := n.check(ctx, people)
	if run != nil {
		n.code = run.ExitCode()
		n.tell(ctx, people, run)
	}
	n.fail(unkept)
	if n.store != nil {
		n.fail(n.store.Close())
	}
	n.pingEnd(ctx, run)
	if n.code != check.ExitOK {
		return &exitError{n.code, errors.Join(n.errs...)}
	}
	return nil
}

// fail notes what went wrong beside the check itself, if anything did.
func (n *night) fail(err error) {
	if err == nil {
		return
	}
	n.errs = append(n.errs, err)
	for _, leak := range []error{report.ErrLeak, metrics.ErrLeak, history.ErrLeak, alert.ErrLeak} {
		if errors.Is(err, leak) {
			n.code = check.ExitInternal
		}
	}
	if n.code != check.ExitInternal {
		n.code = check.ExitInvalid
	}
}

// failAt is fail for what a flag asked for.
func (n *night) failAt(flag string, err error) {
	if err != nil {
		n.fail(fmt.Errorf("%s: %w", flag, err))
	}
}

// warn says what is known to be missing before anything is sent.
func (n *night) warn() {
	wanted := *n.file
	wanted.Credentials = n.options.Credentials
	for _, m := range wanted.Missing(n.resolver.Lookup) {
		fmt.Fprintf(n.console.err, "authspec: %s is not set: %s cannot be checked\n", m.Variable, names(m.Credentials))
	}
	for _, w := range n.file.Warnings {
		fmt.Fprintf(n.console.err, "authspec: %s: %s\n", n.file.Path, w)
	}
}

func (n *night) openHistory() (err error) {
	path := historyFile(n.flags.history, n.flags.file)
	if path == "" {
		return nil
	}
	n.store, err = history.Open(path, n.console.secrets)
	if err != nil && n.flags.history == "" {
		err = fmt.Errorf("%w\n(--history FILE puts it elsewhere, --history none does without)", err)
	}
	return err
}

// check checks, and remembers. The error is for what could not be remembered;
// without a run there was no check.
func (n *night) check(ctx context.Context, people *report.HealthConsole) (*health.Run, error) {
	opts := n.options
	keep := func(*health.Credential) error { return nil }
	var recording *history.Recording
	var unread error // what the run could not read of earlier ones
	if n.store != nil {
		var err error
		if recording, err = n.remember(&opts, &unread); err != nil {
			return nil, err
		}
		keep = func(cred *health.Credential) error { return recording.Keep(cred, time.Now()) }
	}
	opts.Planned, opts.Began, opts.Waiting = people.Planned, people.Began, people.Waiting
	opts.Done = func(cred *health.Credential) error {
		err := keep(cred) // before anyone hears of it
		people.Done(cred)
		return err
	}
	opts.Revised = keep
	people.Start(len(opts.Credentials))
	run, err := health.Check(ctx, opts)
	people.Stop()
	if recording != nil {
		err = errors.Join(err, recording.End(run))
	}
	return run, errors.Join(err, unread)
}

// remember prepares a history for a run, and the run by what the history
// knows.
func (n *night) remember(opts *health.Options, unread *error) (*history.Recording, error) {
	longest := 24 * time.Hour
	for _, p := range opts.Workspace.Providers.All() {
		for _, limit := range p.Limits {
			longest = max(longest, time.Duration(limit.Per))
		}
	}
	now := time.Now()
	if err := n.store.Forget(now.Add(-n.flags.keep), now.Add(-longest)); err != nil {
		return nil, err
	}
	states, err := n.store.States()
	if err != nil {
		return nil, err
	}
	opts.Before = states
	opts.Sent = func(place, call string) []time.Time {
		times, err := n.store.Sent(place, call)
		*unread = cmp.Or(*unread, err)
		return times
	}
	opts.Spent = func(place, call string, at time.Time) {
		_ = n.store.Spent(place, call, at) // what cannot be written fails when the result is kept
	}
	return n.store.Begin(opts.Version, opts.Seed, len(opts.Credentials), now)
}

// tell tells people and machines what a run found out. What one of them does
// not get keeps nothing from the others.
func (n *night) tell(ctx context.Context, people *report.HealthConsole, run *health.Run) {
	if err := people.Finish(run); err != nil {
		n.failAt("writing the output", err)
		n.code = check.ExitInternal
	}
	for _, r := range n.reports {
		n.failAt(fmt.Sprintf("--report %s=%s", r.format, r.file), n.writeReport(r, run))
	}
	pushes := !n.flags.dryRun && (n.file.Pushgateway != "" || !n.file.PushgatewayFrom.IsZero())
	if n.flags.page != "" || n.flags.metrics != "" || pushes {
		n.fail(n.publish(ctx, run, pushes))
	}
	if n.file.Alerts != nil {
		n.fail(n.alert(ctx, people, run))
	}
}

// publish writes how all credentials stand: the status page and the metrics.
func (n *night) publish(ctx context.Context, run *health.Run, pushes bool) error {
	list, err := n.standings(run)
	if err != nil {
		return err
	}
	if n.flags.page != "" {
		n.failAt("--page", report.WriteStatusPage(n.flags.page, report.StatusPage{Run: run, Standings: list, Now: time.Now(), Stale: health.DefaultStale}, n.console.secrets))
	}
	if n.flags.metrics != "" || pushes {
		n.failAt("metrics", n.writeMetrics(ctx, run, list, pushes))
	}
	return nil
}

func (n *night) writeReport(r reportFlag, run *health.Run) error {
	if r.file == "-" {
		return report.WriteHealth(n.console.out, r.format, run, n.console.secrets)
	}
	return report.WriteHealthFile(r.format, r.file, run, n.console.secrets)
}

// standings is how all credentials of the file stand, those too that this run
// did not check.
func (n *night) standings(run *health.Run) ([]health.Standing, error) {
	if n.store == nil {
		at := run.Started.Add(run.Duration)
		var list []health.Standing
		for i := range run.Credentials {
			c := &run.Credentials[i]
			list = append(list, health.Standing{At: at, Record: c.Record(at), State: c.State})
		}
		return list, nil
	}
	all, err := n.store.Standings()
	if err != nil {
		return nil, err
	}
	inFile := map[string]bool{}
	for _, c := range n.file.Credentials {
		inFile[c.Name] = true
	}
	return standings(slices.DeleteFunc(all, func(s history.Standing) bool { return !inFile[s.Name] })), nil
}

func (n *night) writeMetrics(ctx context.Context, run *health.Run, standings []health.Standing, pushes bool) error {
	gathered, err := metrics.Gather(run, standings, time.Now(), health.DefaultStale)
	if err != nil {
		return err
	}
	if n.flags.metrics != "" {
		err = metrics.WriteFile(n.flags.metrics, gathered, n.console.secrets)
	}
	if !pushes {
		return err
	}
	// An interrupted check is told of, too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	gateway := n.file.Pushgateway
	if gateway == "" {
		u, urlErr := n.resolver.URL(ctx, n.file.PushgatewayFrom)
		if urlErr != nil {
			return errors.Join(err, fmt.Errorf("pushgateway: %w", urlErr))
		}
		alert.Hide(n.console.secrets, "pushgateway", u)
		gateway = u.String()
	}
	if pushErr := metrics.Push(ctx, n.carrier, gateway, gathered, n.console.secrets); pushErr != nil {
		err = errors.Join(err, fmt.Errorf("pushgateway: %w", pushErr))
	}
	return err
}

// parting bounds what is told when a check was interrupted.
const parting = 10 * time.Second

// alert tells of changes.
func (n *night) alert(ctx context.Context, people *report.HealthConsole, run *health.Run) error {
	to := n.file.Alerts
	told := alert.Told{}
	if n.store != nil {
		var err error
		if told, err = n.store.Told(); err != nil {
			return err
		}
	}
	news, quiet := alert.Plan(run, to, told)
	if n.flags.dryRun {
		for i := range news {
			people.Note(fmt.Sprintf("\nwould tell %s:\n%s", names(news[i].Channels), news[i].Text()))
		}
		if len(news) == 0 {
			people.Note("--dry-run: there is nothing to tell")
		}
		return nil
	}
	for key, state := range quiet {
		if err := n.store.Tell(key, state, time.Now()); err != nil {
			return err
		}
	}
	if len(news) == 0 {
		return nil
	}
	sent := map[string]bool{} // by ID
	err := n.sender(func(a *alert.Alert, channel string) error {
		sent[a.ID] = true
		return n.store.Tell(alert.Key{Channel: channel, Subject: a.Subject}, a.State, time.Now())
	}).Send(ctx, to.Channels, news)
	if len(sent) > 0 {
		people.Note(alerts(len(sent)) + " sent")
	}
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	return nil
}

func alerts(n int) string {
	if n == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}

func (n *night) sender(told func(a *alert.Alert, channel string) error) *alert.Sender {
	return &alert.Sender{Carrier: n.carrier, Resolver: n.resolver, Erase: n.console.secrets, Version: buildVersion(), Told: told}
}

// testAlerts sends a test to every channel.
func (n *night) testAlerts(ctx context.Context) error {
	to := n.file.Alerts
	if to == nil {
		return fmt.Errorf("%s has no alerts: docs/alerts.md says what to write", n.file.Path)
	}
	trial := alert.Trial(to.Channels, to.Link, time.Now())
	return n.sender(func(_ *alert.Alert, channel string) error {
		_, err := fmt.Fprintf(n.console.out, "%s has taken a test\n", channel)
		return err
	}).Send(ctx, to.Channels, []alert.Alert{trial})
}

// stay checks whenever it is due, until ctx ends. What is wrong with one check
// keeps the next from nothing.
func (f *checkFlags) stay(ctx context.Context, c *console, args []string, selected int, when schedule.Schedule) error {
	interrupted := false
	schedule.Run(ctx, when, f.lastCheck(selected), func(next time.Time) {
		fmt.Fprintf(c.err, "next check at %s, in %s\n", next.Format("2006-01-02 15:04 MST"), time.Until(next).Round(time.Minute))
	}, func(ctx context.Context) {
		// Each check reads its files anew, and knows its own secrets only.
		own := &console{c.in, c.out, c.err, redact.New()}
		n, err := f.prepare(own, args)
		if err == nil {
			err = n.run(ctx)
		}
		interrupted = complain(own, err) == check.ExitInterrupted
	})
	if interrupted {
		return &exitError{check.ExitInterrupted, nil}
	}
	return nil
}

// lastCheck is when the last check of at least so many credentials began, as
// the history has it: one of a few by hand makes up for no night.
func (f *checkFlags) lastCheck(selected int) time.Time {
	path := historyFile(f.history, f.file)
	if path == "" {
		return time.Time{}
	}
	store, err := history.Read(path)
	if err != nil {
		return time.Time{} // the check itself will say what is wrong with it
	}
	defer func() { _ = store.Close() }()
	runs, _ := store.Runs(100)
	for _, r := range runs {
		if r.Selected >= selected {
			return r.Started
		}
	}
	return time.Time{}
}
