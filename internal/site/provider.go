package site

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/samples"
	"github.com/authspec/authspec/internal/web"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A providerPage is all that the page of a provider tells, in its order.
type providerPage struct {
	web.Page
	*providers.Provider
	Scheme    string // what people call it
	Status    *Status
	Verified  *Status // the last that says something about the provider
	Since     *Status // what failed since, simulated
	Given     bool    // results were given
	Lives     Lifetime
	Coverage  Coverage
	Features  []Text
	Needs     []Need
	Flow      []*FlowStep
	Wide      svg // the flow drawn, for screens
	Narrow    svg // and for phones
	Samples   []samples.Sample
	NoSamples string // why there are none
	Successes []*Success
	Errors    []*ErrorRow
	Missing   []string // call/situation that nothing is known of
	Limits    []Limit
	Scopes    []Scope
	Scenarios []*Scenario
	History   []*Status // the oldest first
	Strip     svg
	Changes   []Change

	fixtures          map[string]*simulator.Fixture
	resource          string // the call that samples and flow show
	requested, called *samples.Outline
}

// File and Twin are where the page and its Markdown are.
func (p *providerPage) File() string { return "providers/" + p.ID + ".html" }

// Twin is the page in Markdown.
func (p *providerPage) Twin() string { return "providers/" + p.ID + ".md" }

// A Text is the free text of one feature.
type Text struct {
	Name   string
	Blocks []Block
}

// A Need is one credential field.
type Need struct{ Field, Variable string }

// A Limit is a sentence about time or number.
type Limit struct{ Name, Text string }

// A Scope is one that can be asked for.
type Scope struct {
	Name, Grants string
	Default      bool
}

func newProviderPage(p *providers.Provider, files fs.FS, ev *evidence, opts *Options) (*providerPage, error) {
	fixtures, err := simulator.LoadFixtures(p, files)
	if err != nil {
		return nil, err
	}
	page := &providerPage{Provider: p, Scheme: schemeName(p), fixtures: fixtures, Status: cmp.Or(ev.last(p.ID, tried), status(ev.own, p.ID)), Verified: ev.last(p.ID, told), Given: ev.given}
	page.Page = web.Page{
		Title: p.Name + " · authspec", Description: "How to authenticate to " + p.Name + ", and what every error means.",
		Markdown: p.ID + ".md", Home: "../index.html", Script: opts.Script,
	}
	page.Since = ev.since(p.ID, page.Status)
	for _, field := range p.CredentialFields() {
		page.Needs = append(page.Needs, Need{field, p.Credentials[field]})
	}
	page.Lives = lifetimeOf(p, fixtures["token/issued"])
	page.addScenarios(ev)
	page.addAnswers(ev)
	if err := page.addFlow(); err != nil {
		return nil, err
	}
	page.addLimits()
	page.addHistory(ev)
	page.Coverage = newCoverage(page.Errors, page.Missing)
	return page, nil
}

// schemeName is what people call the scheme.
func schemeName(p *providers.Provider) string {
	switch p.Auth.Scheme {
	case "client_credentials":
		switch p.Auth.GrantType {
		case "client_credentials":
			return "OAuth 2.0 client credentials"
		case "":
			return "Token request without a grant type"
		}
		return "OAuth 2.0, grant " + p.Auth.GrantType
	case "basic_token":
		return "Basic credentials for a token"
	case "basic":
		return "HTTP Basic"
	case "bearer":
		return "API key as bearer token"
	case "header":
		return "API key in a header"
	case "query":
		return "API key in the query"
	}
	return strings.ReplaceAll(p.Auth.Scheme, "_", " ")
}

func (page *providerPage) addScenarios(ev *evidence) {
	ids := web.Anchors{}
	ids.Reserve("main", "need", "flow", "code", "responses", "errors", "limits", "deviations", "scenarios", "runs", "changes")
	told := map[string]bool{}
	for _, s := range ev.plan[page.ID] {
		f := ev.features[s.URI]
		if !told[s.URI] && len(f.text) > 0 {
			page.Features = append(page.Features, Text{f.name, f.text})
		}
		told[s.URI] = true
		scenario := &Scenario{
			ID: ids.Take(s.Name), Name: s.Name, Text: f.scenarios[s.Name], URI: s.URI, Line: s.Line, Tags: s.Tags,
			Meets: met(ev.rehearsal[s.ID()]), Outcome: ev.outcome(page.ID, s),
		}
		for _, st := range s.Steps {
			scenario.Steps = append(scenario.Steps, Step{st.Keyword, st.Text, st.Cells})
		}
		page.Scenarios = append(page.Scenarios, scenario)
	}
}

