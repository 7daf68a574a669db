package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A job is one credential to check.
type job struct {
	credential *credentials.Credential
	provider   *providers.Provider
	place      string // key
	group      *group
	values     providers.Credentials // nil: not fetched yet
	warnings   []string

	reservation *reservation
	carrier     *carrier // nil: not begun yet
	attempts    int
	ran         []Ran
	met         []Met
	began       time.Time
	took        time.Duration
}

// A group is the credentials that run the same scenarios: they are planned and
// rehearsed once.
type group struct {
	plan    *runner.Plan
	needs   map[string]int // requests that one examination sends, by call
	problem *check.Failure // why none can be examined
}

// prepare sorts the credentials into places, and ends those that cannot be
// tried.
func (c *checker) prepare(ctx context.Context) []*place {
	c.groups = map[string]*group{}
	byKey := map[string]*place{}
	var places []*place
	for _, cred := range c.opts.Credentials {
		if ctx.Err() != nil {
			return nil
		}
		p, err := c.opts.Workspace.Providers.Lookup(cred.Provider)
		j := &job{credential: cred, provider: p}
		if err != nil {
			c.settle(j, finding{verdict: check.Invalid, cause: check.UnknownProvider, rule: BySpec, message: err.Error(), advice: "Name a provider that has a file in providers/.", who: TheOperator})
			continue
		}
		at, isNew := c.placeOf(byKey, cred, p)
		if isNew {
			places = append(places, at)
		}
		at.total++
		j.place = at.key
		j.group = c.groupOf(ctx, cred, p)
		if f := j.group.problem; f != nil {
			at.end(j, finding{verdict: f.Verdict, cause: f.Cause, rule: BySpec, message: f.Message, advice: f.Advice, who: TheOperator})
			continue
		}
		if cheap(cred) && !c.fetch(ctx, at, j) {
			continue
		}
		at.queue = append(at.queue, j)
	}
	for _, at := range places {
		at.prepare()
	}
	return places
}

// cheap reports whether all values of a credential are at hand. Those of
// others are fetched when its turn comes: a command may take its time.
func cheap(cred *credentials.Credential) bool {
	for _, r := range cred.Values {
		if r.Source != credentials.Env && r.Source != credentials.FromFile {
			return false
		}
	}
	return true
}

// fetch gets the values of a credential, or ends it.
func (c *checker) fetch(ctx context.Context, at *place, j *job) bool {
	values, warnings, err := c.opts.Values(ctx, j.credential)
	j.warnings = warnings
	var failure *check.Failure
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &failure):
		at.end(j, finding{verdict: failure.Verdict, cause: failure.Cause, rule: ByValues, message: failure.Message, advice: failure.Advice, who: TheOperator})
		return false
	case err != nil:
		at.end(j, finding{verdict: check.Invalid, cause: check.NoCredential, rule: ByValues, message: err.Error(), who: TheOperator})
		return false
	}
	j.values = values
	for field, value := range values {
		if !credentials.Identifies(field) {
			c.opts.Redactor.Add(j.provider.Credentials[field], value)
		}
	}
	return true
}

// placeOf returns the place of a credential.
func (c *checker) placeOf(byKey map[string]*place, cred *credentials.Credential, p *providers.Provider) (at *place, isNew bool) {
	base := cred.BaseURL
	if base == "" && cred.Environment == "" {
		base = c.opts.BaseURLs[p.ID]
	}
	key := strings.TrimSpace(p.ID + " " + cred.Environment + base)
	if at, ok := byKey[key]; ok {
		return at, false
	}
	byKey[key] = newPlace(c, cred, p, key, base)
	return byKey[key], true
}

// groupOf plans and rehearses what a credential runs.
func (c *checker) groupOf(ctx context.Context, cred *credentials.Credential, p *providers.Provider) *group {
	key := strings.Join([]string{p.ID, cred.Environment, cred.Selected(), strings.Join(cred.Scopes, "\x00")}, "\x01")
	if g, ok := c.groups[key]; ok {
		return g
	}
	g := &group{}
	c.groups[key] = g
	plan, err := c.planOf(cred, p)
	switch {
	case err != nil:
		g.problem = &check.Failure{Verdict: check.Invalid, Cause: check.NoScenario, Message: err.Error(), Advice: "Correct the features of " + p.Name + ", or scenarios: in the credentials file."}
		return g
	case len(plan.Scenarios) == 0:
		g.problem = &check.Failure{Verdict: check.Invalid, Cause: check.NoScenario,
			Message: fmt.Sprintf("%s: no scenario matches %s", p.ID, cred.Selected()),
			Advice:  fmt.Sprintf("Tag a scenario of features/%s.feature with @health, or choose others by scenarios: in the credentials file.", p.ID)}
		return g
	}
	g.plan = plan
	g.rehearse(ctx, c, cred, p)
	return g
}

// planOf chooses the scenarios. Where scopes are required they are the default
// ones, and asked for first of all.
func (c *checker) planOf(cred *credentials.Credential, p *providers.Provider) (*runner.Plan, error) {
	w := *c.opts.Workspace
	if len(cred.Scopes) > 0 {
		w.Providers = w.Providers.With(p.Requiring(cred.Scopes))
	}
	plan, err := runner.NewPlan(&w, runner.Selection{Args: []string{p.ID}, Tags: cred.Selected()})
	if err == nil && len(cred.Scopes) > 0 {
		err = plan.Prepend("features/"+p.ID+"/"+scopesFeature, requiredScopes(p, cred.Scopes))
	}
	return plan, err
}

// scopesFeature is the feature that asks for the required scopes. It is in no
// file: the credentials file says what stands in it.
const scopesFeature = "required-scopes.feature"

func requiredScopes(p *providers.Provider, scopes []string) []byte {
	list := `"` + strings.Join(scopes, `" and "`) + `"`
	return fmt.Appendf(nil, `Feature: Required scopes

  Scenario: The required scopes are granted
    Given valid %s credentials
    When I request an access token for the scopes %s
    Then an access token is issued
`, p.Name, list)
}

// rehearse examines a made-up credential on the simulated provider: what is
// sent there is what the real one will get. What is wrong with the scenarios
// themselves shows before anything is sent.
func (g *group) rehearse(ctx context.Context, c *checker, cred *credentials.Credential, p *providers.Provider) {
	if own, err := g.plan.Workspace.Providers.Lookup(p.ID); err == nil {
		p = own
	}
	sim, err := simulator.New(p, c.opts.Workspace.Fixtures)
	if err != nil {
		g.problem = &check.Failure{Verdict: check.Invalid, Cause: check.MissingFixture, Message: err.Error(), Advice: "Correct the fixture; authspec lint checks them all."}
		return
	}
	rehearsed := &job{credential: cred, provider: p, group: g, values: simulator.TestCredentials(p)}
	rehearsed.carrier = newCarrier(sim.Transport(), p)
	ex := examine(ctx, rehearsed, examineOptions{version: c.opts.Version, environment: cred.Environment, timeout: c.opts.Timeout})
	g.needs = rehearsed.carrier.requests
	for i := range ex.results {
		if r := &ex.results[i]; r.Verdict == check.Invalid {
			g.problem = &check.Failure{Verdict: check.Invalid, Cause: r.Cause, Advice: r.Advice,
				Message: fmt.Sprintf("%s:%d: %s", r.URI, r.Line, r.Message)}
			return
		}
	}
}
