package site

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/history"
)

// private stands in whatever of a history must not become public.
const private = "PrivateMatter"

// A patient is a credential of the example that ended so. One scenario was run
// with it.
func patient(name string, v check.Verdict, cause check.Cause) health.Credential {
	return health.Credential{Name: private + name, Provider: "example", Owner: private + "@example.com", Tags: []string{private}, Environment: "sandbox", Verdict: v, Cause: cause, Confirmed: true,
		Message: private, Advice: private, Requests: 1,
		Ran: []health.Ran{{Scenario: opens, URI: "features/example.feature", Line: 99, Verdict: v, Cause: cause}}}
}

const opens = "Example access tokens › A token opens the account"

func drifts(c health.Credential) health.Credential {
	c.Drift = []health.Drift{{Verdict: check.Drifted, Cause: check.Shape, Scenario: opens, URI: "features/example.feature", Line: 99, Message: private, Advice: private}}
	c.Ran = []health.Ran{{Scenario: opens, URI: "features/example.feature", Line: 99, Verdict: check.Drifted, Cause: check.Shape}}
	return c
}

func answered(status int, code string, c health.Credential) health.Credential {
	c.Evidence = &health.Evidence{Scenario: private, URI: private, Exchange: check.Exchange{Call: "token", Method: "POST", URL: "https://" + private, Status: status, ResponseBody: private, ResponseHeader: map[string][]string{"X": {private}}, Curl: private}}
	c.Met = []health.Met{{Call: "token", Status: status, Code: code}}
	return c
}

