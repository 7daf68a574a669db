package scaffold_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/lint"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/scaffold"
	"github.com/authspec/authspec/providers"
)

func TestNewProviderPassesAtOnce(t *testing.T) {
	for _, scheme := range providers.Schemes() {
		t.Run(scheme[0], func(t *testing.T) {
			dir := t.TempDir()
			written, err := scaffold.New(dir, "send-grid", scaffold.Options{Scheme: scheme[0]})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(filesIn(t, dir), slices.Sorted(slices.Values(written))); diff != "" {
				t.Errorf("files (-there +returned):\n%s", diff)
			}
			passes(t, dir, "send-grid")
			tidy(t, dir)
		})
	}
}

// Fields that stand in the base URL are declared.
func TestNewProviderWithFieldsInItsAddress(t *testing.T) {
	for _, scheme := range providers.Schemes() {
		dir := t.TempDir()
		if _, err := scaffold.New(dir, "acct", scaffold.Options{Scheme: scheme[0], BaseURL: "https://{tenant}.acct.example.com/{region}/v1"}); err != nil {
			t.Fatal(err)
		}
		p := provider(t, dir, "acct")
		if p.Credentials["tenant"] != "ACCT_TENANT" || p.Credentials["region"] != "ACCT_REGION" {
			t.Errorf("%s: the credentials are %v", scheme[0], p.Credentials)
		}
		passes(t, dir, "acct")
		tidy(t, dir)
	}
}

func TestNewProviderWithoutAGrantType(t *testing.T) {
	dir := t.TempDir()
	if _, err := scaffold.New(dir, "acct", scaffold.Options{Scheme: "client_credentials", GrantType: "none"}); err != nil {
		t.Fatal(err)
	}
	if p := provider(t, dir, "acct"); p.Auth.GrantType != "" {
		t.Errorf("grant type %q", p.Auth.GrantType)
	}
	passes(t, dir, "acct")
	tidy(t, dir)
}

func TestInitPassesAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "specs")
	written, err := scaffold.Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(filesIn(t, dir), slices.Sorted(slices.Values(written))); diff != "" {
		t.Errorf("files (-there +returned):\n%s", diff)
	}
	passes(t, dir, "acme")
	tidy(t, dir)
}

// SendGrid takes its key as a bearer token; all that is not made up is given.
func TestNewProviderTakesWhatIsKnown(t *testing.T) {
	dir := t.TempDir()
	docs := "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication"
	if _, err := scaffold.New(dir, "sendgrid", scaffold.Options{Scheme: "bearer", BaseURL: "https://api.sendgrid.com/v3/", Docs: docs}); err != nil {
		t.Fatal(err)
	}
	p := provider(t, dir, "sendgrid")
	got := []string{p.Name, p.BaseURL, p.Docs, p.Credentials["api_key"]}
	if diff := cmp.Diff([]string{"Sendgrid", "https://api.sendgrid.com/v3", docs, "SENDGRID_API_KEY"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	edit(t, filepath.Join(dir, "providers/sendgrid.yaml"), "GET /me", "GET /scopes")
	passes(t, dir, "sendgrid")
}

// Zoom's grant is another one and wants the account: the comments of the
// provider file need only be made use of.
func TestAnotherGrantNeedsAnEditorOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := scaffold.New(dir, "zoom", scaffold.Options{Scheme: "client_credentials", GrantType: "account_credentials", BaseURL: "https://api.zoom.us/v2"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "providers/zoom.yaml")
	edit(t, file, "  # account_id: ZOOM", "  account_id: ZOOM")
	edit(t, file, "  # params:\n  #   account_id:", "  params:\n    account_id:")
	edit(t, file, "POST /oauth/token", "POST https://zoom.us/oauth/token")
	edit(t, filepath.Join(dir, "features/zoom.feature"), "      | form client_secret", "      | form account_id      | its account_id |\n      | form client_secret")
	p := provider(t, dir, "zoom")
	if p.Auth.GrantType != "account_credentials" || p.Auth.Params["account_id"] != "{account_id}" {
		t.Errorf("grant type %q, params %v", p.Auth.GrantType, p.Auth.Params)
	}
	passes(t, dir, "zoom")
}

// Every other commented-out line has to be right too, once it is none.
func TestCommentsOfAProviderFileAreTrue(t *testing.T) {
	dir := t.TempDir()
	if _, err := scaffold.New(dir, "acme", scaffold.Options{Scheme: "client_credentials"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "providers/acme.yaml")
	edit(t, file, "  # headers:\n  #   X-Version:", "  headers:\n    X-Version:")
	edit(t, file, "  # scopes:\n  #   separator: \" \"\n  #   known:", "  scopes:\n    separator: \" \"\n    known:")
	edit(t, file, "  #   default: [read]", "    default: [read]")
	edit(t, file, "form: opaque # or jwt", "form: jwt")
	provider(t, dir, "acme")
	for _, method := range providers.ClientAuthMethods() {
		edit(t, file, "  client_auth: ", "  client_auth: "+method[0]+" # ")
		provider(t, dir, "acme")
	}
}

func TestNames(t *testing.T) {
	for id, want := range map[string][]string{
		"sendgrid":     {"Sendgrid", "SENDGRID_API_KEY"},
		"send-grid":    {"Send Grid", "SEND_GRID_API_KEY"},
		"my.shop_eu-2": {"My Shop Eu 2", "MY_SHOP_EU_2_API_KEY"},
		"3scale":       {"3scale", "API_3SCALE_API_KEY"},
		"true":         {"True", "TRUE_API_KEY"},
		"42":           {"42", "API_42_API_KEY"},
		"no":           {"No", "NO_API_KEY"},
	} {
		dir := t.TempDir()
		if _, err := scaffold.New(dir, id, scaffold.Options{Scheme: "header"}); err != nil {
			t.Fatal(err)
		}
		p := provider(t, dir, id)
		if diff := cmp.Diff(want, []string{p.Name, p.Credentials["api_key"]}); diff != "" {
			t.Errorf("%s: -want +got:\n%s", id, diff)
		}
		passes(t, dir, id)
	}
}

func TestNewRefuses(t *testing.T) {
	bearer := scaffold.Options{Scheme: "bearer"}
	for _, tt := range []struct {
		name, id string
		opts     scaffold.Options
		want     string
	}{
		{"a display name", "SendGrid", bearer, `"SendGrid" cannot be the name of a provider's files: write lower-case letters, digits and dashes, such as sendgrid`},
		{"a path", "../evil", bearer, `"../evil" cannot be`},
		{"no name", "", bearer, `"" cannot be`},
		{"a dash at the end", "acme-", bearer, `such as acme`},
		{"an unknown scheme", "x", scaffold.Options{Scheme: "baerer"}, `x: unknown scheme "baerer" (did you mean "bearer"?): one of basic, `},
		{"no scheme", "x", scaffold.Options{}, `x: unknown scheme ""`},
		{"a provider of the workspace", "mine", bearer, "mine: there is a provider of that name: providers/mine.yaml"},
		{"a built-in provider", "antsomi", bearer, "antsomi: this provider comes with authspec: authspec run antsomi"},
		{"a grant type without a token request", "x", scaffold.Options{Scheme: "bearer", GrantType: "password"}, "x: scheme bearer has no grant type"},
		{"a grant type that is none", "x", scaffold.Options{Scheme: "client_credentials", GrantType: "a\nb: c"}, `x: "a\nb: c" is no grant type`},
		{"plain http", "x", scaffold.Options{Scheme: "bearer", BaseURL: "http://api.example.com"}, "x: base URL: plain http"},
		{"a base URL with a query", "x", scaffold.Options{Scheme: "bearer", BaseURL: "https://api.example.com?a=b"}, "x: the base URL is scheme and host"},
		{"a host that could be anyone's", "x", scaffold.Options{Scheme: "bearer", BaseURL: "https://{shop}.com"}, "x: base URL: a host ends in a domain of the provider's"},
		{"a page that is none", "x", scaffold.Options{Scheme: "bearer", Docs: "docs\nx: y"}, "x: the provider's page is a URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := scaffold.New(dir, "mine", bearer); err != nil {
				t.Fatal(err)
			}
			before := filesIn(t, dir)
			written, err := scaffold.New(dir, tt.id, tt.opts)
			if err == nil || !strings.Contains(err.Error(), tt.want) || written != nil {
				t.Errorf("got %v, %v, want an error with %q", written, err, tt.want)
			}
			if diff := cmp.Diff(before, filesIn(t, dir)); diff != "" {
				t.Errorf("files changed:\n%s", diff)
			}
		})
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "README.md"), "mine")
	write(t, filepath.Join(dir, "fixtures/acme/me/ok.http"), "mine")
	_, err := scaffold.Init(dir)
	if want := "nothing was written, for these files exist: README.md, fixtures/acme/me/ok.http"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{"README.md", "fixtures/acme/me/ok.http"}, filesIn(t, dir)); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
}

