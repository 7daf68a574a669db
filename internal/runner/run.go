package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cucumber/godog"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/steps"
)

// Options say how a plan is run.
type Options struct {
	Version     string
	Live        *steps.Live // nil: on simulated providers
	Environment string      // of the providers; empty: their base_url
	Wrap        func(http.RoundTripper) http.RoundTripper
	Concurrency int // 0: 1
	FailFast    bool
	// FailuresOnly keeps the exchanges of scenarios that failed, for a run of
	// which nobody will see the others: to redact them is a third of its time.
	FailuresOnly bool
	Timeout      time.Duration
	Redactor     *redact.Redactor         // learns every secret; erases them from results
	Secret       func(name, value string) // told every secret too; nil: nobody else wants to know
	Began        func(*check.Result)      // called as each scenario begins, from its goroutine
	Done         func(*check.Result)      // called as each scenario ends, likewise
}

// Run runs the plan. When ctx ends, scenarios that have not finished are left
// out of the result, which then says that it was interrupted.
func Run(ctx context.Context, p *Plan, opts Options) *check.Run {
	r := &recorder{opts: opts, planned: map[string]*Scenario{}}
	run := &check.Run{Version: opts.Version, Mode: check.Simulated, Started: time.Now(), Selected: len(p.Scenarios)}
	if opts.Live != nil {
		run.Mode = check.Live
	}
	if opts.Redactor == nil {
		r.opts.Redactor = redact.New()
	}
	chosen := map[*Scenario]bool{}
	for _, s := range p.Scenarios {
		chosen[s] = true
		r.planned[s.ID()] = s
		if len(s.Steps) == 0 {
			// godog would not run it, and not say so.
			r.finish(&check.Result{
				Provider: s.Provider, Feature: s.Feature, Rule: s.Rule, Scenario: s.Name, URI: s.URI, Line: s.Line, Tags: s.Tags, Started: run.Started,
				Verdict: check.Invalid, Cause: check.NoSteps, Message: "the scenario has no steps", Advice: "Write its steps, or remove it.",
			})
		}
	}
	var texts []godog.Feature
	for _, f := range p.features {
		if text := f.text(chosen); text != nil {
			texts = append(texts, godog.Feature{Name: f.uri, Contents: text})
		}
	}
	if len(texts) > 0 {
		vocabulary := steps.New(steps.Options{
			Providers: p.Workspace.Providers, Fixtures: p.Workspace.Fixtures,
			Live: opts.Live, Environment: opts.Environment, Wrap: opts.Wrap, Timeout: opts.Timeout,
			UserAgent: "authspec/" + opts.Version + " (+https://github.com/authspec/authspec)",
			Secret:    r.keepSecret,
			Redact:    r.opts.Redactor.String,
			Texts:     p.texts(),
		})
		registerFormat()
		suite := godog.TestSuite{
			Name: "authspec",
			ScenarioInitializer: func(sc *godog.ScenarioContext) {
				r.register(ctx, sc)
				vocabulary.Register(sc)
			},
			Options: &godog.Options{
				Format: formatName, Output: io.Discard, NoColors: true, Strict: true,
				Concurrency: max(opts.Concurrency, 1), DefaultContext: ctx, FeatureContents: texts,
			},
		}
		suite.Run() // its status is not ours: see check.Run.ExitCode
	}
	run.Duration = time.Since(run.Started)
	run.Interrupted = ctx.Err() != nil
	run.Results = r.results
	sort.SliceStable(run.Results, func(i, j int) bool {
		a, b := &run.Results[i], &run.Results[j]
		if a.URI != b.URI {
			return a.URI < b.URI
		}
		return a.Line < b.Line
	})
	return run
}

// texts returns the text of every step of the plan.
func (p *Plan) texts() []string {
	texts := []string{}
	for _, s := range p.Scenarios {
		texts = append(texts, s.texts()...)
	}
	return texts
}

// formatName is a godog formatter that prints nothing. godog wants one, and
// keeps them in a registry of the process.
const formatName = "authspec"

var registerFormat = sync.OnceFunc(func() {
	godog.Format(formatName, "prints nothing", func(string, io.Writer) godog.Formatter {
		return godog.NewBaseFmt("", io.Discard)
	})
})

// A recorder turns what godog's hooks see into results.
type recorder struct {
	opts    Options
	planned map[string]*Scenario
	failed  atomic.Bool

	mu      sync.Mutex
	results []check.Result
}

func (r *recorder) keepSecret(name, value string) {
	r.opts.Redactor.Add(name, value)
	if r.opts.Secret != nil {
		r.opts.Secret(name, value)
	}
}

// A recording is one running scenario.
type recording struct {
	scenario *Scenario
	result   check.Result
	step     int
	at       time.Time
	dropped  bool // the run was interrupted before it ended
	failure  *check.Failure
}

type recordingKey struct{}

