package health

import (
	"fmt"

	"github.com/authspec/authspec/internal/check"
)

// revise looks at the whole run, and corrects what could not be seen from one
// credential: that it is not our network when others answer, and that a provider
// which refuses all its credentials at once may well have a fault of its own.
func (c *checker) revise(places []*place) {
	reached := false
	refusesAll := map[string]string{} // place to what to say
	byKey := map[string]*place{}
	for _, p := range places {
		reached = reached || p.tally.answered
		byKey[p.key] = p
		if s := p.summary(); s.State == RefusesAll {
			refusesAll[p.key] = s.Message
		}
	}
	working := map[string]int{} // credentials that worked before, by place that refuses all
	for i := range c.done {
		if p := byKey[c.done[i].Place]; p != nil && c.done[i].Before.Verdict == check.Passed {
			working[p.key]++
		}
	}
	for i := range c.done {
		cred := &c.done[i]
		p := byKey[cred.Place]
		if p == nil {
			continue
		}
		switch message := refusesAll[p.key]; {
		case cred.Rule == ByNoAnswer && reached && (cred.Cause == check.NetworkTCP || cred.Cause == check.Timeout):
			cred.Who = TheProvider
			cred.Advice = fmt.Sprintf("Others answered, so it is not the network of this machine: look at %s's status page, and at the address (%s).", p.provider.Name, orElse(p.address, p.provider.BaseURL))
		case message != "" && working[p.key] >= many && cred.Verdict == check.Rejected && cred.Control == "" && cred.State.Looks == 1:
			cred.Confirmed, cred.State.Confirmed, cred.Rule = false, false, ByFirstLook
			cred.Message += fmt.Sprintf("; %s, %d of which worked before: perhaps a fault of its own", message, working[p.key])
		default:
			continue
		}
		c.tell(c.opts.Revised, cred)
	}
}
