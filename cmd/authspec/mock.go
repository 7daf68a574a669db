package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// controlTokenVariable holds what a control request must carry, where others
// than this machine could send one. A flag would show it to every user.
const controlTokenVariable = "AUTHSPEC_CONTROL_TOKEN"

const shortestControlToken = 16

// mockFlags are the flags of authspec mock.
type mockFlags struct {
	dir, host         string
	port              int
	prefix, tls       bool
	caFile, readyFile string
	json, quiet       bool
	limits, control   bool
	headerFaults      bool
	faults            []string
	seed              uint64
}

func newMock(c *console) *cobra.Command {
	var f mockFlags
	cmd := &cobra.Command{
		Use:   "mock [PROVIDER ...]",
		Short: "Serve simulated providers over HTTP, to test clients in any language",
		Long: `Serves the named providers, or all of them, until it is stopped. Each reads a
request as the real one would and answers with what the provider documents. It
accepts test credentials only, which it prints along with its base URLs. GET
/healthz answers ok. Each request is a line on the standard error.

With --control a test can steer it by requests below /_authspec: move the
clock, revoke a token, force the next situation, list the requests received,
set faults, reset. docs/mock.md shows each with curl.

A fault is made of these words, joined by commas; --fault 'status=503,rate=0.1'
is for all requests, the header "Authspec-Fault: latency=2s" for one:
` + table(mock.FaultNotation()) + `

Exit status: 0 when it was asked to stop (Ctrl-C, SIGTERM), 2 when it cannot
start.`,
		Example: `  authspec mock
  authspec mock antsomi --port 9103 --control
  authspec mock --prefix --port 9100 --tls --ca-file ca.pem
  authspec mock ankorstore --limits --fault 'status=503,rate=0.1' --seed 1
  authspec mock --json --ready-file mock.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return serveMock(cmd, c, &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.port, "port", 0, "port of the first provider, the others follow; 0: free ones")
	flags.BoolVar(&f.prefix, "prefix", false, "one port for all, each provider below a path of its name")
	flags.StringVar(&f.host, "host", "127.0.0.1", "address to listen on")
	flags.BoolVar(&f.tls, "tls", false, "HTTPS instead of HTTP, with a certificate made at start")
	flags.StringVar(&f.caFile, "ca-file", "", "with --tls: write the certificate authority to trust there (PEM)")
	flags.BoolVar(&f.json, "json", false, "print where and whom it serves as one line of JSON")
	flags.StringVar(&f.readyFile, "ready-file", "", "write the same JSON there once it listens; removed at the end")
	flags.BoolVar(&f.limits, "limits", false, "keep the documented rate limits")
	flags.BoolVar(&f.control, "control", false, "let tests steer it by requests below "+mock.ControlPath)
	flags.BoolVar(&f.headerFaults, "faults", false, "honour the request header "+mock.FaultHeader+"; --control does too")
	flags.StringArrayVar(&f.faults, "fault", nil, "make something go wrong: 'status=503,rate=0.1', 'latency=2s,on=token'")
	flags.Uint64Var(&f.seed, "seed", 0, "number that decides which requests meet a fault of a rate (default: by chance)")
	flags.BoolVar(&f.quiet, "quiet", false, "no line for each request")
	flags.StringVar(&f.dir, "dir", "", "directory with providers/, features/ and fixtures/ of your own")
	return cmd
}

func serveMock(cmd *cobra.Command, c *console, f *mockFlags, args []string) error {
	simulators, err := f.simulators(c, args)
	if err != nil {
		return err
	}
	opts, err := f.options(c, simulators)
	if err != nil {
		return err
	}
	if opts.Seed == 0 && !cmd.Flags().Changed("seed") {
		opts.Seed = rand.Uint64N(1_000_000)
		if slices.ContainsFunc(opts.Faults, (*mock.Fault).ByChance) {
			fmt.Fprintf(c.err, "authspec: the same faults again: --seed %d\n", opts.Seed)
		}
	}
	removeRegular(f.readyFile) // of a server that was killed: nobody shall take it for ours
	server, err := mock.Start(simulators, opts)
	if err != nil {
		return err
	}
	defer server.Stop()
	if f.caFile != "" {
		if err := atomicfile.Write(f.caFile, server.CA()); err != nil {
			return fmt.Errorf("--ca-file: %w", err)
		}
	}
	ready := readyLine(server.Endpoints())
	out := ready
	if !f.json {
		out = f.pasteable(server.Endpoints(), simulators)
	}
	if _, err := c.out.Write(out); err != nil {
		return err
	}
	if f.readyFile != "" {
		if err := atomicfile.Write(f.readyFile, ready); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
		defer removeIfOurs(f.readyFile, ready)
	}
	select {
	case err := <-server.Failed():
		return &exitError{check.ExitInternal, err}
	case <-cmd.Context().Done():
	}
	server.Stop()
	fmt.Fprintf(c.err, "authspec: stopped as asked; requests answered: %d\n", server.Requests())
	return nil
}

// simulators of the named providers, or all, in the order of the arguments.
func (f *mockFlags) simulators(c *console, args []string) ([]*simulator.Simulator, error) {
	f.dir = workspaceDir(c, f.dir, false)
	workspace, err := runner.Open(f.dir)
	if err != nil {
		return nil, err
	}
	named := workspace.Providers.All()
	if len(args) > 0 {
		named = nil
	}
	for _, name := range args {
		p, err := workspace.Providers.Lookup(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(named, p) {
			named = append(named, p)
		}
	}
	var list []*simulator.Simulator
	var problems []error
	for _, p := range named {
		sim, err := simulator.New(p, workspace.Fixtures)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, sim)
	}
	return list, errors.Join(problems...)
}

// options reads the flags, and warns of what is allowed but not wise.
func (f *mockFlags) options(c *console, simulators []*simulator.Simulator) (mock.Options, error) {
	opts := mock.Options{
		Host: f.host, Port: f.port, Prefix: f.prefix, TLS: f.tls, Limits: f.limits,
		Control: f.control, HeaderFaults: f.headerFaults, Seed: f.seed, Redactor: c.secrets,
	}
	if !f.quiet {
		opts.Log = c.err
	}
	last := f.port
	if f.port != 0 && !f.prefix {
		last += len(simulators) - 1
	}
	switch {
	case len(simulators) == 0:
		return opts, errors.New("there are no providers to serve")
	case f.port < 0 || last > 65535:
		return opts, fmt.Errorf("--port %d: want a port that leaves room for %d providers below 65536, or 0 for free ones", f.port, len(simulators))
	case f.host == "":
		return opts, errors.New("--host: want an address of this machine: 127.0.0.1, or 0.0.0.0 for all")
	case f.caFile != "" && !f.tls:
		return opts, errors.New("--ca-file means something only with --tls: plain HTTP has no certificate")
	case f.tls && f.caFile == "":
		return opts, errors.New("--tls: clients have to trust the certificate: name a file for its authority with --ca-file")
	}
	if err := checkFolder(f.caFile); err != nil {
		return opts, fmt.Errorf("--ca-file: %w", err)
	}
	if err := checkFolder(f.readyFile); err != nil {
		return opts, fmt.Errorf("--ready-file: %w", err)
	}
	var calls []string
	for _, sim := range simulators {
		calls = append(calls, sim.Provider().CallNames()...)
		if sim.Provider().HasToken() && !slices.Contains(calls, providers.TokenCall) {
			calls = append(calls, providers.TokenCall)
		}
	}
	for _, spec := range f.faults {
		fault, err := mock.ParseFault(spec)
		if err == nil {
			err = fault.CheckCall(calls)
		}
		if err != nil {
			return opts, fmt.Errorf("--fault: %w", err)
		}
		opts.Faults = append(opts.Faults, fault)
	}
	return opts, f.guard(c, &opts)
}

// guard sees to it that nobody else can do more than ask for test tokens.
func (f *mockFlags) guard(c *console, opts *mock.Options) error {
	opts.ControlToken = os.Getenv(controlTokenVariable)
	c.secrets.Add(controlTokenVariable, opts.ControlToken)
	ip := net.ParseIP(f.host)
	onlyHere := f.host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case f.control && opts.ControlToken != "" && len(opts.ControlToken) < shortestControlToken:
		return fmt.Errorf("%s: want at least %d characters", controlTokenVariable, shortestControlToken)
	case onlyHere:
		return nil
	case f.control && opts.ControlToken == "":
		return fmt.Errorf("--control: others can reach %s: set %s to a secret that control requests carry as bearer token", f.host, controlTokenVariable)
	}
	fmt.Fprintf(c.err, "authspec: warning: others can reach %s: use test credentials only, never real ones\n", f.host)
	return nil
}

// checkFolder finds a misspelt path before anything listens.
func checkFolder(file string) error {
	if file == "" {
		return nil
	}
	dir := filepath.Dir(file)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: no folder %s: make it first", file, dir)
	}
	return nil
}

// readyLine is what scripts read: its fields do not change.
func readyLine(endpoints []mock.Endpoint) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(map[string][]mock.Endpoint{"providers": endpoints}) // strings cannot fail
	return b.Bytes()
}

var specialNames = map[string]string{"limited": "limited to one scope", "locked": "locked", "revoked": "revoked"}

// pasteable is the same for people: lines for a shell.
func (f *mockFlags) pasteable(endpoints []mock.Endpoint, simulators []*simulator.Simulator) []byte {
	var b bytes.Buffer
	run := []string{"authspec", "run"}
	var bases []string
	for i, e := range endpoints {
		p := simulators[i].Provider()
		fmt.Fprintf(&b, "# %s: %s\n", p.Name, e.BaseURL)
		writeAssignments(&b, "export ", p, e.Credentials, nil)
		for _, client := range sortedNames(e.Special) {
			writeAssignments(&b, "# "+specialNames[client]+": ", p, e.Special[client], e.Credentials)
		}
		b.WriteByte('\n')
		run = append(run, p.ID)
		bases = append(bases, "--base-url", shellQuote(p.ID+"="+e.BaseURL))
	}
	run = append(append(run, "--live"), bases...)
	if f.tls {
		run = append(run, "--ca-cert", shellQuote(f.caFile))
	}
	if f.dir != "" {
		run = append(run, "--dir", shellQuote(f.dir))
	}
	fmt.Fprintf(&b, "%s\n", strings.Join(run, " "))
	return b.Bytes()
}

// writeAssignments writes the credentials that differ from those known.
func writeAssignments(w io.Writer, before string, p *providers.Provider, creds, known providers.Credentials) {
	for _, field := range p.CredentialFields() {
		if creds[field] != known[field] {
			fmt.Fprintf(w, "%s%s=%s\n", before, p.Credentials[field], shellQuote(creds[field]))
		}
	}
}

func sortedNames(m map[string]providers.Credentials) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// shellQuote writes text as one word of a POSIX shell.
func shellQuote(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// removeIfOurs leaves alone what another server has written since.
func removeIfOurs(file string, content []byte) {
	if now, err := os.ReadFile(file); err == nil && bytes.Equal(now, content) {
		removeRegular(file)
	}
}

func removeRegular(file string) {
	if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() {
		_ = os.Remove(file) // it is stale, and says so: nothing listens there
	}
}
