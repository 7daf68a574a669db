package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
	"github.com/authspec/authspec/internal/web"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// evidence is what runs have shown.
type evidence struct {
	plan     map[string][]*runner.Scenario // by provider
	features map[string]*feature           // by URI
	// rehearsal is the result of each scenario, by ID, on simulated providers
	// that say which fixture answered.
	rehearsal map[string]*check.Result
	// own is the rehearsal as a whole, which stands in where no run says
	// anything.
	own    *indexedRun
	runs   []*indexedRun       // those that were given, the oldest first
	nights map[string][]*Night // by provider, the oldest first
	given  bool
}

// An indexedRun finds its results: a history of many runs of many providers is
// asked for one at a time.
type indexedRun struct {
	*check.Run
	byProvider map[string][]*check.Result
	byName     map[[2]string][]*check.Result // by file and name
}

func newIndexedRun(run *check.Run) *indexedRun {
	x := &indexedRun{run, map[string][]*check.Result{}, map[[2]string][]*check.Result{}}
	for i := range run.Results {
		r := &run.Results[i]
		name := [2]string{r.URI, r.Scenario}
		x.byProvider[r.Provider] = append(x.byProvider[r.Provider], r)
		x.byName[name] = append(x.byName[name], r)
	}
	return x
}

// situationHeader names in a rehearsal the fixture that answered.
const situationHeader = "Authspec-Situation"

func gather(ctx context.Context, w *runner.Workspace, opts *Options) (*evidence, error) {
	tagged := *w
	tagged.Fixtures = taggedFixtures{w.Fixtures}
	plan, err := runner.NewPlan(&tagged, runner.Selection{})
	if err != nil {
		return nil, err
	}
	run, err := rehearse(ctx, plan, opts)
	if err != nil {
		return nil, err
	}
	ev := &evidence{own: newIndexedRun(run), given: len(opts.Runs)+len(opts.Nights) > 0, nights: map[string][]*Night{}, plan: map[string][]*runner.Scenario{}, rehearsal: map[string]*check.Result{}, features: map[string]*feature{}}
	for i := range run.Results {
		r := &run.Results[i]
		ev.rehearsal[fmt.Sprintf("%s:%d", r.URI, r.Line)] = r
	}
	var problems []error
	for _, s := range plan.Scenarios {
		id := s.Provider
		if r := ev.rehearsal[s.ID()]; r != nil && r.Provider != "" {
			id = r.Provider
		}
		ev.plan[id] = append(ev.plan[id], s)
		if ev.features[s.URI] == nil {
			f, err := readFeature(w, s.URI)
			problems = append(problems, err)
			ev.features[s.URI] = f
		}
	}
	for _, r := range opts.Runs {
		ev.runs = append(ev.runs, newIndexedRun(redactedRun(r, opts.Redact)))
	}
	slices.SortStableFunc(ev.runs, func(a, b *indexedRun) int { return a.Started.Compare(b.Started) })
	for _, n := range opts.Nights {
		ev.nights[n.Provider] = append(ev.nights[n.Provider], n)
	}
	for _, list := range ev.nights {
		slices.SortStableFunc(list, func(a, b *Night) int { return a.At.Compare(b.At) })
	}
	return ev, errors.Join(problems...)
}

// batch is how many scenarios are rehearsed at once. A redactor searches for
// every token it has seen, so many small runs cost less than a large one.
const batch = 200

func rehearse(ctx context.Context, plan *runner.Plan, opts *Options) (*check.Run, error) {
	all := &check.Run{Version: opts.Version, Mode: check.Simulated, Started: opts.Now}
	for scenarios := range slices.Chunk(plan.Scenarios, batch) {
		part := *plan
		part.Scenarios = scenarios
		run := runner.Run(ctx, &part, runner.Options{Version: opts.Version, Concurrency: 2 * runtime.NumCPU()})
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		all.Results = append(all.Results, run.Results...)
		all.Duration += run.Duration
	}
	return all, nil
}

// redactedRun erases from results what their file may hold: it was written by
// someone else, somewhere else.
func redactedRun(run *check.Run, erase *redact.Redactor) *check.Run {
	if erase == nil {
		erase = redact.New()
	}
	out := *run
	out.Results = slices.Clone(run.Results)
	for i := range out.Results {
		r := &out.Results[i]
		r.Message, r.Advice = erase.String(r.Message), erase.String(r.Advice)
	}
	return &out
}

// taggedFixtures puts a header into each fixture that says which it is.
type taggedFixtures struct{ fs.FS }

func (t taggedFixtures) ReadFile(name string) ([]byte, error) {
	content, err := fs.ReadFile(t.FS, name)
	if err != nil {
		return nil, err
	}
	_, situation, _ := strings.Cut(strings.TrimSuffix(name, ".http"), "/")
	var out []byte
	tagged := false
	for line := range bytes.Lines(content) {
		out = append(out, line...)
		if !tagged && bytes.HasPrefix(line, []byte("HTTP/")) {
			out = fmt.Appendf(out, "%s: %s\n", situationHeader, situation)
			tagged = true
		}
	}
	return out, nil
}

// met is the situation that a scenario is about: the one of its last exchange.
// An undocumented one counts.
func met(r *check.Result) string {
	if r == nil || len(r.Exchanges) == 0 {
		return ""
	}
	header := r.Exchanges[len(r.Exchanges)-1].ResponseHeader
	if situation := header.Get(simulator.UndocumentedHeader); situation != "" {
		return situation
	}
	return header.Get(situationHeader)
}

// A Status is how a provider fared in one run, or in one check of credentials.
type Status struct {
	Verdict check.Verdict
	Mode    check.Mode
	At      time.Time
	By      map[check.Verdict]int // scenarios; none in a check of credentials
	Total   int
	Night   bool // a check of credentials
}

