package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// A HealthConsole prints a check of credentials for people, while it goes and
// when it is over: in a pipe a line for each credential as it ends, on a
// terminal a table by provider that is redrawn and then erased; at the end in
// both what needs doing, sorted, and a summary.
//
// It passes everything through Erase before Out. Its methods may be called
// from several goroutines; the fields are set before Start.
type HealthConsole struct {
	Out          io.Writer
	Erase        *redact.Redactor // nil erases nothing
	Color        bool
	Live         bool // Out is a terminal: draw progress
	Width        int  // columns; 0 is 100
	Verbose      bool // show the evidence
	OnlyProblems bool // leave out what works
	Deadline     time.Duration

	mu       sync.Mutex
	began    time.Time
	selected int
	done     int
	counts   map[check.Verdict]int
	places   []*progress
	byPlace  map[string]*progress // by key
	redraw   redraw
	drawn    int // lines of the table on the screen
	err      error
}

// A progress is how far one place has come.
type progress struct {
	place   health.Place
	began   time.Time
	done    int
	counts  map[check.Verdict]int
	running []string
	until   time.Time // waits until then
	why     string
}

// Start begins the output: so many credentials are about to be checked.
func (c *HealthConsole) Start(selected int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.selected, c.counts = time.Now(), selected, map[check.Verdict]int{}
	if !c.Live {
		c.print(fmt.Sprintf("%s on the real providers\n", plural(selected, "credential")))
		return
	}
	c.redraw.begin(&c.mu, c.draw, c.clear)
}

// Planned says what the places' limits allow, before the first request.
func (c *HealthConsole) Planned(places []health.Place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range places {
		c.progressOf(places[i]).place = places[i]
	}
	page := newPage(paint(c.Color), c.Width)
	page.plans(places, c.Deadline)
	if page.Len() > 0 {
		c.clear()
		c.print(page.String())
	}
}

// progressOf returns the progress of a place.
func (c *HealthConsole) progressOf(at health.Place) *progress {
	if c.byPlace == nil {
		c.byPlace = map[string]*progress{}
	}
	p := c.byPlace[at.Key]
	if p == nil {
		p = &progress{place: at, counts: map[check.Verdict]int{}}
		c.byPlace[at.Key] = p
		c.places = append(c.places, p)
	}
	return p
}

// progressOn returns the progress of the place that a credential belongs to.
func (c *HealthConsole) progressOn(cred *health.Credential) *progress {
	return c.progressOf(health.Place{Key: cred.Place, Provider: cred.Provider})
}

// Began says that a credential's turn has come.
func (c *HealthConsole) Began(cred *health.Credential) {
	if !c.Live {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.progressOn(cred)
	if p.began.IsZero() {
		p.began = time.Now()
	}
	p.running = append(p.running, cred.Name)
	p.until = time.Time{}
}

// Waiting says that a place has to wait, and why.
func (c *HealthConsole) Waiting(place health.Place, until time.Time, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.progressOf(place)
	if !c.Live {
		c.print(fmt.Sprintf("waiting       %s until %s: %s\n", placeName(&place), until.UTC().Format("15:04:05 MST"), label(c.Erase.String(why))))
	}
	p.until, p.why = until, why
}

// Done says what became of a credential.
func (c *HealthConsole) Done(cred *health.Credential) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.counts[cred.Verdict]++
	if c.Live {
		p := c.progressOn(cred)
		p.done++
		p.counts[cred.Verdict]++
		p.running = slices.DeleteFunc(p.running, func(name string) bool { return name == cred.Name })
		return
	}
	if c.OnlyProblems && quiet(cred) {
		return
	}
	p := paint(c.Color)
	line := p.verdict(cred.Verdict, pad(string(cred.Verdict), len(check.Inconclusive))) + "  " + label(c.Erase.String(cred.Name))
	if cred.Cause != "" {
		line += "  " + p.verdict(cred.Verdict, words(cred.Cause))
	}
	c.print(line + p.dim("  "+label(cred.Provider)+"  "+web.Took(cred.Duration)) + "\n")
}

// Finish ends the output with all that was found out. It returns the first
// error that Out gave since Start.
func (c *HealthConsole) Finish(run *health.Run) error {
	c.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	page := newPage(paint(c.Color), c.Width)
	page.health(run, c.Erase.String, c.OnlyProblems, c.Verbose, c.print)
	return c.err
}

