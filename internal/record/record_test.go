package record

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/scaffold"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
	"github.com/authspec/authspec/steps"
)

// What is recorded of a simulated provider, as if it were real, passes the
// features it was recorded with.
func TestARecordingRunsGreen(t *testing.T) {
	builtin, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range builtin.Providers.All() {
		t.Run(p.ID, func(t *testing.T) {
			sim, err := simulator.New(p, builtin.Fixtures)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			o := observe(t, t.Context(), builtin, p.ID, sim.Credentials(), sim)
			r, files := recordTo(t, dir, o)
			if len(files) < 4 {
				t.Errorf("recorded %v", slices.Sorted(maps.Keys(files)))
			}
			for _, n := range r.Notes {
				if !p.IsUndocumented(n.Situation) {
					t.Errorf("%s: %s", n.Situation, n.Text)
				}
			}
			recorded, err := runner.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := runner.NewPlan(recorded, runner.Selection{Args: []string{p.ID}})
			if err != nil {
				t.Fatal(err)
			}
			run := runner.Run(t.Context(), plan, runner.Options{})
			for i := range run.Results {
				if res := &run.Results[i]; res.Verdict.Failed() {
					t.Errorf("%s:%d %s: %s", res.URI, res.Line, res.Verdict, res.Message)
				}
			}

			// Recorded again, everything but tokens and times being the same,
			// there is nothing to write.
			again, err := NewRecording(observe(t, t.Context(), recorded, p.ID, sim.Credentials(), sim), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if n := again.Changes(); n != 0 {
				for i := range again.Files {
					t.Errorf("%s", again.Files[i].Diff())
				}
			}
		})
	}
}

// A provider of every scheme can be made by new, recorded and run on the
// recording with no edit by hand.
func TestEverySchemeCanBeRecorded(t *testing.T) {
	for _, scheme := range providers.Schemes() {
		t.Run(scheme[0], func(t *testing.T) {
			dir := t.TempDir()
			if _, err := scaffold.New(dir, "newcomer", scaffold.Options{Scheme: scheme[0]}); err != nil {
				t.Fatal(err)
			}
			w, err := runner.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.Providers.Lookup("newcomer")
			if err != nil {
				t.Fatal(err)
			}
			sim, err := simulator.New(p, w.Fixtures)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := recordTo(t, dir, observe(t, t.Context(), w, p.ID, sim.Credentials(), sim))
			if r.Changes() < 3 || len(r.Notes) > 0 {
				t.Errorf("%d files, notes %v", r.Changes(), r.Notes)
			}
			plan, err := runner.NewPlan(w, runner.Selection{Args: []string{p.ID}})
			if err != nil {
				t.Fatal(err)
			}
			run := runner.Run(t.Context(), plan, runner.Options{})
			for i := range run.Results {
				if res := &run.Results[i]; res.Verdict != check.Passed && res.Cause != check.Undocumented {
					t.Errorf("%s:%d %s: %s", res.URI, res.Line, res.Verdict, res.Message)
				}
			}
		})
	}
}

const (
	plantedToken  = "4f9Qz7Lw2Xc8Vb5Nm1Kj6Hg3Fd0Sa-pO"
	plantedCookie = "s3ss10n-c00k1e-value-8Hq2"
	plantedEmail  = "jane.doe+real@customer-of-vault.de"
	plantedID     = "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"
)

// encodings are the ways in which TRAPS found secrets to travel.
func encodings(secret string) map[string]string {
	all := map[string]string{
		"plain": secret, "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"twice": url.QueryEscape(url.QueryEscape(secret)), "html": html.EscapeString(secret), "quoted": strconv.Quote(secret),
		"hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"reversed pair": "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+secret)),
	}
	inJSON, _ := json.Marshal(secret)
	all["json"] = string(inJSON)
	nested, _ := json.Marshal(string(inJSON))
	all["json in json"] = string(nested)
	var percent, unicode, numeric strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02x", b)
		fmt.Fprintf(&unicode, `\u%04x`, b)
		fmt.Fprintf(&numeric, "&#x%x;", b)
	}
	all["percent"], all["unicode"], all["numeric"] = percent.String(), unicode.String(), numeric.String()
	for _, before := range []string{"", "x", "xy"} {
		for name, e := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.RawURLEncoding} {
			all[name+" behind "+before] = e.EncodeToString([]byte(before + secret + ":more"))
		}
	}
	return all
}

