package drift

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// Formats maps the name of a format to the function that writes it. Paths and
// names come from providers: the caller sees to it that no terminal obeys
// them.
var Formats = map[string]func(w io.Writer, r *Report) error{
	"json":     writeJSON,
	"markdown": writeMarkdown,
	"text":     writeText,
}

// label is the one word that says how bad a finding is.
func (f *Finding) label() string {
	switch {
	case f.Accepted != nil:
		return "accepted"
	case f.Assumed:
		return "assumed"
	}
	return string(f.Grade)
}

// remark says what a reader has to know besides, or do.
func (f *Finding) remark(provider string) string {
	switch {
	case f.Accepted != nil:
		return fmt.Sprintf("until %s: %s", f.Accepted.Until, f.Accepted.Reason)
	case f.Lapsed != nil:
		return fmt.Sprintf("was accepted until %s (%s): that date has passed", f.Lapsed.Until, f.Lapsed.Reason)
	case f.Assumed:
		return "no drift: the fixture was an assumption; authspec record " + provider
	}
	return ""
}

// subject is the path as people read it.
func (f *Finding) subject() string {
	if f.Path == StatusPath || strings.HasPrefix(f.Path, headerPath) {
		return f.Path
	}
	return "`" + f.Path + "`"
}

// tally counts findings by label, in the order of labels.
func (p *Provider) tally() string {
	count := map[string]int{}
	for i := range p.Findings {
		count[p.Findings[i].label()]++
	}
	var parts []string
	for _, label := range []string{string(Breaking), string(Additive), string(Cosmetic), "assumed", "accepted"} {
		if n := count[label]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, label))
		}
	}
	if len(parts) == 0 {
		return "no change"
	}
	return strings.Join(parts, ", ")
}

// state is the sign and the words that a provider's part begins with.
func (p *Provider) state(strict bool) (sign, words string) {
	situations := fmt.Sprintf("%d situations", len(p.Compared))
	if len(p.Compared) == 1 {
		situations = "1 situation"
	}
	words = p.tally() + " in " + situations
	switch {
	case p.Skipped != "":
		return "-", "skipped: " + p.Skipped
	case len(p.Invalid) > 0:
		return "!", "the spec is wrong"
	case p.Rejected != "":
		return "✗", p.Rejected
	case !p.tried:
		return "-", "nothing ran: every scenario was skipped"
	case len(p.Compared) == 0:
		return "?", "nothing could be compared"
	}
	sign = "✓"
	if len(p.Silences) > 0 {
		sign = "?"
	}
	for i := range p.Findings {
		switch f := &p.Findings[i]; {
		case f.counts(strict):
			return "✗", words
		case f.doubts(strict):
			sign = "?"
		}
	}
	return sign, words
}

// lists are what else there is to say, by heading.
func (p *Provider) lists() [][2]string {
	var lists [][2]string
	list := func(heading string, items []string) {
		if len(items) > 0 {
			lists = append(lists, [2]string{heading, strings.Join(items, ", ")})
		}
	}
	for _, text := range p.Invalid {
		list("invalid", []string{text})
	}
	for _, s := range p.Silences {
		text := s.Text
		if s.Situation != "" {
			text = s.Situation + ": " + text
		}
		list("could not tell", []string{text})
	}
	list("compared", p.Compared)
	list("not met", p.Unmet)
	list("no fixture", p.Unknown)
	for _, n := range p.Notes {
		list("note", []string{n})
	}
	return lists
}

// verdicts say what an exit code means here.
var verdicts = map[int]string{
	check.ExitOK:           "no change that breaks clients",
	check.ExitBroken:       "the provider has changed, or refuses the credential",
	check.ExitInvalid:      "a spec is wrong",
	check.ExitInconclusive: "could not tell",
	check.ExitInterrupted:  "interrupted",
	check.ExitNothingRan:   "nothing ran",
}

func (r *Report) verdict() string {
	code := r.ExitCode()
	text := verdicts[code]
	if r.Strict && code == check.ExitOK {
		text = "no change"
	}
	return fmt.Sprintf("Exit %d: %s.", code, text)
}

