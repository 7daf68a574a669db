package verify

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// A gitlabJob is what the tests look at of one.
type gitlabJob struct {
	Image         string
	Script        []string
	ResourceGroup string `json:"resource_group"`
	Interruptible *bool
	Retry         *int
	AllowFailure  struct {
		ExitCodes int `json:"exit_codes"`
	} `json:"allow_failure"`
	Cache struct {
		Key, When string
		Paths     []string
	}
	Artifacts struct {
		When    string
		Reports struct{ JUnit string }
	}
}

func gitlabJobOf(t *testing.T, text string) gitlabJob {
	t.Helper()
	var file map[string]gitlabJob
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file["authspec-check"]
}

// jobs returns the jobs that GitLab would run in a pipeline of this source, by
// gitlab-ci-local, which holds the file against GitLab's JSON schema first.
func jobs(t *testing.T, text, source string) (list, trouble string) {
	t.Helper()
	program, err := filepath.Abs("node_modules/.bin/gitlab-ci-local")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("gitlab-ci-local is not there: npm ci --prefix docs/deploy/verify")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitlab-ci.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := func(name string, args ...string) (string, string, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "NO_COLOR=1", "FORCE_COLOR=0")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		return out.String(), errs.String(), err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "."}, {"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "recipe"},
		{"remote", "add", "origin", "git@gitlab.com:example/credentials.git"},
	} {
		if _, errs, err := run("git", args...); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, errs)
		}
	}
	out, errs, err := run(program, "--ignore-predefined-vars", "CI_PIPELINE_SOURCE", "--variable", "CI_PIPELINE_SOURCE="+source, "--list-csv")
	if err != nil {
		return out, "gitlab-ci-local: " + out + errs
	}
	return out, ""
}

// gitlabProblems holds a GitLab file against gitlab-ci-local, in pipelines of
// these sources, and against its promises.
func gitlabProblems(t *testing.T, text string, sources ...string) []string {
	t.Helper()
	var problems []string
	want := func(ok bool, what string) {
		if !ok {
			problems = append(problems, "not so: "+what)
		}
	}
	for _, source := range sources {
		list, trouble := jobs(t, text, source)
		if trouble != "" {
			return append(problems, trouble)
		}
		asked := source == "schedule" || source == "web"
		want(strings.Contains(list, "authspec-check") == asked, "a check is only run when asked for, and not by "+source)
	}
	job := gitlabJobOf(t, text)
	want(job.ResourceGroup != "", "never two at once")
	want(is(job.Interruptible, func(b bool) bool { return !b }), "a new commit does not end it")
	want(is(job.Retry, func(n int) bool { return n == 0 }), "a refused attempt is not repeated")
	want(job.AllowFailure.ExitCodes == 3, "inconclusive is a warning")
	want(job.Cache.Key != "" && job.Cache.When == "always" && slices.Equal(job.Cache.Paths, []string{"history/"}), "the history is kept when a check fails, too")
	want(job.Artifacts.When == "always" && job.Artifacts.Reports.JUnit == "reports/junit.xml", "a failed check has its report")
	return problems
}

func TestGitLab(t *testing.T) {
	text := read(t, "gitlab-ci.yml")
	expectNone(t, gitlabProblems(t, text, "schedule", "web", "push", "merge_request_event"))
	for _, mistake := range []struct{ from, to, want string }{
		{"resource_group:", "ressource_group:", "ressource_group"},
		{"    when: always\n  artifacts:", "    when: sometimes\n  artifacts:", "cache"},
		{"exit_codes: 3", "exit_code: 3", "allow_failure"},
		{`== "schedule"`, `== "push"`, "not by push"},
		{"    when: always\n  artifacts:", "  artifacts:", "kept when a check fails"},
		{"retry: 0", "retry: 2", "not repeated"},
	} {
		expectProblem(t, gitlabProblems(t, change(t, text, mistake.from, mistake.to), "push"), mistake.want)
	}
}
