package report

import (
	"regexp"
	"strings"
	"testing"
)

// Each line is one command of ours, whatever the texts in it hold.
func TestGitHubLines(t *testing.T) {
	command := regexp.MustCompile(`^::(error|warning) file=[^:,]+,line=\d+,title=[^:,]+::[^\r\n]+$`)
	notice := regexp.MustCompile(`^::notice title=authspec::[^\r\n]+$`)
	for name, run := range runs() {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(strings.TrimSuffix(string(written(t, "github", run)), "\n"), "\n")
			last := len(lines) - 1
			if !notice.MatchString(lines[last]) {
				t.Errorf("the last line is %q", lines[last])
			}
			failed := 0
			for i := range run.Results {
				if run.Results[i].Verdict.Failed() {
					failed++
				}
			}
			if last != failed {
				t.Errorf("%d annotations, want %d", last, failed)
			}
			for _, line := range lines[:last] {
				if !command.MatchString(line) {
					t.Errorf("no command: %q", line)
				}
			}
		})
	}
}

func TestGitHubEscapes(t *testing.T) {
	if got, want := githubText("100%\r\n::error::a,b:%0A"), "100%25%0D%0A::error::a,b:%250A"; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
	if got, want := githubProperty("a:b,c%d\n"), "a%3Ab%2Cc%25d%0A"; got != want {
		t.Errorf("property: got %q, want %q", got, want)
	}
}
