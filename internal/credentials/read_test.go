package credentials

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/authspec/authspec/providers"
)

func builtin(t *testing.T) *providers.Catalogue {
	t.Helper()
	c, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const whole = `env_files: [.env]
credentials:
  - name: antsomi-eu
    provider: antsomi
    owner: growth@example.com
    tags: [eu, prod]
    values: {client_id: env:ANTSOMI_EU_ID, client_secret: "exec:op read 'op://prod/antsomi eu/secret'"}
    scopes: [item, event]
    expires: 2027-03-31
    base_url: https://gateway.example.com/antsomi
    scenarios: "@health and not @slow"
  - name: ankorstore-sandbox
    provider: Ankorstore
    values:
      client_id: file:secrets/id
      client_secret: keyring:authspec/prod/ankorstore
    environment: sandbox
    control: good
`

func TestReadsWhatTheSchemaDescribes(t *testing.T) {
	f, problems := Parse("c.yaml", []byte(whole), builtin(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	first, second := f.Credentials[0], f.Credentials[1]
	if got, want := first.Values["client_secret"], (Reference{Exec, "op read 'op://prod/antsomi eu/secret'"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := first.Expires.Time.Format("2006-01-02T15:04Z"); got != "2027-04-01T00:00Z" {
		t.Errorf("a day ends when it is over, got %s", got)
	}
	if second.Provider != "ankorstore" || second.Selected() != "@health" || second.Control != KnownGood {
		t.Errorf("got %+v", second)
	}
	if first.Line != 3 || second.Line != 12 {
		t.Errorf("lines %d and %d, want 3 and 12", first.Line, second.Line)
	}
	if err := validate(t, whole); err != nil {
		t.Error(err)
	}
}

// What docs/check.md shows can be used.
func TestTheDocumentedFileIsRight(t *testing.T) {
	page, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(page), "```yaml\n")
	file, _, _ = strings.Cut(file, "```")
	f, problems := Parse("c.yaml", []byte(file), builtin(t))
	if len(problems) > 0 || len(f.Credentials) != 3 {
		t.Error(problems)
	}
	if err := validate(t, file); err != nil {
		t.Error(err)
	}
}

func TestEveryMistakeHasAPlace(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"unknown field": {
			"credentials:\n  - name: a\n    providr: antsomi\n",
			"c.yaml:3:5: unknown field \"providr\" (did you mean \"provider\"?)\n     3 |     providr: …\n       |     ^",
		},
		"unknown provider": {
			"credentials:\n  - name: a\n    provider: antsmi\n    values: {client_id: env:A, client_secret: env:B}\n",
			"c.yaml:3:15: no provider \"antsmi\" (did you mean \"antsomi\"?): known are ankorstore, antsomi, gigastore\n     3 |     provider: antsmi\n       |               ^",
		},
		"unknown credential field": {
			"credentials:\n  - name: a\n    provider: antsomi\n    values:\n      client_id: env:A\n      client_secret: env:B\n      secret: env:C\n",
			"c.yaml:7:15: Antsomi has no credential field \"secret\": there are client_id, client_secret\n     7 |       secret: …\n       |               ^",
		},
		"missing value": {
			"credentials:\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A}\n",
			"c.yaml:4:13: Antsomi wants client_secret too: client_secret: env:ANTSOMI_CLIENT_SECRET\n     4 |     values: …\n       |             ^",
		},
		"missing name": {
			"credentials:\n  - provider: antsomi\n    values: {client_id: env:A, client_secret: env:B}\n",
			"c.yaml:2:5: name is missing: history and alerts go by it\n     2 |   - provider: antsomi\n       |     ^",
		},
		"duplicate name": {
			"credentials:\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A, client_secret: env:B}\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A, client_secret: env:B}\n",
			"c.yaml:5:11: the name \"a\" is taken, in line 2\n     5 |   - name: a\n       |           ^",
		},
		"environment and base_url": {
			"credentials:\n  - name: a\n    provider: ankorstore\n    values: {client_id: env:A, client_secret: env:B}\n    environment: sandbox\n    base_url: https://x.example\n",
			"c.yaml:6:15: base_url and environment cannot both say where the provider is: leave one out\n     6 |     base_url: https://x.example\n       |               ^",
		},
		"unknown environment": {
			"credentials:\n  - name: a\n    provider: ankorstore\n    values: {client_id: env:A, client_secret: env:B}\n    environment: sandbx\n",
			"c.yaml:5:18: Ankorstore has no environment \"sandbx\" (did you mean \"sandbox\"?): there are production, sandbox\n     5 |     environment: sandbx\n       |                  ^",
		},
		"plain http": {
			"credentials:\n  - name: a\n    provider: ankorstore\n    values: {client_id: env:A, client_secret: env:B}\n    base_url: http://x.example\n",
			"c.yaml:5:15: plain http only goes to this machine (127.0.0.1, localhost), not to x.example: use https\n     5 |     base_url: http://x.example\n       |               ^",
		},
		"a bad date": {
			"credentials:\n  - name: a\n    provider: ankorstore\n    values: {client_id: env:A, client_secret: env:B}\n    expires: soon\n",
			"c.yaml:5:14: want a day such as 2027-03-31\n     5 |     expires: soon\n       |              ^",
		},
		"nothing": {"credentials: []\n", "c.yaml:1:14: credentials are missing: a list, each with name, provider and values\n     1 | credentials: []\n       |              ^"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse("c.yaml", []byte(c.file), builtin(t))
			if diff := cmp.Diff(c.want, problems.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A person who writes a secret into the file must not find it in a log.
func TestLiteralSecretsAreRefusedAndNotShown(t *testing.T) {
	const secret = "sk_live_51H8fQe7p"
	for name, file := range map[string]string{
		"block":           "credentials:\n  - name: a\n    provider: antsomi\n    values:\n      client_id: env:A\n      client_secret: " + secret + "\n",
		"flow":            "credentials:\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A, client_secret: " + secret + "}\n",
		"all flow":        "credentials: [{name: a, provider: antsomi, values: {client_id: env:A, client_secret: " + secret + "}}]\n",
		"quoted":          "credentials:\n  - name: a\n    provider: antsomi\n    values:\n      client_id: env:A\n      client_secret: \"" + secret + "\"\n",
		"many lines":      "credentials:\n  - name: a\n    provider: antsomi\n    values:\n      client_id: env:A\n      client_secret: |\n        " + secret + "\n",
		"unknown field":   "credentials:\n  - name: a\n    provider: antsomi\n    client_secret: " + secret + "\n",
		"one line":        "credentials:\n  - {name: a, client_secret: " + secret + ", x: 1}\n",
		"broken":          "credentials:\n  - name: a\n    values: {client_secret: \"" + secret + "\n",
		"bad escape":      "credentials:\n  - name: a\n    values: {client_secret: \"" + secret + "\\q\"}\n",
		"tag":             "credentials:\n  - name: a\n    values: {client_secret: !!int " + secret + "}\n",
		"scheme of a URL": "credentials:\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A, client_secret: \"postgres://u:" + secret + "@h/\"}\n",
		"behind env":      "credentials:\n  - name: a\n    provider: antsomi\n    values: {client_id: env:A, client_secret: \"env:" + secret + "!\"}\n",
		"in a list":       "credentials:\n  - name: a\n    provider: antsomi\n    values: [" + secret + "]\n",
		"duplicate":       "credentials:\n  - name: a\n    values:\n      client_secret: env:B\n      client_secret: " + secret + "\n",
		"anchor":          "credentials:\n  - name: a\n    values: *" + secret + "\n",
		"not YAML":        secret,
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse("c.yaml", []byte(file), builtin(t))
			if len(problems) == 0 {
				t.Fatal("was accepted")
			}
			text := problems.Error()
			if strings.Contains(text, secret) || strings.Contains(text, secret[3:]) {
				t.Errorf("shows the secret:\n%s", text)
			}
			if problems[0].Line == 0 && name != "not YAML" {
				t.Errorf("has no line:\n%s", text)
			}
		})
	}
}

func TestALiteralIsToldFromAReference(t *testing.T) {
	_, problems := Parse("c.yaml", []byte("credentials:\n  - name: a\n    provider: antsomi\n    values:\n      client_id: 4711\n      client_secret: hunter2hunter2\n"), builtin(t))
	want := "c.yaml:5:18: client_id: a value must not stand here: write where it is kept, env:NAME, file:PATH, exec:COMMAND or keyring:SERVICE/KEY\n" +
		"     5 |       client_id: …\n       |                  ^\n" +
		"c.yaml:6:22: client_secret: a value must not stand here: write where it is kept, env:NAME, file:PATH, exec:COMMAND or keyring:SERVICE/KEY\n" +
		"     6 |       client_secret: …\n       |                      ^"
	if diff := cmp.Diff(want, problems.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestAllMissingVariablesAreNamedAtOnce(t *testing.T) {
	f, problems := Parse("c.yaml", []byte("credentials:\n"+
		"  - {name: a, provider: antsomi, values: {client_id: env:ID, client_secret: env:ONE}}\n"+
		"  - {name: b, provider: antsomi, values: {client_id: env:ID, client_secret: env:TWO}}\n"), builtin(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := f.Missing(func(name string) (string, bool) { return map[string]string{"TWO": "x"}[name], true })
	if diff := cmp.Diff([]Missing{{"ID", []string{"a", "b"}}, {"ONE", []string{"a"}}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatCannotBeReadIsNotAProblemList(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "none.yaml"), builtin(t))
	if !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestTheSchemaKnowsEveryField(t *testing.T) {
	s := string(Schema())
	for _, field := range fieldNames() {
		if !strings.Contains(s, `"`+field+`":`) {
			t.Errorf("the schema lacks %s", field)
		}
	}
	for name, file := range map[string]string{
		"literal":     "credentials: [{name: a, provider: p, values: {k: literal-value}}]",
		"extra field": "credentials: [{name: a, provider: p, values: {k: env:K}, nmae: b}]",
		"no name":     "credentials: [{provider: p, values: {k: env:K}}]",
		"both hosts":  "credentials: [{name: a, provider: p, values: {k: env:K}, environment: e, base_url: https://x}]",
	} {
		if validate(t, file) == nil {
			t.Errorf("the schema accepts: %s", name)
		}
	}
}

func validate(t *testing.T, file string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("credentials-1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("credentials-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}
