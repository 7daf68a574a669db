package site

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// ReadResults reads the files that `authspec run --report json=FILE` wrote, and
// the histories of `authspec check`.
func ReadResults(files []string) (runs []*check.Run, nights []*Night, err error) {
	for _, file := range files {
		is, err := isHistory(file)
		if err != nil {
			return nil, nil, fmt.Errorf("--results: %w", err)
		}
		if is {
			more, err := readNights(file)
			if err != nil {
				return nil, nil, fmt.Errorf("--results %s: %w", file, err)
			}
			nights = append(nights, more...)
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("--results: %w", err)
		}
		run, err := parseResults(content)
		if err != nil {
			return nil, nil, fmt.Errorf("--results %s: %w", file, err)
		}
		runs = append(runs, run)
	}
	return runs, nights, nil
}

// parseResults takes from a report of version 1 what pages show.
func parseResults(content []byte) (*check.Run, error) {
	var in struct {
		Version   int
		Authspec  string
		Mode      check.Mode
		Started   time.Time
		Duration  milliseconds `json:"duration_ms"`
		Scenarios []struct {
			Provider, Feature, Rule, Name, URI string
			Line                               int
			Verdict                            check.Verdict
			Cause                              check.Cause
			Message, Advice                    string
			Started                            time.Time
			Duration                           milliseconds `json:"duration_ms"`
			Exchanges                          []struct {
				Call     string
				Response struct {
					Status int
					Body   string
				}
			}
		}
	}
	if err := json.Unmarshal(content, &in); err != nil {
		return nil, fmt.Errorf("not a report of authspec run --report json=FILE, nor a history of authspec check: %w", err)
	}
	if in.Version != 1 || in.Started.IsZero() {
		return nil, fmt.Errorf("want a report of version 1, as authspec run --report json=FILE writes it, got version %d", in.Version)
	}
	run := &check.Run{Version: in.Authspec, Mode: in.Mode, Started: in.Started, Duration: time.Duration(in.Duration)}
	for _, s := range in.Scenarios {
		r := check.Result{
			Provider: s.Provider, Feature: s.Feature, Rule: s.Rule, Scenario: s.Name, URI: s.URI, Line: s.Line,
			Verdict: s.Verdict, Cause: s.Cause, Message: s.Message, Advice: s.Advice, Started: s.Started, Duration: time.Duration(s.Duration),
		}
		for _, x := range s.Exchanges {
			r.Exchanges = append(r.Exchanges, check.Exchange{Call: x.Call, Status: x.Response.Status, ResponseBody: x.Response.Body})
		}
		run.Results = append(run.Results, r)
	}
	run.Selected = len(run.Results)
	return run, nil
}

// milliseconds is a duration as a number of them.
type milliseconds time.Duration

func (d *milliseconds) UnmarshalJSON(b []byte) error {
	var n float64
	err := json.Unmarshal(b, &n)
	*d = milliseconds(n * float64(time.Millisecond))
	return err
}
