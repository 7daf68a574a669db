//go:build interop

package interop

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	newID      = "authspec-new-app"
	newSecret  = `n3w:s%cr+t&=/` + "of-a-new-provider"
	newAccount = "7f3d1f0e-5a3c-4a53-9a70-6f3f0a6b2c11"
	newEmail   = "owner@a-real-customer.de"
)

// newServer is a real provider that authspec has never heard of.
func newServer(t *testing.T, changes ...string) *server {
	t.Helper()
	return serve(t, "changing.mjs", map[string]any{
		"clients": []any{map[string]any{"client_id": newID, "client_secret": newSecret, "token_endpoint_auth_method": "client_secret_basic", "scope": "api:read"}},
		"account": map[string]any{"id": newAccount, "email": newEmail},
		"changes": changes,
	})
}

// in runs the command in a directory, with the new provider's credentials.
func in(t *testing.T, dir string, args ...string) *outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, authspec, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NEWCOMER_CLIENT_ID=" + newID, "NEWCOMER_CLIENT_SECRET=" + newSecret}
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	out := &outcome{dir: dir}
	out.finish(t, cmd, cmd.Run(), stdout.String(), stderr.String())
	return out
}

// A real provider becomes a new one: new, record, run on the recording, with
// no edit by hand. Then it changes, and drift says how.
func TestARecordedProviderBecomesANewOne(t *testing.T) {
	dir := t.TempDir()
	live := func(s *server) []string {
		return []string{"--dir", ".", "--base-url", "newcomer=" + s.base, "--intrusive"}
	}
	in(t, dir, "new", "newcomer", "--scheme", "client_credentials").exits(t, 0)

	before := newServer(t)
	recorded := in(t, dir, append([]string{"record", "newcomer", "--yes"}, live(before)...)...)
	recorded.exits(t, 0)
	for _, name := range []string{"token/issued", "token/invalid_client", "token/invalid_request", "token/unsupported_grant_type", "me/ok", "me/missing_token", "me/invalid_token"} {
		if !strings.Contains(recorded.stdout, "wrote fixtures/newcomer/"+name+".http\n") {
			t.Errorf("%s was not recorded", name)
		}
	}
	in(t, dir, "run", "newcomer", "--dir", ".").exits(t, 0)

	quiet := in(t, dir, append([]string{"drift", "newcomer"}, live(before)...)...)
	quiet.exits(t, 0)
	if !strings.HasPrefix(quiet.stdout, "✓ newcomer: no change in 7 situations\n") {
		t.Errorf("got:\n%s", quiet.stdout)
	}

	// Nothing of the account or its credentials is in the workspace.
	secrets := append(tokensOf(before.stop()), newID, newSecret, newAccount, newEmail)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	after := newServer(t, "field renamed", "expiry as string", "scope dropped", "401 turned 400")
	loud := in(t, dir, append([]string{"drift", "newcomer"}, live(after)...)...)
	loud.exits(t, 1)
	var findings []string
	for line := range strings.Lines(loud.stdout) {
		if regexp.MustCompile(`^  (breaking|additive|cosmetic|assumed|accepted) `).MatchString(line) {
			findings = append(findings, strings.TrimSpace(line))
		}
	}
	want := []string{
		"breaking  token/invalid_client: HTTP status was 401, is now 400",
		"breaking  token/issued: `expires_in` was an integer, is now a string",
		"breaking  token/issued: `token_type` is gone; tokenType (a string) is new: renamed?",
		"breaking  token/issued: `scope` is gone",
	}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
