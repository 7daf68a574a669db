package schedule

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A morning is a stretch of wall clock time in which checks are run and the
// clock is set. The bubble's time is the time that passes while the machine is
// awake.
type morning struct {
	watch  *watch
	offset atomic.Int64 // nanoseconds of the wall clock from the bubble's
	took   atomic.Int64 // nanoseconds that each check takes
	ran    []string     // when checks began, by the wall clock
	told   []string     // what waiting heard
	cancel context.CancelFunc
	ended  chan struct{}
}

// start begins at this time of the wall clock; last is "" for none.
func start(t *testing.T, s Schedule, now, last string, took time.Duration) *morning {
	t.Helper()
	m := &morning{ended: make(chan struct{})}
	m.offset.Store(int64(time.Until(instant(t, now))))
	m.took.Store(int64(took))
	m.watch = &watch{schedule: s, now: func() time.Time {
		return time.Now().Round(0).Add(time.Duration(m.offset.Load())).UTC()
	}}
	var began time.Time
	if last != "" {
		began = instant(t, last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m.cancel = cancel
	go func() {
		defer close(m.ended)
		running := false
		m.watch.run(ctx, began, func(next time.Time) {
			m.told = append(m.told, next.UTC().Format(form))
		}, func(ctx context.Context) {
			if running {
				t.Error("two checks at once")
			}
			running = true
			m.ran = append(m.ran, m.watch.now().Format(form))
			select {
			case <-time.After(time.Duration(m.took.Load())):
			case <-ctx.Done():
			}
			running = false
		})
	}()
	return m
}

const form = "02 15:04"

// awake lets time pass.
func (m *morning) awake(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// set sets the wall clock; so does a machine that slept, as timers see it.
func (m *morning) set(d time.Duration) {
	synctest.Wait()
	m.offset.Add(int64(d))
}

func (m *morning) expect(t *testing.T, want ...string) {
	t.Helper()
	m.cancel()
	<-m.ended
	if !slices.Equal(m.ran, want) {
		t.Errorf("checks began at %q, want %q", m.ran, want)
	}
}

func TestRun(t *testing.T) {
	nightly := func(t *testing.T) Schedule { return cron(t, "30 2 * * *", "UTC") }
	hourly := func(t *testing.T) Schedule { return every(t, time.Hour) }
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name      string
		schedule  func(*testing.T) Schedule
		now, last string
		took      time.Duration
		then      func(*morning)
		want      []string
	}{
		{"cron, never before: at the next time", nightly, "2026-06-01T10:00:00Z", "", time.Minute,
			func(m *morning) { m.awake(2 * day) }, []string{"02 02:30", "03 02:30"}},
		{"every, never before: at once", hourly, "2026-06-01T10:00:00Z", "", time.Minute,
			func(m *morning) { m.awake(150 * time.Minute) }, []string{"01 10:00", "01 11:00", "01 12:00"}},
		{"every, begun half an hour ago", hourly, "2026-06-01T10:00:00Z", "2026-06-01T09:30:00Z", time.Minute,
			func(m *morning) { m.awake(time.Hour) }, []string{"01 10:30"}},
		{"the process was down for a week", nightly, "2026-06-08T10:00:00Z", "2026-06-01T02:30:00Z", time.Minute,
			func(m *morning) { m.awake(day) }, []string{"08 10:00", "09 02:30"}},
		{"every, the process was down for a week", hourly, "2026-06-08T10:00:00Z", "2026-06-01T02:30:00Z", time.Minute,
			func(m *morning) { m.awake(90 * time.Minute) }, []string{"08 10:00", "08 11:00"}},
		{"the process was down, but missed nothing", nightly, "2026-06-01T10:00:00Z", "2026-06-01T02:30:01Z", time.Minute,
			func(m *morning) { m.awake(12 * time.Hour) }, nil},
		{"the machine slept for three nights", nightly, "2026-06-01T10:00:00Z", "2026-06-01T02:30:00Z", time.Minute,
			func(m *morning) { m.awake(time.Hour); m.set(3 * day); m.awake(time.Minute); m.awake(day) },
			[]string{"04 11:00", "05 02:30"}},
		{"the machine slept during a check", nightly, "2026-06-01T02:29:00Z", "", time.Hour,
			func(m *morning) { m.awake(30 * time.Minute); m.set(2 * day); m.awake(day) },
			[]string{"01 02:30", "03 03:30", "04 02:30"}},
		{"a check takes longer than the interval", hourly, "2026-06-01T10:00:00Z", "", 150 * time.Minute,
			func(m *morning) { m.awake(6 * time.Hour) }, []string{"01 10:00", "01 12:30", "01 15:00"}},
		{"one check takes longer than the time to the next", func(t *testing.T) Schedule { return cron(t, "*/5 * * * *", "UTC") },
			"2026-06-01T10:00:00Z", "", 7 * time.Minute,
			func(m *morning) { m.awake(17 * time.Minute); m.took.Store(0); m.awake(10 * time.Minute) },
			[]string{"01 10:05", "01 10:12", "01 10:19", "01 10:20", "01 10:25"}},
		{"set back over the check, an hour", nightly, "2026-06-01T02:29:00Z", "", time.Minute,
			func(m *morning) { m.awake(20 * time.Minute); m.set(-time.Hour); m.awake(25 * time.Hour) },
			[]string{"01 02:30", "02 02:30"}},
		{"every, set back half an hour: the hour runs from the last, as the clock shows it", hourly, "2026-06-01T10:00:00Z", "", time.Minute,
			func(m *morning) { m.awake(10 * time.Minute); m.set(-30 * time.Minute); m.awake(150 * time.Minute) },
			[]string{"01 10:00", "01 11:00", "01 12:00"}},
		{"set back by years", nightly, "2036-06-01T02:29:00Z", "", time.Minute,
			func(m *morning) { m.awake(20 * time.Minute); m.set(-10 * 365 * day); m.awake(3 * day) },
			[]string{"01 02:30", "06 02:30", "07 02:30"}},
		{"every, set back by years", hourly, "2036-06-01T10:00:00Z", "", time.Minute,
			func(m *morning) { m.awake(10 * time.Minute); m.set(-10 * 365 * day); m.awake(200 * time.Minute) },
			[]string{"01 10:00", "04 12:10", "04 13:10"}},
		{"set back again and again", nightly, "2026-06-01T02:29:00Z", "", time.Minute,
			func(m *morning) {
				for range 20 {
					m.awake(2 * time.Minute)
					m.set(-2 * time.Minute)
				}
			}, []string{"01 02:30"}},
		{"wrong for a minute, then right again", nightly, "2026-06-01T10:00:00Z", "2026-06-01T02:30:00Z", time.Minute,
			func(m *morning) {
				m.awake(time.Hour)
				m.set(-10 * 365 * day)
				m.awake(time.Minute)
				m.set(10 * 365 * day)
				m.awake(day)
			}, []string{"02 02:30"}},
		{"a machine without a clock of its own starts", nightly, "2026-01-01T00:00:00Z", "2026-06-01T02:30:00Z", time.Minute,
			func(m *morning) { m.awake(time.Minute); m.set(151*day + 3*time.Hour); m.awake(day) }, []string{"02 02:30"}},
		{"set forward", nightly, "2026-06-01T01:00:00Z", "", time.Minute,
			func(m *morning) { m.awake(time.Minute); m.set(2 * time.Hour); m.awake(day) }, []string{"01 03:01", "02 02:30"}},
		{"set forward by years, then back", nightly, "2026-06-01T01:00:00Z", "", time.Minute,
			func(m *morning) {
				m.awake(time.Minute)
				m.set(10 * 365 * day)
				m.awake(10 * time.Minute)
				m.set(-10 * 365 * day)
				m.awake(48 * time.Hour)
			}, []string{"29 01:01", "02 02:30"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := start(t, tc.schedule(t), tc.now, tc.last, tc.took)
				tc.then(m)
				m.expect(t, tc.want...)
			})
		})
	}
}

