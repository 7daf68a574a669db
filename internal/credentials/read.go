package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/authspec/authspec/internal/strictyaml"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
)

// Read reads the credentials file at path. Its error is Problems when the file
// is wrong: all its mistakes at once, each with file, line and column.
func Read(path string, catalogue *providers.Catalogue) (*File, error) {
	source, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: authspec check --help shows what to write into it; --credentials FILE names another", err)
	case err != nil:
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	f, problems := Parse(path, source, catalogue)
	if len(problems) > 0 {
		return nil, problems
	}
	return f, nil
}

// Parse reads a credentials file; path is shown in errors, and what the file
// names is relative to its folder.
func Parse(path string, source []byte, catalogue *providers.Catalogue) (*File, Problems) {
	written := new(writtenFile)
	decoded, problem := strictyaml.Decode(path, source, written, fieldNames())
	if problem != nil {
		problem.Message = withoutValues(problem.Message)
		problem.Source = shown(problem.Source)
		return nil, Problems{*problem}
	}
	v := validator{file: &File{Path: path, EnvFiles: written.EnvFiles}, decoded: decoded, catalogue: catalogue}
	v.validate(written)
	v.file.findLines(source)
	return v.file, v.problems
}

// A writtenFile is a credentials file as it stands. Its fields are of simple
// types: the YAML library takes its time over others, a multiple of the file's
// length for each.
type writtenFile struct {
	EnvFiles    []string             `yaml:"env_files"`
	Credentials []*writtenCredential `yaml:"credentials"`
	Alerts      *writtenAlerts       `yaml:"alerts"`
	Ping        *writtenPing         `yaml:"ping"`
	Pushgateway string               `yaml:"pushgateway"`
}

type writtenCredential struct {
	Name        string            `yaml:"name"`
	Provider    string            `yaml:"provider"`
	Owner       string            `yaml:"owner"`
	Tags        []string          `yaml:"tags"`
	Values      map[string]string `yaml:"values"`
	Scopes      []string          `yaml:"scopes"`
	Expires     string            `yaml:"expires"`
	Environment string            `yaml:"environment"`
	BaseURL     string            `yaml:"base_url"`
	Scenarios   string            `yaml:"scenarios"`
	Control     string            `yaml:"control"`
}

var nameLine = regexp.MustCompile(`\bname["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^,}#]*))`)

// findLines finds the line of each credential by its name. The tree of the
// file would tell exactly, and takes a hundred times the file's size.
func (f *File) findLines(source []byte) {
	lines := map[string]int{}
	number := 0
	for line := range strings.Lines(string(source)) {
		number++
		for _, m := range nameLine.FindAllStringSubmatch(line, -1) {
			name := strings.TrimSpace(m[1] + m[2] + m[3])
			if _, found := lines[name]; !found {
				lines[name] = number
			}
		}
	}
	for _, c := range f.Credentials {
		c.Line = lines[c.Name]
	}
}

// fieldNames returns every field of a credentials file.
var fieldNames = sync.OnceValue(func() []string {
	return strictyaml.Fields(writtenFile{Credentials: []*writtenCredential{{}}, Ping: &writtenPing{},
		Alerts: &writtenAlerts{Channels: map[string]*writtenChannel{"": {}}}})
})

type validator struct {
	file      *File
	decoded   *strictyaml.File
	catalogue *providers.Catalogue
	problems  Problems
}

func (v *validator) validate(written *writtenFile) {
	if len(written.Credentials) == 0 {
		v.add("$.credentials", "credentials are missing: a list, each with name, provider and values")
	}
	names := map[string]int{}
	for i, w := range written.Credentials {
		at := fmt.Sprintf("$.credentials[%d]", i)
		if w == nil {
			v.add(at, "an empty credential: write name, provider and values, or remove the dash")
			continue
		}
		c := &Credential{
			Name: w.Name, Provider: w.Provider, Owner: w.Owner, Tags: w.Tags, Scopes: w.Scopes, Environment: w.Environment, BaseURL: w.BaseURL,
			Scenarios: w.Scenarios, Control: Control(w.Control), Values: make(map[string]Reference, len(w.Values)),
		}
		v.file.Credentials = append(v.file.Credentials, c)
		v.name(at, c, i, names)
		v.read(at, c, w)
		v.credential(at, c)
	}
	for i, file := range written.EnvFiles {
		if file == "" {
			v.add(fmt.Sprintf("$.env_files[%d]", i), "want the name of a file")
		}
	}
	v.notify(written)
}

