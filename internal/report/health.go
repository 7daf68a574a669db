package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/internal/web"
)

// HealthFormats maps the name of a format to the function that writes a check
// of credentials in it. A function reads a finished run and nothing else, and
// passes every text through erase. It writes a credential with one call of
// Write, so that each can be searched by itself: a run may have thousands.
var HealthFormats = map[string]func(w io.Writer, run *health.Run, erase func(string) string) error{
	"json":  writeHealthJSON,
	"junit": writeHealthJUnit,
}

// ParseHealth is Parse for the formats of a check of credentials.
func ParseHealth(flag string) (format, file string, err error) {
	format, file, found := strings.Cut(flag, "=")
	if !found || file == "" {
		return "", "", fmt.Errorf("report %q: want FORMAT=FILE, such as json=health.json (- is the standard output)", flag)
	}
	if _, ok := HealthFormats[format]; !ok {
		return "", "", fmt.Errorf("report %q: unknown format, a check of credentials has %s; --page writes HTML", format, strings.Join(slices.Sorted(maps.Keys(HealthFormats)), ", "))
	}
	return format, file, nil
}

// WriteHealth writes a check of credentials to w, redacted; see Write.
func WriteHealth(w io.Writer, format string, run *health.Run, erase *redact.Redactor) error {
	var b bytes.Buffer
	if err := renderHealth(&b, format, run, erase); err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report %s: %w", format, err)
	}
	return nil
}

// WriteHealthFile is WriteHealth to a file that appears whole or not at all.
func WriteHealthFile(format, file string, run *health.Run, erase *redact.Redactor) error {
	return atomicfile.WriteWith(file, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		if err := renderHealth(buffered, format, run, erase); err != nil {
			return err
		}
		return buffered.Flush()
	})
}

func renderHealth(w io.Writer, format string, run *health.Run, erase *redact.Redactor) error {
	if err := HealthFormats[format](searched{w, erase}, run, erase.String); err != nil {
		return fmt.Errorf("report %s: %w", format, err)
	}
	return nil
}

// A searched writer takes nothing that holds a secret.
type searched struct {
	to    io.Writer
	erase *redact.Redactor
}

func (s searched) Write(b []byte) (int, error) {
	if name, found := s.erase.Leak(b); found {
		return 0, fmt.Errorf("%w (%s): the report is left out; this is a defect of authspec, please report it", ErrLeak, name)
	}
	return s.to.Write(b)
}

// healthCounts says a check in a line: "2 rejected (1 suspected), 58 passed".
func healthCounts(run *health.Run) string {
	suspected := 0
	for i := range run.Credentials {
		if c := &run.Credentials[i]; c.Verdict == check.Rejected && !c.Confirmed {
			suspected++
		}
	}
	var parts []string
	for _, v := range []check.Verdict{check.Rejected, check.Invalid, check.Inconclusive, check.Skipped, check.Passed} {
		n := run.Count(v)
		if n == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", n, v)
		if v == check.Rejected && suspected > 0 {
			part += fmt.Sprintf(" (%d suspected)", suspected)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// HealthSummary says in a line what a check amounts to.
func HealthSummary(run *health.Run) string {
	s := plural(len(run.Credentials), "credential")
	if len(run.Credentials) < run.Selected {
		s = fmt.Sprintf("%d of %s", len(run.Credentials), plural(run.Selected, "credential"))
	}
	s += " in " + web.Took(run.Duration)
	if counts := healthCounts(run); counts != "" {
		s += ": " + counts
	}
	if n := run.Drifted(); n > 0 {
		s += fmt.Sprintf("; %d met a broken contract", n)
	}
	return fmt.Sprintf("%s. Exit %d: %s.", s, run.ExitCode(), healthMeaning(run))
}

func healthMeaning(run *health.Run) string {
	switch run.ExitCode() {
	case check.ExitOK:
		return "all that could be tried works"
	case check.ExitBroken:
		if run.Count(check.Rejected) == 0 {
			return "the credentials work, but a provider breaks its contract"
		}
		return "a provider refuses a credential that should work"
	case check.ExitInvalid:
		return "a credential cannot be tried as it is set up"
	case check.ExitInconclusive:
		return "no credential is known to be refused, but some could not be told"
	case check.ExitInterrupted:
		return "interrupted, the results are partial"
	case check.ExitNothingRan:
		return "nothing was tried, which proves nothing"
	}
	return "authspec itself went wrong, please report it"
}

// healthGist is the verdict on the whole check, for its sign and its colour.
func healthGist(run *health.Run) check.Verdict {
	switch run.ExitCode() {
	case check.ExitOK:
		return check.Passed
	case check.ExitBroken:
		return check.Rejected
	case check.ExitInvalid, check.ExitInternal:
		return check.Invalid
	}
	return check.Inconclusive
}
