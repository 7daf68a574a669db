package report

import (
	"bufio"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// A StatusPage is what people look at in the morning: one HTML file that says
// who has to do what, and which credentials work.
type StatusPage struct {
	Run       *health.Run       // the check that has just ended; nil: the page is made from a history
	Standings []health.Standing // how every credential stands, also those not checked this time
	Now       time.Time
	Stale     time.Duration // how old is too old; 0: health.DefaultStale
	Title     string        // empty: "Credentials"
}

// WriteStatusPage writes the page to a file that appears whole or not at all.
// Every text in it passes erase; should a secret be left all the same, nothing
// is written and the error is ErrLeak. What became of a credential of the Run
// counts more than its standing.
func WriteStatusPage(file string, page StatusPage, erase *redact.Redactor) error {
	return atomicfile.WriteWith(file, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		if err := newStatus(&page, erase.String).write(searched{buffered, erase}); err != nil {
			return fmt.Errorf("status page: %w", err)
		}
		return buffered.Flush()
	})
}

//go:embed health_status.tmpl
var statusFiles embed.FS

var statusTemplate = sync.OnceValue(func() *template.Template { return web.Templates(statusFiles, "health_status.tmpl") })

// write writes the page piece by piece, so that each can be searched by itself
// and thousands of credentials are never held as text.
func (s *status) write(w io.Writer) error {
	render := func(name string, data any) error {
		b, err := web.Render(statusTemplate(), name, data)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	if err := render("status", s); err != nil {
		return err
	}
	for _, g := range s.Groups {
		if err := render("group", g); err != nil {
			return err
		}
		for _, m := range g.Matters {
			name := "matter"
			if m.Brief {
				name = "brief"
			}
			if err := render(name, m); err != nil {
				return err
			}
		}
		if err := render("end", nil); err != nil {
			return err
		}
	}
	if len(s.Drift) > 0 {
		if err := render("drift", s); err != nil {
			return err
		}
	}
	for _, t := range []*statusTable{s.Noted, s.Old, s.Works} {
		if len(t.Rows) == 0 {
			continue
		}
		if err := render("table", t); err != nil {
			return err
		}
		const piece = 200
		for rows := range slices.Chunk(t.Rows, piece) {
			if err := render("rows", rows); err != nil {
				return err
			}
		}
		if err := render("endtable", nil); err != nil {
			return err
		}
	}
	return render("bottom", s)
}

// A status is all that the page tells, in its order.
type status struct {
	web.Page
	Gist    check.Verdict // for sign and colour; skipped: grey
	Word    string
	Needs   int // credentials that need a person
	Working int
	Total   int
	More    []string // what else there is to know at once
	Checked time.Time
	Until   time.Time // when the page is too old to rely on
	Aged    string    // what to say if it is; empty: it is not
	Run     *health.Run
	Stale   time.Duration
	Chips   []statusChip
	Groups  []*statusGroup
	Drift   []*statusDrift
	Noted   *statusTable // work, and there is something to say
	Old     *statusTable // worked when last checked, too long ago
	Works   *statusTable
}

// A statusChip is a button that filters.
type statusChip struct {
	Key  string
	Icon check.Verdict
	N    int
}

// A statusGroup is what one person, or nobody, has to do.
type statusGroup struct {
	ID, Title, Note string
	Matters         []*statusMatter
	rank            int
}

// A statusMatter is one thing to do, or to know: of one credential, of several
// about which there is the same to say, or of a provider.
type statusMatter struct {
	ID     string
	Title  string
	Place  bool // it is about a provider as a whole
	First  *statusRow
	Rows   []*statusRow
	Brief  bool // one of too many: without its evidence
	rank   int
	causes []string
}

// A statusRow is one credential.
type statusRow struct {
	ID, Name, Provider, Address, Owner, Control string
	Key                                         string // what filters go by: the verdict, or stale
	Verdict                                     check.Verdict
	State                                       string // in words
	Cause                                       check.Cause
	Since, Checked, Worked                      time.Time
	For                                         string // how long it has been so
	Stale, Flapping                             bool
	Expires                                     string
	Soon                                        bool // it expires before long
	Message, Advice                             string
	Rule, RuleWords                             string
	Scenario, Where                             string
	Wire                                        *htmlExchange
	Again                                       string
	Missing, Warnings                           []string
	Drift                                       []*statusDrift

	Unsure int // checks in a row that could not tell, if more than one

	who      health.Who
	place    *health.Place
	needs    bool
	trouble  bool
	days     int // until it expires
	evidence *health.RecordEvidence
}

// A statusDrift is a broken contract, and who met it.
type statusDrift struct {
	ID, Provider, Scenario, Where, Message, Advice string
	Verdict                                        check.Verdict
	Cause                                          check.Cause
	Rows                                           []*statusRow
}

// A statusTable is credentials of which there is little to say.
type statusTable struct {
	ID, Title, Note string
	Icon            check.Verdict
	Rows            []*statusRow
}

// Happened says what the page is about in a line, for tabs and previews.
func (s *status) Happened() string {
	if s.Total == 0 {
		return "Nothing was checked yet"
	}
	return fmt.Sprintf("%s, %d of %d work", needs(s.Needs), s.Working, s.Total)
}

func needs(n int) string {
	switch n {
	case 0:
		return "Nobody has to act"
	case 1:
		return "1 needs a person"
	}
	return fmt.Sprintf("%d need a person", n)
}

// Needing is Needs in words.
func (s *status) Needing() string { return needs(s.Needs) }

// Clock writes a time so that people can compare it with another.
func (*status) Clock(t time.Time) string { return day(t) }

// Clock is status.Clock.
func (*statusRow) Clock(t time.Time) string { return day(t) }

// Count is how many credentials the group has.
func (g *statusGroup) Count() int {
	n := 0
	for _, m := range g.Matters {
		n += len(m.Rows)
	}
	return n
}

// Waits reports that there is nothing to do but to wait.
func (r *statusRow) Waits() bool { return !r.needs }

// Brief writes a time in a table.
func (*statusRow) Brief(t time.Time) string { return t.UTC().Format("2 Jan 15:04") }

// Seconds is after how many of them a credential is stale.
func (s *status) Seconds() int { return int(s.Stale / time.Second) }

// First and Others are those of a drift that are named, and how many are not.
func (d *statusDrift) First() []*statusRow { return d.Rows[:min(len(d.Rows), enoughAlike)] }

// Others is how many credentials First leaves out.
func (d *statusDrift) Others() int { return len(d.Rows) - len(d.First()) }
