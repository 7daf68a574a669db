package redact

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	token := jwt(400)
	parts := strings.Split(token, ".")
	tests := []struct{ name, text, want string }{
		{"bearer", "Authorization: Bearer q7Zr2MxK9wLd\r\nHost: h\r\n", "Authorization: Bearer <redacted:credentials>\r\nHost: h\r\n"},
		{"case", "authorization: BEARER q7Zr2MxK9wLd", "authorization: BEARER <redacted:credentials>"},
		{"basic", "Proxy-Authorization: Basic aWQ6c2VjcmV0==", "Proxy-Authorization: Basic <redacted:credentials>"},
		{"token", "Authorization: Token q7Zr|2MxK9wLd", "Authorization: Token <redacted:credentials>"},
		{"token parameter", `Authorization: Token token="q7Zr2MxK9wLd"`, `Authorization: Token token="<redacted:credentials>"`},
		{"curl", "curl -H 'Authorization: Bearer q7Zr2MxK9wLd' https://h", "curl -H 'Authorization: Bearer <redacted:credentials>' https://h"},
		{"JSON", `{"authorization":"Bearer q7Zr2MxK9wLd","a":1}`, `{"authorization":"Bearer <redacted:credentials>","a":1}`},
		{"JSON in JSON", `{"a":"{\"authorization\":\"Bearer q7Zr2MxK9wLd\"}"}`, `{"a":"{\"authorization\":\"Bearer <redacted:credentials>\"}"}`},
		{"JSON list", "{\"Authorization\": [\n  \"Bearer q7Zr2MxK9wLd\"\n]}", "{\"Authorization\": [\n  \"Bearer <redacted:credentials>\"\n]}"},
		{"HAR", `{"name": "Authorization", "value": "Basic q7Zr2MxK9wLd"}`, `{"name": "Authorization", "value": "Basic <redacted:credentials>"}`},
		{"HTML", `&#34;Authorization&#34;: &#34;Bearer q7Zr2MxK9wLd&#34;`, `&#34;Authorization&#34;: &#34;Bearer <redacted:credentials>&#34;`},
		{"query", `Authorization%3A%20Bearer%20q7Zr2MxK9wLd`, `Authorization%3A%20Bearer%20<redacted:credentials>`},
		{"Go", "map[Accept:[*/*] Authorization:[Bearer q7Zr2MxK9wLd]]", "map[Accept:[*/*] Authorization:[Bearer <redacted:credentials>]]"},
		{"JWT", "t=" + token + "&x", "t=<redacted:jwt>&x"},
		{"JWT after an escape", `\n` + token + `\n`, `\n<redacted:jwt>\n`},
		{"JWT in a header", "Authorization: Bearer " + token, "Authorization: Bearer <redacted:jwt>"},
		{"JWT, twice", token + " " + token, "<redacted:jwt> <redacted:jwt>"},
		{"JWT without claims", parts[0] + ".abc." + parts[2], parts[0] + ".abc." + parts[2]},
		{"JWT without signature", parts[0] + "." + parts[1] + ".", parts[0] + "." + parts[1] + "."},
		{"JWT's header", parts[0], parts[0]},
		{"no header", "Bearer q7Zr2MxK9wLd", "Bearer q7Zr2MxK9wLd"},
		{"another scheme", "Authorization: Digest username=x", "Authorization: Digest username=x"},
	}
	r := New()
	for _, test := range tests {
		got := r.String(test.text)
		if got != test.want {
			t.Errorf("%s: String(%q) = %q, want %q", test.name, test.text, got, test.want)
		}
		if again := r.String(got); again != got {
			t.Errorf("%s: String(%q) = %q, and then %q", test.name, test.text, got, again)
		}
		if name, found := r.Leak([]byte(test.text)); found {
			t.Errorf("%s: Leak(%q) = %q", test.name, test.text, name)
		}
	}
}

func TestPlaceholdersAreKept(t *testing.T) {
	for _, value := range []string{
		"$TOKEN", "$ANTSOMI_CLIENT_SECRET", "${TOKEN}", "{client_secret}", "{{ token }}", "<token>", "<your access token>",
		"<redacted:token>", "&lt;token&gt;", "\\u003credacted:token\\u003e", "%3Credacted%3Atoken%3E", "%s", "***", "…", "...",
		"YOUR_ACCESS_TOKEN", "access_token", "token,", "token.", "$ID:$SECRET", "{base64(client_id:client_secret)}",
	} {
		for _, around := range []string{"Authorization: Bearer @", "-H 'Authorization: Basic @' \\", `{"Authorization":"Token @"}`, "authorization: bearer @\r\n"} {
			text := strings.ReplaceAll(around, "@", value)
			if got := New().String(text); got != text {
				t.Errorf("String(%q) = %q, want it unchanged", text, got)
			}
		}
	}
}

// What is erased once must pass through the encoders of the reports unharmed.
func TestErasedTextMayBeEncodedAndErasedAgain(t *testing.T) {
	r := New()
	r.Add("token", "q7Zr2MxK9wLd")
	headers := http.Header{"Authorization": {r.String("Bearer q7Zr2MxK9wLd")}}
	encoded, err := json.Marshal(headers)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.String(string(encoded)); got != string(encoded) {
		t.Errorf("String(%q) = %q", encoded, got)
	}
}
