package report

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// statusOf is the page of a night as it is written.
func statusOf(t testing.TB, page StatusPage, erase *redact.Redactor) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "status.html")
	if page.Now.IsZero() {
		page.Now = at(100)
	}
	if err := WriteStatusPage(file, page, erase); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// standings are what a history has of a run.
func standings(run *health.Run) []health.Standing {
	var list []health.Standing
	for i := range run.Credentials {
		c := &run.Credentials[i]
		list = append(list, health.Standing{At: at(83), Record: c.Record(at(83)), State: c.State})
	}
	return list
}

// statusNight is a night as the check itself leaves it: everybody has a state.
func statusNight() *health.Run {
	run := sampleNight()
	for i := range run.Credentials {
		c := &run.Credentials[i]
		c.State.LastRun = at(1)
	}
	return run
}

func TestStatusGolden(t *testing.T) {
	for name, run := range nights() {
		golden(t, "status."+name+".html", stable("html", []byte(statusOf(t, StatusPage{Run: run, Standings: standings(sampleNight())}, nil))))
	}
	golden(t, "status.history.html", stable("html", []byte(statusOf(t, StatusPage{Standings: standings(statusNight()), Title: "Growth"}, nil))))
	golden(t, "status.stale.html", stable("html", []byte(statusOf(t, StatusPage{Standings: standings(statusNight()), Now: at(0).AddDate(0, 0, 3)}, nil))))
}

// What a person asks first stands first.
func TestStatusOrder(t *testing.T) {
	page := statusOf(t, StatusPage{Run: statusNight()}, nil)
	last := 0
	for _, s := range []string{
		">Attention<", "2 need a person", "3 of 9 work, checked 2026-11-21", "1 is suspected", "3 could not be told", "1 broken contract", "1 secret expires within 30 days",
		"Good until 2026-11-22", "growth@example.com <span", `id="antsomi-eu"`, "rejected: credential rejected", "flapping", "in 2 checks in a row", "To do:", "Worked last", "Rule <code>second_look</code>",
		"Valid credentials receive a token", "features/antsomi.feature:17", "invalid_client", "Reproduce", "Owners who are not named", `id="ankorstore-fr"`, "Missing scopes", "<code>orders</code>",
		">Could not be told ", "Antsomi as a whole cannot be reached", `id="antsomi-jp"`, `id="antsomi-us"`, "Contracts</h2>", "A token opens the inventory", "Met by <a href=\"#gigastore\">",
		"Work, and worth a look", "expires in 5 days, on 2026-11-27", `id="works"`, "known-bad control",
	} {
		at := strings.Index(page[last:], s)
		if at < 0 {
			t.Fatalf("%q stands too early or not at all", s)
		}
		last += at
	}
	if n := strings.Count(page, "antsomi: token: status 503"); n != 1 {
		t.Errorf("the outage is told %d times", n)
	}
}

func TestStatusWord(t *testing.T) {
	green := func(n int) []health.Standing {
		var list []health.Standing
		for i := range n {
			list = append(list, health.Standing{Record: health.Record{Name: fmt.Sprint("c", i), Provider: "antsomi", Verdict: check.Passed, Confirmed: true, Since: at(0)}, State: health.State{Verdict: check.Passed, Checked: at(0), LastRun: at(0)}})
		}
		return list
	}
	with := func(change func(*health.Standing)) []health.Standing {
		list := green(3)
		change(&list[1])
		return list
	}
	for name, tt := range map[string]struct {
		list []health.Standing
		now  time.Time
		want string
	}{
		"all work":         {green(3), at(60), "All work"},
		"nothing":          {nil, at(60), "Nothing checked"},
		"a moment before":  {green(3), at(0).Add(36 * time.Hour), "All work"},
		"too old":          {green(3), at(1).Add(36 * time.Hour), "Stale"},
		"one is too old":   {with(func(s *health.Standing) { s.State.Checked = at(0).Add(-48 * time.Hour) }), at(60), "Stale"},
		"never checked":    {with(func(s *health.Standing) { s.State.Checked = time.Time{} }), at(60), "Stale"},
		"refused for sure": {with(func(s *health.Standing) { s.Record.Verdict, s.Record.Cause = check.Rejected, check.Expired }), at(60), "Attention"},
		"suspected": {with(func(s *health.Standing) {
			s.Record.Verdict, s.Record.Cause, s.Record.Confirmed = check.Rejected, check.Expired, false
		}), at(60), "Unclear"},
		"not set up":      {with(func(s *health.Standing) { s.Record.Verdict, s.Record.Cause = check.Invalid, check.NoCredential }), at(60), "Attention"},
		"no answer":       {with(func(s *health.Standing) { s.Record.Verdict, s.Record.Cause = check.Inconclusive, check.Timeout }), at(60), "Unclear"},
		"not proven":      {with(func(s *health.Standing) { s.Record.Verdict, s.Record.Cause = check.Inconclusive, check.NotProven }), at(60), "Attention"},
		"broken contract": {with(func(s *health.Standing) { s.Record.Drift = []health.RecordDrift{{Verdict: check.Drifted}} }), at(60), "Attention"},
		"wrong assumption": {with(func(s *health.Standing) {
			s.Record.Drift = []health.RecordDrift{{Verdict: check.Inconclusive, Cause: check.AssumptionWrong}}
		}), at(60), "All work"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStatus(&StatusPage{Standings: tt.list, Now: tt.now}, func(s string) string { return s })
			if s.Word != tt.want {
				t.Errorf("got %q, want %q", s.Word, tt.want)
			}
			if green := s.Gist == check.Passed; green != (tt.want == "All work") {
				t.Errorf("the colour is that of %s", s.Gist)
			}
		})
	}
}

