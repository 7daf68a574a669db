package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Made up for these tests; nobody's.
var secrets = map[string]string{
	"plain":                "q7Zr2MxK9wLd",
	"short":                "k9#Q",
	"special":              "p@ss:w%rd+&=/ \"<'\\é\nend",
	"punctuated":           `\%"'&<>+/=?#[]{}`,
	"looks like an escape": `%41\u0042&amp;\n''""x`,
	"spaces":               "correct horse battery staple",
	"non-ASCII":            "пароль-密码-🔑",
	"not UTF-8":            "ab\xff\xfecd\x80ef",
	"token":                jwt(2048),
	"UUID":                 "3f2b8c1e-9d47-4a65-b0e2-7c5d1f8a6e93",
	"private key": "-----BEGIN PRIVATE KEY-----\n" +
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgx0mJ3c1b8sDq4Zt2\n" +
		"Vw5yKf7hRn9uPe6aLj8oTi0hRANCAAQ2s4d6f8g0h1j3k5l7z9x1c3v5b7n9m1q3\n" +
		"-----END PRIVATE KEY-----",
}

// jwt returns a token of about size bytes.
func jwt(size int) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	header := part(`{"alg":"RS256","typ":"JWT"}`)
	claims := part(`{"iss":"https://example.com","sub":"` + noise(size/2, 1) + `"}`)
	return header + "." + claims + "." + noise(size-len(header)-len(claims)-2, 2)
}

// noise returns n letters and digits that only look random.
func noise(n int, seed uint64) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = alphabet[seed>>33%uint64(len(alphabet))]
	}
	return string(b)
}

func jsonText(s string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}

func overEscaped(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// mixedCase turns every other letter of a hex escape to upper case.
func mixedCase(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			b[i+1+i%2] = bytes.ToUpper(b[i+1 : i+3])[i%2]
			i += 2
		}
	}
	return string(b)
}

func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}

func wrapped(s string, width int, lineBreak string) string {
	return strings.Join(slices.Collect(func(yield func(string) bool) {
		for chunk := range slices.Chunk([]byte(s), width) {
			if !yield(string(chunk)) {
				return
			}
		}
	}), lineBreak)
}