// How says in which way it was found out.
func (s *Status) How() string {
	if s.Night {
		return "nightly check"
	}
	return string(s.Mode)
}

// Found says what was found out.
func (s *Status) Found() string {
	if s.Night {
		return nightWords[s.Verdict]
	}
	return web.Counts(s.By)
}

// status returns how the provider fared in a run, or nil when the run has
// nothing of it.
func status(run *indexedRun, provider string) *Status {
	s := &Status{Mode: run.Mode, At: run.Started, By: map[check.Verdict]int{}}
	for _, r := range run.byProvider[provider] {
		s.By[r.Verdict]++
		s.Total++
	}
	if s.Total == 0 {
		return nil
	}
	for _, v := range check.Verdicts() {
		if s.By[v] > 0 && (v != check.Skipped || s.By[check.Passed] == 0) {
			s.Verdict = v
			break
		}
	}
	return s
}

// statuses returns how the provider fared in all runs and checks of
// credentials, the oldest first.
func (ev *evidence) statuses(provider string) []*Status {
	var list []*Status
	for _, run := range ev.runs {
		if s := status(run, provider); s != nil {
			list = append(list, s)
		}
	}
	for _, n := range ev.nights[provider] {
		list = append(list, &Status{Verdict: n.Verdict, Mode: check.Live, At: n.At, By: map[check.Verdict]int{}, Night: true})
	}
	slices.SortStableFunc(list, func(a, b *Status) int { return a.At.Compare(b.At) })
	return list
}

// tried reports whether anything was tried at all.
func tried(v check.Verdict) bool { return v != check.Skipped }

// last is the last status that counts: of a live run, or else of a simulated
// one, or of the rehearsal. Only a live run says something about the provider.
func (ev *evidence) last(provider string, counts func(check.Verdict) bool) *Status {
	var simulated *Status
	for _, s := range slices.Backward(ev.statuses(provider)) {
		switch {
		case !counts(s.Verdict):
		case s.Mode == check.Live:
			return s
		case simulated == nil:
			simulated = s
		}
	}
	if s := status(ev.own, provider); simulated == nil && s != nil && counts(s.Verdict) {
		return s
	}
	return simulated
}

// since is a simulated run that failed after the provider was verified live:
// the page may no longer be what the provider does.
func (ev *evidence) since(provider string, verified *Status) *Status {
	if verified == nil || verified.Mode != check.Live {
		return nil
	}
	all := ev.statuses(provider)
	if s := status(ev.own, provider); s != nil {
		all = append(all, s)
	}
	for _, s := range slices.Backward(all) {
		switch {
		case s.Mode == check.Live || s.At.Before(verified.At):
			return nil
		case s.Verdict.Failed():
			return s
		}
	}
	return nil
}

// outcome is what became of a scenario last: live if it was tried live.
type outcome struct {
	*check.Result
	Mode  check.Mode
	At    time.Time
	Night bool // found by a check of credentials
}

// How says in which way it was found out: "41 ms, live".
func (o *outcome) How() string {
	if o.Night {
		return "nightly check, " + web.Day(o.At)
	}
	return web.Took(o.Duration) + ", " + string(o.Mode)
}

func (ev *evidence) outcome(provider string, s *runner.Scenario) *outcome {
	night := ev.tonight(provider, s)
	if o := ev.ran(s); night == nil || o != nil && o.Mode == check.Live && o.At.After(night.At) {
		return o
	}
	return night
}

// ran is what became of a scenario in the runs.
func (ev *evidence) ran(s *runner.Scenario) *outcome {
	var simulated *outcome
	for _, run := range slices.Backward(ev.runs) {
		r := find(run, s)
		switch {
		case r == nil:
		case run.Mode == check.Live && r.Verdict != check.Skipped:
			return &outcome{Result: r, Mode: run.Mode, At: run.Started}
		case simulated == nil || simulated.Mode == check.Live:
			simulated = &outcome{Result: r, Mode: run.Mode, At: run.Started}
		}
	}
	if r := ev.rehearsal[s.ID()]; simulated == nil && r != nil {
		return &outcome{Result: r, Mode: check.Simulated, At: ev.own.Started}
	}
	return simulated
}

// find looks for a scenario by its file and name: lines move from one version
// of a feature to the next. Where names repeat, the line decides.
func find(run *indexedRun, s *runner.Scenario) *check.Result {
	named := run.byName[[2]string{s.URI, s.Name}]
	for _, r := range named {
		if r.Line == s.Line {
			return r
		}
	}
	if len(named) > 0 {
		return named[0]
	}
	return nil
}

// seen is when the real provider last gave an answer: status and error code to
// a call. Zero: no run has met it.
func (ev *evidence) seen(p *providers.Provider, call string, code int, name string) time.Time {
	var last time.Time
	is := func(x *check.Exchange) bool {
		return x.Call == call && x.Status == code && (name == "" || errorCode(p, x.ResponseBody) == name)
	}
	for _, n := range ev.nights[p.ID] {
		for _, m := range n.met {
			if m.Call == call && m.Status == code && (name == "" || m.Code == name) {
				last = n.At
			}
		}
	}
	for _, run := range ev.runs {
		if run.Mode != check.Live {
			continue
		}
		for _, r := range run.byProvider[p.ID] {
			for i := range r.Exchanges {
				if r.Started.After(last) && is(&r.Exchanges[i]) {
					last = r.Started
				}
			}
		}
	}
	return last
}

func errorCode(p *providers.Provider, body string) string {
	if p.Auth.Error == "" || !gjson.Valid(body) {
		return ""
	}
	if code := gjson.Get(body, p.Auth.Error); code.Type == gjson.String || code.Type == gjson.Number {
		return code.String()
	}
	return ""
}
