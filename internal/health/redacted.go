package health

import (
	"maps"
	"slices"
)

// Redacted returns a copy of the run in which every text has passed erase. A
// run is redacted as it is made; this is for what goes out of the house, when
// secrets may be known that were not then.
func (r *Run) Redacted(erase func(string) string) *Run {
	out := *r
	out.Version = erase(r.Version)
	out.Credentials = make([]Credential, len(r.Credentials))
	for i := range r.Credentials {
		out.Credentials[i] = r.Credentials[i].Redacted(erase)
	}
	out.Places = slices.Clone(r.Places)
	for i := range out.Places {
		p := &out.Places[i]
		p.Name, p.Address, p.Message = erase(p.Name), erase(p.Address), erase(p.Message)
	}
	return &out
}

// Redacted returns a copy of the credential in which every text has passed
// erase.
func (c *Credential) Redacted(erase func(string) string) Credential {
	out := *c
	for _, s := range []*string{&out.Name, &out.Provider, &out.Owner, &out.Environment, &out.BaseURL, &out.Message, &out.Advice} {
		*s = erase(*s)
	}
	out.Tags, out.Missing, out.Warnings = each(c.Tags, erase), each(c.Missing, erase), each(c.Warnings, erase)
	out.Drift = slices.Clone(c.Drift)
	for i := range out.Drift {
		d := &out.Drift[i]
		d.Scenario, d.URI, d.Message, d.Advice = erase(d.Scenario), erase(d.URI), erase(d.Message), erase(d.Advice)
	}
	out.Ran = slices.Clone(c.Ran)
	for i := range out.Ran {
		r := &out.Ran[i]
		r.Scenario, r.URI = erase(r.Scenario), erase(r.URI)
	}
	out.Met = slices.Clone(c.Met)
	for i := range out.Met {
		out.Met[i].Code = erase(out.Met[i].Code)
	}
	if c.Evidence != nil {
		e := *c.Evidence
		e.Scenario, e.URI = erase(e.Scenario), erase(e.URI)
		x := &e.Exchange
		for _, s := range []*string{&x.URL, &x.RequestBody, &x.ResponseBody, &x.Error, &x.Curl} {
			*s = erase(*s)
		}
		for _, h := range []*map[string][]string{(*map[string][]string)(&x.RequestHeader), (*map[string][]string)(&x.ResponseHeader)} {
			*h = maps.Clone(*h)
			for name, values := range *h {
				(*h)[name] = each(values, erase)
			}
		}
		out.Evidence = &e
	}
	return out
}

func each(texts []string, erase func(string) string) []string {
	out := slices.Clone(texts)
	for i := range out {
		out[i] = erase(out[i])
	}
	return out
}
