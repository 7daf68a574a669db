package providers

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

// The types of a provider file, with the comments that explain its fields.
//
//go:embed provider.go
var providerTypes []byte

// Schema returns a JSON Schema (draft 2020-12) of provider files, for editors:
// it knows every field, says what it is, and refuses others. It is made of the
// Go types that read the files. What spans several fields, such as a {name}
// that no credential has, it does not see: authspec lint does.
func Schema() ([]byte, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "provider.go", providerTypes, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	types := map[string]ast.Expr{}
	for _, declaration := range file.Decls {
		if group, ok := declaration.(*ast.GenDecl); ok {
			for _, spec := range group.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					types[t.Name.Name] = t.Type
				}
			}
		}
	}
	root, err := schemaTypes(types).named("Provider")
	if err != nil {
		return nil, err
	}
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "authspec provider file"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(root)
	return b.Bytes(), err
}

// A schemaNode is what a schema says of one value.
type schemaNode struct {
	Schema        string                 `json:"$schema,omitempty"`
	Title         string                 `json:"title,omitempty"`
	Description   string                 `json:"description,omitempty"`
	Type          any                    `json:"type,omitempty"` // a name, or several
	Enum          []string               `json:"enum,omitempty"`
	Pattern       string                 `json:"pattern,omitempty"`
	Minimum       *int                   `json:"minimum,omitempty"`
	Items         *schemaNode            `json:"items,omitempty"`
	PropertyNames *schemaNode            `json:"propertyNames,omitempty"`
	Required      []string               `json:"required,omitempty"`
	Properties    map[string]*schemaNode `json:"properties,omitempty"`
	// Further is false, or what all other properties are.
	Further any `json:"additionalProperties,omitempty"`
}

// schemaTypes are the declarations to make schemas of, by name.
type schemaTypes map[string]ast.Expr

// textPatterns are the types that are written as text, and how it looks.
var textPatterns = map[string]string{
	"Endpoint": `^(GET|POST|PUT|PATCH|DELETE|HEAD) (/|https?://)`,
	"Duration": `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`,
	"Date":     `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`,
}

func (t schemaTypes) named(name string) (*schemaNode, error) {
	if pattern, ok := textPatterns[name]; ok {
		return &schemaNode{Type: "string", Pattern: pattern}, nil
	}
	switch name {
	case "string":
		return &schemaNode{Type: []string{"string", "number", "boolean"}}, nil // 2 is read as "2"
	case "bool":
		return &schemaNode{Type: "boolean"}, nil
	case "any":
		return &schemaNode{}, nil
	case "int":
		return &schemaNode{Type: "integer", Minimum: new(int)}, nil
	}
	declared, ok := t[name].(*ast.StructType)
	if !ok {
		return nil, fmt.Errorf("no schema for the type %s", name)
	}
	node := &schemaNode{Type: "object", Properties: map[string]*schemaNode{}, Further: false}
	for _, field := range declared.Fields.List {
		key, err := yamlKey(field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if key == "-" {
			continue
		}
		property, err := t.of(field.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, key, err)
		}
		property.Description = strings.Join(strings.Fields(field.Doc.Text()+" "+field.Comment.Text()), " ")
		if rest, ok := strings.CutPrefix(property.Description, field.Names[0].Name+" "); ok {
			property.Description = key + " " + rest // as the file has it, not Go
		}
		if narrow := narrower[name+"."+key]; narrow != nil {
			narrow(property)
		}
		node.Properties[key] = property
	}
	node.Required = requiredFields[name]
	return node, nil
}

func (t schemaTypes) of(expression ast.Expr) (*schemaNode, error) {
	switch e := expression.(type) {
	case *ast.Ident:
		return t.named(e.Name)
	case *ast.ArrayType:
		items, err := t.of(e.Elt)
		return &schemaNode{Type: "array", Items: items}, err
	case *ast.MapType:
		values, err := t.of(e.Value)
		return &schemaNode{Type: "object", Further: values}, err
	}
	return nil, fmt.Errorf("no schema for a %T", expression)
}

func yamlKey(field *ast.Field) (string, error) {
	if field.Tag == nil {
		return "", fmt.Errorf("a field has no tag")
	}
	tag, err := strconv.Unquote(field.Tag.Value)
	key, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ",")
	return key, err
}

// requiredFields are those that a file cannot do without, by type.
var requiredFields = map[string][]string{
	"Provider":  {"name", "docs", "base_url", "credentials", "auth"},
	"Auth":      {"scheme"},
	"Call":      {"endpoint"},
	"Limit":     {"requests", "per"},
	"Deviation": {"situation", "path", "change", "reason", "until"},
}

// narrower says more of a field than its type does.
var narrower = map[string]func(*schemaNode){
	"Provider.name":        filled,
	"Provider.docs":        filled,
	"Provider.base_url":    like(`^https?://[^?#]+$`),
	"Environment.base_url": like(`^https?://[^?#]+$`),
	"Provider.credentials": func(n *schemaNode) {
		n.PropertyNames = &schemaNode{Pattern: `^[a-z0-9_]+$`}
		n.Further = &schemaNode{Type: "string", Pattern: `^[A-Z_][A-Z0-9_]*$`}
	},
	"Provider.answers": func(n *schemaNode) {
		n.PropertyNames = &schemaNode{Pattern: situationPattern()}
		n.Further = &schemaNode{Type: "string", Enum: situationNames()}
	},
	"Provider.undocumented": func(n *schemaNode) { like(situationPattern())(n.Items) },
	"Deviation.situation":   like(situationPattern()),
	"Deviation.reason":      filled,
	"Limit.requests":        func(n *schemaNode) { *n.Minimum = 1 },
	"Auth.scheme":           func(n *schemaNode) { oneOf(schemeNames())(n) },
	"Auth.client_auth":      oneOf(firsts(ClientAuthMethods())),
	"TokenResponse.form":    oneOf([]string{"jwt", "opaque"}),
	"Health.errors":         func(n *schemaNode) { n.Further = &schemaNode{Type: "string", Enum: firsts(HealthMeanings())} },
}

func filled(n *schemaNode) { n.Pattern = `\S` }

// oneOf and like narrow a text: a number is none of them.
func oneOf(words []string) func(*schemaNode) {
	return func(n *schemaNode) { n.Type, n.Enum = "string", words }
}

func like(pattern string) func(*schemaNode) {
	return func(n *schemaNode) { n.Type, n.Pattern = "string", pattern }
}

// firsts returns the first of each pair.
func firsts(list [][2]string) []string {
	var all []string
	for _, entry := range list {
		all = append(all, entry[0])
	}
	return all
}

// situationNames returns the names of all situations, of the token request first.
func situationNames() []string {
	all := Situations(TokenCall)
	for _, name := range Situations("") {
		if name != "rate_limited" { // of both
			all = append(all, name)
		}
	}
	return all
}

func situationPattern() string { return "^[^/]+/(" + strings.Join(situationNames(), "|") + ")$" }
