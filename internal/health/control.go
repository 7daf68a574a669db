package health

import (
	"fmt"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
)

// control turns the finding on a control credential into what it says: whether
// its provider, and our probe, can be believed. It remembers it for the others.
func (p *place) control(j *job, f *finding) {
	found := *f
	refused := f.verdict == check.Rejected && f.cause != check.ScopeMissing
	name := p.provider.Name
	switch j.credential.Control {
	case credentials.KnownGood:
		p.good = &found
		if refused {
			f.verdict, f.cause, f.rule, f.who = check.Inconclusive, check.ControlFailed, ByControl, TheOperator
			f.message = fmt.Sprintf("the known-good control is refused: %s", found.message)
			f.advice = fmt.Sprintf("See whether it really works. If so, %s has a fault, or authspec's request is wrong: no refusal by %s counts in this run.", name, name)
		}
	case credentials.KnownBad:
		p.bad = &found
		switch {
		case refused:
			*f = finding{verdict: check.Passed, rule: ByControl, message: fmt.Sprintf("%s refuses it, as it has to: %s", name, found.signature), warnings: found.warnings}
		case f.verdict == check.Passed:
			f.verdict, f.cause, f.rule, f.who = check.Inconclusive, check.ControlFailed, ByControl, TheProvider
			f.message = fmt.Sprintf("%s accepts the known-bad control", name)
			f.advice = fmt.Sprintf("Tell %s, unless the credential is good after all: a yes proves nothing in this run.", name)
		}
	}
}

// compare holds a finding against those on the control credentials.
func (p *place) compare(f *finding) {
	name := p.provider.Name
	refused := f.verdict == check.Rejected && f.cause != check.ScopeMissing
	goodRefused := p.good != nil && p.good.verdict == check.Rejected
	badAccepted := p.bad != nil && p.bad.verdict == check.Passed
	switch {
	case refused && goodRefused:
		f.verdict, f.cause, f.rule, f.who = check.Inconclusive, check.ControlFailed, ByControl, TheProvider
		f.message += "; but so does it a credential that is known to be good"
		f.advice = fmt.Sprintf("See what ails %s, or authspec's request, first.", name)
	case f.verdict == check.Passed && badAccepted:
		f.verdict, f.cause, f.rule, f.who = check.Inconclusive, check.ControlFailed, ByControl, TheProvider
		f.message = fmt.Sprintf("%s accepts it, but also a credential that is known to be bad", name)
		f.advice = fmt.Sprintf("Tell %s: its yes proves nothing.", name)
	case refused && !f.certain && p.good != nil && p.good.verdict == check.Passed && p.bad != nil && p.bad.signature == f.signature:
		f.certain, f.rule = true, ByKnownBad
		f.message += ", as it answers to a credential that is known to be bad, while a good one is accepted"
	}
}
