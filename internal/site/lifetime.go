package site

import (
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A Lifetime is how long a token lives.
type Lifetime struct {
	For   time.Duration // 0: not known
	Said  bool          // the response says so, in Field
	Until bool          // the response says when it ends, in Field
	Field string
}

func lifetimeOf(p *providers.Provider, issued *simulator.Fixture) Lifetime {
	r := p.Auth.Response
	for path, unit := range map[string]time.Duration{r.ExpiresIn: time.Second, r.ExpiresInMS: time.Millisecond} {
		if path == "" || issued == nil {
			continue
		}
		if n := gjson.GetBytes(issued.Body, path); n.Num > 0 {
			return Lifetime{For: time.Duration(n.Num * float64(unit)), Said: true, Field: path}
		}
	}
	l := Lifetime{For: time.Duration(r.Lifetime), Field: r.ExpiresAt + r.ExpiresAtEpoch}
	if r.ExpiresJWT {
		l.Field = "its claim exp"
	}
	l.Until = l.Field != ""
	return l
}

// Short says it in a few words; empty when nothing is known.
func (l Lifetime) Short() string {
	switch {
	case l.Until:
		return "until " + l.Field
	case l.For > 0:
		return lasts(l.For)
	}
	return ""
}

// Long says it with where it is known from.
func (l Lifetime) Long() string {
	switch {
	case l.Said:
		return lasts(l.For) + ", as " + l.Field + " says"
	case l.Until && l.For > 0:
		return "until the time in " + l.Field + "; " + lasts(l.For) + " is what the spec reckons with"
	case l.Until:
		return "until the time in " + l.Field
	case l.For > 0:
		return lasts(l.For) + "; the response does not say"
	}
	return "no time that anyone says"
}