// None of it reaches a file, however it is written and wherever it stands.
func TestPlantedSecretsReachNoFile(t *testing.T) {
	secrets := map[string]string{
		"secret": vaultCredentials["client_secret"], "client": vaultCredentials["client_id"],
		"token": plantedToken, "cookie": plantedCookie, "email": plantedEmail, "id": plantedID,
	}
	known := redact.New()
	for name, secret := range secrets {
		known.Add(name, secret)
	}
	for name, secret := range secrets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workspace(t, vault)
			encoded := encodings(secret)
			body := map[string]any{"pinned": "PINNED-0001-2222-3333-ABCD", "email": plantedEmail, "account_id": plantedID}
			headers := http.Header{}
			var all []string
			for how, text := range encoded {
				all = append(all, text)
				headers.Add("X-Api-Version", "v2 "+text)
				headers.Add("WWW-Authenticate", `Bearer realm="vault", error_description="`+text+`"`)
				body["echo "+how], body["sentence "+how] = text, "The client "+text+" is known."
				body["nested "+how] = []any{map[string]any{"deep": text, text: 1, "url": "https://vault.example/cb?state=" + url.QueryEscape(text)}}
			}
			o := observeVault(t, w, func(situation string, rw http.ResponseWriter) {
				h := rw.Header()
				h.Set("Set-Cookie", "session="+plantedCookie+"; Path=/")
				switch situation {
				case "token/issued":
					maps.Copy(h, headers)
					respond(rw, 200, jsonOf(map[string]any{"access_token": plantedToken, "token_type": "Bearer", "expires_in": 3600, "scope": "read", "pinned": body["pinned"]}))
				case "token/invalid_scope":
					h.Set("Location", "https://vault.example/login?token="+url.QueryEscape(secret))
					rw.WriteHeader(302)
				case "me/ok":
					respond(rw, 200, jsonOf(body))
				case "me/invalid_token":
					h.Set("Content-Type", "text/plain")
					rw.WriteHeader(401)
					_, _ = io.WriteString(rw, "no: "+strings.Join(all, "\n")+"\n")
				default:
					maps.Copy(h, headers)
					respond(rw, 401, jsonOf(map[string]any{"error": "invalid_client", "error_description": "The client " + secret + " is unknown"}))
				}
			})
			_, files := recordTo(t, w.Dir, o)
			if len(files) != 4 {
				t.Fatalf("recorded %v", slices.Sorted(maps.Keys(files)))
			}
			for file, content := range files {
				if leak, found := known.Leak([]byte(content)); found {
					t.Errorf("%s holds the %s:\n%s", file, leak, content)
				}
				for how, text := range encoded {
					if strings.Contains(content, text) {
						t.Errorf("%s holds the %s, %s:\n%s", file, name, how, content)
					}
				}
			}
			for kept, file := range map[string]string{
				`"PINNED-0001-2222-3333-ABCD"`: "token/issued", `"Bearer"`: "token/issued", `realm="vault"`: "token/invalid_client",
				`"The client `: "token/invalid_client", `"sentence plain": "The client `: "me/ok",
			} {
				if content := files["vault/"+file+".http"]; !strings.Contains(content, kept) {
					t.Errorf("%s is lost:\n%s", kept, content)
				}
			}
		})
	}
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Secrets that look like anything else: a number, words in a cookie.
func TestPlainSecretsReachNoFile(t *testing.T) {
	w := workspace(t, vault)
	o := observeVault(t, w, func(situation string, rw http.ResponseWriter) {
		rw.Header().Set("Set-Cookie", "who=jane-and-her-session; Path=/")
		if situation == "token/issued" {
			respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":3600,"pin":8675309,"list":[-1,8675309.0],"note":"for jane-and-her-session only"}`)
			return
		}
		respond(rw, 400, `{"error":"invalid_scope"}`)
	})
	o.creds = vaultCredentials.With("client_id", "8675309")
	_, files := recordTo(t, w.Dir, o)
	issued := files["vault/token/issued.http"]
	if strings.Contains(issued, "8675309") || strings.Contains(issued, "jane-and-her-session") || !strings.Contains(issued, `"note": "for `) {
		t.Errorf("got\n%s", issued)
	}
}

