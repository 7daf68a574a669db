package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/authspec/authspec/internal/runner"
)

// Whatever a feature or a fixture says, lint reads it to its end, and shows
// nothing of it that looks like a secret.
func FuzzLint(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(content).Files {
			f.Add(string(file.Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		files, err := runner.OpenFiles("")
		if err != nil {
			t.Fatal(err)
		}
		l := &linter{files: files, broken: map[string]bool{}, spoken: map[string]bool{}, texts: map[string]string{
			"features/antsomi.feature":              text,
			"fixtures/antsomi/token/issued.http":    text,
			"fixtures/ankorstore/token/issued.http": "# assumed\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n" + text,
		}}
		l.look()
		for _, found := range l.findings {
			shown := found.String()
			for _, secret := range l.hidden {
				if len(secret) > 4 && strings.Contains(shown, secret) {
					t.Errorf("shows %q:\n%s", secret, shown)
				}
			}
		}
	})
}
