package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/authspec/authspec/internal/check"
)

// A sourceLine is a line of a feature file as a failure shows it.
type sourceLine struct {
	number int
	text   string
	status check.StepStatus // of the step it belongs to
	first  bool             // the line of the step itself, not a row of its table
	carets []caret
}

// A caret marks columns of a line, and says what was there instead.
type caret struct {
	at, width int
	label     string
}

// A scenario of more lines is shown in part.
const (
	maxSource = 24
	nearCaret = 2
)

// sourceLines writes the steps of r as they stand in the feature, less the
// indentation that they share. Tables are drawn for a room of so many columns.
func sourceLines(r *check.Result, room int) []sourceLine {
	margin := 0
	for i := range r.Steps {
		if c := r.Steps[i].Column; i == 0 || c < margin {
			margin = c
		}
	}
	failing := r.Failing()
	var lines []sourceLine
	for i := range r.Steps {
		s := &r.Steps[i]
		keyword := blank(s.Column-margin) + inert(s.Keyword) + " "
		text := inert(s.Text)
		line := sourceLine{number: s.Line, text: keyword + text, status: s.Status, first: true}
		of, rows := misses(s)
		for _, m := range of {
			line.carets = append(line.carets, stepCaret(keyword, text, m, len(of) > 1))
		}
		if s == failing && len(s.Misses) == 0 {
			line.carets = []caret{{max(s.Column-margin, 0), cells(inert(s.Keyword)), words(r.Cause)}}
		}
		lines = append(lines, line)
		lines = append(lines, rowLines(s, max(s.Column-margin, 0)+2, room, rows)...)
	}
	return lines
}

// misses sorts what a step missed into its own sentence and its rows.
func misses(s *check.Step) (step []check.Miss, rows map[int][]check.Miss) {
	rows = make(map[int][]check.Miss)
	for _, m := range s.Misses {
		if m.Row < 0 || m.Row >= len(s.Rows) {
			step = append(step, m)
		} else {
			rows[m.Row] = append(rows[m.Row], m)
		}
	}
	return step, rows
}

// stepCaret marks the expectation inside the sentence; where the sentence
// spells it otherwise, what was looked at, or else all of it.
func stepCaret(keyword, text string, m check.Miss, named bool) caret {
	expected, label := inert(m.Expected), "got "+actual(m)
	for _, spelling := range []string{expected, strings.Trim(expected, `"`)} {
		if from, ok := lastWord(text, spelling); ok {
			if named {
				label = inert(m.Subject) + ": " + label
			}
			return caret{cells(keyword + text[:from]), cells(spelling), label}
		}
	}
	label = fmt.Sprintf("want %s, %s", expected, label)
	if named {
		label = inert(m.Subject) + ": " + label
	}
	if fields := strings.Fields(inert(m.Subject)); len(fields) > 0 {
		last := fields[len(fields)-1]
		if from, ok := lastWord(text, last); ok {
			return caret{cells(keyword + text[:from]), cells(last), label}
		}
	}
	return caret{cells(keyword), cells(text), label}
}

// lastWord finds word in text where it is no part of a longer word: the 4 of
// "at least 4", not that of "400". The last one, since sentences end with what
// they expect.
func lastWord(text, word string) (int, bool) {
	if word == "" {
		return 0, false
	}
	for end := len(text); ; {
		at := strings.LastIndex(text[:end], word)
		if at < 0 {
			return 0, false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		first, _ := utf8.DecodeRuneInString(word)
		last, _ := utf8.DecodeLastRuneInString(word)
		partOfLonger := wordy(before) && wordy(first) || wordy(last) && wordy(after)
		if !partOfLonger {
			return at, true
		}
		end = at + len(word) - 1
	}
}

func wordy(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// rowLines draws the table of a step with its columns aligned, and a caret
// under the expectation of each row that missed.
func rowLines(s *check.Step, indent, room int, missed map[int][]check.Miss) []sourceLine {
	var widths []int
	table := make([][]string, len(s.Rows))
	for i, row := range s.Rows {
		for j, c := range row.Cells {
			c = inert(gherkinCell.Replace(c))
			table[i] = append(table[i], c)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], cells(c))
		}
	}
	total := indent + 1
	for _, w := range widths {
		total += w + len("  |")
	}
	if total > room && len(widths) > 0 {
		widths[len(widths)-1] = 0 // lest its border be all that is left for a line
	}
	lines := make([]sourceLine, 0, len(s.Rows))
	for i, row := range table {
		line := sourceLine{number: s.Rows[i].Line, status: s.Status}
		text, starts := blank(indent)+"|", make([]int, len(row))
		for j, c := range row {
			starts[j] = cells(text) + 1
			text += " " + pad(c, widths[j]) + " |"
		}
		line.text = text
		for _, m := range missed[i] {
			spot := caret{at: indent, width: cells(text) - indent, label: "got " + actual(m)}
			if n := len(row); n > 0 {
				j := slices.Index(row, inert(gherkinCell.Replace(m.Expected)))
				if j < 0 {
					j, spot.label = n-1, fmt.Sprintf("want %s, %s", inert(m.Expected), spot.label)
				}
				spot.at, spot.width = starts[j], cells(row[j])
			}
			line.carets = append(line.carets, spot)
		}
		lines = append(lines, line)
	}
	return lines
}

