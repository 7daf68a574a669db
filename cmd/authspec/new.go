package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/scaffold"
	"github.com/authspec/authspec/providers"
)

func newInit(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Write a workspace of your own, with a first provider to read and change",
		Example: `  authspec init specs
  cd specs && authspec run`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			written, err := scaffold.Init(args[0])
			if err != nil {
				return err
			}
			return listWritten(c.out, written, "Next: cd "+args[0]+" && authspec run")
		},
	}
}

func newNew(c *console) *cobra.Command {
	var dir string
	var opts scaffold.Options
	cmd := &cobra.Command{
		Use:   "new NAME --scheme SCHEME",
		Short: "Add a provider: its file, its feature and its fixtures, which pass at once",
		Long: `Writes providers/NAME.yaml, features/NAME.feature and fixtures/NAME/ into the
current directory, or --dir. They pass at once and say what to change.

Schemes:
` + table(providers.Schemes()),
		Example: `  authspec new sendgrid --scheme bearer --base-url https://api.sendgrid.com
  authspec new zoom --scheme client_credentials --grant-type account_credentials
  authspec run sendgrid`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if dir == "" {
				dir = "."
			}
			written, err := scaffold.New(dir, args[0], opts)
			if err != nil {
				return err
			}
			next := "Next: authspec run " + args[0]
			if dir != "." {
				next += " --dir " + dir
			}
			return listWritten(c.out, written, next)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&opts.Scheme, "scheme", "", "how the provider authenticates (required)")
	flags.StringVar(&opts.BaseURL, "base-url", "", "scheme and host of the API")
	flags.StringVar(&opts.GrantType, "grant-type", "", "grant type of the token request, if it is not client_credentials")
	flags.StringVar(&opts.Docs, "docs", "", "the provider's page on authentication")
	flags.StringVar(&dir, "dir", "", "the workspace (default: the current directory)")
	_ = cmd.MarkFlagRequired("scheme") // the flag exists
	return cmd
}

func listWritten(out io.Writer, written []string, next string) error {
	for _, file := range written {
		if _, err := fmt.Fprintln(out, "wrote", file); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, next)
	return err
}

// table sets a list of names and what they mean in two columns.
func table(rows [][2]string) string {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, r[0], r[1])
	}
	return strings.TrimRight(b.String(), "\n")
}
