package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
)

var monday = time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)

// A night is a run, made by hand.
type night struct{ run health.Run }

func newNight(places ...health.Place) *night {
	return &night{health.Run{Started: monday, Duration: time.Minute, Places: places}}
}

func place(key string, state health.PlaceState) health.Place {
	return health.Place{Key: key, Provider: key, Name: strings.ToUpper(key), State: state, Message: "status 503", Cause: check.ProviderDown, Credentials: 4}
}

func (n *night) add(name, place string, change ...func(*health.Credential)) *night {
	c := health.Credential{Name: name, Provider: place, Place: place, Owner: "one@example.com", Verdict: check.Passed, Confirmed: true, Since: monday}
	for _, f := range change {
		f(&c)
	}
	n.run.Credentials = append(n.run.Credentials, c)
	return n
}

func rejected(confirmed bool) func(*health.Credential) {
	return func(c *health.Credential) {
		c.Verdict, c.Cause, c.Confirmed, c.Who, c.Message = check.Rejected, check.CredentialRejected, confirmed, health.TheOwner, "refused"
	}
}

func cause(cause check.Cause) func(*health.Credential) {
	return func(c *health.Credential) { c.Cause = cause }
}

func ended(v check.Verdict, cause check.Cause, unknown bool) func(*health.Credential) {
	return func(c *health.Credential) {
		c.Verdict, c.Cause, c.Who, c.State.Unknown, c.State.Unsure, c.Message = v, cause, health.TheOperator, unknown, 2, "status 503"
	}
}

func flapping(c *health.Credential) { c.State.Flapping, c.State.Recent = true, "prpr" }

func expires(days, level int) func(*health.Credential) {
	return func(c *health.Credential) {
		c.Expires = health.Expiry{Date: "2026-12-05", Days: days, Level: level}
	}
}

func drifts(scenario string) func(*health.Credential) {
	return func(c *health.Credential) {
		c.Drift = append(c.Drift, health.Drift{Verdict: check.Drifted, Scenario: scenario, Message: "status 201"})
	}
}

func people() *credentials.Alerts {
	return &credentials.Alerts{
		Link:     "https://status.example.com/",
		Channels: []credentials.Channel{{Name: "one"}, {Name: "ops"}},
		Owners:   map[string][]string{"one@example.com": {"one"}},
		Default:  []string{"ops"},
	}
}

// told hears what a night tells, and remembers it.
func (n *night) told(t *testing.T, to *credentials.Alerts, told Told) []string {
	t.Helper()
	news, quiet := Plan(&n.run, to, told)
	list := []string{}
	for i := range news {
		a := &news[i]
		validate(t, a)
		for _, channel := range a.Channels {
			list = append(list, fmt.Sprintf("%s: %s", channel, a.Kind))
			told[Key{channel, a.Subject}] = a.State
		}
	}
	for key, state := range quiet {
		told[key] = state
	}
	for key, state := range told {
		if state == "" {
			delete(told, key)
		}
	}
	return list
}

func validate(t *testing.T, a *Alert) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("alert-1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("alert-1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(instance); err != nil {
		t.Errorf("%s: %v", b, err)
	}
	if text := a.Text(); a.Title == "" || a.Message == "" || strings.Contains(text, "%!") || strings.Contains(a.Title, "\n") {
		t.Errorf("got %q", text)
	}
}

