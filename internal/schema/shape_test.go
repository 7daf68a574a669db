package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const sampleJWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"

func shapeOf(t *testing.T, samples ...string) *Shape {
	t.Helper()
	s := &Shape{}
	for _, sample := range samples {
		if err := s.Add([]byte(sample)); err != nil {
			t.Fatalf("%s: %v", sample, err)
		}
	}
	return s
}

func TestFormatOf(t *testing.T) {
	tests := map[string]Format{
		"":                                 Plain,
		"item":                             Plain,
		"2026-11-20T10:00:00Z":             DateTime,
		"2026-11-20T10:00:00.123456+02:00": DateTime,
		"2026-11-20T10:00:00":              Plain,
		"2026-11-20":                       Date,
		"2026-13-20":                       Plain,
		sampleJWT:                          JWT,
		"eyJhbGciOiJSUzI1NiIsInR5c..._very.long_string": Plain,
		"https://api.example.com/a?b=c":                 URL,
		"urn:ietf:params:oauth:token-type":              Plain,
		"someone@example.com":                           Email,
		"Some One <someone@example.com>":                Plain,
		"5B1F5E7A-0C43-4D0E-9F55-0D8F6A3F3C11":          UUID,
		"5b1f5e7a0c434d0e9f550d8f6a3f3c11":              Plain,
	}
	for text, want := range tests {
		if got := FormatOf(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestShapesReadAsInFeatures(t *testing.T) {
	tests := map[string][]string{
		"nothing":                {},
		"an integer":             {`1`, `-20`},
		"a number":               {`1`, `1.5`, `1e3`},
		"a string":               {`"a"`, `"2026-11-20"`},
		"a date-time or null":    {`"2026-11-20T10:00:00Z"`, `null`, `""`},
		"an object or an array":  {`{}`, `[]`},
		"a boolean":              {`true`, `false`},
		"a string or an integer": {`"1"`, `1`},
	}
	for want, samples := range tests {
		if got := shapeOf(t, samples...).String(); got != want {
			t.Errorf("%v: got %q, want %q", samples, got, want)
		}
	}
}

func TestNoShapeOfWhatIsNotJSON(t *testing.T) {
	for _, sample := range []string{"", "<html>", `{"a":1`, `{"a":1} {"b":2}`, "nul"} {
		if _, err := Of([]byte(sample)); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%q: got %v", sample, err)
		}
	}
}

// Deep nesting and many members take time in proportion, not more.
func TestShapesOfLargeBodies(t *testing.T) {
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	wide := `{"a":0` + strings.Repeat(`,"b":{"c":[1,2,3]}`, 100_000) + `}`
	for _, body := range []string{deep, wide} {
		s := shapeOf(t, body)
		if changes := Changes(s, s); changes != nil {
			t.Errorf("a shape differs from itself: %v", changes)
		}
	}
}

func TestChanges(t *testing.T) {
	type samples []string
	tests := map[string]struct {
		before, after samples
		want          []Change
	}{
		"none": {samples{`{"a":1,"b":"x"}`}, samples{`{"b":"y","a":2}`}, nil},
		"of the first of two members with one name": {samples{`{"a":1,"a":"x"}`}, samples{`{"a":2}`}, nil},
		"a rename in other notation, and another type": {
			samples{`{"expires_in":3600}`}, samples{`{"expiresIn":"3600"}`},
			[]Change{{"expires_in", Renamed, "is gone; expiresIn (a string) is new: renamed?"}},
		},
		"a rename that resembles": {
			samples{`{"accessTokenExpiresAt":"2026-11-20T10:00:00Z"}`}, samples{`{"expiresAt":"2026-11-20T10:00:00Z"}`},
			[]Change{{"accessTokenExpiresAt", Renamed, "is gone; expiresAt (a date-time) is new: renamed?"}},
		},
		"no rename of another type":     {samples{`{"scope":"a"}`}, samples{`{"scopes":["a"]}`}, []Change{{"scope", Removed, "is gone"}, {"scopes", Added, "is new (an array)"}}},
		"no rename without resemblance": {samples{`{"scope":"a"}`}, samples{`{"jti":"a"}`}, []Change{{"scope", Removed, "is gone"}, {"jti", Added, "is new (a string)"}}},
		"two renames, each to the nearer": {
			samples{`{"first_name":"a","last_name":"b"}`}, samples{`{"lastName":"b","firstName":"a"}`},
			[]Change{{"first_name", Renamed, "is gone; firstName (a string) is new: renamed?"}, {"last_name", Renamed, "is gone; lastName (a string) is new: renamed?"}},
		},
		"in elements of arrays of arrays": {samples{`[[{"a":1}]]`}, samples{`[[{"a":true}]]`}, []Change{{"#.#.a", Retyped, "was an integer, is now a boolean"}}},
		"of the whole":                    {samples{`{}`}, samples{`[]`}, []Change{{Root, Retyped, "was an object, is now an array"}}},
		"in a name that gjson would read": {samples{`{"a.b*":{"c":1}}`}, samples{`{"a.b*":{"c":null}}`}, []Change{{`a\.b\*.c`, Nullable, "was an integer, is now null"}}},
		"a field that comes and goes":     {samples{`{"a":1}`, `{}`}, samples{`{}`}, nil},
		"a field that now comes and goes": {samples{`{"a":1}`}, samples{`{"a":1}`, `{}`}, []Change{{"a", Sometimes, "is missing at times"}}},
		"a format of some":                {samples{`["2026-11-20","x"]`}, samples{`["y"]`}, nil},
		"an empty string has no format":   {samples{`{"a":"2026-11-20"}`}, samples{`{"a":""}`}, nil},
		"a JWT":                           {samples{`{"a":"x"}`}, samples{`{"a":"` + sampleJWT + `"}`}, []Change{{"a", FormatFound, "was a string, is now a JWT"}}},
		"whole numbers among numbers":     {samples{`[1.5]`}, samples{`[1, 2.5]`}, nil},
		"null among null":                 {samples{`{"a":null}`}, samples{`{"a":null}`}, nil},
		"null no more":                    {samples{`[1,null]`}, samples{`[1]`}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Changes(shapeOf(t, tt.before...), shapeOf(t, tt.after...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is inferred from samples is met by each of them, and by more.
func TestInferredSchemasAreMetByTheirSamples(t *testing.T) {
	samples := []string{
		`{"id":"5b1f5e7a-0c43-4d0e-9f55-0d8f6a3f3c11","n":1,"x":null,"when":"2026-11-20T10:00:00Z","list":[{"a":1},{"a":2.5,"b":"x"}],"token":"` + sampleJWT + `","mail":"a@example.com","url":"https://example.com","day":"2026-11-20","maybe":""}`,
		`{"id":"6b1f5e7a-0c43-4d0e-9f55-0d8f6a3f3c12","n":2,"x":"text","when":"2026-11-21T10:00:00Z","list":[],"token":"` + sampleJWT + `","mail":"b@example.com","url":"http://example.com/b","day":"2026-11-21","maybe":"2026-11-21"}`,
	}
	inferred := shapeOf(t, samples...).JSONSchema("Example", "from two samples")
	s, err := Load(fstest.MapFS{"p/example.schema.json": {Data: inferred}}, "p", "example")
	if err != nil {
		t.Fatalf("%v\n%s", err, inferred)
	}
	check := func(body string, want ...Violation) {
		t.Helper()
		got, err := s.Check([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	for _, sample := range samples {
		check(sample)
	}
	check(strings.Replace(samples[0], `"n":1`, `"n":1,"more":true`, 1))
	check(strings.Replace(samples[0], `"n":1`, `"n":"1"`, 1), Violation{"n", "an integer"})
	check(strings.Replace(samples[0], `"x":null,`, ``, 1), Violation{"x", "present"})
	check(strings.Replace(samples[0], `2026-11-20T10:00:00Z`, `yesterday`, 1), Violation{"when", "a date-time"})
	check(strings.Replace(samples[0], `"a":2.5`, `"a":true`, 1), Violation{"list.1.a", "a number"})
	check(strings.Replace(samples[0], sampleJWT, `opaque`, 1), Violation{"token", "a JWT"})
	check(strings.Replace(samples[0], `a@example.com`, `nobody`, 1), Violation{"mail", "an email address"})
	check(`[]`, Violation{Root, "an object"})
	check(`{"n":1.5}`,
		Violation{"day", "present"}, Violation{"id", "present"}, Violation{"list", "present"}, Violation{"mail", "present"}, Violation{"maybe", "present"},
		Violation{"n", "an integer"}, Violation{"token", "present"}, Violation{"url", "present"}, Violation{"when", "present"}, Violation{"x", "present"})
	if !json.Valid(inferred) {
		t.Error("not JSON")
	}
}

func TestViolationsSayWhatIsExpected(t *testing.T) {
	const written = `{"type":"object","properties":{
		"enum":{"enum":["a",1,null]}, "const":{"const":{"b":1}}, "pattern":{"pattern":"^x"}, "min":{"minimum":5}, "max":{"exclusiveMaximum":0.5},
		"short":{"minLength":3}, "long":{"maxLength":1}, "few":{"minItems":2}, "any":{"anyOf":[{"type":"string"},{"type":"null"}]},
		"one":{"oneOf":[{"type":"integer"},{"minimum":3}]}, "not":{"not":{"type":"string"}}, "never":false,
		"closed":{"additionalProperties":false}, "multiple":{"multipleOf":2}, "dots.in it":{"type":"string"}, "ref":{"$ref":"#/$defs/word"}, "other":{"$ref":"other.schema.json"}
	},"$defs":{"word":{"type":"string","format":"uuid"}}}`
	s, err := Load(fstest.MapFS{"p/t.schema.json": {Data: []byte(written)}, "p/other.schema.json": {Data: []byte(`{"type":"boolean"}`)}}, "p", "t")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]Violation{
		`{"enum":"secret-value"}`:       {"enum", `one of "a", 1, null`},
		`{"const":"secret-value"}`:      {"const", `{"b":1}`},
		`{"pattern":"secret-value"}`:    {"pattern", "matching /^x/"},
		`{"min":4}`:                     {"min", "at least 5"},
		`{"max":0.5}`:                   {"max", "less than 0.5"},
		`{"short":"se"}`:                {"short", "at least 3 characters"},
		`{"long":"secret-value"}`:       {"long", "at most 1 characters"},
		`{"few":["secret-value"]}`:      {"few", "at least 2 elements"},
		`{"any":1}`:                     {"any", "as t.schema.json says at /properties/any/anyOf"},
		`{"one":4}`:                     {"one", "as t.schema.json says at /properties/one/oneOf"},
		`{"not":"secret-value"}`:        {"not", "as t.schema.json says at /properties/not"},
		`{"never":"secret-value"}`:      {"never", "absent"},
		`{"closed":{"extra":"secret"}}`: {"closed.extra", "absent"},
		`{"multiple":3}`:                {"multiple", "as t.schema.json says at /properties/multiple/multipleOf"},
		`{"dots.in it":1}`:              {`dots\.in it`, "a string"},
		`{"ref":"secret-value"}`:        {"ref", "a UUID"},
		`{"other":"secret-value"}`:      {"other", "a boolean"},
	}
	for body, want := range tests {
		got, err := s.Check([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Violation{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	if _, err := s.Check([]byte("<html>")); !errors.Is(err, ErrNotJSON) {
		t.Errorf("got %v", err)
	}
}

// A schema reaches no file but those of its own folder, and no network.
func TestSchemasStayInTheirFolder(t *testing.T) {
	secret := []byte(`{"type":"string"}`)
	files := fstest.MapFS{"q/x.schema.json": {Data: secret}, "secret.schema.json": {Data: secret}, "p/x.json": {Data: secret}}
	for ref, want := range map[string]string{
		"https://example.com/x.schema.json": "$ref leads out of the folder",
		"http://127.0.0.1:1/x.schema.json":  "$ref leads out of the folder",
		"file:///etc/passwd":                "$ref leads out of the folder",
		"../q/x.schema.json":                "$ref leads out of the folder",
		"q/x.schema.json":                   "$ref leads out of the folder",
		"x.json":                            "$ref leads out of the folder",
		"missing.schema.json":               "does not exist",
		"//example.com/x.schema.json":       "$ref leads out of the folder",
	} {
		files["p/t.schema.json"] = &fstest.MapFile{Data: []byte(`{"$ref":"` + ref + `"}`)}
		_, err := Load(files, "p", "t")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", ref, err, want)
		}
	}
}

func TestBadSchemas(t *testing.T) {
	for source, want := range map[string]string{
		`{"type":"strin"}`:     "p/t.schema.json: not a JSON Schema: /type: want",
		`{"type":`:             "p/t.schema.json: ",
		`{"pattern":"("}`:      "p/t.schema.json: ",
		`{"$ref":"#/$defs/x"}`: "p/t.schema.json: ",
	} {
		_, err := Load(fstest.MapFS{"p/t.schema.json": {Data: []byte(source)}}, "p", "t")
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "fixtures://") {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
}

func BenchmarkLoadAndCheck(b *testing.B) {
	files := fstest.MapFS{"p/t.schema.json": {Data: []byte(`{"$schema":"` + Draft + `","type":"object","properties":{"a":{"type":"string","format":"uuid"}},"required":["a"]}`)}}
	for b.Loop() {
		s, err := Load(files, "p", "t")
		if err != nil {
			b.Fatal(err)
		}
		if v, err := s.Check([]byte(`{"a":1}`)); err != nil || len(v) != 1 {
			b.Fatal(v, err)
		}
	}
}
