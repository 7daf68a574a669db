package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cucumber/godog"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A scenario is the state of one running scenario: who is spoken to, with
// which credential, and what came back.
type scenario struct {
	vocabulary *Vocabulary
	fallback   string // the provider that sentences without a name mean
	provider   *providers.Provider
	client     *providers.Client
	creds      providers.Credentials
	// judge knows the valid credentials and what each request should meet: on
	// simulators it is the simulator itself, live it watches.
	judge *simulator.Simulator
	gate  *gate // live: of the credential in use

	// ownTokens: the scenario requests or counts tokens.
	ownTokens bool
	// bearer, when pinned, is the token that calls carry.
	pinned bool
	bearer string

	last      *providers.Response
	token     providers.Token // the one last issued to this scenario
	tokenRead time.Time       // when that was, by the scenario's clock

	mu            sync.Mutex // Observe may be called from a fetch shared with others
	exchanges     []*providers.Response
	tokenRequests int
}

type scenarioKey struct{}

func scenarioFrom(ctx context.Context) *scenario {
	s, _ := ctx.Value(scenarioKey{}).(*scenario)
	return s
}

func newScenario(v *Vocabulary, pickle *godog.Scenario) *scenario {
	s := &scenario{vocabulary: v, fallback: v.opts.Provider}
	if s.fallback == "" {
		s.fallback = providerOfFile(v.opts.Providers, pickle.Uri)
	}
	s.ownTokens = slices.ContainsFunc(pickle.Steps, func(step *godog.Step) bool {
		return slices.ContainsFunc(v.sentencesOf(step.Text), func(st *Sentence) bool { return st.ownTokens })
	})
	return s
}

// providerOfFile returns the provider that a feature file is named after, or
// else the nearest folder it stands in.
func providerOfFile(catalogue *providers.Catalogue, uri string) string {
	name := strings.TrimSuffix(uri, ".feature")
	for at := name; at != "." && at != "/"; at = path.Dir(at) {
		if p, err := catalogue.Lookup(path.Base(at)); err == nil {
			return p.ID
		}
	}
	return path.Base(name)
}

// SpeaksOf returns the provider that a scenario of the file uri speaks of: the
// one that the first of its steps about credentials names, or else the one that
// the file is named after. It is nil if there is none.
func SpeaksOf(catalogue *providers.Catalogue, uri string, texts []string) *providers.Provider {
	name := ""
	for _, text := range texts {
		if named, about := providerIn(text); about {
			name = named
			break
		}
	}
	if name == "" {
		name = providerOfFile(catalogue, uri)
	}
	p, err := catalogue.Lookup(name)
	if err != nil {
		return nil
	}
	return p
}

// providerIn reports whether a sentence is about a provider, and which it
// names, if any.
func providerIn(text string) (name string, about bool) {
	for i := range sentences {
		if s := &sentences[i]; s.provider > 0 {
			if groups := s.Pattern.FindStringSubmatch(text); groups != nil {
				return groups[s.provider], true
			}
		}
	}
	return "", false
}

func (s *scenario) close() {
	if s.gate != nil {
		s.gate.leave()
	}
}

