// Package steps is the vocabulary of authspec features: the sentences that
// scenarios are made of, for godog.
//
// A program registers them in its own suite:
//
//	vocabulary := steps.New(steps.Options{Providers: catalogue, Fixtures: fixtures.Files})
//	godog.TestSuite{ScenarioInitializer: vocabulary.Register}
//
// Without Options.Live every scenario talks to a simulated provider of its
// own, in process.
package steps

import (
	"context"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/cucumber/godog"

	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// Options say what the sentences speak of.
type Options struct {
	// Providers are those that scenarios may name.
	Providers *providers.Catalogue
	// Fixtures holds PROVIDER/CALL/SITUATION.http files.
	Fixtures fs.FS
	// Provider is the one that sentences without a name mean; empty: the one
	// that the feature file is named after.
	Provider string
	// Live sends requests to the real providers; nil: to simulated ones.
	Live *Live
	// Environment is the provider's environment to speak to; empty: base_url.
	Environment string
	// Wrap, if set, is put around whatever carries the requests.
	Wrap func(http.RoundTripper) http.RoundTripper
	// Timeout bounds each exchange; 0: providers.DefaultTimeout.
	Timeout time.Duration
	// UserAgent is sent with each request.
	UserAgent string
	// Secret is told every secret before it can be seen anywhere: credentials
	// as they are read, by the name of their variable, and tokens as they are
	// issued. Redact erases them again from what a step reports. Nil: both
	// are taken care of.
	Secret func(name, value string)
	Redact func(string) string
	// Texts are those of all steps that will be run, where they are known. A
	// sentence that none of them is need not be compared with each of them.
	// Nil: any text may come.
	Texts []string
}

// A Vocabulary is the sentences with their options. It is safe for concurrent
// scenarios.
type Vocabulary struct {
	opts    Options
	defined []*Sentence            // those that a step can be
	spoken  map[string][]*Sentence // what each of the texts is

	mu         sync.Mutex
	simulators map[string]*simulator.Simulator // prototypes by provider
}

// New returns the vocabulary with its options.
func New(opts Options) *Vocabulary {
	if opts.Secret == nil || opts.Redact == nil {
		r := redact.New()
		opts.Secret, opts.Redact = func(name, value string) { r.Add(name, value) }, r.String
	}
	v := &Vocabulary{opts: opts, simulators: map[string]*simulator.Simulator{}, spoken: map[string][]*Sentence{}}
	used := map[*Sentence]bool{}
	for _, text := range opts.Texts {
		if _, known := v.spoken[text]; !known {
			v.spoken[text] = allMatching(text)
		}
		for _, s := range v.spoken[text] {
			used[s] = true
		}
	}
	for i := range sentences {
		if s := &sentences[i]; opts.Texts == nil || used[s] {
			v.defined = append(v.defined, s)
		}
	}
	return v
}

// sentencesOf returns the sentences that text is: one, in a spec that is right.
func (v *Vocabulary) sentencesOf(text string) []*Sentence {
	if found, known := v.spoken[text]; known {
		return found
	}
	return allMatching(text)
}

// Register defines every sentence in a godog suite; it is a godog scenario
// initializer.
func (v *Vocabulary) Register(sc *godog.ScenarioContext) {
	sc.Before(func(ctx context.Context, pickle *godog.Scenario) (context.Context, error) {
		return context.WithValue(ctx, scenarioKey{}, newScenario(v, pickle)), nil
	})
	sc.After(func(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
		if s := scenarioFrom(ctx); s != nil {
			s.close()
		}
		return ctx, nil
	})
	// godog passes over a table that no sentence reads, and takes a missing one
	// for a defect of the program.
	sc.StepContext().Before(func(ctx context.Context, step *godog.Step) (context.Context, error) {
		return ctx, v.belowSentence(step)
	})
	for _, s := range v.defined {
		s.register(sc)
	}
}

// Exchanges returns what the scenario of ctx has sent and received so far.
func Exchanges(ctx context.Context) []*providers.Response {
	s := scenarioFrom(ctx)
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exchanges
}

// ProviderOf returns the provider that the scenario of ctx speaks of, or nil.
func ProviderOf(ctx context.Context) *providers.Provider {
	if s := scenarioFrom(ctx); s != nil {
		return s.provider
	}
	return nil
}

// simulatorOf returns the prototype of a provider's simulator; its fixtures
// are read once.
func (v *Vocabulary) simulatorOf(p *providers.Provider) (*simulator.Simulator, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s, ok := v.simulators[p.ID]; ok {
		return s, nil
	}
	s, err := simulator.New(p, v.opts.Fixtures)
	if err != nil {
		return nil, err
	}
	v.simulators[p.ID] = s
	return s, nil
}
