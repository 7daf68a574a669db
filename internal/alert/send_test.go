package alert

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/transport"
)

// The vector that the libraries of Standard Webhooks are tested with.
func TestSignature(t *testing.T) {
	key, err := signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A sending is a sender, and what its channels were told.
type sending struct {
	Sender
	mu   sync.Mutex
	told []string
}

func newSending(t *testing.T, carrier http.RoundTripper, values map[string]string) *sending {
	t.Helper()
	if carrier == nil {
		live, err := transport.NewLive(nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(live.CloseIdleConnections)
		carrier = live
	}
	resolver, err := credentials.NewResolver(&credentials.File{Path: "c.yaml"}, func(name string) (string, bool) { v, ok := values[name]; return v, ok }, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &sending{Sender: Sender{Carrier: carrier, Resolver: resolver, Erase: redact.New(), Version: "test"}}
	s.Told = func(a *Alert, channel string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, channel+" "+a.ID)
		return nil
	}
	return s
}

func env(name string) credentials.Reference {
	return credentials.Reference{Source: credentials.Env, Target: name}
}

func trials(n int, channels ...string) []Alert {
	var list []Alert
	for i := range n {
		list = append(list, Alert{Version: 1, ID: fmt.Sprintf("alert_%d", i), Kind: CredentialRejected, At: monday, Title: fmt.Sprintf("shop-%d is rejected", i), Message: "refused", Channels: channels})
	}
	return list
}

func TestAWebhookThatFailsIsAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answers  []int
		requests int
		told     int
		want     string
	}{
		"takes it":         {[]int{204, 200}, 2, 2, ""},
		"fails twice":      {[]int{500, 503, 200, 200}, 4, 2, ""},
		"fails for good":   {[]int{500, 500, 500}, 3, 0, "channel hook: 127.0.0.1:PORT answers 500: 2 alerts wait for the next check"},
		"is overrun":       {[]int{429, 200, 200}, 3, 2, ""},
		"refuses":          {[]int{401}, 1, 0, "channel hook: 127.0.0.1:PORT refuses alerts: it answers 401: 2 alerts wait for the next check"},
		"redirects":        {[]int{308}, 1, 0, "channel hook: 127.0.0.1:PORT redirects (308), which is not followed: name the address it leads to: 2 alerts wait for the next check"},
		"refuses a second": {[]int{200, 400}, 2, 1, "channel hook: 127.0.0.1:PORT refuses alerts: it answers 400: 1 alert waits for the next check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var ids []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				ids = append(ids, r.Header.Get("Webhook-Id"))
				if r.Header.Get("Webhook-Signature") != "" || r.Method != http.MethodPost {
					t.Errorf("%s %v", r.Method, r.Header)
				}
				w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
				w.WriteHeader(c.answers[min(len(ids), len(c.answers))-1])
			}))
			defer server.Close()
			s := newSending(t, nil, map[string]string{"HOOK": server.URL + "/a-path-that-1-person-knows"})
			err := s.Send(t.Context(), []credentials.Channel{{Name: "hook", Webhook: env("HOOK")}}, trials(2, "hook"))
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), strings.TrimPrefix(server.URL, "http://"), "127.0.0.1:PORT")
			}
			if got != c.want || len(ids) != c.requests || len(s.told) != c.told {
				t.Errorf("got %q, %d requests, told %q", got, len(ids), s.told)
			}
			if len(ids) > 1 && c.answers[0] >= 429 && ids[0] != ids[1] {
				t.Errorf("the second attempt has another ID: %q", ids)
			}
		})
	}
}