// use takes the provider that a sentence names, "" being the one meant before
// or by the runner, and opens the way to it.
func (s *scenario) use(name string) error {
	opts := &s.vocabulary.opts
	switch {
	case name == "" && s.provider != nil:
		return nil
	case name == "":
		name = s.fallback
		if _, err := opts.Providers.Lookup(name); err != nil {
			return invalid(check.UnknownProvider, "this sentence names no provider, and its file is not named after one", "Write for example: Given valid "+s.exampleName()+" credentials.")
		}
	}
	p, err := opts.Providers.Lookup(name)
	if err != nil {
		return invalid(check.UnknownProvider, err.Error(), "Name a provider that has a file in providers/, or add one: authspec new NAME --scheme SCHEME.")
	}
	if s.provider != nil && s.provider != p {
		return invalid(check.BadStep, fmt.Sprintf("%s: this scenario already speaks of %s", p.ID, s.provider.ID), "A scenario speaks of one provider: make it two scenarios.")
	}
	if s.provider == p {
		return nil
	}
	prototype, err := s.vocabulary.simulatorOf(p)
	if err != nil {
		return invalid(check.MissingFixture, err.Error(), "Correct the fixture; authspec lint checks them all.")
	}
	s.provider = p
	s.client = &providers.Client{Provider: p, Timeout: opts.Timeout, UserAgent: opts.UserAgent, Environment: opts.Environment, Observe: s.observe}
	if opts.Live == nil {
		s.judge = prototype.Fresh(nil)
		s.client.Transport = s.judge.Transport()
		s.client.Now = s.judge.Now
		s.client.Tokens = new(providers.Tokens)
	} else {
		// Without credentials nothing is sent at all, not even what needs
		// none: a provider that nobody set up is left alone.
		creds, err := opts.Live.Credentials(p)
		if err != nil {
			return skip(check.NoCredential, err.Error())
		}
		if err := erasable(p, creds); err != nil {
			return err
		}
		s.judge = prototype.Fresh(creds)
		s.client.Transport = opts.Live.Transport
		s.client.BaseURL = opts.Live.BaseURLs[p.ID]
		s.client.Tokens = opts.Live.tokens(s.ownTokens)
	}
	s.keepSecret(s.judge.Credentials())
	if opts.Wrap != nil {
		s.client.Transport = opts.Wrap(s.client.Transport)
	}
	return nil
}

// erasable refuses secrets that are too short to be erased from outputs. What
// only names an account is no secret.
func erasable(p *providers.Provider, creds providers.Credentials) error {
	for _, field := range p.CredentialFields() {
		value, set := creds[field]
		if set && field != "username" && !p.InHost(field) && !strings.HasSuffix(field, "_id") && len(strings.TrimSpace(value)) < redact.MinLength {
			return invalid(check.BadSecret,
				fmt.Sprintf("%s: %s has less than %d characters: a secret so short cannot be erased from what is printed", p.ID, p.Credentials[field], redact.MinLength),
				"Set the whole secret. Nothing was sent.")
		}
	}
	return nil
}

func (s *scenario) exampleName() string {
	for _, p := range s.vocabulary.opts.Providers.All() {
		return p.Name
	}
	return "Antsomi"
}

// live reports whether requests go to a real provider.
func (s *scenario) live() bool { return s.vocabulary.opts.Live != nil }

func (s *scenario) keepSecret(creds providers.Credentials) {
	for field, value := range creds {
		s.vocabulary.opts.Secret(s.provider.Credentials[field], value)
	}
}

