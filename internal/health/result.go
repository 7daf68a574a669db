package health

import (
	"fmt"
	"math"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
)

// describe is what is known of a credential before it is tried.
func (j *job) describe() Credential {
	c := j.credential
	return Credential{Name: c.Name, Provider: c.Provider, Owner: c.Owner, Tags: c.Tags, Environment: c.Environment, BaseURL: c.BaseURL,
		Place: j.place, Control: c.Control, Line: c.Line, Expires: expiryOf(c.Expires, time.Now())}
}

// result is what became of a credential, given how it stood before.
func (j *job) result(f finding, before State, now time.Time) Credential {
	c := j.describe()
	c.Verdict, c.Cause, c.Rule, c.Message, c.Advice, c.Who = f.verdict, f.cause, f.rule, f.message, f.advice, f.who
	c.Evidence, c.Missing, c.Drift = f.evidence, f.missing, f.drift
	c.Warnings = append(append([]string(nil), j.warnings...), f.warnings...)
	if w := c.Expires.warning(); w != "" && c.Verdict != check.Rejected {
		c.Warnings = append(c.Warnings, w)
	}
	c.Ran, c.Met = j.ran, j.met
	c.Started, c.Duration = j.began, j.took
	if j.carrier != nil {
		c.Requests, c.TokenRequests = j.carrier.sent()
		c.Latency, c.TokenLifetime = j.carrier.latency, j.carrier.tokenLifetime
	}
	c.Before = before
	confirm := 2
	if j.provider != nil {
		confirm = j.provider.Confirmations()
	}
	c.State = before.next(&c, now, f.certain, confirm)
	c.Since = c.State.since(c.Verdict)
	c.Confirmed = true
	if c.Verdict == check.Rejected {
		c.conclude(f, confirm)
	}
	return c
}

// conclude says how sure a refusal is.
func (c *Credential) conclude(f finding, confirm int) {
	s := &c.State
	c.Confirmed = s.Confirmed
	switch {
	case f.certain:
	case s.Confirmed && s.Looks > 1:
		c.Rule = BySecondLook
		c.Message += fmt.Sprintf(", in %d checks in a row", s.Looks)
	case s.Confirmed:
		c.Rule = BySecondLook
	default:
		if c.Rule != ByScopes {
			c.Rule = ByFirstLook
		}
		c.Message += fmt.Sprintf("; seen %s, which may be a fault of the moment", times(s.Looks))
		c.Advice = fmt.Sprintf("Wait for the next check, which confirms it or not (health: {confirm: %d}). If you cannot wait: %s", confirm, lower(c.Advice))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func lower(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}

// expiryOf works out how near the end of a secret is.
func expiryOf(d credentials.Date, now time.Time) Expiry {
	if d.IsZero() {
		return Expiry{}
	}
	left := d.Time.Sub(now)
	e := Expiry{Date: d.String(), At: d.Time, Days: int(math.Floor(left.Hours() / 24))}
	if left <= 0 {
		e.Level = -1
		return e
	}
	for _, level := range []int{30, 14, 7, 1} {
		if e.Days <= level {
			e.Level = level
		}
	}
	return e
}

// warning is what to say of an expiry, if anything.
func (e Expiry) warning() string {
	switch {
	case e.Level == -1:
		return "" // the diagnosis says it, with what became of it
	case e.Level == 0:
		return ""
	case e.Days == 0:
		return fmt.Sprintf("expires today, %s", e.Date)
	case e.Days == 1:
		return fmt.Sprintf("expires tomorrow, %s", e.Date)
	}
	return fmt.Sprintf("expires in %d days, on %s", e.Days, e.Date)
}
