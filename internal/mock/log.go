package mock

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// An accessLog writes lines without ever holding up a request: a test that
// starts a server and does not read its standard error must not stop it. What
// cannot be written in time is counted, and the count is written.
type accessLog struct {
	erase   func(string) string
	lines   chan string
	dropped atomic.Int64
	done    chan struct{}
}

const logBuffer = 1024 // lines

func newAccessLog(w io.Writer, erase func(string) string) *accessLog {
	l := &accessLog{erase: erase, lines: make(chan string, logBuffer), done: make(chan struct{})}
	if w == nil {
		w = io.Discard
	}
	go func() {
		defer close(l.done)
		for line := range l.lines {
			if line == "" {
				return
			}
			if n := l.dropped.Swap(0); n > 0 {
				fmt.Fprintf(w, "(%d lines left out: nobody read them in time)\n", n)
			}
			_, _ = io.WriteString(w, line) // nobody to tell
		}
	}()
	return l
}

func (l *accessLog) line(line string) {
	select {
	case l.lines <- line:
	default:
		l.dropped.Add(1)
	}
}

// Write takes the lines of net/http: a failed TLS handshake, say.
func (l *accessLog) Write(line []byte) (int, error) {
	l.line(l.erase(string(line)))
	return len(line), nil
}

// close waits until all lines are written, or nobody reads them.
func (l *accessLog) close() {
	limit := time.After(time.Second)
	select {
	case l.lines <- "":
	case <-limit:
		return
	}
	select {
	case <-l.done:
	case <-limit:
	}
}
