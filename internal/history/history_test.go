package history

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
)

var night = time.Date(2026, 11, 21, 2, 30, 0, 0, time.UTC)

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, redact.New())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func result(name string, v check.Verdict, cause check.Cause, at time.Time) *health.Credential {
	return &health.Credential{
		Name: name, Provider: "acme", Owner: "team@example.com", Verdict: v, Cause: cause, Confirmed: true, Rule: health.ByAcceptance, Message: "because", Requests: 2, Duration: 1500 * time.Microsecond, Since: at,
		State: health.State{Verdict: v, Cause: cause, Since: at, Checked: at, LastRun: at, Last: v, Recent: "p"},
	}
}

// written is a history of two nights.
func written(t *testing.T, path string) {
	t.Helper()
	s := opened(t, path)
	defer closed(t, s)
	for i, v := range []check.Verdict{check.Passed, check.Rejected} {
		at := night.AddDate(0, 0, i)
		r, err := s.Begin("1.2.3", 7, 2, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			if name == "b" {
				v = check.Passed
			}
			if err := r.Keep(result(name, v, "", at), at); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.End(&health.Run{Started: at, Duration: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsKeptIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "folder with blanks & ?#%.db")
	written(t, path)
	s, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	states, err := s.States()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(result("a", check.Rejected, "", night.AddDate(0, 0, 1)).State, states["a"]); diff != "" {
		t.Error(diff)
	}
	var lines []string
	if err := s.Entries("a", time.Time{}, func(e *Entry) error {
		b, err := json.Marshal(e)
		lines = append(lines, string(b))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := `{"run":1,"run_started":"2026-11-21T02:30:00Z","at":"2026-11-21T02:30:00Z","name":"a","provider":"acme","owner":"team@example.com","tags":[],"verdict":"passed","confirmed":true,"since":"2026-11-21T02:30:00Z","flapping":false,"stale":false,"rule":"accepted","message":"because","drift":[],"warnings":[],"last_checked":"2026-11-21T02:30:00Z","duration_ms":1.5,"latency_ms":0,"requests":2,"token_requests":0}`
	if len(lines) != 2 || lines[0] != want {
		t.Errorf("got %s\nwant %s", strings.Join(lines, "\n"), want)
	}
	standings, err := s.Standings()
	if err != nil || len(standings) != 2 || standings[0].Name != "a" || standings[0].Verdict != check.Rejected || standings[0].Run != 2 {
		t.Errorf("got %+v, %v", standings, err)
	}
	runs, err := s.Runs(10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(RunInfo{ID: 2, Started: night.AddDate(0, 0, 1), Finished: night.AddDate(0, 0, 1).Add(time.Minute), State: "finished", Version: "1.2.3", Selected: 2, Results: 2, ExitCode: check.ExitNothingRan}, runs[0]); diff != "" {
		t.Error(diff)
	}
}

func TestARevisedResultReplacesTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	s := opened(t, path)
	defer closed(t, s)
	r, err := s.Begin("", 0, 1, night)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []check.Verdict{check.Rejected, check.Passed} {
		if err := r.Keep(result("a", v, "", night), night); err != nil {
			t.Fatal(err)
		}
	}
	standings, err := s.Standings()
	if err != nil || len(standings) != 1 || standings[0].Verdict != check.Passed {
		t.Errorf("got %+v, %v", standings, err)
	}
}

func TestOneWriterAtATimeAndAnyReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	written(t, path)
	s := opened(t, path)
	if _, err := Open(path, redact.New()); err == nil || !strings.Contains(err.Error(), "authspec, process ") || !strings.Contains(err.Error(), "is writing it: wait until it has ended") {
		t.Errorf("a second writer: %v", err)
	}
	r, err := s.Begin("", 0, 1, night)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Keep(result("c", check.Passed, "", night), night); err != nil {
		t.Fatal(err)
	}
	reader, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if standings, err := reader.Standings(); err != nil || len(standings) != 3 {
		t.Errorf("a reader sees %d, %v", len(standings), err)
	}
	closed(t, reader)
	closed(t, s)
	closed(t, opened(t, path)) // the lock is free again
}

func TestARunThatNeverEndedWasKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	begin := func() *Store {
		s := opened(t, path)
		if _, err := s.Begin("", 0, 1, night); err != nil {
			t.Fatal(err)
		}
		return s
	}
	states := func() (list []string) {
		s, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, s)
		runs, err := s.Runs(10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			list = append(list, r.State)
		}
		return list
	}
	closed(t, begin())
	second := begin()
	if got := states(); !slices.Equal(got, []string{"running", "killed"}) {
		t.Errorf("while the second runs: %q", got)
	}
	closed(t, second) // as if it was killed: without its end
	if got := states(); !slices.Equal(got, []string{"killed", "killed"}) {
		t.Errorf("after it: %q", got)
	}
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	written(t, path)
	s := opened(t, path)
	defer closed(t, s)
	for _, at := range []time.Time{night, night.Add(time.Hour)} {
		if err := s.Spent("acme", "token", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Forget(night.Add(time.Hour), night.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n := 0
	_ = s.Entries("", time.Time{}, func(*Entry) error { n++; return nil })
	if n != 2 {
		t.Errorf("%d results are left, want 2", n)
	}
	if states, err := s.States(); err != nil || len(states) != 2 {
		t.Errorf("%d states are left, want 2: %v", len(states), err)
	}
	if sent, err := s.Sent("acme", "token"); err != nil || len(sent) != 1 || !sent[0].Equal(night.Add(time.Hour)) {
		t.Errorf("got %v, %v", sent, err)
	}
}

func TestAFileOfANewerVersionIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	written(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	for name, open := range map[string]func() error{
		"writing": func() error { _, err := Open(path, redact.New()); return err },
		"reading": func() error { _, err := Read(path); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "newer authspec (version 99") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoHistoryIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	if err := os.WriteFile(path, []byte("dear diary, today nothing happened\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, redact.New()); err == nil {
		t.Error("a text was taken for a history")
	}
	if b, _ := os.ReadFile(path); !bytes.HasPrefix(b, []byte("dear diary")) {
		t.Error("and overwritten")
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestTheFileIsForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	written(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestNoSecretIsWritten(t *testing.T) {
	const secret = "s3cr3t-of-the-test"
	erase := redact.New()
	erase.Add("SECRET", secret)
	path := filepath.Join(t.TempDir(), "h.db")
	s, err := Open(path, erase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Begin("", 0, 1, night)
	if err != nil {
		t.Fatal(err)
	}
	c := result("a", check.Rejected, check.CredentialRejected, night)
	c.Message, c.Advice, c.Warnings, c.Owner = "it was "+secret, secret, []string{secret}, secret
	c.Drift = []health.Drift{{Message: secret}}
	c.Evidence = &health.Evidence{Exchange: check.Exchange{URL: "https://x/?k=" + secret, RequestBody: secret, ResponseBody: `{"a":"` + secret + `"}`,
		RequestHeader: map[string][]string{"X": {secret}}, Curl: "curl -u a:" + secret}}
	if err := r.Keep(c, night); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} { // before it is closed: the log too
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s holds the secret", filepath.Base(file))
		}
	}
	closed(t, s)
}

// A process that is killed loses nothing that it had kept.
func TestSIGKILLLosesNothing(t *testing.T) {
	if path := os.Getenv("HISTORY_TEST_CHILD"); path != "" {
		s, err := Open(path, redact.New())
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Begin("", 0, 100, night)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if err := r.Keep(result(string(rune('A'+i)), check.Passed, "", night), night); err != nil {
				t.Fatal(err)
			}
		}
		_ = os.WriteFile(path+".ready", nil, 0o600)
		select {}
	}
	path := filepath.Join(t.TempDir(), "h.db")
	child := exec.Command(os.Args[0], "-test.run", "^TestSIGKILLLosesNothing$")
	child.Env = append(os.Environ(), "HISTORY_TEST_CHILD="+path)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := os.Stat(path + ".ready"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	s := opened(t, path) // the lock went with the process
	defer closed(t, s)
	if standings, err := s.Standings(); err != nil || len(standings) != 50 {
		t.Errorf("%d of 50 are left, %v", len(standings), err)
	}
}

func BenchmarkKeep(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "h.db"), redact.New())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r, err := s.Begin("", 0, b.N, night)
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		c := result(string(rune(i)), check.Passed, "", night)
		if err := r.Keep(c, night); err != nil {
			b.Fatal(err)
		}
	}
}
