package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A lock keeps a history to one writer. The operating system lets go of it
// when the process ends, however it does.
type lock struct{ file *os.File }

// acquire takes the lock, or says who has it. What the holder writes into the
// file is only for that message.
func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = tryLock(f)
	for range 10 { // somebody may only have looked whether it is held
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = tryLock(f)
	}
	if err != nil {
		holder := make([]byte, 500)
		n, _ := f.ReadAt(holder, 0)
		_ = f.Close()
		who := strings.TrimSpace(string(holder[:n]))
		if who == "" {
			who = "another process"
		}
		return nil, fmt.Errorf("%s is writing it: wait until it has ended, or name another file with --history", who)
	}
	host, _ := os.Hostname()
	who := fmt.Sprintf("authspec, process %d on %s since %s,", os.Getpid(), host, time.Now().UTC().Format("2006-01-02 15:04:05 MST"))
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(who), 0) // a message less, no harm
	}
	return &lock{f}, nil
}

// held reports whether a process has the lock.
func held(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // one that may not look does not know
	}
	defer f.Close() // lets go of it
	return tryLock(f) != nil
}

func (l *lock) release() {
	_ = l.file.Truncate(0)
	_ = l.file.Close() // lets go of the lock
}
