package site

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// A drawing is a sequence diagram that is being drawn, from top to bottom.
type drawing struct {
	strings.Builder
	width  int
	lanes  map[string]int // x of each actor
	narrow bool
	y      int
}

// Sizes, in units of the drawing: a narrow one is shown on phones, unit by
// pixel, so its letters are as large as those of the wide one.
const (
	saidSize  = 12
	toldSize  = 12
	charWide  = 7.25 // of a monospaced letter of 12
	lineHigh  = 17
	headHigh  = 34
	afterStep = 20
)

const you = "Your client"

// drawSequence draws who says what to whom. It is made of shapes and text that
// the style sheet colours, and has a title and a description.
func drawSequence(provider string, flow []*FlowStep, width int) svg {
	d := &drawing{width: width, lanes: map[string]int{}, narrow: width < 480, y: 1}
	actors := []string{you}
	for _, s := range flow {
		if !slices.Contains(actors, s.Actor) {
			actors = append(actors, s.Actor)
		}
	}
	margin := width / 6
	if d.narrow {
		margin = 58
	}
	for i, a := range actors {
		d.lanes[a] = margin + i*(width-2*margin)/max(len(actors)-1, 1)
	}
	for _, a := range actors {
		d.head(a, len(actors))
	}
	top := d.y + headHigh
	d.y = top + 14
	body := &drawing{width: width, lanes: d.lanes, narrow: d.narrow, y: d.y}
	for i, s := range flow {
		body.step(i+1, s)
	}
	for _, a := range actors {
		fmt.Fprintf(d, `<path class="lane" d="M%d %dV%d"/>`, d.lanes[a], top, body.y)
	}
	d.WriteString(body.String())
	height := body.y + 4
	kind := "wide"
	if d.narrow {
		kind = "narrow"
	}
	return svg(fmt.Sprintf(`<svg class="%s" viewBox="0 0 %d %d" role="img" aria-labelledby="seq-%s-t seq-%s-d"><title id="seq-%s-t">How a client authenticates to %s</title><desc id="seq-%s-d">%s</desc>%s</svg>`,
		kind, width, height, kind, kind, kind, esc(provider), kind, esc(describe(flow)), d.String()))
}

// describe is the drawing in sentences; the list below it says the same.
func describe(flow []*FlowStep) string {
	var parts []string
	for i, s := range flow {
		if s.Request != nil {
			parts = append(parts, fmt.Sprintf("%d. Your client sends %s to %s.", i+1, s.Line(), s.Actor))
		} else {
			parts = append(parts, fmt.Sprintf("%d. %s answers %d.", i+1, s.Actor, s.Status))
		}
	}
	return strings.Join(parts, " ")
}

func (d *drawing) head(actor string, n int) {
	wide := min(170, (d.width-8)/n-6)
	name := cut(actor, int(float64(wide-8)/6.2))
	x := d.lanes[actor]
	left := min(max(x-wide/2, 1), d.width-wide-1)
	fmt.Fprintf(d, `<rect class="actor" x="%d" y="%d" width="%d" height="%d" rx="6"/><text class="who" x="%d" y="%d" font-size="%d" text-anchor="middle">%s</text>`,
		left, d.y, wide, headHigh, left+wide/2, d.y+headHigh/2+4, toldSize, esc(name))
}

// step draws one arrow: what is said above it, what goes along below.
func (d *drawing) step(n int, s *FlowStep) {
	from, to := d.lanes[you], d.lanes[s.Actor]
	class := "arrow"
	if s.Request == nil {
		from, to, class = to, from, "arrow back"
	}
	if s.After != "" {
		d.pause(s.After)
	}
	left, right := min(from, to), max(from, to)
	// On a phone the lanes stand close: the text may reach beyond them.
	room := right - left - 44
	if d.narrow {
		room = d.width - 40
	}
	middle := (left + right) / 2
	said, told := []string{s.Line()}, s.told()
	if s.Request == nil {
		said = []string{fmt.Sprintf("%d", s.Status)}
	}
	for _, line := range fold(said, int(float64(room)/charWide)) {
		d.y += lineHigh
		d.text("said", saidSize, middle, line)
	}
	d.y += 10
	direction := 1
	if to < from {
		direction = -1
	}
	fmt.Fprintf(d, `<path class="%s" d="M%d %dH%d"/>`, class, from+11*direction, d.y, to-7*direction)
	fmt.Fprintf(d, `<path class="tip" d="M%d %dl%d -4.5v9z"/>`, to-1*direction, d.y, -8*direction)
	fmt.Fprintf(d, `<circle class="dot" cx="%d" cy="%d" r="9"/><text class="dot-text" x="%d" y="%d" font-size="11" text-anchor="middle">%d</text>`, from, d.y, from, d.y+4, n)
	d.y += 3
	for _, line := range fold(told, int(float64(room)/6.1)) {
		d.y += lineHigh - 1
		d.text("told", toldSize, middle, line)
	}
	d.y += afterStep
}

// text writes a line over the lanes it crosses.
func (d *drawing) text(class string, size, x int, line string) {
	fmt.Fprintf(d, `<text class="%s" x="%d" y="%d" font-size="%d" text-anchor="middle">%s</text>`, class, x, d.y, size, esc(line))
}

// pause says that time goes by.
func (d *drawing) pause(after string) {
	d.y += 8
	fmt.Fprintf(d, `<path class="pause" d="M1 %dH%d"/>`, d.y, d.width-1)
	d.y += 4
	d.text("while", toldSize, d.width/2, after)
	d.y += 12
}

// told is what goes along with the step.
func (s *FlowStep) told() []string {
	switch {
	case s.Request != nil:
		return s.Request.Carries
	case s.After != "":
		return []string{"request a new token: step 1"}
	case len(s.Fields) > 0:
		return []string{strings.Join(s.Fields, ", ")}
	}
	return nil
}

// fold breaks lines between words, and words that are longer than a line.
func fold(lines []string, room int) []string {
	var out []string
	for _, line := range lines {
		current := ""
		for word := range strings.FieldsSeq(line) {
			for len([]rune(word)) > room {
				if current != "" {
					out, current = append(out, current), ""
				}
				runes := []rune(word)
				out, word = append(out, string(runes[:room])), string(runes[room:])
			}
			if current != "" && len([]rune(current))+1+len([]rune(word)) > room {
				out, current = append(out, current), ""
			}
			if current != "" {
				current += " "
			}
			current += word
		}
		out = append(out, current)
	}
	return out
}

func esc(s string) string { return html.EscapeString(s) }