// Each row is nights in a row, with what each tells.
func TestChangesAreToldOnce(t *testing.T) {
	working := place("acme", health.Working)
	outage := place("acme", health.Unreachable)
	silent := ended(check.Inconclusive, check.ProviderDown, false)
	type step struct {
		night *night
		want  []string
	}
	one := func(change ...func(*health.Credential)) *night { return newNight(working).add("a", "acme", change...) }
	many := func(p health.Place, change func(*health.Credential)) *night {
		return newNight(p, place("bravo", health.Working)).add("a", "acme", change).add("b", "acme", change).add("c", "bravo")
	}
	fine := func(*health.Credential) {}
	for name, steps := range map[string][]step{
		"works from the start":       {{one(), nil}, {one(), nil}},
		"a suspicion is not told":    {{one(rejected(false)), nil}, {one(), nil}},
		"a refusal, and its end":     {{one(rejected(false)), nil}, {one(rejected(true)), []string{"one: credential_rejected"}}, {one(rejected(true)), nil}, {one(), []string{"one: credential_recovered"}}, {one(), nil}},
		"another cause":              {{one(rejected(true)), []string{"one: credential_rejected"}}, {one(rejected(true), cause(check.Expired)), []string{"one: credential_rejected"}}},
		"silence changes nothing":    {{one(rejected(true)), []string{"one: credential_rejected"}}, {one(silent), nil}, {one(rejected(true)), nil}},
		"silence night after night":  {{one(silent), nil}, {one(ended(check.Inconclusive, check.ProviderDown, true)), []string{"ops: credential_unknown"}}, {one(ended(check.Inconclusive, check.Timeout, true)), nil}, {one(), []string{"ops: credential_recovered"}}},
		"deferred night after night": {{one(ended(check.Skipped, check.Deferred, true)), []string{"ops: credential_unknown"}}},
		"it cannot be tried":         {{one(ended(check.Invalid, check.NoCredential, false)), []string{"ops: credential_invalid"}}, {one(ended(check.Invalid, check.NoCredential, true)), nil}, {one(), []string{"ops: credential_recovered"}}},
		"flapping is named once": {{one(rejected(true)), []string{"one: credential_rejected"}}, {one(flapping), []string{"one: credential_flapping"}},
			{one(rejected(true), flapping), nil}, {one(flapping), nil}, {one(), []string{"one: credential_recovered"}}},
		"flapping, and then broken": {{one(flapping), []string{"one: credential_flapping"}}, {one(rejected(true)), []string{"one: credential_rejected"}}},
		"an expiry counts down": {{one(expires(40, 0)), nil}, {one(expires(30, 30)), []string{"one: secret_expiring"}}, {one(expires(20, 30)), nil},
			{one(expires(13, 14)), []string{"one: secret_expiring"}}, {one(expires(1, 1)), []string{"one: secret_expiring"}}, {one(expires(-1, -1)), []string{"one: secret_expiring"}}, {one(expires(-2, -1)), nil}, {one(), nil}},
		"what has expired and is refused is told once": {{one(rejected(true), cause(check.Expired), expires(-1, -1)), []string{"one: credential_rejected"}}},
		"an outage is one alert": {{many(working, fine), nil}, {many(outage, silent), []string{"ops: provider_failing"}}, {many(outage, ended(check.Inconclusive, check.ProviderDown, true)), nil},
			{many(working, fine), []string{"ops: provider_recovered"}}, {many(working, fine), nil}},
		"answers that say nothing are one alert": {{many(place("acme", health.Unclear), ended(check.Inconclusive, check.NotProven, true)), []string{"ops: provider_failing"}}, {many(working, fine), []string{"ops: provider_recovered"}}},
		"a refusal of all is one alert":          {{many(place("acme", health.RefusesAll), rejected(true)), []string{"ops: provider_failing"}}, {many(working, fine), []string{"ops: provider_recovered"}}},
		"what stays refused after a refusal of all is told": {{many(place("acme", health.RefusesAll), rejected(true)), []string{"ops: provider_failing"}},
			{newNight(working).add("a", "acme", rejected(true)).add("b", "acme"), []string{"ops: provider_recovered", "one: credential_rejected"}}},
		"what cannot be tried is told in an outage too": {{newNight(outage).add("a", "acme", silent).add("b", "acme", silent).add("c", "acme", ended(check.Invalid, check.BadSecret, false)),
			[]string{"ops: provider_failing", "ops: credential_invalid"}}},
		"an outage for one credential is its own silence": {{newNight(outage).add("a", "acme", silent), nil},
			{newNight(outage).add("a", "acme", ended(check.Inconclusive, check.ProviderDown, true)), []string{"ops: credential_unknown"}}},
		"nobody can be reached": {{newNight(outage, place("bravo", health.Unreachable)).add("a", "acme", silent).add("b", "acme", silent).add("c", "bravo", silent).add("d", "bravo", silent), []string{"ops: network_failing"}},
			{many(working, fine), []string{"ops: network_recovered"}}},
		"a contract, more of it, less of it, and kept": {{one(drifts("x")), []string{"ops: contract_broken"}}, {one(drifts("x")), nil}, {one(drifts("x"), drifts("y")), []string{"ops: contract_broken"}},
			{one(drifts("y")), nil}, {one(silent), nil}, {one(), []string{"ops: contract_kept"}}},
		"untried tells nothing": {{newNight(place("acme", health.Untried)).add("a", "acme", ended(check.Skipped, check.Deferred, false)), nil}},
	} {
		t.Run(name, func(t *testing.T) {
			told := Told{}
			for i, s := range steps {
				if got := s.night.told(t, people(), told); !slices.Equal(got, s.want) {
					t.Errorf("night %d: told %q, want %q; now %v", i+1, got, s.want, told)
				}
			}
		})
	}
}

