package providers

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/authspec/authspec/internal/suggest"
)

// A Catalogue is a set of providers, by ID. It does not change once loaded.
type Catalogue struct {
	byID map[string]*Provider
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// idLike returns the ID nearest to name.
func idLike(name string) string {
	id := regexp.MustCompile(`[^a-z0-9._-]+`).ReplaceAllString(strings.ToLower(name), "-")
	if id = strings.TrimLeft(id, "._-"); id == "" {
		return "example"
	}
	return id
}

// Load reads every *.yaml file at the root of fsys. The error lists what is
// wrong in all of them, each with file, line, column and the source line.
func Load(fsys fs.FS) (*Catalogue, error) {
	files, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	c := &Catalogue{byID: map[string]*Provider{}}
	var problems Problems
	names := map[string]string{}
	for _, file := range files {
		source, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		p, found := read("providers/"+file, source)
		problems = append(problems, found...)
		if p == nil {
			continue
		}
		p.ID = strings.TrimSuffix(path.Base(file), ".yaml")
		if !idPattern.MatchString(p.ID) {
			problems = append(problems, Problem{File: "providers/" + file, Message: "a provider file is named in lower-case letters, digits, dots and dashes: " + idLike(p.ID) + ".yaml"})
		}
		if other, taken := names[strings.ToLower(p.Name)]; taken && p.Name != "" {
			problems = append(problems, Problem{File: "providers/" + file, Message: fmt.Sprintf("the name %q is taken by %s", p.Name, other)})
		}
		names[strings.ToLower(p.Name)] = "providers/" + file
		c.byID[p.ID] = p
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// Parse reads one provider file; name is shown in errors, and its base name
// without the ending is the provider's ID.
func Parse(name string, source []byte) (*Provider, error) {
	p, problems := read(name, source)
	if len(problems) > 0 {
		return nil, problems
	}
	p.ID = strings.TrimSuffix(path.Base(name), path.Ext(name))
	return p, nil
}

// With returns a catalogue in which p stands in place of the provider of its
// ID, or beside the others if there is none.
func (c *Catalogue) With(p *Provider) *Catalogue {
	byID := maps.Clone(c.byID)
	byID[p.ID] = p
	return &Catalogue{byID: byID}
}

// Requiring returns a copy of the provider whose default scopes are these, and
// which knows them.
func (p *Provider) Requiring(scopes []string) *Provider {
	copied := *p
	known := copied.Auth.Scopes.Known
	if len(known) > 0 {
		known = maps.Clone(known)
		for _, s := range scopes {
			if _, ok := known[s]; !ok {
				known[s] = "required"
			}
		}
	}
	copied.Auth.Scopes.Known, copied.Auth.Scopes.Default = known, scopes
	return &copied
}

// All returns the providers sorted by ID.
func (c *Catalogue) All() []*Provider {
	var all []*Provider
	for _, id := range sortedKeys(c.byID) {
		all = append(all, c.byID[id])
	}
	return all
}

// Lookup finds a provider by ID or display name, in any case.
func (c *Catalogue) Lookup(name string) (*Provider, error) {
	if p, ok := c.byID[strings.ToLower(name)]; ok {
		return p, nil
	}
	var known []string
	for _, p := range c.All() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
		known = append(known, p.ID)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("no provider %q: there are no provider files", name)
	}
	return nil, fmt.Errorf("no provider %q%s: known are %s", name, suggest.DidYouMean(name, known), strings.Join(known, ", "))
}

// Situations are the standard names of what a token request can meet, and of
// what another call can; fixtures and "undocumented" use no others.
func Situations(call string) []string {
	if call == TokenCall {
		return []string{"invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "issued", "rate_limited", "unauthorized_client", "unsupported_grant_type"}
	}
	return []string{"expired_token", "insufficient_scope", "invalid_token", "missing_token", "ok", "rate_limited"}
}

// HasSituation reports whether "call/situation" can happen at this provider.
func (p *Provider) HasSituation(name string) bool {
	call, situation, _ := strings.Cut(name, "/")
	_, isCall := p.Calls[call]
	isToken := call == TokenCall && p.HasToken()
	return (isCall || isToken) && slices.Contains(Situations(call), situation)
}
