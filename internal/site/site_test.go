package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/samples"
	"github.com/authspec/authspec/internal/web"
	"github.com/authspec/authspec/providers"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./internal/site -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update accepts it:\n%s", file, diff)
	}
}

// mainOf leaves out what all pages share.
func mainOf(page []byte) []byte {
	_, main, _ := bytes.Cut(page, []byte("<main"))
	main, _, _ = bytes.Cut(main, []byte("<script>"))
	return append([]byte("<main"), main...)
}

func TestGolden(t *testing.T) {
	w := workspace(t, example())
	first := build(t, w, Options{Now: today.AddDate(0, -1, 0)})
	first.Lock.Providers["example"].Contract["field token.expires_in"] = "string"
	delete(first.Lock.Providers["example"].Contract, "error token/invalid_scope")
	first.Lock.Providers["example"].Contract["error token/invalid_grant"] = "400 invalid_grant"
	s := build(t, w, Options{Lock: first.Lock, Runs: []*check.Run{
		exampleRun(check.Simulated, today.AddDate(0, 0, -3)),
		exampleRun(check.Live, today.AddDate(0, 0, -2), check.Passed, check.Drifted, check.Passed, check.Skipped),
		exampleRun(check.Simulated, today.AddDate(0, 0, -1)),
	}})
	golden(t, "example.html", mainOf(s.Files["providers/example.html"]))
	golden(t, "example.md", s.Files["providers/example.md"])
	golden(t, "index.html", mainOf(s.Files["index.html"]))
	golden(t, "index.md", s.Files["index.md"])
	golden(t, "index.json", s.Files["index.json"])
	golden(t, "llms.txt", s.Files["llms.txt"])
	golden(t, "lock.json", s.Lock.JSON())
}

// A page is small enough to mail, and an index of many to open on a phone.
func TestSizes(t *testing.T) {
	s := build(t, builtIn(t), Options{})
	for name, content := range s.Files {
		if n := len(content); n > 150<<10 {
			t.Errorf("%s has %d KB, want at most 150", name, n>>10)
		}
	}
	many := build(t, copies(t, 200, 1), Options{})
	if n := len(many.Files["index.html"]); n > 1<<20 {
		t.Errorf("the index of 200 providers has %d KB, want at most 1024", n>>10)
	}
	if got := bytes.Count(many.Files["index.html"], []byte("<tr data-item")); got != 200 {
		t.Errorf("the index has %d rows", got)
	}
}

// 200 providers of 17 scenarios each, with a history of 30 runs.
func BenchmarkSiteOf200Providers(b *testing.B) {
	w := copies(b, 200, 0)
	ev, err := gather(b.Context(), w, &Options{Now: today})
	if err != nil {
		b.Fatal(err)
	}
	var runs []*check.Run
	for day := range 30 {
		run := *ev.own.Run
		run.Started = today.AddDate(0, 0, day-30)
		runs = append(runs, &run)
	}
	size := 0
	for b.Loop() {
		s := build(b, w, Options{Runs: runs})
		if err := s.Write(b.TempDir()); err != nil {
			b.Fatal(err)
		}
		size = 0
		for _, content := range s.Files {
			size += len(content)
		}
	}
	b.ReportMetric(float64(size)/(1<<20), "MB")
}

// Links lead to files and anchors that exist, and no anchor is there twice.
func TestLinks(t *testing.T) {
	s := build(t, builtIn(t), Options{Runs: []*check.Run{exampleRun(check.Live, today)}})
	ids := map[string]map[string]bool{}
	anchor := regexp.MustCompile(` id="([^"]*)"`)
	for name, content := range s.Files {
		ids[name] = map[string]bool{}
		for _, m := range anchor.FindAllSubmatch(content, -1) {
			if ids[name][string(m[1])] && strings.HasSuffix(name, ".html") {
				t.Errorf("%s: two elements are %q", name, m[1])
			}
			ids[name][string(m[1])] = true
		}
	}
	link := regexp.MustCompile(`(?:href="|\]\()([^")\s]+)`)
	for name, content := range s.Files {
		if path.Ext(name) == ".json" {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(content), -1) {
			to := html.UnescapeString(m[1])
			if strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "data:") {
				continue
			}
			file, id, _ := strings.Cut(to, "#")
			if file == "" {
				file = name
			} else {
				file = path.Join(path.Dir(name), file)
			}
			if s.Files[file] == nil || id != "" && !ids[file][id] {
				t.Errorf("%s: %s leads nowhere", name, to)
			}
		}
	}
}

