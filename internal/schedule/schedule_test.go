package schedule

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"
)

func TestEveryRefuses(t *testing.T) {
	for _, d := range []time.Duration{-time.Hour, 0, 59 * time.Second} {
		if _, err := Every(d); err == nil || !strings.Contains(err.Error(), "want 1m or more") {
			t.Errorf("Every(%s): %v, want a sentence that says the least", d, err)
		}
	}
	if _, err := Every(time.Minute); err != nil {
		t.Errorf("Every(1m): %v", err)
	}
}

func TestCronRefuses(t *testing.T) {
	for expr, want := range map[string]string{
		"":                               "nothing is due",
		"30 2 * *":                       "4 fields, want five",
		"0 30 2 * * *":                   "6 fields, want five",
		"60 2 * * *":                     `the minute "60": want 0 to 59`,
		"30 24 * * *":                    `the hour "24": want 0 to 23`,
		"30 2 0 * *":                     `the day of the month "0": want 1 to 31`,
		"30 2 * 13 *":                    `the month "13": want 1 to 12 or JAN to DEC`,
		"30 2 * * 7":                     `the day of the week "7": want 0 to 6 or SUN to SAT, 0 is Sunday`,
		"30 2 * * MON-FRY":               `the day of the week "MON-FRY"`,
		"*/0 2 * * *":                    `the minute "*/0"`,
		", 2 * * *":                      `the minute ","`,
		"2:30 2 * * *":                   `the minute "2:30"`,
		"30 2 31 2 *":                    "no year has such a day",
		"30 2 30 FEB *":                  "no year has such a day",
		"@nightly":                       "want @hourly, @daily, @weekly, @monthly, @yearly or five fields",
		"@daily 2":                       "want @hourly",
		"@every 1h":                      "want --every instead",
		"TZ=America/New_York 30 2 * * *": "want --timezone America/New_York",
		" CRON_TZ=UTC 30 2 * * *":        "want --timezone UTC",
		"CRON_TZ=":                       "want --timezone Europe/Berlin",
		"TZ=UTC":                         "want --timezone UTC",
	} {
		_, err := Cron(expr, time.UTC)
		if err == nil {
			t.Errorf("%q is accepted, want %q", expr, want)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %q", expr, err, want)
		}
		if !strings.Contains(want, "--") && !strings.Contains(err.Error(), example) {
			t.Errorf("%q: %v\nwant an example", expr, err)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, expr := range []string{"30 2 * * *", "@daily", "TZ=", "*/5 0-6 1,15 JAN-MAR MON", "0 0 29 2 *", "? ? ? ? ?", "1-5/99999999999999999 * * * *", "*-*/1 * * * *"} {
		f.Add(expr, int64(1796000000))
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64) {
		s, err := Cron(expr, zone(t, "Europe/Berlin"))
		if err != nil {
			return
		}
		last := time.Unix(unix%4e9, 0)
		if next := s.Next(last); !next.After(last) || next.Sub(last) > 9*366*24*time.Hour {
			t.Errorf("%q: after %s comes %s", expr, last, next)
		}
	})
}

// TestNext walks through the nights in which clocks change, and others.
func TestNext(t *testing.T) {
	for _, tc := range []struct {
		name, expr, zone, last string
		want                   []string
	}{
		{"an ordinary night", "30 2 * * *", "Europe/Berlin", "2026-06-01T12:00:00+02:00",
			[]string{"2026-06-02T02:30:00+02:00", "2026-06-03T02:30:00+02:00"}},
		{"the very time is past", "30 2 * * *", "UTC", "2026-06-01T02:30:00Z", []string{"2026-06-02T02:30:00Z"}},
		{"a moment before", "30 2 * * *", "UTC", "2026-06-01T02:29:59.999999999Z", []string{"2026-06-01T02:30:00Z"}},
		{"a moment after", "30 2 * * *", "UTC", "2026-06-01T02:30:00.000000001Z", []string{"2026-06-02T02:30:00Z"}},
		{"spring, Berlin", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:30:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"autumn, Berlin", "30 2 * * *", "Europe/Berlin", "2026-10-24T02:30:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"begun when the hour comes again", "45 2 * * *", "Europe/Berlin", "2026-10-25T02:40:00+01:00",
			[]string{"2026-10-26T02:45:00+01:00"}},
		{"every half hour in spring: the gap is due once", "*/30 * * * *", "Europe/Berlin", "2026-03-29T01:30:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		{"every half hour in autumn: the hour is due once", "*/30 * * * *", "Europe/Berlin", "2026-10-25T02:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"spring, New York", "30 2 * * *", "America/New_York", "2026-03-07T02:30:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"autumn, New York", "30 1 * * *", "America/New_York", "2026-10-31T01:30:00-04:00",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"spring, Lord Howe: half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T02:15:00+10:30",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"autumn, Lord Howe", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T01:45:00+11:00",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"Apia had no 30 December 2011", "30 2 * * *", "Pacific/Apia", "2011-12-29T02:30:00-10:00",
			[]string{"2011-12-31T00:00:00+14:00", "2011-12-31T02:30:00+14:00", "2012-01-01T02:30:00+14:00"}},
		{"the gap ends at midnight in Nuuk", "30 23 * * *", "America/Nuuk", "2026-03-27T23:30:00-02:00",
			[]string{"2026-03-29T00:00:00-01:00", "2026-03-29T23:30:00-01:00"}},
		{"midnight is in the gap in Santiago", "@daily", "America/Santiago", "2026-09-05T00:00:00-04:00",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"last is in another zone", "30 2 * * *", "Asia/Kolkata", "2026-06-01T00:00:00-07:00",
			[]string{"2026-06-02T02:30:00+05:30"}},
		{"weekdays", "0 6 * * MON-FRI", "UTC", "2026-06-04T07:00:00Z", []string{"2026-06-05T06:00:00Z", "2026-06-08T06:00:00Z"}},
		{"day of the month or of the week", "0 0 13 * 5", "UTC", "2026-06-11T00:00:00Z",
			[]string{"2026-06-12T00:00:00Z", "2026-06-13T00:00:00Z", "2026-06-19T00:00:00Z"}},
		{"@monthly", "@monthly", "UTC", "2026-11-30T00:00:00Z", []string{"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"leap days", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"2100 is no leap year", "0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := cron(t, tc.expr, tc.zone)
			at := instant(t, tc.last)
			for _, want := range tc.want {
				next := s.Next(at)
				if got := next.Format(time.RFC3339Nano); got != want {
					t.Fatalf("after %s comes %s, want %s", at.Format(time.RFC3339Nano), got, want)
				}
				at = next
			}
		})
	}
}

// TestNextIgnoresTheZoneDatabaseOfTheMachine: a scratch image has none.
func TestNextIgnoresTheZoneDatabaseOfTheMachine(t *testing.T) {
	t.Setenv("ZONEINFO", "/nowhere")
	if _, err := time.LoadLocation("Australia/Lord_Howe"); err != nil {
		t.Fatal(err)
	}
}

// TestADailyCheckIsDueOnceADay: ten years in places that change their clocks
// in different ways, each at random times of the day.
func TestADailyCheckIsDueOnceADay(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"} {
		loc := zone(t, name)
		for range 8 {
			hour, minute := random.Intn(24), random.Intn(60)
			if random.Intn(2) == 0 {
				hour = random.Intn(4) // when clocks change
			}
			expr := fmt.Sprintf("%d %d * * *", minute, hour)
			s := cron(t, expr, name)
			first := time.Date(2012, 1, 1, 0, 0, 0, 0, loc)
			at := first.Add(-time.Second)
			for day := first; day.Year() < 2022; day = day.AddDate(0, 0, 1) {
				next := s.Next(at)
				if !next.After(at) {
					t.Fatalf("%s %s: after %s comes %s", name, expr, at, next)
				}
				if got, want := next.Format(time.DateOnly), day.Format(time.DateOnly); got != want {
					t.Fatalf("%s %s: after %s comes %s, want a time on %s", name, expr, at, next, want)
				}
				at = next
			}
		}
	}
}

