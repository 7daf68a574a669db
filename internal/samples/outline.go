package samples

import "strings"

// An Outline is a request in words, without any value.
type Outline struct {
	Method, URL string
	Carries     []string // "form: grant_type, client_id", "Authorization: Bearer {access_token}"
}

// outline leaves out what says nothing about authentication.
func (r *request) outline() *Outline {
	if r == nil {
		return nil
	}
	o := &Outline{Method: r.method, URL: r.url.literal()}
	if r.basic != nil {
		o.Carries = append(o.Carries, "Authorization: Basic "+r.basic.user.literal()+":"+r.basic.password.literal())
	}
	for _, h := range r.headers {
		if h.name != "Accept" && h.name != "Content-Type" {
			o.Carries = append(o.Carries, h.name+": "+h.value.literal())
		}
	}
	for _, part := range []struct {
		name   string
		fields []field
	}{{"query", r.query}, {"form", r.form}, {"JSON", r.json}} {
		if len(part.fields) > 0 {
			o.Carries = append(o.Carries, part.name+": "+names(part.fields))
		}
	}
	return o
}

func names(fields []field) string {
	var list []string
	for _, f := range fields {
		list = append(list, f.name)
	}
	return strings.Join(list, ", ")
}