// What is sent, and what an error says, holds no secret: not even the URL of
// the channel itself.
func TestNoSecretIsSentOrSaid(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // so that nobody answers
	hook := server.URL + "/hooks/T0K3N-0F-THE-H00K?key=4n0ther-0n3"
	s := newSending(t, nil, map[string]string{"HOOK": hook, "SLACK": "slack://hook:T00000000-B00000000-s3cr3tT0k3nThatWrites123@webhook?botname=x"})
	s.Erase.Add("secret", "hunter2hunter2")
	news := trials(1, "hook", "slack")
	news[0].Message = "the provider says hunter2hunter2"
	transportOf := httpmock.NewMockTransport()
	err := s.Send(t.Context(), []credentials.Channel{{Name: "hook", Webhook: env("HOOK")}}, news)
	if err == nil || strings.Contains(err.Error(), "T0K3N") || strings.Contains(err.Error(), "4n0ther") {
		t.Errorf("got %v", err)
	}
	s.Carrier = transportOf
	transportOf.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "hunter2") || !strings.Contains(string(body), "redacted:secret") {
			t.Errorf("sent %s", body)
		}
		return nil, fmt.Errorf("no route to %s", r.URL)
	})
	err = s.Send(t.Context(), []credentials.Channel{{Name: "slack", Notify: env("SLACK")}}, news)
	if err == nil || strings.Contains(err.Error(), "s3cr3tT0k3n") {
		t.Errorf("got %v", err)
	}
	if len(s.told) > 0 {
		t.Errorf("told %q", s.told)
	}
}

// Services are reached through our own transport, in one message for all
// alerts of a check.
func TestServicesGetOneMessage(t *testing.T) {
	for name, c := range map[string]struct{ url, host string }{
		"slack":   {"slack://hook:T00000000-B00000000-s3cr3tT0k3nThatWrites123@webhook", "hooks.slack.com"},
		"teams":   {"teams://?host=" + url.QueryEscape("https://prod-00.westus.logic.azure.com:443/workflows/abc123/triggers/manual/paths/invoke?api-version=2016-06-00&sp=/triggers/manual/run&sv=1.0&sig=s1gn4tur3"), "prod-00.westus.logic.azure.com:443"},
		"discord": {"discord://t0k3nOfTheWebhook4711@123456789012345678", "discord.com"},
	} {
		t.Run(name, func(t *testing.T) {
			carrier := httpmock.NewMockTransport()
			var bodies []string
			var host string
			carrier.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(body))
				host = r.URL.Host
				return httpmock.NewStringResponse(map[string]int{"discord": 204}[name]|200, "ok"), nil
			})
			s := newSending(t, carrier, map[string]string{"URL": c.url})
			err := s.Send(t.Context(), []credentials.Channel{{Name: "c", Notify: env("URL")}}, trials(3, "c"))
			if err != nil || len(bodies) != 1 || host != c.host || !strings.Contains(bodies[0], "shop-0 is rejected") || !strings.Contains(bodies[0], "shop-2 is rejected") || len(s.told) != 3 {
				t.Errorf("%v: %s: %q, told %q", err, host, bodies, s.told)
			}
		})
	}
}

func TestMail(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	mails := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		mails <- smtp(conn)
	}()
	s := newSending(t, nil, map[string]string{"MAIL": "smtp://" + listener.Addr().String() + "/?from=authspec@example.com&to=growth@example.com&auth=None&encryption=None&usestarttls=no"})
	if err := s.Send(t.Context(), []credentials.Channel{{Name: "mail", Notify: env("MAIL")}}, trials(1, "mail")); err != nil {
		t.Fatal(err)
	}
	mail := <-mails
	for _, want := range []string{"Subject: authspec: shop-0 is rejected", "To: growth@example.com", "refused"} {
		if !strings.Contains(mail, want) {
			t.Errorf("no %q in\n%s", want, mail)
		}
	}
}

// smtp takes one mail.
func smtp(conn net.Conn) string {
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 test")
	var mail strings.Builder
	inData := false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case inData && line == ".":
			inData = false
			say("250 taken")
		case inData:
			mail.WriteString(line + "\n")
		case strings.HasPrefix(line, "DATA"):
			inData = true
			say("354 go on")
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			return mail.String()
		default:
			say("250 ok")
		}
	}
	return mail.String()
}