// Nothing of what is stale is green.
func TestStatusStaleIsGrey(t *testing.T) {
	page := statusOf(t, StatusPage{Standings: standings(statusNight()), Now: at(0).AddDate(0, 0, 3)}, nil)
	_, main, _ := strings.Cut(page, "<main")
	for _, green := range []string{"i-passed", "v-passed", `data-verdict="passed"`} {
		if strings.Contains(main, green) {
			t.Errorf("the page holds %s", green)
		}
	}
	for _, s := range []string{`class="page stale"`, "Not checked since 2026-11-21", "stale, last passed", "stale, last rejected"} {
		if !strings.Contains(main, s) {
			t.Errorf("the page does not say %s", s)
		}
	}
}

// The result of the check counts, and who was not part of it is there too.
func TestStatusJoinsRunAndHistory(t *testing.T) {
	run := statusNight()
	run.Credentials = run.Credentials[7:8] // ankorstore-it, which works
	old := standings(statusNight())
	for i := range old {
		if old[i].Record.Name == "ankorstore-it" {
			old[i].Record.Verdict, old[i].Record.Cause = check.Rejected, check.Expired
		}
	}
	page := statusOf(t, StatusPage{Run: run, Standings: old}, nil)
	if strings.Contains(page, "rejected: expired") || !strings.Contains(page, "3 of 9 work") || strings.Count(page, ">ankorstore-it<") != 1 {
		t.Error(string(stable("html", []byte(page))))
	}
}

func TestStatusKeepsSecrets(t *testing.T) {
	const secret = "s3cr3t-of-the-test"
	erase := redact.New()
	erase.Add("SECRET", secret)
	run := statusNight()
	for i := range run.Credentials {
		c := &run.Credentials[i]
		c.Message, c.Advice, c.Owner, c.Name = secret, secret, secret+c.Owner, c.Name+secret
		c.Warnings, c.Missing, c.Environment = []string{secret}, []string{secret}, secret
		for j := range c.Drift {
			c.Drift[j].Message, c.Drift[j].Scenario, c.Drift[j].URI, c.Drift[j].Advice = secret, secret, secret, secret
		}
		if c.Evidence != nil {
			x := &c.Evidence.Exchange
			c.Evidence.Scenario, c.Evidence.URI = secret, secret
			x.URL, x.RequestBody, x.ResponseBody, x.Curl, x.Error = "https://a.example/?"+secret, url.QueryEscape(secret), `{"a":"`+secret+`"}`, "curl "+secret, secret
			x.RequestHeader = map[string][]string{"X-" + secret: {secret}}
		}
	}
	run.Places[0].Name, run.Places[0].Message = secret, secret
	page := statusOf(t, StatusPage{Run: run, Standings: standings(sampleNight())}, erase)
	if strings.Contains(page, secret) || !strings.Contains(page, "redacted:SECRET") {
		t.Error("the page holds the secret, or nothing was erased")
	}
	// What no erasing reaches stops the page; the old one stays.
	file := filepath.Join(t.TempDir(), "status.html")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := WriteStatusPage(file, StatusPage{Run: statusNight(), Title: secret, Now: at(90)}, erase)
	if b, _ := os.ReadFile(file); !errors.Is(err, ErrLeak) || string(b) != "old" {
		t.Errorf("got %v, and the file holds %.40s", err, b)
	}
}