// observe notes every exchange, before anyone can look at it.
func (s *scenario) observe(resp *providers.Response, err error) {
	if s.live() {
		s.listen(err)
	}
	if resp.Call == providers.TokenCall {
		for _, token := range tokensIn(resp) {
			s.vocabulary.opts.Secret("ACCESS_TOKEN", token)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges = append(s.exchanges, resp)
	if resp.Call == providers.TokenCall {
		s.tokenRequests++
	}
}

// listen tells the breaker whether an answer came. What was not sent, or was
// broken off here, says nothing.
func (s *scenario) listen(err error) {
	var cause *check.Failure
	if err != nil && !errors.As(s.networkFailure(err), &cause) {
		return
	}
	switch {
	case cause == nil || cause.Cause == check.ResponseTooLarge:
		cause = nil
	case cause.Verdict != check.Inconclusive:
		return
	}
	s.vocabulary.opts.Live.breakerOf(s.provider).heard(cause)
}

// tokensIn returns whatever in a token response could be a token: not only
// what stands where it should, for a provider may have renamed it.
func tokensIn(resp *providers.Response) []string {
	body, err := resp.JSON()
	if err != nil {
		return nil
	}
	const shortest = 16
	var tokens []string
	var walk func(key string, v gjson.Result)
	walk = func(key string, v gjson.Result) {
		switch {
		case v.IsObject() || v.IsArray():
			v.ForEach(func(k, v gjson.Result) bool { walk(k.Str, v); return true })
		case v.Type != gjson.String || len(v.Str) < shortest || strings.ContainsAny(v.Str, " \n"):
		case strings.Contains(v.Str, "://"), looksLikeTime(v.Str), strings.Contains(strings.ToLower(key), "scope"):
		case resp.Status < 200 || resp.Status > 299:
			if strings.Contains(strings.ToLower(key), "token") {
				tokens = append(tokens, v.Str)
			}
		default:
			tokens = append(tokens, v.Str)
		}
	}
	walk("", body)
	return tokens
}

// sent ends every When: it keeps the response and looks whether it says
// anything at all.
func (s *scenario) sent(resp *providers.Response, err error) error {
	var unknown *providers.UnknownCallError
	switch {
	case errors.As(err, &unknown):
		return invalid(check.UnknownCall, err.Error(), "Correct the name, or add the call to the provider file.")
	case err != nil:
		return s.networkFailure(err)
	}
	s.last = resp
	if resp.Status == http.StatusNotImplemented {
		if situation := resp.Header.Get(simulator.UndocumentedHeader); situation != "" && s.fromSimulator(resp, situation) {
			return s.undocumented(situation)
		}
	}
	if resp.Call == providers.TokenCall {
		if token, _ := s.client.ReadToken(resp); token.Value != "" {
			s.token, s.tokenRead = token, s.now()
			s.learn(token)
		}
	}
	if s.gate == nil {
		return nil
	}
	says := s.opinion(resp)
	s.gate.report(says)
	if live := s.vocabulary.opts.Live; live.Answered != nil {
		live.Answered(Answer{Response: resp, Situation: s.situation(resp), Says: says, Known: s.knownRefusal(resp)})
	}
	if says == Refused {
		// Not left to a Then: a scenario about the request looks at no answer,
		// would pass, and with all others skipped the run would be green.
		return s.miss(check.Status, resp.Call+": the credential was refused",
			check.Miss{Row: -1, Subject: "credential", Expected: "an accepted credential", Actual: strings.TrimSpace(fmt.Sprintf("%d %s", resp.Status, s.provider.ErrorCode(resp)))})
	}
	return nil
}

// learn tells a watching judge of a token that the real provider issued.
func (s *scenario) learn(token providers.Token) {
	if s.live() {
		scopes := s.provider.SplitScopes(token.Scope)
		if len(scopes) == 0 {
			scopes = s.provider.Auth.Scopes.Default
		}
		s.judge.Accept(token.Value, scopes, token.Expires)
	}
}

// fromSimulator reports whether to believe a response that it comes from a
// simulator: live only where the user sent the requests elsewhere, to one
// that authspec mock serves, and if the judge finds the same situation.
func (s *scenario) fromSimulator(resp *providers.Response, situation string) bool {
	return !s.live() || s.client.BaseURL != "" && s.situation(resp) == situation
}

func (s *scenario) undocumented(situation string) error {
	if s.provider.IsUndocumented(situation) {
		return skip(check.Undocumented, fmt.Sprintf("%s does not document %s", s.provider.Name, situation))
	}
	if !s.provider.HasSituation(situation) {
		message := "the simulated provider has no such endpoint"
		if says := gjson.GetBytes(s.last.Body, "message").Str; says != "" {
			message = s.vocabulary.opts.Redact(says)
		}
		return invalid(check.UnknownCall, s.provider.ID+": "+message, "Check the endpoints and headers of the provider file.")
	}
	return invalid(check.MissingFixture,
		fmt.Sprintf("%s: no fixture for %s", s.provider.ID, situation),
		fmt.Sprintf("Add fixtures/%s/%s.http, or list %s under undocumented: in providers/%s.yaml.", s.provider.ID, situation, situation, s.provider.ID))
}

// response returns the last response, for a Then.
func (s *scenario) response() (*providers.Response, error) {
	if s.last == nil {
		return nil, invalid(check.BadStep, "no request was sent before this line", "Add a When: I request an access token, or I call \"NAME\".")
	}
	return s.last, nil
}
