// Package scaffold writes workspaces and providers to begin with: they pass at
// once, and their comments say what to replace by what the provider's
// documentation shows.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
)

// Options say what a new provider is like.
type Options struct {
	Scheme    string // see providers.Schemes
	BaseURL   string // empty: one that is made up
	GrantType string // of scheme client_credentials; empty: client_credentials
	Docs      string // URL of the provider's page; empty: one that is made up
}

// Init writes a workspace with one provider, made up and explained, into dir,
// which is made if it does not exist. It overwrites nothing: it writes all its
// files or none. The names of the files are relative to dir.
func Init(dir string) (written []string, err error) {
	p, err := describe("acme", Options{Scheme: "client_credentials"})
	if err != nil {
		return nil, err
	}
	files, err := p.render("workspace.txtar", p.kind())
	if err != nil {
		return nil, err
	}
	return write(dir, files)
}

// New adds a provider to the workspace in dir: its file, its feature and its
// fixtures. It overwrites nothing: it writes all its files or none. The names
// of the files are relative to dir.
func New(dir, name string, opts Options) (written []string, err error) {
	p, err := describe(name, opts)
	if err != nil {
		return nil, err
	}
	if err := p.isNew(dir); err != nil {
		return nil, err
	}
	files, err := p.render(p.kind())
	if err != nil {
		return nil, err
	}
	return write(dir, files)
}

// A provider is what the templates are filled with.
type provider struct {
	ID   string // send-grid
	Name string // Send Grid
	Env  string // SEND_GRID

	Scheme, Doc, RFC string
	BaseURL, Docs    string

	Address []string // credential fields that stand in the base URL

	// Of schemes with a token request.
	Grant       string // empty: it has no grant type
	OtherGrant  string // than the scheme's own, as the file says it; empty: the scheme's
	ClientAuth  string
	ClientAuths []string

	// Of the others.
	Fields     []string // of the credential
	Credential string   // as people call it
	Travels    string   // how it does
	Challenge  string   // of a refusal; empty: there is none
}

var (
	namePattern  = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	separators   = regexp.MustCompile(`[._-]`)
	grantPattern = regexp.MustCompile(`^[A-Za-z0-9._~:/-]+$`) // RFC 6749 A.10, less what would need quoting
)

