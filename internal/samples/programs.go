package samples

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"text/template"
)

//go:embed *.tmpl
var files embed.FS

// A program is what the template of a language is filled with.
type program struct {
	Does    string
	Imports []string
	Token   *Part // nil: there is no token request
	Call    *Part // nil: there is no call
	Path    []string
}

// A Part is one request as a template sees it.
type Part struct {
	Method, URL     string // URL is an expression
	Query           []Pair
	Headers         []Pair
	Form, JSON      []Pair
	Body            string // an expression
	User, Password  string // expressions, of Basic credentials
	Basic, Encoded  bool
	Fail            string // Go: the statement that ends the function with err
	HasBody, Direct bool   // Direct: a GET with nothing in its body
}

// A Pair is a name and an expression.
type Pair struct{ Name, Value string }

// A dialect is how a language writes texts.
type dialect struct {
	quote    func(string) string
	variable func(name string) string // of the environment
	token    string                   // the expression of the issued token
	segment  func(expression string) string
}

func (c *conversation) part(r *request, d dialect) *Part {
	if r == nil {
		return nil
	}
	expression := func(t text, field func(string) string) string {
		var terms []string
		for _, p := range t {
			switch {
			case p.field == "access_token":
				terms = append(terms, field(d.token))
			case p.field != "":
				terms = append(terms, field(d.variable(c.variable(p.field))))
			default:
				terms = append(terms, d.quote(p.literal))
			}
		}
		if len(terms) == 0 {
			return d.quote("")
		}
		return strings.Join(terms, " + ")
	}
	plain := func(s string) string { return s }
	pairs := func(fields []field) []Pair {
		var list []Pair
		for _, f := range fields {
			list = append(list, Pair{f.name, expression(f.value, plain)})
		}
		return list
	}
	p := &Part{
		Method: r.method, URL: expression(r.url, d.segment), Query: pairs(r.query), Headers: pairs(r.headers),
		Form: pairs(r.form), JSON: pairs(r.json), HasBody: r.hasBody(), Direct: r.isPlainGet(),
	}
	if r.body != nil {
		p.Body = expression(r.body, plain)
	}
	if r.basic != nil {
		p.Basic, p.Encoded = true, r.basic.encoded
		p.User, p.Password = expression(r.basic.user, plain), expression(r.basic.password, plain)
	}
	return p
}

// write fills in the template of a language.
func (c *conversation) write(file string, p program, d dialect) string {
	p.Does = c.does()
	p.Token, p.Call = c.part(c.token, d), c.part(c.call, d)
	if p.Token != nil {
		p.Token.Fail = `return "", err`
	}
	if p.Call != nil {
		p.Call.Fail = "log.Fatal(err)"
	}
	t := template.Must(template.New(file).Funcs(template.FuncMap{"quote": d.quote, "goStruct": goStruct, "exported": exported}).ParseFS(files, file))
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		panic(fmt.Sprintf("samples: %s: %v", file, err)) // a mistake in the template
	}
	return b.String()
}

func (c *conversation) golang(path []string) Sample {
	d := dialect{
		quote:    strconv.Quote,
		variable: func(name string) string { return "os.Getenv(" + strconv.Quote(name) + ")" },
		token:    "token",
		segment:  func(e string) string { return "url.PathEscape(" + e + ")" },
	}
	body := c.write("go.tmpl", program{Path: path}, d)
	for _, name := range []string{"bytes", "encoding/json", "fmt", "io", "log", "net/http", "net/url", "os", "strings", "time"} {
		base := name[strings.LastIndex(name, "/")+1:]
		if strings.Contains(body, base+".") {
			body = strings.Replace(body, ")\n", "\t"+strconv.Quote(name)+"\n)\n", 1)
		}
	}
	if set, err := format.Source([]byte(body)); err == nil {
		body = string(set)
	}
	file := c.provider.ID + ".go"
	return Sample{Language: "Go", File: file, Run: "go run " + file, Steps: []Step{{Code: body, Prints: c.prints()}}}
}

// goStruct declares the struct that a token response is decoded into.
func goStruct(path []string) string {
	name := exported(path[0])
	if len(path) == 1 {
		return fmt.Sprintf("struct {\n%s string `json:%q`\n}", name, path[0])
	}
	return fmt.Sprintf("struct {\n%s %s `json:%q`\n}", name, goStruct(path[1:]), path[0])
}

func exported(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func (c *conversation) javascript(path []string) Sample {
	d := dialect{
		quote:    quoted,
		variable: func(name string) string { return "process.env." + name },
		token:    "issued." + strings.Join(path, "."),
		segment:  func(e string) string { return "encodeURIComponent(" + e + ")" },
	}
	file := c.provider.ID + ".mjs"
	code := c.write("javascript.tmpl", program{Path: path}, d)
	return Sample{Language: "JavaScript", File: file, Run: "node " + file, Steps: []Step{{Code: code, Prints: c.prints()}}}
}

func (c *conversation) python(path []string) Sample {
	d := dialect{
		quote:    quoted,
		variable: func(name string) string { return "os.environ[" + quoted(name) + "]" },
		token:    `issued["` + strings.Join(path, `"]["`) + `"]`,
		segment:  func(e string) string { return "urllib.parse.quote(" + e + `, safe="")` },
	}
	file := c.provider.ID + ".py"
	code := c.write("python.tmpl", program{Path: path}, d)
	return Sample{Language: "Python", File: file, Run: "python3 " + file, Steps: []Step{{Code: code, Prints: c.prints()}}}
}

// quoted is a string of JSON, which JavaScript and Python read alike.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string cannot fail
	return strings.TrimSpace(b.String())
}