// Whatever a provider or a file says, the page shows it and does nothing else.
func TestStatusIsInertAndOneFile(t *testing.T) {
	run := statusNight()
	const evil = hostile + `"><img src=x onerror=alert(1)>{{.}}`
	for i := range run.Credentials {
		c := &run.Credentials[i]
		c.Message, c.Advice, c.Owner, c.Name, c.Provider = evil, evil, evil, c.Name+evil, c.Provider+evil
		c.Warnings, c.Missing, c.Environment = []string{evil}, []string{evil}, evil
		for j := range c.Drift {
			c.Drift[j].Message, c.Drift[j].Scenario, c.Drift[j].URI, c.Drift[j].Advice = evil, evil, evil, evil
		}
		if c.Evidence != nil {
			x := &c.Evidence.Exchange
			c.Evidence.Scenario, c.Evidence.URI = evil, evil
			x.URL, x.RequestBody, x.ResponseBody, x.Curl, x.Error, x.Method = evil, evil, evil, evil, evil, evil
			x.ResponseHeader = map[string][]string{evil: {evil}}
		}
	}
	for name, page := range map[string]string{"night": statusOf(t, StatusPage{Run: statusNight()}, nil), "hostile": statusOf(t, StatusPage{Run: run, Title: evil}, nil)} {
		ours := strings.NewReplacer(string(web.Page{}.CSS()), "", string(web.Page{}.JS()), "").Replace(page)
		if problem := obeyed(strings.ReplaceAll(ours, "\t", "")); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		if at := regexp.MustCompile(`<script>alert|<img|(?:src|href|action)="(?:https?:|//)|url\(|@import|<iframe| style="|\son[a-z]+="`).FindString(ours); at != "" {
			t.Errorf("%s: the page holds %s", name, at)
		}
		if strings.Count(page, "<script") != 1 || !strings.Contains(page, "default-src &#39;none&#39;") {
			t.Errorf("%s: more than one script, or no policy", name)
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[m[1]] {
				t.Errorf("%s: two elements are %q", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if id, err := url.PathUnescape(m[1]); err != nil || !ids[id] {
				t.Errorf("%s: #%s leads nowhere", name, m[1])
			}
		}
	}
}

// manyStandings are n credentials; those at which bad says so are refused,
// each in words of its own.
func manyStandings(n int, bad func(int) bool) []health.Standing {
	list := make([]health.Standing, n)
	for i := range list {
		r := health.Record{Name: fmt.Sprintf("cred-%05d", i), Provider: fmt.Sprint("p", i%6), Owner: fmt.Sprintf("team-%d@example.com", i%7), Verdict: check.Passed, Confirmed: true, Since: at(0).AddDate(0, 0, -9),
			Rule: health.ByAcceptance, Message: "P accepts it", Expires: &health.RecordExpiry{Date: "2099-03-31", At: at(0).AddDate(70, 0, 0)}}
		if bad(i) {
			r.Verdict, r.Cause, r.Message, r.Advice, r.Who, r.Rule = check.Rejected, check.CredentialRejected, fmt.Sprintf("P refuses it: request %d", i), "Look whether it was revoked.", health.TheOwner, health.ByDocument
			r.Evidence = &health.RecordEvidence{Scenario: "F › S", ID: "features/p.feature:3", Exchange: health.RecordExchange{Request: health.RecordRequest{Method: "POST", URL: "https://p.example/token"}, Response: &health.RecordResponse{Status: 401, Body: strings.Repeat(`{"error":"invalid_client"}`, 80)}}}
		}
		list[i] = health.Standing{At: at(0), Record: r, State: health.State{Verdict: r.Verdict, Checked: at(0), LastRun: at(0)}}
	}
	return list
}

// Ten thousand credentials make a page that a browser opens, also on the night
// on which all of them fail.
func TestStatusOfManyIsBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		bad  func(int) bool
		most int // MB
	}{
		"all work":    {func(int) bool { return false }, 5},
		"some do not": {func(i int) bool { return i%50 == 0 }, 6},
		"none does":   {func(int) bool { return true }, 9},
	} {
		page := statusOf(t, StatusPage{Standings: manyStandings(10_000, tt.bad)}, nil)
		t.Logf("%s: %.1f MB", name, float64(len(page))/(1<<20))
		if len(page) > tt.most<<20 || strings.Count(page, " data-item ") != 10_000 {
			t.Errorf("%s: %d MB, %d credentials", name, len(page)>>20, strings.Count(page, " data-item "))
		}
	}
}

func BenchmarkStatusOf10000(b *testing.B) {
	erase := redact.New()
	for i := range 20_000 {
		erase.Add(fmt.Sprint("SECRET_", i), fmt.Sprintf("s3cr3t-%d-of-the-test", i))
	}
	list := manyStandings(10_000, func(i int) bool { return i%50 == 0 })
	file := filepath.Join(b.TempDir(), "status.html")
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteStatusPage(file, StatusPage{Standings: list, Now: at(100)}, erase); err != nil {
			b.Fatal(err)
		}
	}
}

// The page is whole in one piece after the other.
func TestStatusIsWrittenInPieces(t *testing.T) {
	most := 0
	w := writerFunc(func(p []byte) (int, error) { most = max(most, len(p)); return len(p), nil })
	page := &StatusPage{Standings: manyStandings(3000, func(i int) bool { return i%9 == 0 }), Now: at(100)}
	if err := newStatus(page, func(s string) string { return s }).write(w); err != nil {
		t.Fatal(err)
	}
	if most > 256<<10 {
		t.Errorf("a piece of %d KB", most>>10)
	}
	var b bytes.Buffer
	if err := newStatus(page, func(s string) string { return s }).write(&b); err != nil || !bytes.HasSuffix(bytes.TrimSpace(b.Bytes()), []byte("</html>")) {
		t.Error("the page has no end")
	}
}
