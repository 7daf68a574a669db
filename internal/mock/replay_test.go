package mock_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/mock"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// An exchange is a request that a scenario sent, and what came back.
type exchange struct {
	method, path string // with its query
	header       http.Header
	body         []byte
	response     answered
}

// An answered is what does not differ from one exchange to the next: times
// and tokens are masked.
type answered struct {
	Status    int
	Header    http.Header
	Body      string
	Situation string
	token     string
}

// mask takes out of a response what is new each time.
func mask(p *providers.Provider, status int, header http.Header, body []byte) answered {
	kept := http.Header{}
	for name, values := range header {
		if name != "Date" && name != "Content-Length" && name != "Connection" {
			kept[name] = values
		}
	}
	a := answered{Status: status, Header: kept, Body: string(body)}
	paths := p.Auth.Response
	a.token = gjson.Get(a.Body, paths.AccessToken).Str
	for _, path := range []string{paths.AccessToken, paths.ExpiresAt} {
		if v := gjson.Get(a.Body, path); path != "" && v.Exists() {
			a.Body = a.Body[:v.Index] + "<" + path + ">" + a.Body[v.Index+len(v.Raw):]
		}
	}
	return a
}

// capture runs the features in process and notes each scenario's exchanges.
func capture(t *testing.T) (order []string, scenarios map[string][]exchange) {
	t.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	scenarios = map[string][]exchange{}
	var current string
	var provider *providers.Provider
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			e := exchange{method: r.Method, path: r.URL.RequestURI(), header: r.Header.Clone()}
			if r.Body != nil {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				e.body, r.Body = body, io.NopCloser(bytes.NewReader(body))
			}
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body = io.NopCloser(bytes.NewReader(body))
			e.response = mask(provider, resp.StatusCode, resp.Header, body)
			scenarios[current] = append(scenarios[current], e)
			return resp, err
		})
	}
	result := run(t, nil, runner.Selection{}, runner.Options{Concurrency: 1, Wrap: wrap, Began: func(r *check.Result) {
		current = r.Provider + ": " + r.Scenario
		order = append(order, current)
		if provider, err = catalogue.Lookup(r.Provider); err != nil {
			t.Error(err)
		}
	}})
	if result.ExitCode() != check.ExitOK {
		t.Fatalf("exit %d", result.ExitCode())
	}
	return order, scenarios
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A rawClient sends a request as it is given, without our runner.
type rawClient func(t *testing.T, e exchange) (status int, header http.Header, body []byte)

// Two raw clients send what each scenario sent, and get what it got: the same
// status, headers and body, in the same situation as in process.
func TestRawClientsGetWhatTheScenariosGot(t *testing.T) {
	order, scenarios := capture(t)
	clients := map[string]func(*running, mock.Endpoint) rawClient{"net/http": goClient, "curl": curlClient}
	for _, name := range []string{"net/http", "curl"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, mock.Options{Control: true})
			sent := 0
			for _, scenario := range order {
				id, _, _ := strings.Cut(scenario, ": ")
				e := s.endpoint(id)
				sim := simulators(t, id)[0]
				s.control(e, "reset", "")
				over := replay(t, scenarios[scenario], sim.Provider(), clients[name](s, e), slices.Contains(needsClock, scenario),
					func() { s.control(e, "clock", `{"advance": "25h"}`) })
				within := replay(t, scenarios[scenario], sim.Provider(), inProcess(sim, e), slices.Contains(needsClock, scenario),
					func() { sim.Advance(25 * time.Hour) })
				noted := s.received(e)
				if len(noted) != len(over) {
					t.Fatalf("%s: %d requests were noted, %d sent", scenario, len(noted), len(over))
				}
				for i := range over {
					over[i].Situation = noted[i].Situation
					within[i].Situation = within[i].Header.Get(situationHeader)
					within[i].Header.Del(situationHeader)
					captured := scenarios[scenario][i].response
					captured.Situation = over[i].Situation // godog's steps do not tell
					if diff := cmp.Diff(captured, over[i], ignoreToken); diff != "" {
						t.Errorf("%s, request %d: the scenario (-), the raw client (+):\n%s", scenario, i, diff)
					}
					if diff := cmp.Diff(within[i], over[i], ignoreToken); diff != "" {
						t.Errorf("%s, request %d: in process (-), over the network (+):\n%s", scenario, i, diff)
					}
					sent++
				}
			}
			if sent < 50 {
				t.Errorf("only %d requests were replayed", sent)
			}
			t.Logf("%d requests of %d scenarios", sent, len(order))
		})
	}
}

var ignoreToken = cmpopts.IgnoreUnexported(answered{})

// replay sends the exchanges of a scenario, with the tokens it gets in place
// of those the scenario got. Where the scenario let its first token expire,
// expire does.
func replay(t *testing.T, exchanges []exchange, p *providers.Provider, send rawClient, clock bool, expire func()) []answered {
	t.Helper()
	var got []answered
	tokens := map[string]string{}
	for i, e := range exchanges {
		e.header = e.header.Clone()
		for _, values := range e.header {
			for j := range values {
				for old, token := range tokens {
					values[j] = strings.ReplaceAll(values[j], old, token)
				}
			}
		}
		status, header, body := send(t, e)
		a := mask(p, status, header, body)
		if old := exchanges[i].response.token; old != "" {
			tokens[old] = a.token
		}
		got = append(got, a)
		if clock && i == 0 {
			expire()
		}
	}
	return got
}

const situationHeader = "Situation-In-Process"

func inProcess(sim *simulator.Simulator, _ mock.Endpoint) rawClient {
	return func(t *testing.T, e exchange) (int, http.Header, []byte) {
		t.Helper()
		u, err := url.ParseRequestURI(e.path)
		if err != nil {
			t.Fatal(err)
		}
		resp := sim.Respond(&http.Request{Method: e.method, URL: u, Header: e.header}, e.body)
		resp.Header.Set(situationHeader, resp.Situation)
		return resp.Status, resp.Header, resp.Body
	}
}

func goClient(s *running, e mock.Endpoint) rawClient {
	return func(t *testing.T, x exchange) (int, http.Header, []byte) {
		t.Helper()
		req, err := http.NewRequest(x.method, e.BaseURL+x.path, bytes.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = x.header
		resp, err := s.client.Transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, body
	}
}

func curlClient(_ *running, e mock.Endpoint) rawClient {
	return func(t *testing.T, x exchange) (int, http.Header, []byte) {
		t.Helper()
		args := []string{"--silent", "--show-error", "--include", "--max-time", "10", "--request", x.method, "--header", "Expect:"}
		if x.header.Get("Content-Type") == "" {
			args = append(args, "--header", "Content-Type:")
		}
		var names []string
		for name := range x.header {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			for _, v := range x.header[name] {
				args = append(args, "--header", name+": "+v)
			}
		}
		if len(x.body) > 0 {
			args = append(args, "--data-binary", "@-")
		}
		return curl(t, x.body, append(args, e.BaseURL+x.path)...)
	}
}

// curl runs curl with --include and reads what it prints.
func curl(t *testing.T, stdin []byte, args ...string) (int, http.Header, []byte) {
	t.Helper()
	cmd := exec.Command("curl", args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("curl %s: %v%s", strings.Join(args, " "), err, stderrOf(err))
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	if err != nil {
		t.Fatalf("curl printed %q: %v", out, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Sprintf("\n%s", exit.Stderr)
	}
	return ""
}
