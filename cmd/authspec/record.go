package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/record"
	"github.com/authspec/authspec/internal/runner"
)

// recordFlags are the flags of authspec record.
type recordFlags struct {
	liveFlags
	dir              string
	yes, rateLimited bool
}

func newRecord(c *console) *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record PROVIDER",
		Short: "Run the specs on the real provider and write its answers as fixtures",
		Long: `Runs the provider's scenarios against the real one and writes what came back to
fixtures/PROVIDER/CALL/SITUATION.http, below the current directory or --dir.

Tokens, secrets, e-mail addresses and IDs are replaced by stand-ins of the same
shape, cookies and headers of the moment are left out. Answers that say nothing
(429, 5xx, redirects, login pages) are not recorded but reported. What would
change is shown as a diff; before existing fixtures are replaced it asks, once
for all. If a secret is found in what it would write, it writes nothing.

Exit status: 0 written or nothing to change, 1 the credential was refused,
2 usage, or nobody to ask, 3 no answer said anything, 4 interrupted or not
wanted, 5 nothing ran, 70 a secret would have been written.`,
		Example: `  authspec record antsomi
  authspec record antsomi --dir specs --yes
  authspec record ankorstore --env sandbox --intrusive`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return recordProvider(cmd, c, &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.yes, "yes", false, "replace existing fixtures without asking")
	flags.BoolVar(&f.rateLimited, "rate-limited", false, "also take an answer of 429 for the call's rate_limited")
	flags.BoolVar(&f.intrusive, "intrusive", false, "also try what a provider may count against the account (wrong secrets)")
	flags.StringVar(&f.dir, "dir", "", "the workspace to read and write (default: the built-in one, written to the current directory)")
	f.add(flags)
	f.addTimeout(flags)
	return cmd
}

func recordProvider(cmd *cobra.Command, c *console, f *recordFlags, args []string) error {
	workspace, err := runner.Open(workspaceDir(c, f.dir, true))
	if err != nil {
		return err
	}
	p, err := workspace.Providers.Lookup(args[0])
	if err != nil {
		return err
	}
	target := f.dir
	if target == "" {
		target = "."
	}
	plan, err := runner.NewPlan(workspace, runner.Selection{Args: []string{p.ID}})
	if err != nil {
		return err
	}
	live, err := f.open(plan, args)
	if err != nil {
		return err
	}
	// Before the provider is bothered.
	if err := record.Writable(target, p.ID); err != nil {
		return fmt.Errorf("--dir: fixtures cannot be written there: %w", err)
	}
	seen, err := f.observe(cmd.Context(), c, workspace, p, live)
	if err != nil {
		return err
	}
	if err := usable(seen.Run); err != nil {
		return err
	}
	recording, err := record.NewRecording(seen, record.Options{Dir: target, RateLimited: f.rateLimited})
	if err != nil {
		if errors.Is(err, record.ErrLeak) {
			return &exitError{check.ExitInternal, err}
		}
		return err
	}
	unseen, err := recording.Unseen(workspace.Fixtures)
	if err != nil {
		return err
	}
	showRecording(c, recording, unseen)
	switch {
	case len(recording.Files) == 0:
		return &exitError{check.ExitInconclusive, fmt.Errorf("%s: no answer could be recorded: nothing is written", p.ID)}
	case recording.Changes() == 0:
		c.show("Nothing to write: the fixtures are what the provider answers.\n")
		return nil
	}
	if err := f.confirm(c, recording); err != nil {
		return err
	}
	written, err := recording.Write()
	if err != nil {
		return fmt.Errorf("nothing is written: %w", err)
	}
	for _, file := range written {
		c.show("wrote " + file + "\n")
	}
	next := "Next: authspec run " + p.ID
	if f.dir != "" {
		next += " --dir " + f.dir
	}
	c.show(next + "\n")
	return nil
}

// usable returns why the answers of a run are not worth recording.
func usable(run *check.Run) error {
	ran := 0
	for i := range run.Results {
		res := &run.Results[i]
		at := fmt.Sprintf("%s:%d: ", res.URI, res.Line)
		switch {
		case res.Cause == check.InternalError:
			return &exitError{check.ExitInternal, errors.New(at + res.Message)}
		case res.Verdict == check.Invalid:
			return errors.New(at + res.Message + "\n" + res.Advice)
		case res.Cause == check.CredentialRejected && !run.Interrupted:
			return &exitError{check.ExitBroken, errors.New(at + res.Message + "\n" + res.Advice + "\nWhat a provider answers to a refused credential is not what it answers: nothing is written.")}
		case res.Verdict != check.Skipped:
			ran++
		}
	}
	switch {
	case run.Interrupted:
		return &exitError{check.ExitInterrupted, errors.New("interrupted: nothing is written")}
	case ran == 0:
		return &exitError{check.ExitNothingRan, errors.New("nothing ran: all scenarios were skipped, nothing is written; authspec run --live shows why")}
	}
	return nil
}

func showRecording(c *console, r *record.Recording, unseen []string) {
	for i := range r.Files {
		if diff := r.Files[i].Diff(); diff != nil {
			c.show(string(diff) + "\n")
		}
	}
	for i := range r.Files {
		c.show(r.Files[i].Summary() + "\n")
	}
	for _, note := range r.Notes {
		c.show(note.Situation + ": " + note.Text + "\n")
	}
	if len(unseen) > 0 {
		c.show("still assumed, since no request met them: " + strings.Join(unseen, ", ") + "\n")
	}
}

// confirm asks, once, before fixtures are replaced.
func (f *recordFlags) confirm(c *console, r *record.Recording) error {
	replacing := r.Replacing()
	if f.yes || replacing == "" {
		return nil
	}
	file, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return fmt.Errorf("this would replace fixtures that are there (%s), and nobody can be asked: read the diff, then run it again with --yes; nothing is written", replacing)
	}
	return ask(c.in, c.out, "Replace fixtures ("+replacing+")? [y/N] ")
}

// ask returns an error unless the answer is yes.
func ask(in io.Reader, out io.Writer, question string) error {
	fmt.Fprint(out, question)
	answer, _ := bufio.NewReader(in).ReadString('\n') // no answer is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &exitError{check.ExitInterrupted, errors.New("nothing is written")}
}