// read reads what is more than text.
func (v *validator) read(at string, c *Credential, w *writtenCredential) {
	for _, field := range slices.Sorted(maps.Keys(w.Values)) {
		r, err := ParseReference(w.Values[field])
		if err != nil {
			v.add(at+".values."+field, "%s: %v", field, err)
		}
		c.Values[field] = r
	}
	if w.Expires != "" {
		d, err := ParseDate(w.Expires)
		if err != nil {
			v.add(at+".expires", "%v", err)
		}
		c.Expires = d
	}
}

func (v *validator) name(at string, c *Credential, index int, names map[string]int) {
	switch other, taken := names[c.Name]; {
	case c.Name == "":
		v.add(at, "name is missing: history and alerts go by it")
	case strings.TrimSpace(c.Name) != c.Name || strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsPrint(r) }) || len(c.Name) > 200:
		v.add(at+".name", "want a name on one line, without blanks around it, of at most 200 bytes")
	case taken:
		first := v.problem(fmt.Sprintf("$.credentials[%d].name", other), "")
		v.add(at+".name", "the name %q is taken, in line %d", c.Name, first.Line)
	default:
		names[c.Name] = index
	}
}

func (v *validator) credential(at string, c *Credential) {
	if c.Control != "" && c.Control != KnownGood && c.Control != KnownBad {
		v.add(at+".control", "want good or bad, got %q%s", string(c.Control), suggest.DidYouMean(string(c.Control), []string{string(KnownGood), string(KnownBad)}))
	}
	for i, s := range c.Scopes {
		if s == "" {
			v.add(fmt.Sprintf("%s.scopes[%d]", at, i), "want the name of a scope")
		}
	}
	if c.Environment != "" && c.BaseURL != "" {
		v.add(at+".base_url", "base_url and environment cannot both say where the provider is: leave one out")
	}
	if c.BaseURL != "" {
		v.baseURL(at+".base_url", c.BaseURL)
	}
	if c.Provider == "" {
		v.add(at, "provider is missing: the ID of a provider file, such as %s", strings.Join(v.providerIDs(), ", "))
		return
	}
	p, err := v.catalogue.Lookup(c.Provider)
	if err != nil {
		v.add(at+".provider", "%v", err)
		return
	}
	c.Provider = p.ID
	v.values(at, c, p)
	v.environment(at, c, p)
	if len(c.Scopes) > 0 && !p.HasToken() {
		v.add(at+".scopes", "%s has no scopes: scheme %s issues no tokens", p.Name, p.Auth.Scheme)
	}
	for _, s := range c.Scopes {
		if _, known := p.Auth.Scopes.Known[s]; !known && len(p.Auth.Scopes.Known) > 0 {
			known := slices.Sorted(maps.Keys(p.Auth.Scopes.Known))
			v.file.Warnings = append(v.file.Warnings, fmt.Sprintf("%s: %s does not document the scope %q%s: it documents %s",
				c.Name, p.Name, s, suggest.DidYouMean(s, known), strings.Join(known, ", ")))
		}
	}
}

func (v *validator) values(at string, c *Credential, p *providers.Provider) {
	for _, field := range slices.Sorted(maps.Keys(c.Values)) {
		if known := p.CredentialFields(); !slices.Contains(known, field) {
			v.add(at+".values."+field, "%s has no credential field %q%s: there are %s", p.Name, field, suggest.DidYouMean(field, known), strings.Join(known, ", "))
		}
	}
	var missing []string
	for _, field := range p.CredentialFields() {
		if _, ok := c.Values[field]; !ok {
			missing = append(missing, field)
		}
	}
	if len(missing) > 0 {
		v.add(at+".values", "%s wants %s too: %s: env:%s", p.Name, strings.Join(missing, " and "), missing[0], p.Credentials[missing[0]])
	}
}

