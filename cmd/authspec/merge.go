package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
)

func newMerge(c *console) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "merge FILE ...",
		Short: "Merge the JSON reports of the parts of a run",
		Long: `Reads the reports that authspec run --report json=FILE wrote, on several
machines with --shard say, and reports on them as on one run, which was never
divided: on the console, in every format, and with the exit code of the whole.

It began with the first part and lasted until the end of the last. It is
interrupted (exit 4) if a part is. A part in which nothing ran does no harm,
unless nothing ran in all of them (exit 5). Reports know which part of how many
they are: a part that is missing is an error. A scenario that is in several
reports counts once, as the run found it that began last: so a part that was
run again, or its failures alone, may be added to the reports of the others.

Simulated and live runs are not merged. One report alone is written in other
formats. No report is written unless all were read.`,
		Example: `  authspec run --shard 1/3 --report json=shard-1.json     # on three machines
  authspec merge shard-*.json --report junit=all.xml --report html=all.html
  authspec merge shard-*.json --report json=all.json --report markdown="$GITHUB_STEP_SUMMARY"
  authspec merge run.json --format junit`,
		RunE: func(_ *cobra.Command, args []string) error { return merge(c, &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.reports, "report", nil, "FORMAT=FILE, - for standard output; formats: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&f.format, "format", "text", "what is printed: text, or one of the report formats")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show every request and response, redacted")
	flags.BoolVar(&f.noColor, "no-color", false, "no colours, also on a terminal (NO_COLOR does the same)")
	return cmd
}

func merge(c *console, f *runFlags, files []string) error {
	reports, err := f.parseReports()
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("no report: name those that authspec run --report json=FILE wrote, such as authspec merge shard-*.json")
	}
	if err := knowCredentials(c); err != nil {
		return err
	}
	parts, err := readParts(files)
	if err != nil {
		return err
	}
	result, notes, err := report.Merge(parts)
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintf(c.err, "authspec: note: %s\n", c.secrets.String(note))
	}
	if err := conclude(c, f.newConsole(c, reports), reports, result); err != nil {
		return err
	}
	return exitOf(result)
}

// knowCredentials tells the redactor the credentials in the environment. Reports
// are redacted already; this is the second door.
func knowCredentials(c *console) error {
	workspace, err := runner.Open(workspaceDir(c, "", false))
	if err != nil {
		return err
	}
	for _, p := range workspace.Providers.All() {
		for _, variable := range p.Credentials {
			if value := os.Getenv(variable); value != "" {
				c.secrets.Add(variable, value)
			}
		}
	}
	return nil
}

// readParts names every file that cannot be read.
func readParts(files []string) ([]report.Part, error) {
	var parts []report.Part
	var problems []error
	for _, file := range files {
		run, err := readPart(file)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
		}
		parts = append(parts, report.Part{File: file, Run: run})
	}
	return parts, errors.Join(problems...)
}

func readPart(file string) (*check.Run, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.New("there is no such file: did that part run, with --report json=FILE?")
	case err == nil && info.IsDir():
		return nil, errors.New("a folder: name the reports in it")
	}
	content, err := os.ReadFile(file)
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	if err != nil {
		return nil, err
	}
	return report.ReadJSON(content)
}

// conclude prints a finished run and writes its reports.
func conclude(c *console, people *report.Console, reports []reportFlag, result *check.Run) error {
	if err := people.Finish(result); err != nil {
		return &exitError{check.ExitInternal, fmt.Errorf("writing the output: %w", err)}
	}
	for _, r := range reports {
		if err := writeReport(c, r.format, r.file, result); err != nil {
			code := check.ExitInvalid
			if errors.Is(err, report.ErrLeak) {
				code = check.ExitInternal
			}
			return &exitError{code, fmt.Errorf("--report %s=%s: %w", r.format, r.file, err)}
		}
	}
	return nil
}

// exitOf is what a run amounts to.
func exitOf(result *check.Run) error {
	if code := result.ExitCode(); code != check.ExitOK {
		return &exitError{code: code}
	}
	return nil
}
