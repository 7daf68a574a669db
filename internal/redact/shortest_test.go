package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"go/build"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// runs are the encodings whose runs are read only if they are long enough to
// hold the shortest secret.
var runs = map[string]func(string) string{
	"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, raw":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64, at 60":    func(s string) string { return wrapped(base64.RawStdEncoding.EncodeToString([]byte(s)), 60, "\n") },
	"base64, at 64":    func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), 64, "\r\n\t ") },
	"base64, at 76":    func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\n    ") },
	"hex":              func(s string) string { return hex.EncodeToString([]byte(s)) },
	"numbers":          func(s string) string { return fmt.Sprintf("%v", []byte(s)) },
	"hex numbers":      func(s string) string { return fmt.Sprintf("% x", s) },
	"base64 of base64": func(s string) string { return runs64(runs64(s)) },
	"base64 of hex":    func(s string) string { return runs64(hex.EncodeToString([]byte(s))) },
	"base64 of query":  func(s string) string { return runs64(url.QueryEscape(s)) },
	"base64 in JSON, in lines": func(s string) string {
		return strings.Trim(strconv.Quote(wrapped(runs64(s), 76, "\n")), `"`)
	},
}

func runs64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// A run that is just long enough is read, wherever the secret begins in it, and
// whatever the length of the lines it is in.
func TestSecretsOfEveryLengthAtEveryAlignment(t *testing.T) {
	for length := MinLength; length <= 200; length++ {
		if length > 70 && length%13 != 0 {
			continue
		}
		secret := noise(length, uint64(length))
		r := New()
		r.Add("s", secret)
		r.Add("longer", noise(length+1, 7))
		for encoding, encode := range runs {
			for _, around := range [][2]string{{"", ""}, {"i", ""}, {"id", ":"}, {"id:", "\n"}, {"", "xy"}, {"ab", "cde"}} {
				text := "x: " + encode(around[0]+secret+around[1]) + "."
				if name, _ := r.Leak([]byte(text)); name != "s" {
					t.Errorf("%d bytes, %s, between %q: Leak(%q) = %q", length, encoding, around, text, name)
				}
				out := r.String(text)
				if name, found := r.Leak([]byte(out)); found || !strings.Contains(out, "<redacted:s>") {
					t.Errorf("%d bytes, %s, between %q: String(%q) = %q leaks %q", length, encoding, around, text, out, name)
				}
			}
		}
	}
}

// One short secret among long ones lowers the bound for all texts.
func TestTheShortestSecretCounts(t *testing.T) {
	r := New()
	r.Add("long", noise(64, 1))
	text := "x=" + runs64("k9#Q") + ";"
	if got := r.String(text); got != text {
		t.Fatalf("String(%q) = %q", text, got)
	}
	r.Add("short", "k9#Q")
	if got, want := r.String(text), "x=<redacted:short>;"; got != want {
		t.Errorf("String(%q) = %q, want %q", text, got, want)
	}
	pair := New()
	pair.Add("long", noise(64, 1))
	pair.AddPair("basic", "a", "b!c")
	if got, want := pair.String("Basic "+runs64("a:b!c")), "Basic <redacted:basic>"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

// The bound holds because no decoding makes more bytes than it reads. Two
// references of HTML would, and Go does not know them.
func TestNoDecodingGrows(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(build.Default.GOROOT, "src", "html", "entity.go"))
	if err != nil {
		t.Skip(err)
	}
	names := regexp.MustCompile(`"([A-Za-z0-9]+);":`).FindAllSubmatch(source, -1)
	if len(names) < 2000 {
		t.Fatalf("%d references are known to package html", len(names))
	}
	var sequences []string
	for _, name := range names {
		sequences = append(sequences, "&"+string(name[1])+";")
	}
	for c := range 256 {
		sequences = append(sequences, `\`+string(rune(c)), fmt.Sprintf("%%%02x", c), fmt.Sprintf(`\x%02x`, c), fmt.Sprintf(`\%03o`, c), fmt.Sprintf("&#%d;", c), fmt.Sprintf(`\u{%x}`, c))
	}
	sequences = append(sequences, "&nGt;", "&nLt;", "&nGt", "&#x10ffff;", "&#9999999;", `\u{10ffff}`, `\u{fffff}`, `\uffff`, `\ud83d\ude00`, `\U0010ffff`, `\u{f}`, `''`, `""`, `'\''`, `'"'"'`)
	for _, sequence := range sequences {
		for _, e := range encodings {
			if sequence[0] != e.start {
				continue
			}
			if decoded, length := e.decode(nil, []byte(sequence+"0000000000")); len(decoded) > length {
				t.Errorf("%q stands for %d bytes, and has %d", sequence, len(decoded), length)
			}
		}
		if read := html.UnescapeString(sequence); len(read) > len(sequence) {
			t.Errorf("package html reads %q as %d bytes", sequence, len(read))
		}
	}
}

// Most of what is printed has no secret in it and nothing to unwrap. To find
// that out takes the copy that String makes, and little else.
func TestPlainTextCostsLittle(t *testing.T) {
	r := New()
	r.Add("id", "3f2b8c1e-9d47-4a65-b0e2-7c5d1f8a6e93")
	r.Add("secret", noise(20, 1))
	for i := range 1000 {
		r.Add("token", noise(40, uint64(i+2)))
	}
	for _, text := range []string{
		"",
		"Given ",
		"features/antsomi.feature",
		`I request an access token with scope "item,event"`,
		"passed        features/antsomi.feature:24  An unknown scope is refused  2 ms\n",
	} {
		if n := testing.AllocsPerRun(100, func() { r.String(text) }); n > 8 {
			t.Errorf("String(%q) allocates %.0f times", text, n)
		}
	}
	// A digit costs no memory of its own: the run is read where it stands.
	body := []byte(noise(4000, 99))
	perRun := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Bytes(body)
		}
	})
	if most := int64(20 * len(body)); perRun.AllocedBytesPerOp() > most {
		t.Errorf("%d bytes of base64 digits cost %d bytes, want %d at most", len(body), perRun.AllocedBytesPerOp(), most)
	}
}
