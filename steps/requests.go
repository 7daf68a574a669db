package steps

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

func (s *scenario) requestToken(ctx context.Context) error {
	return s.authenticate(ctx, providers.TokenRequest{})
}

func (s *scenario) requestTokenForScopes(ctx context.Context, list string) error {
	scopes, err := quotedList(list)
	if err != nil {
		return err
	}
	return s.authenticate(ctx, providers.TokenRequest{Scopes: scopes})
}

func (s *scenario) requestTokenWithScope(ctx context.Context, scope string) error {
	if scope == "" {
		return s.requestTokenWithout(ctx, "scope")
	}
	return s.authenticate(ctx, providers.TokenRequest{Scope: scope})
}

func (s *scenario) requestTokenWithGrant(ctx context.Context, grant string) error {
	return s.authenticate(ctx, providers.TokenRequest{GrantType: grant})
}

func (s *scenario) requestTokenWithout(ctx context.Context, parameter string) error {
	return s.authenticate(ctx, providers.TokenRequest{Without: []string{parameter}})
}

func (s *scenario) authenticate(ctx context.Context, want providers.TokenRequest) error {
	if err := s.ready(); err != nil {
		return err
	}
	if !s.provider.HasToken() {
		return invalid(check.BadStep, fmt.Sprintf("%s: scheme %s has no token request", s.provider.ID, s.provider.Auth.Scheme), "Use a call: When I call \"NAME\".")
	}
	return s.sent(s.client.Authenticate(ctx, s.creds, want))
}

func (s *scenario) call(ctx context.Context, name string) error {
	if err := s.ready(); err != nil {
		return err
	}
	if s.pinned || !s.provider.HasToken() || s.provider.Calls[name].Public {
		if !s.pinned {
			return s.sent(s.client.Call(ctx, s.creds, name, nil))
		}
		creds := s.creds
		if creds == nil {
			creds = s.address()
		}
		return s.sent(s.client.CallWithToken(ctx, creds, s.bearer, name))
	}
	if _, known := s.provider.Calls[name]; known {
		if _, err := s.fetchToken(ctx); err != nil {
			return err
		}
	}
	return s.sent(s.client.CallWithToken(ctx, s.creds, s.token.Value, name))
}

func (s *scenario) callTimes(ctx context.Context, name, times string) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	for range n {
		if err := s.call(ctx, name); err != nil {
			return err
		}
		if s.last.Status < 200 || s.last.Status > 299 {
			return nil
		}
	}
	return nil
}

// ready checks that a Given came first, and that there is someone to ask.
func (s *scenario) ready() error {
	if s.creds == nil && !s.pinned {
		return invalid(check.BadStep, "there are no credentials yet", "Begin the scenario with: Given valid "+s.exampleName()+" credentials.")
	}
	return s.mayAsk()
}

// mayAsk ends the scenario when the real provider is not answering.
func (s *scenario) mayAsk() error {
	if live := s.vocabulary.opts.Live; live != nil {
		return live.breakerOf(s.provider).mayAsk()
	}
	return nil
}

var (
	quoted     = regexp.MustCompile(`"([^"]*)"`)
	quotedOnly = regexp.MustCompile(`^"[^"]+"(?:(?:, | and |, and )"[^"]+")*$`)
)

// quotedList reads `"a", "b" and "c"`.
func quotedList(text string) ([]string, error) {
	if !quotedOnly.MatchString(text) {
		return nil, invalid(check.BadStep, "cannot read the list "+text, `Write "item", "event" and "profile".`)
	}
	var list []string
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list, nil
}
