package report

import (
	"sync"
	"time"
)

// A redraw draws progress at a steady pace, so that what is under way costs
// nothing, and something slow is seen to be alive. The zero value draws
// nothing.
type redraw struct {
	frame int
	ended func() // ends the goroutine that draws; nil: there is none
}

// begin draws until end is called; then it clears. Both are called with mu
// locked.
func (r *redraw) begin(mu *sync.Mutex, draw func(now time.Time), clear func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	r.ended = func() {
		close(stop)
		<-stopped
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				mu.Lock()
				clear()
				mu.Unlock()
				return
			case now := <-tick.C:
				mu.Lock()
				draw(now)
				mu.Unlock()
			}
		}
	}()
}

// end ends drawing; calling it again does nothing.
func (r *redraw) end(mu *sync.Mutex) {
	mu.Lock()
	ended := r.ended
	r.ended = nil
	mu.Unlock()
	if ended != nil {
		ended()
	}
}

// spinner is a sign that moves with each frame.
func (r *redraw) spinner() rune {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	r.frame = (r.frame + 1) % len(frames)
	return frames[r.frame]
}
