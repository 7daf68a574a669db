package steps_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A team that runs its own features in its own suite: all it can use is what
// is public.
const teamModule = `package team

import (
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/cucumber/godog"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

func catalogue(t *testing.T) *providers.Catalogue {
	all, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFeature(t *testing.T) {
	vocabulary := steps.New(steps.Options{Providers: catalogue(t), Fixtures: fixtures.Files})
	ours := func(sc *godog.ScenarioContext) {
		sc.Then("^the invoice is paid$", func() error { return nil }) // beside the team's own sentences
		vocabulary.Register(sc)
	}
	suite := godog.TestSuite{ScenarioInitializer: ours, Options: &godog.Options{
		Format: "pretty", NoColors: true, Strict: true, TestingT: t,
		FS: fstest.MapFS{"team.feature": {Data: []byte(FEATURE)}}, Paths: []string{"team.feature"},
	}}
	if suite.Run() != 0 {
		t.Error("the suite failed")
	}
}

func TestMountedSimulator(t *testing.T) {
	gigastore, err := catalogue(t).Lookup("Gigastore")
	if err != nil {
		t.Fatal(err)
	}
	simulated, err := simulator.New(gigastore, fixtures.Files)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simulated)
	defer server.Close()

	client := providers.Client{Provider: gigastore, BaseURL: server.URL, Transport: server.Client().Transport, Tokens: new(providers.Tokens)}
	resp, err := client.Call(t.Context(), simulated.Credentials(), "inventory", nil)
	if err != nil || resp.Status != 200 {
		t.Errorf("got %v, %v", resp, err)
	}
	resp, err = client.Call(t.Context(), simulated.Credentials().With("client_secret", "wrong"), "inventory", nil)
	if err != nil || resp.Status != 401 {
		t.Errorf("a wrong secret: got %v, %v", resp, err)
	}

	var live steps.Live // the vocabulary over TCP, to a provider of the team's choice
	live.Transport = server.Client().Transport
	live.BaseURLs = map[string]string{"gigastore": server.URL}
	live.Credentials = func(*providers.Provider) (providers.Credentials, error) { return simulated.Credentials(), nil }
	vocabulary := steps.New(steps.Options{Providers: catalogue(t), Fixtures: fixtures.Files, Live: &live})
	suite := godog.TestSuite{ScenarioInitializer: vocabulary.Register, Options: &godog.Options{
		Format: "pretty", NoColors: true, Strict: true, TestingT: t,
		FeatureContents: []godog.Feature{{Name: "live.feature", Contents: []byte(LIVE)}},
	}}
	if suite.Run() != 0 {
		t.Error("the live suite failed")
	}
}

const FEATURE = ` + "`" + `Feature: Our shop

  Scenario: We get a token for what we need
    Given valid Antsomi credentials
    When I request an access token for the scopes "item" and "event"
    Then the response status is 200
    And the granted scopes are "event" and "item"
    And the invoice is paid

  Scenario: Our token runs out
    Given an expired Ankorstore access token
    When I call "me"
    Then the response status is 401
` + "`" + `

const LIVE = ` + "`" + `Feature: Gigastore, wherever it is

  Scenario: The inventory opens
    Given valid Gigastore credentials
    When I call "inventory"
    Then the response status is 200
    And the response body has:
      | items | a non-empty array |
` + "`" + `
`

func TestVocabularyInAnotherModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// The same versions as ours: they are on this machine, and their sums known.
	team := strings.Replace(string(mod), "module github.com/authspec/authspec", "module example.com/team", 1) +
		"\nrequire github.com/authspec/authspec v0.0.0\n\nreplace github.com/authspec/authspec => " + root + "\n"
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", team)
	write("go.sum", string(sum))
	goTest := func() (string, error) {
		command := exec.CommandContext(t.Context(), "go", "test", "-count=1", ".")
		command.Dir = dir
		command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		output, err := command.CombinedOutput()
		return string(output), err
	}

	write("team_test.go", teamModule)
	if output, err := goTest(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	// It must not be green whatever the feature says.
	for _, wrong := range []struct{ name, old, new, says string }{
		{"another status", "Then the response status is 401", "Then the response status is 403", "drifted (status): ankorstore: me: status 401, want 403"},
		{"an unknown scope", `the scopes "item" and "event"`, `the scopes "item" and "events"`, "antsomi: token: status 400, want 200"},
		{"an undefined sentence", "And the invoice is paid", "And the invoice is printed", "the invoice is printed"},
		{"an unknown provider", "an expired Ankorstore", "an expired Ankerstore", `no provider "Ankerstore" (did you mean "ankorstore"?)`},
		{"over TCP, another body", "a non-empty array", "an object", "want an object"},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			if strings.Count(teamModule, wrong.old) != 1 {
				t.Fatalf("%q is not in the feature once", wrong.old)
			}
			write("team_test.go", strings.Replace(teamModule, wrong.old, wrong.new, 1))
			output, err := goTest()
			if err == nil {
				t.Fatalf("a wrong feature passes\n%s", output)
			}
			if !strings.Contains(output, wrong.says) {
				t.Errorf("want it to say %q:\n%s", wrong.says, output)
			}
		})
	}
}
