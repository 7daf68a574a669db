package report

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
)

func TestParse(t *testing.T) {
	tests := []struct{ flag, format, file, err string }{
		{flag: "junit=report.xml", format: "junit", file: "report.xml"},
		{flag: "json=-", format: "json", file: "-"},
		{flag: "markdown=a=b.md", format: "markdown", file: "a=b.md"},
		{flag: "junit", err: `report "junit": want FORMAT=FILE, such as junit=report.xml (- is the standard output)`},
		{flag: "junit=", err: `report "junit=": want FORMAT=FILE, such as junit=report.xml (- is the standard output)`},
		{flag: "junti=x", err: `report "junti": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean junit?`},
		{flag: "jsno=x", err: `report "jsno": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean json?`},
		{flag: "MD=x", err: `report "MD": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean markdown?`},
		{flag: "xml=x", err: `report "xml": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean junit?`},
		{flag: "git=x", err: `report "git": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean github?`},
		{flag: "protobuf=x", err: `report "protobuf": unknown format, the formats are github, html, json, junit, markdown, messages`},
		{flag: "=x", err: `report "": unknown format, the formats are github, html, json, junit, markdown, messages`},
	}
	for _, tt := range tests {
		t.Run(tt.flag, func(t *testing.T) {
			format, file, err := Parse(tt.flag)
			if got := errorText(err); got != tt.err {
				t.Fatalf("error %q, want %q", got, tt.err)
			}
			if err == nil && (format != tt.format || file != tt.file) {
				t.Errorf("got %q, %q, want %q, %q", format, file, tt.format, tt.file)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWriteFileMakesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "reports", "run.json")
	if err := WriteFile("json", file, greenRun(), redact.New()); err != nil {
		t.Fatal(err)
	}
	assertFile(t, file, string(written(t, "json", greenRun())))
	assertAlone(t, file)
}

func TestWriteFileKeepsPermissionsAndLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "run.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(file, []byte("old, and longer than nothing"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run.json", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile("json", link, emptyRun(), nil); err != nil {
		t.Fatal(err)
	}
	assertFile(t, file, string(written(t, "json", emptyRun())))
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640 (%v)", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced (%v)", err)
	}
}

func TestWriteFileWritesToWhatIsNoRegularFile(t *testing.T) {
	if err := WriteFile("json", os.DevNull, emptyRun(), nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(os.DevNull)
	if err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced: %v, %v", os.DevNull, info, err)
	}
}

func TestWriteFileFailures(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	leak := redact.New()
	leak.Add("a secret", `"name": "Valid`) // which the format puts together from its key and the run's text
	tests := []struct {
		name, format, file string
		erase              *redact.Redactor
		want               string
	}{
		{name: "leak", format: "json", file: old, erase: leak, want: "report json: a secret would have been written (a secret): the report is left out; this is a defect of authspec, please report it"},
		{name: "unknown format", format: "yaml", file: old, want: `report "yaml": unknown format, the formats are github, html, json, junit, markdown, messages; did you mean html?`},
		{name: "folder", format: "json", file: dir, want: "report json: " + dir + " is a folder, name a file in it"},
		{name: "file as folder", format: "json", file: filepath.Join(old, "x.json"), want: "report json: stat " + old + "/x.json: not a directory"},
		{name: "full disk", format: "json", file: "/dev/full", want: "report json: write /dev/full: no space left on device"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := os.Stat("/dev/full"); err != nil && tt.name == "full disk" {
				t.Skip(err)
			}
			err := WriteFile(tt.format, tt.file, sampleRun(), tt.erase)
			if got := errorText(err); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
			if want := tt.erase != nil; errors.Is(err, ErrLeak) != want {
				t.Errorf("errors.Is(err, ErrLeak) = %v, want %v", !want, want)
			}
			assertFile(t, old, "old")
			assertAlone(t, old)
		})
	}
}

func assertFile(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", file, got, want)
	}
}

// assertAlone checks that no temporary file was left beside file.
func assertAlone(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("there are %v, want only %s", entries, file)
	}
}

