package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
)

// The provider that every contender talks to. It is simulated, over TCP, in a
// process of its own.
const provider = `name: Bench
docs: https://www.rfc-editor.org/rfc/rfc6749
base_url: https://bench.example
credentials:
  client_id: BENCH_CLIENT_ID
  client_secret: BENCH_CLIENT_SECRET
auth:
  scheme: client_credentials
  token: POST /oauth/token
  client_auth: form
  scopes:
    known:
      item: items
      event: events
  response:
    access_token: access_token
    token_type: token_type
    expires_in: expires_in
    scope: scope
`

const (
	issued = `# assumed for the benchmark
HTTP/1.1 200 OK
Content-Type: application/json

{"token_type":"Bearer","expires_in":3600,"access_token":"5474r2x214z26484u2e4y4a403q5e4z5m4j4b403s526","scope":"item"}
`
	invalidScope = `# assumed for the benchmark
HTTP/1.1 400 Bad Request
Content-Type: application/json

{"error":"invalid_scope","error_description":"Requested scope is invalid"}
`
)

// Half of the scenarios receive a token, half are refused.
const (
	issuedScenario = `
  Scenario: Scopes are granted, %d
    Given valid Bench credentials
    When I request an access token with scope "item event"
    Then the response status is 200
    And the response body has:
      | access_token | a non-empty string |
      | token_type   | "Bearer"           |
      | expires_in   | 3600               |
      | scope        | "item event"       |
`
	refusedScenario = `
  Scenario: An unknown scope is refused, %d
    Given valid Bench credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"
`
)

const clientID, clientSecret = "26156a86-b739-4c6b-9de2-314228c3e6e5", "ECOTBQNP44IFPCVMQNSZ"

// feature returns a feature of n scenarios, with one token request each.
func feature(n int) string {
	var b strings.Builder
	b.WriteString("Feature: Bench access tokens\n")
	for i := range n {
		scenario := issuedScenario
		if i%2 == 1 {
			scenario = refusedScenario
		}
		fmt.Fprintf(&b, scenario, i)
	}
	return b.String()
}

// form is the body of the i-th request.
func form(i int) string {
	scope := "item+event"
	if i%2 == 1 {
		scope = "nonsense"
	}
	return "grant_type=client_credentials&client_id=" + clientID + "&client_secret=" + clientSecret + "&scope=" + scope
}

func fixtures() fs.FS {
	return fstest.MapFS{
		"bench/token/issued.http":        {Data: []byte(issued)},
		"bench/token/invalid_scope.http": {Data: []byte(invalidScope)},
	}
}

// writeWorkspace writes a workspace of n scenarios for authspec run --dir.
func writeWorkspace(dir string, n int) error {
	for name, content := range map[string]string{
		"providers/bench.yaml":                    provider,
		"features/bench.feature":                  feature(n),
		"fixtures/bench/token/issued.http":        issued,
		"fixtures/bench/token/invalid_scope.http": invalidScope,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}
