package report

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// A Console prints a run for people, while it goes and when it is over: in a
// pipe a line for each scenario as it ends, on a terminal one line of progress
// that is redrawn and then erased; at the end in both the failures in full, the
// skips, a table and a summary, in the order of the files.
//
// It writes escape sequences only for colour, and passes everything through
// Erase before Out. Its methods may be called from several goroutines; the
// fields are set before Start.
type Console struct {
	Out     io.Writer
	Erase   *redact.Redactor // nil erases nothing
	Color   bool
	Live    bool // Out is a terminal: draw progress
	Width   int  // columns; 0 is 100
	Verbose bool // show every exchange in full, also those of scenarios that passed
	Curl    bool // show the curl command of every exchange, not only of the one that decides

	mu       sync.Mutex
	selected int
	done     tally
	running  []running
	redraw   redraw
	drawn    int // columns of the line of progress on the screen
	err      error
}

// A running scenario is one that began and has not ended.
type running struct {
	uri   string
	line  int
	name  string
	since time.Time
}

// Start begins the output: selected scenarios are about to run.
func (c *Console) Start(selected int, mode check.Mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.selected = selected
	if !c.Live {
		line := fmt.Sprintf("%s %s\n", plural(selected, "scenario"), where(mode))
		c.print(line, func() string { return line })
		return
	}
	c.redraw.begin(&c.mu, c.draw, c.clear)
}

// Running says that a scenario began, so that progress can name the one that
// takes long. It reads the place and the names of r; calling it is optional.
func (c *Console) Running(r *check.Result) {
	if !c.Live {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = append(c.running, running{uri: r.URI, line: r.Line, name: c.short(r), since: time.Now()})
}

// Done says that a scenario ended, in any order.
func (c *Console) Done(r *check.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done.add(r)
	if c.Live {
		c.running = slices.DeleteFunc(c.running, func(g running) bool { return g.uri == r.URI && g.line == r.Line })
		return
	}
	c.print(c.doneLine(r, c.Erase.String(r.URI), c.Erase.String(r.Scenario)), func() string { return c.doneLine(r, "-", "-") })
}

// doneLine is the line of a scenario that ended.
func (c *Console) doneLine(r *check.Result, uri, scenario string) string {
	p := paint(c.Color)
	name := fmt.Sprintf("%s:%d  %s", label(uri), r.Line, label(scenario))
	line := p.verdict(r.Verdict, pad(string(r.Verdict), len(check.Inconclusive))) + "  " + name
	if r.Cause != "" {
		line += "  " + p.verdict(r.Verdict, words(r.Cause))
	}
	return line + p.dim("  "+web.Took(r.Duration)) + "\n"
}

// Finish ends the output with all that was found out. It returns the first
// error that Out gave since Start.
func (c *Console) Finish(run *check.Run) error {
	c.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.print(c.ending(redacted(run, c.Erase)), func() string { return c.ending(skeleton(run)) })
	return c.err
}

// ending is what Finish prints of a run.
func (c *Console) ending(run *check.Run) string {
	d := depth{verbose: c.Verbose, curl: c.Curl}
	page := newPage(paint(c.Color), c.Width)
	for i := range run.Results {
		r := &run.Results[i]
		switch {
		case r.Verdict.Failed():
			page.line("")
			page.failure(r, d)
		case (d.verbose || d.curl) && len(r.Exchanges) > 0:
			page.line("")
			page.title(r)
			page.evidence(r, d)
		}
	}
	page.skips(run, c.Verbose)
	page.table(run)
	page.verdict(run)
	return page.String()
}

// Stop erases the line of progress and draws it no more, for a run that ends
// without results. Finish calls it; calling it again does nothing.
func (c *Console) Stop() {
	c.redraw.end(&c.mu)
}

// draw replaces the line of progress. Blanks erase the rest of the old one, for
// a terminal that knows no escape sequences or was asked for none.
func (c *Console) draw(now time.Time) {
	p := paint(c.Color)
	width := newPage(p, c.Width).width - 1 // the last column would wrap
	plain := fmt.Sprintf("%c %d/%d", c.redraw.spinner(), c.done.total, c.selected)
	plain, line := plain+signs(paint(false), c.done.by), p.bold(plain)+signs(p, c.done.by)
	if len(c.running) > 0 {
		oldest := c.running[0]
		name := "  " + oldest.name
		if age := now.Sub(oldest.since); age >= 2*time.Second {
			name += "  " + web.Took(age.Truncate(time.Second))
		}
		name = cut(name, width-cells(plain))
		plain, line = plain+name, line+p.dim(name)
	}
	columns := cells(plain)
	c.print("\r"+line+blank(c.drawn-columns), noWords)
	c.drawn = columns
}

func (c *Console) clear() {
	if c.drawn > 0 {
		c.print("\r"+blank(c.drawn)+"\r", noWords)
		c.drawn = 0
	}
}

func (c *Console) short(r *check.Result) string {
	name := label(c.Erase.String(r.Scenario))
	if r.Provider != "" {
		name = label(c.Erase.String(r.Provider)) + " › " + name
	}
	return name
}

// noWords is for text without words of ours.
func noWords() string { return "" }

// print sends text to Out in one call, until Out fails or a secret turns up. The
// run's texts in it are redacted. own returns the text without them: a secret
// may be a word of ours.
func (c *Console) print(text string, own func() string) {
	if c.err != nil {
		return
	}
	if out := c.Erase.String(text); out != text {
		words := own()
		out = c.Erase.StringExcept(text, words)
		if name, found := c.Erase.LeakExcept([]byte(out), words); found {
			c.err = fmt.Errorf("console: %w (%s): this is a defect of authspec, please report it", ErrLeak, name)
			return
		}
		text = out
	}
	_, c.err = io.WriteString(c.Out, text)
}
