//go:build unix

package history

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A copy on a medium that cannot be written can be read all the same.
func TestReadsWhereItMayNotWrite(t *testing.T) {
	if os.Getuid() == 0 {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("", "history") // not in a folder that is root's alone
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		test := filepath.Join(dir, "test")
		b, err := os.ReadFile(exe)
		if err == nil {
			err = errors.Join(os.WriteFile(test, b, 0o755), os.Chmod(dir, 0o777))
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(test, "-test.run", "^TestReadsWhereItMayNotWrite$")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "h.db")
	s, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin("test", 1, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(folder, 0o555)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(folder, 0o755) }()
	if s, err = Read(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if runs, err := s.Runs(1); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
