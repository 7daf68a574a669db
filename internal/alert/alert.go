// Package alert tells people what a check of credentials changed.
//
// It remembers, for each channel, what the channel was told last of each
// subject, and tells it what is different now. So nothing is told twice,
// nothing is lost when a delivery fails or a run is killed, and a channel that
// is new hears of everything that is broken.
package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
)

// A Kind says what happened. The words do not change.
type Kind string

// The kinds.
const (
	CredentialRejected  Kind = "credential_rejected"  // refused, for certain, or for another cause than before
	CredentialInvalid   Kind = "credential_invalid"   // it cannot be tried as it is set up
	CredentialUnknown   Kind = "credential_unknown"   // check after check could not tell
	CredentialFlapping  Kind = "credential_flapping"  // accepted and refused by turns
	CredentialRecovered Kind = "credential_recovered" // accepted again
	SecretExpiring      Kind = "secret_expiring"      // 30, 14, 7, 1 days are left, or none
	ProviderFailing     Kind = "provider_failing"     // for all its credentials at once
	ProviderRecovered   Kind = "provider_recovered"
	ContractBroken      Kind = "contract_broken" // its answers break its contract
	ContractKept        Kind = "contract_kept"   // they do not any more
	NetworkFailing      Kind = "network_failing" // no provider at all can be reached
	NetworkRecovered    Kind = "network_recovered"
	Test                Kind = "test" // somebody wants to see whether channels work
)

// An Alert is one piece of news. Its JSON is alert-1.schema.json.
type Alert struct {
	Version int       `json:"version"`
	ID      string    `json:"id"` // the same when it is sent again
	Kind    Kind      `json:"kind"`
	At      time.Time `json:"at"`
	Title   string    `json:"title"` // one line
	Message string    `json:"message"`
	Advice  string    `json:"advice,omitempty"` // what to do
	// Who should do it: owner, operator or provider; empty: nobody has to.
	Who         health.Who  `json:"who,omitempty"`
	Since       *time.Time  `json:"since,omitempty"` // since when it is so
	Link        string      `json:"link,omitempty"`
	Credential  *Credential `json:"credential,omitempty"`
	Provider    *Provider   `json:"provider,omitempty"`
	Credentials []string    `json:"credentials,omitempty"` // concerned by a provider's failure, at most 50
	Concerned   int         `json:"concerned,omitempty"`   // how many they are

	// Channels have to be told. Those that are know the subject in this state.
	Channels []string `json:"-"`
	Subject  string   `json:"-"`
	State    string   `json:"-"`
}

// A Credential is the one that an alert is about.
type Credential struct {
	Name        string        `json:"name"`
	Provider    string        `json:"provider"`
	Owner       string        `json:"owner,omitempty"`
	Tags        []string      `json:"tags"`
	Environment string        `json:"environment,omitempty"`
	BaseURL     string        `json:"base_url,omitempty"`
	Verdict     check.Verdict `json:"verdict"`
	Cause       check.Cause   `json:"cause,omitempty"`
	Missing     []string      `json:"missing_scopes,omitempty"`
	Expires     string        `json:"expires,omitempty"`
}

// A Provider is the one that an alert is about, at one address.
type Provider struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Address string            `json:"address,omitempty"`
	State   health.PlaceState `json:"state"`
	Cause   check.Cause       `json:"cause,omitempty"`
}

// A Key is a subject, as one channel knows it: "credential/antsomi-eu",
// "expiry/antsomi-eu", "provider/antsomi", "contract/antsomi", "network".
type Key struct{ Channel, Subject string }

// Told is the state of each subject that a channel was told last. What is fine
// is not in it.
type Told map[Key]string

// A fact is the state of a subject as a check found it. An empty state is
// fine.
type fact struct {
	subject, state string
	owner          string // whose channels are told; empty: the default ones
	// tell makes the alert for a channel that knew another state; nil: that
	// is no news.
	tell func(was string) *Alert
}

// Plan returns what has to be told after a run, what concerns most first, and
// what is different without being news. A run that was interrupted tells
// nothing: the next one will.
func Plan(run *health.Run, to *credentials.Alerts, told Told) (news []Alert, quiet Told) {
	quiet = Told{}
	if run.Interrupted {
		return nil, quiet
	}
	p := planner{run: run, at: run.Started.Add(run.Duration), link: to.Link}
	for _, f := range p.facts() {
		byKind := map[Kind]*Alert{}
		for _, channel := range channelsOf(to, f, told) {
			key := Key{channel, f.subject}
			was := told[key]
			if was == f.state {
				continue
			}
			a := f.tell(was)
			if a == nil {
				quiet[key] = f.state
				continue
			}
			if byKind[a.Kind] == nil {
				a.Version, a.At, a.ID, a.Subject, a.State = 1, p.at.UTC(), p.id(f), f.subject, f.state
				byKind[a.Kind] = a
			}
			byKind[a.Kind].Channels = append(byKind[a.Kind].Channels, channel)
		}
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			news = append(news, *byKind[kind])
		}
	}
	return news, quiet
}

