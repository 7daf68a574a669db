package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/lint"
)

func newLint(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Find mistakes in provider files, features and fixtures",
		Long: `Reads the whole workspace and reports what would fail, or worse, would go
unnoticed: unknown sentences and calls, typos of Gherkin keywords that turn a
scenario into prose, fixtures that are missing or never reached, broken JSON,
values that look like secrets.

Exit status: 0 no errors, 2 errors.`,
		Example: "  authspec lint\n  authspec lint --dir specs",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			findings, err := lint.Lint(workspaceDir(c, dir, false))
			if err != nil {
				return err
			}
			errors, warnings := 0, 0
			for _, f := range findings {
				fmt.Fprintln(c.out, c.secrets.String(f.String()))
				if f.Severity == lint.Error {
					errors++
				} else {
					warnings++
				}
			}
			if errors == 0 && warnings == 0 {
				fmt.Fprintln(c.out, "no mistakes found")
				return nil
			}
			fmt.Fprintf(c.out, "%d errors, %d warnings\n", errors, warnings)
			if errors > 0 {
				return &exitError{code: check.ExitInvalid}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	return cmd
}
