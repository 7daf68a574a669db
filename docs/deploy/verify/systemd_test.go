package verify

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// analyze runs systemd-analyze; a machine without it cannot verify units.
func analyze(t *testing.T, args ...string) (output string, ok bool) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is not there: apt-get install systemd")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemd-analyze", append([]string{"--no-pager"}, args...)...).CombinedOutput()
	return string(out), err == nil
}

// settings returns the values of a unit's setting, in their order.
func settings(unit, name string) []string {
	var values []string
	for _, m := range regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(unit, -1) {
		values = append(values, m[1])
	}
	return values
}

// systemdProblems holds the units against systemd and their promises. verify
// only warns of what it does not know, so each of its words is a problem.
func systemdProblems(t *testing.T, service, timer string) []string {
	t.Helper()
	dir := t.TempDir()
	var problems []string
	// verify wants a program that is there.
	runnable := strings.Replace(service, "ExecStart=/usr/local/bin/authspec", "ExecStart=/bin/true", 1)
	unit, clock := filepath.Join(dir, "authspec-check.service"), filepath.Join(dir, "authspec-check.timer")
	for file, text := range map[string]string{unit: runnable, clock: timer} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, ok := analyze(t, "verify", "--man=no", unit, clock); !ok || strings.Contains(out, "authspec-check") {
		problems = append(problems, "systemd-analyze verify: "+out)
	}
	for _, calendar := range settings(timer, "OnCalendar") {
		if out, ok := analyze(t, "calendar", calendar); !ok {
			problems = append(problems, "OnCalendar: "+out)
		}
	}
	if out, ok := analyze(t, "security", "--offline=true", "--threshold=20", unit); !ok {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		problems = append(problems, "more than 2.0 of 10 exposed: "+lines[len(lines)-1])
	}
	for setting, want := range map[string]string{
		"Type": "oneshot", "DynamicUser": "yes", "StateDirectory": "authspec", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
		"CapabilityBoundingSet": "", "SuccessExitStatus": "1 3 4", "KillSignal": "SIGTERM", "Restart": "no",
	} {
		if got := settings(service, setting); !slices.Equal(got, []string{want}) {
			problems = append(problems, "not so: "+setting+"="+want)
		}
	}
	for _, setting := range []string{"SystemCallFilter", "TimeoutStartSec", "TimeoutStopSec", "LoadCredential"} {
		if len(settings(service, setting)) == 0 {
			problems = append(problems, "not there: "+setting)
		}
	}
	for _, setting := range []string{"Persistent=true", "RandomizedDelaySec=", "OnCalendar=", "WantedBy=timers.target"} {
		if !strings.Contains(timer, "\n"+setting) {
			problems = append(problems, "not there: "+setting)
		}
	}
	return problems
}

func TestSystemd(t *testing.T) {
	service, timer := read(t, "systemd/authspec-check.service"), read(t, "systemd/authspec-check.timer")
	expectNone(t, systemdProblems(t, service, timer))
	for _, mistake := range []struct{ from, to, want string }{
		{"NoNewPrivileges=", "NoNewPriviledges=", "NoNewPriviledges"},
		{"LoadCredential=credentials.yaml:", "LoadCredential=:", "Credential name"},
		{"SystemCallFilter=@system-service", "SystemCallFilter=@no-such-set", "no-such-set"},
		{"SuccessExitStatus=1 3 4", "SuccessExitStatus=", "SuccessExitStatus"},
		{"TimeoutStartSec=90min", "TimeoutStartSec=90 moons", "TimeoutStartSec"},
		{"CapabilityBoundingSet=\n", "", "exposed"},
		{"DynamicUser=yes", "User=root", "DynamicUser"},
	} {
		expectProblem(t, systemdProblems(t, change(t, service, mistake.from, mistake.to), timer), mistake.want)
	}
	for _, mistake := range []struct{ from, to, want string }{
		{"02:30:00\n", "25:30:00\n", "OnCalendar"},
		{"Persistent=true", "Persistence=true", "Persistence"},
	} {
		expectProblem(t, systemdProblems(t, service, change(t, timer, mistake.from, mistake.to)), mistake.want)
	}
}
