package verify

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// An instruction is one of a Containerfile: its word, and what follows.
type instruction struct{ word, rest string }

func instructions(text string) []instruction {
	var list []instruction
	for line := range strings.Lines(continued.ReplaceAllString(text, " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		list = append(list, instruction{word, strings.TrimSpace(rest)})
	}
	return list
}

// lastStage returns the instructions of the image itself.
func lastStage(list []instruction) []instruction {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].word == "FROM" {
			return list[i:]
		}
	}
	return nil
}

func rest(list []instruction, word string) string {
	for _, in := range list {
		if in.word == word {
			return in.rest
		}
	}
	return ""
}

// containerProblems holds a Containerfile against what its README promises.
func containerProblems(text string) []string {
	var problems []string
	broken := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	list := instructions(text)
	for _, in := range list {
		known := []string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "VOLUME", "ENTRYPOINT", "CMD"}
		if !slices.Contains(known, in.word) {
			broken("unknown instruction %s", in.word)
		}
	}
	if m := regexp.MustCompile(`^docker\.io/library/golang:\d+\.\d+\.\d+ AS build$`); !m.MatchString(rest(list, "FROM")) {
		broken("the compiler is not pinned: FROM %s", rest(list, "FROM"))
	}
	last := lastStage(list)
	if from := rest(last, "FROM"); from != "scratch" {
		broken("the image is from %s, want scratch", from)
	}
	user, group, _ := strings.Cut(rest(last, "USER"), ":")
	for _, id := range []string{user, group} {
		if n, err := strconv.Atoi(id); err != nil || n == 0 {
			broken("USER %q: want numbers above 0, so that Kubernetes knows that it is not root", rest(last, "USER"))
			break
		}
	}
	if rest(last, "ENTRYPOINT") != `["/authspec"]` {
		broken("ENTRYPOINT %s: there is no shell", rest(last, "ENTRYPOINT"))
	}
	if !strings.Contains(text, "/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt") {
		broken("no certificate authorities")
	}
	if !strings.Contains(text, "--chown="+rest(last, "USER")+" /out/history "+rest(last, "VOLUME")+"\n") {
		broken("the history's folder does not belong to the user")
	}
	return problems
}

func TestContainerfile(t *testing.T) {
	text := read(t, "Containerfile")
	expectNone(t, containerProblems(text))
	for from, mistake := range map[string]struct{ to, want string }{
		"FROM scratch":     {"FROM alpine", "want scratch"},
		"USER 65532:65532": {"USER nonroot", "want numbers"},
		"USER 65532":       {"USER 0", "want numbers"},
		"golang:1.26.8":    {"golang:latest", "not pinned"},
		"VOLUME":           {"VOLUMES", "unknown instruction"},
		"--chown=":         {"--chmod=", "does not belong"},
		`["/authspec"]`:    {"/authspec", "no shell"},
	} {
		expectProblem(t, containerProblems(change(t, text, from, mistake.to)), mistake.want)
	}
}

// TestTheCompilerIsNewEnough: for the go line of go.mod.
func TestTheCompilerIsNewEnough(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`(?m)^go (\d+)\.(\d+)`).FindSubmatch(mod)
	for _, recipe := range []string{"Containerfile", "gitlab-ci.yml"} {
		image := regexp.MustCompile(`golang:(\d+)\.(\d+)\.\d+`).FindStringSubmatch(read(t, recipe))
		if image == nil || image[1] != string(wanted[1]) || atoi(image[2]) < atoi(string(wanted[2])) {
			t.Errorf("%s builds with %v, go.mod wants %s", recipe, image, wanted[0])
		}
	}
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

var workshop = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "authspec-deploy") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := workshop(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

const testVersion = "v0.0.0-recipe"

// built is the binary that the Containerfile's own command builds, in a folder
// that has what the Containerfile copies and nothing else.
var built = sync.OnceValues(func() (string, error) {
	dir, err := workshop()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile("../Containerfile")
	if err != nil {
		return "", err
	}
	src, binary := filepath.Join(dir, "src"), filepath.Join(dir, "authspec")
	var command string
	for _, in := range instructions(string(text)) {
		switch {
		case in.word == "COPY" && !strings.HasPrefix(in.rest, "--from"):
			if err := copyIn(src, strings.Fields(in.rest)); err != nil {
				return "", err
			}
		case in.word == "RUN" && strings.Contains(in.rest, "go build"):
			command = in.rest
		}
	}
	if !strings.Contains(command, "-o /out/authspec") {
		return "", fmt.Errorf("the Containerfile has no go build that writes /out/authspec: %q", command)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", strings.Replace(command, "/out/authspec", binary, 1))
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "VERSION="+testVersion, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return binary, nil
})

// copyIn does what COPY does: the last word is where to.
func copyIn(dir string, words []string) error {
	from, to := words[:len(words)-1], filepath.Join(dir, words[len(words)-1])
	for _, name := range from {
		info, err := os.Stat(filepath.Join(root, name))
		switch {
		case err != nil:
			return err
		case info.IsDir():
			if err := os.CopyFS(to, os.DirFS(filepath.Join(root, name))); err != nil {
				return err
			}
		default:
			b, err := os.ReadFile(filepath.Join(root, name))
			if err == nil {
				err = errors.Join(os.MkdirAll(to, 0o755), os.WriteFile(filepath.Join(to, name), b, 0o644))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// output runs a command without any environment.
func output(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return string(out), err
}

// interpreter returns the loader that a program needs; a static one needs none.
func interpreter(t *testing.T, file string) bool {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

func TestTheBinaryIsStatic(t *testing.T) {
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if interpreter(t, binary) {
		t.Error("the binary needs a loader, and scratch has none")
	}
	if !interpreter(t, "/bin/sh") {
		t.Error("the test takes /bin/sh for static")
	}
	got, err := output(binary, "version")
	if want := "authspec " + testVersion + "\n"; err != nil || got != want {
		t.Errorf("version: %q, %v, want %q", got, err, want)
	}
}
