// Package early keeps a dependency from running programs while the process
// starts.
//
// godog asks `go env GOTOOLDIR` when its packages are initialized. That would
// run whatever is called go on PATH, with every credential in its environment,
// before main can do anything about it, and costs several milliseconds. Go
// initializes packages in the order of their import paths where no import
// forces another, so this package, which imports only os, comes first: it
// hides PATH, and main puts it back.
package early

import "os"

var path, wasSet = hide()

func hide() (string, bool) {
	value, ok := os.LookupEnv("PATH")
	if ok {
		_ = os.Unsetenv("PATH")
	}
	return value, ok
}

// RestorePath puts PATH back; main calls it first.
func RestorePath() {
	if wasSet {
		_ = os.Setenv("PATH", path)
	}
}
