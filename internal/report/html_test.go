package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// stable leaves out what is not the report's own: the style of all pages, and
// the machine.
func stable(format string, b []byte) []byte {
	switch format {
	case "html":
		_, main, _ := bytes.Cut(b, []byte("<main"))
		main, _, _ = bytes.Cut(main, []byte("<script>"))
		return append([]byte("<main"), main...)
	case "messages":
		for old, replacement := range map[string]string{
			strings.TrimPrefix(runtime.Version(), "go"): "VERSION", `"os":{"name":"` + runtime.GOOS: `"os":{"name":"OS`, `"cpu":{"name":"` + runtime.GOARCH: `"cpu":{"name":"CPU`,
		} {
			b = bytes.Replace(b, []byte(old), []byte(replacement), 1)
		}
	}
	return b
}

// The page asks for nothing, and says so: its policy allows what it carries.
func TestHTMLIsOneFile(t *testing.T) {
	for name, run := range runs() {
		page := string(written(t, "html", run))
		if at := regexp.MustCompile(`(?:src|href|action|poster)="(?:https?:|//)[^"]*"|url\(|@import|<(?:iframe|object|embed|form [^>]*action|base)`).FindString(page); at != "" {
			t.Errorf("%s: the page reaches out: %s", name, at)
		}
		if strings.Contains(page, ` style="`) || regexp.MustCompile(`\son[a-z]+="`).MatchString(page) {
			t.Errorf("%s: an inline style or handler, which the policy forbids", name)
		}
		if !strings.Contains(page, "default-src &#39;none&#39;") && !strings.Contains(page, "default-src 'none'") {
			t.Errorf("%s: no policy", name)
		}
	}
}

func TestHTMLLinksLeadSomewhere(t *testing.T) {
	for name, run := range runs() {
		page := string(written(t, "html", run))
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[m[1]] {
				t.Errorf("%s: two elements are %q", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
			id, err := url.PathUnescape(m[1])
			if err != nil || !ids[id] {
				t.Errorf("%s: #%s leads nowhere", name, m[1])
			}
		}
	}
}

// A link to a scenario stays the same when lines move.
func TestHTMLAnchorsDoNotDependOnLines(t *testing.T) {
	moved := sampleRun()
	for i := range moved.Results {
		moved.Results[i].Line += 40
	}
	ids := regexp.MustCompile(` id="([^"]*)"`)
	here, there := ids.FindAllString(string(written(t, "html", sampleRun())), -1), ids.FindAllString(string(written(t, "html", moved)), -1)
	if strings.Join(here, "") != strings.Join(there, "") {
		t.Errorf("got %q, want %q", there, here)
	}
}

func TestHTMLShowsTheFailuresFirst(t *testing.T) {
	page := string(written(t, "html", sampleRun()))
	order := []string{"What needs doing", "A sentence with a typo", "An unknown scope is refused", "The token endpoint answers", `id="all-of-ankorstore"`}
	last := 0
	for _, s := range order {
		at := strings.Index(page, s)
		if at < last {
			t.Errorf("%q stands too early or not at all", s)
		}
		last = at
	}
}

// A body of megabytes does not make a page of megabytes.
func TestHTMLIsBounded(t *testing.T) {
	run := sampleRun()
	run.Results[3].Exchanges[0].ResponseBody = strings.Repeat("x", 3<<20)
	run.Results[3].Exchanges[0].ResponseHeader.Set("X-Long", strings.Repeat("y", 3<<20))
	if n := len(written(t, "html", run)); n > 300<<10 {
		t.Errorf("%d KB", n>>10)
	}
}

func TestHTMLOfManyScenarios(t *testing.T) {
	run := greenRun()
	for i := range 5000 {
		r := run.Results[0]
		r.Scenario = fmt.Sprintf("%s %d", r.Scenario, i)
		run.Results = append(run.Results, r)
	}
	if n := len(written(t, "html", run)) / len(run.Results); n > 3000 {
		t.Errorf("%d bytes a scenario", n)
	}
}

func TestCommandsAreSetOverLines(t *testing.T) {
	r := htmlResult{Last: &htmlExchange{Exchange: &check.Exchange{Curl: `curl -i -X POST https://a.example -H 'A: x -H y' -d "a \" -b" -u "$A:$B"`}}}
	want := "curl -i -X POST https://a.example \\\n  -H 'A: x -H y' \\\n  -d \"a \\\" -b\" \\\n  -u \"$A:$B\""
	if got := r.Again(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What cucumber counts is what we count.
func TestMessagesCounts(t *testing.T) {
	for name, run := range runs() {
		want := map[string]int{}
		for i := range run.Results {
			want[string(caseStatus(&run.Results[i]))]++
		}
		got, worst := map[string]int{}, map[string]string{}
		var order []string
		for line := range bytes.Lines(written(t, "messages", run)) {
			var e struct {
				TestCaseStarted  *struct{ ID string }
				TestStepFinished *struct {
					TestCaseStartedID string
					TestStepResult    struct{ Status string }
				}
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%s: %v in %s", name, err, line)
			}
			if e.TestCaseStarted != nil {
				order = append(order, e.TestCaseStarted.ID)
			}
			if e.TestStepFinished != nil {
				id, status := e.TestStepFinished.TestCaseStartedID, e.TestStepFinished.TestStepResult.Status
				for s, rank := range severity {
					if string(s) == status && rank >= rankOf(worst[id]) {
						worst[id] = status
					}
				}
			}
		}
		for _, id := range order {
			got[worst[id]]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func rankOf(status string) int {
	for s, rank := range severity {
		if string(s) == status {
			return rank
		}
	}
	return -1
}

// Whatever a provider sends, the page shows it and does nothing else.
func TestHostileRunIsInertInPages(t *testing.T) {
	everything := sampleRun()
	eachText(everything, func(s string) string { return hostile + s + `"><img src=x onerror=alert(1)>{{.}}` })
	for name, run := range map[string]*check.Run{"sample": sampleRun(), "everything": everything} {
		page := string(written(t, "html", run))
		ours := strings.NewReplacer(string(web.Page{}.CSS()), "", string(web.Page{}.JS()), "").Replace(page)
		if problem := obeyed(strings.ReplaceAll(ours, "\t", "")); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		for _, markup := range []string{"<script>alert", "<img", "</pre></details><script", "onerror=alert(1)>{{.}}"} {
			if strings.Contains(ours, markup) {
				t.Errorf("%s: the page holds %s", name, markup)
			}
		}
		if problem := obeyed(string(written(t, "messages", run))); problem != "" {
			t.Errorf("%s in messages: %s", name, problem)
		}
		if bytes.Contains(written(t, "messages", run), []byte("<script")) {
			t.Errorf("%s: messages could end a script of the page that holds them", name)
		}
	}
}