// What a channel did not take it is told the next time; another that did is
// not told again; and one that is new hears of what is broken.
func TestEachChannelKnowsItsOwn(t *testing.T) {
	to := people()
	to.Owners["one@example.com"] = []string{"one", "ops"}
	n := newNight(place("acme", health.Working)).add("a", "acme", rejected(true))
	news, _ := Plan(&n.run, to, Told{{"ops", "credential/a"}: "rejected credential_rejected"})
	if len(news) != 1 || !slices.Equal(news[0].Channels, []string{"one"}) {
		t.Errorf("got %+v", news)
	}
	n = newNight(place("acme", health.Working)).add("a", "acme")
	news, _ = Plan(&n.run, to, Told{{"ops", "credential/a"}: "rejected expired", {"gone", "credential/a"}: "flapping"})
	if len(news) != 1 || !slices.Equal(news[0].Channels, []string{"ops"}) || !strings.Contains(news[0].Message, "it was rejected: expired") {
		t.Errorf("got %+v", news)
	}
}

// What the network is said to do is what a place that was tried said.
func TestTheNetworkIsNamedByWhatWasTried(t *testing.T) {
	untried, outage := place("acme", health.Untried), place("bravo", health.Unreachable)
	untried.Message = ""
	n := newNight(untried, outage, place("cargo", health.Unreachable)).add("b", "bravo", ended(check.Inconclusive, check.NetworkDNS, false))
	news, _ := Plan(&n.run, people(), Told{})
	if len(news) != 1 || news[0].Kind != NetworkFailing || news[0].Message != outage.Message {
		t.Errorf("got %+v", news)
	}
}

func TestAnInterruptedRunTellsNothing(t *testing.T) {
	n := newNight(place("acme", health.Working)).add("a", "acme", rejected(true))
	n.run.Interrupted = true
	if news, quiet := Plan(&n.run, people(), Told{}); len(news)+len(quiet) > 0 {
		t.Errorf("got %v %v", news, quiet)
	}
}

func TestAnAlertSaysAllThatIsNeeded(t *testing.T) {
	n := newNight(place("acme", health.Working)).add("shop-eu", "acme", rejected(true), func(c *health.Credential) {
		c.Advice, c.Message = "Rotate it.", "ACME refuses it: status 401"
	})
	news, _ := Plan(&n.run, people(), Told{})
	want := "✗ shop-eu is rejected: credential rejected\n" +
		"ACME refuses it: status 401\n" +
		"provider acme · owner one@example.com · since 2026-11-23 02:30 UTC\n" +
		"→ one@example.com: Rotate it.\n" +
		"https://status.example.com/#shop-eu\n"
	if got := news[0].Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, _ := Plan(&n.run, people(), Told{})
	if again[0].ID != news[0].ID || !strings.HasPrefix(news[0].ID, "alert_") {
		t.Errorf("%s, then %s", news[0].ID, again[0].ID)
	}
	outage := newNight(place("acme", health.Unreachable))
	for i := range 60 {
		outage.add(fmt.Sprintf("shop-%02d", i), "acme", ended(check.Inconclusive, check.ProviderDown, false))
	}
	news, _ = Plan(&outage.run, people(), Told{})
	if a := news[0]; len(a.Credentials) != mostNamed || a.Concerned != 60 || !strings.Contains(a.Text(), "concerns shop-00, shop-01, shop-02, shop-03, shop-04 and 55 more") {
		t.Errorf("got %s", a.Text())
	}
}

// What docs/alerts.md shows is what is sent.
func TestTheDocumentedAlertIsRight(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	var a Alert
	d := json.NewDecoder(strings.NewReader(example))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	validate(t, &a)
	for _, kind := range []Kind{CredentialRejected, CredentialInvalid, CredentialUnknown, CredentialFlapping, CredentialRecovered, SecretExpiring,
		ProviderFailing, ProviderRecovered, ContractBroken, ContractKept, NetworkFailing, NetworkRecovered} {
		if !strings.Contains(string(page), "`"+string(kind)+"`") {
			t.Errorf("the page lacks %s", kind)
		}
	}
}