// TestNextIsTheFirstDueTime: for random schedules and times, nothing is due
// between last and Next(last), and what is due does not depend on last.
func TestNextIsTheFirstDueTime(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	exprs := []string{"*/7 * * * *", "30 2 * * *", "15,45 0-3 * * *", "0 */5 * * *", "@hourly", "59 23 * * SUN", "0 0 1 * *"}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Nuuk", "UTC"} {
		loc := zone(t, name)
		for range 400 {
			s := cron(t, exprs[random.Intn(len(exprs))], name)
			last := time.Date(2010, 1, 1, 0, 0, random.Intn(16*365*24*3600), random.Intn(1e9), loc)
			if _, change := last.ZoneBounds(); random.Intn(2) == 0 && !change.IsZero() {
				last = change.Add(time.Duration(random.Intn(6*3600)-3*3600) * time.Second)
			}
			next := s.Next(last)
			if !next.After(last) {
				t.Fatalf("%s: after %s comes %s", name, last, next)
			}
			between := last.Add(time.Duration(random.Int63n(int64(next.Sub(last)))))
			if again := s.Next(between); !again.Equal(next) {
				t.Fatalf("%s: after %s comes %s, but after %s comes %s", name, last, next, between, again)
			}
		}
	}
}

func TestEveryCountsFromTheLast(t *testing.T) {
	s := every(t, 24*time.Hour)
	// A day is 24 hours here, whatever the clocks do.
	last := instant(t, "2026-03-28T12:00:00+01:00").In(zone(t, "Europe/Berlin"))
	if got, want := s.Next(last).Format(time.RFC3339), "2026-03-29T13:00:00+02:00"; got != want {
		t.Errorf("after %s comes %s, want %s", last, got, want)
	}
}

func cron(t *testing.T, expr, name string) Schedule {
	t.Helper()
	s, err := Cron(expr, zone(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func every(t *testing.T, d time.Duration) Schedule {
	t.Helper()
	s, err := Every(d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
