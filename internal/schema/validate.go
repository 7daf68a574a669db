package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/tidwall/gjson"
)

// Ending is how the name of a schema file ends.
const Ending = ".schema.json"

// A Schema is a JSON Schema (draft 2020-12) that values can be checked
// against. Formats count.
type Schema struct {
	name     string
	compiled *jsonschema.Schema
}

// Load reads the schema dir/NAME.schema.json of fsys. A $ref leads to another
// schema file of the same folder or nowhere: not to the network, and to no
// other file. The error of a missing file is fs.ErrNotExist.
func Load(fsys fs.FS, dir, name string) (*Schema, error) {
	file := name + Ending
	if _, err := fs.Stat(fsys, path.Join(dir, file)); err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(folder{fsys, dir})
	compiled, err := compiler.Compile(root + file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(dir, file), plain(err))
	}
	return &Schema{file, compiled}, nil
}

// root is where the loader believes schemas to be.
const root = "fixtures:///"

// A folder loads the schemas of one folder.
type folder struct {
	fsys fs.FS
	dir  string
}

func (f folder) Load(address string) (any, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	file := strings.TrimPrefix(u.Path, "/")
	if u.Scheme != "fixtures" || u.Host != "" || strings.Contains(file, "/") || !strings.HasSuffix(file, Ending) {
		return nil, fmt.Errorf("$ref leads out of the folder: write NAME%s, a file beside this one", Ending)
	}
	content, err := fs.ReadFile(f.fsys, path.Join(f.dir, file))
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(content))
}

// plain leaves the address out that the library puts before its errors.
func plain(err error) error {
	var load *jsonschema.LoadURLError
	var invalid *jsonschema.SchemaValidationError
	switch {
	case errors.As(err, &load):
		return load.Err
	case errors.As(err, &invalid):
		var at *jsonschema.ValidationError
		if errors.As(invalid.Err, &at) {
			for len(at.Causes) > 0 {
				at = at.Causes[0]
			}
			return fmt.Errorf("not a JSON Schema: %s: want %s", "/"+strings.Join(at.InstanceLocation, "/"), expected(at.ErrorKind))
		}
	}
	return errors.New(strings.ReplaceAll(err.Error(), root, ""))
}

// A Violation is one place where a value is not as its schema says.
type Violation struct {
	Path     string // gjson path
	Expected string // in words; nothing of the value itself
}

// Check returns every violation, sorted by path. The error is ErrNotJSON.
func (s *Schema) Check(body []byte) ([]Violation, error) {
	if !json.Valid(body) {
		return nil, ErrNotJSON
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return nil, ErrNotJSON
	}
	var found []Violation
	var failure *jsonschema.ValidationError
	if err := s.compiled.Validate(value); errors.As(err, &failure) {
		s.violations(failure, &found)
	}
	slices.SortFunc(found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Expected, b.Expected))
	})
	return slices.Compact(found), nil
}

func (s *Schema) violations(e *jsonschema.ValidationError, found *[]Violation) {
	at := ""
	for _, name := range e.InstanceLocation {
		at = join(at, gjson.Escape(name))
	}
	add := func(path, expected string) {
		if path == "" {
			path = Root
		}
		*found = append(*found, Violation{path, expected})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			add(join(at, gjson.Escape(name)), "present")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(join(at, gjson.Escape(name)), "absent")
		}
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains, *kind.PropertyNames:
		// Their causes are about alternatives: not one of them need be met.
		add(at, s.says(e))
	default:
		if len(e.Causes) == 0 {
			add(at, cmp.Or(expected(e.ErrorKind), s.says(e)))
		}
		for _, cause := range e.Causes {
			s.violations(cause, found)
		}
	}
}

// says points to the keyword that is not met.
func (s *Schema) says(e *jsonschema.ValidationError) string {
	_, pointer, _ := strings.Cut(e.SchemaURL, "#")
	file := path.Base(strings.TrimSuffix(e.SchemaURL, "#"+pointer))
	return fmt.Sprintf("as %s says at %s", file, strings.Join(append([]string{pointer}, e.ErrorKind.KeywordPath()...), "/"))
}

// expected says in the words of features what a keyword wants. It quotes the
// schema, never the value.
func expected(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		var words []string
		for _, t := range k.Want {
			words = append(words, cmp.Or(typeNames[Type(t)], t))
		}
		return strings.Join(words, " or ")
	case *kind.Required:
		return "the property " + strings.Join(k.Missing, ", ")
	case *kind.Format:
		return cmp.Or(formatNames[Format(k.Want)], "of the format "+k.Want)
	case *kind.Pattern:
		if k.Want == jwtPattern {
			return formatNames[JWT]
		}
		return "matching /" + k.Want + "/"
	case *kind.Enum:
		var literals []string
		for _, v := range k.Want {
			literals = append(literals, literal(v))
		}
		return "one of " + strings.Join(literals, ", ")
	case *kind.Const:
		return literal(k.Want)
	case *kind.Minimum:
		return "at least " + number(k.Want)
	case *kind.Maximum:
		return "at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "less than " + number(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("at least %d elements", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("at most %d elements", k.Want)
	case *kind.FalseSchema:
		return "absent"
	}
	return ""
}

func number(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(6), "0"), ".")
}

func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