// gherkinCell writes the text of a cell as a feature file must.
var gherkinCell = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\n", `\n`)

// actual is what was there, short enough to draw.
func actual(m check.Miss) string {
	if m.Actual == "" {
		return "nothing"
	}
	const enough = 1 << 10
	s, all := head(m.Actual, enough)
	if s = inert(s); !all {
		s += "…"
	}
	return s
}

// source draws the scenario: line numbers, carets, and what was not checked.
func (p *page) source(r *check.Result) {
	if len(r.Steps) == 0 {
		return
	}
	digits := len(strconv.Itoa(lastLine(r)))
	gutter := func(number string) string { return p.paint.dim(fmt.Sprintf("  %*s │ ", digits, number)) }
	room := p.width - digits - len("   | ")

	lines := sourceLines(r, room)
	shown := near(lines, len(r.Steps) <= maxSource)
	p.line("")
	for i, l := range lines {
		if !shown[i] {
			if i == 0 || shown[i-1] {
				p.line(gutter("⋮"))
			}
			continue
		}
		number := strconv.Itoa(l.number)
		from := 0
		pieces := chunks(l.text, room)
		for j, piece := range pieces {
			drawn := p.status(l, piece)
			if l.first && l.status == check.StepNotChecked && j == len(pieces)-1 {
				drawn += p.paint.dim("  (not checked)")
			}
			p.line(gutter(number) + drawn)
			number = ""
			to := from + cells(piece)
			for _, c := range l.carets {
				if from <= c.at && c.at < to {
					p.caret(gutter(""), caret{c.at - from, min(c.width, to-c.at), c.label}, room, r.Verdict)
				}
			}
			from = to
		}
	}
}

func lastLine(r *check.Result) int {
	last := r.Steps[len(r.Steps)-1]
	if n := len(last.Rows); n > 0 {
		return max(last.Line, last.Rows[n-1].Line)
	}
	return last.Line
}

// near tells which lines are shown of a long scenario: those around carets, and
// all its sentences unless they are too many themselves.
func near(lines []sourceLine, sentences bool) []bool {
	shown := make([]bool, len(lines))
	for i := range lines {
		if len(lines) <= maxSource || sentences && lines[i].first {
			shown[i] = true
		}
		if len(lines[i].carets) > 0 {
			for j := max(0, i-nearCaret); j <= min(i+nearCaret, len(lines)-1); j++ {
				shown[j] = true
			}
		}
	}
	return shown
}

func (p *page) status(l sourceLine, s string) string {
	switch {
	case len(l.carets) > 0:
		return p.paint.bold(s)
	case l.status == check.StepPassed, l.status == check.StepNotChecked:
		return p.paint.dim(s)
	}
	return s
}

// caret draws one mark with its label beside it, or below it for want of room.
func (p *page) caret(gutter string, c caret, room int, v check.Verdict) {
	marks := strings.Repeat("^", max(c.width, 1))
	line := blank(c.at) + p.paint.loud(v, marks)
	left := room - c.at - len(marks) - 1
	if cells(c.label) <= left {
		p.line(gutter + line + " " + p.paint.verdict(v, c.label))
		return
	}
	p.line(gutter + line)
	at := min(c.at, max(room-cells(c.label), 2))
	p.line(gutter + blank(at) + p.paint.verdict(v, cut(c.label, room-at)))
}

// words is a cause as it is said.
func words(c check.Cause) string { return strings.ReplaceAll(string(c), "_", " ") }
