package redact

import (
	"io"
	"strings"
	"testing"
)

// tenThousand returns a Redactor of 10,000 secrets and their Basic credentials.
func tenThousand() *Redactor {
	r := New()
	for i := range uint64(10_000) {
		secret := noise(40, i)
		r.Add("secret", secret)
		r.AddPair("basic", noise(12, i+1e6), secret)
	}
	return r
}

func text64KiB(line string) string {
	return strings.Repeat(line, 64<<10/len(line)+1)[:64<<10]
}

var benchmarkTexts = map[string]string{
	"words":  text64KiB("When I request an access token with scope item, then the response status is 200.\n"),
	"JSON":   text64KiB(`{"statusCode":400,"message":"Invalid \"scope\": see https:\/\/h\/?a=b%20c","name":"invalid_scope","id":17},` + "\n"),
	"HTML":   text64KiB("<td>{&#34;name&#34;:&#34;invalid_scope&#34;,&#34;see&#34;:&#34;https://h/?a=b%20c&amp;d\\n&#34;}</td>\n"),
	"base64": text64KiB(noise(1000, 7) + "\n"),
	"tokens": text64KiB(`{"access_token":"` + noise(40, 17) + `","expires_in":3600}` + "\n"),
}

func BenchmarkString(b *testing.B) {
	r := tenThousand()
	for name, text := range benchmarkTexts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r.String(text)
			}
		})
	}
}

func BenchmarkStringOfOneBody(b *testing.B) {
	r := tenThousand()
	const body = `{"statusCode":400,"status":400,"code":400,"message":"Invalid scope: Requested scope is invalid","name":"invalid_scope"}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.String(body)
	}
}

func BenchmarkAdd(b *testing.B) {
	for name, r := range map[string]*Redactor{"to none": New(), "to 10,000": tenThousand()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := uint64(1 << 40)
			for b.Loop() {
				b.StopTimer()
				token := noise(40, i)
				i++
				b.StartTimer()
				r.Add("token", token)
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	text := benchmarkTexts["words"]
	w := tenThousand().Writer(io.Discard)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for line := range strings.Lines(text) {
			_, _ = io.WriteString(w, line)
		}
	}
}
