// Package credentials reads the file of a nightly check: which credentials
// there are, whose they are, and where their values are kept. No value stands
// in the file; a Resolver fetches them when they are needed.
package credentials

import (
	"bytes"
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/strictyaml"
)

// A File is a credentials file.
type File struct {
	// Path is where the file was read from.
	Path string
	// EnvFiles hold variables that env: finds besides those of the process:
	// NAME=value a line. The names are relative to the file.
	EnvFiles []string
	// Credentials are to be checked, in the order of the file.
	Credentials []*Credential
	// Alerts say who is told of changes; nil: nobody.
	Alerts *Alerts
	// Ping is called as a check begins and ends; nil: nothing is.
	Ping *Ping
	// Pushgateway is where metrics are pushed to, or PushgatewayFrom leads to
	// it; both zero: nowhere.
	Pushgateway     string
	PushgatewayFrom Reference
	// Warnings are what a reader should know and can live with.
	Warnings []string
}

// A Credential is one credential to check, without its values.
type Credential struct {
	// Name is unique in the file. History, alerts and metrics go by it.
	Name string
	// Provider is the ID of a provider file.
	Provider string
	// Owner is who must act when it fails: an e-mail address, a team.
	Owner string
	Tags  []string
	// Values says where each credential field of the provider is kept.
	Values map[string]Reference
	// Scopes are required: fewer granted is a fault. Empty: the provider's
	// default, and whatever is granted will do.
	Scopes []string
	// Expires is the day the secret ends, if anybody knows it.
	Expires Date
	// Environment is one of the provider's, BaseURL replaces all its hosts.
	// At most one is set.
	Environment string
	BaseURL     string
	// Scenarios is a tag expression; empty: DefaultScenarios.
	Scenarios string
	// Control marks a credential whose state is known beforehand.
	Control Control

	// Line is where its name stands in the file; 0: unknown.
	Line int
}

// DefaultScenarios are run for a credential that names none.
const DefaultScenarios = "@health"

// A Control is a credential that is there to tell a fault of the provider, or
// of ours, from a dead credential.
type Control string

// The controls: a known-good one has to be accepted, a known-bad one refused.
const (
	KnownGood Control = "good"
	KnownBad  Control = "bad"
)

// Selected returns the tag expression of the scenarios to run.
func (c *Credential) Selected() string {
	if c.Scenarios == "" {
		return DefaultScenarios
	}
	return c.Scenarios
}

// A Date is a day in UTC, "2027-03-31", or a moment, "2027-03-31T12:00:00Z".
// A day ends when it is over. The zero value is no date.
type Date struct {
	Time time.Time // when it is over
	text string
}

// ParseDate reads a day or a moment.
func ParseDate(text string) (Date, error) {
	d := Date{text: strings.TrimSpace(text)}
	if t, err := time.Parse(time.DateOnly, d.text); err == nil {
		d.Time = t.AddDate(0, 0, 1)
		return d, nil
	}
	t, err := time.Parse(time.RFC3339, d.text)
	if err != nil {
		return Date{}, errors.New("want a day such as 2027-03-31")
	}
	d.Time = t.UTC()
	return d, nil
}

func (d Date) String() string { return d.text }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d.Time.IsZero() }

//go:embed credentials-1.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of a credentials file, for
// editors.
func Schema() []byte { return bytes.Clone(schema) }

// Problems are the mistakes in a credentials file. They show no value.
type Problems = strictyaml.Problems
