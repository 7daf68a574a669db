package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/runner"
)

// Nothing of a run is lost or changed, hostile as it may be, but for bytes that
// are not UTF-8.
func TestReadJSONIsTheInverse(t *testing.T) {
	all := runs()
	all["shard"] = changed(greenRun(), shard(2, 3))
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			got, err := ReadJSON(written(t, "json", want))
			if err != nil {
				t.Fatal(err)
			}
			eachText(want, func(s string) string { return strings.ToValidUTF8(s, "\ufffd") })
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("run and report differ (-run +report):\n%s", diff)
			}
		})
	}
}

// What was read looks in every format as what was written, and the JSON report
// is the same byte for byte.
func TestAReadRunIsWrittenAlike(t *testing.T) {
	for name, run := range runs() {
		b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadJSON(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(string(b), string(written(t, "json", read))); diff != "" {
			t.Errorf("%s.json differs (-file +written):\n%s", name, diff)
		}
		eachText(run, func(s string) string { return strings.ToValidUTF8(s, "\ufffd") })
		for format := range Formats {
			if diff := cmp.Diff(string(written(t, format, run)), string(written(t, format, read))); diff != "" {
				t.Errorf("%s as %s differs (-run +read):\n%s", name, format, diff)
			}
		}
	}
}

func TestReadJSONRefuses(t *testing.T) {
	good := string(written(t, "json", greenRun()))
	red := greenRun()
	red.Results[0].Verdict, red.Results[0].Cause = check.Drifted, check.Status
	tests := map[string]struct{ in, old, new, want string }{
		"nothing":        {in: " \n", want: "not a report of authspec run --report json=FILE: the file is empty"},
		"another format": {in: string(written(t, "junit", greenRun())), want: "not a report of authspec run --report json=FILE: line 1: invalid character '<' looking for beginning of value"},
		"messages":       {in: string(written(t, "messages", greenRun())), want: "not a report of authspec run --report json=FILE: line 2: invalid character '{' after top-level value"},
		"a list":         {in: "[]", want: "not a report of authspec run --report json=FILE: want an object of JSON, got array"},
		"cut off":        {in: good[:len(good)/2], want: fmt.Sprintf("not a report of authspec run --report json=FILE: it ends in the middle of line %d: was it cut off?", strings.Count(good[:len(good)/2], "\n")+1)},
		"other JSON":     {in: "{}", want: "want a report of version 1, as authspec run --report json=FILE writes it, got version 0"},
		"a later one":    {old: `"version": 1`, new: `"version": 2`, want: "want a report of version 1, as authspec run --report json=FILE writes it, got version 2"},
		"a health report": {in: string(writtenHealth(t, "json", sampleNight())),
			want: "a report of authspec check, of credentials and not of scenarios: want one of authspec run --report json=FILE"},
		"no start":             {old: `"started": "2026-11-21T02:30:00Z"`, new: `"begun": ""`, want: "incomplete: it does not say when the run started"},
		"no scenarios":         {in: `{"version": 1, "mode": "live", "started": "2026-11-21T02:30:00Z"}`, want: "incomplete: it has no list of scenarios"},
		"an unknown mode":      {old: `"mode": "simulated"`, new: `"mode": "imagined"`, want: `unknown mode "imagined": it was edited, or a newer authspec wrote it, which can read it`},
		"an unknown verdict":   {old: `"verdict": "passed"`, new: `"verdict": "fine"`, want: `features/ankorstore.feature:8: unknown verdict "fine": it was edited, or a newer authspec wrote it, which can read it`},
		"an unknown status":    {old: `"status": "passed"`, new: `"status": "green"`, want: `features/ankorstore.feature:8: unknown status of a step "green": it was edited, or a newer authspec wrote it, which can read it`},
		"a hostile cause":      {old: `"verdict": "passed"`, new: `"cause": "\u001b[2J", "verdict": "passed"`, want: `features/ankorstore.feature:8: unknown cause "\x1b[2J": it was edited, or a newer authspec wrote it, which can read it`},
		"no cause":             {in: string(written(t, "json", red)), old: `"cause": "status",`, want: "features/ankorstore.feature:8: drifted, without a cause: it was edited"},
		"a scenario less":      {old: `"passed": 1`, new: `"passed": 2`, want: "it says 2 passed, and 1 are in it: it was cut or edited"},
		"a huge column":        {old: `"column": 5`, new: `"column": 5000000000`, want: "features/ankorstore.feature:8: 5000000000 is no line, column or row: it was edited"},
		"a line before all":    {old: `"line": 9`, new: `"line": -9`, want: "features/ankorstore.feature:8: -9 is no line, column or row: it was edited"},
		"a text for a line":    {old: `"line": 9`, new: `"line": "9"`, want: "not a report of authspec run --report json=FILE: line 36: scenarios.steps.line is a string"},
		"a time that is none":  {old: `"2026-11-21T02:30:00Z"`, new: `"yes\u001bterday"`, want: `not a report of authspec run --report json=FILE: parsing time "yes`},
		"no duration":          {old: `"duration_ms": 1234`, new: `"duration_ms": -1`, want: "not a report of authspec run --report json=FILE: -1 milliseconds are no duration"},
		"a shard that is none": {old: `"selected": 1`, new: `"selected": 1, "shard": {"index": 4, "of": 3}`, want: "part 4 of 3: it was edited"},
		"no status":            {old: `"status": 200`, new: `"status": 2`, want: "features/ankorstore.feature:8: 2 is no status: it was edited"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := tt.in
			if in == "" {
				in = good
			}
			if tt.old != "" && !strings.Contains(in, tt.old) {
				t.Fatalf("there is no %s", tt.old)
			}
			_, err := ReadJSON([]byte(strings.Replace(in, tt.old, tt.new, 1)))
			if got := errorText(err); got != tt.want && (name != "a time that is none" || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%q is not one line of text", err)
			}
		})
	}
}

