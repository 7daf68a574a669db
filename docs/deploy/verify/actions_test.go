package verify

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"sigs.k8s.io/yaml"
)

// A workflow is what the tests look at of one.
type workflow struct {
	Permissions map[string]string
	Concurrency struct {
		Group            string
		CancelInProgress *bool `json:"cancel-in-progress"`
	}
	Jobs map[string]struct {
		TimeoutMinutes int `json:"timeout-minutes"`
		Steps          []step
	}
}

type step struct {
	Name, Uses, Run, If string
	Env                 map[string]string
	With                map[string]any
}

func parseWorkflow(text string) (workflow, error) {
	var w workflow
	err := yaml.Unmarshal([]byte(text), &w)
	return w, err
}

var pinned = regexp.MustCompile(`@([0-9a-f]{40}) # (v\d+)\.\d+\.\d+\n`)

// actionsProblems holds a workflow against actionlint and its promises.
func actionsProblems(t *testing.T, text string) []string {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	// Once as it is, and once with versions, by which actionlint knows inputs.
	for _, version := range []string{text, pinned.ReplaceAllString(text, "@$2\n")} {
		found, err := linter.Lint("authspec-check.yml", []byte(version), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			problems = append(problems, e.Error())
		}
	}
	w, err := parseWorkflow(text)
	if err != nil {
		return append(problems, err.Error())
	}
	want := func(ok bool, what string) {
		if !ok {
			problems = append(problems, "not so: "+what)
		}
	}
	want(len(w.Permissions) == 1 && w.Permissions["contents"] == "read", "it may read the repository and nothing else")
	want(w.Concurrency.Group != "" && is(w.Concurrency.CancelInProgress, func(b bool) bool { return !b }), "one after the other, none cancelled")
	want(strings.Count(text, "uses:") == len(pinned.FindAllString(text, -1)), "each action is pinned by commit, with its version behind it")
	job := w.Jobs["check"]
	want(job.TimeoutMinutes > 60, "it may take longer than --deadline")
	var restored, saved, checks int
	for _, s := range job.Steps {
		with := func(name string) string { text, _ := s.With[name].(string); return text }
		switch {
		case strings.HasPrefix(s.Uses, "actions/cache/restore@"):
			restored++
			want(with("path") == "history" && with("restore-keys") != "" && strings.HasPrefix(with("key"), with("restore-keys")), "the newest history is restored")
		case strings.HasPrefix(s.Uses, "actions/cache/save@"):
			saved++
			want(with("path") == "history" && s.If == "always()", "the history is saved when a check fails, too")
			want(strings.Contains(with("key"), "github.run_id") && strings.Contains(with("key"), "github.run_attempt"),
				"a cache is written once, so each run has a key of its own")
		case strings.Contains(s.Run, "authspec check"):
			checks++
			want(len(s.Env) > 0, "the secrets reach the check")
			continue
		}
		for _, value := range s.Env {
			want(!strings.Contains(value, "secrets."), "the secrets reach the check only")
		}
	}
	want(restored == 1 && checks == 1 && saved == 1, "restore, check, save")
	want(strings.Count(text, "secrets.") == 2, "the secrets reach one step")
	return problems
}

func TestGitHubActions(t *testing.T) {
	text := read(t, "github-actions.yml")
	expectNone(t, actionsProblems(t, text))
	for _, mistake := range []struct{ from, to, want string }{
		{"concurrency:", "concurency:", `unexpected key "concurency"`},
		{`"37 2 * * *"`, `"37 25 * * *"`, "invalid CRON"},
		{"github.run_id", "github.runid", `"runid" is not defined`},
		{"if: always()", "if: allways()", "undefined function"},
		{"restore-keys:", "restore-key:", `"restore-key" is not defined`},
		{"if: always()", "if: success()", "saved when a check fails"},
		{"contents: read", "contents: write", "nothing else"},
		{"cancel-in-progress: false", "cancel-in-progress: true", "none cancelled"},
		{"3d3c42e5aac5ba805825da76410c181273ba90b1 #", "v7 #", "pinned by commit"},
		{"timeout-minutes: 90", "timeout-minutes: 30", "--deadline"},
		{"-${{ github.run_attempt }}\n      - uses", "\n      - uses", "a key of its own"},
	} {
		expectProblem(t, actionsProblems(t, change(t, text, mistake.from, mistake.to)), mistake.want)
	}
}
