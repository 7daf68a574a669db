package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A provider is a simulated Antsomi on this machine.
type provider struct {
	base, id, secret string
}

// simulate starts authspec mock.
func simulate(t *testing.T) provider {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(binary, "mock", "antsomi", "--ready-file", ready, "--quiet")
	cmd.Env = []string{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	var b []byte
	for range 200 {
		if b, err = os.ReadFile(ready); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var served struct {
		Providers []struct {
			BaseURL     string `json:"base_url"`
			Credentials map[string]string
		}
	}
	if err := json.Unmarshal(b, &served); err != nil {
		t.Fatalf("authspec mock says %q: %v", b, err)
	}
	p := served.Providers[0]
	return provider{base: p.BaseURL, id: p.Credentials["client_id"], secret: p.Credentials["client_secret"]}
}

// night runs one check and returns its output and exit code.
func night(t *testing.T, cmd *exec.Cmd) (string, int) {
	t.Helper()
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func expectNight(t *testing.T, out string, code, wantCode int, want string) {
	t.Helper()
	if code != wantCode || !strings.Contains(out, want) {
		t.Errorf("exit code %d, want %d, with %q in:\n%s", code, wantCode, want, out)
	}
}

func expectFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// stubs makes a folder for PATH: a go that installs nothing, and an authspec
// that is sent to the simulated provider.
func stubs(t *testing.T, base string) string {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go"), "#!/bin/sh\ncase \"$*\" in\n'install github.com/authspec/authspec/cmd/authspec@v'*) ;;\n*) exit 99 ;;\nesac\n", 0o755)
	write(t, filepath.Join(dir, "authspec"), fmt.Sprintf("#!/bin/sh\nexec %s \"$@\" --jitter 0 --base-url antsomi=%s\n", binary, base), 0o755)
	return dir
}

// environment is that of a runner, with the two secrets of the recipes.
func environment(path, id, secret string) []string {
	return []string{"PATH=" + path + ":/usr/bin:/bin", "HOME=/nonexistent", "AUTHSPEC_VERSION=v0.1.0", "ANTSOMI_EU_ID=" + id, "ANTSOMI_EU_SECRET=" + secret}
}

const fromEnvironment = `credentials:
  - name: antsomi-eu
    provider: antsomi
    owner: growth@example.com
    values: {client_id: env:ANTSOMI_EU_ID, client_secret: env:ANTSOMI_EU_SECRET}
    scopes: [item, event]
`

// TestNightsOfARunner runs the scripts of both CI recipes as their runners
// would, for three nights: the credential works, is refused, and is refused
// again, which confirms it. In the fourth nobody answers.
func TestNightsOfARunner(t *testing.T) {
	w, err := parseWorkflow(read(t, "github-actions.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var github []string
	for _, s := range w.Jobs["check"].Steps {
		if s.Run != "" {
			github = append(github, s.Run)
		}
	}
	for _, ci := range []struct {
		name, script string
		unanswered   int // the exit code when nobody answers
	}{
		{"github", strings.Join(github, "\n"), 0},
		{"gitlab", strings.Join(gitlabJobOf(t, read(t, "gitlab-ci.yml")).Script, "\n"), 3},
	} {
		t.Run(ci.name, func(t *testing.T) {
			p := simulate(t)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "credentials.yaml"), fromEnvironment, 0o644)
			run := func(base, secret string) (string, int) {
				cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", ci.script)
				cmd.Dir, cmd.Env = dir, environment(stubs(t, base), p.id, secret)
				return night(t, cmd)
			}
			out, code := run(p.base, p.secret)
			expectNight(t, out, code, 0, "1 passed")
			out, code = run(p.base, "not the secret at all")
			expectNight(t, out, code, 1, "suspected")
			out, code = run(p.base, "not the secret at all")
			expectNight(t, out, code, 1, "in 2 checks in a row")
			out, code = run("http://127.0.0.1:1", p.secret)
			expectNight(t, out, code, ci.unanswered, "inconclusive")
			if ci.name == "github" && !strings.Contains(out, "::warning::") {
				t.Errorf("nobody is warned:\n%s", out)
			}
			expectFiles(t, dir, "history/history.db", "reports/junit.xml", "reports/health.json", "reports/status.html")
		})
	}
}

// TestNightOfTheService runs ExecStart with the two folders that systemd makes.
func TestNightOfTheService(t *testing.T) {
	unit := read(t, "systemd/authspec-check.service")
	p := simulate(t)
	credentials, state := t.TempDir(), t.TempDir()
	for _, load := range settings(unit, "LoadCredential") {
		switch name, from, _ := strings.Cut(load, ":"); from {
		case "/etc/authspec/credentials.yaml":
			write(t, filepath.Join(credentials, name), strings.NewReplacer(
				"env:ANTSOMI_EU_ID", "file:secret_antsomi-eu-id", "env:ANTSOMI_EU_SECRET", "file:secret_antsomi-eu-secret").Replace(fromEnvironment), 0o400)
		case "/etc/authspec/secrets": // a folder: each file of it, as NAME_FILE
			write(t, filepath.Join(credentials, name+"_antsomi-eu-id"), p.id, 0o400)
			write(t, filepath.Join(credentials, name+"_antsomi-eu-secret"), p.secret, 0o400)
		default:
			t.Fatalf("LoadCredential=%s", load)
		}
	}
	words := strings.Fields(settings(unit, "ExecStart")[0])
	for i, word := range words {
		words[i] = strings.NewReplacer("${CREDENTIALS_DIRECTORY}", credentials, "${STATE_DIRECTORY}", state).Replace(word)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(stubs(t, p.base), filepath.Base(words[0])), words[1:]...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
	out, code := night(t, cmd)
	expectNight(t, out, code, 0, "1 passed")
	if strings.Contains(out, "every user of this machine") {
		t.Errorf("the secrets are open to all:\n%s", out)
	}
	expectFiles(t, state, "history.db", "status.html")
}

// TestNightInTheImage runs the container of the CronJob without a container
// engine: in a root that holds what the Containerfile puts there and what
// Kubernetes mounts, as the user, where only the history can be written.
func TestNightInTheImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may change the root")
	}
	m, problems := decode(read(t, "kubernetes/cronjob.yaml"))
	expectNone(t, problems)
	p := simulate(t)
	pod := m.job.Spec.JobTemplate.Spec.Template.Spec
	user, group := int(*pod.SecurityContext.RunAsUser), int(*pod.SecurityContext.RunAsGroup)

	image, err := os.MkdirTemp("", "authspec-image")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(image) })
	if err := os.Chmod(image, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(image, "authspec"), string(program), 0o755)
	values := map[string]string{"antsomi-eu-id": p.id, "antsomi-eu-secret": p.secret}
	for _, mount := range pod.Containers[0].VolumeMounts {
		at := filepath.Join(image, mount.MountPath)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, v := range pod.Volumes {
			switch {
			case v.Name != mount.Name:
			case v.PersistentVolumeClaim != nil:
				if err := os.Chown(at, user, group); err != nil {
					t.Fatal(err)
				}
			case v.Projected != nil:
				for _, s := range v.Projected.Sources {
					if s.ConfigMap != nil {
						for _, item := range s.ConfigMap.Items {
							write(t, filepath.Join(at, item.Path), m.config.Data[item.Key], 0o440)
						}
					}
					if s.Secret != nil {
						for _, item := range s.Secret.Items {
							write(t, filepath.Join(at, item.Path), values[item.Key], 0o440)
						}
					}
				}
				err := filepath.Walk(at, func(path string, _ os.FileInfo, err error) error {
					if err != nil {
						return err
					}
					return os.Chown(path, 0, int(*pod.SecurityContext.FSGroup))
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := slices.Concat(pod.Containers[0].Args, []string{"--base-url", "antsomi=" + p.base})
	cmd := exec.CommandContext(ctx, "/authspec", args...)
	cmd.Dir, cmd.Env = "/var/lib/authspec", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: image, Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(group)}}
	out, code := night(t, cmd)
	expectNight(t, out, code, 0, "1 passed")
	if strings.Contains(out, "every user of this machine") {
		t.Errorf("the secrets are open to all:\n%s", out)
	}
	expectFiles(t, filepath.Join(image, "var/lib/authspec"), "history.db", "status.html")
}
