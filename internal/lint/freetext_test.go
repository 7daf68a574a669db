package lint

import (
	"testing"

	gherkin "github.com/cucumber/gherkin/go/v42"
)

func TestSlip(t *testing.T) {
	const step = "Given valid Antsomi credentials"
	for _, tt := range []struct{ text, below, word, keyword string }{
		{"Scenaro: x", "", "Scenaro:", "Scenario:"},
		{"Scenario : x", "", "Scenario", "Scenario:"},
		{"SCENARIO: x", step, "SCENARIO:", "Scenario:"},
		{"Szenario: x", "", "Szenario:", "Scenario:"},
		{"Scenarios: x", step, "Scenarios:", "Scenario:"},
		{"Scenarios Outline: x", "", "Scenarios Outline:", "Scenario Outline:"},
		{"Scenario outline: x", "", "Scenario outline:", "Scenario Outline:"},
		{"Scenario An unknown scope is refused", step, "Scenario", "Scenario:"},
		{"BACKGROUND:", step, "BACKGROUND:", "Background:"},
		{"Exmaples:", "| scope |", "Exmaples:", "Examples:"},
		{"Examples:", "| scope |", "Examples:", "Examples:"},
		{"Feature: y", "", "Feature:", "Feature:"},
		{"Gven valid Antsomi credentials", "", "Gven", "Given"},
		{"Given: valid Antsomi credentials", "", "Given:", "Given"},
		{"GIVEN valid credentials", "", "GIVEN", "Given"},
		{"Given valid Antsomi credental", "", "Given", "Given"},
		{"Than the respose status is 200", "", "Than", "Then"},
		{"Nd no access token is issued", "", "Nd", "And"},
		{"When\tI request an access token", "", "When\t", "When"},

		// Prose.
		{"What to know before writing a client:", "- a list", "", ""},
		{"Documentation: https://docs.antsomi.com/", "", "", ""},
		{"Note: tokens live an hour.", "", "", ""},
		{"Role: reader", "", "", ""},
		{"Rules: none", "", "", ""},
		{"Sample: abc", "", "", ""},
		{"Features: tokens", "", "", ""},
		{"Examples:", "- item", "", ""},
		{"Scenarios: see below", "", "", ""},
		{"Scenario outlines are short", "", "", ""},
		{"scenario: what happens when a token expires", "", "", ""},
		{"In this scenario: valid credentials", "", "", ""},
		{"The background: Antsomi issues tokens", "", "", ""},
		{"Given valid credentials, Antsomi issues a token", "", "", ""},
		{"Given enough time a token expires.", "", "", ""},
		{"When you request an access token, name a scope.", "", "", ""},
		{"When I request an access token too often, I get 429", "", "", ""},
		{"Then call the API with it.", "", "", ""},
		{"And so on.", "", "", ""},
		{"* valid Antsomi credentials", "", "", ""},
		{"- Client ID and client secret travel in the form body", "", "", ""},
		{"The access token is opaque", "", "", ""},
		{"But not with blanks: item event", "", "", ""},
		{"Given", "", "", ""},
		{"", "", "", ""},
	} {
		got := slip(gherkin.DialectsBuiltin().GetDialect("en"), "  "+tt.text, tt.below)
		if got.word != tt.word || got.keyword != tt.keyword {
			t.Errorf("%q above %q: got %q for %q, want %q for %q", tt.text, tt.below, got.word, got.keyword, tt.word, tt.keyword)
		}
	}
}

func TestSlipSpeaksTheLanguageOfTheFeature(t *testing.T) {
	d := gherkin.DialectsBuiltin().GetDialect("de")
	if got := slip(d, "Szenaro: x", ""); got.keyword != "Szenario:" {
		t.Errorf("got %+v", got)
	}
}
