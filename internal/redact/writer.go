package redact

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	// heldAtMost bounds the text that a writer holds while no line ends.
	heldAtMost = 64 << 10

	// expansion bounds, for text that has no line ends, how many bytes an
	// encoding makes of one.
	expansion = 16
)

// Writer returns a writer that erases secrets before it writes to w, also those
// that are split over several Writes, and those whose lines are.
//
// It writes whole lines, ended by a line feed or, as progress on a terminal is,
// by a carriage return. It holds back a line that is not ended yet, and lines
// that could be the beginning of a secret of several lines. Close writes what is
// held; it does not close w. Of a text without line ends about 64 KiB are held,
// or more if secrets are so long that they would not fit.
//
// What was written before a secret was added is gone.
// The writer is safe for concurrent use.
func (r *Redactor) Writer(w io.Writer) io.WriteCloser {
	return &writer{redactor: r, to: w}
}

type writer struct {
	redactor *Redactor
	to       io.Writer

	mu     sync.Mutex
	held   []byte
	err    error // of an earlier write; nothing is written after it
	closed bool
}

var errClosed = errors.New("redact: write to a closed writer")

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, errClosed
	}
	if w.err != nil {
		return 0, w.err
	}
	w.held = append(w.held, p...)
	if lineEnd(p) > 0 || len(w.held) > heldAtMost || w.redactor.idle() {
		if err := w.flush(w.redactor.settled(w.held)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.err != nil {
		w.closed = true
		return w.err
	}
	w.closed = true
	return w.flush(len(w.held))
}

// flush writes the first n bytes that are held.
func (w *writer) flush(n int) error {
	if n == 0 {
		return nil
	}
	_, w.err = w.to.Write(w.redactor.Bytes(w.held[:n]))
	w.held = append(w.held[:0], w.held[n:]...)
	return w.err
}

// idle reports whether there is nothing to erase, ever or yet.
func (r *Redactor) idle() bool {
	if r == nil {
		return true
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return !r.live
}

// settled returns how much of held can be written whatever comes next.
func (r *Redactor) settled(held []byte) int {
	if r.idle() {
		return len(held)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	n := lineEnd(held)
	for n > 0 {
		from, found := r.open(held[:n])
		if !found {
			break
		}
		n = lineEnd(held[:from])
	}
	if reach := r.index.longest * expansion; len(held)-n > max(heldAtMost, 2*reach) {
		n = max(n, r.cut(held, len(held)-max(reach, heldAtMost/2)))
	}
	return n
}

// lineEnd returns where the last line that is ended in text ends.
func lineEnd(text []byte) int {
	return bytes.LastIndexAny(text, "\r\n") + 1
}

// open returns the earliest place from which the lines at the end of text may
// be an unfinished secret.
func (r *Redactor) open(text []byte) (from int, found bool) {
	from = len(text)
	if line, wrapped := wrappedLine(text); wrapped {
		from, found = line, true
	}
	if header, open := openHeader(text); open {
		from, found = min(from, header), true
	}
	if len(r.index.openings) > 0 {
		r.index.layers(text, false, func(v *view) {
			if at, open := r.index.opening(v.text); open {
				at, _ = v.source(at, len(v.text))
				from, found = min(from, at), true
			}
		})
	}
	return from, found
}

// wrappedLine returns where the base64 begins that fills the last line of text
// and may go on in the next.
func wrappedLine(text []byte) (from int, found bool) {
	end := len(bytes.TrimRight(text, "\r\n"))
	from = end
	for from > 0 && base64Digits[text[from-1]] >= 0 {
		from--
	}
	return from, end-from >= wrapWidth
}

// cut returns a place in held, not after limit, that no secret reaches across,
// given that none is longer than what is held after limit. It prefers a place
// between words, so that no escape is torn.
func (r *Redactor) cut(held []byte, limit int) int {
	if space := bytes.LastIndexAny(held[max(0, limit-4096):limit], " \t\r\n,<>{}()[]"); space >= 0 {
		limit = max(0, limit-4096) + space + 1
	}
	for _, s := range r.spans(held, "") {
		if s.from < limit && limit < s.to {
			return s.from
		}
	}
	return limit
}
