package mock_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/mock"
)

func TestParseFaultSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ spec, want string }{
		{"latncy=2s", `fault "latncy=2s": no word "latncy" (did you mean "latency"?): there are content-type, html, huge, latency, on, rate, redirect, reset, retry-after, retry-after-date, slow, status, times, truncate`},
		{"", `fault "": no word "": there are content-type, html, huge, latency, on, rate, redirect, reset, retry-after, retry-after-date, slow, status, times, truncate`},
		{"status=503,", `fault "status=503,": no word "": there are content-type, html, huge, latency, on, rate, redirect, reset, retry-after, retry-after-date, slow, status, times, truncate`},
		{"status=503,status=502", `fault "status=503,status=502": status stands there twice`},
		{"status", `fault "status": want status=N`},
		{"status=", `fault "status=": want status=N`},
		{"status=99", `fault "status=99": status: want a status from 200 to 599 that has a body`},
		{"status=204", `fault "status=204": status: want a status from 200 to 599 that has a body`},
		{"reset=1", `fault "reset=1": reset has no value`},
		{"rate=0.1", `fault "rate=0.1": nothing goes wrong: add latency=2s, status=503 or the like`},
		{"reset,rate=2", `fault "reset,rate=2": rate: want a number above 0, up to 1`},
		{"reset,rate=NaN", `fault "reset,rate=NaN": rate: want a number above 0, up to 1`},
		{"reset,times=0", `fault "reset,times=0": times: want a whole number above 0`},
		{"latency=2", `fault "latency=2": latency: want a duration such as 2s or 300ms, at most 10m0s`},
		{"latency=11m", `fault "latency=11m": latency: want a duration such as 2s or 300ms, at most 10m0s`},
		{"huge=2GB", `fault "huge=2GB": huge: want a size such as 64MB, at most 1GB`},
		{"reset,status=503", `fault "reset,status=503": a connection that is reset carries no answer: only latency goes with reset`},
		{"slow=1s,truncate", `fault "slow=1s,truncate": want one of huge, slow and truncate`},
		{"html,redirect=/login", `fault "html,redirect=/login": want one of html, huge and redirect`},
		{"redirect=/login,status=200", `fault "redirect=/login,status=200": a redirect has a status from 300 to 399`},
		{"retry-after=1s,retry-after-date=1s", `fault "retry-after=1s,retry-after-date=1s": want one of retry-after and retry-after-date`},
		{"content-type=a\nb", "fault \"content-type=a\\nb\": content-type: want printable ASCII"},
	} {
		if f, err := mock.ParseFault(test.spec); err == nil || err.Error() != test.want {
			t.Errorf("%q:\ngot  %v %v\nwant %s", test.spec, f, err, test.want)
		}
	}
}

