package mock_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A running server, and a client that trusts it.
type running struct {
	*mock.Server
	t      *testing.T
	client *http.Client
	log    *log
}

func start(t *testing.T, opts mock.Options, ids ...string) *running {
	t.Helper()
	l := new(log)
	opts.Log = l
	server, err := mock.Start(simulators(t, ids...), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	roots := x509.NewCertPool()
	if opts.TLS && !roots.AppendCertsFromPEM(server.CA()) {
		t.Fatal("no certificate authority")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &running{server, t, client, l}
}

func simulators(t testing.TB, ids ...string) []*simulator.Simulator {
	t.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 {
		for _, p := range catalogue.All() {
			ids = append(ids, p.ID)
		}
	}
	var list []*simulator.Simulator
	for _, id := range ids {
		p, err := catalogue.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := simulator.New(p, fixtures.Files)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sim)
	}
	return list
}

// A log is written by the server while a test reads it.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (r *running) endpoint(id string) mock.Endpoint {
	r.t.Helper()
	for _, e := range r.Endpoints() {
		if e.ID == id {
			return e
		}
	}
	r.t.Fatalf("no endpoint %s", id)
	return mock.Endpoint{}
}

// A response that has been read.
type response struct {
	status int
	header http.Header
	body   string
}

func (r *running) try(method, target string, header http.Header, body string) (response, error) {
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		return response{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(content)}, err
}

func (r *running) send(method, target string, header http.Header, body string) response {
	r.t.Helper()
	resp, err := r.try(method, target, header, body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, target, err)
	}
	return resp
}

var formType = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// token requests a token at an OAuth provider of ours.
func (r *running) token(e mock.Endpoint, creds providers.Credentials, scope string) response {
	r.t.Helper()
	return r.send("POST", e.BaseURL+"/oauth/token", formType, tokenForm(creds, scope))
}

func tokenForm(creds providers.Credentials, scope string) string {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope},
		"client_id": {creds["client_id"]}, "client_secret": {creds["client_secret"]},
	}.Encode()
}

func (r *running) me(e mock.Endpoint, token string) response {
	r.t.Helper()
	return r.send("GET", e.BaseURL+"/api/v1/me", bearer(token), "")
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func (r *running) control(e mock.Endpoint, what, body string) response {
	r.t.Helper()
	return r.send("POST", e.BaseURL+mock.ControlPath+"/"+what, nil, body)
}

func field(t *testing.T, resp response, name string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(resp.body), &fields); err != nil {
		t.Fatalf("status %d, body %q: %v", resp.status, resp.body, err)
	}
	s, _ := fields[name].(string)
	return s
}

func TestEachProviderIsServedWhereItsEndpointSays(t *testing.T) {
	for _, opts := range []mock.Options{{}, {Prefix: true}, {TLS: true}, {TLS: true, Prefix: true}, {Host: "::1", TLS: true}, {Host: "localhost"}} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			if opts.Host == "::1" {
				l, err := net.Listen("tcp", "[::1]:0")
				if err != nil {
					t.Skip("no IPv6 here")
				}
				l.Close()
			}
			s := start(t, opts)
			ports := map[string]bool{}
			for _, e := range s.Endpoints() {
				u, err := url.Parse(e.BaseURL)
				if err != nil {
					t.Fatal(err)
				}
				ports[u.Port()] = true
				u.Path = "/healthz"
				if got := s.send("GET", u.String(), nil, ""); got.status != 200 || got.body != "ok\n" {
					t.Errorf("%s: %d %q", u, got.status, got.body)
				}
				if got := s.send("POST", u.String(), nil, ""); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
					t.Errorf("POST %s: %d, Allow %q", u, got.status, got.header.Get("Allow"))
				}
			}
			if want := map[bool]int{false: 3, true: 1}[opts.Prefix]; len(ports) != want {
				t.Errorf("%d ports, want %d", len(ports), want)
			}
			ankorstore := s.endpoint("ankorstore")
			if got := s.me(ankorstore, field(t, s.token(ankorstore, ankorstore.Credentials, "*"), "access_token")); got.status != 200 {
				t.Errorf("me: %d %s", got.status, got.body)
			}
		})
	}
}

