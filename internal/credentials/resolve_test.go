package credentials

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zalando/go-keyring"

	"github.com/authspec/authspec/internal/check"
)

const secret = "s3cr3t-of-the-test"

// folder holds a credentials file and what it refers to.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func resolver(t *testing.T, dir string, env map[string]string, timeout time.Duration) *Resolver {
	t.Helper()
	f := &File{Path: filepath.Join(dir, "credentials.yaml"), EnvFiles: []string{}}
	if _, err := os.Stat(filepath.Join(dir, ".env")); err == nil {
		f.EnvFiles = []string{".env"}
	}
	r, err := NewResolver(f, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func credential(t *testing.T, references map[string]string) *Credential {
	t.Helper()
	c := &Credential{Name: "a", Values: map[string]Reference{}}
	for field, text := range references {
		r, err := ParseReference(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		c.Values[field] = r
	}
	return c
}

func TestValuesComeFromWhereTheReferencePoints(t *testing.T) {
	keyring.MockInit()
	if err := keyring.Set("authspec/prod", "key", secret); err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"secret.txt": secret, ".env": "FROM_FILE=" + secret + "\nBOTH=not-this-one\n", "two words": secret})
	r := resolver(t, dir, map[string]string{"VARIABLE": secret, "BOTH": secret, "EMPTY": ""}, 0)
	for _, reference := range []string{
		"env:VARIABLE", "env:FROM_FILE", "env:BOTH", "file:secret.txt", "file:" + filepath.Join(dir, "secret.txt"), "file:two words",
		"exec:cat secret.txt", `exec:cat "two words"`, `exec:cat two\ words`, "exec:sh -c 'cat secret.txt | cat'", "exec:echo '" + secret + "'",
		"keyring:authspec/prod/key",
	} {
		values, warnings, err := r.Values(context.Background(), credential(t, map[string]string{"client_secret": reference}))
		if err != nil || values["client_secret"] != secret || len(warnings) > 0 {
			t.Errorf("%s: got %q, warnings %q, error %v", reference, values["client_secret"], warnings, err)
		}
	}
}

func TestWhatCannotBeFetchedIsInvalidAndNamedAtOnce(t *testing.T) {
	keyring.MockInit()
	dir := folder(t, map[string]string{"secret.txt": secret})
	r := resolver(t, dir, nil, 300*time.Millisecond)
	for reference, want := range map[string]string{
		"env:NOT_THERE":                          "k: NOT_THERE is not set",
		"file:none.txt":                          "k: file:none.txt: no such file or directory",
		"file:.":                                 "k: file:. is a folder",
		"keyring:service/key":                    "k: keyring:service/key is not in the keyring",
		"exec:false":                             "k: exec:false failed: exit status 1; it printed no error",
		"exec:no-such-command x":                 `k: exec:no-such-command x cannot be run: exec: "no-such-command": executable file not found in $PATH`,
		"exec:sh -c 'cat secret.txt >&2; false'": "k: exec:sh -c 'cat secret.txt >&2; false' failed: exit status 1; its error message is not shown, for it may hold secrets (18 bytes): run it by hand",
		"exec:sleep 30":                          "k: exec:sleep 30 did not end within 300ms",
		"exec:sh -c 'sleep 30 & sleep 30'":       "k: exec:sh -c 'sleep 30 & sleep 30' did not end within 300ms",
		"exec:head -c 70000 /dev/zero":           "k: exec:head -c 70000 /dev/zero printed more than 64 KiB",
		"exec:head -c 70 /dev/zero":              "k: exec:head -c 70 /dev/zero printed what is no text",
	} {
		began := time.Now()
		_, _, err := r.Values(context.Background(), credential(t, map[string]string{"k": reference}))
		var failure *check.Failure
		if !errors.As(err, &failure) || failure.Verdict != check.Invalid || failure.Cause != check.NoCredential {
			t.Errorf("%s: got %v", reference, err)
			continue
		}
		if failure.Message != want {
			t.Errorf("%s:\n got %s\nwant %s", reference, failure.Message, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %s", reference, took)
		}
	}
	_, _, err := r.Values(context.Background(), credential(t, map[string]string{"a": "env:ONE", "b": "env:TWO", "c": "file:secret.txt"}))
	if want := "a: ONE is not set; b: TWO is not set"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want both: %s", err, want)
	}
}

