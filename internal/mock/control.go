package mock

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
)

// ControlPath is where a simulated provider is steered, below its base URL.
const ControlPath = "/_authspec"

const (
	maxControlBody = 64 << 10
	furthestClock  = 50 * 365 * 24 * time.Hour
)

// A controlled is one thing that can be steered. Its answer is what is
// written as JSON.
type controlled struct {
	name    string
	method  string
	field   string // the only field of its request body; empty: the body is empty, or {}
	example string // of a request body
	do      func(p *served, value json.RawMessage) (any, error)
}

// controls are all there is to steer, sorted by name.
var controls = []controlled{
	{"clock", http.MethodPost, "advance", `{"advance": "1h"}`, (*served).advance},
	{"faults", http.MethodPost, "faults", `{"faults": ["status=503,rate=0.1"]}`, (*served).setFaults},
	{"next", http.MethodPost, "situation", `{"situation": "token/invalid_scope"}`, (*served).force},
	{"requests", http.MethodGet, "", "", (*served).requests},
	{"reset", http.MethodPost, "", "", (*served).reset},
	{"revoke", http.MethodPost, "token", `{"token": "…"}`, (*served).revoke},
}

// A statusError is an error with the HTTP status that tells it.
type statusError struct {
	status int
	error
}

func (p *served) serveControl(w http.ResponseWriter, r *http.Request) {
	status, allow := http.StatusOK, ""
	answer, err := p.control(w, r, &allow)
	if err != nil {
		status = http.StatusBadRequest
		var s statusError
		if errors.As(err, &s) {
			status = s.status
		}
		if allow != "" {
			w.Header().Set("Allow", allow)
		}
		writeError(w, status, err)
	} else {
		writeJSON(w, status, answer)
	}
	p.logRequest(r, "control", status, "")
}

func (p *served) control(w http.ResponseWriter, r *http.Request, allow *string) (any, error) {
	opts := &p.server.opts
	switch {
	case !opts.Control:
		return nil, statusError{http.StatusNotFound, errors.New("this server is not to be steered: start authspec mock with --control")}
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		return nil, statusError{http.StatusForbidden, errors.New("a browser sent this: pages must not steer servers of this machine")}
	case opts.ControlToken != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+opts.ControlToken)) != 1:
		return nil, statusError{http.StatusUnauthorized, errors.New("want the control token: Authorization: Bearer TOKEN")}
	}
	c, err := controlNamed(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, ControlPath), "/"))
	if err != nil {
		return nil, statusError{http.StatusNotFound, err}
	}
	if r.Method != c.method {
		*allow = c.method
		return nil, statusError{http.StatusMethodNotAllowed, fmt.Errorf("%s: want %s", c.name, c.method)}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		return nil, statusError{http.StatusRequestEntityTooLarge, fmt.Errorf("%s: the body is larger than %d KiB", c.name, maxControlBody>>10)}
	}
	value, err := c.decode(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	answer, err := c.do(p, value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return answer, nil
}

func controlNamed(name string) (controlled, error) {
	var known []string
	for _, c := range controls {
		if c.name == name {
			return c, nil
		}
		known = append(known, c.name)
	}
	return controlled{}, fmt.Errorf("no %s/%s%s: there are %s", ControlPath, name, suggest.DidYouMean(name, known), strings.Join(known, ", "))
}

// decode returns the value of the one field that the body may have.
func (c controlled) decode(body []byte) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if len(body) > 0 {
		if err := json.Unmarshal(body, &fields); err != nil {
			return nil, c.want(fmt.Sprintf("the body is not a JSON object (%v)", err))
		}
	}
	for name := range fields {
		if name != c.field {
			return nil, c.want(fmt.Sprintf("no field %q%s", name, suggest.DidYouMean(name, []string{c.field})))
		}
	}
	value, given := fields[c.field]
	if c.field != "" && !given {
		return nil, c.want(fmt.Sprintf("the field %q is missing", c.field))
	}
	return value, nil
}

func (c controlled) want(problem string) error {
	if c.example == "" {
		return fmt.Errorf("%s: want no body", problem)
	}
	return fmt.Errorf("%s: want %s", problem, c.example)
}

func text(value json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(value, &s); err != nil || s == "" {
		return "", errors.New("want a string that is not empty")
	}
	return s, nil
}

func (p *served) advance(value json.RawMessage) (any, error) {
	s, err := text(value)
	if err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return nil, fmt.Errorf(`want a duration above 0 such as "1h" or "90s", got %q`, s)
	}
	if d > furthestClock || time.Until(p.sim.Now().Add(d)) > furthestClock {
		return nil, errors.New("the clock moves 50 years at most: reset sets it right")
	}
	p.sim.Advance(d)
	return map[string]string{"now": p.sim.Now().UTC().Format(time.RFC3339)}, nil
}

func (p *served) revoke(value json.RawMessage) (any, error) {
	token, err := text(value)
	if err != nil {
		return nil, err
	}
	if !p.sim.Revoke(token) {
		return nil, statusError{http.StatusNotFound, errors.New("this token is not known: it was not issued here, or is revoked, or was forgotten")}
	}
	return map[string]bool{"revoked": true}, nil
}

func (p *served) force(value json.RawMessage) (any, error) {
	situation, err := text(value)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, call := range append(p.provider.CallNames(), providers.TokenCall) {
		for _, name := range providers.Situations(call) {
			if _, answered := p.sim.Fixture(call + "/" + name); answered {
				known = append(known, call+"/"+name)
			}
		}
	}
	sort.Strings(known)
	if !slices.Contains(known, situation) {
		return nil, fmt.Errorf("no fixture answers %q%s: there are %s", situation, suggest.DidYouMean(situation, known), strings.Join(known, ", "))
	}
	if err := p.sim.Force(situation); err != nil {
		return nil, err
	}
	return map[string]string{"next": situation}, nil
}

func (p *served) setFaults(value json.RawMessage) (any, error) {
	var specs []string
	if err := json.Unmarshal(value, &specs); err != nil || specs == nil {
		return nil, errors.New(`want a list of faults, or [] for none: ["status=503,rate=0.1"]`)
	}
	var list []*Fault
	for _, spec := range specs {
		f, err := ParseFault(spec)
		if err == nil {
			err = f.CheckCall(append(p.provider.CallNames(), providers.TokenCall))
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	p.faults.set(list)
	return map[string][]string{"faults": specs}, nil
}

func (p *served) requests(json.RawMessage) (any, error) {
	shown, err := p.received()
	if err != nil {
		return nil, statusError{http.StatusInternalServerError, err}
	}
	return json.RawMessage(shown), nil
}

// reset makes the provider as it was at the start.
func (p *served) reset(json.RawMessage) (any, error) {
	p.sim.Reset()
	p.journal.clear()
	p.faults.seed(p.server.opts.Seed, p.provider.ID)
	p.faults.set(p.server.opts.Faults)
	return map[string]bool{"reset": true}, nil
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if raw, ok := v.(json.RawMessage); ok {
		_, _ = w.Write(raw) // the client is gone; there is no one to tell
		return
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // likewise; strings and bools cannot fail
}
