package providers_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/authspec/authspec/internal/scaffold"
	"github.com/authspec/authspec/providers"
)

// everyField is a provider file with each field there is.
const everyField = `
name: Full
docs: https://full.example/docs
base_url: https://api.full.example
headers: {Full-Version: "2026-01-01"}
environments: {sandbox: {base_url: https://sandbox.full.example, token: POST https://login.full.example/token}}
credentials: {client_id: FULL_CLIENT_ID, client_secret: FULL_CLIENT_SECRET}
auth:
  scheme: client_credentials
  token: POST /token
  grant_type: client_credentials
  client_auth: basic_raw
  params: {audience: full}
  headers: {X-Version: 2}
  scopes: {separator: " ", known: {read: reading}, default: [read], required: true}
  response:
    access_token: access_token
    token_type: token_type
    refresh_token: refresh_token
    scope: scope
    expires_in: expires_in
    lifetime: 1h30m
    form: opaque
    length: 40
  error: error
  header: Authorization
  value: Bearer {access_token}
calls:
  me: {endpoint: GET /me, scope: read, query: {a: b}, headers: {X-A: b}, body: "{}", public: false}
answers: {me/expired_token: invalid_token}
limits: {token: {requests: 60, per: 1h}}
health: {errors: {account_locked: locked_out}, proof: [invalid_scope], confirm: 3}
undocumented: [token/rate_limited]
deviations:
  - {situation: token/issued, path: scope, change: is gone, reason: ticket 42, until: 2027-01-31}
`

// otherForms is what cannot stand in one file with all other fields.
const otherForms = `
name: Other
docs: https://other.example/docs
base_url: https://{tenant}.other.example/{region}
environments: {own: {base_url: "https://{tenant}", token: "POST https://{tenant}.login.example.com/{region}/token"}}
credentials: {tenant: OTHER_TENANT, region: OTHER_REGION, name: OTHER_NAME, key: OTHER_KEY}
auth:
  scheme: client_credentials
  token: "POST /token?region={region}"
  grant_type: none
  body: {auth: [{name: "{name}", key: "{key}"}], days: 30, remember: true, site: null, scope: "{scope}"}
  scopes: {default: [read]}
  response: {token_type: none, expires_in: none}
  error: none
  query: access_token
calls:
  me: {endpoint: "GET /{tenant}/me"}
`

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	source, err := providers.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("provider.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("provider.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// asJSON is a YAML file as an editor sees it.
func asJSON(t *testing.T, source string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(source), &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSchemaAcceptsProviderFiles(t *testing.T) {
	schema := compiledSchema(t)
	files := map[string]string{"every field": everyField, "other forms": otherForms}
	builtin, err := fs.Glob(providers.Files, "*.yaml")
	if err != nil || len(builtin) < 3 {
		t.Fatal(builtin, err)
	}
	for _, name := range builtin {
		source, err := providers.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(source)
	}
	for _, scheme := range providers.Schemes() {
		dir := t.TempDir()
		if _, err := scaffold.New(dir, "new", scaffold.Options{Scheme: scheme[0]}); err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(filepath.Join(dir, "providers", "new.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		files["new, "+scheme[0]] = string(source)
	}
	for name, source := range files {
		if _, err := providers.Parse("full.yaml", []byte(source)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := schema.Validate(asJSON(t, source)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the reader refuses for what stands in a single field, an editor marks.
func TestSchemaRefusesMistakes(t *testing.T) {
	schema := compiledSchema(t)
	if len(everyObject(asJSON(t, everyField), "$", nil)) < 10 {
		t.Fatal("the example has too few objects")
	}
	for path := range everyObject(asJSON(t, everyField), "$", nil) {
		value := asJSON(t, everyField)
		everyObject(value, "$", nil)[path]["bogus"] = []any{}
		if err := schema.Validate(value); err == nil {
			t.Errorf("an unknown field in %s is accepted", path)
		}
	}
	for _, c := range [][2]string{
		{"name: Full\n", ""}, {"docs: https://full.example/docs", "docs: ''"}, {"https://api.full.example", "api.full.example"},
		{"scheme: client_credentials", "scheme: oauth"}, {"client_auth: basic_raw", "client_auth: raw"}, {"POST /token", "/token"}, {"GET /me", "GET me"},
		{"client_id: FULL_CLIENT_ID", "client_id: full"}, {"client_id: FULL", "Client-ID: FULL"}, {"lifetime: 1h30m", "lifetime: an hour"},
		{"length: 40", "length: '40'"}, {"length: 40", "length: -1"}, {"form: opaque", "form: JWT"}, {"required: true", "required: 'yes'"},
		{"default: [read]", "default: read"}, {"requests: 60", "requests: 0"}, {"locked_out", "locked"}, {"token/rate_limited", "rate_limited"},
		{"me/expired_token: invalid_token", "me/expired_token: bad_token"}, {"reason: ticket 42, ", ""}, {"2027-01-31", "soon"}, {"confirm: 3", "confirm: -3"},
	} {
		if !strings.Contains(everyField, c[0]) {
			t.Fatalf("the example has no %q", c[0])
		}
		if err := schema.Validate(asJSON(t, strings.Replace(everyField, c[0], c[1], 1))); err == nil {
			t.Errorf("%q for %q is accepted", c[1], c[0])
		}
	}
}

// everyObject returns the objects in value by where they stand.
func everyObject(value any, at string, into map[string]map[string]any) map[string]map[string]any {
	if into == nil {
		into = map[string]map[string]any{}
	}
	switch v := value.(type) {
	case map[string]any:
		into[at] = v
		for key, member := range v {
			everyObject(member, at+"."+key, into)
		}
	case []any:
		for _, member := range v {
			everyObject(member, at+"[]", into)
		}
	}
	return into
}

// The schema has the fields of the types, all of them, and says what each is.
func TestSchemaIsMadeOfTheTypes(t *testing.T) {
	source, err := providers.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(source, &root); err != nil {
		t.Fatal(err)
	}
	var compare func(at string, of reflect.Type, node map[string]any)
	compare = func(at string, of reflect.Type, node map[string]any) {
		switch of.Kind() {
		case reflect.Map:
			compare(at+".*", of.Elem(), node["additionalProperties"].(map[string]any))
		case reflect.Slice:
			compare(at+"[]", of.Elem(), node["items"].(map[string]any))
		case reflect.Struct:
			if node["type"] == "string" { // it reads itself from text
				return
			}
			properties := node["properties"].(map[string]any)
			var want []string
			for i := range of.NumField() {
				field := of.Field(i)
				key := field.Tag.Get("yaml")
				if key == "-" {
					continue
				}
				want = append(want, key)
				property, ok := properties[key].(map[string]any)
				if !ok {
					t.Errorf("%s has no %s", at, key)
					continue
				}
				if description, _ := property["description"].(string); len(description) < 10 || strings.HasPrefix(description, field.Name+" ") {
					t.Errorf("%s.%s: description %q", at, key, description)
				}
				compare(at+"."+key, field.Type, property)
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(properties))); diff != "" {
				t.Errorf("%s (-type +schema):\n%s", at, diff)
			}
			if node["additionalProperties"] != false {
				t.Errorf("%s accepts other fields", at)
			}
		}
	}
	compare("$", reflect.TypeFor[providers.Provider](), root)
}