func TestValuesThatCannotBeRealAreRefusedUnseen(t *testing.T) {
	for _, value := range []string{
		"", " ", "\n", "short", "1234567", "changeme", "CHANGE-ME", "changeme123", "<your secret>", "${SECRET}", "{{ .Secret }}", "your-client-secret", "YOUR_API_KEY",
		"xxxxxxxx", "xxx-xxx-xxx", "sk_live_xxxxxxxx", "********", "placeholder", "replace-me-please", "op://vault/item/field", "my-secret", "undefined", "00000000",
	} {
		r := resolver(t, t.TempDir(), map[string]string{"V": value}, 0)
		_, _, err := r.Values(context.Background(), credential(t, map[string]string{"client_secret": "env:V"}))
		var failure *check.Failure
		if !errors.As(err, &failure) || failure.Cause != check.BadSecret && failure.Cause != check.NoCredential {
			t.Errorf("%q was accepted: %v", value, err)
			continue
		}
		if len(value) > 2 && strings.Contains(strings.NewReplacer("is shorter than", "", "is a placeholder", "").Replace(failure.Error()), value) {
			t.Errorf("%q is shown: %v", value, failure)
		}
	}
}

func TestValuesThatLookOddMayBeReal(t *testing.T) {
	for _, value := range []string{
		"test-antsomi/client-secret", "p@ss:w%rd+&=/", "correct horse battery staple", "{\"type\": \"service_account\", \"key\": \"abc\"}", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
		"sk_live_51H8fQe7p", "aaaaaaab", "12345678",
	} {
		r := resolver(t, t.TempDir(), map[string]string{"V": value, "ID": "7"}, 0)
		values, warnings, err := r.Values(context.Background(), credential(t, map[string]string{"client_secret": "env:V", "client_id": "env:ID"}))
		if err != nil || len(warnings) > 0 {
			t.Errorf("%q: %v %q", value, err, warnings)
			continue
		}
		if diff := cmp.Diff(map[string]string{"client_secret": value, "client_id": "7"}, map[string]string(values)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLineEndsAreTrimmedWithAWarning(t *testing.T) {
	dir := folder(t, map[string]string{"secret": secret + "\r\n", "open": secret, "blank": secret + " "})
	if err := os.Chmod(filepath.Join(dir, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := resolver(t, dir, nil, 0)
	for reference, want := range map[string][]string{
		"file:secret":     {"k: file:secret ends with a line break, which is not sent"},
		"file:open":       {"k: file:open can be read by every user of this machine (mode 0644): chmod 600"},
		"exec:cat secret": nil,
	} {
		values, warnings, err := r.Values(context.Background(), credential(t, map[string]string{"k": reference}))
		if err != nil || values["k"] != secret {
			t.Errorf("%s: got %q, %v", reference, values["k"], err)
		}
		if diff := cmp.Diff(want, warnings); diff != "" {
			t.Error(diff)
		}
	}
	values, warnings, _ := r.Values(context.Background(), credential(t, map[string]string{"k": "file:blank"}))
	if values["k"] != secret+" " || len(warnings) != 1 {
		t.Errorf("a blank is sent, with a warning: got %q %q", values["k"], warnings)
	}
}

func TestACommandRunsOnce(t *testing.T) {
	dir := t.TempDir()
	r := resolver(t, dir, nil, 0)
	c := credential(t, map[string]string{"a": "exec:sh -c 'echo x >> count; echo " + secret + "'", "b": "exec:sh -c 'echo x >> count; echo " + secret + "'"})
	done := make(chan error)
	for range 8 {
		go func() {
			_, _, err := r.Values(context.Background(), c)
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	count, err := os.ReadFile(filepath.Join(dir, "count"))
	if err != nil || string(count) != "x\n" {
		t.Errorf("ran %q times, %v", count, err)
	}
}

func TestAnEndedRunIsNoFaultOfTheReference(t *testing.T) {
	r := resolver(t, t.TempDir(), nil, 0)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, _, err := r.Values(ctx, credential(t, map[string]string{"k": "exec:sleep 30"}))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAnEnvFileThatCannotBeReadDoesNotShowItself(t *testing.T) {
	dir := folder(t, map[string]string{".env": "KEY='" + secret})
	f := &File{Path: filepath.Join(dir, "credentials.yaml"), EnvFiles: []string{".env"}}
	_, err := NewResolver(f, os.LookupEnv, 0)
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), ".env cannot be read") {
		t.Error(err)
	}
}

func TestSplitsACommandAsAShellWould(t *testing.T) {
	for line, want := range map[string][]string{
		`a b  c`:        {"a", "b", "c"},
		`a 'b c' "d e"`: {"a", "b c", "d e"},
		`a b\ c`:        {"a", "b c"},
		`a "b\"c\n"`:    {"a", `b"c\n`},
		`a '$HOME' "|"`: {"a", "$HOME", "|"},
		`a '' b`:        {"a", "", "b"},
		`--x='y z'`:     {"--x=y z"},
	} {
		got, err := splitWords(line)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
	for _, line := range []string{`a 'b`, `a "b`, `a \`} {
		if _, err := splitWords(line); err == nil {
			t.Errorf("%s: want an error", line)
		}
	}
}
