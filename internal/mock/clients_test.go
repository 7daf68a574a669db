package mock_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/authspec/authspec/internal/mock"
)

func TestClientInNode(t *testing.T) {
	for _, opts := range []mock.Options{{HeaderFaults: true}, {HeaderFaults: true, TLS: true, Prefix: true}} {
		t.Run(map[bool]string{false: "http", true: "https"}[opts.TLS], func(t *testing.T) {
			s := start(t, opts)
			line, err := json.Marshal(map[string]any{"providers": s.Endpoints()})
			if err != nil {
				t.Fatal(err)
			}
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, s.CA(), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			node := exec.CommandContext(ctx, "node", "testdata/client.mjs")
			node.Env = append(os.Environ(), "MOCK="+string(line), "NODE_NO_WARNINGS=1")
			if opts.TLS {
				node.Env = append(node.Env, "NODE_EXTRA_CA_CERTS="+ca)
			}
			got, err := node.Output()
			if err != nil {
				t.Fatalf("node (version 20 or later is needed): %v%s", err, stderrOf(err))
			}
			want, err := os.ReadFile("testdata/client.out")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestClientCurl(t *testing.T) {
	s := start(t, mock.Options{TLS: true})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	e := s.endpoint("ankorstore")
	send := func(args ...string) (int, string) {
		status, _, body := curl(t, nil, append([]string{"--silent", "--include", "--cacert", ca}, args...)...)
		return status, string(body)
	}
	token := func(secret string) (int, string) {
		return send(e.BaseURL+"/oauth/token", "-d", "grant_type=client_credentials", "-d", "scope=*",
			"--data-urlencode", "client_id="+e.Credentials["client_id"], "--data-urlencode", "client_secret="+secret)
	}
	status, body := token(e.Credentials["client_secret"])
	if status != 200 {
		t.Fatalf("token: %d %s", status, body)
	}
	if status, body := send(e.BaseURL+"/api/v1/me", "-H", "Authorization: Bearer "+field(t, response{body: body}, "access_token")); status != 200 || !strings.Contains(body, "api@ankorstore.com") {
		t.Errorf("me: %d %s", status, body)
	}
	if status, body := token("wrong"); status != 401 || !strings.Contains(body, "invalid_client") {
		t.Errorf("a wrong secret: %d %s", status, body)
	}
	if status, body := send(e.BaseURL + "/api/v1/me"); status != 401 || !strings.Contains(body, "Unauthenticated.") {
		t.Errorf("no token: %d %s", status, body)
	}
}

func TestClientXOAuth2(t *testing.T) {
	s := start(t, mock.Options{TLS: true, Control: true}, "ankorstore")
	e := s.endpoint("ankorstore")
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, s.client)
	config := &clientcredentials.Config{
		ClientID: e.Credentials["client_id"], ClientSecret: e.Credentials["client_secret"],
		TokenURL: e.BaseURL + "/oauth/token", Scopes: []string{"*"}, AuthStyle: oauth2.AuthStyleInParams,
	}
	source := config.TokenSource(ctx)
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.Expiry); token.Type() != "Bearer" || left < 59*time.Minute || left > 61*time.Minute {
		t.Errorf("type %s, expires in %s", token.Type(), left)
	}
	me := func() (int, string) {
		resp, err := oauth2.NewClient(ctx, source).Get(e.BaseURL + "/api/v1/me")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if status, body := me(); status != http.StatusOK {
		t.Errorf("me: %d %s", status, body)
	}
	s.control(e, "clock", `{"advance": "2h"}`)
	if status, body := me(); status != http.StatusUnauthorized {
		t.Errorf("me, with an expired token: %d %s", status, body)
	}
	config.ClientSecret = "wrong"
	var refused *oauth2.RetrieveError
	if _, err := config.Token(ctx); !errors.As(err, &refused) || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %v", err)
	}
}

// The commands of docs/mock.md, in their order, print what the page says.
func TestTheExamplesOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/mock.md")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, mock.Options{Control: true}, "antsomi")
	e := s.endpoint("antsomi")
	tokens := strings.NewReplacer()
	commands := 0
	for i, block := range strings.Split(string(page), "```\n") {
		if i%2 == 0 || !strings.HasPrefix(block, "$ curl") {
			continue
		}
		for _, example := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, want, _ := strings.Cut(example+"\n", "\n")
			sh := exec.Command("sh", "-c", strings.ReplaceAll(tokens.Replace(command), "http://127.0.0.1:9103", e.BaseURL)+" 2>&1")
			sh.Env = append(os.Environ(), "ANTSOMI_CLIENT_ID="+e.Credentials["client_id"], "ANTSOMI_CLIENT_SECRET="+e.Credentials["client_secret"])
			out, _ := sh.Output() // one of them fails on purpose
			if old, issued := tokenIn.FindString(want), tokenIn.FindString(string(out)); old != "" && issued != "" {
				tokens = strings.NewReplacer(old, issued)
			}
			if diff := cmp.Diff(timeless(want), timeless(string(out))); diff != "" {
				t.Errorf("%s\nwant (-), got (+):\n%s", command, diff)
			}
			commands++
		}
	}
	if commands < 10 {
		t.Errorf("only %d commands were found", commands)
	}
}

var (
	tokenIn = regexp.MustCompile(`\b[a-z0-9]{44}\b`)
	passing = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|Date: .*|curl/[\d.]+|\b[a-z0-9]{44}\b|\r`)
)

// timeless is what does not differ from one run to the next.
func timeless(output string) string {
	return strings.TrimSpace(passing.ReplaceAllString(output, ""))
}
