package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRewritingNothingKeepsEveryByte(t *testing.T) {
	for _, body := range []string{
		`1`, ` "a" `, `null`, `[]`, `{}`, "\n[ 1 , 2.50 ,\t-1e5 ]\n", `{"a":{"b":[{"c":"\u00e9\/\""},[],{}]},"a":true , "" : "" }`, `{"a:,":"b,:"}`,
	} {
		out, err := rewriteJSON([]byte(body), func(_ place, raw string) string { return raw })
		if err != nil || string(out) != body {
			t.Errorf("%s: got %s, %v", body, out, err)
		}
	}
}

func TestRewritingSeesEachNameAndValueInItsPlace(t *testing.T) {
	var seen []string
	out, err := rewriteJSON([]byte(`{"a": [1, {"b": "x"}], "c": null}`), func(at place, raw string) string {
		seen = append(seen, at.path+" "+at.key+" "+raw)
		if at.name {
			return strings.ToUpper(raw)
		}
		return `"` + at.key + `"`
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`/a a "a"`, `/a/0 a 1`, `/a/1/b b "b"`, `/a/1/b b "x"`, `/c c "c"`, `/c c null`}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := string(out), `{"A": ["a", {"B": "b"}], "C": "c"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKinds(t *testing.T) {
	tests := []struct {
		key, value string
		grants     bool
		want       kind
	}{
		{"access_token", "abc12345", false, token},
		{"accessToken", "abcdefghijklmnop", false, token},
		{"token", "required", false, harmless},
		{"token_type", "Bearer", true, harmless},
		{"issued_token_type", "urn:ietf:params:oauth:token-type:access_token", true, harmless},
		{"password", "open", false, token},
		{"sort_key", "created_at_descending", false, harmless},
		{"api_key", "key_live_1", false, token},
		{"anything", "abcdefghijklmnop", true, token},
		{"scope", "https://api.example.com/auth/read", true, harmless},
		{"expires", "2026-11-20T10:00:00Z", true, harmless},
		{"error", "invalid_client", false, harmless},
		{"name", "invalid_scope", false, harmless},
		{"name", "Unsupported-Grant-Type-2026", false, harmless},
		{"code", "AUTH-4010-INVALID", false, harmless},
		{"message", "Client 1a2b3c4d5e6f7a8b9c0d is unknown", false, harmless}, // its words are looked at one by one
		{"", "1a2b3c4d5e6f7a8b9c0d", false, token},
		{"etag", "Zm9vYmFyMTIzNDU2Nzg5MGFi", false, token},
		{"kind", "subscription_schedule_2", false, harmless},
		{"id", "prod_Nf93kd", false, name},
		{"id", "user", false, harmless},
		{"userId", "4711", false, name},
		{"sub", "jane", false, name},
		{"firstName", "Jane", false, name},
		{"display-name", "Jane Doe", false, name},
		{"product_name", "Chair", false, harmless},
		{"phone", "0171 234", false, name},
		{"phone", "none", false, harmless},
		{"phone", "0171234", false, name},
		{"x", "+491712345678", false, name},
		{"x", "a@example.org", false, email},
		{"x", "9c5b94b1-35ad-49bb-b118-8e8fc24abf80", false, uuid},
		{"x", "10.0.0.1", false, host},
		{"x", "", false, harmless},
	}
	for _, tt := range tests {
		if got := kindOf(tt.key, tt.value, tt.grants); got != tt.want {
			t.Errorf("%s: %q: got %q, want %q", tt.key, tt.value, got, tt.want)
		}
	}
}
