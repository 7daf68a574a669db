// Package samples writes programs that authenticate to a provider, in the
// languages integrators use. They are made from the provider file alone, hold
// placeholders where credentials go, and need nothing but the language itself.
//
// A sample sends what providers.Client sends: it is written from the client's
// own requests, not from a second reading of the provider file.
package samples

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/authspec/authspec/providers"
)

// A Sample is how one language authenticates to a provider.
type Sample struct {
	Language string // "curl", "Go", "JavaScript", "Python"
	File     string // the name to save it under; empty for commands
	Run      string // the command that runs the file
	Steps    []Step // what is copied: one program, or a command for each request
}

// A Step is one thing to copy and run.
type Step struct {
	Title  string // empty where there is only one
	Code   string
	Note   string // what to mind; empty for most
	Prints string // what it writes to the standard output, in words
}

// AccessToken is the placeholder of an issued token in commands.
const AccessToken = "ACCESS_TOKEN"

// ErrNoSample says that the requests cannot be written down as they are sent:
// the provider wants something computed from the credentials, a signature say.
var ErrNoSample = errors.New("requests are computed from the credentials, not made of them")

// For returns the samples of a provider: they request an access token, where
// there is such a thing, and send the named call; with no name, only the first.
// A program that a language cannot do plainly is left out.
func For(p *providers.Provider, call string) ([]Sample, error) {
	c, err := converse(p, call)
	if err != nil {
		return nil, err
	}
	if c.token == nil && c.call == nil {
		return nil, nil
	}
	if missing := c.unused(); missing != "" {
		return nil, fmt.Errorf("%s: %w: %s stands in none", p.ID, ErrNoSample, missing)
	}
	return c.samples(), nil
}

// Requests returns the token request and the named call, in words. Either is
// nil where there is none.
func Requests(p *providers.Provider, call string) (token, resource *Outline, err error) {
	c, err := converse(p, call)
	if err != nil {
		return nil, nil, err
	}
	return c.token.outline(), c.call.outline(), nil
}

func converse(p *providers.Provider, call string) (*conversation, error) {
	c := &conversation{provider: p}
	client := providers.Client{Provider: p, Transport: nobody{}}
	creds := providers.Credentials{}
	for _, field := range p.CredentialFields() {
		creds[field] = mark(field)
		if p.InHost(field) {
			creds[field] = hostMark(field)
		}
	}
	if p.HasToken() {
		resp, err := client.Authenticate(context.Background(), creds, providers.TokenRequest{})
		if err != nil {
			return nil, err
		}
		if c.token, err = read(resp); err != nil {
			return nil, err
		}
	}
	if call != "" {
		resp, err := client.CallWithToken(context.Background(), creds, mark("access_token"), call)
		if err != nil {
			return nil, err
		}
		if c.call, err = read(resp); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// A conversation is what a client says to a provider.
type conversation struct {
	provider    *providers.Provider
	token, call *request // nil: not sent
}

func (c *conversation) samples() []Sample {
	list := []Sample{c.curl()}
	if path, ok := c.tokenPath(); ok {
		list = append(list, c.golang(path), c.javascript(path), c.python(path))
	}
	return list
}

// unused returns a credential that no request shows.
func (c *conversation) unused() string {
	for _, field := range c.provider.CredentialFields() {
		if !c.token.has(field) && !c.call.has(field) {
			return field
		}
	}
	return ""
}

// tokenPath is where the token stands in the response, as names of nested
// objects. Programs do without gjson: any other path is beyond them.
func (c *conversation) tokenPath() (path []string, ok bool) {
	if c.token == nil {
		return nil, true
	}
	path = strings.Split(c.provider.Auth.Response.AccessToken, ".")
	for _, name := range path {
		if !plainName.MatchString(name) {
			return nil, false
		}
	}
	return path, true
}

// variable is the environment variable that stands for a credential field.
func (c *conversation) variable(field string) string {
	if name, ok := c.provider.Credentials[field]; ok {
		return name
	}
	return AccessToken
}

// does says in a sentence what the program does.
func (c *conversation) does() string {
	name := c.provider.Name
	switch {
	case c.call == nil:
		return "Requests an access token from " + name + "."
	case c.token == nil:
		return fmt.Sprintf("Sends %s to %s.", c.call, name)
	}
	return fmt.Sprintf("Requests an access token from %s and sends %s with it.", name, c.call)
}

// prints says what a program writes.
func (c *conversation) prints() string {
	if c.call == nil {
		return "the access token"
	}
	return "the response to " + c.call.String()
}

// nobody answers nothing of interest: the request is what is wanted.
type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}