// Each page says in its policy what it carries, and carries nothing else.
func TestPagesAskForNothing(t *testing.T) {
	s := build(t, builtIn(t), Options{})
	for name, content := range s.Files {
		if path.Ext(name) != ".html" {
			continue
		}
		page := string(content)
		if !strings.Contains(page, "default-src &#39;none&#39;") {
			t.Errorf("%s has no policy", name)
		}
		if at := regexp.MustCompile(` (?:src|action|style|on[a-z]+)="[^"]*"|url\(|@import|<link rel="stylesheet`).FindString(page); at != "" {
			t.Errorf("%s: %s", name, at)
		}
	}
}

// What a page shows as code is what the tests of package samples run.
func TestPagesShowTheSamples(t *testing.T) {
	w := builtIn(t)
	s := build(t, w, Options{})
	for _, p := range w.Providers.All() {
		call := ""
		if names := p.CallNames(); len(names) > 0 {
			call = names[0]
		}
		list, err := samples.For(p, call)
		if err != nil || len(list) != 4 {
			t.Fatalf("%s: %d samples, %v", p.ID, len(list), err)
		}
		for _, sample := range list {
			for _, step := range sample.Steps {
				if page := html.UnescapeString(string(s.Files["providers/"+p.ID+".html"])); !strings.Contains(page, step.Code) {
					t.Errorf("%s: the page does not show %s as it is", p.ID, sample.Language)
				}
				if twin := string(s.Files["providers/"+p.ID+".md"]); !strings.Contains(twin, strings.TrimSpace(step.Code)) {
					t.Errorf("%s: the Markdown does not show %s as it is", p.ID, sample.Language)
				}
			}
		}
	}
}

// Every situation that is no success has its advice.
func TestAdviceKnowsEverySituation(t *testing.T) {
	for _, call := range []string{providers.TokenCall, anyCall} {
		for _, name := range providers.Situations(call) {
			known := slices.ContainsFunc(errorAdvice, func(a advice) bool { return a.call == call && a.name == name })
			if success := name == "ok" || name == "issued"; known == success {
				t.Errorf("%s/%s: advice is %v", call, name, known)
			}
		}
	}
	for _, a := range errorAdvice {
		if a.means == "" || a.fault == "" || a.retry == "" || a.do == "" {
			t.Errorf("%s/%s has a gap", a.call, a.name)
		}
	}
}

