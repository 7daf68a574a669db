package site

import (
	"errors"
	"fmt"
	"os"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/report"
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

// parseResults reads a report.
func parseResults(content []byte) (*check.Run, error) {
	run, err := report.ReadJSON(content)
	var not *report.NotReportError
	if errors.As(err, &not) {
		return nil, fmt.Errorf("not a report of authspec run --report json=FILE, nor a history of authspec check: %s", not.Reason)
	}
	return run, err
}
