package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/authspec/authspec/providers"
)

func TestTokensAreForgottenAfterTheyHaveBeenExpiredForLong(t *testing.T) {
	begin := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ lives, remembered time.Duration }{
		{time.Hour, time.Hour + 24*time.Hour},
		{3 * 24 * time.Hour, 6 * 24 * time.Hour},
		{-time.Hour, -time.Hour + 24*time.Hour},
	} {
		var known tokens
		known.add("old", nil, begin, begin.Add(test.lives))
		known.add("new", nil, begin.Add(test.remembered-time.Second), begin.Add(test.remembered+test.lives))
		if _, found := known.find("old"); !found {
			t.Errorf("%s: forgotten before its time", test.lives)
		}
		known.add("newer", nil, begin.Add(test.remembered), begin.Add(test.remembered+test.lives))
		if _, found := known.find("old"); found {
			t.Errorf("%s: still known", test.lives)
		}
		if _, found := known.find("new"); !found {
			t.Errorf("%s: a newer one is forgotten", test.lives)
		}
	}
}

func TestTokensThatNeverExpireAreForgottenWhenThereAreTooMany(t *testing.T) {
	now := time.Now()
	var known tokens
	for i := range maxTokens + 10 {
		known.add(fmt.Sprint(i), nil, now, time.Time{})
	}
	for i, want := range map[int]bool{0: false, 9: false, 10: true, maxTokens + 9: true} {
		if _, found := known.find(fmt.Sprint(i)); found != want {
			t.Errorf("token %d: %t", i, found)
		}
	}
	if len(known.grants) != maxTokens || len(known.order) != maxTokens {
		t.Errorf("%d tokens in an order of %d", len(known.grants), len(known.order))
	}
}

func TestRevokedTokensLeaveNothingBehind(t *testing.T) {
	now := time.Now()
	var known tokens
	for i := range maxTokens + 10 {
		known.add(fmt.Sprint(i), nil, now, now.Add(time.Hour))
		if !known.remove(fmt.Sprint(i)) || known.remove(fmt.Sprint(i)) {
			t.Fatalf("token %d is not removed once", i)
		}
	}
	if len(known.grants) != 0 || len(known.order) > maxTokens {
		t.Errorf("%d tokens in an order of %d", len(known.grants), len(known.order))
	}
}

func TestATokenAcceptedAgainIsTheLatest(t *testing.T) {
	now := time.Now()
	var known tokens
	known.add("twice", nil, now, now.Add(time.Hour))
	known.add("twice", []string{"item"}, now, now.Add(100*time.Hour))
	known.add("other", nil, now.Add(48*time.Hour), now.Add(49*time.Hour)) // the first is due
	if g, found := known.find("twice"); !found || len(g.scopes) != 1 {
		t.Errorf("known %t, %+v", found, g)
	}
}

func TestATokenLongExpiredIsForgottenAtOnce(t *testing.T) {
	now := time.Now()
	var known tokens
	known.add("old", nil, now, now.AddDate(-1, 0, 0))
	if _, found := known.find("old"); found || len(known.order) != 0 {
		t.Errorf("known %t, %d in order", found, len(known.order))
	}
	known.add("far", nil, now, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	if g, found := known.find("far"); !found || g.expires.hasCome(now.AddDate(200, 0, 0)) {
		t.Errorf("known %t, expires %d", found, g.expires)
	}
}

func BenchmarkTokens(b *testing.B) {
	now := time.Now()
	token := strings.Repeat("x", 1000)
	var known tokens
	b.ReportAllocs()
	for i := range b.N {
		known.add(token[:900+i%100], nil, now, now.Add(time.Hour))
	}
}

const prefixed = `
name: Acme
docs: https://docs.acme.example/auth
base_url: https://api.acme.example/v2
credentials: {api_key: ACME_API_KEY}
auth: {scheme: bearer}
calls:
  account: {endpoint: GET /account}
  sub: {endpoint: GET /sub/account}
`

// A base URL may have a path. Who simulates the provider elsewhere need not
// have the same.
func TestThePathOfTheBaseURL(t *testing.T) {
	p, err := providers.Parse("acme.yaml", []byte(prefixed))
	if err != nil {
		t.Fatal(err)
	}
	// This fixture has no Content-Type, and none is to be guessed.
	fixture := &fstest.MapFile{Data: []byte("# assumed a test\nHTTP/1.1 200 OK\nContent-Length: 999\n\n{}\n")}
	sim, err := New(p, fstest.MapFS{"acme/account/ok.http": fixture, "acme/sub/ok.http": fixture})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	for _, test := range []struct {
		path   string
		status int
		judged string
	}{
		{"/account", 200, "account/ok"},
		{"/v2/account", 200, "account/ok"},
		{"/v2/sub/account", 200, "sub/ok"},
		{"/acme/account", 501, "account/ok"},
		{"/acme/sub/account", 501, "sub/ok"},
		{"/nothing", 501, "unknown_call"},
	} {
		req, err := http.NewRequest(http.MethodGet, server.URL+test.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+TestCredentials(p)["api_key"])
		if got := sim.Judge(req, nil); got != test.judged {
			t.Errorf("%s: judged %s, want %s", test.path, got, test.judged)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("%s: %d, want %d", test.path, resp.StatusCode, test.status)
		}
		if resp.StatusCode == 200 && (resp.Header["Content-Type"] != nil || resp.ContentLength != 3) {
			t.Errorf("%s: %v", test.path, resp.Header)
		}
	}
}
