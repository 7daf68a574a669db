package alert

import (
	"fmt"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// Text is the alert for people, over several lines; the first is its title.
func (a *Alert) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", a.sign(), a.Title, a.Message)
	var facts []string
	if c := a.Credential; c != nil {
		facts = append(facts, "provider "+c.Provider)
		if c.Owner != "" {
			facts = append(facts, "owner "+c.Owner)
		}
		if c.Environment+c.BaseURL != "" {
			facts = append(facts, c.Environment+c.BaseURL)
		}
	}
	if a.Since != nil {
		facts = append(facts, "since "+a.Since.Format("2006-01-02 15:04 UTC"))
	}
	if len(facts) > 0 {
		b.WriteString(strings.Join(facts, " · ") + "\n")
	}
	if n := len(a.Credentials); n > 0 {
		const enough = 5
		list := strings.Join(a.Credentials[:min(n, enough)], ", ")
		if more := a.Concerned - min(n, enough); more > 0 {
			list += fmt.Sprintf(" and %d more", more)
		}
		b.WriteString("concerns " + list + "\n")
	}
	if a.Advice != "" {
		who := string(a.Who)
		if c := a.Credential; who == "owner" && c != nil && c.Owner != "" {
			who = c.Owner
		}
		if who != "" {
			who += ": "
		}
		b.WriteString("→ " + who + a.Advice + "\n")
	}
	if a.Link != "" {
		b.WriteString(a.Link + "\n")
	}
	return b.String()
}

// sign is the kind at a glance.
func (a *Alert) sign() string {
	switch a.Kind {
	case CredentialRecovered, ProviderRecovered, ContractKept, NetworkRecovered:
		return "✓"
	case CredentialRejected:
		return "✗"
	}
	return "!"
}

// words are a cause for people.
func words(c check.Cause) string { return strings.ReplaceAll(string(c), "_", " ") }

// turns says "accepted, refused, accepted" of "prp".
func turns(recent string) string {
	var list []string
	for _, r := range recent {
		if r == 'p' {
			list = append(list, "accepted")
		} else {
			list = append(list, "refused")
		}
	}
	return strings.Join(list, ", ")
}

// linkTo is the link to a credential on the status page.
func (p *planner) linkTo(name string) string {
	if p.link == "" {
		return ""
	}
	return p.link + "#" + web.Anchors{}.Take(name)
}
