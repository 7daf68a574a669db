package providers

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// An AddressError is a credential field whose value cannot stand in the URL
// that the provider file puts it in: it would send the request elsewhere, or
// nowhere. Nothing was sent. It does not show the value.
type AddressError struct {
	Field    string
	Variable string // that the field is read from
	URL      string // as the provider file has it
	Reason   string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("%s (%s) cannot stand in %s: it %s", e.Field, e.Variable, e.URL, e.Reason)
}

// AddressFields returns the credential fields that stand in the provider's
// URLs, sorted. Without them no request can be made.
func (p *Provider) AddressFields() []string {
	return slices.DeleteFunc(p.CredentialFields(), func(field string) bool {
		return !slices.ContainsFunc(p.bases(), func(raw string) bool { return strings.Contains(raw, "{"+field+"}") })
	})
}

// InHost reports whether a credential field stands in the host of a URL: it
// says where requests go, so it names an account and is no secret.
func (p *Provider) InHost(field string) bool {
	return slices.ContainsFunc(p.bases(), func(raw string) bool { return strings.Contains(splitURL(raw).host, "{"+field+"}") })
}

// urlParts are of a URL that may hold {field}s: net/url takes them for a
// mistake in a host.
type urlParts struct {
	scheme, host string // empty: it is a path
	path, query  string
}

func splitURL(raw string) urlParts {
	var u urlParts
	if scheme, rest, found := strings.Cut(raw, "://"); found && !strings.ContainsAny(scheme, "/?#") {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		u.scheme, u.host, raw = scheme, rest[:end], rest[end:]
	}
	u.path, u.query, _ = strings.Cut(raw, "?")
	return u
}

// address returns the URL of an endpoint with the values of vars in place of
// each {field}.
func (c *Client) address(e Endpoint, vars map[string]string) (string, error) {
	p := c.Provider
	if c.BaseURL != "" { // replaces whole hosts: what would stand in them is of no interest
		path, err := p.fill(e.URL("", true), vars)
		return strings.TrimSuffix(c.BaseURL, "/") + path, err
	}
	// Each host is looked at, not only this one: a token must not be fetched
	// for a call that cannot be sent.
	for _, raw := range p.bases() {
		if strings.Contains(raw, "{") {
			if _, err := p.fillHost(raw, vars); err != nil {
				return "", err
			}
		}
	}
	base := p.BaseURL
	if env := p.Environments[c.Environment]; env.BaseURL != "" {
		base = env.BaseURL
	}
	return p.fill(e.URL(base, false), vars)
}

// fill puts vars in place of each {field} in a URL or path, escaped for where
// it stands.
func (p *Provider) fill(raw string, vars map[string]string) (string, error) {
	if !strings.Contains(raw, "{") {
		return raw, nil
	}
	u := splitURL(raw)
	host, err := p.fillHost(raw, vars)
	if err != nil {
		return "", err
	}
	path, err := substitute(u.path, func(field string) (string, error) {
		value, reason := pathValue(vars[field])
		return value, p.addressError(field, raw, reason)
	})
	if err != nil {
		return "", err
	}
	query, err := substitute(u.query, func(field string) (string, error) {
		if vars[field] == "" {
			return "", p.addressError(field, raw, "is missing")
		}
		return url.QueryEscape(vars[field]), nil
	})
	if err != nil {
		return "", err
	}
	if u.scheme != "" {
		path = u.scheme + "://" + host + path
	}
	if query != "" {
		path += "?" + query
	}
	return path, nil
}

func (p *Provider) fillHost(raw string, vars map[string]string) (string, error) {
	host := splitURL(raw).host
	_, fixed := cutLast(host, "}")
	return substitute(host, func(field string) (string, error) {
		reason := hostReason(vars[field], fixed)
		return vars[field], p.addressError(field, raw, reason)
	})
}

func (p *Provider) addressError(field, raw, reason string) error {
	if reason == "" {
		return nil
	}
	return &AddressError{Field: field, Variable: p.Credentials[field], URL: raw, Reason: reason}
}

