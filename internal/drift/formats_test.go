package drift

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
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
		t.Fatalf("%v (go test ./internal/drift -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update accepts it:\n%s", file, diff)
	}
}

// sample has one of everything.
func sample() *Report {
	until := func(day int) providers.Date {
		return providers.Date{Time: time.Date(2026, 12, day, 0, 0, 0, 0, time.UTC)}
	}
	return &Report{
		Version: "1.2.3",
		Started: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC),
		Providers: []*Provider{
			{
				ID: "acme", Name: "Acme", tried: true,
				Compared: []string{"items/ok", "token/invalid_client", "token/issued"},
				Findings: []Finding{
					{Situations: []string{"token/invalid_client"}, Path: StatusPath, Change: "was 401, is now 400", Grade: Breaking},
					{Situations: []string{"token/issued"}, Path: "expires_in", Change: "is gone; expiresIn (an integer) is new: renamed?", Grade: Breaking,
						Lapsed: &providers.Deviation{Reason: "ticket 41", Until: until(1)}},
					{Situations: []string{"token/invalid_client", "token/invalid_scope"}, Path: "hint|x", Change: "is new (a string)", Grade: Additive},
					{Situations: []string{"token/issued"}, Path: headerPath + "Content-Type", Change: "was application/json; charset=utf-8, is now application/json", Grade: Cosmetic},
					{Situations: []string{"items/ok"}, Path: "items.#.id", Change: "was an integer, is now a string", Grade: Breaking, Assumed: true},
					{Situations: []string{"token/issued"}, Path: "scope", Change: "is gone", Grade: Breaking,
						Accepted: &providers.Deviation{Reason: "ticket 42: until the gateway is replaced", Until: until(31)}},
				},
				Silences: []Silence{{"items/invalid_token", check.RateLimited, "429: too many requests"}},
				Unmet:    []string{"token/rate_limited"},
				Unknown:  []string{"token/unauthorized_client"},
				Notes:    []string{`the deviation of token/issued, id "is gone", does not occur: remove it from providers/acme.yaml`},
			},
			{ID: "globex", Name: "Globex", tried: true, Compared: []string{"token/issued"}},
			{ID: "hooli", Name: "Hooli", tried: true, Silences: []Silence{{"", check.NetworkDNS, "hooli: token: dial tcp: lookup api.hooli.example: no such host"}}},
			{ID: "initech", Name: "Initech", tried: true, Rejected: "initech: token: the credential was refused"},
			{ID: "umbrella", Name: "Umbrella", Skipped: "set UMBRELLA_API_KEY"},
		},
	}
}

func TestGolden(t *testing.T) {
	reports := map[string]*Report{
		"sample": sample(),
		"green":  {Version: "1.2.3", Started: sample().Started, Strict: true, Providers: sample().Providers[1:2]},
		"empty":  {Version: "1.2.3", Started: sample().Started},
	}
	ending := map[string]string{"json": ".json", "markdown": ".md", "text": ".txt"}
	for name, r := range reports {
		for format, write := range Formats {
			t.Run(name+"/"+format, func(t *testing.T) {
				var b bytes.Buffer
				if err := write(&b, r); err != nil {
					t.Fatal(err)
				}
				golden(t, name+ending[format], b.Bytes())
				if format == "json" && !json.Valid(b.Bytes()) {
					t.Error("not JSON")
				}
			})
		}
	}
}

// A provider names its fields as it likes.
func TestMarkdownStandsForItself(t *testing.T) {
	r := &Report{Providers: []*Provider{{ID: "acme", Name: "Acme", tried: true, Compared: []string{"token/issued"}, Findings: []Finding{{
		Situations: []string{"token/issued"}, Path: "a|b\n<script>`[x](http://evil)", Change: "is gone", Grade: Breaking,
	}}}}}
	var b strings.Builder
	if err := writeMarkdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| breaking") {
			want := "| breaking | token/issued | a\\|b &lt;script>\\`\\[x](http://evil) | is gone |  |\n"
			if line != want {
				t.Errorf("got  %swant %s", line, want)
			}
		}
	}
}
