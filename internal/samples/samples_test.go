package samples

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// others are one provider for each way to authenticate that the built-in ones
// do not use.
var others = map[string]string{
	"encoded": `
auth: {scheme: client_credentials, token: POST /token, client_auth: basic, scopes: {default: ["read all", write]}, response: {access_token: data.access_token, lifetime: 1h}}
calls: {things: {endpoint: "GET /v1/things", query: {limit: "1"}}}`,
	"jsonbody": `
auth: {scheme: client_credentials, token: POST /token, client_auth: json, params: {audience: 'https://"api"/'}}
calls: {things: {endpoint: "POST /v1/things", body: '{"page": 1, "of": {"a": 2}}', headers: {Content-Type: application/json}}}`,
	"inquery": `
auth: {scheme: client_credentials, token: POST /token, client_auth: query, grant_type: account_credentials, header: X-Token, value: "{access_token}"}
calls: {things: {endpoint: "GET /v1/{client_id}/things"}}`,
	"basic": `
credentials: {username: USER_NAME, password: PASS_WORD}
auth: {scheme: basic}
calls: {things: {endpoint: "PUT /v1/things"}}`,
	"bearer": `
credentials: {api_key: API_KEY}
auth: {scheme: bearer}
calls: {things: {endpoint: "GET /v1/things"}}`,
	"header": `
credentials: {api_key: API_KEY}
auth: {scheme: header, header: X-Api-Key, value: "key={api_key}_v1"}
calls: {things: {endpoint: "GET /v1/things"}}`,
	"query": `
credentials: {api_key: API_KEY}
auth: {scheme: query, query: api_key}
calls: {things: {endpoint: "POST /v1/things", query: {q: "a b&c"}}}`,
}

// A subject is a provider whose samples are run, and the fixtures it has.
type subject struct {
	provider *providers.Provider
	sim      *simulator.Simulator
	call     string
}

