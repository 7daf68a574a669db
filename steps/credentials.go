package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
)

// What stands for a wrong value is harmless and says what it is.
const (
	wrongSecret   = "authspec-wrong-secret"
	unknownClient = "00000000-0000-4000-8000-000000000000"
	unknownToken  = "authspec.unknown.token"
	malformed     = "authspec{malformed}token" // no b64token of RFC 6750 2.1
)

func (s *scenario) validCredentials(_ context.Context, provider string) error {
	if err := s.use(provider); err != nil {
		return err
	}
	return s.useValid()
}

func (s *scenario) useValid() error {
	if live := s.vocabulary.opts.Live; live != nil && s.gate == nil {
		gate, err := live.breakerOf(s.provider).enter()
		if err != nil {
			return err
		}
		s.gate = gate
	}
	s.creds = s.judge.Credentials()
	return nil
}

func (s *scenario) credentialsWith(_ context.Context, provider, how, field string) error {
	if err := s.use(provider); err != nil {
		return err
	}
	name, err := s.credentialField(field)
	if err != nil {
		return err
	}
	if s.provider.InHost(name) && how != "an unknown" {
		return invalid(check.BadStep, fmt.Sprintf("%s: %s says which host requests go to: with another, they go to someone else", s.provider.ID, name),
			"Speak of a credential: "+strings.Join(s.secretFields(), ", ")+".")
	}
	if err := s.skipUnlessIntrusive(how + " " + field); err != nil {
		return err
	}
	creds := s.judge.Credentials()
	if live := s.vocabulary.opts.Live; live != nil && live.breakerOf(s.provider).isOpen() {
		return skip(check.BreakerOpen, breakerMessage)
	}
	switch how {
	case "no":
		creds = creds.With(name, "")
	case "a wrong":
		creds = creds.With(name, wrongSecret)
	default:
		for _, f := range s.secretFields() {
			creds = creds.With(f, wrongSecret)
		}
		creds = creds.With(name, unknownClient)
	}
	s.creds = creds
	return nil
}

func (s *scenario) noCredentials(_ context.Context, provider string) error {
	if err := s.use(provider); err != nil {
		return err
	}
	s.creds = s.address()
	return nil
}

// address is what every request needs of the credentials: the fields that
// stand in its URL.
func (s *scenario) address() providers.Credentials {
	creds := providers.Credentials{}
	valid := s.judge.Credentials()
	for _, field := range s.provider.AddressFields() {
		creds[field] = valid[field]
	}
	return creds
}

// secretFields are the other fields.
func (s *scenario) secretFields() []string {
	address := s.provider.AddressFields()
	return slices.DeleteFunc(s.provider.CredentialFields(), func(field string) bool { return slices.Contains(address, field) })
}

// credentialField finds the field that people call "client ID" or "secret".
func (s *scenario) credentialField(words string) (string, error) {
	fields := s.provider.CredentialFields()
	name := strings.ReplaceAll(strings.ToLower(words), " ", "_")
	for _, f := range fields {
		if f == name || strings.TrimPrefix(f, "client_") == name {
			return f, nil
		}
	}
	return "", invalid(check.UnknownCredential,
		fmt.Sprintf("%s: no credential field %q%s: there are %s", s.provider.ID, words, suggest.DidYouMean(name, fields), strings.Join(fields, ", ")),
		"Name a field of the provider file, with blanks for underscores.")
}

func (s *scenario) accessToken(ctx context.Context, state, provider string) error {
	if err := s.use(provider); err != nil {
		return err
	}
	if !s.provider.HasToken() {
		return invalid(check.BadStep, fmt.Sprintf("%s: scheme %s has no access tokens", s.provider.ID, s.provider.Auth.Scheme), "Speak of its credentials: Given "+s.provider.Name+" credentials with a wrong …, or Given no "+s.provider.Name+" credentials.")
	}
	if state == "an expired" && s.live() {
		return skip(check.NeedsClock, "a real provider's clock cannot be moved: no expired token to be had")
	}
	if state == "an expired" && !s.tokensExpire() {
		return s.noExpiry()
	}
	switch state {
	case "a valid", "an expired":
		if err := s.useValid(); err != nil {
			return err
		}
		token, err := s.fetchToken(ctx)
		if err != nil {
			return err
		}
		if state == "an expired" {
			if err := s.expire(token); err != nil {
				return err
			}
		}
		s.bearer = token.Value
	default:
		s.bearer = map[string]string{"a malformed": malformed, "an unknown": unknownToken, "no": ""}[state]
	}
	s.pinned = true
	return nil
}

func (s *scenario) tokenSinceExpired(ctx context.Context) error {
	if s.creds == nil {
		return invalid(check.BadStep, "there are no credentials yet to request a token with", "Write before this line: Given valid "+s.exampleName()+" credentials.")
	}
	if s.live() {
		return skip(check.NeedsClock, "a real provider's clock cannot be moved: its tokens do not expire on demand")
	}
	if !s.tokensExpire() {
		return s.noExpiry()
	}
	token, err := s.fetchToken(ctx)
	if err != nil {
		return err
	}
	return s.expire(token)
}

// tokensExpire reports whether the provider file says when.
func (s *scenario) tokensExpire() bool {
	r := s.provider.Auth.Response
	return r.ExpiresIn != "" || r.ExpiresInMS != "" || r.ExpiresAt != "" || r.ExpiresAtEpoch != "" || r.ExpiresJWT || r.Lifetime > 0
}

func (s *scenario) noExpiry() error {
	return invalid(check.BadStep, s.provider.ID+": nothing says when its tokens expire", "Declare an expiry or a lifetime under auth.response in the provider file.")
}

// fetchToken gets a token for what follows; without one the scenario ends.
func (s *scenario) fetchToken(ctx context.Context) (providers.Token, error) {
	if err := s.mayAsk(); err != nil {
		return providers.Token{}, err
	}
	token, resp, err := s.client.Token(ctx, s.creds, nil)
	if err != nil {
		return token, s.networkFailure(err)
	}
	if resp != nil {
		if err := s.sent(resp, nil); err != nil {
			return token, err
		}
	}
	if token.Value == "" {
		return token, s.miss(check.Shape, "no access token to go on with", check.Miss{Row: -1, Subject: "token response", Expected: "an access token", Actual: describe(resp)})
	}
	if resp == nil { // held, not issued just now
		s.token, s.tokenRead = token, s.now()
		s.learn(token)
	}
	return token, nil
}

// expire moves the simulator's clock past the token's end.
func (s *scenario) expire(token providers.Token) error {
	if token.Expires.IsZero() {
		if s.last != nil && s.last.Call == providers.TokenCall {
			if _, err := s.client.ReadToken(s.last); err != nil {
				return s.unreadable(s.last, err)
			}
		}
		return s.noExpiry()
	}
	s.judge.Advance(token.Lifetime(s.judge.Now()) + time.Second)
	return nil
}