func (v *validator) environment(at string, c *Credential, p *providers.Provider) {
	if c.Environment == "" {
		return
	}
	if _, ok := p.Environments[c.Environment]; ok {
		return
	}
	names := p.EnvironmentNames()
	if len(names) == 0 {
		v.add(at+".environment", "%s has no environments: leave it out, or give base_url", p.Name)
		return
	}
	v.add(at+".environment", "%s has no environment %q%s: there are %s", p.Name, c.Environment, suggest.DidYouMean(c.Environment, names), strings.Join(names, ", "))
}

func (v *validator) baseURL(at, text string) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		v.add(at, "want a URL with nothing but scheme, host and path")
		return
	}
	if err := providers.SecureURL(u); err != nil {
		v.add(at, "%v", err)
	}
}

func (v *validator) providerIDs() []string {
	var ids []string
	for _, p := range v.catalogue.All() {
		ids = append(ids, p.ID)
	}
	return ids
}

// enough problems are shown at once: who has more has one mistake many times.
const enough = 50

func (v *validator) add(at, format string, args ...any) {
	switch {
	case len(v.problems) < enough:
		v.problems = append(v.problems, v.problem(at, format, args...))
	case len(v.problems) == enough:
		v.problems = append(v.problems, strictyaml.Problem{File: v.file.Path, Message: "there are more mistakes; these come first"})
	}
}

func (v *validator) problem(at, format string, args ...any) strictyaml.Problem {
	p := v.decoded.Problem(at, format, args...)
	p.Source = shown(p.Source)
	return p
}

// publicLine is a line that holds no value of a credential: one of the fields
// that are shown as they stand.
var publicLine = regexp.MustCompile(`^\s*(?:-\s+)?(?:name|provider|owner|tags|scopes|expires|environment|base_url|scenarios|control|credentials|env_files)\s*:[^{]*$`)

// shown is a source line without what may be a secret: of a line that is not
// known to hold none, what stands before the first colon.
func shown(line string) string {
	if publicLine.MatchString(line) {
		return line
	}
	key, _, found := strings.Cut(line, ":")
	if !found || len(strings.TrimSpace(key)) > 40 {
		return ""
	}
	return key + ": …"
}

var quotedText = regexp.MustCompile(`"[^"]*"|'[^']*'`)

// withoutValues takes quotations out of a message of the YAML library, unless
// it is the name of a field that it quotes.
func withoutValues(message string) string {
	for _, aboutKeys := range []string{"unknown field ", "mapping key ", "duplicate key "} {
		if strings.HasPrefix(message, aboutKeys) {
			return message
		}
	}
	return quotedText.ReplaceAllString(message, "…")
}

// Missing returns the environment variables that credentials want and lookup
// does not find, sorted, with the names of the credentials.
func (f *File) Missing(lookup func(string) (string, bool)) []Missing {
	wanted := map[string][]string{}
	for _, c := range f.Credentials {
		for _, field := range slices.Sorted(maps.Keys(c.Values)) {
			r := c.Values[field]
			if r.Source != Env {
				continue
			}
			if value, _ := lookup(r.Target); strings.TrimSpace(value) == "" {
				if !slices.Contains(wanted[r.Target], c.Name) {
					wanted[r.Target] = append(wanted[r.Target], c.Name)
				}
			}
		}
	}
	var missing []Missing
	for _, variable := range slices.Sorted(maps.Keys(wanted)) {
		missing = append(missing, Missing{variable, wanted[variable]})
	}
	return missing
}

// A Missing variable, and the credentials that want it.
type Missing struct {
	Variable    string
	Credentials []string
}

// in returns a name relative to the file's folder as one that can be opened.
func (f *File) in(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.Path), name)
}