func (r *recorder) register(run context.Context, sc *godog.ScenarioContext) {
	sc.Before(func(ctx context.Context, pickle *godog.Scenario) (context.Context, error) {
		s := r.planned[fmt.Sprintf("%s:%d", pickle.Uri, pickle.Location.Line)]
		rec := &recording{scenario: s, at: time.Now()}
		rec.result = check.Result{Provider: s.Provider, Feature: s.Feature, Rule: s.Rule, Scenario: s.Name, URI: s.URI, Line: s.Line, Tags: s.Tags, Started: rec.at}
		ctx = context.WithValue(ctx, recordingKey{}, rec)
		switch {
		case run.Err() != nil:
			rec.dropped = true
			return ctx, fmt.Errorf("%w: interrupted", godog.ErrSkip)
		case r.opts.FailFast && r.failed.Load():
			rec.failure = &check.Failure{Verdict: check.Skipped, Cause: check.FailFast, Message: "an earlier scenario failed, and --fail-fast was given"}
			return ctx, fmt.Errorf("%w: fail fast", godog.ErrSkip)
		}
		if r.opts.Began != nil {
			r.opts.Began(&rec.result)
		}
		return ctx, nil
	})
	sc.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
		if rec, ok := ctx.Value(recordingKey{}).(*recording); ok {
			rec.stepEnded(status, err)
			if run.Err() != nil && err != nil {
				rec.dropped = true
			}
		}
		return ctx, nil
	})
	sc.After(func(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
		if rec, ok := ctx.Value(recordingKey{}).(*recording); ok && !rec.dropped {
			if p := steps.ProviderOf(ctx); p != nil {
				rec.result.Provider = p.ID
			}
			if !r.opts.FailuresOnly || rec.failure != nil && rec.failure.Verdict.Failed() {
				for _, resp := range steps.Exchanges(ctx) {
					rec.result.Exchanges = append(rec.result.Exchanges, r.exchange(resp))
				}
			}
			r.finish(rec.end())
		}
		return ctx, nil
	})
}

// stepEnded is called once for each step, in order, whatever became of it.
func (rec *recording) stepEnded(status godog.StepResultStatus, err error) {
	if rec.step >= len(rec.scenario.Steps) {
		return
	}
	now := time.Now()
	written := rec.scenario.Steps[rec.step]
	rec.step++
	step := check.Step{Keyword: written.Keyword, Text: written.Text, Line: written.Line, Column: written.Column, Duration: now.Sub(rec.at)}
	for i, line := range written.Rows {
		step.Rows = append(step.Rows, check.Row{Line: line, Cells: written.Cells[i]})
	}
	rec.at = now
	switch {
	case rec.failure != nil || rec.dropped:
		step.Status = check.StepNotChecked
	case err == nil && status == godog.StepPassed:
		step.Status = check.StepPassed
	default:
		step.Status, rec.failure = verdictOf(&rec.scenario.Steps[rec.step-1], err)
		step.Misses = rec.failure.Misses
	}
	rec.result.Steps = append(rec.result.Steps, step)
}

// verdictOf reads the error of a step: those of the vocabulary carry their
// verdict, those of godog mean that the spec is wrong, all others are ours.
func verdictOf(step *ScenarioStep, err error) (check.StepStatus, *check.Failure) {
	var failure *check.Failure
	switch {
	case errors.Is(err, godog.ErrSkip) && errors.As(err, &failure):
		return check.StepSkipped, failure
	case errors.As(err, &failure):
		return check.StepFailed, failure
	case errors.Is(err, godog.ErrUndefined):
		message, advice := steps.Undefined(keywordOf(step), step.Text)
		return check.StepUndefined, &check.Failure{Verdict: check.Invalid, Cause: check.UndefinedStep, Message: message, Advice: advice}
	case errors.Is(err, godog.ErrAmbiguous):
		return check.StepAmbiguous, &check.Failure{Verdict: check.Invalid, Cause: check.AmbiguousStep, Message: "several sentences match this line", Advice: "Say it in other words: authspec steps lists the sentences."}
	case errors.Is(err, godog.ErrPending):
		return check.StepUndefined, &check.Failure{Verdict: check.Invalid, Cause: check.UndefinedStep, Message: "the step is pending"}
	}
	message := "a step failed without a reason"
	if err != nil {
		message = err.Error()
	}
	return check.StepFailed, &check.Failure{Verdict: check.Invalid, Cause: check.InternalError, Message: message, Advice: "This is a defect of authspec: please report it with this output."}
}

func (rec *recording) end() *check.Result {
	res := &rec.result
	res.Duration = time.Since(res.Started)
	res.Verdict = check.Passed
	if f := rec.failure; f != nil {
		res.Verdict, res.Cause, res.Message, res.Advice = f.Verdict, f.Cause, f.Message, f.Advice
	}
	return res
}

func (r *recorder) finish(res *check.Result) {
	r.redact(res)
	if res.Verdict.Failed() {
		r.failed.Store(true)
	}
	r.mu.Lock()
	r.results = append(r.results, *res)
	r.mu.Unlock()
	if r.opts.Done != nil {
		r.opts.Done(res)
	}
}

// redact erases secrets from what steps reported; exchanges were redacted
// when they were taken over.
func (r *recorder) redact(res *check.Result) {
	erase := r.opts.Redactor.String
	res.Message, res.Advice = erase(res.Message), erase(res.Advice)
	for i := range res.Steps {
		for j := range res.Steps[i].Misses {
			m := &res.Steps[i].Misses[j]
			m.Actual = erase(m.Actual)
		}
	}
}

func keywordOf(step *ScenarioStep) string {
	switch step.Type {
	case "Context":
		return "Given"
	case "Action":
		return "When"
	case "Outcome":
		return "Then"
	}
	return step.Keyword
}