func subjects(t *testing.T) []subject {
	t.Helper()
	var list []subject
	builtIn, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range builtIn.All() {
		sim, err := simulator.New(p, fixtures.Files)
		if err != nil {
			t.Fatal(err)
		}
		s := subject{provider: p, sim: sim}
		if names := p.CallNames(); len(names) > 0 {
			s.call = names[0]
		}
		list = append(list, s)
	}
	for id, rest := range others {
		if !strings.Contains(rest, "credentials: {") {
			rest = "\ncredentials: {client_id: A_CLIENT_ID, client_secret: A_CLIENT_SECRET}" + rest
		}
		p, err := providers.Parse(id+".yaml", []byte("name: The "+id+"\ndocs: https://docs.example.com/\nbase_url: https://api.example.com"+rest))
		if err != nil {
			t.Fatal(err)
		}
		answer := func(status int, body string) *fstest.MapFile {
			return &fstest.MapFile{Data: fmt.Appendf(nil, "# assumed for a test\nHTTP/1.1 %d X\nContent-Type: application/json\n\n%s", status, body)}
		}
		sim, err := simulator.New(p, fstest.MapFS{
			id + "/token/issued.http":         answer(200, `{"access_token": "0123456789abcdef", "data": {"access_token": "0123456789abcdef"}, "expires_in": 60}`),
			id + "/token/invalid_client.http": answer(401, `{"error": "invalid_client"}`),
			id + "/things/ok.http":            answer(201, `{"things": ["é", {"id": 1}]}`),
			id + "/things/invalid_token.http": answer(401, `{"error": "who are you"}`),
			id + "/things/missing_token.http": answer(401, `{"error": "nothing sent"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, subject{provider: p, sim: sim, call: "things"})
	}
	return list
}

// Every sample of every provider, exactly as published but for the host, runs
// against the simulated provider and gets what it says; with a wrong secret it
// fails and shows what the provider answered.
func TestSamplesRun(t *testing.T) {
	for _, s := range subjects(t) {
		list, err := For(s.provider, s.call)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 4 {
			t.Errorf("%s: %d samples, want 4", s.provider.ID, len(list))
		}
		for _, sample := range list {
			t.Run(s.provider.ID+"/"+sample.Language, func(t *testing.T) {
				t.Parallel()
				sim := s.sim.Fresh(nil)
				server := httptest.NewServer(sim)
				defer server.Close()
				runs := prepare(t, &sample, s.provider, server.URL)

				env := environment(s.provider, sim.Credentials())
				var printed []byte
				for i, run := range runs {
					out, errOut, err := run(env)
					if err != nil {
						t.Fatalf("%s: %v\n%s%s", sample.Steps[i].Title, err, out, errOut)
					}
					check(t, &s, sim, &sample.Steps[i], out)
					printed = out
					if i == 0 && len(runs) > 1 {
						token, err := s.provider.ReadToken(out, sim.Now())
						if err != nil {
							t.Fatal(err)
						}
						env = append(env, AccessToken+"="+token.Value)
					}
				}
				if len(printed) == 0 {
					t.Error("nothing was printed")
				}

				wrong := providers.Credentials{}
				for field := range sim.Credentials() {
					wrong[field] = "wrong"
				}
				out, errOut, err := runs[0](environment(s.provider, wrong))
				if err == nil {
					t.Fatalf("with a wrong credential: succeeded and printed %s", out)
				}
				if all := string(out) + string(errOut); !strings.Contains(all, "invalid_client") && !strings.Contains(all, "who are you") {
					t.Errorf("with a wrong credential: the provider's answer is not shown: %s", all)
				}
			})
		}
	}
}

// check compares what a step printed with what it says.
func check(t *testing.T, s *subject, sim *simulator.Simulator, step *Step, out []byte) {
	t.Helper()
	switch {
	case step.Prints == "the access token":
		if token := strings.TrimSpace(string(out)); !sim.Revoke(token) {
			t.Errorf("printed %q, which is no token of this provider", token)
		}
	case strings.HasPrefix(step.Prints, "the response to "):
		situation := s.call + "/ok"
		if strings.HasSuffix(step.Prints, " "+pathOf(s.provider.Auth.Token)) {
			situation = "token/issued"
		}
		want, ok := sim.Fixture(situation)
		if !ok {
			t.Fatalf("no fixture %s", situation)
		}
		if diff := cmp.Diff(shape(t, want.Body), shape(t, out)); diff != "" {
			t.Errorf("printed something else than %s (-want +got):\n%s", situation, diff)
		}
	default:
		t.Errorf("the page says %q, which nobody can check", step.Prints)
	}
}

func pathOf(e providers.Endpoint) string { return e.Target() }

// shape is JSON without what differs from one answer to the next.
func shape(t *testing.T, body []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return shapeOf(v)
}

func shapeOf(v any) any {
	object, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	for name, value := range object {
		lower := strings.ToLower(name)
		if text, isText := value.(string); isText && (strings.HasSuffix(lower, "token") || strings.HasSuffix(lower, "expiresat")) {
			object[name] = fmt.Sprintf("%d characters", len(text))
			continue
		}
		object[name] = shapeOf(value)
	}
	return object
}

func environment(p *providers.Provider, creds providers.Credentials) []string {
	env := os.Environ()
	for field, variable := range p.Credentials {
		env = append(env, variable+"="+creds[field])
	}
	return env
}

type run func(env []string) (stdout, stderr []byte, err error)

// prepare writes the sample down with the simulator's host for the provider's,
// and returns how each of its steps is run.
func prepare(t *testing.T, s *Sample, p *providers.Provider, base string) []run {
	t.Helper()
	dir := t.TempDir()
	var runs []run
	for _, step := range s.Steps {
		code := step.Code
		for _, host := range p.Hosts() {
			code = strings.ReplaceAll(code, "https://"+host, base)
		}
		if !strings.Contains(code, base) {
			t.Fatalf("the code does not name the provider's host:\n%s", code)
		}
		name, args := "sh", []string{"-c", code}
		if s.File != "" {
			file := filepath.Join(dir, s.File)
			if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(s.Run)
			name, args = words[0], words[1:]
		}
		runs = append(runs, func(env []string) ([]byte, []byte, error) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(name + " is not installed")
			}
			heavy.Lock()
			defer heavy.Unlock()
			cmd := exec.CommandContext(t.Context(), name, args...)
			cmd.Dir, cmd.Env = dir, env
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			return stdout.Bytes(), stderr.Bytes(), err
		})
	}
	return runs
}

// heavy keeps compilers from running all at once.
var heavy sync.Mutex

func TestGoSamplesAreFormatted(t *testing.T) {
	for _, s := range subjects(t) {
		list, err := For(s.provider, s.call)
		if err != nil {
			t.Fatal(err)
		}
		code := list[1].Steps[0].Code
		set, err := format.Source([]byte(code))
		if err != nil || string(set) != code {
			t.Errorf("%s: gofmt would change it: %v\n%s", s.provider.ID, err, code)
		}
	}
}

// Samples hold names, never values.
func TestSamplesHoldPlaceholders(t *testing.T) {
	for _, s := range subjects(t) {
		list, err := For(s.provider, s.call)
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range list {
			all := ""
			for _, step := range sample.Steps {
				all += step.Code
			}
			for field, value := range simulator.TestCredentials(s.provider) {
				if strings.Contains(all, value) || strings.Contains(all, "{{") {
					t.Errorf("%s: %s holds a value:\n%s", s.provider.ID, sample.Language, all)
				}
				if !strings.Contains(all, s.provider.Credentials[field]) {
					t.Errorf("%s: %s does not name %s", s.provider.ID, sample.Language, s.provider.Credentials[field])
				}
			}
		}
	}
}

func TestPathsThatProgramsCannotFollow(t *testing.T) {
	p, err := providers.Parse("odd.yaml", []byte("name: Odd\ndocs: https://docs.example.com/\nbase_url: https://api.example.com\ncredentials: {client_id: ID, client_secret: SECRET}\nauth: {scheme: client_credentials, token: POST /t, response: {access_token: 'tokens.#(kind==\"access\").value', lifetime: 1h}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := For(p, "")
	if err != nil || len(list) != 1 || list[0].Language != "curl" {
		t.Errorf("got %v, %v, want curl alone", list, err)
	}
}

// What is computed from a credential, as a signature is, cannot be written with
// placeholders.
func TestComputedRequestsHaveNoSample(t *testing.T) {
	c := conversation{provider: &providers.Provider{ID: "signed", Credentials: map[string]string{"key": "KEY"}}}
	req, err := http.NewRequest(http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Signature", "c2lnbmVk")
	if c.call, err = read(&providers.Response{Request: req}); err != nil {
		t.Fatal(err)
	}
	if got := c.unused(); got != "key" {
		t.Errorf("got %q, want key", got)
	}
	if !errors.Is(fmt.Errorf("x: %w", ErrNoSample), ErrNoSample) {
		t.Error("ErrNoSample is lost")
	}
}

// Literals stay what they are in every language, whatever they hold.
func TestShellQuoting(t *testing.T) {
	c := conversation{provider: &providers.Provider{Credentials: map[string]string{"key": "KEY"}}}
	for _, literal := range []string{`plain`, `two words`, `"quoted"`, `$HOME`, "`id`", `back\slash`, "$(id)", "a'b", "!x", "line\nbreak"} {
		in := append(parse(literal), part{field: "key"}, part{literal: "_end"})
		out, err := exec.Command("sh", "-c", "KEY=value; printf %s "+c.shell(in)).Output()
		if want := literal + "value_end"; err != nil || string(out) != want {
			t.Errorf("%q: got %q, %v, want %q", literal, out, err, want)
		}
		if out, err := exec.Command("sh", "-c", "cat <<END\n"+c.expand(parse(literal), inHeredoc.Replace)+"\nEND").Output(); err != nil || string(out) != literal+"\n" {
			t.Errorf("in a heredoc %q: got %q, %v", literal, out, err)
		}
	}
}

func TestBasicIsReadAsItWasWritten(t *testing.T) {
	for _, encoded := range []bool{true, false} {
		user, password := mark("client_id"), mark("client_secret")
		if encoded {
			user, password = url.QueryEscape(user), url.QueryEscape(password)
		}
		req := &http.Request{Header: http.Header{}}
		req.SetBasicAuth(user, password)
		b, ok := readBasic("Authorization", req.Header.Get("Authorization"))
		if !ok || b.encoded != encoded || b.user.literal() != "{client_id}" || b.password.literal() != "{client_secret}" {
			t.Errorf("encoded %v: got %+v, %v", encoded, b, ok)
		}
	}
}
