// Package mock serves simulated providers over HTTP or HTTPS, for clients in
// any language. It adds to a simulator what a network has: ports, certificates,
// limits, an access log, and faults on demand.
package mock

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// Limits of every connection. Faults that take longer lift them for their
// own response.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second // to read a request, and again to write its response
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	maxRequestBody = 1 << 20
	stopTimeout    = 2 * time.Second
)

// Options say how simulators are served. The zero value is plain HTTP on free
// ports of this machine, with no log.
type Options struct {
	Host   string // to listen on; empty: 127.0.0.1
	Port   int    // of the first provider, the others follow; 0: free ones
	Prefix bool   // one port for all, each below a path of its name
	TLS    bool   // HTTPS, with a certificate made for the purpose: see Server.CA
	Limits bool   // keep the documented rate limits

	Control      bool   // serve ControlPath
	ControlToken string // that a control request must carry as bearer token; empty: none
	HeaderFaults bool   // honour FaultHeader; Control does too
	Faults       []*Fault
	Seed         uint64 // of the faults that come at a rate

	Log      io.Writer        // gets a line a request; nil: no log
	Redactor *redact.Redactor // erases secrets from the log; it learns the test credentials
}

// An Endpoint is where a simulated provider is served and whom it accepts.
type Endpoint struct {
	ID          string                           `json:"id"`
	BaseURL     string                           `json:"base_url"`
	Credentials providers.Credentials            `json:"credentials"`
	Special     map[string]providers.Credentials `json:"special"` // "locked" and "revoked" are refused, "limited" has one scope
}

// A Server serves simulated providers until it is stopped.
type Server struct {
	opts      Options
	served    []*served
	endpoints []Endpoint
	servers   []*http.Server
	ca        []byte
	log       *accessLog
	requests  atomic.Int64
	stop      sync.Once
	stopping  chan struct{}
	failed    chan error
}

// Start listens and serves the simulators; what they answer follows what
// their clients and Options make of them. The error is a port that is taken,
// or an option that cannot be.
func Start(simulators []*simulator.Simulator, opts Options) (*Server, error) {
	if opts.Host == "" {
		opts.Host = "127.0.0.1"
	}
	if opts.Redactor == nil {
		opts.Redactor = redact.New()
	}
	s := &Server{opts: opts, stopping: make(chan struct{}), failed: make(chan error, 1)}
	for _, sim := range simulators {
		p, err := newServed(s, sim)
		if err != nil {
			return nil, err
		}
		s.served = append(s.served, p)
	}
	config, err := s.certify()
	if err != nil {
		return nil, err
	}
	listeners, err := s.listen()
	if err != nil {
		return nil, err
	}
	s.log = newAccessLog(opts.Log, opts.Redactor.String)
	for i, l := range listeners {
		var handler http.Handler = s.served[i]
		if opts.Prefix {
			handler = http.HandlerFunc(s.servePrefixes)
		}
		s.serve(l, handler, config)
	}
	return s, nil
}

// listen opens every port or none, and notes the base URLs.
func (s *Server) listen() (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				_ = l.Close() // it has served nobody
			}
		}
	}()
	for i, p := range s.served {
		id := p.provider.ID
		prefix := ""
		if s.opts.Prefix {
			prefix = "/" + id
		}
		if !s.opts.Prefix || i == 0 {
			port := s.opts.Port
			if port != 0 {
				port += i
			}
			l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(s.opts.Host, strconv.Itoa(port)))
			if errors.Is(err, syscall.EADDRINUSE) {
				return listeners, fmt.Errorf("%s: port %d of %s is taken: choose another first port, or 0 for free ones", id, port, s.opts.Host)
			}
			if err != nil {
				return listeners, fmt.Errorf("%s: %w", id, err)
			}
			listeners = append(listeners, l)
		}
		s.endpoints = append(s.endpoints, Endpoint{
			ID: id, BaseURL: s.baseURL(listeners[len(listeners)-1]) + prefix,
			Credentials: p.sim.Credentials(), Special: p.sim.SpecialClients(),
		})
	}
	return listeners, nil
}

func (s *Server) baseURL(l net.Listener) string {
	scheme, host := "http", s.opts.Host
	if s.opts.TLS {
		scheme = "https"
	}
	switch ip := net.ParseIP(host); {
	case ip == nil, !ip.IsUnspecified():
	case ip.To4() != nil:
		host = "127.0.0.1"
	default:
		host = "::1"
	}
	_, port, _ := net.SplitHostPort(l.Addr().String()) // a listener's address has one
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (s *Server) serve(l net.Listener, handler http.Handler, config *tls.Config) {
	var protocols http.Protocols
	protocols.SetHTTP1(true) // HTTP/2 has no connection to reset, nor a length to fall short of
	server := &http.Server{
		Handler: handler, TLSConfig: config, Protocols: &protocols,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: log.New(s.log, "", 0),
	}
	s.servers = append(s.servers, server)
	go func() {
		var err error
		if config != nil {
			err = server.ServeTLS(l, "", "")
		} else {
			err = server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- err:
			default: // one reason to stop is enough
			}
		}
	}()
}

// Endpoints returns what is served, in the order of the simulators.
func (s *Server) Endpoints() []Endpoint { return s.endpoints }

// CA returns the certificate authority to trust, as PEM; nil without TLS. Its
// key is not kept: it has signed the server's certificate and nothing else.
func (s *Server) CA() []byte { return s.ca }

// Failed delivers the error of a listener that broke down.
func (s *Server) Failed() <-chan error { return s.failed }

// Requests returns how many requests were answered.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// Stop answers the requests that have begun, but for those that a fault
// holds up, and closes every port. After two seconds it closes them anyway.
func (s *Server) Stop() { s.stop.Do(s.shutDown) }

func (s *Server) shutDown() {
	close(s.stopping)
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, server := range s.servers {
		wg.Go(func() {
			if server.Shutdown(ctx) != nil {
				_ = server.Close() // nobody to tell
			}
		})
	}
	wg.Wait()
	s.log.close()
}

// servePrefixes finds the provider by the first part of the path.
func (s *Server) servePrefixes(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == healthPath {
		serveHealth(w, r)
		return
	}
	var known []string
	for _, p := range s.served {
		prefix := "/" + p.provider.ID
		if r.URL.Path == prefix || strings.HasPrefix(r.URL.Path, prefix+"/") {
			http.StripPrefix(prefix, p).ServeHTTP(w, r)
			return
		}
		known = append(known, prefix)
	}
	writeError(w, http.StatusNotFound, fmt.Errorf("no provider at this path: there are %s", strings.Join(known, ", ")))
}
