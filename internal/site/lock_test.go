package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChangesAreSemantic(t *testing.T) {
	old := map[string]string{"error token/invalid_scope": "400 invalid_scope", "field token.expires_in": "integer", "scope read": "known"}
	now := map[string]string{"error token/invalid_scope": "401 invalid_scope", "field token.expires_in": "integer", "error me/rate_limited": "429"}
	want := []string{
		"Error me/rate_limited added: 429",
		"Error token/invalid_scope changed: 401 invalid_scope, was 400 invalid_scope",
		"Scope read removed: it was known",
	}
	if diff := cmp.Diff(want, difference(old, now)); diff != "" {
		t.Error(diff)
	}
}

func TestLockKeepsWhatChanged(t *testing.T) {
	contract := func(status string) map[string]string { return map[string]string{"status token": status} }
	var lock *Lock
	publish := func(status string, day int) []Change {
		lock = lock.next()
		return lock.publish("example", contract(status), today.AddDate(0, 0, day))
	}
	if got := publish("200", 0); got != nil {
		t.Errorf("the first time: %v", got)
	}
	if got := publish("200", 1); got != nil {
		t.Errorf("nothing changed: %v", got)
	}
	first := publish("201", 2)
	if diff := cmp.Diff([]Change{{"2026-11-24", []string{"Status token changed: 201, was 200"}}}, first); diff != "" {
		t.Error(diff)
	}
	if got := publish("201", 3); len(got) != 1 {
		t.Errorf("it stays on the page: %v", got)
	}
	for i := range 3 * maxChanges {
		publish(time.Duration(i).String(), 4+i)
	}
	if n := len(lock.Providers["example"].Changes); n != maxChanges {
		t.Errorf("%d changes are kept", n)
	}
}

func TestLockFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), LockFile)
	if l, err := ReadLock(file); l != nil || err != nil {
		t.Errorf("no file: got %v, %v", l, err)
	}
	lock := (*Lock)(nil).next()
	lock.publish("example", map[string]string{"scheme": "x"}, today)
	if err := os.WriteFile(file, lock.JSON(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := ReadLock(file)
	if diff := cmp.Diff(lock, again); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for content, want := range map[string]string{"{": "mend it or remove it", `{"version": 9}`: "version 9, this authspec knows 1"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLock(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", content, err)
		}
	}
}
