//go:build interop

package interop

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	basicSecret = `p@ss:w%rd+&=/`
	standardID  = "authspec:app&1"
	postID      = "authspec post"
)

func standardEnv() []string {
	return []string{
		"STANDARD_CLIENT_ID=" + standardID, "STANDARD_CLIENT_SECRET=" + basicSecret,
		"STANDARD_POST_CLIENT_ID=" + postID, "STANDARD_POST_CLIENT_SECRET=" + basicSecret,
	}
}

func standardServer(t *testing.T, more map[string]any) *server {
	t.Helper()
	client := func(id, method string) map[string]any {
		return map[string]any{"client_id": id, "client_secret": basicSecret, "token_endpoint_auth_method": method, "scope": "api:read api:write"}
	}
	config := map[string]any{"clients": []any{client(standardID, "client_secret_basic"), client(postID, "client_secret_post")}}
	maps.Copy(config, more)
	return serve(t, "standard.mjs", config)
}

// standardArgs is a live run of the workspace against the server.
func standardArgs(t *testing.T, s *server, more ...string) []string {
	t.Helper()
	workspace, err := filepath.Abs("testdata/workspace")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--live", "--dir", workspace, "--base-url", "standard=" + s.base, "--base-url", "standard-post=" + s.base}
	return append(args, more...)
}

func TestStandardFeaturesHoldOnOIDCProvider(t *testing.T) {
	s := standardServer(t, nil)
	out := run(t, standardEnv(), standardArgs(t, s, "standard", "standard-post", "--intrusive", "--tags", "not @strict", "--concurrency", "16")...)
	out.exits(t, 0)
	out.golden(t, "standard.intrusive")

	methods := map[string]map[string]int{}
	for _, e := range s.stop() {
		if isTokenRequest(e) && e.Status == 200 {
			if methods[e.Client] == nil {
				methods[e.Client] = map[string]int{}
			}
			methods[e.Client][e.ClientAuth]++
		}
	}
	// Four scenarios request a token themselves or count them; all others
	// share one.
	want := map[string]map[string]int{standardID: {"basic": 5}, postID: {"form": 2}}
	if diff := cmp.Diff(want, methods); diff != "" {
		t.Errorf("tokens issued, by client and method (-want +got):\n%s", diff)
	}
}

func TestStandardFeaturesHoldOverTLS(t *testing.T) {
	c := newCertificate(t)
	s := standardServer(t, map[string]any{"key": c.key, "cert": c.cert})
	out := run(t, standardEnv(), standardArgs(t, s, "standard", "standard-post", "--intrusive", "--tags", "not @strict", "--ca-cert", c.authority)...)
	out.exits(t, 0)
	out.golden(t, "standard.intrusive")
}

// oidc-provider ignores a scope that nobody knows: a spec that says otherwise
// has to notice.
func TestStandardCatchesATokenForAnUnknownScope(t *testing.T) {
	s := standardServer(t, nil)
	out := run(t, standardEnv(), standardArgs(t, s, "standard", "--tags", "@strict")...)
	out.exits(t, 1)
	out.golden(t, "standard.strict")
}

func TestScenariosThatOnlyCallShareOneToken(t *testing.T) {
	s := standardServer(t, nil)
	out := run(t, standardEnv(), standardArgs(t, s, "standard", "--tags", "@calls", "--concurrency", "16")...)
	out.exits(t, 0)
	events := s.stop()
	if n := count(events, isTokenRequest); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if n := count(events, func(e event) bool { return strings.HasPrefix(e.Call, "/api/") }); n != 6 {
		t.Errorf("%d calls, want 6", n)
	}
}

// A checkout must not choose where real credentials go.
func TestALiveRunUsesAnOwnDirectoryOnlyWhenNamed(t *testing.T) {
	workspace, err := filepath.Abs("testdata/workspace")
	if err != nil {
		t.Fatal(err)
	}
	cmd, out := command(t, standardEnv(), "run", "standard", "--live")
	cmd.Dir = workspace
	cmd.Args = cmd.Args[:len(cmd.Args)-2] // no report into the workspace
	combined, err := cmd.CombinedOutput()
	out.finish(t, cmd, err, string(combined), "")
	out.exits(t, 2)
	for _, want := range []string{"--dir .", `no provider "standard"`} {
		if !strings.Contains(string(combined), want) {
			t.Errorf("the output does not say %s:\n%s", want, combined)
		}
	}
}

func TestAProviderNamedWithoutCredentialsIsInvalid(t *testing.T) {
	s := standardServer(t, nil)
	out := run(t, []string{"STANDARD_CLIENT_ID=" + standardID}, standardArgs(t, s, "standard", "standard-post")...)
	out.exits(t, 2)
	for _, variable := range []string{"STANDARD_CLIENT_SECRET", "STANDARD_POST_CLIENT_ID", "STANDARD_POST_CLIENT_SECRET"} {
		if !strings.Contains(out.stderr, variable) {
			t.Errorf("the error does not name %s:\n%s", variable, out.stderr)
		}
	}
	if events := s.stop(); len(events) != 0 {
		t.Errorf("the server has seen %s", fmt.Sprint(events))
	}
}
