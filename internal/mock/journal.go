package mock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// What a journal keeps is bounded.
const (
	journalLength = 1000    // requests
	journalBody   = 8 << 10 // bytes; a longer body is not kept
)

// redactedAtLeast is the length of the shortest word that is looked at as a
// token in a place where no token belongs.
const redactedAtLeast = 12

// A journal holds the last requests to a provider. It holds secrets.
type journal struct {
	mu    sync.Mutex
	notes []note // as a ring, once it is full
	next  int
}

type note struct {
	at                  time.Time
	method, path, query string
	header              http.Header
	body                []byte // nil if it was too long
	length              int    // of the whole body
	situation           string
	status              int
	fault               string
	token               string // issued by the response
}

func (p *served) noted(r *http.Request, body []byte, resp *simulator.Response, fault string) {
	if p.journal == nil {
		return
	}
	n := note{
		at: p.sim.Now(), method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, header: r.Header, length: len(body),
		situation: resp.Situation, status: resp.Status, fault: fault, token: resp.Token,
	}
	if len(body) <= journalBody {
		n.body = body
	}
	p.journal.add(n)
}

func (j *journal) add(n note) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.notes) < journalLength {
		j.notes = append(j.notes, n)
		return
	}
	j.notes[j.next] = n
	j.next = (j.next + 1) % journalLength
}

// all returns the notes, the oldest first.
func (j *journal) all() []note {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Concat(j.notes[j.next:], j.notes[:j.next])
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes, j.next = nil, 0
}

// A received is a request as it is shown, without its secrets.
type received struct {
	Time      string            `json:"time"` // by the simulator's clock
	Method    string            `json:"method"`
	Path      string            `json:"path,omitempty"`
	Query     string            `json:"query,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"` // several values are joined (RFC 9110 5.3)
	Body      string            `json:"body,omitempty"`
	Situation string            `json:"situation,omitempty"`
	Status    int               `json:"status"` // 0: the connection was reset
	Fault     string            `json:"fault,omitempty"`
	Hidden    string            `json:"hidden,omitempty"` // why the rest is not shown
}

// learnCredentials tells the redactor the credentials of the provider's
// clients by the names of their variables.
func (p *served) learnCredentials(r *redact.Redactor) {
	fields := p.provider.Credentials
	valid := p.sim.Credentials()
	for field, value := range valid {
		r.Add(fields[field], value)
	}
	for client, creds := range p.sim.SpecialClients() {
		for field, value := range creds {
			if value != valid[field] {
				r.Add(fields[field]+" "+client, value)
			}
		}
	}
}

