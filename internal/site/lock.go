package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// LockFile is the name of the file that notes what was published.
const LockFile = "authspec-docs.lock.json"

// A Lock is what was published of each provider, and how that has changed.
type Lock struct {
	Version   int                      `json:"version"`
	Providers map[string]*LockProvider `json:"providers"`
}

// A LockProvider is the contract of one provider, as facts, and its changes,
// the latest first.
type LockProvider struct {
	Contract map[string]string `json:"contract"`
	Changes  []Change          `json:"changes,omitempty"`
}

// A Change is what one publication changed.
type Change struct {
	Date  string   `json:"date"`
	Lines []string `json:"lines"`
}

const (
	lockVersion = 1
	maxChanges  = 20 // of each provider
)

// ReadLock reads a lock file; nil when there is none.
func ReadLock(file string) (*Lock, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := new(Lock)
	if err := json.Unmarshal(content, l); err != nil {
		return nil, fmt.Errorf("%s: %w: mend it or remove it", file, err)
	}
	if l.Version != lockVersion {
		return nil, fmt.Errorf("%s: version %d, this authspec knows %d", file, l.Version, lockVersion)
	}
	return l, nil
}

// JSON is the content of the lock file.
func (l *Lock) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(l) // maps of strings cannot fail
	return b.Bytes()
}

// next returns a lock to publish into: the old one's providers by reference,
// none of which publish changes.
func (l *Lock) next() *Lock {
	out := &Lock{Version: lockVersion, Providers: map[string]*LockProvider{}}
	if l != nil {
		maps.Copy(out.Providers, l.Providers)
	}
	return out
}

// publish notes a contract and returns its changes, the latest first. The
// first time nothing has changed.
func (l *Lock) publish(id string, contract map[string]string, now time.Time) []Change {
	old := l.Providers[id]
	out := &LockProvider{Contract: contract}
	if old != nil {
		out.Changes = old.Changes
		if lines := difference(old.Contract, contract); len(lines) > 0 {
			out.Changes = append([]Change{{now.UTC().Format(time.DateOnly), lines}}, old.Changes...)
		}
	}
	out.Changes = out.Changes[:min(len(out.Changes), maxChanges)]
	l.Providers[id] = out
	return out.Changes
}

// difference says in sentences how one contract differs from another.
func difference(old, new map[string]string) []string {
	var lines []string
	keys := maps.Clone(old)
	maps.Copy(keys, new)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		before, was := old[key]
		after, is := new[key]
		kind, name, _ := strings.Cut(key, " ")
		kind = strings.ToUpper(kind[:1]) + kind[1:]
		subject := strings.TrimSpace(kind + " " + name)
		switch {
		case !was:
			lines = append(lines, fmt.Sprintf("%s added: %s", subject, after))
		case !is:
			lines = append(lines, fmt.Sprintf("%s removed: it was %s", subject, before))
		case before != after:
			lines = append(lines, fmt.Sprintf("%s changed: %s, was %s", subject, after, before))
		}
	}
	return lines
}

// contract is what clients rely on, as facts by name: "error token/invalid_scope".
func (page *providerPage) contract() map[string]string {
	p := page.Provider
	facts := map[string]string{"scheme": page.Scheme}
	if p.HasToken() {
		facts["token endpoint"] = p.Auth.Token.Method() + " " + p.Auth.Token.URL(p.BaseURL, false)
		facts["client authentication"] = p.Auth.ClientAuth
		facts["token form"] = tokenForm(p)
		if page.Lives.Short() != "" {
			facts["token lifetime"] = page.Lives.Short()
		}
	}
	for _, need := range page.Needs {
		facts["credential "+need.Field] = "needed"
	}
	for _, s := range page.Scopes {
		facts["scope "+s.Name] = "known"
	}
	for _, call := range p.CallNames() {
		e := p.Calls[call].Endpoint
		facts["call "+call] = e.Method() + " " + e.URL(p.BaseURL, false)
	}
	for name, l := range p.Limits {
		facts["limit "+name] = fmt.Sprintf("%d per %s", l.Requests, span(time.Duration(l.Per)))
	}
	for _, s := range page.Successes {
		facts["status "+s.Call] = fmt.Sprint(s.Fixture.Status)
		for _, f := range s.Fields {
			facts["field "+s.Call+"."+f.Path] = f.Type
		}
	}
	for _, e := range page.Errors {
		facts["error "+e.Name()] = strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code))
		for _, also := range e.Also {
			facts["error "+e.Call+"/"+also] = facts["error "+e.Name()]
		}
	}
	return facts
}