func describe(name string, opts Options) (*provider, error) {
	if !namePattern.MatchString(name) {
		return nil, badName(name)
	}
	p := &provider{ID: name, Scheme: opts.Scheme, Docs: opts.Docs, BaseURL: strings.TrimSuffix(opts.BaseURL, "/")}
	var known []string
	for _, scheme := range providers.Schemes() {
		known = append(known, scheme[0])
		if scheme[0] == opts.Scheme {
			p.Doc = scheme[1]
		}
	}
	if p.Doc == "" {
		return nil, fmt.Errorf("%s: unknown scheme %q%s: one of %s", name, opts.Scheme, suggest.DidYouMean(opts.Scheme, known), strings.Join(known, ", "))
	}

	var words []string
	for _, w := range separators.Split(name, -1) {
		words = append(words, strings.ToUpper(w[:1])+w[1:])
	}
	p.Name = strings.Join(words, " ")
	p.Env = strings.ToUpper(separators.ReplaceAllString(name, "_"))
	if p.Env[0] <= '9' {
		p.Env = "API_" + p.Env // a variable cannot begin with a digit
	}
	if p.BaseURL == "" {
		p.BaseURL = "https://api." + name + ".example"
	}
	if p.Docs == "" {
		p.Docs = "https://docs." + name + ".example/authentication"
	}
	if err := checkURLs(p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.describeScheme(opts.GrantType); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// badName suggests the nearest name that would do.
func badName(name string) error {
	near := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	if near == "" {
		near = "sendgrid"
	}
	return fmt.Errorf("%q cannot be the name of a provider's files: write lower-case letters, digits and dashes, such as %s", name, near)
}

func checkURLs(p *provider) error {
	if err := providers.CheckBaseURL(p.BaseURL); err != nil {
		return err
	}
	docs, err := url.Parse(p.Docs)
	if err != nil || docs.Scheme != "https" && docs.Scheme != "http" || docs.Host == "" || strings.ContainsAny(p.Docs, " \t\n") {
		return fmt.Errorf("the provider's page is a URL such as https://docs.example.com/auth, not %q", p.Docs)
	}
	return nil
}

// pages explain the schemes.
var pages = map[string]string{
	"basic":              "https://www.rfc-editor.org/rfc/rfc7617",
	"basic_token":        "https://www.rfc-editor.org/rfc/rfc7617",
	"bearer":             "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
	"client_credentials": "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
	"header":             "https://www.rfc-editor.org/rfc/rfc9110#section-5",
	"query":              "https://www.rfc-editor.org/rfc/rfc6750#section-5.3 says why not to, where there is a choice",
}

// describeScheme fills in what depends on the scheme.
func (p *provider) describeScheme(grant string) error {
	p.RFC = pages[p.Scheme]
	switch p.Scheme {
	case "client_credentials":
		p.Grant = p.Scheme
		if grant != "" && grant != p.Scheme {
			p.Grant, p.OtherGrant = grant, grant
		}
		if !grantPattern.MatchString(p.Grant) {
			return fmt.Errorf("%q is no grant type", p.Grant)
		}
		if grant == "none" {
			p.Grant = ""
		}
	default:
		if grant != "" {
			return fmt.Errorf("scheme %s has no grant type: that is of scheme client_credentials", p.Scheme)
		}
	}
	p.Fields, p.Credential, p.Travels = []string{"api_key"}, "API key", "as a bearer token"
	switch p.Scheme {
	case "basic":
		p.Fields, p.Credential, p.Travels, p.Challenge = []string{"username", "password"}, "password", "by HTTP Basic", "Basic"
	case "bearer":
		p.Challenge = "Bearer"
	case "header":
		p.Travels = "in a header of its own"
	case "query":
		p.Travels = "in the query string"
	}
	for _, field := range providers.Placeholders(p.BaseURL) {
		if field != "client_id" && field != "client_secret" && !slices.Contains(p.Fields, field) {
			p.Address = append(p.Address, field)
		}
	}
	p.ClientAuth = "basic"
	if p.Grant == "" {
		p.ClientAuth = "basic_raw"
	}
	width := 0
	for _, m := range providers.ClientAuthMethods() {
		width = max(width, len(m[0]))
	}
	for _, m := range providers.ClientAuthMethods() {
		p.ClientAuths = append(p.ClientAuths, fmt.Sprintf("%-*s  %s", width, m[0], m[1]))
	}
	return nil
}

// kind is the template of the provider's files.
func (p *provider) kind() string {
	if (&providers.Provider{Auth: providers.Auth{Scheme: p.Scheme}}).HasToken() {
		return "token.txtar"
	}
	return "key.txtar"
}

// isNew refuses a provider that there is.
func (p *provider) isNew(dir string) error {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
		dir = "" // it will be made
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	w, err := runner.Open(dir)
	if err != nil {
		return fmt.Errorf("%s: the workspace has mistakes, and nothing new would run: mend them first\n%w", dir, err)
	}
	for _, name := range []string{p.ID, p.Name} {
		other, err := w.Providers.Lookup(name)
		if err != nil {
			continue
		}
		file := "providers/" + other.ID + ".yaml"
		if _, err := os.Stat(filepath.Join(dir, file)); dir == "" || err != nil {
			return fmt.Errorf("%s: this provider comes with authspec: authspec run %s", p.ID, other.ID)
		}
		return fmt.Errorf("%s: there is a provider of that name: %s", p.ID, file)
	}
	return nil
}

//go:embed templates
var templates embed.FS

// render returns the files of the templates.
func (p *provider) render(names ...string) ([]txtar.File, error) {
	functions := template.FuncMap{
		"upper": strings.ToUpper,
		"words": func(field string) string {
			return strings.Replace(strings.ReplaceAll(field, "_", " "), "api ", "API ", 1)
		},
		"yaml": func(value string) (string, error) {
			encoded, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(encoded), "\n"), err
		},
	}
	var files []txtar.File
	for _, name := range names {
		t, err := template.New(name).Funcs(functions).Option("missingkey=error").ParseFS(templates, "templates/"+name)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, p); err != nil {
			return nil, err
		}
		files = append(files, txtar.Parse(out.Bytes()).Files...)
	}
	for i := range files {
		if strings.HasSuffix(files[i].Name, ".feature") {
			files[i].Data = alignTables(files[i].Data)
		}
	}
	return files, nil
}

// alignTables sets the cells of each table below each other: what fills the
// templates is not always as wide.
func alignTables(feature []byte) []byte {
	lines := strings.Split(string(feature), "\n")
	for from := 0; from < len(lines); from++ {
		to := from
		var table [][]string
		var widths []int
		for ; to < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[to]), "|"); to++ {
			cells := strings.Split(strings.Trim(strings.TrimSpace(lines[to]), "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
				if i == len(widths) {
					widths = append(widths, 0)
				}
				widths[i] = max(widths[i], len(cells[i]))
			}
			table = append(table, cells)
		}
		for i, cells := range table {
			var row strings.Builder
			row.WriteString("      |")
			for j, cell := range cells {
				fmt.Fprintf(&row, " %-*s |", widths[j], cell)
			}
			lines[from+i] = row.String()
		}
		from = max(from, to-1)
	}
	return []byte(strings.Join(lines, "\n"))
}