// A report that begins like one and is something else makes no format panic.
func FuzzReadJSON(f *testing.F) {
	for _, run := range []*check.Run{sampleRun(), skippedRun(), emptyRun()} {
		var b strings.Builder
		if err := writeJSON(&b, run); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(b.String()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		run, err := ReadJSON(b)
		if err != nil {
			return
		}
		for format := range Formats {
			_ = Write(&strings.Builder{}, format, run, nil)
		}
		if err := (&Console{Out: &strings.Builder{}, Verbose: true, Curl: true}).Finish(run); err != nil {
			t.Error(err)
		}
	})
}

// part is a run of these scenarios, by line, that began so many seconds after
// the others.
func part(began float64, lines ...int) *check.Run {
	run := &check.Run{Version: "0.1.0", Mode: check.Simulated, Started: at(began), Duration: ms(500), Selected: len(lines)}
	for _, line := range lines {
		run.Results = append(run.Results, check.Result{URI: "features/a.feature", Line: line, Scenario: fmt.Sprintf("At %d", line), Verdict: check.Passed})
	}
	return run
}

func parts(runs ...*check.Run) (parts []Part) {
	for i, run := range runs {
		parts = append(parts, Part{fmt.Sprintf("%d.json", i+1), run})
	}
	return parts
}

func changed(run *check.Run, change func(run *check.Run)) *check.Run {
	change(run)
	return run
}

func failed(verdict check.Verdict, cause check.Cause) func(run *check.Run) {
	return func(run *check.Run) {
		for i := range run.Results {
			run.Results[i].Verdict, run.Results[i].Cause = verdict, cause
		}
	}
}

func shard(index, of int) func(run *check.Run) {
	return func(run *check.Run) { run.Shard = check.Shard{Index: index, Of: of} }
}