func TestScenariosAreFoundByTheAnswerTheyMeet(t *testing.T) {
	names := func(list []*Scenario) []string {
		var out []string
		for _, s := range list {
			out = append(out, s.Name)
		}
		return out
	}
	page := pageOf(t, builtIn(t), "antsomi")
	for _, row := range page.Errors {
		if row.Situation == "invalid_scope" {
			want := []string{"An unknown scope is refused", "One unknown scope among known ones is refused", "Scopes joined by a blank are one unknown scope", "A request without a scope is refused"}
			if diff := cmp.Diff(want, names(row.Scenarios)); diff != "" {
				t.Error(diff)
			}
		}
	}
	ankorstore := pageOf(t, builtIn(t), "ankorstore")
	for _, row := range ankorstore.Errors {
		if row.Name() == "me/invalid_token" {
			if diff := cmp.Diff([]string{"missing_token", "expired_token"}, row.Also); diff != "" {
				t.Error(diff)
			}
			if got := names(row.Scenarios); len(got) != 4 {
				t.Errorf("got %q", got)
			}
		}
	}
	if diff := cmp.Diff([]string{"token/unauthorized_client", "token/invalid_grant", "token/invalid_scope", "me/insufficient_scope"}, ankorstore.Missing); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsKnowWhoChecksThem(t *testing.T) {
	page := pageOf(t, workspace(t, example()), "example")
	got := map[string]string{}
	for _, s := range page.Successes {
		for _, f := range s.Fields {
			var checks []string
			for _, c := range f.Checks {
				checks = append(checks, c.Expects+" by "+c.Scenario.Name)
			}
			got[s.Call+" "+f.Path] = f.Type + " " + f.Example + ": " + strings.Join(checks, "; ")
		}
	}
	want := map[string]string{
		"token access_token": `string "0123456789abcdef": a string by Valid credentials receive a token`,
		"token token_type":   `string "Bearer": "Bearer" by Valid credentials receive a token`,
		"token expires_in":   `integer 3600: lives for 1 hour by Valid credentials receive a token`,
		"me user.name":       `string "Ada": a string by A token opens the account`,
		"me user.tags.#.id":  `integer 1: `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatusPrefersTheRealProvider(t *testing.T) {
	w := workspace(t, example())
	live := exampleRun(check.Live, today.AddDate(0, 0, -5), check.Rejected)
	later := exampleRun(check.Simulated, today.AddDate(0, 0, -1))
	page := pageOf(t, w, "example", later, live) // in any order
	if s := page.Status; s.Mode != check.Live || s.Verdict != check.Rejected || !s.At.Equal(live.Started) {
		t.Errorf("got %+v", s)
	}
	if page.Since != nil {
		t.Errorf("since: got %+v", page.Since)
	}
	broken := exampleRun(check.Simulated, today, check.Drifted)
	if page := pageOf(t, w, "example", live, broken); page.Since == nil || page.Since.Verdict != check.Drifted {
		t.Errorf("since: got %+v", page.Since)
	}
	// A live run in which all was skipped has verified nothing.
	idle := exampleRun(check.Live, today, check.Skipped, check.Skipped, check.Skipped, check.Skipped)
	if s := pageOf(t, w, "example", later, idle).Status; s.Mode != check.Simulated || s.Verdict != check.Passed {
		t.Errorf("got %+v", s)
	}
	// A provider of which no run says anything, and one without results at all:
	// the specs are run.
	elsewhere := &check.Run{Mode: check.Live, Started: today, Results: []check.Result{{Provider: "other", Verdict: check.Passed}}}
	if s := pageOf(t, w, "example", elsewhere).Status; s == nil || s.Mode != check.Simulated || s.Total != 4 {
		t.Errorf("got %+v", s)
	}
	if s := pageOf(t, w, "example").Status; s.Mode != check.Simulated || s.Verdict != check.Passed || s.Total != 4 || !s.At.Equal(today) {
		t.Errorf("got %+v", s)
	}
}

func TestOutcomesAreFoundByName(t *testing.T) {
	live := exampleRun(check.Live, today.AddDate(0, 0, -2), check.Passed, check.Drifted, check.Skipped)
	simulated := exampleRun(check.Simulated, today)
	page := pageOf(t, workspace(t, example()), "example", live, simulated)
	var got []string
	for _, s := range page.Scenarios {
		got = append(got, fmt.Sprint(s.Outcome.Verdict, " ", s.Outcome.Mode))
	}
	// The third was skipped live, so the simulated result says more.
	if diff := cmp.Diff([]string{"passed live", "drifted live", "passed simulated", "passed live"}, got); diff != "" {
		t.Error(diff)
	}
	for _, row := range page.Errors {
		if row.Situation == "invalid_client" && !row.Seen.Equal(live.Started) {
			t.Errorf("%s was last seen %v", row.Name(), row.Seen)
		}
		if row.Situation == "invalid_scope" && !row.Seen.IsZero() {
			t.Errorf("%s was never seen", row.Name())
		}
	}
}

func TestRowsOfAnOutlineHaveLinksOfTheirOwn(t *testing.T) {
	files := example()
	files["features/example.feature"] += "\n  Scenario Outline: Each is refused\n    Given an unknown Example access token\n    When I call \"me\"\n    Then the response status is <status>\n\n    Examples:\n      | status |\n      | 401    |\n      | 401    |\n"
	page := pageOf(t, workspace(t, files), "example")
	var ids []string
	for _, s := range page.Scenarios[4:] {
		ids = append(ids, s.ID)
	}
	if diff := cmp.Diff([]string{"each-is-refused", "each-is-refused-2"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestResultsAreRead(t *testing.T) {
	for name, tt := range map[string]struct{ in, err string }{
		"a report":     {in: `{"version": 1, "mode": "live", "started": "2026-11-21T02:30:00Z", "duration_ms": 12.5, "scenarios": [{"provider": "example", "name": "x", "uri": "features/example.feature", "line": 3, "verdict": "drifted", "cause": "status", "duration_ms": 1.5, "exchanges": [{"call": "token", "response": {"status": 401, "body": "{}"}}]}]}`},
		"another file": {in: `<html>`, err: "not a report of authspec run"},
		"no version":   {in: `{"started": "2026-11-21T02:30:00Z"}`, err: "version 0"},
		"a later one":  {in: `{"version": 2, "started": "2026-11-21T02:30:00Z"}`, err: "got version 2"},
	} {
		run, err := parseResults([]byte(tt.in))
		switch {
		case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: got %v, want %q", name, err, tt.err)
		case tt.err == "":
			r := run.Results[0]
			if run.Mode != check.Live || run.Duration != 12500*time.Microsecond || r.Verdict != check.Drifted || r.Cause != check.Status || r.Exchanges[0].Status != 401 {
				t.Errorf("%s: got %+v", name, run)
			}
		}
	}
}

func TestNoSecretLeaves(t *testing.T) {
	const secret = "planted-s3cret-Zq8/+=x"
	erase := redact.New()
	erase.Add("EXAMPLE_CLIENT_SECRET", secret)
	run := exampleRun(check.Live, today, check.Drifted)
	run.Results[0].Message += " " + secret
	run.Results[0].Advice += " Basic " + secret
	s := build(t, workspace(t, example()), Options{Runs: []*check.Run{run}, Redact: erase})
	shown := false
	for name, content := range s.Files {
		if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte(html.EscapeString(secret))) {
			t.Errorf("%s holds the secret", name)
		}
		shown = shown || bytes.Contains(content, []byte("redacted:EXAMPLE_CLIENT_SECRET"))
	}
	if !shown {
		t.Error("nothing was redacted")
	}

	// In a feature it is the author's own text: nothing is written at all.
	files := example()
	files["features/example.feature"] = strings.Replace(files["features/example.feature"], "keep its secret", "use "+secret, 1)
	_, err := Build(t.Context(), workspace(t, files), Options{Now: today, Redact: erase})
	if !errors.Is(err, ErrLeak) || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

// hostile is what a provider or a feature may hold to trick a reader.
const hostile = "\x1b[2J \u202Egpj.exe\u202C ]]> </pre></details><script>alert(1)</script> ::error::owned ##[error]owned ##vso[task.setvariable variable=a]b " +
	"`a` ``` @octocat [x](http://evil.example) ![i](//evil.example/i.png) 100% \u200b\u009b31m \xff {{.}} \"><img src=x onerror=alert(1)> ' <!--"

func hostileFiles() map[string]string {
	files := example()
	text := strings.ReplaceAll(hostile, "\xff", "")
	inYAML := func(s string) string { quoted, _ := json.Marshal(s); return string(quoted) }
	files["providers/example.yaml"] = strings.NewReplacer(
		"read: what there is", "read: "+inYAML(text), "reason: they know of it", "reason: "+inYAML(text), "change: is gone", "change: "+inYAML(text),
		"scheme: client_credentials", "scheme: client_credentials\n  params: {evil: "+inYAML(text)+"}",
	).Replace(files["providers/example.yaml"])
	files["features/example.feature"] = strings.NewReplacer(
		"Feature: Example access tokens", "Feature: "+hostile, "Tokens live for an hour.", hostile, "Example issues tokens.", hostile,
		"A token opens the account", hostile, "The page shows what it answers.", hostile,
		`| token_type   | "Bearer" |`, "| token_type   | \"Bearer\" |\n | "+strings.ReplaceAll(hostile, "|", "")+" | absent |",
	).Replace(files["features/example.feature"])
	for name := range files {
		if strings.HasSuffix(name, ".http") {
			files[name] = strings.NewReplacer("assumed ", "assumed "+hostile, "Content-Type: ", "X-Evil: "+hostile+"\nContent-Type: ",
				`{"error": "`, `{"`+"more\": "+inYAML(text)+`, "error": "`+strings.Trim(inYAML(text), `"`), `"Ada"`, inYAML(text)).Replace(files[name])
		}
	}
	return files
}

func TestHostileWorkspaceIsInert(t *testing.T) {
	run := exampleRun(check.Live, today, check.Drifted, check.Rejected)
	for i := range run.Results {
		run.Results[i].Message, run.Results[i].Advice = hostile, hostile
	}
	s := build(t, workspace(t, hostileFiles()), Options{Runs: []*check.Run{run}})
	for name, content := range s.Files {
		text := string(content)
		if path.Ext(name) == ".html" {
			if strings.Count(text, "<script") != 1 {
				t.Errorf("%s has more than its own script", name)
			}
			text = strings.NewReplacer(string(web.Page{}.CSS()), "", string(web.Page{}.JS()), "").Replace(text)
		}
		for _, markup := range []string{"<script>alert", "<img", "</pre></details><script", "<!-- "} {
			if path.Ext(name) != ".html" && path.Ext(name) != ".json" {
				break
			}
			if strings.Contains(text, markup) {
				t.Errorf("%s holds %s", name, markup)
			}
		}
		if path.Ext(name) == ".md" {
			assertNoMarkup(t, name, text)
		}
		if path.Ext(name) != ".json" { // JSON escapes in its own way
			if problem := obeyed(text); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}
	}
	if page := string(s.Files["providers/example.html"]); !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(page, "&lt;U+202E&gt;gpj.exe") || !strings.Contains(page, "{{.}}") {
		t.Error("the page does not show the text")
	}
}

// assertNoMarkup looks at Markdown outside of code.
func assertNoMarkup(t *testing.T, name, text string) {
	t.Helper()
	inFence := ""
	for line := range strings.Lines(text) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case inFence != "":
			if strings.TrimSpace(line) == inFence {
				inFence = ""
			}
			continue
		case len(ticks) >= 3:
			inFence = ticks
			continue
		}
		prose := withoutCode(line)
		if at := regexp.MustCompile(`<(?:script|img|/)|[^\\]!\[|[^\\]\]\(http|[^\w]@octocat`).FindString(prose); at != "" {
			t.Errorf("%s: %q is markup in %s", name, at, line)
		}
	}
	if inFence != "" {
		t.Errorf("%s: a block of code does not end", name)
	}
}

// withoutCode leaves out what stands between runs of as many backticks.
func withoutCode(line string) string {
	var b strings.Builder
	for line != "" {
		if strings.HasPrefix(line, "\\") && len(line) > 1 {
			b.WriteString(line[:2])
			line = line[2:]
			continue
		}
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		if ticks == "" {
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		line = line[len(ticks):]
		end := regexp.MustCompile("(?:^|[^`])" + ticks + "(?:$|[^`])").FindStringIndex(line)
		if end != nil {
			line = strings.TrimLeft(line[end[0]+1:], "`")
		}
	}
	return b.String()
}

var (
	workflowCommand = regexp.MustCompile(`(?m)^\s*::[A-Za-z]`)
	loggingCommand  = regexp.MustCompile(`##\p{L}*\[`)
)

// obeyed says what in a text a terminal, a reader's eye or a CI runner would obey.
func obeyed(s string) string {
	if !utf8.ValidString(s) {
		return "not UTF-8"
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return fmt.Sprintf("holds %U", r)
		}
	}
	for _, command := range []*regexp.Regexp{workflowCommand, loggingCommand} {
		if at := command.FindString(s); at != "" {
			return "commands " + at
		}
	}
	return ""
}

func TestLoneProviderWithoutAnything(t *testing.T) {
	s := build(t, workspace(t, map[string]string{
		"providers/bare.yaml": "name: Bare\ndocs: https://docs.example.com\nbase_url: https://api.example.com\ncredentials: {key: KEY}\nauth: {scheme: bearer}\n",
	}), Options{})
	if page := string(s.Files["providers/bare.html"]); !strings.Contains(page, "No scenario has been run.") || !strings.Contains(page, "Authorization: Bearer {key}") || strings.Contains(page, "signed") {
		t.Errorf("got %s", mainOf([]byte(page)))
	}
}
