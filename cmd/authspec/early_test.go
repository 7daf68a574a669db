package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The credentials of a live run are in the environment of this process: it
// must not hand them to a program that happens to be called go.
func TestStartRunsNoOtherProgram(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "authspec")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := filepath.Join(dir, "seen")
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho ran > "+seen+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "version")
	cmd.Env = []string{"PATH=" + dir + ":/bin:/usr/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(seen); err == nil {
		t.Error("starting authspec ran the go that is on PATH")
	}
}
