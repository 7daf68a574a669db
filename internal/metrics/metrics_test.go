package metrics

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 11, 22, 3, 20, 0, 0, time.UTC)

func ago(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }

// sampleNight is a run in which five credentials were checked, and seven that
// stand in every way there is.
func sampleNight() (*health.Run, []health.Standing) {
	none, tried := health.State{}, now.Add(-10*time.Minute)
	credentials := []health.Credential{
		{Name: "ankorstore-fr", Provider: "ankorstore", Owner: "sales@example.com", Verdict: check.Rejected, Cause: check.ScopeMissing, Since: tried,
			Started: tried, Duration: 95 * time.Millisecond, Latency: 80 * time.Millisecond, Requests: 1, State: health.State{Checked: tried, Passed: ago(24)}},
		{Name: "ankorstore-sandbox", Provider: "ankorstore", Environment: "sandbox", Verdict: check.Passed, Confirmed: true, Since: ago(24 * 60),
			Started: tried, Duration: 130 * time.Millisecond, Latency: 71 * time.Millisecond, TokenLifetime: time.Hour, Requests: 2, State: health.State{Checked: tried, Passed: tried},
			Expires: health.Expiry{Date: "2026-11-30", At: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Days: 8, Level: 14},
			Drift:   []health.Drift{{Verdict: check.Drifted, Cause: check.Shape}, {Verdict: check.Inconclusive, Cause: check.AssumptionWrong}}},
		{Name: "antsomi-eu", Provider: "antsomi", Owner: "growth@example.com", Verdict: check.Rejected, Cause: check.CredentialRejected, Confirmed: true, Since: ago(24),
			Started: tried, Duration: 44 * time.Millisecond, Latency: 41 * time.Millisecond, Requests: 1, State: health.State{Checked: tried, Passed: ago(48), Flapping: true}},
		{Name: "antsomi-jp", Provider: "antsomi", Verdict: check.Skipped, Cause: check.Deferred, Confirmed: true, Since: tried, State: health.State{Checked: ago(24), Passed: ago(24)}},
		{Name: "antsomi-us", Provider: "antsomi", Verdict: check.Inconclusive, Cause: check.ProviderDown, Confirmed: true, Since: tried,
			Started: tried, Duration: 10 * time.Second, Requests: 1, State: health.State{Checked: tried, Passed: ago(24)}},
		{Name: "gigastore", Provider: "gigastore", Verdict: check.Invalid, Cause: check.NoCredential, Confirmed: true, Since: tried, State: none},
		// Not of this run.
		{Name: "gigastore-old", Provider: "gigastore", Verdict: check.Passed, Confirmed: true, Since: ago(24 * 90), TokenLifetime: 24 * time.Hour,
			Started: ago(72), Duration: 60 * time.Millisecond, Latency: 50 * time.Millisecond, Requests: 2, State: health.State{Checked: ago(72), Passed: ago(72)}},
	}
	run := &health.Run{Version: "0.1.0", Started: now.Add(-11 * time.Minute), Duration: 83 * time.Second, Selected: 6, Credentials: credentials[:6], Places: []health.Place{
		{Provider: "ankorstore", State: health.Working}, {Provider: "ankorstore", Address: "sandbox", State: health.Working},
		{Provider: "antsomi", State: health.Unreachable}, {Provider: "gigastore", Address: "https://giga.example.com/v2", State: health.Untried},
	}}
	return run, stand(credentials)
}

func stand(credentials []health.Credential) []health.Standing {
	var list []health.Standing
	for i := range credentials {
		c := &credentials[i]
		list = append(list, health.Standing{At: now, Record: c.Record(now), State: c.State})
	}
	return list
}

// interruptedNight ended before its only credential.
func interruptedNight() (*health.Run, []health.Standing) {
	return &health.Run{Version: "0.1.0", Started: now, Selected: 1, Interrupted: true}, nil
}

const hostile = "\" } 1\n# HELP \\ \xff\xfe\x00\x1b[31mé日\u200b\u2028"

