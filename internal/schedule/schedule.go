// Package schedule says when a check is due, and runs it then.
package schedule

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // an image from scratch has no zone files

	"github.com/go-co-op/gocron/v2"
)

// A Schedule says when checks are due. Make one with Every or Cron.
type Schedule struct {
	every    time.Duration // 0: it is a cron schedule
	cron     gocron.Cron
	location *time.Location
}

// Every is due when d has passed since the last check began.
func Every(d time.Duration) (Schedule, error) {
	if d < time.Minute {
		return Schedule{}, fmt.Errorf("%s is too often, each check asks real providers: want 1m or more, such as 24h", d)
	}
	return Schedule{every: d}, nil
}

// Cron is due at the times of a cron expression, as the clocks in loc show
// them: five fields, or a name such as @daily.
func Cron(expr string, loc *time.Location) (Schedule, error) {
	fail := func(format string, args ...any) (Schedule, error) {
		return Schedule{}, fmt.Errorf("%q: "+format, append([]any{expr}, args...)...)
	}
	fields := strings.Fields(expr)
	if len(fields) == 0 {
		return fail("nothing is due: %s", example)
	}
	if name, zone, found := strings.Cut(fields[0], "="); found && (name == "TZ" || name == "CRON_TZ") {
		return fail("the zone does not belong here: want --timezone %s", cmp.Or(zone, "Europe/Berlin"))
	}
	cron := gocron.NewDefaultCron(false)
	if strings.HasPrefix(fields[0], "@") {
		if fields[0] == "@every" {
			return fail("want --every instead, such as --every 24h")
		}
		if len(fields) > 1 || read(cron, fields[0]) != nil {
			return fail("want @hourly, @daily, @weekly, @monthly, @yearly or five fields: %s", example)
		}
		return Schedule{cron: cron, location: loc}, nil
	}
	if len(fields) != len(columns) {
		return fail("%d fields, want five, minute hour day month weekday: %s", len(fields), example)
	}
	for i, c := range columns {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = fields[i]
		if read(cron, strings.Join(alone, " ")) != nil {
			return fail("the %s %q: want %s, or *, a list as %s, a range as %s or a step as */%s: %s",
				c.name, fields[i], c.want, c.list, c.span, c.step, example)
		}
	}
	if read(cron, strings.Join(fields, " ")) != nil {
		return fail("no year has such a day: %s", example)
	}
	return Schedule{cron: cron, location: loc}, nil
}

const example = `"30 2 * * *" is every day at 02:30`

// columns are the fields of a cron expression, and how each may read.
var columns = [5]struct{ name, want, list, span, step string }{
	{"minute", "0 to 59", "0,30", "0-15", "10"},
	{"hour", "0 to 23", "2,14", "8-18", "6"},
	{"day of the month", "1 to 31", "1,15", "1-7", "2"},
	{"month", "1 to 12 or JAN to DEC", "1,7", "4-9", "3"},
	{"day of the week", "0 to 6 or SUN to SAT, 0 is Sunday", "1,4", "1-5", "2"},
}

// read has cron read an expression that counts in UTC, which skips no time and
// repeats none. It must come about after some day of a leap cycle.
func read(cron gocron.Cron, expr string) error {
	return cron.IsValid(expr, time.UTC, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC))
}

// Next returns the first time after last at which a check is due.
//
// A time that clocks skip when they are set forward is due right after the
// gap. A time that they show twice is due the first time.
func (s Schedule) Next(last time.Time) time.Time {
	if s.every > 0 {
		return last.Round(0).Add(s.every)
	}
	clock := shown(last.In(s.location))
	for {
		clock = s.following(clock)
		if due := earliest(clock, s.location); due.After(last) {
			return due
		}
	}
}

// following returns what the clocks show next when a check is due.
func (s Schedule) following(clock time.Time) time.Time {
	for {
		if next := s.cron.Next(clock); !next.IsZero() {
			return next
		}
		// It looks five years ahead; from 2096 to 2104 there is no 29 February.
		clock = clock.AddDate(4, 0, 0)
	}
}

// shown returns what the clocks of a place show at t, as if it were UTC.
func shown(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// earliest returns when the clocks of a place first show this time or a later
// one. It goes through the periods between two changes of the clocks, because
// time.Date does not promise which of two times it returns.
func earliest(clock time.Time, loc *time.Location) time.Time {
	const furthest = 16 * time.Hour // no place was ever further from UTC
	period := clock.Add(-furthest).In(loc)
	for {
		_, offset := period.Zone()
		t := clock.Add(-time.Duration(offset) * time.Second).In(loc)
		if t.Before(period) {
			t = period // the clocks were set forward over it
		}
		_, end := period.ZoneBounds()
		if end.IsZero() || t.Before(end) {
			return t
		}
		period = end
	}
}