// A secret that cannot be replaced stops the recording.
func TestASecretThatIsLeftStopsTheRecording(t *testing.T) {
	w := workspace(t, vault)
	o := observeVault(t, w, refusing)
	o.creds = vaultCredentials.With("client_id", "Unauthorized") // as the status line says
	r, err := NewRecording(o, Options{Dir: w.Dir})
	if !errors.Is(err, ErrLeak) || !strings.Contains(err.Error(), "VAULT_CLIENT_ID") || r != nil {
		t.Errorf("got %v", err)
	}
	if files := filesBelow(t, w.Dir); len(files) != 0 {
		t.Errorf("written: %v", files)
	}
}

const realJWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIn0." +
	"eyJpc3MiOiJodHRwczovL3ZhdWx0LmV4YW1wbGUiLCJzdWIiOiJ1c2VyLTQ3MTEiLCJhdWQiOiJ2YXVsdC1jbGllbnQvMSYyPXgiLCJpYXQiOjE3NjM4MDAwMDAuNSwiZXhwIjoxNzYzODAzNjAwLCJlbWFpbCI6ImphbmVAY3VzdG9tZXIuZGUiLCJqdGkiOiI5YzViOTRiMS0zNWFkLTQ5YmItYjExOC04ZThmYzI0YWJmODAiLCJzY29wZSI6InJlYWQgd3JpdGUiLCJ0ZW5hbnRfaWQiOjEyMzQ1Nn0." +
	"c2lnbmF0dXJlLXRoYXQtaXMtcmVhbA"