func TestMerge(t *testing.T) {
	interrupted := func(run *check.Run) { run.Interrupted, run.Selected = true, 10 }
	tests := map[string]struct {
		parts    []Part
		lines    []int
		selected int
		code     int
		took     time.Duration
		version  string
		notes    []string
	}{
		"one":                   {parts: parts(part(0, 1)), lines: []int{1}, selected: 1, took: ms(500)},
		"by line, in any order": {parts: parts(part(1, 2, 20), part(0, 3, 10)), lines: []int{2, 3, 10, 20}, selected: 4, took: ms(1500)},
		"a long one, then a short": {parts: parts(changed(part(0, 1), func(run *check.Run) { run.Duration = ms(9000) }), part(1, 2)),
			lines: []int{1, 2}, selected: 2, took: ms(9000)},
		"an empty part":  {parts: parts(part(0), part(1, 1)), lines: []int{1}, selected: 1, took: ms(1500)},
		"nothing at all": {parts: parts(part(0), part(0)), code: check.ExitNothingRan, took: ms(500)},
		"one was interrupted": {parts: parts(changed(part(0, 1), interrupted), part(0, 2)), lines: []int{1, 2},
			selected: 11, code: check.ExitInterrupted, took: ms(500)},
		"the gravest counts": {parts: parts(part(0, 1), changed(part(0, 2), failed(check.Drifted, check.Status)), changed(part(0, 3), failed(check.Inconclusive, check.Timeout))),
			lines: []int{1, 2, 3}, selected: 3, code: check.ExitBroken, took: ms(500)},
		"run again": {parts: parts(part(60, 2), changed(part(0, 1, 2, 3), failed(check.Inconclusive, check.Timeout)), part(60, 3, 1)),
			lines: []int{1, 2, 3}, selected: 3, took: ms(60500), notes: []string{"3 results replaced by a later run of the same scenario"}},
		"run before": {parts: parts(part(0, 1), changed(part(60, 1), failed(check.Rejected, check.CredentialRejected))),
			lines: []int{1}, selected: 1, code: check.ExitBroken, took: ms(60500), notes: []string{"1 result replaced by a later run of the same scenario"}},
		"parts of three, one run again, and one scenario": {
			parts: parts(changed(part(0, 1), shard(1, 3)), changed(part(0, 2), shard(2, 3)), changed(part(1, 2), shard(2, 3)), changed(part(0), shard(3, 3)), part(2, 1)),
			lines: []int{1, 2}, selected: 2, took: ms(2500), notes: []string{"2 results replaced by a later run of the same scenario"}},
		"skipped since": {parts: parts(changed(part(0, 1, 2), failed(check.Drifted, check.Status)), part(60, 1), changed(part(90, 2), failed(check.Skipped, check.NoCredential))),
			lines: []int{1, 2}, selected: 2, took: ms(90500), notes: []string{
				"2 results replaced by a later run of the same scenario", "failed before and only skipped since: features/a.feature:2"}},
		"versions": {parts: parts(part(0, 1), changed(part(0, 2), func(run *check.Run) { run.Version = "0.2.0" })),
			lines: []int{1, 2}, selected: 2, took: ms(500), version: "0.1.0, 0.2.0",
			notes: []string{"the reports are of different versions of authspec (0.1.0, 0.2.0), which may judge differently"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			run, notes, err := Merge(tt.parts)
			if err != nil {
				t.Fatal(err)
			}
			var lines []int
			for _, r := range run.Results {
				lines = append(lines, r.Line)
			}
			if tt.version == "" {
				tt.version = "0.1.0"
			}
			got := []any{lines, run.Selected, run.ExitCode(), run.Started, run.Duration, run.Version, notes}
			want := []any{tt.lines, tt.selected, tt.code, at(0), tt.took, tt.version, tt.notes}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	tests := map[string]struct {
		parts []Part
		want  string
	}{
		"live and simulated": {parts(part(0, 1), changed(part(1, 2), func(run *check.Run) { run.Mode = check.Live })),
			"1.json ran on simulated providers, 2.json on the real providers: merge them apart"},
		"one report twice": {parts(part(0, 1), part(1, 2), part(0, 1)), "1.json and 3.json are of the same run: name each report once"},
		"one file twice":   {[]Part{{"a.json", part(0, 1)}, {"a.json", part(0, 1)}}, "a.json is named twice"},
		"one part missing": {parts(changed(part(0, 1), shard(1, 3)), changed(part(0, 3), shard(3, 3))), "part 2 of 3 is missing"},
		"many missing":     {parts(changed(part(0, 1), shard(2, 90))), "parts 1, 3, 4, 5, 6 and 84 more of 90 are missing"},
		"one in place of another": {parts(changed(part(0, 1), shard(1, 2)), changed(part(1, 1), shard(1, 2))),
			"part 2 of 2 is missing; part 1 is there twice, as 1.json and 2.json"},
		"divided in two ways": {parts(changed(part(0, 1), shard(1, 2)), changed(part(0, 1), shard(2, 3))),
			"1.json is part 1 of 2 and 2.json part 2 of 3: they were divided in different ways"},
		"a scenario twice": {parts(part(0, 1, 1)), "1.json: features/a.feature:1 is in it twice: it was edited"},
		"another version of the feature": {parts(part(0, 1), changed(part(1, 1), func(run *check.Run) { run.Results[0].Scenario = "Other\x1b" })),
			`features/a.feature:1 is "At 1" in 1.json and "Other\\x1b" in 2.json: they are of different versions of the feature; run all parts of one`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Merge(tt.parts); errorText(err) != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Merged parts are told from a run that was never divided by nothing but times.
func TestMergedIsAsNeverDivided(t *testing.T) {
	w, err := runner.Open("")
	if err != nil {
		t.Fatal(err)
	}
	run := func(shard runner.Shard) *check.Run {
		plan, err := runner.NewPlan(w, runner.Selection{Shard: shard})
		if err != nil {
			t.Fatal(err)
		}
		return runner.Run(context.Background(), plan, runner.Options{Version: "0.1.0", Concurrency: 4, Redactor: redact.New()})
	}
	whole := run(runner.Shard{})
	for _, n := range []int{3, 60} { // of 60 some are empty
		var shards []*check.Run
		for i := range n {
			read, err := ReadJSON(written(t, "json", run(runner.Shard{Index: n - i, Count: n})))
			if err != nil {
				t.Fatal(err)
			}
			shards = append(shards, read)
		}
		merged, notes, err := Merge(parts(shards...))
		if err != nil || len(notes) > 0 {
			t.Fatalf("%v, %q", err, notes)
		}
		timeless(whole)
		timeless(merged)
		for format := range Formats {
			if diff := cmp.Diff(string(written(t, format, whole)), string(written(t, format, merged))); diff != "" {
				t.Errorf("%d parts: %s differs (-whole +merged):\n%s", n, format, diff)
			}
		}
		console := &Console{Verbose: true, Curl: true}
		if diff := cmp.Diff(string(printed(t, console, whole)), string(printed(t, &Console{Verbose: true, Curl: true}, merged))); diff != "" {
			t.Errorf("%d parts: the console differs (-whole +merged):\n%s", n, diff)
		}
	}
	if len(whole.Results) < 40 {
		t.Errorf("only %d scenarios ran", len(whole.Results))
	}
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)`)

// timeless takes the times from a run, and from the answers in it.
func timeless(run *check.Run) {
	run.Started, run.Duration = at(0), 0
	for i := range run.Results {
		r := &run.Results[i]
		r.Started, r.Duration = at(0), 0
		for j := range r.Steps {
			r.Steps[j].Duration = 0
		}
		for j := range r.Exchanges {
			r.Exchanges[j].Duration = 0
		}
	}
	eachText(run, func(s string) string { return moment.ReplaceAllString(s, "TIME") })
}