// historyOf writes a history of nights, the last of them today.
func historyOf(t *testing.T, nights ...[]health.Credential) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.history.db")
	store, err := history.Open(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, night := range nights {
		at := today.AddDate(0, 0, i+1-len(nights))
		recording, err := store.Begin("0.1.0", 1, len(night), at)
		if err != nil {
			t.Fatal(err)
		}
		for j := range night {
			if err := recording.Keep(&night[j], at.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if err := recording.End(&health.Run{Started: at, Duration: time.Minute, Credentials: night}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func nightsOf(t *testing.T, nights ...[]health.Credential) []*Night {
	t.Helper()
	runs, read, err := ReadResults([]string{historyOf(t, nights...)})
	if err != nil || len(runs) != 0 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	return read
}

// What a night says about a provider is made of all its credentials.
func TestNightVerdict(t *testing.T) {
	works, refused := patient("a", check.Passed, ""), patient("b", check.Rejected, check.CredentialRejected)
	suspected, silent := refused, patient("c", check.Inconclusive, check.ProviderDown)
	suspected.Confirmed = false
	deferred, unset := patient("d", check.Skipped, check.Deferred), patient("e", check.Invalid, check.NoCredential)
	bad := works
	bad.Name, bad.Control = "bad", credentials.KnownBad
	assumed := works
	assumed.Drift = []health.Drift{{Verdict: check.Inconclusive, Cause: check.AssumptionWrong}}
	for name, tt := range map[string]struct {
		night []health.Credential
		want  check.Verdict
	}{
		"one works":                           {[]health.Credential{works}, check.Passed},
		"one was revoked, another works":      {[]health.Credential{refused, works, unset}, check.Passed},
		"all are refused":                     {[]health.Credential{refused, silent}, check.Rejected},
		"one is suspected":                    {[]health.Credential{suspected}, check.Inconclusive},
		"nothing came back":                   {[]health.Credential{silent, deferred}, check.Inconclusive},
		"a contract is broken":                {[]health.Credential{refused, drifts(works)}, check.Drifted},
		"what was assumed is wrong":           {[]health.Credential{assumed}, check.Passed},
		"only a control that must be refused": {[]health.Credential{bad}, check.Inconclusive},
		"no turn":                             {[]health.Credential{deferred, unset}, check.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			nights := nightsOf(t, tt.night)
			if len(nights) != 1 || nights[0].Verdict != tt.want || nights[0].Provider != "example" || !nights[0].At.Equal(today) {
				t.Errorf("got %+v, want %s", nights[0], tt.want)
			}
		})
	}
}

func TestNightsOnThePages(t *testing.T) {
	works, silent := patient("a", check.Passed, ""), patient("a", check.Inconclusive, check.ProviderDown)
	nights := nightsOf(t,
		[]health.Credential{answered(401, "invalid_client", patient("b", check.Rejected, check.CredentialRejected)), works},
		[]health.Credential{drifts(works)},
		[]health.Credential{answered(503, "", silent)},
	)
	s := build(t, workspace(t, example()), Options{Nights: nights})
	page, index := string(s.Files["providers/example.html"]), string(s.Files["index.html"])
	for _, want := range []string{
		"the real provider could not be told (nightly check), <time datetime=\"2026-11-22", "The last 3 runs", "nightly check", "the real provider breaks its contract", "the real provider accepts its credentials",
		"seen 20 November 2026", "An answer of the real provider broke this contract.", "nightly check, 21 November 2026",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	// The status is that of the last night; verified it was when it could be told.
	if !strings.Contains(index, `<time datetime="2026-11-21T02:30:00Z">21 November 2026</time> <span class="soft">live</span>`) || !strings.Contains(index, "</svg> inconclusive</span></td>") {
		t.Error(string(mainOf([]byte(index))))
	}
	if !bytes.Contains(s.Files["index.json"], []byte(`"by": "check"`)) {
		t.Errorf("%s", s.Files["index.json"])
	}
	for name, content := range s.Files {
		if bytes.Contains(content, []byte(private)) {
			t.Errorf("%s tells what is private", name)
		}
	}
}

// What became of a scenario is what the last night says in which anybody could
// tell.
func TestNightsAndScenarios(t *testing.T) {
	works := patient("a", check.Passed, "")
	outcomes := func(runs []*check.Run, nights ...[]health.Credential) string {
		opts := &Options{Now: today, Runs: runs, Nights: nightsOf(t, nights...)}
		w := workspace(t, example())
		ev, err := gather(t.Context(), w, opts)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range ev.plan["example"] {
			o := ev.outcome("example", s)
			got = append(got, fmt.Sprint(o.Verdict, " ", o.Mode))
		}
		return strings.Join(got, ", ")
	}
	live := exampleRun(check.Live, today.AddDate(0, 0, 1))
	for name, tt := range map[string]struct{ got, want string }{
		"a night that worked":   {outcomes(nil, []health.Credential{works}), "passed simulated, passed simulated, passed live, passed simulated"},
		"broken last night":     {outcomes(nil, []health.Credential{works}, []health.Credential{drifts(works)}), "passed simulated, passed simulated, drifted live, passed simulated"},
		"mended since":          {outcomes(nil, []health.Credential{drifts(works)}, []health.Credential{works}), "passed simulated, passed simulated, passed live, passed simulated"},
		"nobody could tell":     {outcomes(nil, []health.Credential{drifts(works)}, []health.Credential{patient("a", check.Inconclusive, check.Timeout)}), "passed simulated, passed simulated, drifted live, passed simulated"},
		"a live run came after": {outcomes([]*check.Run{live}, []health.Credential{drifts(works)}), "passed live, passed live, passed live, passed live"},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHistoriesAreToldByTheirContent(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	report := write("run.db", `{"version": 1, "mode": "live", "started": "2026-11-21T02:30:00Z", "scenarios": []}`)
	runs, nights, err := ReadResults([]string{report, historyOf(t, []health.Credential{patient("a", check.Passed, "")})})
	if err != nil || len(runs) != 1 || len(nights) != 1 {
		t.Errorf("%d runs, %d nights, %v", len(runs), len(nights), err)
	}
	for name, content := range map[string]string{"empty": "", "short": "SQLite", "broken.db": string(sqliteMagic) + "and then something else"} {
		if _, _, err := ReadResults([]string{write(name, content)}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := ReadResults([]string{filepath.Join(dir, "none")}); err == nil || !strings.HasPrefix(err.Error(), "--results: ") {
		t.Errorf("got %v", err)
	}
}