// hostileNight has names that try to break the format, or each other.
func hostileNight() (*health.Run, []health.Standing) {
	list := []health.Credential{{Name: hostile, Provider: hostile, Owner: hostile, Environment: hostile, Verdict: hostile, Cause: hostile, State: health.State{Checked: now}}, {}}
	for _, name := range []string{"<redacted:token>", "<redacted:token>", "<redacted:token> (2)", "<redacted:token>", "", "a\xff", `a\xff`, "\xfe", "\xff"} {
		list = append(list, health.Credential{Name: name, Provider: "acme"})
	}
	place := health.Place{Provider: hostile, Name: hostile, Address: hostile, State: hostile, Message: hostile}
	return &health.Run{Version: hostile, Started: now, Credentials: list, Places: []health.Place{place, place}}, stand(list)
}

var nights = map[string]func() (*health.Run, []health.Standing){"night": sampleNight, "interrupted": interruptedNight, "hostile": hostileNight}

func gathered(t *testing.T, night func() (*health.Run, []health.Standing)) prometheus.Gatherer {
	t.Helper()
	run, standings := night()
	g, err := Gather(run, standings, now, health.DefaultStale)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// written is what WriteFile makes of a night.
func written(t *testing.T, night func() (*health.Run, []health.Standing)) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authspec.prom")
	if err := WriteFile(file, gathered(t, night), nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// interop gives the golden files to the real promtool.
func TestGolden(t *testing.T) {
	for name, night := range nights {
		file, got := filepath.Join("testdata", name+".prom"), written(t, night)
		if *update {
			if err := os.WriteFile(file, got, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (-update writes it)", err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got); -update accepts it:\n%s", file, diff)
		}
	}
}

// families reads a text back.
func families(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	read, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return read
}

// series is the labels of each metric of a family, with its value.
func series(f *dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, m := range f.GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		all[strings.Join(values, "|")] = m.GetGauge().GetValue()
	}
	return all
}

func TestEverythingIsReadBack(t *testing.T) {
	for name, night := range nights {
		g := gathered(t, night)
		if problems, err := testutil.GatherAndLint(g); err != nil || len(problems) > 0 {
			t.Errorf("%s: lint: %v, %v", name, problems, err)
		}
		want, err := g.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := families(t, written(t, night))
		if len(got) != len(want) {
			t.Errorf("%s: %d families, want %d", name, len(got), len(want))
		}
		for _, f := range want {
			if diff := cmp.Diff(series(f), series(got[f.GetName()])); diff != "" {
				t.Errorf("%s: %s (-gathered +read):\n%s", name, f.GetName(), diff)
			}
		}
	}
}

func TestEachCredentialHasOneStatus(t *testing.T) {
	for name, night := range nights {
		_, standings := night()
		sums := map[string]float64{}
		for labels, value := range series(families(t, written(t, night))["authspec_credential_status"]) {
			sums[labels[:strings.LastIndex(labels, "|")]] += value
		}
		if len(sums) != len(standings) {
			t.Errorf("%s: %d credentials, want %d", name, len(sums), len(standings))
		}
		for credential, sum := range sums {
			if sum != 1 {
				t.Errorf("%s: %s has %v statuses, want 1", name, credential, sum)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	fresh, old, never := health.State{Checked: ago(1)}, health.State{Checked: ago(37)}, health.State{}
	for _, tt := range []struct {
		name      string
		verdict   check.Verdict
		confirmed bool
		state     health.State
		want      status
	}{
		{"passed", check.Passed, true, fresh, passed},
		{"rejected", check.Rejected, true, fresh, rejected},
		{"not confirmed", check.Rejected, false, fresh, suspected},
		{"inconclusive", check.Inconclusive, true, fresh, inconclusive},
		{"skipped", check.Skipped, true, fresh, skipped},
		{"invalid", check.Invalid, true, fresh, invalid},
		{"a word that is not known", "splendid", true, fresh, inconclusive},
		{"no word at all", "", true, fresh, inconclusive},

		{"passed long ago", check.Passed, true, old, stale},
		{"rejected long ago", check.Rejected, true, old, stale},
		{"suspected long ago", check.Rejected, false, old, stale},
		{"skipped for too long", check.Skipped, true, old, stale},
		{"never checked", check.Skipped, true, never, stale},
		{"passed, they say", check.Passed, true, never, stale},
		{"just not too long ago", check.Passed, true, health.State{Checked: ago(36)}, passed},

		{"invalid, so never checked", check.Invalid, true, never, invalid},
		{"invalid for long", check.Invalid, true, old, invalid},
	} {
		s := &health.Standing{Record: health.Record{Verdict: tt.verdict, Confirmed: tt.confirmed}, State: tt.state}
		if got := statusOf(s, now, 36*time.Hour); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestHostileNamesStaySeparate(t *testing.T) {
	f := families(t, written(t, hostileNight))
	got := slices.Sorted(maps.Keys(series(f["authspec_credential_requests"])))
	mean := `" } 1\n# HELP \ \xff\xfe\x00\x1b[31mé日\u200b\u2028`
	want := []string{
		mean + "|" + mean, "|", "<redacted:token>|acme", "<redacted:token> (2)|acme", "<redacted:token> (2) (2)|acme", "<redacted:token> (3)|acme",
		"|acme", `a\xff|acme`, `a\xff (2)|acme`, `\xfe|acme`, `\xff|acme`,
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, ok := series(f["authspec_credential_cause"])["other|"+mean+"|"+mean]; !ok {
		t.Error("a cause that is none is not other")
	}
}

func TestOnlyWhatIsKnownIsWritten(t *testing.T) {
	f := families(t, written(t, interruptedNight))
	if f["authspec_run_completed_timestamp_seconds"] != nil || series(f["authspec_run_interrupted"])[""] != 1 {
		t.Error("an interrupted run is completed")
	}
	if got := series(f["authspec_run_exit_code"])[""]; got != check.ExitInterrupted {
		t.Errorf("exit code %v", got)
	}
	f = families(t, written(t, sampleNight))
	for name, want := range map[string][]string{
		"credential_last_checked_timestamp_seconds":  {"ankorstore-fr", "ankorstore-sandbox", "antsomi-eu", "antsomi-jp", "antsomi-us", "gigastore-old"},
		"credential_secret_expiry_timestamp_seconds": {"ankorstore-sandbox"},
		"credential_token_lifetime_seconds":          {"ankorstore-sandbox", "gigastore-old"},
		"credential_check_duration_seconds":          {"ankorstore-fr", "ankorstore-sandbox", "antsomi-eu", "antsomi-us", "gigastore-old"},
		"credential_token_latency_seconds":           {"ankorstore-fr", "ankorstore-sandbox", "antsomi-eu", "gigastore-old"},
	} {
		var got []string
		for labels := range series(f["authspec_"+name]) {
			credential, _, _ := strings.Cut(labels, "|")
			got = append(got, credential)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A registry of our own: what others register, and the process itself, is not
// in it.
func TestNothingElseIsGathered(t *testing.T) {
	list, err := gathered(t, sampleNight).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if !strings.HasPrefix(f.GetName(), "authspec_") {
			t.Errorf("%s is gathered", f.GetName())
		}
	}
}

// Every constant of a type in internal/check or internal/health is listed here.
func TestClosedListsAreComplete(t *testing.T) {
	for _, tt := range []struct {
		file, kind string
		want       []string
	}{
		{"../check/verdict.go", "Cause", texts(causes)},
		{"../health/run.go", "PlaceState", texts(placeStates)},
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), tt.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == tt.kind {
				value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				got = append(got, value)
			}
			return false
		})
		if diff := cmp.Diff(got, tt.want); diff != "" {
			t.Errorf("%s of %s (-there +here):\n%s", tt.kind, tt.file, diff)
		}
	}
}

func texts[T ~string](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

// docs/metrics.md has a row for each metric, and its example is a real output.
func TestPageIsCurrent(t *testing.T) {
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	list, err := gathered(t, sampleNight).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		row := fmt.Sprintf("| `%s` | %s | %s |\n", f.GetName(), strings.Join(labels, ", "), f.GetHelp())
		if !strings.Contains(page, strings.ReplaceAll(row, "|  |", "| |")) {
			t.Errorf("docs/metrics.md lacks the row\n%s", row)
		}
	}
	if rows := strings.Count(page, "\n| `authspec_"); rows != len(list) {
		t.Errorf("docs/metrics.md has %d metrics, want %d", rows, len(list))
	}
	_, example, _ := strings.Cut(page, "```text\n")
	example, _, found := strings.Cut(example, "```")
	if !found {
		t.Fatal("docs/metrics.md has no example")
	}
	real := string(written(t, sampleNight))
	for line := range strings.Lines(example) {
		if line != "…\n" && !strings.Contains(real, line) {
			t.Errorf("the example in docs/metrics.md is not real: %s", line)
		}
	}
}