// channelsOf returns the channels of the owner, or the default ones; and, when
// all is fine, whoever was told that it was not.
func channelsOf(to *credentials.Alerts, f fact, told Told) []string {
	list := to.Owners[f.owner]
	if f.owner == "" || len(list) == 0 {
		list = to.Default
	}
	list = slices.Clone(list)
	for _, c := range to.Channels {
		if f.state == "" && told[Key{c.Name, f.subject}] != "" {
			list = append(list, c.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Trial is an alert for all channels, to see whether they work.
func Trial(channels []credentials.Channel, link string, at time.Time) Alert {
	a := Alert{Version: 1, ID: fmt.Sprintf("alert_test_%d", at.UnixNano()), Kind: Test, At: at.UTC(), Link: link,
		Title: "this is a test", Message: "authspec can reach you here. Nothing is wrong."}
	for _, c := range channels {
		a.Channels = append(a.Channels, c.Name)
	}
	return a
}

// redacted is the alert with every text passed through erase.
func (a *Alert) redacted(erase func(string) string) *Alert {
	out := *a
	for _, s := range []*string{&out.Title, &out.Message, &out.Advice, &out.Link} {
		*s = erase(*s)
	}
	if a.Credential != nil {
		c := *a.Credential
		for _, s := range []*string{&c.Name, &c.Owner, &c.Environment, &c.BaseURL} {
			*s = erase(*s)
		}
		out.Credential = &c
	}
	out.Credentials = slices.Clone(a.Credentials)
	for i := range out.Credentials {
		out.Credentials[i] = erase(out.Credentials[i])
	}
	return &out
}

// A planner finds the facts of a run.
type planner struct {
	run  *health.Run
	at   time.Time
	link string
}

// id is that of an alert: who gets it twice can tell.
func (p *planner) id(f fact) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", p.run.Started.UTC().Format(time.RFC3339Nano), f.subject, f.state))
	return "alert_" + hex.EncodeToString(sum[:12])
}

// facts are those of the network, of providers, then of credentials in the
// order of the run. What a failing provider does to its credentials is not
// theirs: nothing is said of them.
func (p *planner) facts() []fact {
	tried, unreachable, failing := 0, 0, map[string]bool{}
	for i := range p.run.Places {
		at := &p.run.Places[i]
		if at.State == health.Untried {
			continue
		}
		tried++
		failing[at.Key] = at.State != health.Working
		if at.State == health.Unreachable {
			unreachable++
		}
	}
	var list []fact
	noNetwork := unreachable > 1 && unreachable == tried
	if tried > 0 {
		list = append(list, p.network(noNetwork, tried))
	}
	members := map[string][]*health.Credential{}
	for i := range p.run.Credentials {
		c := &p.run.Credentials[i]
		members[c.Place] = append(members[c.Place], c)
	}
	for i := range p.run.Places {
		at := &p.run.Places[i]
		if noNetwork || at.State == health.Untried {
			continue
		}
		// One credential says no more of its provider than of itself.
		if !failing[at.Key] || len(members[at.Key]) > 1 {
			list = append(list, p.provider(at, members[at.Key], failing[at.Key]))
		}
		if f, known := p.contract(at, members[at.Key]); known {
			list = append(list, f)
		}
	}
	for i := range p.run.Credentials {
		c := &p.run.Credentials[i]
		held := noNetwork || failing[c.Place] && len(members[c.Place]) > 1
		if f, known := p.credential(c); known && (!held || c.Verdict == check.Invalid) {
			list = append(list, f)
		}
		list = append(list, p.expiry(c))
	}
	return list
}

// credential is how a credential stands, unless that is not known for certain.
func (p *planner) credential(c *health.Credential) (fact, bool) {
	f := fact{subject: "credential/" + c.Name}
	if c.Who == health.TheOwner || c.Verdict == check.Passed {
		f.owner = c.Owner
	}
	kind := Kind("")
	switch {
	case c.Verdict == check.Invalid:
		f.state, kind = "invalid "+string(c.Cause), CredentialInvalid
	case c.State.Flapping:
		f.state, kind, f.owner = "flapping", CredentialFlapping, c.Owner
	case c.Verdict == check.Rejected && c.Confirmed:
		f.state, kind, f.owner = "rejected "+string(c.Cause), CredentialRejected, c.Owner
	case c.Verdict == check.Passed:
	case c.State.Unknown:
		f.state, kind = "unknown", CredentialUnknown
	default:
		return f, false
	}
	f.tell = func(was string) *Alert {
		a := p.about(c)
		if kind == "" {
			a.Kind = CredentialRecovered
			if was == "flapping" {
				a.Message = "accepted check after check again"
			}
			a.Title, a.Advice, a.Who = c.Name+" works again", "", ""
			was = words(check.Cause(strings.Replace(was, " ", ": ", 1)))
			if before := c.Before.Since; c.Before.Verdict == check.Rejected && strings.HasPrefix(was, "rejected") {
				was += " since " + before.UTC().Format("2006-01-02 15:04 UTC")
			}
			a.Message = fmt.Sprintf("it was %s; %s", was, cmp.Or(a.Message, "the provider accepts it"))
			return a
		}
		a.Kind = kind
		switch kind {
		case CredentialFlapping:
			a.Title = c.Name + " is accepted and refused by turns"
			a.Message = fmt.Sprintf("the last checks that could tell: %s; %s", turns(c.State.Recent), a.Message)
			a.Advice = "Look for a secret that was rotated in some places only, or a provider with servers that disagree. Nothing more is said of it until it has settled."
		case CredentialUnknown:
			a.Title = fmt.Sprintf("nobody knows whether %s works: %d checks in a row could not tell", c.Name, c.State.Unsure)
		case CredentialInvalid:
			a.Title = fmt.Sprintf("%s cannot be checked: %s", c.Name, words(c.Cause))
		default:
			a.Title = fmt.Sprintf("%s is rejected: %s", c.Name, words(c.Cause))
		}
		return a
	}
	return f, true
}

// about is an alert about a credential, without its kind and title.
func (p *planner) about(c *health.Credential) *Alert {
	a := &Alert{Message: c.Message, Advice: c.Advice, Who: c.Who, Link: p.linkTo(c.Name), Credential: &Credential{
		Name: c.Name, Provider: c.Provider, Owner: c.Owner, Tags: append([]string{}, c.Tags...), Environment: c.Environment, BaseURL: c.BaseURL,
		Verdict: c.Verdict, Cause: c.Cause, Missing: c.Missing, Expires: c.Expires.Date}}
	if !c.Since.IsZero() {
		since := c.Since.UTC()
		a.Since = &since
	}
	return a
}

// expiry is how near the end of a secret is.
func (p *planner) expiry(c *health.Credential) fact {
	f := fact{subject: "expiry/" + c.Name, owner: c.Owner}
	e := &c.Expires
	if e.Level != 0 && (e.Level > 0 || c.Verdict != check.Rejected) { // a refusal says it all
		f.state = fmt.Sprintf("%s %d", e.Date, e.Level)
	}
	f.tell = func(string) *Alert {
		if f.state == "" {
			return nil
		}
		a := p.about(c)
		a.Kind, a.Who, a.Since = SecretExpiring, health.TheOwner, nil
		a.Advice = "Have a new secret issued, put it where the old one is kept, and write its last day into expires."
		switch {
		case e.Level < 0:
			a.Title, a.Message = fmt.Sprintf("the secret of %s was to end on %s", c.Name, e.Date), "it is past its last day, and still accepted"
			if c.Verdict != check.Passed {
				a.Message = "it is past its last day, and this check could not tell whether it is still accepted"
			}
		case e.Days < 1:
			a.Title, a.Message = fmt.Sprintf("the secret of %s expires today", c.Name), "its last day is "+e.Date
		case e.Days == 1:
			a.Title, a.Message = fmt.Sprintf("the secret of %s expires tomorrow", c.Name), "its last day is "+e.Date
		default:
			a.Title, a.Message = fmt.Sprintf("the secret of %s expires in %d days", c.Name, e.Days), "its last day is "+e.Date
		}
		return a
	}
	return f
}

// provider is whether a provider fails for all its credentials at once.
func (p *planner) provider(at *health.Place, members []*health.Credential, failing bool) fact {
	f := fact{subject: "provider/" + at.Key}
	if failing {
		f.state = string(at.State)
	}
	f.tell = func(was string) *Alert {
		a := p.aboutProvider(at)
		if f.state == "" {
			a.Kind, a.Title, a.Message = ProviderRecovered, at.Name+" answers as it should again", fmt.Sprintf("%d of %d credentials work", at.Passed, at.Credentials)
			if was == string(health.RefusesAll) {
				a.Title = at.Name + " accepts credentials again"
			}
			return a
		}
		a.Kind, a.Who, a.Message = ProviderFailing, health.TheProvider, at.Message
		switch at.State {
		case health.RefusesAll:
			a.Title = fmt.Sprintf("%s refuses all its credentials", at.Name)
			a.Advice = fmt.Sprintf("Ask %s, or look at its status page, before anyone rotates a secret.", at.Name)
		case health.Unclear:
			a.Who = health.TheOperator
			a.Title = fmt.Sprintf("%s says nothing of its credentials: %s", at.Name, words(at.Cause))
			a.Advice = "Look at the answer: a login or maintenance page, or a contract that has changed. Nothing is known against its credentials."
		case health.Unreliable:
			a.Title = fmt.Sprintf("%s cannot be relied on: a control credential fared otherwise than it has to", at.Name)
			a.Advice = "Look at the control credential first: no refusal counts until it fares as it should."
		default:
			a.Title = fmt.Sprintf("%s fails: %s", at.Name, words(at.Cause))
			a.Advice = fmt.Sprintf("Look at %s's status page. Nothing is known against its credentials; the next check tries again.", at.Name)
		}
		for _, c := range members {
			if c.Verdict == check.Passed || c.Verdict == check.Invalid {
				continue
			}
			if a.Concerned++; len(a.Credentials) < mostNamed {
				a.Credentials = append(a.Credentials, c.Name)
			}
		}
		slices.Sort(a.Credentials)
		return a
	}
	return f
}

const mostNamed = 50

func (p *planner) aboutProvider(at *health.Place) *Alert {
	return &Alert{Link: p.link, Provider: &Provider{ID: at.Provider, Name: at.Name, Address: at.Address, State: at.State, Cause: at.Cause}}
}

// contract is which scenarios of a provider's contract its answers broke,
// unless none was seen.
func (p *planner) contract(at *health.Place, members []*health.Credential) (fact, bool) {
	f := fact{subject: "contract/" + at.Key}
	broken := map[string]string{} // scenario to what is wrong with it
	tried := false
	for _, c := range members {
		tried = tried || c.Verdict == check.Passed
		for _, d := range c.Drift {
			if d.Verdict == check.Drifted {
				broken[d.Scenario] = d.Message
			}
		}
	}
	scenarios := slices.Sorted(maps.Keys(broken))
	f.state = strings.Join(scenarios, "\n")
	f.tell = func(was string) *Alert {
		a := p.aboutProvider(at)
		if len(broken) == 0 {
			a.Kind, a.Title, a.Message = ContractKept, at.Name+" keeps its contract again", "it had broken: "+strings.ReplaceAll(was, "\n", "; ")
			return a
		}
		isOld := func(s string) bool { return slices.Contains(strings.Split(was, "\n"), s) }
		if !slices.ContainsFunc(scenarios, func(s string) bool { return !isOld(s) }) {
			return nil // fewer than before
		}
		a.Kind, a.Who, a.Title = ContractBroken, health.TheOperator, at.Name+" answers otherwise than its contract says"
		var lines []string
		for _, s := range scenarios {
			lines = append(lines, s+": "+broken[s])
		}
		a.Message = strings.Join(lines, "\n")
		a.Advice = fmt.Sprintf("authspec drift %s shows the difference. Its credentials are not to blame: tell %s, or correct the fixtures.", at.Provider, at.Name)
		return a
	}
	return f, tried || len(broken) > 0
}

// network is whether no provider at all can be reached.
func (p *planner) network(failing bool, tried int) fact {
	f := fact{subject: "network"}
	if failing {
		f.state = "failing"
	}
	f.tell = func(string) *Alert {
		if !failing {
			return &Alert{Kind: NetworkRecovered, Title: "providers can be reached again", Message: "the last check reached none of them", Link: p.link}
		}
		return &Alert{Kind: NetworkFailing, Who: health.TheOperator, Link: p.link, Title: fmt.Sprintf("none of %d providers can be reached", tried),
			Message:   p.run.Places[slices.IndexFunc(p.run.Places, func(at health.Place) bool { return at.State == health.Unreachable })].Message,
			Advice:    "Look at the network of the machine that checks: its DNS, its proxy, its firewall. Nothing is known against any credential.",
			Concerned: len(p.run.Credentials)}
	}
	return f
}
