package steps

import (
	"context"
	"fmt"
	"regexp"

	"github.com/cucumber/godog"
)

// A Sentence is one step definition.
type Sentence struct {
	Keyword string         // Given, When or Then
	Pattern *regexp.Regexp // anchored
	Form    string         // as people write it, with its alternatives
	Doc     string         // what it does
	Example string         // a line that matches, without its keyword
	Table   []string       // an example of its table, one row a line; nil: it has none

	// ownTokens marks sentences of scenarios that request or count tokens:
	// those start without any.
	ownTokens bool
	provider  int // the group of the pattern that names the provider; 0: none
	run       any // a method of scenario: one string for each group, then the table
}

// sentences is the whole vocabulary: state (Given), the one request (When) and
// what can be observed (Then), each sorted by what it speaks of.
var sentences = []Sentence{
	{
		Keyword: "Given", Pattern: regexp.MustCompile(`^valid (?:(.+) )?credentials$`),
		Form: `valid [PROVIDER] credentials`,
		Doc:  "The provider's credentials: made-up ones on a simulator, those of the environment live.",
		run:  (*scenario).validCredentials, Example: `valid Antsomi credentials`,
		provider: 1,
	},
	{
		Keyword: "Given", Pattern: regexp.MustCompile(`^(?:(.+) )?credentials with (a wrong|an unknown|no) (.+)$`),
		Form: `[PROVIDER] credentials with a wrong|an unknown|no FIELD`,
		Doc:  "Valid credentials but for one field, named as in the provider file: client secret, client ID, api key. An unknown client ID comes with an unknown secret. Live these are refused attempts on an account: they need --intrusive.",
		run:  (*scenario).credentialsWith, Example: `Antsomi credentials with a wrong client secret`,
		provider: 1,
	},
	{
		Keyword: "Given", Pattern: regexp.MustCompile(`^no (?:(.+) )?credentials$`),
		Form: `no [PROVIDER] credentials`,
		Doc:  "Requests go out without any credential.",
		run:  (*scenario).noCredentials, Example: `no Antsomi credentials`,
		provider: 1,
	},
	{
		Keyword: "Given", Pattern: regexp.MustCompile(`^(a valid|an expired|a malformed|an unknown|no) (?:(.+) )?access token$`),
		Form: `a valid|an expired|a malformed|an unknown|no [PROVIDER] access token`,
		Doc:  "Calls carry this token, whatever becomes of it. An expired one was issued and its time is over: that needs the simulator's clock.",
		run:  (*scenario).accessToken, Example: `an expired Ankorstore access token`,
		provider: 2,
	},
	{
		Keyword: "Given", Pattern: regexp.MustCompile(`^an access token that has since expired$`),
		Form: `an access token that has since expired`,
		Doc:  "A token was requested with these credentials and its time is over: the next call has to request another.",
		run:  (*scenario).tokenSinceExpired, Example: `an access token that has since expired`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I request an access token$`),
		Form: `I request an access token`,
		Doc:  "The token request as the provider file describes it, with the provider's default scope.",
		run:  (*scenario).requestToken, Example: `I request an access token`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I request an access token for the scopes? (".+")$`),
		Form: `I request an access token for the scope(s) "A" and "B"`,
		Doc:  "The token request for these scopes, joined as the provider wants them.",
		run:  (*scenario).requestTokenForScopes, Example: `I request an access token for the scopes "item" and "event"`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I request an access token with grant type "([^"]*)"$`),
		Form: `I request an access token with grant type "GRANT"`,
		Doc:  "The token request with another grant type.",
		run:  (*scenario).requestTokenWithGrant, Example: `I request an access token with grant type "password"`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I request an access token with scope "([^"]*)"$`),
		Form: `I request an access token with scope "TEXT"`,
		Doc:  "The token request with the parameter scope exactly as written.",
		run:  (*scenario).requestTokenWithScope, Example: `I request an access token with scope "item,event"`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I request an access token without "([^"]+)"$`),
		Form: `I request an access token without "PARAMETER"`,
		Doc:  "The token request with one parameter left out.",
		run:  (*scenario).requestTokenWithout, Example: `I request an access token without "grant_type"`,
		ownTokens: true,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I call "([^"]+)"$`),
		Form: `I call "CALL"`,
		Doc:  "One call of the provider file, with its credential. Where that is an access token, one is requested first, unless one is held.",
		run:  (*scenario).call, Example: `I call "me"`,
	},
	{
		Keyword: "When", Pattern: regexp.MustCompile(`^I call "([^"]+)" ([2-9]) times$`),
		Form: `I call "CALL" N times`,
		Doc:  "The same call 2 to 9 times, one after the other; the first answer that is no success ends it. What follows looks at the last answer.",
		run:  (*scenario).callTimes, Example: `I call "me" 2 times`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^an access token is issued$`),
		Form: `an access token is issued`,
		Doc:  "The response is a success and has a token where the provider file says, and an expiry that can be read and lies in the future.",
		run:  (*scenario).tokenIssued, Example: `an access token is issued`,
		ownTokens: true,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^no access token is issued$`),
		Form: `no access token is issued`,
		Doc:  "The response has no token, neither where the provider file says nor at access_token.",
		run:  (*scenario).noTokenIssued, Example: `no access token is issued`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the access token is (.+)$`),
		Form: `the access token is EXPECTATION`,
		Doc:  "What the issued token looks like.",
		run:  (*scenario).tokenIs, Example: `the access token is a JWT`,
		ownTokens: true,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the access token lives for (?:(at least|at most) )?(\d{1,6}) (second|minute|hour|day)s?$`),
		Form: `the access token lives for [at least|at most] N seconds|minutes|hours|days`,
		Doc:  "How long the issued token lives, by the expiry the response gives, with ten seconds for the way. In a JWT, the claim exp has to agree.",
		run:  (*scenario).tokenLives, Example: `the access token lives for 1 hour`,
		ownTokens: true,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^(\d{1,4}) access tokens? (?:was|were) requested$`),
		Form: `N access token(s) was|were requested`,
		Doc:  "How many token requests the scenario has sent.",
		run:  (*scenario).tokensRequested, Example: `1 access token was requested`,
		ownTokens: true,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the challenge is "([^"]+)"$`),
		Form: `the challenge is "SCHEME"`,
		Doc:  "The authentication scheme that WWW-Authenticate asks for (RFC 7235 4.1), in any case.",
		run:  (*scenario).challenge, Example: `the challenge is "Basic"`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the error is "([^"]+)"$`),
		Form: `the error is "CODE"`,
		Doc:  "The error code, where the provider file says it stands.",
		run:  (*scenario).errorIs, Example: `the error is "invalid_scope"`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the granted scopes? (?:is|are) (".+")$`),
		Form: `the granted scope(s) is|are "A" and "B"`,
		Doc:  "Exactly these scopes were granted, in any order.",
		run:  (*scenario).grantedScopes, Example: `the granted scopes are "item" and "event"`,
		ownTokens: true,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the request carried:$`),
		Form: `the request carried:`,
		Doc:  "What the last request had, by method, path, header NAME, form NAME, json NAME or query NAME. \"its client_id\" is that credential, \"its Basic credentials\" ID and secret as they are (RFC 7617), \"its form-encoded Basic credentials\" both form-encoded first (RFC 6749 2.3.1), \"its access token\" the token.",
		run:  (*scenario).requestCarried, Example: `the request carried:`,
		Table: []string{`| header Accept  | "application/json" |`, `| form client_id | its client_id      |`},
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the response body has:$`),
		Form: `the response body has:`,
		Doc:  "Each gjson path of the JSON body is as expected; every row that misses is reported.",
		run:  (*scenario).bodyHas, Example: `the response body has:`,
		Table: []string{`| accessToken | a non-empty string |`, `| scope       | "item,event"       |`},
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the response body matches the schema "([a-z0-9][a-z0-9_-]*)"$`),
		Form: `the response body matches the schema "NAME"`,
		Doc:  "The JSON body is as fixtures/PROVIDER/NAME.schema.json says (JSON Schema, draft 2020-12; formats count); every violation is reported.",
		run:  (*scenario).bodyMatches, Example: `the response body matches the schema "token"`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the response header "([^"]+)" is (.+)$`),
		Form: `the response header "NAME" is EXPECTATION`,
		Doc:  "The value of a response header; a content type is compared without its parameters, unless they are given.",
		run:  (*scenario).headerIs, Example: `the response header "Content-Type" is "application/json"`,
	},
	{
		Keyword: "Then", Pattern: regexp.MustCompile(`^the response status is (\d{3})$`),
		Form: `the response status is CODE`,
		Doc:  "The HTTP status of the last response.",
		run:  (*scenario).statusIs, Example: `the response status is 200`,
	},
}

