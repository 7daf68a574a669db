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

type (
	healthRun struct {
		Version     int                   `json:"version"`
		Authspec    string                `json:"authspec"`
		Started     time.Time             `json:"started"`
		Duration    jsonMilliseconds      `json:"duration_ms"`
		ExitCode    int                   `json:"exit_code"`
		Interrupted bool                  `json:"interrupted"`
		Selected    int                   `json:"selected"`
		Seed        uint64                `json:"seed"`
		Counts      map[check.Verdict]int `json:"counts"`
		Credentials []health.Record       `json:"credentials"`
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

func writeHealthJSON(w io.Writer, run *health.Run) error {
	out := healthRun{
		Version: healthVersion, Authspec: run.Version, Started: run.Started.UTC(), Duration: jsonMilliseconds(run.Duration),
		ExitCode: run.ExitCode(), Interrupted: run.Interrupted, Selected: run.Selected, Seed: run.Seed,
		Counts:      map[check.Verdict]int{},
		Credentials: make([]health.Record, len(run.Credentials)),
		Providers:   make([]healthPlace, len(run.Places)),
	}
	for _, v := range check.Verdicts() {
		if v != check.Drifted {
			out.Counts[v] = run.Count(v)
		}
	}
	now := run.Started.Add(run.Duration)
	for i := range run.Credentials {
		out.Credentials[i] = run.Credentials[i].Record(now)
	}
	for i, p := range run.Places {
		out.Providers[i] = healthPlace{p.Provider, p.Name, p.Address, p.State, p.Cause, p.Message, p.Credentials, p.Passed, p.Rejected, p.Unknown}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // <redacted:…> stays readable
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := w.Write(printable(b.Bytes()))
	return err
}