func TestStandIns(t *testing.T) {
	w := workspace(t, vault)
	const me = `{
 "id": 47110815, "uuid": "9C5B94B1-35AD-19BB-B118-8E8FC24ABF80", "email": "jane@customer.de", "contact": {"phone": "+49 171 2345678", "first_name": "Jané", "city": "New York"},
 "name": "invalid_scope", "status": "active", "count": 12345, "small_id": 7, "created_at": "2026-11-20T10:00:00.123Z", "day": "2026-11-20",
 "orders": [{"order_number": "AB-00123", "ref": null}, {"order_number": "AB-00124", "ref": true}], "owner": {"id": 47110815},
 "docs": "https://docs.vault.example/errors/invalid-scope", "link": "https://api.vault.example/users/47110815/orders?token=ab12cd34ef56ab12cd34",
 "text": "Mail jane@customer.de about 9C5B94B1-35AD-19BB-B118-8E8FC24ABF80.", "ip": "10.1.2.3", "digest": "3f786850e387550fdab836ed7e6dc881de23001b",
 "type": "urn:ietf:params:oauth:token-type:access_token", "price": 12.50, "big": 1e400, "esc": "a\/b\u00e9"
}`
	o := observeVault(t, w, func(situation string, rw http.ResponseWriter) {
		switch situation {
		case "token/issued":
			respond(rw, 200, `{"access_token":"`+realJWT+`","token_type":"Bearer","expires_in":3600,"scope":"read","refresh_token":"r3fr3sh-0123456789","pinned":"PINNED-0001-2222-3333-ABCD"}`)
		case "me/ok":
			respond(rw, 200, me)
		default:
			respond(rw, 401, `{"error":"invalid_token","token":"`+realJWT+`"}`)
		}
	})
	_, files := recordTo(t, w.Dir, o)
	parse := func(file string) gjson.Result {
		f, err := simulator.ParseFixture(file, []byte(files[file]))
		if err != nil {
			t.Fatal(err)
		}
		return gjson.ParseBytes(f.Body)
	}
	issued, account, refused := parse("vault/token/issued.http"), parse("vault/me/ok.http"), parse("vault/me/invalid_token.http")

	for path, kept := range map[string]string{
		"name": `"invalid_scope"`, "status": `"active"`, "count": "12345", "small_id": "7", "created_at": `"2026-11-20T10:00:00.123Z"`, "day": `"2026-11-20"`,
		"docs": `"https://docs.vault.example/errors/invalid-scope"`, "type": `"urn:ietf:params:oauth:token-type:access_token"`, "price": "12.50", "big": "1e400", "esc": `"a\/b\u00e9"`,
		"orders.0.ref": "null", "orders.1.ref": "true",
	} {
		if got := account.Get(path).Raw; got != kept {
			t.Errorf("%s: got %s, want %s kept", path, got, kept)
		}
	}
	for path, form := range map[string]string{
		"id": `^[1-9]\d{7}$`, "uuid": `^[0-9A-F]{8}-[0-9A-F]{4}-1[0-9A-F]{3}-B[0-9A-F]{3}-[0-9A-F]{12}$`, "email": `^[a-z]{4}@example\.com$`,
		"contact.phone": `^\+\d\d \d{3} \d{7}$`, "contact.first_name": `^[A-Z][a-z]{3}$`, "contact.city": `^[A-Z][a-z]{2} [A-Z][a-z]{3}$`,
		"orders.0.order_number": `^[A-Z]{2}-\d{5}$`, "ip": `^192\.0\.2\.\d{1,3}$`, "digest": `^[0-9a-f]{40}$`,
		"link": `^https://api\.vault\.example/users/\d{8}/orders\?token=[0-9a-f]{20}$`,
		"text": `^Mail [a-z]{4}@example\.com about [0-9A-F-]{36}\.$`,
	} {
		real := gjson.Get(me, path).String()
		if got := account.Get(path).String(); !regexp.MustCompile(form).MatchString(got) || got == real {
			t.Errorf("%s: got %s for %s, want %s", path, got, real, form)
		}
	}
	for _, same := range [][2]string{{account.Get("id").Raw, account.Get("owner.id").Raw}, {issued.Get("access_token").Str, refused.Get("token").Str}} {
		if same[0] != same[1] {
			t.Errorf("the same value has two stand-ins: %s and %s", same[0], same[1])
		}
	}
	if !strings.Contains(account.Get("text").Str, account.Get("email").Str) || !strings.Contains(account.Get("text").Str, account.Get("uuid").Str) {
		t.Errorf("a text has other stand-ins: %s", account.Get("text"))
	}
	if a, b := account.Get("orders.0.order_number").Str, account.Get("orders.1.order_number").Str; a == b {
		t.Errorf("two values have one stand-in: %s", a)
	}

	token := issued.Get("access_token").Str
	parts := strings.Split(token, ".")
	claims, err := providers.JWTClaims(token)
	if err != nil || parts[0] != strings.Split(realJWT, ".")[0] || len(parts[2]) != len(strings.Split(realJWT, ".")[2]) || parts[2] == strings.Split(realJWT, ".")[2] {
		t.Fatalf("the token is no JWT of the same shape: %s", token)
	}
	for claim, form := range map[string]string{
		"iss": `^"https://vault\.example"$`, "sub": `^"[a-z]{4}-\d{4}"$`, "aud": `^"[^"]{18}"$`, "iat": `^1763800000\.5$`, "exp": `^1763803600$`,
		"email": `@example\.com"$`, "jti": `^"[0-9a-f-]{36}"$`, "scope": `^"read write"$`, "tenant_id": `^\d{6}$`,
	} {
		if got := claims.Get(claim).Raw; !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("claim %s: got %s, want %s", claim, got, form)
		}
	}
	if claims.Get("sub").Str == "user-4711" || claims.Get("tenant_id").Raw == "123456" || claims.Get("jti").Str == plantedID {
		t.Errorf("claims are real: %s", claims)
	}
	if got := issued.Get("pinned").Str; got != "PINNED-0001-2222-3333-ABCD" {
		t.Errorf("pinned is %s", got)
	}
	if got := issued.Get("token_type").Str + issued.Get("scope").Str; got != "Bearerread" {
		t.Errorf("token_type and scope are %s", got)
	}
	if before, after := shape(t, me), shape(t, account.Raw); schema.Changes(before, after) != nil {
		t.Errorf("the shape changed: %v", schema.Changes(before, after))
	}
}