// calls returns the token request, where there is one, and the calls.
func calls(p *providers.Provider) []string {
	names := p.CallNames()
	if p.HasToken() {
		names = append([]string{providers.TokenCall}, names...)
	}
	return names
}

func (page *providerPage) addAnswers(ev *evidence) {
	for _, call := range calls(page.Provider) {
		success := "ok"
		if call == providers.TokenCall {
			success = "issued"
		}
		if f, ok := page.fixtures[page.Situation(call, success)]; ok {
			s := newSuccess(page.Provider, call, f)
			for _, scenario := range page.Scenarios {
				s.addChecks(page.Provider, scenario)
			}
			page.Successes = append(page.Successes, s)
		}
		rows, unknown := errorRows(page.Provider, page.fixtures, call)
		for _, row := range rows {
			for _, scenario := range page.Scenarios {
				if scenario.Meets == row.Name() {
					row.Scenarios = append(row.Scenarios, scenario)
				}
			}
			row.Seen = ev.seen(page.Provider, call, row.Status, row.Code)
		}
		page.Errors = append(page.Errors, rows...)
		for _, name := range unknown {
			page.Missing = append(page.Missing, call+"/"+name)
		}
	}
}

func (page *providerPage) addHistory(ev *evidence) {
	if !ev.given {
		return
	}
	page.History = ev.statuses(page.ID)
	page.History = page.History[max(0, len(page.History)-maxRuns):]
	page.Strip = strip(page.History)
}

// Latest is the history, the latest first.
func (page *providerPage) Latest() []*Status {
	latest := slices.Clone(page.History)
	slices.Reverse(latest)
	return latest
}

// maxRuns is how many runs the strip shows.
const maxRuns = 30

func (page *providerPage) addLimits() {
	p := page.Provider
	if p.HasToken() {
		page.Limits = append(page.Limits, Limit{"An access token lives", page.Lives.Long()}, Limit{"It is", tokenForm(p)})
		page.Limits = append(page.Limits, Limit{"Refresh token", refresh(p, page.fixtures["token/issued"])})
	}
	for _, call := range calls(p) {
		if l, ok := p.Limits[call]; ok {
			name := "Calls of " + call
			if call == providers.TokenCall {
				name = "Token requests"
			}
			page.Limits = append(page.Limits, Limit{name, fmt.Sprintf("%d per %s", l.Requests, span(time.Duration(l.Per)))})
		}
	}
	if len(p.Limits) == 0 {
		page.Limits = append(page.Limits, Limit{"Rate limits", "none that is known"})
	}
	for _, name := range scopeNames(p) {
		page.Scopes = append(page.Scopes, Scope{name, p.Auth.Scopes.Known[name], slices.Contains(p.Auth.Scopes.Default, name)})
	}
}

func refresh(p *providers.Provider, issued *simulator.Fixture) string {
	path := p.Auth.Response.RefreshToken
	switch {
	case path == "" || issued == nil:
		return "none: request another access token"
	case gjson.GetBytes(issued.Body, path).Type == gjson.Null:
		return "none, " + path + " is null: request another access token"
	}
	return "in " + path
}

// Environment returns the addresses by environment, the default one first.
func (page *providerPage) Environment() []Limit {
	hosts := []Limit{{"default", page.BaseURL}}
	for _, name := range page.EnvironmentNames() {
		if base := page.Environments[name].BaseURL; base != "" && base != page.BaseURL {
			hosts = append(hosts, Limit{name, base})
		} else if base == page.BaseURL {
			hosts[0].Name = name
		}
	}
	return hosts
}

// Host is the host that credentials are sent to first.
func (page *providerPage) Host() string {
	u, err := url.Parse(page.Auth.Token.URL(page.BaseURL, false))
	if err != nil {
		return page.BaseURL
	}
	return u.Host
}

// Failing returns the scenarios that did not pass, those worth a look.
func (page *providerPage) Failing() []*Scenario {
	var failing []*Scenario
	for _, s := range page.Scenarios {
		if s.Outcome != nil && s.Outcome.Verdict.Failed() {
			failing = append(failing, s)
		}
	}
	return failing
}