// A folder that cannot be made, after others were: nothing is left of them.
func TestAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fixtures"), "no folder")
	_, err := scaffold.New(dir, "acme", scaffold.Options{Scheme: "bearer"})
	if err == nil || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestADirectoryThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, make := range []func() ([]string, error){
		func() ([]string, error) { return scaffold.Init(file) },
		func() ([]string, error) { return scaffold.New(file, "acme", scaffold.Options{Scheme: "bearer"}) },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), "not a directory") {
			t.Errorf("got %v", err)
		}
	}
}

// passes runs the provider's feature: every scenario, and there are some.
func passes(t *testing.T, dir, id string) {
	t.Helper()
	w, err := runner.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	run := runner.Run(context.Background(), plan, runner.Options{})
	for _, res := range run.Results {
		if res.Verdict != check.Passed {
			t.Errorf("%s:%d %s: %s (%s): %s %+v", res.URI, res.Line, res.Scenario, res.Verdict, res.Cause, res.Message, res.Failing())
		}
	}
	if len(run.Results) < 4 || run.ExitCode() != check.ExitOK {
		t.Errorf("%d scenarios, exit code %d", len(run.Results), run.ExitCode())
	}
	if !slices.ContainsFunc(run.Results, func(r check.Result) bool { return slices.Contains(r.Tags, "@health") }) {
		t.Error("no scenario is tagged @health")
	}
	findings, err := lint.Lint(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

func provider(t *testing.T, dir, id string) *providers.Provider {
	t.Helper()
	w, err := runner.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Providers.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tidy is what gofmt would see to, if it knew these files.
func tidy(t *testing.T, dir string) {
	t.Helper()
	for _, name := range filesIn(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
			t.Errorf("%s: want one line break at the end", name)
		}
		if strings.Contains(text, "\n\n\n") || strings.Contains(text, "\t") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: has two empty lines, tabs or gaps", name)
		}
		for i, line := range strings.Split(text, "\n") {
			if line != strings.TrimRight(line, " ") {
				t.Errorf("%s:%d: blanks at the end of the line", name, i+1)
			}
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func edit(t *testing.T, file, before, after string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(content), before) != 1 {
		t.Fatalf("%s: %q is there %d times, want once", file, before, strings.Count(string(content), before))
	}
	write(t, file, strings.Replace(string(content), before, after, 1))
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