func writeText(w io.Writer, r *Report) error {
	var b strings.Builder
	for _, p := range r.Providers {
		sign, words := p.state(r.Strict)
		fmt.Fprintf(&b, "%s %s: %s\n", sign, p.ID, words)
		for i := range p.Findings {
			f := &p.Findings[i]
			fmt.Fprintf(&b, "  %-8s  %s: %s %s\n", f.label(), strings.Join(f.Situations, ", "), f.subject(), f.Change)
			if remark := f.remark(p.ID); remark != "" {
				fmt.Fprintf(&b, "            %s\n", remark)
			}
		}
		for _, l := range p.lists() {
			fmt.Fprintf(&b, "  %s: %s\n", l[0], l[1])
		}
		b.WriteByte('\n')
	}
	b.WriteString(r.verdict() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func writeMarkdown(w io.Writer, r *Report) error {
	var b strings.Builder
	b.WriteString("# Drift\n\n" + r.verdict() + "\n")
	for _, p := range r.Providers {
		sign, words := p.state(r.Strict)
		fmt.Fprintf(&b, "\n## %s %s\n\n%s\n", sign, cell(p.Name), cell(words))
		for i := range p.Findings {
			f := &p.Findings[i]
			if i == 0 {
				b.WriteString("\n| grade | situation | path | change | remark |\n|---|---|---|---|---|\n")
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.label(), cell(strings.Join(f.Situations, ", ")), cell(f.Path), cell(f.Change), cell(f.remark(p.ID)))
		}
		for i, l := range p.lists() {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "- %s: %s\n", l[0], cell(l[1]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell makes text stand for itself in Markdown.
var cell = strings.NewReplacer("\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "<", "&lt;", "&", "&amp;", "\n", " ", "\r", " ").Replace

func writeJSON(w io.Writer, r *Report) error {
	type deviation struct {
		Reason string `json:"reason"`
		Until  string `json:"until"`
	}
	type finding struct {
		Situations []string   `json:"situations"`
		Path       string     `json:"path"`
		Change     string     `json:"change"`
		Grade      Grade      `json:"grade"`
		Verdict    string     `json:"verdict"` // drifted, inconclusive (assumption_wrong) or accepted
		Cause      string     `json:"cause,omitempty"`
		Accepted   *deviation `json:"accepted,omitempty"`
		Lapsed     *deviation `json:"lapsed,omitempty"`
	}
	type silence struct {
		Situation string `json:"situation,omitempty"`
		Cause     string `json:"cause"`
		Text      string `json:"text"`
	}
	type provider struct {
		ID       string    `json:"id"`
		Name     string    `json:"name"`
		Skipped  string    `json:"skipped,omitempty"`
		Rejected string    `json:"rejected,omitempty"`
		Invalid  []string  `json:"invalid,omitempty"`
		Compared []string  `json:"compared"`
		Findings []finding `json:"findings"`
		Silences []silence `json:"could_not_tell"`
		Unmet    []string  `json:"not_met"`
		Unknown  []string  `json:"no_fixture"`
		Notes    []string  `json:"notes,omitempty"`
	}
	page := struct {
		Version     int        `json:"version"` // of this format
		Authspec    string     `json:"authspec"`
		Started     time.Time  `json:"started"`
		Strict      bool       `json:"strict"`
		Interrupted bool       `json:"interrupted"`
		ExitCode    int        `json:"exit_code"`
		Providers   []provider `json:"providers"`
	}{1, r.Version, r.Started.UTC(), r.Strict, r.Interrupted, r.ExitCode(), []provider{}}
	some := func(list []string) []string { return append([]string{}, list...) }
	for _, p := range r.Providers {
		out := provider{
			ID: p.ID, Name: p.Name, Skipped: p.Skipped, Rejected: p.Rejected, Invalid: p.Invalid, Notes: p.Notes,
			Compared: some(p.Compared), Unmet: some(p.Unmet), Unknown: some(p.Unknown), Findings: []finding{}, Silences: []silence{},
		}
		for _, s := range p.Silences {
			out.Silences = append(out.Silences, silence{s.Situation, string(s.Cause), s.Text})
		}
		for i := range p.Findings {
			f := &p.Findings[i]
			entry := finding{Situations: f.Situations, Path: f.Path, Change: f.Change, Grade: f.Grade, Verdict: string(check.Drifted)}
			if f.Assumed {
				entry.Verdict, entry.Cause = string(check.Inconclusive), string(check.AssumptionWrong)
			}
			if d := f.Accepted; d != nil {
				entry.Verdict, entry.Accepted = "accepted", &deviation{d.Reason, d.Until.String()}
			}
			if d := f.Lapsed; d != nil {
				entry.Lapsed = &deviation{d.Reason, d.Until.String()}
			}
			out.Findings = append(out.Findings, entry)
		}
		page.Providers = append(page.Providers, out)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(page)
}