// TestASleepIsNoticedSoon: the machine wakes at 11:00 on another day.
func TestASleepIsNoticedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t, cron(t, "30 2 * * *", "UTC"), "2026-06-01T10:00:00Z", "2026-06-01T02:30:00Z", time.Minute)
		m.awake(time.Hour + time.Second)
		m.set(24 * time.Hour)
		m.awake(glance)
		m.expect(t, "02 11:00")
	})
}

func TestWaitingHearsOfEachTimeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t, cron(t, "30 2 * * *", "UTC"), "2036-06-01T10:00:00Z", "2036-06-01T02:30:00Z", time.Minute)
		m.awake(24 * time.Hour)
		m.set(-10 * 365 * 24 * time.Hour)
		m.awake(time.Hour)
		m.expect(t, "02 02:30")
		if want := []string{"02 02:30", "03 02:30", "07 02:30"}; !slices.Equal(m.told, want) {
			t.Errorf("waiting heard %q, want %q", m.told, want)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	for _, tc := range []struct {
		name   string
		passed time.Duration // until the end
		want   []string
	}{
		{"while it waits", 10 * time.Second, nil},
		{"during a check", 90 * time.Second, []string{"01 02:30"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := start(t, cron(t, "30 2 * * *", "UTC"), "2026-06-01T02:29:00Z", "", 48*time.Hour)
				m.awake(tc.passed)
				before := time.Now()
				m.expect(t, tc.want...)
				if took := time.Since(before); took != 0 {
					t.Errorf("it ended after %s, want at once", took)
				}
			})
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		unwanted := func() { t.Error("it ran") }
		Run(ctx, every(t, time.Hour), time.Time{}, func(time.Time) { unwanted() }, func(context.Context) { unwanted() })
	})
}

// TestRunOnTheRealClock: the clock that Run reads has no monotonic reading, and
// a check that is due begins at once.
func TestRunOnTheRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var next, ran time.Time
		Run(ctx, every(t, time.Hour), time.Now(), func(at time.Time) { next = at }, func(context.Context) {
			ran = time.Now()
			cancel()
		})
		if want := began.Add(time.Hour); !next.Equal(want) || !ran.Equal(want) {
			t.Errorf("waited for %s and ran at %s, want %s", next, ran, want)
		}
		if next != next.Round(0) {
			t.Errorf("%s has a monotonic reading", next)
		}
	})
}