// Sentences returns the vocabulary in the order it is documented.
func Sentences() []Sentence { return append([]Sentence(nil), sentences...) }

// register defines the sentence under its keyword.
func (st *Sentence) register(sc *godog.ScenarioContext) {
	switch st.Keyword {
	case "Given":
		sc.Given(st.Pattern, st.handler())
	case "When":
		sc.When(st.Pattern, st.handler())
	default:
		sc.Then(st.Pattern, st.handler())
	}
}

func (st *Sentence) handler() any {
	switch run := st.run.(type) {
	case func(*scenario, context.Context) error:
		return func(ctx context.Context) error { return run(scenarioFrom(ctx), ctx) }
	case func(*scenario, context.Context, string) error:
		return func(ctx context.Context, a string) error { return run(scenarioFrom(ctx), ctx, a) }
	case func(*scenario, context.Context, string, string) error:
		return func(ctx context.Context, a, b string) error { return run(scenarioFrom(ctx), ctx, a, b) }
	case func(*scenario, context.Context, string, string, string) error:
		return func(ctx context.Context, a, b, c string) error { return run(scenarioFrom(ctx), ctx, a, b, c) }
	case func(*scenario, context.Context, *godog.Table) error:
		return func(ctx context.Context, t *godog.Table) error { return run(scenarioFrom(ctx), ctx, t) }
	default:
		panic(fmt.Sprintf("sentence %q has a function of type %T", st.Form, st.run))
	}
}
