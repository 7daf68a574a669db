//go:build interop

package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// promtool is the checker of Prometheus itself.
func promtool(t *testing.T, dir string, stdin []byte, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, promtoolPath(t), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(stdin))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// promtoolPath finds it: $PROMTOOL, bin/promtool, PATH.
func promtoolPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PROMTOOL"); path != "" {
		return path
	}
	if path, err := filepath.Abs("../bin/promtool"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal(`no promtool: it is in Debian's package prometheus. Without installing the service:
  apt-get update && apt-get download prometheus && dpkg -x prometheus_*.deb prometheus
  mkdir -p bin && cp prometheus/usr/bin/promtool bin/
or name one by PROMTOOL=/path/to/promtool`)
	}
	return path
}

// What internal/metrics writes is what Prometheus reads, and has no complaint
// about.
func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	files, err := filepath.Glob("../internal/metrics/testdata/*.prom")
	if err != nil || len(files) < 3 {
		t.Fatalf("golden files: %q, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if out := promtool(t, "", content, "check", "metrics"); out != "" {
			t.Errorf("%s: %s", file, out)
		}
	}
}

// The alerts of docs/metrics.md fire when they should, and not before.
func TestPromtoolAcceptsTheAlerts(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(page), "```yaml\n")
	rules, _, found := strings.Cut(rules, "```")
	if !found {
		t.Fatal("docs/metrics.md has no rules")
	}
	cases, err := os.ReadFile("testdata/promtool.alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"rules.yaml": []byte(rules), "cases.yaml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out := promtool(t, dir, nil, "check", "rules", "rules.yaml"); !strings.Contains(out, "SUCCESS: 4 rules found") {
		t.Errorf("check rules: %s", out)
	}
	promtool(t, dir, nil, "test", "rules", "cases.yaml")
}
