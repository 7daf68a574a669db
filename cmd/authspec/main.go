// Command authspec runs readable specs of API authentication: against
// simulated providers in CI, against the real ones every night.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/early"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/suggest"
)

// version is set by the linker for releases.
var version = ""

func main() {
	early.RestorePath()
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// An exitError carries the exit code that an error, or a run, amounts to. A
// nil error prints nothing: the run has said it all.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// execute runs one command line and returns its exit code. Whatever happens,
// no secret that is known by then is printed.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	secrets := redact.New()
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "authspec: internal error: %s\n%s\nThis is a defect of authspec: please report it with this output.\n",
				secrets.String(fmt.Sprint(p)), secrets.Bytes(debug.Stack()))
			code = check.ExitInternal
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	c := &console{stdin, stdout, stderr, secrets}
	root := newRoot(c)
	root.SetArgs(args)
	return complain(c, root.ExecuteContext(ctx))
}

// complain prints an error, if there is anything to say, and returns the exit
// code it amounts to.
func complain(c *console, err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return check.ExitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(c.err, "authspec: %s\n", c.secrets.String(exit.err.Error()))
		}
		return exit.code
	}
	fmt.Fprintf(c.err, "authspec: %s\n", c.secrets.String(err.Error()))
	return check.ExitInvalid
}

// A console is where a command reads and writes, and what it must not show.
type console struct {
	in       io.Reader
	out, err io.Writer
	secrets  *redact.Redactor
}

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "authspec",
		Short: "Runs readable specs of API authentication",
		Long: `authspec runs readable specs of API authentication: against simulated
providers in CI, against the real ones every night.

Exit status: 0 all passed, 1 rejected or drifted, 2 usage or invalid spec,
3 inconclusive, 4 interrupted, 5 nothing ran, 70 internal error or a secret
found in an output.`,
		Example: `  authspec run                        # all providers, simulated
  authspec run ankorstore --verbose   # one, with every request and response
  authspec run antsomi --live         # the real one: ANTSOMI_CLIENT_ID, ANTSOMI_CLIENT_SECRET
  authspec new sendgrid --scheme bearer`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var known []string
			for _, sub := range cmd.Commands() {
				known = append(known, sub.Name())
			}
			return fmt.Errorf("unknown command %q%s: authspec --help lists the commands", args[0], suggest.DidYouMean(args[0], known))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetVersionTemplate("authspec {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		name, _, _ := strings.Cut(err.Error()[strings.LastIndex(err.Error(), " ")+1:], "=")
		return fmt.Errorf("%w%s: %s --help lists the flags", err, suggest.DidYouMean(name, known), cmd.CommandPath())
	})
	root.AddCommand(newRun(c), newCheck(c), newHistory(c), newDocs(c), newMock(c), newRecord(c), newDrift(c), newMerge(c), newSchema(c), newLint(c), newInit(c), newNew(c), newProviders(c), newSteps(c), newVersion(c))
	return root
}

func newVersion(c *console) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  authspec version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.out, "authspec %s\n", buildVersion())
			return err
		},
	}
}

// buildVersion is the release, or the module version that `go install` notes.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
