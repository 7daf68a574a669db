package simulator_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// builtin is the simulator of a built-in provider.
func builtin(t testing.TB, id string) *simulator.Simulator {
	t.Helper()
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalogue.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulator.New(p, fixtures.Files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever stands in a fixture, it is read or refused with its file and line.
func FuzzParseFixture(f *testing.F) {
	files, err := fs.Glob(fixtures.Files, "*/*/*.http")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures")
	}
	for _, file := range files {
		source, err := fs.ReadFile(fixtures.Files, file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	for _, seed := range []string{
		"", "#", "# assumed", "# assumed x\n", "# assumed x\nHTTP/1.1 200", "# assumed x\nHTTP/2 204\r\n\r\n", "# assumed x\nHTTP/1.1 999 No\n",
		"# assumed x\nHTTP/1.1 200 OK\n: x\n", "# assumed x\nHTTP/1.1 200 OK\nA: b\nbody", "# body assumed x\nHTTP/1.1 200 OK\n\n", "# documented x\n",
		"# assumed x\nHTTP/1.1 200 OK\nX\x00: \x01\n\n", "HTTP/1.1 200 OK\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		fixture, err := simulator.ParseFixture("fixtures/a/b/c.http", source)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fixtures/a/b/c.http:") || fixture != nil {
				t.Errorf("got %v, %v, want an error that begins with the file", fixture, err)
			}
			return
		}
		if fixture.Status < 200 || fixture.Status > 599 {
			t.Errorf("status %d", fixture.Status)
		}
		for _, from := range []simulator.Provenance{fixture.StatusFrom, fixture.HeadersFrom, fixture.BodyFrom} {
			if from.Kind != simulator.Documented && from.Kind != simulator.Recorded && from.Kind != simulator.Assumed || from.Detail == "" {
				t.Errorf("provenance %+v", from)
			}
		}
		if !strings.HasSuffix(strings.ReplaceAll(string(source), "\r\n", "\n"), string(fixture.Body)) {
			t.Errorf("the body %q is not the end of the file", fixture.Body)
		}
		// Nobody can tell what a server is asked to send.
		(&simulator.Response{Status: fixture.Status, Header: fixture.Header, Body: fixture.Body}).Send(httptest.NewRecorder())
	})
}

// Whatever a client sends, the simulator answers.
func FuzzJudge(f *testing.F) {
	f.Add("POST", "/oauth/token", "application/x-www-form-urlencoded", "", "grant_type=client_credentials&client_id=a&client_secret=b&scope=item,event")
	f.Add("POST", "/reseller/authenticate", "", "Basic YTpi", "")
	f.Add("POST", "/oauth/token", "application/json", "", `{"grant_type": "client_credentials"}`)
	f.Add("GET", "/api/v1/me", "", "Bearer ", "")
	f.Add("GET", "/gigastore/products/inventory", "", "bearer x", "")
	f.Add("POST", "/oauth/token", "application/x-www-form-urlencoded; charset=\"", "Basic !!!", "%zz=%")
	simulators := []*simulator.Simulator{builtin(f, "ankorstore"), builtin(f, "antsomi"), builtin(f, "gigastore")}
	f.Fuzz(func(t *testing.T, method, path, contentType, authorization, body string) {
		req, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil || errors.Is(err, http.ErrNotSupported) {
			return
		}
		req.URL.Path = path
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Authorization", authorization)
		for _, s := range simulators {
			recorder := httptest.NewRecorder()
			s.ServeHTTP(recorder, req)
			if recorder.Code < 200 || recorder.Code > 599 {
				t.Errorf("status %d", recorder.Code)
			}
			if recorder.Code < 300 && !strings.Contains(body+authorization, "test-") {
				t.Errorf("%s %s was answered with %d without a credential", method, path, recorder.Code)
			}
			req.Body = http.NoBody
		}
	})
}