func TestAPrefixThatIsNoProviderSaysWhichThereAre(t *testing.T) {
	s := start(t, mock.Options{Prefix: true}, "antsomi", "gigastore")
	base := strings.TrimSuffix(s.endpoint("antsomi").BaseURL, "/antsomi")
	got := s.send("GET", base+"/antsom/oauth/token", nil, "")
	if got.status != 404 || !strings.Contains(got.body, "there are /antsomi, /gigastore") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAnUnknownPathIsTheSimulatorsToAnswer(t *testing.T) {
	s := start(t, mock.Options{}, "antsomi")
	for _, path := range []string{"/", "//oauth/token", "/oauth/token/", "/nothing"} {
		if got := s.send("POST", s.endpoint("antsomi").BaseURL+path, nil, ""); got.status != 501 || got.header.Get(simulator.UndocumentedHeader) != "unknown_call" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestTheCertificateIsForThisMachineAndSignedByTheAuthority(t *testing.T) {
	s := start(t, mock.Options{TLS: true, Host: "127.0.0.1"}, "antsomi")
	u, _ := url.Parse(s.endpoint("antsomi").BaseURL)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	for _, name := range []string{"127.0.0.1", "::1", "localhost"} {
		conn, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close()
	}
	if _, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: roots, ServerName: "example.com"}); err == nil {
		t.Error("the certificate is good for example.com")
	}
	if _, err := tls.Dial("tcp", u.Host, &tls.Config{}); err == nil {
		t.Error("the certificate is trusted without its authority")
	}
	if _, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestATakenPortIsSaidByNumber(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = mock.Start(simulators(t, "antsomi"), mock.Options{Port: port})
	if want := fmt.Sprintf("antsomi: port %d of 127.0.0.1 is taken: choose another first port, or 0 for free ones", port); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestPortsFollowTheFirst(t *testing.T) {
	for first := 20000; first < 20200; first += 10 {
		server, err := mock.Start(simulators(t), mock.Options{Port: first})
		if err != nil {
			continue
		}
		defer server.Stop()
		for i, e := range server.Endpoints() {
			if want := fmt.Sprintf("http://127.0.0.1:%d", first+i); e.BaseURL != want {
				t.Errorf("got %s, want %s", e.BaseURL, want)
			}
		}
		return
	}
	t.Fatal("no three free ports in a row")
}

func TestLargeRequestsAreRefused(t *testing.T) {
	s := start(t, mock.Options{}, "antsomi")
	target := s.endpoint("antsomi").BaseURL + "/oauth/token"
	if got, err := s.try("POST", target, formType, strings.Repeat("x", 1<<20+1)); err == nil && got.status != 413 {
		t.Errorf("body: %d", got.status)
	}
	if got, err := s.try("POST", target, http.Header{"X-Large": {strings.Repeat("x", 64<<10)}}, ""); err == nil && got.status != 431 {
		t.Errorf("header: %d", got.status)
	}
}

func TestStopEndsWhatAFaultHoldsUp(t *testing.T) {
	s := start(t, mock.Options{HeaderFaults: true}, "antsomi")
	target := s.endpoint("antsomi").BaseURL + "/oauth/token"
	ended := make(chan error, 1)
	go func() {
		_, err := s.try("POST", target, http.Header{mock.FaultHeader: {"latency=1m"}}, "")
		ended <- err
	}()
	idle, err := net.Dial("tcp", strings.TrimPrefix(s.endpoint("antsomi").BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	s.Stop()
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := s.try("GET", s.endpoint("antsomi").BaseURL+"/healthz", nil, ""); err == nil {
		t.Error("it still answers")
	}
}

func TestTheLogHasALineARequestAndNoSecret(t *testing.T) {
	s := start(t, mock.Options{}, "antsomi")
	e := s.endpoint("antsomi")
	token := field(t, s.token(e, e.Credentials, "item"), "accessToken")
	s.token(e, e.Credentials, "nonsense")
	s.send("GET", e.BaseURL+"/by/"+token+"/path?access_token="+token, bearer(token), "")
	s.send("GET", e.BaseURL+"/by/"+url.PathEscape(e.Credentials["client_secret"])+"/%0Apath%1b[31m", nil, "")
	s.send("GET", e.BaseURL+"/oauth/token", http.Header{mock.FaultHeader: {"reset"}}, "")
	s.Stop()
	want := `antsomi POST /oauth/token → token/issued 200
antsomi POST /oauth/token → token/invalid_scope 400
antsomi GET /by/<redacted:ACCESS_TOKEN>/path → unknown_call 501
antsomi GET /by/<redacted:ANTSOMI_CLIENT_SECRET>/%0Apath%1b[31m → unknown_call 501
antsomi GET /oauth/token → unknown_call 501 (Authspec-Fault ignored: start with --faults)
`
	if got := s.log.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// A test that starts a server and does not read its standard error must not
// stop it.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	r, w := io.Pipe() // blocks until it is read
	server, err := mock.Start(simulators(t, "antsomi"), mock.Options{Log: w})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	for range 3000 {
		resp, err := http.Get(server.Endpoints()[0].BaseURL + "/nothing")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	var read bytes.Buffer
	go func() { time.Sleep(time.Second); r.CloseWithError(errors.New("enough")) }()
	go server.Stop()
	_, _ = io.Copy(&read, r)
	if got := read.String(); !strings.Contains(got, "lines left out: nobody read them in time") {
		t.Errorf("%d bytes, and not a word on what was left out", len(got))
	}
}

func TestLimitsAreKeptWhereAsked(t *testing.T) {
	s := start(t, mock.Options{Limits: true, Control: true}, "ankorstore")
	e := s.endpoint("ankorstore")
	for i := range 60 {
		if got := s.token(e, e.Credentials, "*"); got.status != 200 {
			t.Fatalf("request %d: %d %s", i+1, got.status, got.body)
		}
	}
	s.control(e, "clock", `{"advance": "59m"}`)
	got := s.token(e, e.Credentials, "*")
	if got.status != 429 || got.header.Get("Retry-After") != "60" || got.header.Get("X-RateLimit-Limit") != "60" || got.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("the 61st: %d %v", got.status, got.header)
	}
	s.control(e, "clock", `{"advance": "1m"}`)
	if got := s.token(e, e.Credentials, "*"); got.status != 200 {
		t.Errorf("an hour later: %d %s", got.status, got.body)
	}
}

func TestSpecialClients(t *testing.T) {
	s := start(t, mock.Options{})
	antsomi, ankorstore := s.endpoint("antsomi"), s.endpoint("ankorstore")
	for _, test := range []struct {
		e       mock.Endpoint
		client  string
		scope   string
		status  int
		problem string
	}{
		{antsomi, "limited", "event", 200, ""},
		{antsomi, "limited", "item", 400, "invalid_scope"},
		{antsomi, "revoked", "item", 400, "invalid_client"},
		{antsomi, "locked", "item", 400, "invalid_client"},
		{ankorstore, "revoked", "*", 401, "invalid_client"},
		{ankorstore, "locked", "*", 401, "invalid_client"},
	} {
		creds, ok := test.e.Special[test.client]
		if !ok {
			t.Errorf("%s: no client %s", test.e.ID, test.client)
			continue
		}
		got := s.token(test.e, creds, test.scope)
		if got.status != test.status || !strings.Contains(got.body, test.problem) {
			t.Errorf("%s %s %s: %d %s", test.e.ID, test.client, test.scope, got.status, got.body)
		}
	}
	if _, ok := ankorstore.Special["limited"]; ok {
		t.Error("ankorstore has one scope only, and a client limited to one")
	}
}
