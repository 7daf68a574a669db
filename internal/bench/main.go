// Command bench measures authspec run beside a bare net/http client and a bare
// godog suite that send the same requests over loopback, each as a process of
// its own: make bench.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/authspec/authspec/internal/mock/load"
)

const (
	scenarios = 800
	rounds    = 5
	starts    = 15

	// On a busy machine there are fewer rounds.
	leastRounds = 3
	perPart     = 12 * time.Second
	limit       = time.Minute
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the benchmark, or one of the processes that it starts of itself.
func run(args []string) error {
	switch {
	case len(args) == 0:
		return benchmark()
	case args[0] == "server":
		return serve(os.Stdin, os.Stdout)
	}
	contender, ok := map[string]func(string, int, int) error{"client": bareClient, "godog": bareGodog}[args[0]]
	if !ok || len(args) != 4 {
		return fmt.Errorf("unknown arguments %q", args)
	}
	n, errN := strconv.Atoi(args[2])
	concurrency, errC := strconv.Atoi(args[3])
	if errN != nil || errC != nil {
		return fmt.Errorf("want numbers, got %q", args[2:])
	}
	return contender(args[1], n, concurrency)
}

// A bench is the prepared comparison.
type bench struct {
	dir, self, authspec string
	server              *server
}

func benchmark() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "authspec-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{dir: dir, authspec: filepath.Join(dir, "authspec")}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.authspec, "./cmd/authspec")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	for name, n := range map[string]int{"many": scenarios, "one": 1} {
		if err := writeWorkspace(filepath.Join(dir, name), n); err != nil {
			return err
		}
	}
	if b.server, err = startServer(ctx, b.self); err != nil {
		return err
	}
	defer b.server.stop()
	if err := b.report(ctx, os.Stdout); err != nil {
		return err
	}
	served, err := load.Compare(500, 5*time.Second)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("\nauthspec mock beside a bare handler that returns the same bytes, 500 clients:\n%s\n", served)
	return err
}

// A sample is what one process took.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // peak, bytes
	counts
}

// measure runs a process to its end. A contender that does not succeed is no
// measurement.
func (b *bench) measure(ctx context.Context, c contender, n, concurrency int) (sample, error) {
	args := c.command(n, concurrency)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "BENCH_CLIENT_ID="+clientID, "BENCH_CLIENT_SECRET="+clientSecret)
	if c.withoutGo {
		cmd.Env = append(cmd.Env, "PATH=")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if _, err := b.server.count(); err != nil {
		return sample{}, err
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	s := sample{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.memory = usage.Maxrss << 10 // KiB on Linux
	}
	var err error
	s.counts, err = b.server.count()
	return s, err
}

// A contender is a program that sends n requests.
type contender struct {
	name    string
	command func(n, concurrency int) []string
	// withoutGo hides the program "go", which every process with godog in it
	// runs as it starts. A client that only shares its binary must not pay.
	withoutGo bool
}

func (b *bench) contenders() []contender {
	own := func(role string) func(int, int) []string {
		return func(n, concurrency int) []string {
			return []string{b.self, role, b.server.base, strconv.Itoa(n), strconv.Itoa(concurrency)}
		}
	}
	return []contender{
		{name: "net/http", command: own("client"), withoutGo: true},
		{name: "godog, gjson", command: own("godog")},
		{name: "authspec run", command: func(n, concurrency int) []string {
			workspace := "many"
			if n == 1 {
				workspace = "one"
			}
			return []string{b.authspec, "run", "bench", "--live", "--dir", workspace, "--base-url", "bench=" + b.server.base, "--concurrency", strconv.Itoa(concurrency)}
		}},
	}
}

func (b *bench) report(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%d scenarios with one token request each, over loopback HTTP. Each contender is a process of its\nown, from its start to its end; the median of %d rounds at most. Ratios are to net/http.\n", scenarios, rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var added []string // what authspec run adds to the one before it
	for _, concurrency := range []int{1, 16} {
		samples, err := b.rounds(ctx, rounds, scenarios, concurrency)
		if err != nil {
			return err
		}
		bare, godog, ours := median(samples[0]), median(samples[1]), median(samples[2])
		added = append(added, fmt.Sprintf("%.1fx wall and %.1fx CPU at concurrency %d", ratio(ours.wall, godog.wall), ratio(ours.cpu, godog.cpu), concurrency))
		fmt.Fprintf(w, "\nconcurrency %d\twall\t\tper scenario\tCPU\t\tper scenario\tconnections\tpeak memory\t\n", concurrency)
		for i, c := range b.contenders() {
			s := median(samples[i])
			if s.Requests != scenarios {
				return fmt.Errorf("%s sent %d requests, want %d", c.name, s.Requests, scenarios)
			}
			fmt.Fprintf(w, "%s\t%s\t%.1fx\t%s\t%s\t%.1fx\t%s\t%d\t%d MB\t\n", c.name,
				milliseconds(s.wall), ratio(s.wall, bare.wall), milliseconds(s.wall/scenarios),
				milliseconds(s.cpu), ratio(s.cpu, bare.cpu), milliseconds(s.cpu/scenarios),
				s.Connections, s.memory>>20)
		}
	}
	samples, err := b.rounds(ctx, starts, 1, 1)
	if err != nil {
		return err
	}
	fmt.Fprint(w, "\none scenario\twall\t\t\tCPU\t\t\t\tpeak memory\t\n")
	for i, c := range b.contenders() {
		s := median(samples[i])
		fmt.Fprintf(w, "%s\t%s\t\t\t%s\t\t\t\t%d MB\t\n", c.name, milliseconds(s.wall), milliseconds(s.cpu), s.memory>>20)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nauthspec run beside godog and gjson alone: %s.\n", strings.Join(added, ", "))
	return err
}

// rounds measures the contenders in turn, so that what else the machine does
// meets them all.
func (b *bench) rounds(ctx context.Context, rounds, n, concurrency int) ([][]sample, error) {
	contenders := b.contenders()
	samples := make([][]sample, len(contenders))
	start := time.Now()
	for round := range rounds {
		if round >= leastRounds && time.Since(start) > perPart {
			break
		}
		for i, c := range contenders {
			s, err := b.measure(ctx, c, n, concurrency)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
}

// median takes each number on its own.
func median(samples []sample) sample {
	return sample{
		wall:   middle(samples, func(s sample) time.Duration { return s.wall }),
		cpu:    middle(samples, func(s sample) time.Duration { return s.cpu }),
		memory: middle(samples, func(s sample) int64 { return s.memory }),
		counts: counts{
			Connections: middle(samples, func(s sample) int64 { return s.Connections }),
			Requests:    middle(samples, func(s sample) int64 { return s.Requests }),
		},
	}
}

func middle[N ~int64](samples []sample, of func(sample) N) N {
	var all []N
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.2f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// A server is the process that all contenders talk to.
type server struct {
	base string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startServer(ctx context.Context, self string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, self, "server")}
	s.cmd.Stderr = os.Stderr
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := s.out.ReadString('\n')
	s.base = strings.TrimSpace(line)
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// count returns what the server has seen since the last call.
func (s *server) count() (c counts, err error) {
	if _, err = io.WriteString(s.in, "\n"); err != nil {
		return c, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return c, fmt.Errorf("server: %w", err)
	}
	return c, json.Unmarshal(line, &c)
}

func (s *server) stop() {
	s.in.Close()
	_ = s.cmd.Wait() // it has done its work
}
