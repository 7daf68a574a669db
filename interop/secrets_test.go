//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/report"
)

// The credentials and every token the servers have issued, in no output, in no
// encoding.
func TestNoSecretLeaves(t *testing.T) {
	c := newCertificate(t)
	for name, test := range map[string]struct {
		server  *server
		env     []string
		args    func(base string) []string
		secrets []string
		code    int
	}{
		"antsomi": {
			server: antsomiServer(t, nil), env: antsomiEnv(awkwardSecret),
			args:    func(base string) []string { return antsomiArgs(base, "--intrusive") },
			secrets: []string{antsomiID, awkwardSecret}, code: 0,
		},
		"antsomi refused": {
			server: antsomiServer(t, nil), env: antsomiEnv(awkwardSecret + "-old"),
			args:    func(base string) []string { return antsomiArgs(base) },
			secrets: []string{antsomiID, awkwardSecret}, code: 1,
		},
		"antsomi unreachable": {
			server: antsomiServer(t, map[string]any{"key": c.key, "cert": c.cert}), env: antsomiEnv(awkwardSecret),
			args:    func(base string) []string { return antsomiArgs(base) },
			secrets: []string{antsomiID, awkwardSecret}, code: 3,
		},
		"anything": {
			server: serve(t, "anything.mjs", map[string]any{}), env: antsomiEnv(awkwardSecret),
			args:    func(base string) []string { return antsomiArgs(base, "--intrusive") },
			secrets: []string{antsomiID, awkwardSecret}, code: 1,
		},
		"standard": {
			server: standardServer(t, nil), env: standardEnv(),
			args: func(base string) []string {
				return standardArgs(t, &server{base: base}, "standard", "standard-post", "--intrusive")
			},
			secrets: []string{standardID, postID, basicSecret}, code: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(test.args(test.server.base), "--verbose", "--curl", "--rerun", "failed.txt")
			for format := range report.Formats {
				args = append(args, "--report", format+"=report."+format)
			}
			out := run(t, test.env, args...)
			out.exits(t, test.code)

			erase := redact.New()
			for _, s := range test.secrets {
				erase.Add("credential", s)
			}
			tokens := tokensOf(test.server.stop())
			if len(tokens) == 0 && test.code == 0 {
				t.Error("the server has issued no token: this test shows nothing")
			}
			for _, token := range tokens {
				erase.Add("token", token)
			}
			outputs := map[string][]byte{"standard output": []byte(out.stdout), "standard error": []byte(out.stderr)}
			files, err := filepath.Glob(filepath.Join(out.dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != len(report.Formats)+1 {
				t.Errorf("files: %q", files)
			}
			for _, file := range files {
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				outputs[filepath.Base(file)] = content
			}
			for name, content := range outputs {
				if what, found := erase.Leak(content); found {
					t.Errorf("%s holds a %s:\n%s", name, what, content)
				}
			}
		})
	}
}
