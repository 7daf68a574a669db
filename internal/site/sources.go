package site

import (
	"strings"

	"github.com/authspec/authspec/providers/simulator"
)

// An Evidence says in a word how well an answer is known.
type Evidence string

// How well an answer is known.
const (
	Known   Evidence = "documented"         // by the provider's pages, or recorded
	Partly  Evidence = "documented in part" // status or body, not both
	Guessed Evidence = "assumed"            // nobody has seen it
	Unknown Evidence = "not documented"
)

// Evidence judges status and body: headers of error answers are next to never
// documented, and no client reads them.
func (e *ErrorRow) Evidence() Evidence { return evidenceOf(e.Fixture) }

func evidenceOf(f *simulator.Fixture) Evidence {
	switch {
	case f == nil:
		return Unknown
	case f.StatusFrom.Assumed() && f.BodyFrom.Assumed():
		return Guessed
	case f.StatusFrom.Assumed() || f.BodyFrom.Assumed():
		return Partly
	case f.StatusFrom.Kind == simulator.Recorded || f.BodyFrom.Kind == simulator.Recorded:
		return "recorded"
	}
	return Known
}

// A Source says where parts of an answer are known from.
type Source struct {
	Parts string // "Status and body"
	Kind  string
	URL   string // of what was read; empty for others
	Text  string // the rest: a date, a reason
}

// sourcesOf puts the parts of a fixture that are known from one place together.
func sourcesOf(f *simulator.Fixture) []Source {
	var out []Source
	parts := []struct {
		name string
		from simulator.Provenance
	}{{"status", f.StatusFrom}, {"headers", f.HeadersFrom}, {"body", f.BodyFrom}}
	for i, part := range parts {
		var same []string
		first := true
		for j, other := range parts {
			if other.from == part.from {
				first = first && j >= i
				same = append(same, other.name)
			}
		}
		if !first {
			continue
		}
		s := Source{Parts: list(same, "and"), Kind: part.from.Kind, Text: part.from.Detail}
		s.Parts = strings.ToUpper(s.Parts[:1]) + s.Parts[1:]
		if address, date, found := strings.Cut(part.from.Detail, " "); found && strings.HasPrefix(address, "https://") {
			s.URL, s.Text = address, date
		}
		out = append(out, s)
	}
	return out
}

// Sources says where the answer is known from.
func (e *ErrorRow) Sources() []Source { return sourcesOf(e.Fixture) }