// A secret that got into every text of a result, in the encodings it meets on
// its way, is in no report and on no console.
func TestNoSecretLeaves(t *testing.T) {
	const secret = `s3cr3t"<&>'/+ püß%zq`
	erase := redact.New()
	if !erase.Add("client_secret", secret) {
		t.Fatal("not a secret")
	}
	forms := map[string]string{
		"plain":  secret,
		"query":  url.QueryEscape(secret),
		"base64": base64.StdEncoding.EncodeToString([]byte("id:" + secret)),
		"json":   `{"a":"` + strings.NewReplacer(`"`, `\"`).Replace(secret) + `"}`,
	}
	for name, form := range forms {
		run := sampleRun()
		eachText(run, func(string) string { return "before " + form + " behind" })
		outputs := map[string][]byte{}
		for format := range Formats {
			var b bytes.Buffer
			if err := Write(&b, format, run, erase); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			outputs[format] = b.Bytes()
		}
		outputs["console"] = printed(t, &Console{Erase: erase, Verbose: true, Curl: true}, run)
		outputs["colour"] = printed(t, &Console{Erase: erase, Verbose: true, Color: true, Width: 60}, run)
		for output, b := range outputs {
			for _, form := range forms {
				if bytes.Contains(b, []byte(form)) {
					t.Errorf("%s in %s: the output holds %q", name, output, form)
				}
			}
			if !bytes.Contains(b, []byte("redacted:client_secret")) {
				t.Errorf("%s in %s: nothing was redacted", name, output)
			}
		}
	}
}

func TestConsoleErasesWhatItPrints(t *testing.T) {
	erase := redact.New()
	erase.Add("odd", "ewqq")
	var b bytes.Buffer
	c := &Console{Out: &b, Erase: erase}
	c.print("ewqq", noWords)
	if got, want := b.String(), "<redacted:odd>"; got != want || c.err != nil {
		t.Errorf("got %q, %v, want %q", got, c.err, want)
	}
}

// A client ID may be any word: also one of those that every report has, its
// keys, verdicts and numbers. It is erased from what others wrote, and a report
// whose words are ours looks as always, so that no gap tells the secret.
func TestASecretMayBeAWordOfOurs(t *testing.T) {
	for _, word := range []string{"authspec", "passed", "name", "version", "scenarios", "failures", "testcase", "inconclusive", "features", "2026", "Exit", "span", "12 ms"} {
		erase := redact.New()
		erase.Add("client_id", word)
		run := greenRun()
		quotation := base64.StdEncoding.EncodeToString([]byte("<" + word + ">"))
		run.Results[0].Verdict, run.Results[0].Cause = check.Drifted, check.Status
		run.Results[0].Message = "it said " + word + " and " + quotation + "."
		outputs := map[string][]byte{"console": printed(t, &Console{Erase: erase, Verbose: true}, run)}
		for format := range Formats {
			var b bytes.Buffer
			if err := Write(&b, format, run, erase); err != nil {
				t.Errorf("%q in %s: %v", word, format, err)
			}
			outputs[format] = b.Bytes()
		}
		for output, b := range outputs {
			if bytes.Contains(b, []byte("said "+word)) || bytes.Contains(b, []byte(quotation)) {
				t.Errorf("%q in %s: the secret is left in a message:\n%s", word, output, b)
			}
		}
		if keys := []string{`"authspec": "`, `"name": "`, `"passed": `, `"version": 1`}; word != "2026" {
			for _, key := range keys {
				if !bytes.Contains(outputs["json"], []byte(key)) {
					t.Errorf("%q: the JSON report has no %s", word, key)
				}
			}
		}
		if !bytes.Contains(outputs["console"], []byte("drifted")) || bytes.Contains(outputs["console"], []byte("<redacted:client_id>  features")) {
			t.Errorf("%q: the console lost words of its own:\n%s", word, outputs["console"])
		}
	}
}

// A secret that a format puts together from its words and a text is a leak.
func TestAWordOfOursHidesNoLeak(t *testing.T) {
	erase := redact.New()
	erase.Add("joined", `"name": "Valid`)
	erase.Add("word", "name")
	var b bytes.Buffer
	if err := Write(&b, "json", greenRun(), erase); !errors.Is(err, ErrLeak) {
		t.Errorf("got %v and %s", err, b.String())
	}
}

func TestConsoleReturnsTheErrorOfItsOutput(t *testing.T) {
	broken := errors.New("broken pipe")
	c := &Console{Out: failing{broken}}
	c.Start(1, check.Simulated)
	c.Done(&greenRun().Results[0])
	if err := c.Finish(greenRun()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
