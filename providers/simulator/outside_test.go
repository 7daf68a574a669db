package simulator_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authspec/authspec/providers/simulator"
)

// The simulator knows no scenario and no client of ours: these tests talk to
// it over TCP, by programs that others wrote.

// The test credentials, written out: who reads these tests sees what to send.
const (
	ankorstoreID     = "test-ankorstore/client-id"
	ankorstoreSecret = "test-ankorstore/client-secret"
	antsomiID        = "test-antsomi/client-id"
	antsomiSecret    = "test-antsomi/client-secret"
	gigastoreID      = "test-gigastore/client-id"
	gigastoreSecret  = "test-gigastore/client-secret"
)

func serve(t *testing.T, id string) (string, *simulator.Simulator) {
	t.Helper()
	s := builtin(t, id)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL, s
}

func TestOAuth2LibraryAtAnkorstore(t *testing.T) {
	base, s := serve(t, "ankorstore")
	config := clientcredentials.Config{
		ClientID: ankorstoreID, ClientSecret: ankorstoreSecret, TokenURL: base + "/oauth/token",
		Scopes: []string{"*"}, AuthStyle: oauth2.AuthStyleInParams,
	}
	token, err := config.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.Expiry); token.TokenType != "Bearer" || left < 59*time.Minute || left > time.Hour {
		t.Errorf("a token of type %q that lives for %v", token.TokenType, left)
	}

	client := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(token))
	me := func() (int, string) {
		t.Helper()
		resp, err := client.Get(base + "/api/v1/me")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := me(); status != 200 || gjson.Get(body, "data.email").Str != "api@ankorstore.com" {
		t.Errorf("me: got %d %s", status, body)
	}
	s.Advance(time.Hour)
	if status, body := me(); status != 401 || gjson.Get(body, "message").Str != "Unauthenticated." {
		t.Errorf("me, an hour later: got %d %s", status, body)
	}

	for name, change := range map[string]func(*clientcredentials.Config){
		"a wrong secret":    func(c *clientcredentials.Config) { c.ClientSecret = "wrong" },
		"an unknown client": func(c *clientcredentials.Config) { c.ClientID = "unknown" },
		"Basic for form":    func(c *clientcredentials.Config) { c.AuthStyle = oauth2.AuthStyleInHeader },
	} {
		wrong := config
		change(&wrong)
		_, err := wrong.Token(context.Background())
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.Response.StatusCode != 401 || refused.ErrorCode != "invalid_client" {
			t.Errorf("%s: got %v, want 401 invalid_client", name, err)
		}
	}
}

// What the seeds of the specs say of x/oauth2, seen from the other side: it
// cannot read what Antsomi and Gigastore answer to a right request.
func TestOAuth2LibraryCannotReadAntsomi(t *testing.T) {
	base, _ := serve(t, "antsomi")
	config := clientcredentials.Config{
		ClientID: antsomiID, ClientSecret: antsomiSecret, TokenURL: base + "/oauth/token",
		Scopes: []string{"item"}, AuthStyle: oauth2.AuthStyleInParams,
	}
	if _, err := config.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "missing access_token") {
		t.Errorf("got %v, want a missing access_token", err)
	}
	config.Scopes = []string{"item", "event"} // joined by a blank
	_, err := config.Token(t.Context())
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response.StatusCode != 400 || gjson.GetBytes(refused.Body, "name").Str != "invalid_scope" {
		t.Errorf("two scopes: got %v, want 400 invalid_scope", err)
	}
}

// A reply is what curl printed.
type reply struct {
	status int
	header http.Header
	body   string
}

