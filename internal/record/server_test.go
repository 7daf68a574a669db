package record

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// vault is a provider whose every answer the tests write themselves.
var vault = map[string]string{
	"providers/vault.yaml": `name: Vault
docs: https://docs.vault.example/auth
base_url: https://api.vault.example
credentials: {client_id: VAULT_CLIENT_ID, client_secret: VAULT_CLIENT_SECRET}
auth:
  scheme: client_credentials
  token: POST /token
  client_auth: form
  scopes: {default: [read], known: {read: reading}}
  response: {access_token: access_token, token_type: token_type, expires_in: expires_in, scope: scope}
calls:
  me: {endpoint: GET /me}
undocumented: [token/invalid_scope]
`,
	"features/vault.feature": `Feature: Vault
  Scenario: A token is issued
    Given valid Vault credentials
    When I request an access token
    Then an access token is issued
    And the response body has:
      | pinned | "PINNED-0001-2222-3333-ABCD" |
    And the response header "X-Api-Version" is a string

  Scenario: A wrong secret is refused
    Given Vault credentials with a wrong client secret
    When I request an access token
    Then no access token is issued

  Scenario: An unknown scope is refused
    Given valid Vault credentials
    When I request an access token with scope "nonsense"
    Then no access token is issued

  Scenario: A token opens the account
    Given valid Vault credentials
    When I call "me"
    Then the response status is 200

  Scenario: An unknown token is refused
    Given an unknown Vault access token
    When I call "me"
    Then the response status is 401
`,
}

var vaultCredentials = providers.Credentials{"client_id": "vault-client/1&2=x", "client_secret": `p@ss:w%rd+&=/"<s3cr3t>`}

// workspace writes files into a new directory and opens it.
func workspace(t *testing.T, files map[string]string) *runner.Workspace {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	w, err := runner.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// observe runs a provider's scenarios against a handler.
func observe(t *testing.T, ctx context.Context, w *runner.Workspace, id string, creds providers.Credentials, handler http.Handler) *Observation {
	t.Helper()
	p, err := w.Providers.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	o, err := Observe(ctx, plan, p, runner.Options{
		Version: "test", Redactor: redact.New(), Timeout: 5 * time.Second,
		Live: &steps.Live{
			Transport: &http.Transport{}, Intrusive: true, BaseURLs: map[string]string{id: server.URL},
			Credentials: func(*providers.Provider) (providers.Credentials, error) { return creds, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// observeVault runs Vault's scenarios; answer is asked for each request, with
// what the request meets.
func observeVault(t *testing.T, w *runner.Workspace, answer func(situation string, rw http.ResponseWriter)) *Observation {
	t.Helper()
	p, err := w.Providers.Lookup("vault")
	if err != nil {
		t.Fatal(err)
	}
	prototype, err := simulator.New(p, w.Fixtures)
	if err != nil {
		t.Fatal(err)
	}
	judge := prototype.Fresh(vaultCredentials)
	return observe(t, t.Context(), w, "vault", vaultCredentials, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		situation := judge.Judge(r, body)
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") && !strings.Contains(r.Header.Get("Authorization"), "unknown") {
			situation = "me/ok" // the token is whatever the test has issued
		}
		answer(situation, rw)
	}))
}

func respond(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, body)
}

// recordTo makes and writes a recording.
func recordTo(t *testing.T, dir string, o *Observation) (*Recording, map[string]string) {
	t.Helper()
	r, err := NewRecording(o, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(); err != nil {
		t.Fatal(err)
	}
	return r, filesBelow(t, dir)
}

// filesBelow reads every fixture of a directory.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, "fixtures") {
			return err
		}
		content, err := os.ReadFile(name)
		rel, _ := filepath.Rel(filepath.Join(dir, "fixtures"), name)
		files[filepath.ToSlash(rel)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