func shape(t *testing.T, body string) *schema.Shape {
	t.Helper()
	s, err := schema.Of([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The stand-in is made of the place, not of the value: another token and
// another address tomorrow leave the file as it is.
func TestStandInsTellNothingOfTheValue(t *testing.T) {
	record := func(token, email string) map[string]string {
		w := workspace(t, vault)
		o := observeVault(t, w, func(situation string, rw http.ResponseWriter) {
			if situation == "token/issued" {
				respond(rw, 200, `{"access_token":"`+token+`","expires_in":3600,"email":"`+email+`"}`)
				return
			}
			respond(rw, 401, `{"error":"invalid_client"}`)
		})
		_, files := recordTo(t, w.Dir, o)
		for name, content := range files {
			files[name] = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(content, "HOST")
		}
		return files
	}
	first := record("Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr1St2Uv", "anna@customer.de")
	second := record("zY9xW8vU7tS6rQ5pO4nM3lK2jI1hG0fE", "bert@customer.de")
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func TestHeaders(t *testing.T) {
	w := workspace(t, vault)
	o := observeVault(t, w, func(situation string, rw http.ResponseWriter) {
		h := rw.Header()
		for name, value := range map[string]string{
			"Date": "Sat, 22 Nov 2026 00:00:00 GMT", "Server": "nginx", "Set-Cookie": "a=b", "X-Request-Id": "1", "CF-Ray": "8a1b", "ETag": `"x"`, "Alt-Svc": "h3",
			"Cache-Control": "no-store", "Pragma": "no-cache", "Retry-After": "5", "RateLimit-Limit": "60", "X-RateLimit-Remaining": "59",
			"WWW-Authenticate": `Bearer realm="tenant 9c5b94b1-35ad-49bb-b118-8e8fc24abf80"`, "X-Api-Version": "2026-01-01", "X-Account-Owner": "Jane Doe",
		} {
			h.Set(name, value)
		}
		h.Add("WWW-Authenticate", "Basic")
		if situation == "token/issued" {
			respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":3600}`)
			return
		}
		respond(rw, 401, `{"error":"invalid_client"}`)
	})
	_, files := recordTo(t, w.Dir, o)
	f, err := simulator.ParseFixture("x", []byte(files["vault/token/invalid_client.http"]))
	if err != nil {
		t.Fatal(err)
	}
	challenge := f.Header.Values("WWW-Authenticate")
	if len(challenge) != 2 || !regexp.MustCompile(`^Bearer realm="tenant [0-9a-f-]{36}"$`).MatchString(challenge[0]) || strings.Contains(challenge[0], plantedID) || challenge[1] != "Basic" {
		t.Errorf("got %q", challenge)
	}
	f.Header.Del("WWW-Authenticate")
	want := http.Header{
		"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}, "Pragma": {"no-cache"}, "Ratelimit-Limit": {"60"}, "Retry-After": {"5"},
		"X-Ratelimit-Remaining": {"59"}, "X-Api-Version": {"2026-01-01"}, // a feature speaks of it
	}
	if diff := cmp.Diff(want, f.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f.StatusFrom.Kind != simulator.Recorded || !regexp.MustCompile(`^127\.0\.0\.1:\d+ \d{4}-\d\d-\d\d$`).MatchString(f.StatusFrom.Detail) {
		t.Errorf("provenance %s", f.StatusFrom)
	}
}

// Only what says something about its situation is recorded; the rest is told.
func TestAnswersThatAreNotRecorded(t *testing.T) {
	tests := map[string]struct {
		situation string
		answer    func(rw http.ResponseWriter)
		want      string
	}{
		"too many requests": {"token/invalid_client", func(rw http.ResponseWriter) { respond(rw, 429, `{}`) }, "429: too many requests"},
		"the server fails":  {"token/invalid_client", func(rw http.ResponseWriter) { respond(rw, 503, `{}`) }, "503: the provider has a problem"},
		"a redirect":        {"me/ok", func(rw http.ResponseWriter) { rw.Header().Set("Location", "/login"); rw.WriteHeader(302) }, "302: a redirect"},
		"a login page": {"me/ok", func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(rw, "<html>")
		}, "200: a page for people"},
		"a refused scope":         {"me/ok", func(rw http.ResponseWriter) { respond(rw, 403, `{"error":"insufficient_scope"}`) }, "403: the scope was refused"},
		"a success that must not": {"me/invalid_token", func(rw http.ResponseWriter) { respond(rw, 200, `{"id":1}`) }, "200: a success where it must refuse"},
		"a token that must not":   {"token/invalid_client", func(rw http.ResponseWriter) { respond(rw, 200, `{"access_token":"`+plantedToken+`"}`) }, "200: a success where it must refuse"},
		"a wrong address":         {"me/ok", func(rw http.ResponseWriter) { respond(rw, 404, `{}`) }, "404: no success; check the endpoint in providers/vault.yaml"},
		"bytes":                   {"me/ok", func(rw http.ResponseWriter) { respond(rw, 200, "\xff\xfe") }, "200: the body is no text"},
		"a token elsewhere":       {"token/issued", func(rw http.ResponseWriter) { respond(rw, 200, `{"jwt":"`+plantedToken+`"}`) }, "want a non-empty string at access_token; correct auth.response in providers/vault.yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := workspace(t, vault)
			r, files := recordTo(t, w.Dir, observeVault(t, w, func(situation string, rw http.ResponseWriter) {
				switch situation {
				case tt.situation:
					tt.answer(rw)
				case "token/issued":
					respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":3600}`)
				case "me/ok":
					respond(rw, 200, `{"id":1}`)
				case "token/invalid_scope":
					respond(rw, 400, `{"error":"invalid_scope"}`)
				default:
					respond(rw, 401, `{"error":"invalid_client"}`)
				}
			}))
			if _, recorded := files["vault/"+tt.situation+".http"]; recorded {
				t.Error("it was recorded")
			}
			told := slices.ContainsFunc(r.Notes, func(n Note) bool {
				return n.Situation == tt.situation && strings.Contains(n.Text, "not recorded: ") && strings.Contains(n.Text, tt.want)
			})
			if !told {
				t.Errorf("got %+v, want %s", r.Notes, tt.want)
			}
		})
	}
}

// An expiry that cannot be read is the provider file's matter.
func TestATokenWithoutAReadableExpiryIsRecordedAndTold(t *testing.T) {
	w := workspace(t, vault)
	r, files := recordTo(t, w.Dir, observeVault(t, w, func(situation string, rw http.ResponseWriter) {
		if situation == "token/issued" {
			respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":"3600"}`)
			return
		}
		respond(rw, 400, `{"error":"invalid_scope"}`)
	}))
	want := Note{"token/issued", "want a positive number at expires_in; correct auth.response in providers/vault.yaml"}
	if files["vault/token/issued.http"] == "" || !slices.Contains(r.Notes, want) {
		t.Errorf("got %v", r.Notes)
	}
}

func TestRateLimitsAreRecordedIfAskedFor(t *testing.T) {
	w := workspace(t, vault)
	o := observeVault(t, w, func(_ string, rw http.ResponseWriter) {
		rw.Header().Set("Retry-After", "60")
		respond(rw, 429, `{"error":"slow_down"}`)
	})
	r, err := NewRecording(o, Options{Dir: w.Dir, RateLimited: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range r.Files {
		names = append(names, r.Files[i].Name)
	}
	if diff := cmp.Diff([]string{"fixtures/vault/me/rate_limited.http", "fixtures/vault/token/rate_limited.http"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheFirstOfSeveralAnswersIsTakenAndDifferencesAreTold(t *testing.T) {
	files := maps.Clone(vault)
	files["features/vault.feature"] += `
  Scenario: No token at all is refused
    Given no Vault access token
    When I call "me"
    Then the response status is 401
`
	files["providers/vault.yaml"] += "answers: {me/missing_token: invalid_token}\n"
	w := workspace(t, files)
	r, recorded := recordTo(t, w.Dir, observeVault(t, w, func(situation string, rw http.ResponseWriter) {
		switch situation {
		case "token/issued":
			respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":3600}`)
		case "me/missing_token":
			respond(rw, 401, `{"error":"invalid_token","hint":"send one"}`)
		case "token/invalid_scope":
			respond(rw, 400, `{"error":"invalid_scope"}`)
		default:
			respond(rw, 401, `{"error":"invalid_token"}`)
		}
	}))
	want := []Note{
		{"me/ok", "not recorded: 401: the credential was refused"},
		{"me/invalid_token", "recorded the first of several answers that differ; another: hint is new (a string)"},
		{"token/invalid_scope", "has a fixture now: remove it from undocumented: in providers/vault.yaml"},
	}
	if diff := cmp.Diff(want, r.Notes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(recorded["vault/me/invalid_token.http"], "hint") {
		t.Error("the last was taken")
	}
}

const oldRefusal = `# documented https://docs.vault.example/auth 2026-11-20
HTTP/1.1 401 Unauthorized
Content-Type: application/json

{
    "error": "invalid_client"
}
`

// refusing answers every request for a token but the right one.
func refusing(situation string, rw http.ResponseWriter) {
	if situation == "token/issued" {
		respond(rw, 200, `{"access_token":"`+plantedToken+`","expires_in":3600}`)
		return
	}
	respond(rw, 401, `{"error":"invalid_client","hint":"no"}`)
}

func TestDiffShowsWhatChangesAndNothingElse(t *testing.T) {
	files := maps.Clone(vault)
	files["fixtures/vault/token/invalid_client.http"] = oldRefusal
	w := workspace(t, files)
	r, err := NewRecording(observeVault(t, w, refusing), Options{Dir: w.Dir})
	if err != nil {
		t.Fatal(err)
	}
	var f *File
	for i := range r.Files {
		if strings.HasSuffix(r.Files[i].Name, "token/invalid_client.http") {
			f = &r.Files[i]
		}
	}
	got := regexp.MustCompile(`127\.0\.0\.1:\d+ \d{4}-\d\d-\d\d`).ReplaceAllString(string(f.Diff()), "HOST DATE")
	want := `diff fixtures/vault/token/invalid_client.http fixtures/vault/token/invalid_client.http (recorded)
--- fixtures/vault/token/invalid_client.http
+++ fixtures/vault/token/invalid_client.http (recorded)
@@ -1,7 +1,8 @@
-# documented https://docs.vault.example/auth 2026-11-20
+# recorded HOST DATE
 HTTP/1.1 401 Unauthorized
 Content-Type: application/json
 
 {
-    "error": "invalid_client"
+    "error": "invalid_client",
+    "hint": "no"
 }
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := f.Summary(), "replaces   fixtures/vault/token/invalid_client.http, which is documented"; got != want {
		t.Errorf("got %s", got)
	}
	if got := r.Replacing(); got != "1 documented" {
		t.Errorf("replacing %q", got)
	}
}

func TestAFixtureThatIsRightIsLeftAlone(t *testing.T) {
	const body = "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error\":\"invalid_client\",\n\"hint\":\"no\"}\n"
	for name, tt := range map[string]struct {
		provenance string
		same       bool
	}{
		"documented":        {"# documented https://docs.vault.example/auth 2026-11-20\n", true},
		"recorded":          {"# recorded api.vault.example 2026-11-20\n", true},
		"assumed":           {"# assumed nobody knows\n", false},
		"assumed in a part": {"# documented https://docs.vault.example/auth 2026-11-20\n# headers assumed not shown\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(vault)
			files["fixtures/vault/token/invalid_client.http"] = tt.provenance + body
			w := workspace(t, files)
			_, written := recordTo(t, w.Dir, observeVault(t, w, refusing))
			if left := written["vault/token/invalid_client.http"] == tt.provenance+body; left != tt.same {
				t.Errorf("left alone is %v, want %v", left, tt.same)
			}
		})
	}
}

// What cannot be written whole is not written at all.
func TestWritesAllOrNothing(t *testing.T) {
	files := maps.Clone(vault)
	files["fixtures/vault/me/invalid_token.http"] = oldRefusal
	w := workspace(t, files)
	r, err := NewRecording(observeVault(t, w, refusing), Options{Dir: w.Dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Files) < 3 {
		t.Fatalf("%d files", len(r.Files))
	}
	last := filepath.Join(w.Dir, filepath.FromSlash(r.Files[len(r.Files)-1].Name))
	if err := os.MkdirAll(filepath.Join(last, "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	written, err := r.Write()
	if err == nil || written != nil {
		t.Fatalf("wrote %v, %v", written, err)
	}
	want := map[string]string{"vault/me/invalid_token.http": oldRefusal}
	if diff := cmp.Diff(want, filesBelow(t, w.Dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	if err := Writable(dir, "vault"); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fixtures"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Writable(dir, "vault"); err == nil || !strings.Contains(err.Error(), "fixtures is not a directory") {
		t.Errorf("a file in the way: got %v", err)
	}
	if err := Writable(filepath.Join(dir, "missing"), "vault"); err == nil {
		t.Error("no directory: no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestInterrupted(t *testing.T) {
	w := workspace(t, vault)
	ctx, cancel := context.WithCancel(t.Context())
	o := observe(t, ctx, w, "vault", vaultCredentials, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		cancel()
		refusing("token/issued", rw)
	}))
	if !o.Run.Interrupted || o.Run.ExitCode() != check.ExitInterrupted {
		t.Errorf("exit code %d", o.Run.ExitCode())
	}
}

// A body that cannot be read, or is too large, fails in the client as it
// would have without a recorder, and is not recorded.
func TestBodiesThatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		cause  check.Cause
	}{
		"cut off": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			respond(rw, 200, `{"a":`)
		}, check.NetworkTCP},
		"too large": {func(rw http.ResponseWriter, _ *http.Request) {
			respond(rw, 200, `"`+strings.Repeat("a", providers.MaxBody)+`"`)
		}, check.ResponseTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			o := observe(t, t.Context(), workspace(t, vault), "vault", vaultCredentials, tt.answer)
			if len(o.Exchanges) != 0 {
				t.Errorf("%d exchanges", len(o.Exchanges))
			}
			if got := o.Run.Results[0].Cause; got != tt.cause {
				t.Errorf("cause %s, want %s", got, tt.cause)
			}
		})
	}
}

// What a feature of one provider sends to another is nobody's fixture here.
func TestOtherProvidersAreNotRecorded(t *testing.T) {
	files := maps.Clone(vault)
	files["features/vault.feature"] += "  Scenario: Of another\n    Given valid Gigastore credentials\n    When I request an access token\n    Then the response status is 200\n"
	w := workspace(t, files)
	p, err := w.Providers.Lookup("vault")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{"features/vault.feature"}})
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[string]bool{}
	o, err := Observe(t.Context(), plan, p, runner.Options{Live: &steps.Live{
		Credentials: func(*providers.Provider) (providers.Credentials, error) { return vaultCredentials, nil },
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			hosts[req.URL.Host] = true
			body := `{"access_token":"` + plantedToken + `","accessToken":"` + plantedToken + `","expires_in":3600,"expiresIn":86400}`
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !hosts["api.giga.store"] || len(o.Exchanges) == 0 {
		t.Fatalf("sent to %v", hosts)
	}
	for _, x := range o.Exchanges {
		if x.Request.URL.Host != "api.vault.example" {
			t.Errorf("noted a request to %s", x.Request.URL.Host)
		}
	}
}

// A host with the name of the account in it is noted as the provider file has
// it.
func TestTheAccountInAHostIsNotRecorded(t *testing.T) {
	files := maps.Clone(vault)
	files["providers/vault.yaml"] = strings.NewReplacer("https://api.vault.example", "https://{shop}.vault.example",
		"credentials: {", "credentials: {shop: VAULT_SHOP, ").Replace(files["providers/vault.yaml"])
	w := workspace(t, files)
	p, err := w.Providers.Lookup("vault")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := runner.NewPlan(w, runner.Selection{Args: []string{"features/vault.feature"}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := Observe(t.Context(), plan, p, runner.Options{Live: &steps.Live{
		Credentials: func(*providers.Provider) (providers.Credentials, error) {
			return vaultCredentials.With("shop", "acme-4711"), nil
		},
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host != "acme-4711.vault.example" {
				t.Errorf("sent to %s", req.URL.Host)
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
				Body: io.NopCloser(strings.NewReader(`{"access_token":"` + plantedToken + `","token_type":"Bearer","expires_in":3600,"shop":"acme-4711"}`))}, nil
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRecording(o, Options{Dir: t.TempDir()})
	if err != nil || len(r.Files) == 0 {
		t.Fatalf("%d files, %v", len(r.Files), err)
	}
	for _, f := range r.Files {
		if !strings.HasPrefix(string(f.New), "# recorded {shop}.vault.example 20") || strings.Contains(string(f.New), "acme") {
			t.Errorf("%s:\n%s", f.Name, f.New)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