// Faults on the wire, asked for by header, as a client of net/http meets them.
func TestFaults(t *testing.T) {
	for _, tls := range []bool{false, true} {
		t.Run(map[bool]string{false: "http", true: "https"}[tls], func(t *testing.T) {
			s := start(t, mock.Options{HeaderFaults: true, TLS: tls}, "antsomi")
			e := s.endpoint("antsomi")
			try := func(t *testing.T, fault string) (response, time.Duration, error) {
				t.Helper()
				began := time.Now()
				header := http.Header{mock.FaultHeader: {fault}, "Content-Type": formType["Content-Type"]}
				got, err := s.try("POST", e.BaseURL+"/oauth/token", header, tokenForm(e.Credentials, "item"))
				if err == nil && got.header.Get(mock.FaultHeader) != fault {
					t.Errorf("%s: the response does not say that it is a fault", fault)
				}
				return got, time.Since(began), err
			}
			for _, test := range []struct {
				fault, contentType string
				status             int
				header             map[string]string
				body               string
			}{
				{"status=500", "application/json", 500, nil, `"fault":"status=500"`},
				{"status=502", "application/json", 502, nil, ""},
				{"status=503,retry-after=90s", "application/json", 503, map[string]string{"Retry-After": "90"}, ""},
				{"retry-after=1500ms", "application/json", 429, map[string]string{"Retry-After": "2"}, ""},
				{"html", "text/html; charset=utf-8", 502, nil, "<h1>502 Bad Gateway</h1>"},
				{"html,status=200", "text/html; charset=utf-8", 200, nil, "<h1>200 OK</h1>"},
				{"redirect=https://login.example.com/?a=b", "", 302, map[string]string{"Location": "https://login.example.com/?a=b"}, ""},
				{"redirect=/login,status=307", "", 307, map[string]string{"Location": "/login"}, ""},
				{"content-type=text/plain", "text/plain", 200, nil, "accessToken"},
				{"latency=1ms", "application/json; charset=utf-8", 200, nil, "accessToken"},
			} {
				got, _, err := try(t, test.fault)
				if err != nil || got.status != test.status || got.header.Get("Content-Type") != test.contentType || !strings.Contains(got.body, test.body) {
					t.Errorf("%s: %v %d %v %s", test.fault, err, got.status, got.header, got.body)
				}
				for name, want := range test.header {
					if got.header.Get(name) != want {
						t.Errorf("%s: %s: %s", test.fault, name, got.header.Get(name))
					}
				}
			}
			t.Run("retry-after-date", func(t *testing.T) {
				got, _, _ := try(t, "retry-after-date=90s")
				at, err := http.ParseTime(got.header.Get("Retry-After"))
				if left := time.Until(at); err != nil || got.status != 429 || left < 88*time.Second || left > 91*time.Second {
					t.Errorf("%d %v %s", got.status, err, left)
				}
			})
			t.Run("latency", func(t *testing.T) {
				if got, took, err := try(t, "latency=300ms"); err != nil || got.status != 200 || took < 300*time.Millisecond {
					t.Errorf("%v %d after %s", err, got.status, took)
				}
			})
			t.Run("slow", func(t *testing.T) {
				got, took, err := try(t, "slow=400ms")
				if err != nil || !json.Valid([]byte(got.body)) || took < 400*time.Millisecond || got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
					t.Errorf("%v after %s: %v %q", err, took, got.header, got.body)
				}
			})
			t.Run("truncate", func(t *testing.T) {
				got, _, err := try(t, "truncate")
				if !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 200 || got.body == "" || json.Valid([]byte(got.body)) {
					t.Errorf("%v: %d %q", err, got.status, got.body)
				}
			})
			t.Run("reset", func(t *testing.T) {
				if _, _, err := try(t, "reset"); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v", err)
				}
			})
			t.Run("huge", func(t *testing.T) {
				got, _, err := try(t, "huge=8MB")
				if err != nil || !json.Valid([]byte(got.body)) || len(got.body) < 8<<20 || len(got.body) > 8<<20+64 || got.header.Get("Content-Length") != "" {
					t.Errorf("%v: %d bytes, %v", err, len(got.body), got.header)
				}
			})
			t.Run("bad", func(t *testing.T) {
				for fault, want := range map[string]string{
					"stauts=503":          `did you mean \"status\"?`,
					"status=503,rate=0.1": "rate, times and on mean something for many requests",
					"status=503,on=token": "leave them out of Authspec-Fault",
				} {
					got := s.send("POST", e.BaseURL+"/oauth/token", http.Header{mock.FaultHeader: {fault}}, "")
					if got.status != 400 || !strings.Contains(got.body, want) {
						t.Errorf("%s: %d %s", fault, got.status, got.body)
					}
				}
			})
		})
	}
}

func TestAFaultThatReplacesTheAnswerIsNotSeenByTheProvider(t *testing.T) {
	s := start(t, mock.Options{Control: true, Limits: true}, "ankorstore")
	e := s.endpoint("ankorstore")
	for range 61 {
		s.send("POST", e.BaseURL+"/oauth/token", http.Header{mock.FaultHeader: {"status=503"}}, "")
	}
	if got := s.token(e, e.Credentials, "*"); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// statuses sends n token requests and returns their statuses.
func statuses(t *testing.T, opts mock.Options, n int, specs ...string) string {
	t.Helper()
	for _, spec := range specs {
		f, err := mock.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		opts.Faults = append(opts.Faults, f)
	}
	s := start(t, opts, "antsomi")
	var list []string
	for range n {
		list = append(list, strconv.Itoa(s.token(s.endpoint("antsomi"), s.endpoint("antsomi").Credentials, "item").status))
	}
	return strings.Join(list, " ")
}

func TestFaultsComeAtTheirRateBySeed(t *testing.T) {
	first := statuses(t, mock.Options{Seed: 1}, 300, "status=503,rate=0.1")
	if n := strings.Count(first, "503"); n < 15 || n > 50 {
		t.Errorf("%d of 300 at a rate of 0.1", n)
	}
	if second := statuses(t, mock.Options{Seed: 1}, 300, "status=503,rate=0.1"); second != first {
		t.Error("the same seed, and other faults")
	}
	if second := statuses(t, mock.Options{Seed: 2}, 300, "status=503,rate=0.1"); second == first {
		t.Error("another seed, and the same faults")
	}
}

func TestFaultsComeTheirTimesInTheirOrder(t *testing.T) {
	if got, want := statuses(t, mock.Options{}, 5, "status=503,times=2", "retry-after=1s,times=1", "status=500,on=me"), "503 503 429 200 200"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheNotationOfFaultsIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/mock.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range mock.FaultNotation() {
		if !strings.Contains(string(page), "`"+word[0]+"`") {
			t.Errorf("docs/mock.md does not mention `%s`", word[0])
		}
	}
}