// Note prints what came after: a paragraph, or several lines.
func (c *HealthConsole) Note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.print(strings.Join(inertLines(c.Erase.String(text)), "\n") + "\n")
}

// Stop erases the progress and draws it no more; calling it again does
// nothing.
func (c *HealthConsole) Stop() {
	c.redraw.end(&c.mu)
}

// clear erases the table: up as many lines as it has, and all below.
func (c *HealthConsole) clear() {
	if c.drawn > 0 {
		c.print(fmt.Sprintf("\r\x1b[%dA\x1b[J", c.drawn))
		c.drawn = 0
	}
}

func (c *HealthConsole) draw(now time.Time) {
	p := paint(c.Color)
	width := newPage(p, c.Width).width - 1
	first := fmt.Sprintf("%c %d/%d", c.redraw.spinner(), c.done, c.selected)
	lines := []string{fit(width, first+signs(paint(false), c.counts)+c.left(now), p.bold(first)+signs(p, c.counts)+p.dim(c.left(now)))}
	name := 0
	for _, place := range c.places {
		name = max(name, min(cells(placeName(&place.place)), 40))
	}
	const most = 12
	shown := slices.Clone(c.places)
	slices.SortStableFunc(shown, func(a, b *progress) int { return a.rank() - b.rank() })
	for _, place := range shown[:min(len(shown), most)] {
		plain := fmt.Sprintf("  %s  %d/%d", pad(cut(placeName(&place.place), name), name), place.done, place.place.Credentials)
		what := strings.Join(place.running, ", ")
		if what == "" && place.until.After(now) {
			what = fmt.Sprintf("waits until %s: %s", place.until.Format("15:04:05"), place.why)
		}
		found := signs(paint(false), place.counts)
		what = cut(label(c.Erase.String(what)), width-cells(plain+found)-2)
		lines = append(lines, fit(width, plain+found+"  "+what, plain+signs(p, place.counts)+"  "+p.dim(what)))
	}
	if hidden := len(shown) - most; hidden > 0 {
		lines = append(lines, p.dim(fmt.Sprintf("  … and %d more providers", hidden)))
	}
	c.clear()
	c.print(strings.Join(lines, "\n") + "\n")
	c.drawn = len(lines)
}

// rank sorts places by what is going on: running, waiting, to come, over.
func (p *progress) rank() int {
	switch {
	case len(p.running) > 0:
		return 0
	case !p.until.IsZero() && p.done < p.place.Credentials:
		return 1
	case p.done < p.place.Credentials:
		return 2
	}
	return 3
}

// signs are the verdicts so far, each with its number.
func signs(p paint, counts map[check.Verdict]int) string {
	s := ""
	for _, v := range slices.Backward(check.Verdicts()) {
		if n := counts[v]; n > 0 {
			s += p.verdict(v, fmt.Sprintf("  %s %d", mark(v), n))
		}
	}
	return s
}

// fit is the coloured line, or, where it would wrap, as much of the plain one
// as there is room for: a wrapped line would not be erased.
func fit(width int, plain, coloured string) string {
	if cells(plain) > width {
		return cut(plain, width)
	}
	return coloured
}

// left says how long it will take yet: as long as the slowest place.
func (c *HealthConsole) left(now time.Time) string {
	var longest time.Duration
	for _, p := range c.places {
		left := p.place.Credentials - p.done
		if left <= 0 {
			continue
		}
		var d time.Duration
		if p.done > 0 && !p.began.IsZero() {
			d = now.Sub(p.began) / time.Duration(p.done) * time.Duration(left)
		}
		if till := p.place.Planned.LaterTill.Sub(now); till > d {
			d = till
		}
		if till := p.until.Sub(now); till > d {
			d = till
		}
		longest = max(longest, d)
	}
	if longest < time.Second || c.done == 0 {
		return ""
	}
	return "  about " + web.Took(longest.Truncate(time.Second)) + " left"
}

// print sends text to Out in one call, until Out fails or a secret turns up.
func (c *HealthConsole) print(s string) {
	if c.err != nil {
		return
	}
	b := c.Erase.Bytes([]byte(s))
	if name, found := c.Erase.Leak(b); found {
		c.err = fmt.Errorf("console: %w (%s): this is a defect of authspec, please report it", ErrLeak, name)
		return
	}
	_, c.err = c.Out.Write(b)
}
