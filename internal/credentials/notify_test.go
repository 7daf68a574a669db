package credentials

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const one = "credentials: [{name: a, provider: antsomi, owner: me@example.com, values: {client_id: env:A, client_secret: env:B}}]\n"

func TestWhoIsTold(t *testing.T) {
	file := one + `alerts:
  link: https://status.example.com/
  channels:
    ops: {webhook: env:OPS, secret: file:ops.key}
    mail: {notify: "exec:op read op://prod/mail/url"}
  owners: {me@example.com: [mail]}
  default: [ops]
ping: {url: env:PING}
pushgateway: http://gateway.internal:9091
`
	f, problems := Parse("c.yaml", []byte(file), builtin(t))
	if len(problems) > 0 || len(f.Warnings) > 0 {
		t.Fatal(problems, f.Warnings)
	}
	want := &Alerts{Link: "https://status.example.com/", Owners: map[string][]string{"me@example.com": {"mail"}}, Default: []string{"ops"}, Channels: []Channel{
		{Name: "mail", Notify: Reference{Exec, "op read op://prod/mail/url"}},
		{Name: "ops", Webhook: Reference{Env, "OPS"}, Secret: Reference{FromFile, "ops.key"}},
	}}
	if diff := cmp.Diff(want, f.Alerts); diff != "" {
		t.Error(diff)
	}
	if f.Ping.Base != (Reference{Env, "PING"}) || f.Pushgateway != "http://gateway.internal:9091" {
		t.Errorf("got %+v, %s", f.Ping, f.Pushgateway)
	}
	if err := validate(t, file); err != nil {
		t.Error(err)
	}
	f, problems = Parse("c.yaml", []byte(one+"ping: {start: env:A, failure: env:B}\npushgateway: env:GATEWAY\n"), builtin(t))
	if len(problems) > 0 || f.Ping.Start.Target != "A" || !f.Ping.Success.IsZero() || f.PushgatewayFrom.Target != "GATEWAY" {
		t.Errorf("%v %+v", problems, f)
	}
}

// Both the reader and the schema refuse these.
func TestWhoIsToldIsWrong(t *testing.T) {
	const secret = "T024BE7LD-s3cr3t"
	channels := func(channel string) string {
		return one + "alerts:\n  channels:\n    ops: " + channel + "\n  default: [ops]\n"
	}
	for name, c := range map[string]struct{ file, want string }{
		"a literal URL":           {channels("{webhook: https://hooks.example.com/" + secret + "}"), "c.yaml:4:20: a value must not stand here"},
		"a literal service":       {channels("{notify: slack://" + secret + "}"), "c.yaml:4:19: a value must not stand here"},
		"nothing":                 {channels("{}"), "channel ops: want either webhook or notify, a reference such as env:SLACK_URL"},
		"both":                    {channels("{webhook: env:A, notify: env:B}"), "channel ops: want either webhook or notify"},
		"a secret for a service":  {channels("{notify: env:B, secret: env:S}"), "channel ops: a secret signs what goes to a webhook, not to notify"},
		"an unknown field":        {channels("{webhok: env:A}"), "unknown field \"webhok\" (did you mean \"webhook\"?)"},
		"no channels":             {one + "alerts: {default: [ops]}\n", "channels are missing"},
		"no default":              {one + "alerts: {channels: {ops: {webhook: env:A}}}\n", "default is missing: the channels that are told of providers, and of credentials whose owner has none: [ops]"},
		"an unknown channel":      {one + "alerts: {channels: {ops: {webhook: env:A}}, default: [opps]}\n", "no channel \"opps\" (did you mean \"ops\"?): there are ops"},
		"a bad link":              {one + "alerts: {link: status, channels: {ops: {webhook: env:A}}, default: [ops]}\n", "want the URL of a page"},
		"a literal ping":          {one + "ping: {url: https://hc-ping.com/" + secret + "}\n", "c.yaml:2:13: a value must not stand here"},
		"an empty ping":           {one + "ping: {}\n", "want url, or start, success and failure"},
		"two kinds of ping":       {one + "ping: {url: env:A, start: env:B}\n", "want url, or start, success and failure"},
		"a password in a gateway": {one + "pushgateway: https://me:" + secret + "@gateway.example.com\n", "a password must not stand here: write env:NAME and put the whole URL there"},
		"a gateway that is none":  {one + "pushgateway: gateway\n", "a value must not stand here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse("c.yaml", []byte(c.file), builtin(t))
			if !strings.Contains(problems.Error(), c.want) || strings.Contains(problems.Error(), secret) {
				t.Errorf("got %s, want %s", problems.Error(), c.want)
			}
			if name != "an unknown channel" && validate(t, c.file) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestAnOwnerOfNothingIsAWarning(t *testing.T) {
	f, problems := Parse("c.yaml", []byte(one+"alerts: {channels: {ops: {webhook: env:A}}, default: [ops], owners: {mee@example.com: [ops]}}\n"), builtin(t))
	if len(problems) > 0 || len(f.Warnings) != 1 || f.Warnings[0] != `alerts: no credential has the owner mee@example.com (did you mean "me@example.com"?)` {
		t.Errorf("%v %q", problems, f.Warnings)
	}
}

// What docs/alerts.md shows can be used.
func TestTheDocumentedAlertsAreRight(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	file := strings.Replace(one, "me@", "growth@", 1) + example
	f, problems := Parse("c.yaml", []byte(file), builtin(t))
	if len(problems) > 0 || len(f.Warnings) > 0 {
		t.Error(problems, f.Warnings)
	}
	if err := validate(t, file); err != nil {
		t.Error(err)
	}
}