// encodings of a secret, as they meet us in logs, reports and dumps.
var encodingsOf = map[string]func(s string) string{
	"plain":                         func(s string) string { return s },
	"query":                         url.QueryEscape,
	"query, %20":                    func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	"query, lower case":             func(s string) string { return lowerHex(url.QueryEscape(s)) },
	"query, mixed case":             func(s string) string { return mixedCase(lowerHex(url.QueryEscape(s))) },
	"query, every byte":             func(s string) string { return overEscaped(s, "%%%02X") },
	"query, every byte, lower case": func(s string) string { return overEscaped(s, "%%%02x") },
	"query, twice":                  func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"query, three times":            func(s string) string { return url.QueryEscape(url.QueryEscape(url.QueryEscape(s))) },
	"path":                          url.PathEscape,
	"user of a URL":                 func(s string) string { return url.UserPassword("id", s).String() },
	"values":                        func(s string) string { return url.Values{"secret": {s}, "a": {"b"}}.Encode() },
	"JSON":                          func(s string) string { return jsonText(s, true) },
	"JSON, no HTML escapes":         func(s string) string { return jsonText(s, false) },
	"JSON, upper case hex": func(s string) string {
		return strings.NewReplacer(`\u003c`, `\u003C`, `\u003e`, `\u003E`).Replace(jsonText(s, true))
	},
	"JSON, escaped slash":  func(s string) string { return strings.ReplaceAll(jsonText(s, false), "/", `\/`) },
	"JSON, ASCII only":     func(s string) string { return strconv.QuoteToASCII(string([]rune(s))) },
	"JSON in JSON":         func(s string) string { return jsonText(`{"a":"`+jsonText(s, true)+`"}`, true) },
	"JSON in JSON in JSON": func(s string) string { return jsonText(jsonText(`{"a":"`+jsonText(s, true)+`"}`, true), false) },
	"query in JSON":        func(s string) string { return jsonText("https://h/?a=b&secret="+url.QueryEscape(s)+"&c", true) },
	"JSON in query":        func(s string) string { return url.QueryEscape(`{"a":"` + jsonText(s, true) + `"}`) },
	"HTML":                 html.EscapeString,
	"HTML, named": func(s string) string {
		return strings.NewReplacer("&#34;", "&quot;", "&#39;", "&apos;").Replace(html.EscapeString(s))
	},
	"HTML, template": func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "+", "&#43;") },
	"HTML, hex": func(s string) string {
		return strings.NewReplacer("&#34;", "&#x22;", "&#39;", "&#X27;").Replace(html.EscapeString(s))
	},
	"HTML, twice":  func(s string) string { return html.EscapeString(html.EscapeString(s)) },
	"JSON in HTML": func(s string) string { return html.EscapeString(`{"a":"` + jsonText(s, false) + `"}`) },
	"XML": func(s string) string {
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			panic(err)
		}
		return b.String()
	},
	"Go":                  strconv.Quote,
	"Go, ASCII only":      strconv.QuoteToASCII,
	"Go, %q of bytes":     func(s string) string { return fmt.Sprintf("%q", []byte(s)) },
	"Go, %+q":             func(s string) string { return fmt.Sprintf("%+q", s) },
	"Go, %v of bytes":     func(s string) string { return fmt.Sprintf("%v", []byte(s)) },
	"Go, %#v of bytes":    func(s string) string { return fmt.Sprintf("%#v", []byte(s)) },
	"Go, %#v":             func(s string) string { return fmt.Sprintf("%#v", struct{ S string }{s}) },
	"Go, % x":             func(s string) string { return fmt.Sprintf("% x", s) },
	"Go, % X":             func(s string) string { return fmt.Sprintf("% X", s) },
	"every byte as \\x":   func(s string) string { return overEscaped(s, `\x%02x`) },
	"every byte octal":    func(s string) string { return overEscaped(s, `\%03o`) },
	"shell":               func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	"shell, other quotes": func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" },
	"JSON in shell": func(s string) string {
		return "'" + strings.ReplaceAll(`{"a":"`+jsonText(s, false)+`"}`, "'", `'\''`) + "'"
	},
	"shell in JSON": func(s string) string { return jsonText("curl -d '"+strings.ReplaceAll(s, "'", `'\''`)+"'", true) },
	"YAML":          func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
	"CSV": func(s string) string {
		var b strings.Builder
		w := csv.NewWriter(&b)
		_ = w.Write([]string{"a", s})
		w.Flush()
		return b.String()
	},
	"Gherkin table":    func(s string) string { return strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", `\n`).Replace(s) },
	"hex":              func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex, upper case":  func(s string) string { return fmt.Sprintf("%X", s) },
	"hex in hex text":  func(s string) string { return "abc" + hex.EncodeToString([]byte(s)) + "f" },
	"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, raw":      func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64, URL":      func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64, raw URL":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64, after 1":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s + "x")) },
	"base64, after 2":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("i:" + s + "xy")) },
	"base64, after 3":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte("id:" + s)) },
	"base64 in a path": func(s string) string { return "/x/" + base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of JSON": func(s string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"a":"` + jsonText(s, true) + `"}`))
	},
	"base64 of query": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("id:" + url.QueryEscape(s))) },
	"base64, twice": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(`{"auth":"` + base64.StdEncoding.EncodeToString([]byte("id:"+s)) + `"}`))
	},
	"base64 in query": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("id:" + s))) },
	"base64 in JSON, escaped slash": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte("id:"+s)), "/", `\/`)
	},
	"base64 in lines":          func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\n") },
	"base64 in indented lines": func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), 64, "\r\n    ") },
	"base64 in lines, in JSON": func(s string) string {
		return jsonText(wrapped(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\n"), true)
	},
	"JSON array":               func(s string) string { return strings.ReplaceAll(fmt.Sprintf("%v", []byte(s)), " ", ",") },
	"trailing newline, base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s + "\n")) },
}

var surroundings = map[string][2]string{
	"alone":       {"", ""},
	"in a form":   {"grant_type=client_credentials&client_secret=", "&scope=item"},
	"in JSON":     {`{"error":"invalid_client","secret":"`, `","status":400}`},
	"in words":    {"the provider said ", ", twice"},
	"after a log": {"2026-11-21T23:41:57Z 100% of C:\\tmp ", "\nnext line\n"},
}

// checkGone checks that the secret is found in text and erased from it.
func checkGone(t *testing.T, r *Redactor, text, encoded, secret, name string) {
	t.Helper()
	if got, found := r.Leak([]byte(text)); !found || got != name {
		t.Errorf("Leak(%q) = %q, %t, want %q", text, got, found, name)
	}
	out := r.String(text)
	if strings.Contains(out, encoded) || strings.Contains(out, secret) {
		t.Errorf("String(%q) = %q, which holds the secret", text, out)
	}
	if !strings.Contains(out, "<redacted:"+name+">") {
		t.Errorf("String(%q) = %q, which has no marker", text, out)
	}
	if name, found := r.Leak([]byte(out)); found {
		t.Errorf("String(%q) = %q, which leaks %s", text, out, name)
	}
	if again := r.String(out); again != out {
		t.Errorf("String is not idempotent: %q, then %q", out, again)
	}
}

func TestEveryEncodingIsErased(t *testing.T) {
	all := New()
	for name, secret := range secrets {
		all.Add("all "+name, secret)
	}
	all.AddPair("all pair", "another id", secrets["special"])
	for name, secret := range secrets {
		alone := New()
		if !alone.Add(name, secret) {
			t.Fatalf("%s is refused", name)
		}
		for encoding, encode := range encodingsOf {
			t.Run(name+"/"+encoding, func(t *testing.T) {
				encoded := encode(secret)
				for _, around := range surroundings {
					text := around[0] + encoded + around[1]
					checkGone(t, alone, text, encoded, secret, name)
				}
				checkGone(t, all, "a="+encoded+"&b", encoded, secret, "all "+name)
			})
		}
	}
}

func TestEncodingsInsideEachOther(t *testing.T) {
	r := New()
	for _, name := range []string{"plain", "special", "punctuated", "looks like an escape"} {
		r.Add(name, secrets[name])
	}
	// Those that are several layers themselves, and lists of bytes in URLs,
	// which nobody writes.
	left := regexp.MustCompile(`twice|times|JSON in JSON|bytes|array|every byte|% `)
	for outer, encodeOuter := range encodingsOf {
		for inner, encodeInner := range encodingsOf {
			if left.MatchString(outer) || left.MatchString(inner) {
				continue
			}
			for _, name := range []string{"plain", "special", "punctuated", "looks like an escape"} {
				text := "a " + encodeOuter(encodeInner(secrets[name])) + " b"
				if got, _ := r.Leak([]byte(text)); got != name {
					t.Errorf("%s in %s: Leak(%q) = %q, want %q", inner, outer, text, got, name)
				}
				if got := r.String(text); !strings.Contains(got, "<redacted:"+name+">") {
					t.Errorf("%s in %s: String(%q) = %q", inner, outer, text, got)
				}
			}
		}
	}
}

// What is left around the marker must not tell the secret's beginning or end.
func TestNothingOfTheSecretIsLeft(t *testing.T) {
	r := New()
	const secret = "q7Zr2MxK9wLd"
	r.Add("s", secret)
	r.Add("quoted", `\"a'b"c\`)
	tests := []struct{ name, text, want string }{
		{"plain", "a " + secret + " b", "a <redacted:s> b"},
		{"twice", secret + secret, "<redacted:s><redacted:s>"},
		{"base64, padded", "x=" + base64.StdEncoding.EncodeToString([]byte(secret+"1")) + ";", "x=<redacted:s>MQ==;"},
		{"base64, whole", "x=" + base64.StdEncoding.EncodeToString([]byte("1"+secret)) + ";", "x=M<redacted:s>;"},
		{"base64, whole, padding escaped", "x=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("1"+secret))) + ";", "x=M<redacted:s>;"},
		{"hex", "0x" + hex.EncodeToString([]byte(secret)) + ".", "0x<redacted:s>."},
		{"bytes", fmt.Sprintf("%v", []byte("("+secret+")")), "[40 <redacted:s> 41]"},
		{"JSON", `{"a":"` + jsonText(`\"a'b"c\`, true) + `"}`, `{"a":"<redacted:quoted>"}`},
		{"HTML", `<a b="` + html.EscapeString(`\"a'b"c\`) + `">`, `<a b="<redacted:quoted>">`},
		{"lines", secret + "\r\n" + secret + "\n", "<redacted:s>\r\n<redacted:s>\n"},
	}
	for _, test := range tests {
		if got := r.String(test.text); got != test.want {
			t.Errorf("%s: String(%q) = %q, want %q", test.name, test.text, got, test.want)
		}
	}
}

func TestOrdinaryTextIsLeftAlone(t *testing.T) {
	r := New()
	for name, secret := range secrets {
		r.Add(name, secret)
	}
	for i := range 5000 {
		r.Add("more", noise(24, uint64(i)))
	}
	r.AddPair("basic", "client", "q7Zr2MxK9wLd")
	for _, text := range []string{
		"",
		"\n",
		`{"statusCode":400,"status":400,"code":400,"message":"Invalid scope: Requested scope is invalid","name":"invalid_scope"}`,
		`{"errors":[{"title":"Unauthenticated.","detail":"a \"quoted\" \u003cword\u003e, 100%25 \\o\/","source":{}}]}`,
		"    When I request an access token with scope \"item,event\"\n    Then the response status is 200\n",
		"| accessToken          | a non-empty string        |\n| accessTokenExpiresAt | a date-time in the future |\n",
		"| header        | scheme | status |\n| Authorization | Basic  | 401    |\n| Authorization | Bearer | 401    |\n",
		"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"\r\nContent-Length: 0\r\n\r\n",
		"<p>It&#39;s &lt;b&gt;100%&lt;/b&gt; &amp; more&nbsp;</p>",
		"curl -i 'https://iam.ants.tech/oauth/token' -H 'it'\\''s' # 1 2 3 4 5 6 7 8 9",
		"\x00\xff\xfe binary \x80",
		"The Authorization header (Basic or Bearer) is missing; authorization: basic authentication is required.",
		"no Authorization: Bearer token was sent",
		"an authorization bearer",
		"eyJ, eyJhbGciOiJub25lIn0 and eyJhbGciOiJub25lIn0.eyJh.x and eyJub3QgSlNPTg.eyJub3QgSlNPTg.c2ln",
	} {
		if got := r.String(text); got != text {
			t.Errorf("String(%q) = %q, want it unchanged", text, got)
		}
		if got := r.Bytes([]byte(text)); string(got) != text {
			t.Errorf("Bytes(%q) = %q, want it unchanged", text, got)
		}
		if name, found := r.Leak([]byte(text)); found {
			t.Errorf("Leak(%q) finds %s", text, name)
		}
	}
}

func TestAddRefusesWhatCannotBeErased(t *testing.T) {
	tests := []struct {
		value string
		want  bool
	}{
		{"", false}, {"a", false}, {"abc", false}, {"abc\n", false}, {"\n\n\n\n\n", false},
		{"      ", false}, {" a  ", false}, {"abcd", true}, {"abcd\r\n", true}, {"é1", false}, {"éé", true},
	}
	for _, test := range tests {
		r := New()
		if got := r.Add("s", test.value); got != test.want {
			t.Errorf("Add(%q) = %t, want %t", test.value, got, test.want)
		}
		const text = "a b      c ab abc\n\n\n\n\n\n"
		if got := r.String(text); got != text {
			t.Errorf("after Add(%q) String(%q) = %q", test.value, text, got)
		}
	}
}

func TestNilAndZero(t *testing.T) {
	var none *Redactor
	var zero Redactor
	text := "Authorization: Bearer q7Zr2MxK9wLd"
	for name, r := range map[string]*Redactor{"nil": none, "zero": &zero} {
		if got := r.String(text); got != text {
			t.Errorf("%s: String = %q", name, got)
		}
		if got := r.Bytes([]byte(text)); string(got) != text {
			t.Errorf("%s: Bytes = %q", name, got)
		}
		if _, found := r.Leak([]byte(text)); found {
			t.Errorf("%s: Leak finds something", name)
		}
		var b strings.Builder
		w := r.Writer(&b)
		_, _ = io.WriteString(w, text)
		if b.String() != text {
			t.Errorf("%s: Writer wrote %q before Close", name, b.String())
		}
		if err := w.Close(); err != nil || b.String() != text {
			t.Errorf("%s: Writer wrote %q, %v", name, b.String(), err)
		}
	}
	none.Add("s", "q7Zr2MxK9wLd")
	none.AddPair("s", "id", "q7Zr2MxK9wLd")
	zero.Add("s", "q7Zr2MxK9wLd")
	if got, want := zero.String(text), "Authorization: Bearer <redacted:s>"; got != want {
		t.Errorf("zero after Add: String = %q, want %q", got, want)
	}
	if !none.Add("s", "long enough") || none.Add("s", "a") {
		t.Error("nil: Add does not tell which secrets are too short")
	}
}

func TestBytesKeepsItsArgument(t *testing.T) {
	r := New()
	r.Add("s", "q7Zr2MxK9wLd")
	in := []byte("a q7Zr2MxK9wLd b")
	if got := r.Bytes(in); string(got) != "a <redacted:s> b" || string(in) != "a q7Zr2MxK9wLd b" {
		t.Errorf("Bytes = %q, and its argument is %q", got, in)
	}
}

func TestOverlaps(t *testing.T) {
	r := New()
	r.Add("inner", "9wLd7b")
	r.Add("outer", "q7Zr2M-9wLd7b-xK")
	r.Add("left", "abcdefgh")
	r.Add("right", "efghijklmn")
	r.Add("again", "9wLd7b")
	r.Add("bracket", ">tail")
	r.Add("word", "redacted")
	r.Add("named", "inner")
	tests := []struct{ text, want string }{
		{"9wLd7b", "<redacted:inner>"},
		{"q7Zr2M-9wLd7b-xK", "<redacted:outer>"},
		{"q7Zr2M-9wLd7b-x", "q7Zr2M-<redacted:inner>-x"},
		{"abcdefghijklmn", "<redacted:right>"},
		{"abcdefgh efghijklmn", "<redacted:left> <redacted:right>"},
		{"9wLd7btail", "<redacted:bracket>"}, // the marker's end and the tail are a secret
		{"redacted", "<redacted:word>"},
		{"<redacted:inner>", "<redacted:inner>"},
		{"<redacted:other>", "<<redacted:word>:other>"},
		{"inner", "<redacted:named>"},
		{"<redacted:<redacted:inner>>", "<<redacted:word>:<redacted:inner>>"},
	}
	for _, test := range tests {
		got := r.String(test.text)
		if got != test.want {
			t.Errorf("String(%q) = %q, want %q", test.text, got, test.want)
		}
		if again := r.String(got); again != got {
			t.Errorf("String(%q) = %q, and then %q", test.text, got, again)
		}
		if name, found := r.Leak([]byte(got)); found {
			t.Errorf("String(%q) = %q, which leaks %s", test.text, got, name)
		}
	}
}

func TestLeakNamesTheFirst(t *testing.T) {
	r := New()
	r.Add("a", "q7Zr2MxK9wLd")
	r.Add("b", "Tn5vB8cYp3Hs")
	if name, found := r.Leak([]byte("x Tn5vB8cYp3Hs " + hex.EncodeToString([]byte("q7Zr2MxK9wLd")))); name != "b" || !found {
		t.Errorf("Leak = %q, %t, want b", name, found)
	}
	if name, found := r.Leak([]byte("Authorization: Bearer " + jwt(400))); found {
		t.Errorf("Leak finds %q in a sample token", name)
	}
}

func TestPairs(t *testing.T) {
	const id, password = "client:1", "p@ss:w%rd+&=/ x"
	encode := base64.StdEncoding.EncodeToString
	raw := encode([]byte(id + ":" + password))
	form := encode([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(password)))
	r := New()
	r.AddPair("basic", id, password)
	r.AddPair("key", "sk_test_1234", "")
	r.AddPair("nothing", "", "")
	tests := []struct{ text, want string }{
		{"Basic " + raw, "Basic <redacted:basic>"},
		{"Basic " + form, "Basic <redacted:basic>"},
		{"a=" + url.QueryEscape("Basic "+raw) + "&b", "a=Basic+<redacted:basic>&b"},
		{"Authorization: Basic " + raw + "\r\n", "Authorization: Basic <redacted:basic>\r\n"},
		{"Basic " + encode([]byte("sk_test_1234:")), "Basic <redacted:key>"},
		{"sk_test_1234: ok", "sk_test_1234: ok"}, // the pair is a token68, and no text
	}
	for _, test := range tests {
		if got := r.String(test.text); got != test.want {
			t.Errorf("String(%q) = %q, want %q", test.text, got, test.want)
		}
	}
	if name, found := r.Leak([]byte(form)); name != "basic" || !found {
		t.Errorf("Leak = %q, %t", name, found)
	}
	r.Add("password", password)
	if got, want := r.String("Basic "+raw+" -u "+id+":"+password), "Basic <redacted:basic> -u "+id+":<redacted:password>"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

func TestKeysWithEscapedLineBreaks(t *testing.T) {
	key := secrets["private key"]
	r := New()
	r.Add("key", strings.ReplaceAll(key, "\n", `\n`)+"\n")
	for _, text := range []string{key, strings.ReplaceAll(key, "\n", `\n`), jsonText(key, true), jsonText(strings.ReplaceAll(key, "\n", `\n`), true)} {
		if got := r.String(text); got != "<redacted:key>" {
			t.Errorf("String(%q) = %q", text, got)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct{ name, want string }{
		{"antsomi.client_secret", "<redacted:antsomi.client_secret>"},
		{"Clé 1", "<redacted:Clé 1>"},
		{"a<b>\"c\"\\\n", "<redacted:a_b__c___>"},
		{"", "<redacted:secret>"},
	}
	for _, test := range tests {
		r := New()
		r.Add(test.name, "q7Zr2MxK9wLd")
		got := r.String("q7Zr2MxK9wLd")
		if got != test.want || r.String(got) != got {
			t.Errorf("the name %q is shown as %q, want %q", test.name, got, test.want)
		}
	}
}

// Tokens of one issuer begin alike, and there are thousands.
func TestManySecrets(t *testing.T) {
	r := New()
	common := strings.SplitAfter(jwt(400), ".")[0]
	text := make([]string, 3000)
	for i := range text {
		text[i] = common + noise(4+i%40, uint64(i))
		if !r.Add("t", text[i]) {
			t.Fatalf("%q is refused", text[i])
		}
	}
	for _, s := range text {
		if got := r.String(s); got != "<redacted:t>" {
			t.Fatalf("String(%q) = %q", s, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	r := New()
	r.Add("s", "q7Zr2MxK9wLd")
	var b bytes.Buffer
	w := r.Writer(&b)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				token := noise(20, uint64(i*1000+j))
				r.Add("token", token)
				r.AddPair("pair", "id", token)
				if got := r.String(token + " q7Zr2MxK9wLd"); got != "<redacted:token> <redacted:s>" {
					t.Errorf("String = %q", got)
				}
				r.Leak([]byte(token))
				fmt.Fprintf(w, "%s\n", token)
			}
		})
	}
	all.Wait()
	if err := w.Close(); err != nil || b.String() != strings.Repeat("<redacted:token>\n", 800) {
		t.Errorf("the writer wrote %q, %v", b.String(), err)
	}
}

func FuzzRedact(f *testing.F) {
	for _, secret := range secrets {
		f.Add("before ", secret, " after")
		f.Add(`{"a":"\`, secret, `"}`)
	}
	f.Add("<redacted:s>", ">abcd", "abcd>abcdabcd")
	f.Add("<redacted:", "s>ab", "ab>")
	f.Add("abcd", "abcdabcd", "<redacted:jwt>")
	f.Add("Authorization: Bearer a", "0000", "0\x00%00")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		r := New()
		if !r.Add("s", secret) {
			t.Skip()
		}
		secret = strings.Trim(secret, "\r\n")
		text := before + secret + after
		if _, found := r.Leak([]byte(text)); !found && !inMarker(text, len(before), len(secret)) {
			t.Errorf("Leak(%q) does not find %q", text, secret)
		}
		out := r.String(text)
		for at := 0; ; at++ {
			next := strings.Index(out[at:], secret)
			if next < 0 {
				break
			}
			if at += next; !inMarker(out, at, len(secret)) {
				t.Fatalf("String(%q) = %q, which holds %q", text, out, secret)
			}
		}
		if name, found := r.Leak([]byte(out)); found {
			t.Errorf("String(%q) = %q, which leaks %s", text, out, name)
		}
		if again := r.String(out); again != out {
			t.Errorf("String(%q) = %q, and then %q", text, out, again)
		}
		if got := r.Bytes([]byte(text)); string(got) != out {
			t.Errorf("Bytes(%q) = %q, want %q", text, got, out)
		}
		for _, encode := range []func(string) string{url.QueryEscape, strconv.Quote, func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(s))
		}} {
			if encoded := encode(text); !inMarker(text, len(before), len(secret)) {
				if _, found := r.Leak([]byte(encoded)); !found {
					t.Errorf("Leak(%q) does not find %q", encoded, secret)
				}
			}
		}
		for _, marker := range []string{before, after} {
			var b strings.Builder
			w := r.Writer(&b)
			_, _ = io.WriteString(w, text[:len(marker)])
			_, _ = io.WriteString(w, text[len(marker):])
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.NewReplacer("<redacted:s>", "\x00", "<redacted:jwt>", "\x00", "<redacted:credentials>", "\x00").Replace(b.String()), secret) {
				if !strings.Contains(out, secret) && !strings.Contains(secret, "\x00") {
					t.Errorf("the writer wrote %q of %q in two parts", b.String(), text)
				}
			}
		}
	})
}

// inMarker reports whether the length bytes of text at at lie within a marker.
func inMarker(text string, at, length int) bool {
	for _, marker := range []string{"<redacted:s>", "<redacted:jwt>", "<redacted:credentials>"} {
		for from := max(0, at+length-len(marker)); from <= at; from++ {
			if strings.HasPrefix(text[from:], marker) {
				return true
			}
		}
	}
	return false
}
