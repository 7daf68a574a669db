package report

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("run-1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("run-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJSONFitsItsSchema(t *testing.T) {
	s := compiledSchema(t)
	all := runs()
	all["shard"] = changed(greenRun(), shard(2, 3))
	for name, run := range all {
		t.Run(name, func(t *testing.T) {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(written(t, "json", run)))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err != nil {
				t.Error(err)
			}
			assertDescribed(t, s, doc, "")
		})
	}
}

// assertDescribed checks that the schema knows each field that is written: the
// schema allows others, so that programs written for it outlive new fields.
func assertDescribed(t *testing.T, s *jsonschema.Schema, doc any, at string) {
	t.Helper()
	for s.Ref != nil {
		s = s.Ref
	}
	switch doc := doc.(type) {
	case map[string]any:
		for name, value := range doc {
			switch p := s.Properties[name]; {
			case p != nil:
				assertDescribed(t, p, value, at+"/"+name)
			case s.AdditionalProperties == nil:
				t.Errorf("%s/%s is not in the schema", at, name)
			}
		}
	case []any:
		items, _ := s.Items.(*jsonschema.Schema)
		if items == nil {
			items = s.Items2020
		}
		for _, value := range doc {
			assertDescribed(t, items, value, at+"/*")
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	good := string(written(t, "json", greenRun()))
	tests := map[string]struct{ old, new string }{
		"an unknown verdict":         {`"verdict": "passed"`, `"verdict": "ok"`},
		"a verdict without a cause":  {`"verdict": "passed"`, `"verdict": "drifted"`},
		"another version":            {`"version": 1`, `"version": 2`},
		"a step of unknown status":   {`"status": "passed"`, `"status": "green"`},
		"a time that is none":        {`"2026-11-21T02:30:00Z"`, `"yesterday"`},
		"an exit code that is none":  {`"exit_code": 0`, `"exit_code": 6`},
		"null for a list":            {`"tags": [`, `"tags": null, "x": [`},
		"a verdict that is missing":  {`"skipped": 0`, `"other": 0`},
		"a header that is no list":   {`"application/json"` + "\n", `1` + "\n"},
		"a response without a body":  {`"body": "{`, `"text": "{`},
		"a negative number of times": {`"selected": 1`, `"selected": -1`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatalf("there is no %s", tt.old)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// The schema names every verdict, status and cause that check has.
func TestSchemaKnowsEveryWord(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../check/verdict.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		words++
		quoted := []string{`"` + word + `"`, " " + word + ",", " " + word + ";", " " + word + "."}
		for _, q := range quoted {
			if bytes.Contains(Schema(), []byte(q)) {
				return true
			}
		}
		t.Errorf("the schema does not name %s", word)
		return true
	})
	if words < 30 {
		t.Errorf("found only %d words", words)
	}
}
