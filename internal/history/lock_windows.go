package history

import (
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks a byte far behind what is written: on Windows others could
// not read a locked one.
func tryLock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{Offset: 1 << 20})
}
