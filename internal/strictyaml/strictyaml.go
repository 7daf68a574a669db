// Package strictyaml reads YAML files that people write. What is unknown or of
// the wrong type is a mistake, and each mistake says where it stands.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/authspec/authspec/internal/suggest"
)

// A Problem is one mistake in a file.
type Problem struct {
	File    string
	Line    int    // from 1; 0 when it is the whole file
	Column  int    // from 1
	Source  string // the line itself; empty when it must not be shown
	Message string
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	at := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Source == "" {
		return at
	}
	return fmt.Sprintf("%s\n  %4d | %s\n       | %s^", at, p.Line, p.Source, blank(p.Source, p.Column-1))
}

// blank is as wide on a terminal as the first n characters of text.
func blank(text string, n int) string {
	var b strings.Builder
	for _, c := range text {
		if n--; n < 0 {
			break
		}
		if c == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", displaywidth.Rune(c)))
	}
	b.WriteString(strings.Repeat(" ", max(n, 0)))
	return b.String()
}

// Problems are all the mistakes found at once.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// A File is a YAML file as it was read, to find places in.
type File struct {
	name   string
	source []byte
	parsed *ast.File
}

// Decode reads the file strictly into the value that into points to. The
// fields that can stand in it are suggested for one that cannot; see Fields.
// The file is nil when the source is no YAML at all, is larger than 8 MiB or
// nested deeper than 100 levels.
func Decode(name string, source []byte, into any, fields []string) (file *File, problem *Problem) {
	if problem := TooLarge(name, source, maxSize); problem != nil {
		return nil, problem
	}
	if problem := tooDeep(name, source); problem != nil {
		return nil, problem
	}
	f := &File{name: name, source: source}
	defer func() {
		if recover() != nil { // the library does, over tags
			file, problem = nil, &Problem{File: name, Message: "this YAML cannot be read: remove its tags, the words that begin with !"}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(source), yaml.Strict())
	err := decoder.Decode(into)
	if err == nil {
		var second any
		if err = decoder.Decode(&second); err == nil && second != nil {
			problem := Problem{File: name, Message: "a second document begins here: a file has one, what stands below would not be read"}
			problem.locate(source, secondDocument(source), 1)
			return nil, &problem
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		problem := f.read(err, fields)
		return nil, &problem
	}
	return f, nil
}

// secondDocument returns the line of the first --- below some content.
func secondDocument(source []byte) int {
	content := false
	for i, line := range strings.Split(string(source), "\n") {
		line = strings.TrimSpace(line)
		if content && strings.HasPrefix(line, "---") {
			return i + 1
		}
		content = content || line != "" && line[0] != '#' && line[0] != '%' && line != "---"
	}
	return 0
}

// Problem is a mistake at a YAML path ("$.auth.scheme"); when the path is not
// in the file, at the nearest parent that is.
func (f *File) Problem(at, format string, args ...any) Problem {
	problem := Problem{File: f.name, Message: fmt.Sprintf(format, args...)}
	if f.parsed == nil {
		// It was decoded, so it can be parsed. Few files are ever asked for
		// places: the tree of a large one is not kept for nothing.
		f.parsed, _ = parser.ParseBytes(f.source, 0)
	}
	for f.parsed != nil && at != "$" && at != "" {
		if path, err := yaml.PathString(at); err == nil {
			if node, err := path.FilterFile(f.parsed); err == nil && node != nil {
				at := start(node).Position
				problem.locate(f.source, at.Line, at.Column)
				break
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 1)]
	}
	return problem
}

// start returns where a reader sees a node begin: the library's token of a
// mapping is its first colon.
func start(node ast.Node) *token.Token {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return node.GetToken()
}

func (p *Problem) locate(source []byte, line, column int) {
	if line == 0 {
		return
	}
	p.Line, p.Column = line, column
	lines := strings.Split(string(source), "\n")
	if line > len(lines) {
		return
	}
	p.Source = strings.TrimRight(lines[line-1], "\r")
	// To the library a value begins with the tab before it.
	runes := []rune(p.Source)
	for p.Column > 1 && p.Column < len(runes) && runes[p.Column-1] == '\t' {
		p.Column++
	}
}

// read puts an error of the YAML library into our form.
func (f *File) read(err error, fields []string) Problem {
	problem := Problem{File: f.name, Message: err.Error()}
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		problem.Message = positioned.GetMessage()
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			problem.locate(f.source, t.Position.Line, t.Position.Column)
		}
	} else if at := f.quotedIn(err); at != nil {
		problem.locate(f.source, at.Line, at.Column)
	}
	var wrongType *yaml.TypeError
	if errors.As(err, &wrongType) && wrongType.DstType != nil && wrongType.SrcType != nil {
		problem.Message = fmt.Sprintf("want %s, got %s", kindOf(wrongType.DstType.Kind()), kindOf(wrongType.SrcType.Kind()))
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) && unknown.Token != nil {
		field := unknown.Token.Value
		// It may be known elsewhere in the file.
		others := slices.DeleteFunc(slices.Clone(fields), func(known string) bool { return known == field })
		problem.Message = fmt.Sprintf("unknown field %q%s", field, suggest.DidYouMean(field, others))
	}
	return problem
}

// quotedIn finds the value that an error quotes: the library does not say
// where a value stands that a type refused to read.
func (f *File) quotedIn(err error) *token.Position {
	parsed, failed := parser.ParseBytes(f.source, 0)
	if failed != nil {
		return nil
	}
	var at *token.Position
	for _, document := range parsed.Docs {
		for _, node := range ast.Filter(ast.StringType, document.Body) {
			if text := node.(*ast.StringNode); at == nil && strings.Contains(err.Error(), strconv.Quote(text.Value)) {
				at = text.Token.Position
			}
		}
	}
	return at
}

func kindOf(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "fields"
	}
	return "a number"
}

var fieldLine = regexp.MustCompile(`(?m)^[ \t-]*([A-Za-z_]\w*):`)

// Fields returns every field a file can have, at any depth: the keys of an
// example with one element in each map and list, as the YAML library itself
// writes them.
func Fields(example any) []string {
	encoded, err := yaml.Marshal(example)
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range fieldLine.FindAllStringSubmatch(string(encoded), -1) {
		names = append(names, m[1])
	}
	return names
}
