package credentials

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/authspec/authspec/internal/suggest"
)

// Alerts say who is told of changes.
type Alerts struct {
	// Link is the page that an alert leads to: the status page, say.
	Link string
	// Channels are ways to reach people and machines, sorted by name.
	Channels []Channel
	// Owners names the channels of an owner.
	Owners map[string][]string
	// Default are the channels that are told of providers, and of credentials
	// whose owner has none.
	Default []string
}

// A Channel is one way: a webhook, or a service that shoutrrr knows.
type Channel struct {
	Name    string
	Webhook Reference // URL
	Secret  Reference // signs what goes to the webhook
	Notify  Reference // URL of a service: slack://…, smtp://…
}

// Ping says which URLs to call as a check begins, and as it ends. Zero
// references are not called.
type Ping struct {
	Start, Success, Failure Reference
	// Base stands for all three, as Healthchecks has it: the URL for success,
	// with /start and /fail behind it for the others.
	Base Reference
}

// IsZero reports whether there is none.
func (r Reference) IsZero() bool { return r == Reference{} }

type writtenAlerts struct {
	Link     string                     `yaml:"link"`
	Channels map[string]*writtenChannel `yaml:"channels"`
	Owners   map[string][]string        `yaml:"owners"`
	Default  []string                   `yaml:"default"`
}

type writtenChannel struct {
	Webhook string `yaml:"webhook"`
	Secret  string `yaml:"secret"`
	Notify  string `yaml:"notify"`
}

type writtenPing struct {
	URL     string `yaml:"url"`
	Start   string `yaml:"start"`
	Success string `yaml:"success"`
	Failure string `yaml:"failure"`
}

// notify reads who is told.
func (v *validator) notify(written *writtenFile) {
	if written.Alerts != nil {
		v.file.Alerts = v.alerts(written.Alerts)
	}
	if p := written.Ping; p != nil {
		v.file.Ping = &Ping{Base: v.reference("$.ping.url", p.URL), Start: v.reference("$.ping.start", p.Start),
			Success: v.reference("$.ping.success", p.Success), Failure: v.reference("$.ping.failure", p.Failure)}
		if (p.URL == "") == (p.Start+p.Success+p.Failure == "") {
			v.add("$.ping", "want url, or start, success and failure, each a reference such as env:PING_URL")
		}
	}
	if written.Pushgateway != "" {
		v.pushgateway(written.Pushgateway)
	}
}

// reference reads a reference that may be left out.
func (v *validator) reference(at, text string) Reference {
	if text == "" {
		return Reference{}
	}
	r, err := ParseReference(text)
	if err != nil {
		v.add(at, "%v", err)
	}
	return r
}

func (v *validator) alerts(w *writtenAlerts) *Alerts {
	a := &Alerts{Link: w.Link, Owners: w.Owners, Default: w.Default}
	if w.Link != "" {
		if u, err := url.Parse(w.Link); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			v.add("$.alerts.link", "want the URL of a page")
		}
	}
	names := slices.Sorted(maps.Keys(w.Channels))
	for _, name := range names {
		at := "$.alerts.channels." + name
		c := w.Channels[name]
		if c == nil {
			c = &writtenChannel{}
		}
		switch {
		case (c.Webhook == "") == (c.Notify == ""):
			v.add(at, "channel %s: want either webhook or notify, a reference such as env:SLACK_URL", name)
		case c.Secret != "" && c.Webhook == "":
			v.add(at+".secret", "channel %s: a secret signs what goes to a webhook, not to notify", name)
		}
		a.Channels = append(a.Channels, Channel{Name: name, Webhook: v.reference(at+".webhook", c.Webhook),
			Secret: v.reference(at+".secret", c.Secret), Notify: v.reference(at+".notify", c.Notify)})
	}
	switch {
	case len(names) == 0:
		v.add("$.alerts", "channels are missing: a name for each, with webhook or notify")
	case len(w.Default) == 0:
		v.add("$.alerts", "default is missing: the channels that are told of providers, and of credentials whose owner has none: [%s]", names[0])
	}
	v.known("$.alerts.default", w.Default, names)
	owners := map[string]bool{}
	for _, c := range v.file.Credentials {
		owners[c.Owner] = true
	}
	for _, owner := range slices.Sorted(maps.Keys(w.Owners)) {
		v.known("$.alerts.owners", w.Owners[owner], names)
		if !owners[owner] {
			v.file.Warnings = append(v.file.Warnings, fmt.Sprintf("alerts: no credential has the owner %s%s", owner, suggest.DidYouMean(owner, slices.Sorted(maps.Keys(owners)))))
		}
	}
	return a
}

func (v *validator) known(at string, list, channels []string) {
	for i, name := range list {
		if len(channels) > 0 && !slices.Contains(channels, name) {
			v.add(fmt.Sprintf("%s[%d]", at, i), "no channel %q%s: there are %s", name, suggest.DidYouMean(name, channels), strings.Join(channels, ", "))
		}
	}
}

// pushgateway reads a URL, which may stand in the file since it is no secret,
// or a reference to one that is.
func (v *validator) pushgateway(text string) {
	if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		if u.User != nil || u.RawQuery != "" {
			v.add("$.pushgateway", "a password must not stand here: write env:NAME and put the whole URL there")
			return
		}
		v.file.Pushgateway = text
		return
	}
	v.file.PushgatewayFrom = v.reference("$.pushgateway", text)
}

// URL fetches a URL that a reference leads to. Its errors do not repeat it.
func (r *Resolver) URL(ctx context.Context, ref Reference) (*url.URL, error) {
	text, err := r.Secret(ctx, ref)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("%s holds no URL", ref)
	}
	return u, nil
}

// Secret fetches the value that a reference leads to, without blanks around
// it. Its errors do not repeat it.
func (r *Resolver) Secret(ctx context.Context, ref Reference) (string, error) {
	f := r.fetch(ctx, ref)
	if f.err != nil {
		return "", f.err
	}
	value := strings.TrimSpace(f.value)
	switch {
	case value == "":
		return "", fmt.Errorf("%s is empty", ref)
	case isPlaceholder(value):
		return "", fmt.Errorf("%s is a placeholder, not a value", ref)
	}
	return value, nil
}
