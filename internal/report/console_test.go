package report

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

func TestProgressLine(t *testing.T) {
	var b bytes.Buffer
	c := &Console{Out: &b, Live: true, Width: 60, selected: 34}
	r := &check.Result{Provider: "ankorstore", Scenario: "An expired token is refused", URI: "a.feature", Line: 3}
	c.Running(r)
	c.Running(&check.Result{Provider: "antsomi", Scenario: "Later", URI: "b.feature", Line: 3})
	c.done.by = map[check.Verdict]int{check.Passed: 10, check.Drifted: 1, check.Skipped: 1}
	c.done.total = 12
	began := c.running[0].since

	want := func(now time.Time, line string) {
		t.Helper()
		b.Reset()
		c.draw(now)
		if got := b.String(); got != line {
			t.Errorf("got  %q\nwant %q", got, line)
		}
	}
	want(began, "\r⠙ 12/34  ✓ 10  - 1  ✗ 1  ankorstore › An expired token is …")
	r.Verdict = check.Passed
	c.Done(r)
	want(began, "\r⠹ 13/34  ✓ 11  - 1  ✗ 1  antsomi › Later"+blank(19))
	want(c.running[0].since.Add(65*time.Second), "\r⠸ 13/34  ✓ 11  - 1  ✗ 1  antsomi › Later  1 min 5 s")
	b.Reset()
	c.clear()
	if got, want := b.String(), "\r"+blank(51)+"\r"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// On a terminal nothing of the progress is left, and the rest is what a pipe gets.
func TestLiveEndsAsInAPipe(t *testing.T) {
	out := unguarded{first: make(chan struct{})}
	c := &Console{Out: &out, Live: true}
	run := sampleRun()
	c.Start(run.Selected, run.Mode)
	var all sync.WaitGroup
	for i := range run.Results {
		all.Go(func() {
			c.Running(&run.Results[i])
			<-out.first
			c.Done(&run.Results[i])
		})
	}
	all.Wait()
	if err := c.Finish(run); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	got := screen(out.b.String())
	_, want, _ := strings.Cut(string(printed(t, &Console{}, run)), "\n\n")
	if want = "\n" + want; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// unguarded is an output that two may not write to at once, which the race
// detector sees. It tells when progress was drawn first.
type unguarded struct {
	b     bytes.Buffer
	first chan struct{}
}

func (u *unguarded) Write(b []byte) (int, error) {
	if u.b.Len() == 0 {
		close(u.first)
	}
	return u.b.Write(b)
}

// screen is what a terminal shows after the text: \r goes back, and what follows
// overwrites.
func screen(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		var shown []rune
		for part := range strings.SplitSeq(line, "\r") {
			over := []rune(part)
			shown = append(over, shown[min(len(over), len(shown)):]...)
		}
		lines = append(lines, strings.TrimRight(string(shown), " "))
	}
	return strings.Join(lines, "\n")
}

func TestStopBeforeAnythingIsHarmless(t *testing.T) {
	var b bytes.Buffer
	c := &Console{Out: &b, Live: true}
	c.Stop()
	c.Start(3, check.Live)
	c.Stop()
	c.Stop()
	if got := b.String(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestManySkipsAreCut(t *testing.T) {
	run := &check.Run{Mode: check.Live}
	for i := range 30 {
		run.Results = append(run.Results, check.Result{
			Provider: "p", Scenario: fmt.Sprint("number ", i), URI: "p.feature", Line: i,
			Verdict: check.Skipped, Cause: check.BreakerOpen, Message: "p: its credential was refused before",
		})
	}
	got := string(printed(t, &Console{}, run))
	if !strings.Contains(got, "… and 20 more (--verbose lists them)\n") {
		t.Errorf("the list of skips is not cut:\n%s", got)
	}
	got = string(printed(t, &Console{Verbose: true}, run))
	if !strings.Contains(got, "    p.feature:29  number 29\n") {
		t.Errorf("the list of skips is cut though verbose:\n%s", got)
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 999 * time.Microsecond: "<1 ms", 41900 * time.Microsecond: "41 ms", time.Second: "1.0 s",
		59990 * time.Millisecond: "59.9 s", 60 * time.Second: "1 min 0 s", 125 * time.Second: "2 min 5 s", -1: "0 ms",
	} {
		if got := web.Took(d); got != want {
			t.Errorf("web.Took(%d) = %q, want %q", d, got, want)
		}
	}
}