func TestManyAlertsAreFewMessages(t *testing.T) {
	list := []*Alert{}
	for i, a := range trials(200) {
		a.Message = strings.Repeat("x", i*20)
		list = append(list, &a)
	}
	messages := 0
	for done := 0; done < len(list); messages++ {
		text, n := message(list[done:])
		if n == 0 || len([]rune(text)) > longestText+100 {
			t.Fatalf("%d alerts in %d characters", n, len([]rune(text)))
		}
		done += n
	}
	short := []*Alert{}
	for _, a := range trials(100) {
		short = append(short, &a)
	}
	if text, n := message(short); n != 100 || !strings.Contains(text, "and 80 more: authspec history lists them") {
		t.Errorf("%d alerts: %s", n, text)
	}
}

func TestBadTargets(t *testing.T) {
	values := map[string]string{
		"NOTHING": "", "WORDS": "no url", "PLAIN": "http://hooks.example.com/x", "SERVICE": "slack://x", "PLACEHOLDER": "changeme",
		"UNKNOWN": "slak://token@webhook", "UNSAFE": "smtp://mail.example.com/?from=a@b.c&to=d@e.f&skiptlsverify=yes", "HALF": "slack://nothing", "KEY": "whsec_%%%", "HTTPS": "https://hooks.example.com/x",
	}
	for name, c := range map[string]struct {
		channel credentials.Channel
		want    string
	}{
		"not set":          {credentials.Channel{Webhook: env("MISSING")}, "MISSING is not set"},
		"empty":            {credentials.Channel{Webhook: env("NOTHING")}, "NOTHING is not set"},
		"placeholder":      {credentials.Channel{Notify: env("PLACEHOLDER")}, "env:PLACEHOLDER is a placeholder, not a value"},
		"no URL":           {credentials.Channel{Webhook: env("WORDS")}, "env:WORDS holds no URL"},
		"plain http":       {credentials.Channel{Webhook: env("PLAIN")}, "env:PLAIN: plain http only goes to this machine"},
		"a service's URL":  {credentials.Channel{Webhook: env("SERVICE")}, "env:SERVICE holds no URL of a webhook"},
		"an unknown one":   {credentials.Channel{Notify: env("UNKNOWN")}, "env:UNKNOWN: "},
		"half of one":      {credentials.Channel{Notify: env("HALF")}, "env:HALF: slack: "},
		"unverified TLS":   {credentials.Channel{Notify: env("UNSAFE")}, "env:UNSAFE: skiptlsverify is refused"},
		"a bad key":        {credentials.Channel{Webhook: env("HTTPS"), Secret: env("KEY")}, "env:KEY: want base64 behind whsec_"},
		"a key that is no": {credentials.Channel{Webhook: env("HTTPS"), Secret: env("MISSING")}, "MISSING is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSending(t, httpmock.NewMockTransport(), values)
			c.channel.Name = "c"
			err := s.Send(t.Context(), []credentials.Channel{c.channel}, trials(1, "c"))
			if err == nil || !strings.HasPrefix(err.Error(), "channel c: "+c.want) || !strings.HasSuffix(err.Error(), ": 1 alert waits for the next check") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer server.Close()
	s := newSending(t, nil, map[string]string{"HOOK": server.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, []credentials.Channel{{Name: "hook", Webhook: env("HOOK")}}, trials(1, "hook")); err == nil {
		t.Error("was told")
	}
}

func TestHide(t *testing.T) {
	u, err := url.Parse("https://user-4711-of-it:p4ssw0rd-x@hooks.example.com/services/T024BE7LD1234/hello?to=growth@example.com&sig=abc123def456ghi")
	if err != nil {
		t.Fatal(err)
	}
	erase := redact.New()
	Hide(erase, "channel x", u)
	for _, secret := range []string{"p4ssw0rd-x", "T024BE7LD1234", "abc123def456ghi", "user-4711-of-it"} {
		if _, found := erase.Leak([]byte("a " + secret + " b")); !found {
			t.Errorf("%s is not hidden", secret)
		}
	}
	plain := []string{"services", "hello", "growth@example.com", "hooks.example.com"}
	if i := slices.IndexFunc(plain, func(s string) bool { _, found := erase.Leak([]byte(s)); return found }); i >= 0 {
		t.Errorf("%s is hidden", plain[i])
	}
}
