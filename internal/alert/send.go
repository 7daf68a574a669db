package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
)

//go:embed alert-1.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of what webhooks get.
func Schema() []byte { return bytes.Clone(schema) }

// Limits of a delivery.
const (
	attempts    = 3                // of a webhook that fails with a fault of its own
	perAttempt  = 10 * time.Second // also for a service
	perChannel  = 2 * time.Minute
	mostInAText = 20   // alerts of one message to people
	longestText = 1900 // characters: Discord takes 2000
)

// A Sender delivers alerts.
type Sender struct {
	Carrier  http.RoundTripper // verifies TLS; redirects are not followed
	Resolver *credentials.Resolver
	Erase    *redact.Redactor
	Version  string // of authspec
	// Told is called for each alert that a channel has taken.
	Told func(a *Alert, channel string) error
}

// Send delivers alerts to their channels, all channels at once. What a channel
// does not take stays untold; the error says which, and why.
func (s *Sender) Send(ctx context.Context, channels []credentials.Channel, news []Alert) error {
	var wg sync.WaitGroup
	failures := make([]error, len(channels))
	var telling sync.Mutex
	for i := range channels {
		var own []*Alert
		for j := range news {
			if slices.Contains(news[j].Channels, channels[i].Name) {
				own = append(own, news[j].redacted(s.Erase.String))
			}
		}
		if len(own) == 0 {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, perChannel)
			defer cancel()
			left, err := s.deliver(ctx, &channels[i], own, func(a *Alert) error {
				telling.Lock()
				defer telling.Unlock()
				return s.Told(a, channels[i].Name)
			})
			switch {
			case err == nil:
			case own[0].Kind == Test:
				failures[i] = fmt.Errorf("channel %s: %w", channels[i].Name, err)
			default:
				failures[i] = fmt.Errorf("channel %s: %w: %s for the next check", channels[i].Name, err, waiting(left))
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

func waiting(n int) string {
	if n == 1 {
		return "1 alert waits"
	}
	return fmt.Sprintf("%d alerts wait", n)
}

// deliver brings alerts to a channel, and says how many it did not.
func (s *Sender) deliver(ctx context.Context, c *credentials.Channel, list []*Alert, told func(*Alert) error) (left int, err error) {
	if c.Notify.IsZero() {
		return s.post(ctx, c, list, told)
	}
	return s.notify(ctx, c, list, told)
}

// target fetches the URL of a channel, and makes a secret of what in it is one.
func (s *Sender) target(ctx context.Context, c *credentials.Channel, ref credentials.Reference) (*url.URL, error) {
	u, err := s.Resolver.URL(ctx, ref)
	if err != nil {
		return nil, err
	}
	Hide(s.Erase, "channel "+c.Name, u)
	return u, nil
}

// Hide makes secrets of what tells a URL from others of its service: who has
// it can write there.
func Hide(erase *redact.Redactor, name string, u *url.URL) {
	const telling = 12 // characters of what is no word
	erase.Add(name, u.String())
	password, _ := u.User.Password()
	erase.Add(name, password)
	texts := append(strings.Split(u.Path, "/"), u.User.Username(), u.Opaque)
	// Services put the parts of a token elsewhere.
	texts = append(texts, strings.FieldsFunc(password+"/"+u.User.Username(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	for _, values := range u.Query() {
		texts = append(texts, values...)
	}
	for _, text := range texts {
		if len(text) >= telling && strings.ContainsAny(text, "0123456789") && !strings.Contains(text, "@") {
			erase.Add(name, text)
		}
	}
}

// post sends each alert to a webhook.
func (s *Sender) post(ctx context.Context, c *credentials.Channel, list []*Alert, told func(*Alert) error) (left int, err error) {
	u, err := s.target(ctx, c, c.Webhook)
	if err != nil {
		return len(list), err
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return len(list), fmt.Errorf("%s holds no URL of a webhook: want https://…; a service's URL such as slack:// goes under notify", c.Webhook)
	}
	if err := providers.SecureURL(u); err != nil {
		return len(list), fmt.Errorf("%s: %w", c.Webhook, err)
	}
	var key []byte
	if !c.Secret.IsZero() {
		secret, err := s.Resolver.Secret(ctx, c.Secret)
		if err != nil {
			return len(list), err
		}
		s.Erase.Add("channel "+c.Name, secret)
		if key, err = signingKey(secret); err != nil {
			return len(list), fmt.Errorf("%s: %w", c.Secret, err)
		}
	}
	for i, a := range list {
		body, err := s.body(a)
		if err == nil {
			err = s.postOne(ctx, u, a.ID, body, key)
		}
		if err == nil {
			err = told(a)
		}
		if err != nil {
			return len(list) - i, err
		}
	}
	return 0, nil
}

// ErrLeak says that a secret was found in what was about to be sent.
var ErrLeak = errors.New("a secret would have been sent: this is a defect of authspec, please report it")

// body is an alert as JSON.
func (s *Sender) body(a *Alert) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a); err != nil {
		return nil, err
	}
	if _, found := s.Erase.Leak(b.Bytes()); found {
		return nil, ErrLeak
	}
	return b.Bytes(), nil
}

// signingKey reads a secret as Standard Webhooks has it: whsec_ and base64, or
// any text.
func signingKey(secret string) ([]byte, error) {
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, errors.New("want base64 behind whsec_")
		}
		return key, nil
	}
	return []byte(secret), nil
}

// sign is the signature of Standard Webhooks: HMAC-SHA256 over id, time and
// body. https://github.com/standard-webhooks/standard-webhooks
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// postOne posts once more, twice at most, when no answer came or one that
// tells of a fault over there.
func (s *Sender) postOne(ctx context.Context, u *url.URL, id string, body, key []byte) error {
	client := s.client()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		at := fmt.Sprint(time.Now().Unix())
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", "authspec/"+s.Version)
		req.Header.Set("Webhook-Id", id)
		req.Header.Set("Webhook-Timestamp", at)
		if key != nil {
			req.Header.Set("Webhook-Signature", sign(key, id, at, body))
		}
		resp, err := client.Do(req)
		if err != nil {
			return struct{}{}, withoutURL(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
		switch code := resp.StatusCode; {
		case code < 300:
			return struct{}{}, nil
		case code == http.StatusTooManyRequests || code >= 500:
			return struct{}{}, fmt.Errorf("%s answers %d", u.Host, code)
		case code < 400:
			return struct{}{}, backoff.Permanent(fmt.Errorf("%s redirects (%d), which is not followed: name the address it leads to", u.Host, code))
		default:
			return struct{}{}, backoff.Permanent(fmt.Errorf("%s refuses alerts: it answers %d", u.Host, code))
		}
	}, backoff.WithMaxTries(attempts))
	return err
}

// withoutURL takes the URL out of an error: it may be all that is secret.
func withoutURL(err error) error {
	var of *url.Error
	if !errors.As(err, &of) {
		return err
	}
	if u, parseErr := url.Parse(of.URL); parseErr == nil {
		return fmt.Errorf("%s: %w", u.Host, of.Err)
	}
	return of.Err
}

func (s *Sender) client() *http.Client {
	return &http.Client{Transport: s.Carrier, Timeout: perAttempt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// notify sends all alerts to a service, in as few messages as they fit.
func (s *Sender) notify(ctx context.Context, c *credentials.Channel, list []*Alert, told func(*Alert) error) (left int, err error) {
	u, err := s.target(ctx, c, c.Notify)
	if err != nil {
		return len(list), err
	}
	if err := secureService(u); err != nil {
		return len(list), fmt.Errorf("%s: %w", c.Notify, err)
	}
	service, err := router.NewWithOptions(nil, types.SenderOptions{HTTPClient: s.client(), Timeout: perAttempt}, u.String())
	if err != nil {
		return len(list), fmt.Errorf("%s: %s", c.Notify, s.Erase.String(reason(err)))
	}
	for done := 0; done < len(list); {
		text, n := message(list[done:])
		if _, found := s.Erase.Leak([]byte(text)); found {
			return len(list) - done, ErrLeak
		}
		params := types.Params{}
		params.SetTitle(title(list))
		for _, err := range service.Send(text, &params) {
			if err != nil {
				return len(list) - done, fmt.Errorf("%s: %s", u.Scheme, s.Erase.String(reason(err)))
			}
		}
		for _, a := range list[done : done+n] {
			if err := told(a); err != nil {
				return len(list) - done, err
			}
		}
		done += n
	}
	return 0, nil
}

// reason is what a service's error says, without what it wraps twice.
func reason(err error) string {
	var at *types.TargetError
	if errors.As(err, &at) {
		err = at.Err
	}
	return strings.TrimPrefix(withoutURL(err).Error(), "error initializing router services: ")
}

// secureService refuses the options of shoutrrr that leave TLS unverified, but
// for this machine.
func secureService(u *url.URL) error {
	if host := u.Hostname(); host == "localhost" || host == "127.0.0.1" || host == "::1" {
		return nil
	}
	for name, values := range u.Query() {
		switch strings.ToLower(name) {
		case "disabletls", "disabletlsverification", "insecureskipverify", "skiptlsverify":
			if slices.ContainsFunc(values, func(v string) bool { return !strings.EqualFold(v, "no") && v != "0" && !strings.EqualFold(v, "false") }) {
				return fmt.Errorf("%s is refused: alerts name accounts, so TLS is verified; --ca-cert trusts an authority of your own", name)
			}
		}
	}
	return nil
}

// title says what a message holds.
func title(list []*Alert) string {
	if len(list) == 1 {
		return "authspec: " + list[0].Title
	}
	return fmt.Sprintf("authspec: %d alerts", len(list))
}

// message is as many alerts as fit into one, and how many they are. When there
// are too many altogether, the rest is told as a number.
func message(list []*Alert) (text string, n int) {
	var b strings.Builder
	for n < len(list) {
		next := list[n].Text()
		if n == mostInAText {
			fmt.Fprintf(&b, "\nand %d more: authspec history lists them\n", len(list)-n)
			return b.String(), len(list)
		}
		if n > 0 && b.Len()+len(next) > longestText {
			break
		}
		if n > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(shorten(next))
		n++
	}
	return b.String(), n
}

// shorten cuts what no service would take.
func shorten(text string) string {
	if r := []rune(text); len(r) > longestText {
		return string(r[:longestText-1]) + "…"
	}
	return text
}