// received returns the requests noted, as JSON without secrets: credentials,
// tokens, and whatever was sent where a secret belongs, wherever else it
// stands. It fails if one is left.
func (p *served) received() ([]byte, error) {
	notes := p.journal.all()
	secrets := redact.New()
	p.learnCredentials(secrets)
	for _, n := range notes {
		if n.token != "" {
			secrets.Add("ACCESS_TOKEN", n.token)
		}
	}
	readable := make([]bool, len(notes))
	for i, n := range notes {
		var sent []sentSecret
		sent, readable[i] = p.secretsIn(n)
		for _, s := range sent {
			if !erased.MatchString(secrets.String(s.value)) { // else it has a name already
				readable[i] = secrets.Add(s.name, s.value) && readable[i]
			}
		}
	}
	shown := make([]received, len(notes))
	for i, n := range notes {
		shown[i] = received{Time: n.at.UTC().Format("2006-01-02T15:04:05.000Z"), Method: n.method, Situation: n.situation, Status: n.status, Fault: n.fault}
		if !readable[i] {
			shown[i].Hidden = "a body that is no form and no JSON, or a secret too short to be erased"
			continue
		}
		shown[i].show(n, secrets)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // <redacted:NAME> is to be read
	e.SetIndent("", "  ")
	if err := e.Encode(map[string][]received{"requests": shown}); err != nil {
		return nil, err
	}
	if name, leaks := secrets.Leak(b.Bytes()); leaks {
		return nil, fmt.Errorf("a secret (%s) is left in what would be shown: this is a defect of authspec, please report it", name)
	}
	return b.Bytes(), nil
}

// show fills in what was sent, without its secrets.
func (r *received) show(n note, secrets *redact.Redactor) {
	r.Path, r.Query, r.Body = secrets.String(n.path), secrets.String(n.query), secrets.String(string(n.body))
	if n.body == nil && n.length > 0 {
		r.Body = fmt.Sprintf("<%d bytes, not kept>", n.length)
	}
	r.Headers = map[string]string{}
	for name, values := range n.header {
		r.Headers[name] = secrets.String(strings.Join(values, ", "))
	}
}

type sentSecret struct{ name, value string }

var (
	// sensitive are the names of parameters and headers that carry secrets;
	// dots stand between the names of JSON objects inside each other.
	sensitive = regexp.MustCompile(`(?i)secret|password|passwd|token|assertion|authorization|cookie|signature|api.?key|(^|[-_.])(key|code|auth)(\.|$)`)
	// harmless are names that only look so.
	harmless = regexp.MustCompile(`(?i)^(grant_type|token_type.*|client_assertion_type|requested_token_type)$`)
	// authScheme is what stands before the secret in an Authorization header.
	authScheme = regexp.MustCompile(`(?i)^(apikey|basic|bearer|digest|dpop|key|token) +`)
	paramName  = regexp.MustCompile(`^[\w.\[\]-]+$`)
	erased     = regexp.MustCompile(`^<redacted:[^<>]*>$`)
	word       = regexp.MustCompile(`[A-Za-z0-9._-]+`)
)

// secretsIn returns what a request carries where a secret belongs, and every
// known token wherever it stands. It is not readable if nobody can tell what
// is a secret in its body.
func (p *served) secretsIn(n note) (found []sentSecret, readable bool) {
	const token = "ACCESS_TOKEN"
	add := func(name, value string) {
		switch {
		case value == "":
		case p.sim.Knows(value):
			found = append(found, sentSecret{token, value})
		default:
			found = append(found, sentSecret{"SENT " + name, value})
		}
	}
	texts := []string{n.path, n.query, string(n.body)}
	for name, values := range n.header {
		texts = append(texts, values...)
		if !sensitive.MatchString(name) && !carriesCredential(p.provider, name) {
			continue
		}
		for _, v := range values {
			request := http.Request{Header: http.Header{"Authorization": {v}}}
			if user, password, ok := request.BasicAuth(); ok {
				add("user", user)
				add("password", password)
			}
			add(name, authScheme.ReplaceAllString(v, ""))
		}
	}
	each := func(name, value string) {
		texts = append(texts, value)
		_, isField := p.provider.Credentials[name]
		if isField || name == p.provider.Auth.Query || sensitive.MatchString(name) && !harmless.MatchString(name) {
			add(name, value)
		}
	}
	eachPair(n.query, each)
	readable = eachParam(n.body, each)
	for _, text := range texts {
		for _, w := range word.FindAllString(text, -1) {
			if len(w) >= redactedAtLeast && p.sim.Knows(w) {
				found = append(found, sentSecret{token, w})
			}
		}
	}
	// A token keeps its name wherever else it was sent.
	slices.SortStableFunc(found, func(a, b sentSecret) int { return cmp.Compare(rankOf(a.name == token), rankOf(b.name == token)) })
	return found, readable
}

func rankOf(first bool) int {
	if first {
		return 0
	}
	return 1
}

// eachParam visits every parameter of a body, of a form or of JSON at any
// depth, whatever its content type says. It reports false for anything else.
func eachParam(body []byte, visit func(name, value string)) bool {
	if len(body) == 0 {
		return true
	}
	if json.Valid(body) {
		var walk func(name string, v gjson.Result)
		walk = func(name string, v gjson.Result) {
			if !v.IsObject() && !v.IsArray() {
				visit(name, v.String())
				return
			}
			v.ForEach(func(key, inner gjson.Result) bool {
				if v.IsObject() {
					walk(strings.TrimPrefix(name+"."+key.Str, "."), inner)
				} else {
					walk(name, inner)
				}
				return true
			})
		}
		walk("", gjson.ParseBytes(body))
		return true
	}
	return eachPair(string(body), visit)
}

// eachPair visits the parameters of a query or a form, also those that are
// wrongly encoded, as they stand. It reports false if it cannot be either.
func eachPair(text string, visit func(name, value string)) bool {
	form := true
	for _, pair := range strings.FieldsFunc(text, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		form = form && paramName.MatchString(name)
		if decoded, err := url.QueryUnescape(value); err == nil && decoded != value {
			visit(name, decoded)
		}
		visit(name, value)
	}
	return form
}

// carriesCredential reports whether the provider file puts a credential into a
// header.
func carriesCredential(p *providers.Provider, header string) bool {
	if strings.EqualFold(header, p.Auth.Header) {
		return true
	}
	for name, value := range p.Auth.Headers {
		if strings.EqualFold(header, name) && strings.Contains(value, "{") {
			return true
		}
	}
	return false
}
