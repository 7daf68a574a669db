package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
)

//go:embed health-1.schema.json
var healthSchema []byte

// HealthSchema returns the JSON Schema (draft 2020-12) of the format "json" of
// a check of credentials, which documents each field.
func HealthSchema() []byte { return bytes.Clone(healthSchema) }

// healthVersion changes when a field goes away or changes its meaning.
const healthVersion = 1

// What comes before the credentials, and after.
type (
	healthHead struct {
		Version     int                   `json:"version"`
		Authspec    string                `json:"authspec"`
		Started     time.Time             `json:"started"`
		Duration    jsonMilliseconds      `json:"duration_ms"`
		ExitCode    int                   `json:"exit_code"`
		Interrupted bool                  `json:"interrupted"`
		Selected    int                   `json:"selected"`
		Seed        uint64                `json:"seed"`
		Counts      map[check.Verdict]int `json:"counts"`
		Providers   []healthPlace         `json:"providers"`
	}
	healthPlace struct {
		Provider    string            `json:"provider"`
		Name        string            `json:"name"`
		Address     string            `json:"address,omitempty"`
		State       health.PlaceState `json:"state"`
		Cause       check.Cause       `json:"cause,omitempty"`
		Message     string            `json:"message,omitempty"`
		Credentials int               `json:"credentials"`
		Passed      int               `json:"passed"`
		Rejected    int               `json:"rejected"`
		Unknown     int               `json:"unknown"`
	}
)

func writeHealthJSON(w io.Writer, run *health.Run, erase func(string) string) error {
	head := healthHead{
		Version: healthVersion, Authspec: erase(run.Version), Started: run.Started.UTC(), Duration: jsonMilliseconds(run.Duration),
		ExitCode: run.ExitCode(), Interrupted: run.Interrupted, Selected: run.Selected, Seed: run.Seed,
		Counts: map[check.Verdict]int{}, Providers: make([]healthPlace, len(run.Places)),
	}
	for _, v := range check.Verdicts() {
		if v != check.Drifted {
			head.Counts[v] = run.Count(v)
		}
	}
	for i, p := range run.Places {
		head.Providers[i] = healthPlace{p.Provider, erase(p.Name), erase(p.Address), p.State, p.Cause, erase(p.Message), p.Credentials, p.Passed, p.Rejected, p.Unknown}
	}
	top, err := indentedJSON(head, "")
	if err != nil {
		return err
	}
	top = bytes.TrimSuffix(top, []byte("\n}"))
	if _, err := w.Write(append(top, ",\n  \"credentials\": ["...)); err != nil {
		return err
	}
	now := run.Started.Add(run.Duration)
	for i := range run.Credentials {
		clean := run.Credentials[i].Redacted(erase)
		b, err := indentedJSON(clean.Record(now), "    ")
		if err != nil {
			return err
		}
		between := ",\n    "
		if i == 0 {
			between = "\n    "
		}
		if _, err := w.Write(append([]byte(between), b...)); err != nil {
			return err
		}
	}
	end := "]\n}\n"
	if len(run.Credentials) > 0 {
		end = "\n  ]\n}\n"
	}
	_, err = io.WriteString(w, end)
	return err
}

// indentedJSON is v over several lines, behind a margin from the second on.
func indentedJSON(v any, margin string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // <redacted:…> stays readable
	e.SetIndent(margin, "  ")
	err := e.Encode(v)
	return printable(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}
