package mock

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

const healthPath = "/healthz"

// served is one provider behind its port or prefix.
type served struct {
	server   *Server
	sim      *simulator.Simulator
	provider *providers.Provider
	faults   faults
	journal  *journal // nil without control
}

func newServed(s *Server, sim *simulator.Simulator) (*served, error) {
	p := &served{server: s, sim: sim, provider: sim.Provider()}
	for _, name := range append(p.provider.CallNames(), providers.TokenCall) {
		endpoint := p.provider.Auth.Token
		if name != providers.TokenCall {
			endpoint = p.provider.Calls[name].Endpoint
		}
		if path := endpoint.URL("", true); path == healthPath && !s.opts.Prefix || path == ControlPath || strings.HasPrefix(path, ControlPath+"/") {
			return nil, fmt.Errorf("%s: %s: the path %s is taken by the server itself: serve it with a prefix", p.provider.ID, name, path)
		}
	}
	if s.opts.Limits {
		sim.EnforceLimits()
	}
	if s.opts.Control {
		p.journal = new(journal)
	}
	p.faults.seed(s.opts.Seed, p.provider.ID)
	p.faults.set(s.opts.Faults)
	p.learnCredentials(s.opts.Redactor)
	return p, nil
}

func (p *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == healthPath && !p.server.opts.Prefix:
		serveHealth(w, r)
	case path == ControlPath, strings.HasPrefix(path, ControlPath+"/"):
		p.serveControl(w, r)
	default:
		p.serveProvider(w, r)
	}
}

func serveHealth(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuseMethod(w, "GET, HEAD")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

func refuseMethod(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, http.StatusMethodNotAllowed, fmt.Errorf("want %s", allow))
}

// serveProvider answers as the provider would, or as a fault has it.
func (p *served) serveProvider(w http.ResponseWriter, r *http.Request) {
	p.server.requests.Add(1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		writeError(w, http.StatusRequestEntityTooLarge, fmt.Errorf("the request body cannot be read, or is larger than %d MiB", maxRequestBody>>20))
		p.logRequest(r, "body refused", http.StatusRequestEntityTooLarge, "")
		return
	}
	fault, note, err := p.faultOf(r, body)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		p.logRequest(r, "bad fault", http.StatusBadRequest, "")
		return
	}
	if fault != nil {
		p.spoil(w, r, body, fault)
		return
	}
	resp := p.respond(r, body)
	p.noted(r, body, resp, "")
	p.logRequest(r, resp.Situation, resp.Status, note)
	resp.Send(w)
}

// respond asks the simulator, and dates the response by its clock.
func (p *served) respond(r *http.Request, body []byte) *simulator.Response {
	resp := p.sim.Respond(r, body)
	if now := p.sim.Now(); time.Until(now) > time.Second {
		resp.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	return resp
}

// faultOf returns the fault that a request asks for or meets by chance, and a
// note for the log.
func (p *served) faultOf(r *http.Request, body []byte) (fault *Fault, note string, err error) {
	if asked := r.Header.Values(FaultHeader); len(asked) > 0 {
		if !p.server.opts.HeaderFaults && !p.server.opts.Control {
			return nil, FaultHeader + " ignored: start with --faults", nil
		}
		fault, err = ParseFault(strings.Join(asked, ","))
		if err == nil && (fault.rate < 1 || fault.times > 0 || fault.on != "") {
			err = fmt.Errorf("rate, times and on mean something for many requests: leave them out of %s", FaultHeader)
		}
		return fault, "", err
	}
	return p.faults.pick(func() string {
		call, _, _ := strings.Cut(p.sim.Judge(r, body), "/")
		return call
	}), "", nil
}

// logRequest writes the line of a request: no query, no header, no body.
func (p *served) logRequest(r *http.Request, situation string, status int, note string) {
	if p.server.opts.Log == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s → %s", p.provider.ID, r.Method, p.logPath(r), situation)
	if status != 0 {
		b.WriteString(" " + strconv.Itoa(status))
	}
	if note != "" {
		b.WriteString(" (" + note + ")")
	}
	b.WriteByte('\n')
	p.server.log.line(b.String())
}

// logPath is the path as it was sent: percent-encoded, so that it cannot end
// the line, and without tokens, should someone put one there.
func (p *served) logPath(r *http.Request) string {
	const longest = 200
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range parts {
		if len(part) >= redactedAtLeast && p.sim.Knows(part) {
			parts[i] = "<redacted:ACCESS_TOKEN>"
		}
	}
	path := p.server.opts.Redactor.String(strings.Join(parts, "/"))
	if len(path) > longest {
		path = path[:longest] + "…"
	}
	return path
}
