package steps

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// requestCarried looks at what our own client sent: the facts an integrator
// must get right too.
func (s *scenario) requestCarried(_ context.Context, table *godog.Table) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	rows, err := readTable(table)
	if err != nil {
		return err
	}
	err = s.rows(check.Request, resp.Call+": the request did not carry what the feature says", rows,
		func(subject string) (gjson.Result, error) { return s.requestFact(resp, subject) }, s.ownValue)
	return s.asRequestMiss(err)
}

// requestMiss is a miss on our side of the exchange: the provider has no part
// in it, so the spec or the provider file is wrong.
func (s *scenario) requestMiss(message string, misses ...check.Miss) error {
	return s.asRequestMiss(&check.Failure{Cause: check.Request, Message: s.provider.ID + ": " + message, Misses: misses})
}

func (s *scenario) asRequestMiss(err error) error {
	var f *check.Failure
	if !errors.As(err, &f) || len(f.Misses) == 0 {
		return err
	}
	f.Verdict, f.Cause = check.Invalid, check.Request
	f.Advice = fmt.Sprintf("The request follows from providers/%s.yaml: correct it, or the feature, whichever is not what %s says.", s.provider.ID, s.provider.Docs)
	return f
}

// requestFact returns one thing that the request carried; a value that does
// not exist is absent. The path is the provider's own, wherever --base-url has
// it served.
func (s *scenario) requestFact(resp *providers.Response, subject string) (gjson.Result, error) {
	req := resp.Request
	where, name, _ := strings.Cut(subject, " ")
	switch {
	case subject == "method":
		return text(req.Method), nil
	case subject == "path":
		return text(strings.TrimPrefix(req.URL.Path, s.basePath())), nil
	case subject == "body":
		if len(resp.RequestBody) == 0 {
			return gjson.Result{}, nil
		}
		return text(string(resp.RequestBody)), nil
	case where == "header" && name != "":
		return first(req.Header.Values(name)), nil
	case where == "form" && name != "":
		if req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			return gjson.Result{}, nil
		}
		form, err := url.ParseQuery(string(resp.RequestBody))
		if err != nil {
			return gjson.Result{}, nil
		}
		return first(form[name]), nil
	case where == "json" && name != "":
		if !gjson.ValidBytes(resp.RequestBody) {
			return gjson.Result{}, nil
		}
		return gjson.GetBytes(resp.RequestBody, name), nil
	case where == "query" && name != "":
		return first(req.URL.Query()[name]), nil
	}
	return gjson.Result{}, fmt.Errorf("%s is no part of a request: write method, path, body, header NAME, form NAME, json NAME or query NAME", subject)
}

// basePath is the path of the base URL that the user gave, if it has one.
func (s *scenario) basePath() string {
	base, err := url.Parse(s.client.BaseURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(base.Path, "/")
}

func first(values []string) gjson.Result {
	if len(values) == 0 {
		return gjson.Result{}
	}
	return text(values[0])
}

// ownValue understands what only a request can carry: "its client_id", "its
// Basic credentials" as they are (RFC 7617), "its form-encoded Basic
// credentials" (RFC 6749 2.3.1), "its access token".
func (s *scenario) ownValue(r row) (expectation, bool, error) {
	name, own := strings.CutPrefix(r.expected, "its ")
	if !own {
		return expectation{}, false, nil
	}
	var want string
	switch name {
	case "Basic credentials", "form-encoded Basic credentials":
		plain := ""
		if s.provider.Auth.Scheme == "basic" {
			plain = s.filled(strings.TrimPrefix(s.provider.Auth.Value, "Basic "))
		}
		id, secret := s.creds["client_id"], s.creds["client_secret"]
		if user, password, ok := strings.Cut(plain, ":"); ok {
			id, secret = user, password
		}
		// The sentence says which form it is, not the provider file: a wrong
		// client_auth there would change the request and what is expected of it.
		if name != "Basic credentials" {
			id, secret = url.QueryEscape(id), url.QueryEscape(secret)
		}
		want = "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	case "access token":
		token := s.token.Value
		if s.pinned {
			token = s.bearer
		}
		want = strings.ReplaceAll(s.provider.Auth.Value, "{access_token}", token)
	default:
		value, ok := s.creds[name]
		if !ok {
			return expectation{}, true, fmt.Errorf("%s: the credentials have no field %s: there are %s", r.expected, name, strings.Join(s.provider.CredentialFields(), ", "))
		}
		want = value
		header, isHeader := strings.CutPrefix(r.subject, "header ")
		if template := s.templateOf(header); isHeader && strings.Contains(template, "{"+name+"}") {
			want = s.filled(template)
		}
	}
	return expectation{r.expected, func(v gjson.Result, _ time.Time) bool { return isString(v) && v.Str == want }}, true, nil
}

// templateOf returns what the provider file says that a header carries.
func (s *scenario) templateOf(header string) string {
	var call map[string]string
	if s.last != nil {
		call = s.provider.Calls[s.last.Call].Headers // none of the token request
	}
	for _, headers := range []map[string]string{s.provider.Auth.Headers, call, s.provider.Headers} {
		for name, template := range headers {
			if strings.EqualFold(name, header) {
				return template
			}
		}
	}
	if a := &s.provider.Auth; strings.EqualFold(a.Header, header) && a.Scheme != "basic" {
		return a.Value
	}
	return ""
}

// filled puts the credentials in place of each {field}; what is missing is
// left out.
func (s *scenario) filled(template string) string {
	for _, field := range s.provider.CredentialFields() {
		template = strings.ReplaceAll(template, "{"+field+"}", s.creds[field])
	}
	return template
}
