package schedule

import (
	"context"
	"time"
)

// glance is how often Run looks at the clock.
//
// Timers, and the schedulers that are built on them, count by a clock that
// stands still while the machine sleeps, and that nobody can set. A check at
// 02:30 is due when the clock on the wall shows it. So Run sleeps briefly and
// compares.
const glance = 30 * time.Second

// Run runs a check each time one is due, one at a time, until ctx ends; a check
// that is running then has to end by its ctx. The last check began at last;
// zero: there was none. Then an Every begins at once, and a Cron at its next
// time.
//
// What was missed, because the machine slept, the process was down or a check
// took long, is made up for by one check, however much it was. A clock that is
// set back lets nothing come again, and delays a check by two intervals at
// most.
//
// waiting hears when the next check is due, and again when a clock that was set
// changes it.
func Run(ctx context.Context, s Schedule, last time.Time, waiting func(next time.Time), run func(context.Context)) {
	w := &watch{schedule: s, now: func() time.Time { return time.Now().Round(0) }}
	w.run(ctx, last, waiting, run)
}

// A watch holds a schedule against the clock.
type watch struct {
	schedule Schedule
	now      func() time.Time // of the wall clock: without a monotonic reading

	last  time.Time // when the last check began, as the clock showed then
	since time.Time // what the next one is counted from: last, or earlier
}

func (w *watch) run(ctx context.Context, last time.Time, waiting func(time.Time), run func(context.Context)) {
	if last.IsZero() && w.schedule.every == 0 {
		last = w.now()
	}
	w.began(last)
	for w.wait(ctx, waiting) {
		w.began(w.now())
		run(ctx)
	}
}

func (w *watch) began(t time.Time) { w.last, w.since = t, t }

// wait waits until a check is due. It returns false when ctx ends.
func (w *watch) wait(ctx context.Context, waiting func(time.Time)) bool {
	var told time.Time
	for ctx.Err() == nil {
		now := w.now()
		next := w.due(now)
		if !next.After(now) {
			return true
		}
		if !next.Equal(told) {
			waiting(next)
			told = next
		}
		timer := time.NewTimer(min(glance, next.Sub(now)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return false
}

// due returns when the next check is due, as it looks now. If the last one
// seems to lie ahead, the clock was wrong then, or is now. Then the next time is
// left out, since it may be the one that was already there, but no more than
// that one: the last check may be years ahead.
func (w *watch) due(now time.Time) time.Time {
	if !now.Before(w.last) {
		w.since = w.last
	} else if soon := w.schedule.Next(now); w.since.After(soon) {
		w.since = soon
	}
	return w.schedule.Next(w.since)
}