// curl runs curl -i, as a reader of the documentation would.
func curl(t *testing.T, args ...string) reply {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	command := exec.CommandContext(t.Context(), path, append([]string{"--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "-i"}, args...)...)
	var complaint strings.Builder
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("curl %s: %v: %s", strings.Join(args, " "), err, complaint.String())
	}
	head, body, _ := strings.Cut(string(output), "\r\n\r\n")
	r := reply{header: http.Header{}, body: body}
	for i, line := range strings.Split(head, "\r\n") {
		if i == 0 {
			r.status = int(gjson.Parse(strings.Fields(line)[1]).Int())
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		r.header.Add(name, strings.TrimSpace(value))
	}
	return r
}

func TestCurl(t *testing.T) {
	ankorstore, ankorstoreSimulator := serve(t, "ankorstore")
	antsomi, _ := serve(t, "antsomi")
	gigastore, gigastoreSimulator := serve(t, "gigastore")

	ankorstoreToken := func(more ...string) reply {
		return curl(t, append([]string{ankorstore + "/oauth/token", "-d", "client_id=" + ankorstoreID}, more...)...)
	}
	antsomiToken := func(more ...string) reply {
		return curl(t, append([]string{antsomi + "/oauth/token", "-d", "client_id=" + antsomiID}, more...)...)
	}
	gigastoreToken := func(more ...string) reply {
		return curl(t, append([]string{"-X", "POST", gigastore + "/reseller/authenticate"}, more...)...)
	}
	ofAnkorstore := gjson.Get(ankorstoreToken("-d", "client_secret="+ankorstoreSecret, "-d", "grant_type=client_credentials", "-d", "scope=*").body, "access_token").Str
	ofGigastore := gjson.Get(gigastoreToken("-u", gigastoreID+":"+gigastoreSecret).body, "accessToken").Str
	if ofAnkorstore == "" || ofGigastore == "" {
		t.Fatal("no token")
	}
	me := func(args ...string) reply { return curl(t, append([]string{ankorstore + "/api/v1/me"}, args...)...) }
	inventory := func(args ...string) reply {
		return curl(t, append([]string{gigastore + "/gigastore/products/inventory"}, args...)...)
	}
	secret := "client_secret=" + ankorstoreSecret
	right := []string{"-d", "client_secret=" + antsomiSecret, "-d", "grant_type=client_credentials"}

	type row struct {
		name        string
		got         reply
		status      int
		path, value string // of the JSON body
		header      string // one that begins so: "WWW-Authenticate: Basic"
	}
	check := func(rows ...row) {
		t.Helper()
		for _, r := range rows {
			if r.got.status != r.status {
				t.Errorf("%s: status %d, want %d: %s", r.name, r.got.status, r.status, r.got.body)
			}
			if got := gjson.Get(r.got.body, r.path).String(); got != r.value {
				t.Errorf("%s: %s is %q, want %q", r.name, r.path, got, r.value)
			}
			if name, value, wanted := strings.Cut(r.header, ": "); wanted && !strings.HasPrefix(r.got.header.Get(name), value) {
				t.Errorf("%s: header %s is %q, want %s…", r.name, name, r.got.header.Get(name), value)
			}
		}
	}
	const isJSON = "Content-Type: application/json"
	check(
		row{"ankorstore: a token", ankorstoreToken("-d", secret, "-d", "grant_type=client_credentials", "-d", "scope=*"), 200, "token_type", "Bearer", isJSON},
		row{"ankorstore: a wrong secret", ankorstoreToken("-d", "client_secret=wrong", "-d", "grant_type=client_credentials"), 401, "error", "invalid_client", isJSON},
		row{"ankorstore: no secret", ankorstoreToken("-d", "grant_type=client_credentials"), 401, "error", "invalid_client", isJSON},
		row{"ankorstore: another grant type", ankorstoreToken("-d", secret, "-d", "grant_type=password"), 400, "error", "unsupported_grant_type", isJSON},
		row{"ankorstore: me", me("-H", "Authorization: Bearer "+ofAnkorstore), 200, "data.id", "1234", isJSON},
		row{"ankorstore: me, the scheme in lower case", me("-H", "authorization: bearer "+ofAnkorstore), 200, "data.id", "1234", isJSON},
		row{"ankorstore: me without a token", me(), 401, "message", "Unauthenticated.", isJSON},
		row{"ankorstore: me with another token", me("-H", "Authorization: Bearer x"), 401, "message", "Unauthenticated.", isJSON},
		row{"ankorstore: me with Gigastore's token", me("-H", "Authorization: Bearer "+ofGigastore), 401, "message", "Unauthenticated.", isJSON},

		row{"antsomi: a token", antsomiToken(append(right, "-d", "scope=item")...), 200, "scope", "item", isJSON},
		row{"antsomi: a token for two scopes", antsomiToken(append(right, "-d", "scope=item,event")...), 200, "scope", "item,event", isJSON},
		row{"antsomi: scopes joined by a blank", antsomiToken(append(right, "--data-urlencode", "scope=item event")...), 400, "name", "invalid_scope", isJSON},
		row{"antsomi: an unknown scope", antsomiToken(append(right, "-d", "scope=nonsense")...), 400, "message", "Invalid scope: Requested scope is invalid", isJSON},
		row{"antsomi: no scope", antsomiToken(right...), 400, "name", "invalid_scope", isJSON},
		row{"antsomi: a wrong secret", antsomiToken("-d", "client_secret=wrong", "-d", "grant_type=client_credentials", "-d", "scope=item"), 400, "name", "invalid_client", isJSON},
		row{"antsomi: Basic for form", curl(t, antsomi+"/oauth/token", "-u", antsomiID+":"+antsomiSecret, "-d", "grant_type=client_credentials", "-d", "scope=item"), 400, "name", "invalid_client", isJSON},
		row{"antsomi: JSON for form", curl(t, antsomi+"/oauth/token", "-H", "Content-Type: application/json", "-d", "{}"), 400, "name", "invalid_request", isJSON},

		row{"gigastore: a token", gigastoreToken("-u", gigastoreID+":"+gigastoreSecret), 200, "expiresIn", "86400", isJSON},
		row{"gigastore: a wrong secret", gigastoreToken("-u", gigastoreID+":wrong"), 401, "error", "invalid_client", "WWW-Authenticate: Basic"},
		row{"gigastore: no credentials", gigastoreToken(), 401, "error", "invalid_client", "WWW-Authenticate: Basic"},
		row{"gigastore: form for Basic", gigastoreToken("-d", "client_id="+gigastoreID, "-d", "client_secret="+gigastoreSecret), 401, "error", "invalid_client", "WWW-Authenticate: Basic"},
		row{"gigastore: the inventory", inventory("-H", "Authorization: Bearer "+ofGigastore), 200, "items.#", "1", isJSON},
		row{"gigastore: the inventory by Basic", inventory("-u", gigastoreID+":"+gigastoreSecret), 401, "error", "invalid_token", "WWW-Authenticate: Bearer"},
		row{"gigastore: the inventory without a token", inventory(), 401, "error", "invalid_token", "WWW-Authenticate: Bearer"},

		// What nobody documented is no answer of the provider, and says so.
		row{"ankorstore: an unknown scope", ankorstoreToken("-d", secret, "-d", "grant_type=client_credentials", "-d", "scope=nonsense"), 501, "situation", "token/invalid_scope", "Authspec-Undocumented: token/invalid_scope"},
		row{"antsomi: another path", curl(t, antsomi+"/oauth/v2/token"), 501, "situation", "unknown_call", "Authspec-Undocumented: unknown_call"},
		row{"gigastore: another method", curl(t, "-X", "GET", gigastore+"/reseller/authenticate"), 501, "situation", "unknown_call", "Authspec-Undocumented: unknown_call"},
	)

	ankorstoreSimulator.Advance(time.Hour)
	gigastoreSimulator.Advance(24 * time.Hour)
	check(
		row{"ankorstore: me an hour later", me("-H", "Authorization: Bearer "+ofAnkorstore), 401, "message", "Unauthenticated.", isJSON},
		row{"gigastore: the inventory a day later", inventory("-H", "Authorization: Bearer "+ofGigastore), 401, "error", "invalid_token", "WWW-Authenticate: Bearer"},
	)
	fresh := gjson.Get(ankorstoreToken("-d", secret, "-d", "grant_type=client_credentials").body, "access_token").Str
	check(row{"ankorstore: me with a new token", me("-H", "Authorization: Bearer "+fresh), 200, "data.id", "1234", isJSON})
}

// post sends a form by net/http alone, with Basic credentials if id is not "".
func post(t *testing.T, client *http.Client, target, id, secret string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if len(form) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if id != "" {
		req.SetBasicAuth(id, secret)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPlainClientAtAntsomi(t *testing.T) {
	base, _ := serve(t, "antsomi")
	form := func(scope string) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {antsomiID}, "client_secret": {antsomiSecret}, "scope": {scope}}
	}
	resp, first := post(t, http.DefaultClient, base+"/oauth/token", "", "", form("item,event"))
	expires, err := time.Parse(time.RFC3339Nano, gjson.Get(first, "accessTokenExpiresAt").Str)
	if resp.StatusCode != 200 || err != nil || time.Until(expires) < 59*time.Minute || gjson.Get(first, "scope").Str != "item,event" {
		t.Errorf("got %d %s", resp.StatusCode, first)
	}
	// All else is the documentation's own, to the byte.
	if keys := gjson.Get(first, "@keys").Raw; keys != `["accessToken","accessTokenExpiresAt","scope"]` || len(gjson.Get(first, "accessToken").Str) != len("5474r2x214z26484u2e4y4a403q5e4z5m4j4b403s526") {
		t.Errorf("got %s", first)
	}
	_, second := post(t, http.DefaultClient, base+"/oauth/token", "", "", form("item"))
	if gjson.Get(first, "accessToken").Str == gjson.Get(second, "accessToken").Str {
		t.Error("two tokens are the same")
	}
	resp, body := post(t, http.DefaultClient, base+"/oauth/token", "", "", form("nonsense"))
	if want := readFixture(t, "antsomi/token/invalid_scope"); resp.StatusCode != 400 || body != want {
		t.Errorf("got %d\n%s\nwant 400\n%s", resp.StatusCode, body, want)
	}
}

func TestPlainClientAtGigastore(t *testing.T) {
	base, _ := serve(t, "gigastore")
	resp, body := post(t, http.DefaultClient, base+"/reseller/authenticate", gigastoreID, gigastoreSecret, nil)
	token := gjson.Get(body, "accessToken").Str
	if resp.StatusCode != 200 || token == "" || gjson.Get(body, "refreshToken").Raw != "null" {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	// As oauth2 would: the RFC's form encoding is not what Gigastore documents.
	resp, _ = post(t, http.DefaultClient, base+"/reseller/authenticate", url.QueryEscape(gigastoreID), url.QueryEscape(gigastoreSecret), nil)
	if resp.StatusCode != 401 || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("form-encoded Basic: got %d %v", resp.StatusCode, resp.Header)
	}
}

func readFixture(t *testing.T, situation string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("../../fixtures", situation+".http"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "\n\n")
	return body
}

func TestOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(builtin(t, "gigastore"))
	defer server.Close()
	resp, body := post(t, server.Client(), server.URL+"/reseller/authenticate", gigastoreID, gigastoreSecret, nil)
	if resp.StatusCode != 200 || gjson.Get(body, "accessToken").Str == "" || resp.TLS == nil {
		t.Errorf("net/http: got %d %s", resp.StatusCode, body)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for wantStatus, secret := range map[int]string{200: gigastoreSecret, 401: "wrong"} {
		got := curl(t, "--http1.1", "--cacert", authority, "-X", "POST", "-u", gigastoreID+":"+secret, server.URL+"/reseller/authenticate")
		if got.status != wantStatus {
			t.Errorf("curl with %s: status %d, want %d", secret, got.status, wantStatus)
		}
	}
}

// In process and over TCP it is the same provider.
func TestBothDoorsAnswerAlike(t *testing.T) {
	base, _ := serve(t, "ankorstore")
	for _, form := range []url.Values{
		{"grant_type": {"password"}, "client_id": {ankorstoreID}, "client_secret": {ankorstoreSecret}},
		{"grant_type": {"client_credentials"}, "client_id": {ankorstoreID}},
		{"grant_type": {"client_credentials"}, "client_id": {ankorstoreID}, "client_secret": {ankorstoreSecret}, "scope": {"x"}},
	} {
		overTCP, bodyTCP := post(t, http.DefaultClient, base+"/oauth/token", "", "", form)
		inProcess, body := post(t, &http.Client{Transport: builtin(t, "ankorstore").Transport()}, "https://www.ankorstore.com/oauth/token", "", "", form)
		if overTCP.StatusCode != inProcess.StatusCode || bodyTCP != body || overTCP.Header.Get("Content-Type") != inProcess.Header.Get("Content-Type") {
			t.Errorf("%v: over TCP %d %s, in process %d %s", form, overTCP.StatusCode, bodyTCP, inProcess.StatusCode, body)
		}
	}
}

// What a caller does to a response does not change the next one.
func TestResponsesAreTheCallersOwn(t *testing.T) {
	s := builtin(t, "ankorstore")
	respond := func() *simulator.Response {
		return s.Respond(httptest.NewRequest(http.MethodGet, "/api/v1/me", nil), nil)
	}
	first := respond()
	want := string(first.Body)
	clear(first.Body)
	first.Header.Set("Content-Type", "changed")
	if second := respond(); string(second.Body) != want || second.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v %q, want %q", second.Header, second.Body, want)
	}
}

// The tokens of a real provider serve many clients at once.
func TestConcurrentClients(t *testing.T) {
	base, _ := serve(t, "ankorstore")
	t.Run("group", func(t *testing.T) {
		for range 16 {
			t.Run("client", func(t *testing.T) {
				t.Parallel()
				config := clientcredentials.Config{ClientID: ankorstoreID, ClientSecret: ankorstoreSecret, TokenURL: base + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams}
				client := config.Client(t.Context())
				for range 10 {
					resp, err := client.Get(base + "/api/v1/me")
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if resp.StatusCode != 200 {
						t.Fatalf("status %d", resp.StatusCode)
					}
				}
			})
		}
	})
}
