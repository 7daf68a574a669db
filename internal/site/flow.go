package site

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/samples"
	"github.com/authspec/authspec/providers/simulator"
)

// A FlowStep is one thing that happens between client and provider.
type FlowStep struct {
	Title   string
	Request *samples.Outline // nil: the provider answers
	Actor   string           // the host that is spoken to
	Status  int              // of an answer
	Fields  []string         // of its body
	Note    string
	After   string // when it happens, if not at once: "after 1 hour"
}

// Line is the step as a diagram says it.
func (s *FlowStep) Line() string {
	if s.Request == nil {
		return fmt.Sprint(s.Status)
	}
	path := s.Request.URL
	if u, err := url.Parse(path); err == nil && u.Path != "" {
		path = u.Path
	}
	return s.Request.Method + " " + path
}

// addFlow tells how a client comes to its first answer.
func (page *providerPage) addFlow() error {
	for _, name := range page.CallNames() {
		if !page.Calls[name].Public {
			page.resource = name
			break
		}
	}
	list, err := samples.For(page.Provider, page.resource)
	switch {
	case errors.Is(err, samples.ErrNoSample):
		page.NoSamples = "Requests to " + page.Name + " are signed: what they carry is computed from the credentials, and no placeholder can stand for it."
	case err != nil:
		return err
	}
	page.Samples = list
	if page.requested, page.called, err = samples.Requests(page.Provider, page.resource); err != nil {
		return err
	}
	page.addTokenSteps()
	page.addCallSteps()
	page.Wide, page.Narrow = drawSequence(page.Name, page.Flow, 640), drawSequence(page.Name, page.Flow, 300)
	return nil
}

func (page *providerPage) addTokenSteps() {
	if page.requested == nil {
		return
	}
	host := hostOf(page.requested.URL)
	page.Flow = append(page.Flow, &FlowStep{Title: "Request an access token", Request: page.requested, Actor: host})
	issued := page.fixtures["token/issued"]
	if issued == nil {
		return
	}
	note := "The token stands in " + page.Auth.Response.AccessToken + "."
	switch {
	case page.Lives.Until:
		note += " It lives " + page.Lives.Short() + ": keep it."
	case page.Lives.For > 0:
		note += " It lives for " + page.Lives.Short() + ": keep it."
	}
	page.Flow = append(page.Flow, &FlowStep{Title: page.Name + " issues it", Actor: host, Status: issued.Status, Fields: topLevel(issued), Note: note})
}

func (page *providerPage) addCallSteps() {
	p := page.Provider
	title := "Call the API with it"
	if !p.HasToken() {
		title = "Call the API"
	}
	if page.called == nil {
		page.Flow = append(page.Flow, &FlowStep{
			Title: title, Actor: page.Host(),
			Request: &samples.Outline{Method: "any", URL: "call", Carries: []string{strings.TrimPrefix(carries(p), "the header ")}},
		})
		return
	}
	host := hostOf(page.called.URL)
	page.Flow = append(page.Flow, &FlowStep{Title: title, Request: page.called, Actor: host})
	if ok := page.fixtures[p.Situation(page.resource, "ok")]; ok != nil {
		page.Flow = append(page.Flow, &FlowStep{Title: page.Name + " answers", Actor: host, Status: ok.Status, Fields: topLevel(ok)})
	}
	if expired := page.fixtures[p.Situation(page.resource, "expired_token")]; expired != nil && p.HasToken() {
		after := "later"
		if page.Lives.For > 0 && !page.Lives.Until {
			after = "after " + lasts(page.Lives.For)
		}
		page.Flow = append(page.Flow, &FlowStep{
			Title: strings.ToUpper(after[:1]) + after[1:] + " the token has expired", Actor: host, Status: expired.Status, After: after,
			Note: "Request a new one, as in step 1, and repeat the call.",
		})
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// topLevel returns the names at the top of a JSON body.
func topLevel(f *simulator.Fixture) []string {
	var names []string
	if gjson.ValidBytes(f.Body) {
		gjson.ParseBytes(f.Body).ForEach(func(key, _ gjson.Result) bool {
			if key.Type == gjson.String {
				names = append(names, key.Str)
			}
			return true
		})
	}
	return names
}
