package redact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestWriterErasesAtEverySplit(t *testing.T) {
	r := New()
	for name, secret := range secrets {
		r.Add(name, secret)
	}
	r.AddPair("basic", "id", secrets["plain"])
	key := secrets["private key"]
	texts := []string{
		"a " + secrets["plain"] + " b\nc " + secrets["special"] + "\nd\n",
		"first\n" + key + "\nlast",
		"first\r\n" + strings.ReplaceAll(key, "+", "%2B") + "\r\nlast\r\n",
		"a: |\n  " + wrapped(base64.StdEncoding.EncodeToString([]byte(key)), 76, "\n  ") + "\nb: c\n",
		"progress 1\rprogress 2\r" + secrets["UUID"] + "\rdone\n",
		"{\"Authorization\": [\n  \"Bearer abc123def456\"\n]}\n",
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("id:"+secrets["plain"])) + "\nx",
		"x " + jwt(400) + "\n" + jsonText(secrets["special"], true),
		strings.Repeat("-----BEGIN PRIVATE KEY-----\n", 3) + key,
	}
	for _, text := range texts {
		want := r.String(text)
		for split := range len(text) + 1 {
			if got := written(t, r, text[:split], text[split:]); got != want {
				t.Fatalf("written as %q and %q it reads %q, want %q", text[:split], text[split:], got, want)
			}
		}
		if got := written(t, r, strings.Split(text, "")...); got != want {
			t.Errorf("written byte by byte it reads %q, want %q", got, want)
		}
		if got := written(t, r, strings.SplitAfter(text, "\n")...); got != want {
			t.Errorf("written line by line it reads %q, want %q", got, want)
		}
	}
}

func written(t *testing.T, r *Redactor, parts ...string) string {
	t.Helper()
	var b strings.Builder
	w := r.Writer(&b)
	for _, part := range parts {
		if n, err := io.WriteString(w, part); n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriterHoldsOnlyWhatMayBeASecret(t *testing.T) {
	r := New()
	r.Add("plain", secrets["plain"])
	r.Add("key", "first line\nsecond line\nthird line")
	steps := []struct{ write, want string }{
		{"one\n", "one\n"},
		{"two", "one\n"},
		{"\nthree", "one\ntwo\n"},
		{"\n50%\r", "one\ntwo\nthree\n50%\r"},
		{"the first line\n", "one\ntwo\nthree\n50%\r"},
		{"second line\n", "one\ntwo\nthree\n50%\r"},
		{"other line\n", "one\ntwo\nthree\n50%\rthe first line\nsecond line\nother line\n"},
	}
	var b strings.Builder
	w := r.Writer(&b)
	for _, step := range steps {
		_, _ = io.WriteString(w, step.write)
		if b.String() != step.want {
			t.Fatalf("after %q the output is %q, want %q", step.write, b.String(), step.want)
		}
	}
	_, _ = io.WriteString(w, "end "+secrets["plain"])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := steps[len(steps)-1].want + "end <redacted:plain>"; b.String() != want {
		t.Errorf("after Close the output is %q, want %q", b.String(), want)
	}
}

// A text without line ends is held only in part, and no secret slips through.
func TestWriterOfEndlessLines(t *testing.T) {
	r := New()
	r.Add("plain", secrets["plain"])
	r.Add("token", secrets["token"])
	for _, filler := range []string{"word ", "word", "\\\\", "%25"} {
		var text strings.Builder
		for i := 0; text.Len() < 140<<10; i++ {
			text.WriteString(strings.Repeat(filler, i%997))
			text.WriteString([]string{secrets["plain"], secrets["token"], overEscaped(secrets["plain"], "%%25%02x")}[i%3])
		}
		var b strings.Builder
		w := r.Writer(&b)
		sent := text.String()
		for i := 0; i < len(sent); i += 1000 {
			_, _ = io.WriteString(w, sent[i:min(len(sent), i+1000)])
			if held := w.(*writer).held; len(held) > 100<<10 {
				t.Fatalf("%q: %d bytes are held", filler, len(held))
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		// How many of the backslashes before it belong to an escaped secret
		// depends on how many there are.
		got, want := strings.ReplaceAll(b.String(), `\`, ""), strings.ReplaceAll(r.String(sent), `\`, "")
		if got != want {
			t.Errorf("%q: the output differs from what String makes of the text", filler)
		}
		if name, found := r.Leak([]byte(b.String())); found {
			t.Errorf("%q: the output leaks %s", filler, name)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriterReportsErrors(t *testing.T) {
	broken := errors.New("broken pipe")
	w := New().Writer(failing{broken})
	if _, err := io.WriteString(w, "no line end"); err != nil {
		t.Errorf("Write of what is held: %v", err)
	}
	if _, err := io.WriteString(w, "\n"); !errors.Is(err, broken) {
		t.Errorf("Write = %v, want %v", err, broken)
	}
	if _, err := io.WriteString(w, "more\n"); !errors.Is(err, broken) {
		t.Errorf("the next Write = %v, want %v", err, broken)
	}
	if err := w.Close(); !errors.Is(err, broken) {
		t.Errorf("Close = %v, want %v", err, broken)
	}
	w = New().Writer(io.Discard)
	if err := w.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := fmt.Fprint(w, "x"); err == nil {
		t.Error("Write after Close succeeds")
	}
	if err := w.Close(); err != nil {
		t.Errorf("the second Close = %v", err)
	}
}
