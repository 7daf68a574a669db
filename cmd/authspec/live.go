package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/joho/godotenv"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/record"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/transport"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/steps"
)

// liveFlags are the flags of every command that talks to real providers.
type liveFlags struct {
	env, envFile, caCert string
	baseURLs             []string
	intrusive            bool
	timeout              time.Duration
}

// add defines the flags that say where providers are and who asks.
func (f *liveFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.env, "env", "", "environment of the provider: sandbox, production …")
	flags.StringVar(&f.envFile, "env-file", "", "file with credentials, NAME=value a line (default: .env, if it is there)")
	flags.StringArrayVar(&f.baseURLs, "base-url", nil, "PROVIDER=URL: send a provider's requests there; plain http only to this machine")
	flags.StringVar(&f.caCert, "ca-cert", "", "PEM file with further certificate authorities to trust")
}

func (f *liveFlags) addTimeout(flags *pflag.FlagSet) {
	flags.DurationVar(&f.timeout, "timeout", providers.DefaultTimeout, "limit for each request with its response")
}

func (f *liveFlags) checkTimeout() error {
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout: want a duration above 0 such as 30s, got %s", f.timeout)
	}
	return nil
}

// parseBaseURLs reads the flags --base-url.
func (f *liveFlags) parseBaseURLs(catalogue *providers.Catalogue) (map[string]string, error) {
	bases := map[string]string{}
	for _, flag := range f.baseURLs {
		name, base, found := strings.Cut(flag, "=")
		if !found {
			return nil, fmt.Errorf("--base-url %s: want PROVIDER=URL, such as antsomi=http://127.0.0.1:9103", flag)
		}
		p, err := catalogue.Lookup(name)
		if err != nil {
			return nil, fmt.Errorf("--base-url: %w", err)
		}
		u, err := url.Parse(base)
		if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("--base-url %s: want a URL with nothing but scheme, host and path", name)
		}
		if err := providers.SecureURL(u); err != nil {
			return nil, fmt.Errorf("--base-url %s: %w", name, err)
		}
		bases[p.ID] = base
	}
	return bases, nil
}

// carrier returns the transport of real requests.
func (f *liveFlags) carrier() (http.RoundTripper, error) {
	var authorities []byte
	if f.caCert != "" {
		pem, err := os.ReadFile(f.caCert)
		if err != nil {
			return nil, fmt.Errorf("--ca-cert: %w", err)
		}
		authorities = pem
	}
	carrier, err := transport.NewLive(authorities)
	if err != nil {
		return nil, fmt.Errorf("--ca-cert %s: %w", f.caCert, err)
	}
	return carrier, nil
}

// newLive prepares the way to the real providers. A provider that was asked
// for must have its credentials; all that are missing are named at once.
func (f *liveFlags) newLive(plan *runner.Plan, bases map[string]string, args []string) (*steps.Live, error) {
	carrier, err := f.carrier()
	if err != nil {
		return nil, err
	}
	lookup, err := f.credentialSource()
	if err != nil {
		return nil, err
	}
	live := &steps.Live{
		Transport: carrier, BaseURLs: bases, Intrusive: f.intrusive,
		Credentials: func(p *providers.Provider) (providers.Credentials, error) { return p.CredentialsFrom(lookup) },
	}
	if len(args) == 0 {
		return live, nil
	}
	var problems []error
	for _, p := range plan.Providers() {
		if _, err := live.Credentials(p); err != nil {
			problems = append(problems, err)
		}
	}
	return live, errors.Join(problems...)
}

// credentialSource looks in the environment first, then in the .env file.
// Nothing but credentials is taken from that file.
func (f *liveFlags) credentialSource() (func(string) (string, bool), error) {
	file := f.envFile
	if file == "" {
		file = ".env"
	}
	values, err := godotenv.Read(file)
	if err != nil && (f.envFile != "" || !errors.Is(err, os.ErrNotExist)) {
		// The error of a malformed file quotes it: it may hold a secret.
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("--env-file: %w", err)
		}
		return nil, fmt.Errorf("%s: cannot be read as NAME=value lines; quote values with blanks or #", file)
	}
	return func(name string) (string, bool) {
		if value, ok := os.LookupEnv(name); ok && value != "" {
			return value, true
		}
		value, ok := values[name]
		return value, ok
	}, nil
}

// checkEnvironment refuses an --env that a provider of the run does not have.
func checkEnvironment(plan *runner.Plan, env string, args []string) error {
	if env == "" {
		return nil
	}
	var problems []error
	for _, p := range plan.Providers() {
		if _, ok := p.Environments[env]; ok {
			continue
		}
		have := "it has none"
		if names := p.EnvironmentNames(); len(names) > 0 {
			have = "it has " + strings.Join(names, ", ")
		}
		problems = append(problems, fmt.Errorf("--env: %s has no environment %q: %s", p.ID, env, have))
	}
	if len(problems) > 0 && len(args) == 0 {
		problems = append(problems, errors.New("name the providers to run: authspec run PROVIDER --env "+env))
	}
	return errors.Join(problems...)
}

// open prepares the way to the providers of the plan.
func (f *liveFlags) open(plan *runner.Plan, args []string) (*steps.Live, error) {
	if err := f.checkTimeout(); err != nil {
		return nil, err
	}
	if err := checkEnvironment(plan, f.env, args); err != nil {
		return nil, err
	}
	bases, err := f.parseBaseURLs(plan.Workspace.Providers)
	if err != nil {
		return nil, err
	}
	return f.newLive(plan, bases, args)
}

// observe runs the scenarios of p against the real p; its progress goes to
// the standard error.
func (f *liveFlags) observe(ctx context.Context, c *console, w *runner.Workspace, p *providers.Provider, live *steps.Live) (*record.Observation, error) {
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{p.ID}})
	if err != nil {
		return nil, err
	}
	progress := &report.Console{Out: c.err, Erase: c.secrets}
	if file, ok := c.err.(*os.File); ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		progress.Live = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			progress.Width = width
		}
	}
	progress.Start(len(plan.Scenarios), check.Live)
	defer progress.Stop()
	return record.Observe(ctx, plan, p, runner.Options{
		Version: buildVersion(), Live: live, Environment: f.env, Timeout: f.timeout, Redactor: c.secrets,
		Began: progress.Running, Done: progress.Done,
	})
}

// show prints text that comes from a provider in part: no secret of the run,
// and nothing that a terminal would obey.
func (c *console) show(text string) {
	if _, found := c.secrets.Leak([]byte(text)); found {
		text = c.secrets.String(text)
	}
	fmt.Fprint(c.out, visible(text))
}

// visible shows what does not print: escapes, marks that reorder text.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}