var hostText = regexp.MustCompile(`^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$`)

// hostReason says why a value cannot stand in a host before the fixed text, or
// nothing. Whoever chooses the value must not choose who gets the credentials.
func hostReason(value, fixed string) string {
	const longest, longestLabel = 253, 63 // RFC 1035 2.3.4
	fixed, _, _ = strings.Cut(fixed, ":")
	switch {
	case value == "":
		return "is missing"
	case strings.ContainsFunc(value, unicode.IsSpace):
		return "contains a blank"
	case !hostText.MatchString(value):
		if at := strings.IndexAny(value, "/@:#?%\\"); at >= 0 {
			return fmt.Sprintf("contains %q, and is to be a part of a host name", value[at])
		}
		return "is no part of a host name: want letters, digits, dashes and dots"
	case len(value)+len(fixed) > longest, slices.ContainsFunc(strings.Split(value, "."), func(label string) bool { return len(label) > longestLabel }):
		return "is too long for a host name"
	case fixed != "" && strings.HasSuffix(strings.ToLower(value), strings.ToLower(fixed)):
		return fmt.Sprintf("ends in %s: give only what stands before", fixed)
	}
	return ""
}

// pathValue escapes a value for a path, or says why it cannot stand there.
func pathValue(value string) (escaped, reason string) {
	switch {
	case value == "":
		return "", "is missing"
	case value == "." || value == "..":
		return "", "is a step in a path, not a name"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "", "contains a control character"
	}
	return url.PathEscape(value), ""
}

// fixedDomain is how a host ends behind the last {field} in it.
var fixedDomain = regexp.MustCompile(`^[A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+\.[A-Za-z][A-Za-z0-9-]*(?::[0-9]+)?$`)

// checkHost refuses a host whose {field}s could make it anyone's.
func checkHost(host string) error {
	before, after := cutLast(host, "}")
	if !strings.Contains(host, "{") || fixedDomain.MatchString(after) {
		return nil
	}
	whole := strings.HasPrefix(before, "{") && isName(before[1:]) && (after == "" || strings.HasPrefix(after, ":"))
	if whole {
		return nil // the file says that a credential names its host
	}
	return errors.New("a host ends in a domain of the provider's, such as {shop}.example.com, or is a field and nothing else; hosts that end in several ways are environments")
}

// CheckBaseURL says why a text cannot be a base URL, where a {field} may stand.
func CheckBaseURL(raw string) error {
	u, err := url.Parse(sampleURL(raw))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the base URL is scheme and host, and a path if all calls share it: https://api.example.com")
	}
	if err := errors.Join(SecureURL(u), checkHost(splitURL(raw).host)); err != nil {
		return fmt.Errorf("base URL: %w", err)
	}
	return nil
}

// cutLast cuts text around the last separator.
func cutLast(text, separator string) (before, after string) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return "", text
	}
	return text[:at], text[at+len(separator):]
}

// sampleURL has a letter in place of each {field}: so net/url can read it.
func sampleURL(raw string) string {
	sample, _ := substitute(raw, func(string) (string, error) { return "x", nil }) // does not fail
	return sample
}

// HostsOf returns the hosts that these credentials are sent to: Hosts with
// their values in place of each {field}. A host that cannot be is left out.
func (p *Provider) HostsOf(creds Credentials) []string {
	return p.hosts(func(raw string) string {
		host, err := p.fillHost(raw, creds)
		if err != nil {
			return ""
		}
		return host
	})
}

// Hosts returns the hosts that the provider's credentials are sent to, with
// each {field} as it stands in the provider file.
func (p *Provider) Hosts() []string {
	return p.hosts(func(raw string) string { return splitURL(raw).host })
}

func (p *Provider) hosts(hostOf func(raw string) string) []string {
	var hosts []string
	for _, raw := range p.bases() {
		if host := hostOf(raw); host != "" {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
