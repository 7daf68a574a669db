// Package report turns a finished run into text: for people on a console, and
// for machines as JUnit, JSON, Markdown and GitHub annotations.
//
// Names, headers and bodies come from feature files and from providers. No
// format trusts them: what a terminal, a parser or a CI runner would obey is
// shown instead of sent (see inert). No secret leaves: each format is written
// from a redacted copy of the run, and its bytes are searched once more.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
)

// Formats maps the name of a format to the function that writes it. A function
// reads a finished run and nothing else, and the same run gives the same bytes.
// It does not redact: Write and WriteFile do.
var Formats = map[string]func(w io.Writer, run *check.Run) error{
	"github":   writeGitHub,
	"html":     writeHTML,
	"json":     writeJSON,
	"junit":    writeJUnit,
	"markdown": writeMarkdown,
	"messages": writeMessages,
}

// ErrLeak says that a secret was found in a report that was about to be
// written, and that nothing was written. The exit code is check.ExitInternal.
var ErrLeak = errors.New("a secret would have been written")

// Parse splits the FORMAT=FILE of a --report flag. It fails for an unknown
// format, naming those there are, so that a typo is found before a long run.
func Parse(flag string) (format, file string, err error) {
	format, file, found := strings.Cut(flag, "=")
	if !found || file == "" {
		return "", "", fmt.Errorf("report %q: want FORMAT=FILE, such as junit=report.xml (- is the standard output)", flag)
	}
	if _, ok := Formats[format]; !ok {
		return "", "", unknownFormat(format)
	}
	return format, file, nil
}

// Write writes the run to w in one call of Write, redacted. It returns an error
// that wraps ErrLeak, and writes nothing, if a secret is left in it.
func Write(w io.Writer, format string, run *check.Run, erase *redact.Redactor) error {
	b, err := render(format, run, erase)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("report %s: %w", format, err)
	}
	return nil
}

// WriteFile is Write to a file; the file "-" is the standard output. The file
// appears whole or not at all, an existing one survives any failure and keeps
// its permissions, and missing folders are made.
func WriteFile(format, file string, run *check.Run, erase *redact.Redactor) error {
	if file == "-" {
		return Write(os.Stdout, format, run, erase)
	}
	b, err := render(format, run, erase)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(file, b); err != nil {
		return fmt.Errorf("report %s: %w", format, err)
	}
	return nil
}

func render(format string, run *check.Run, erase *redact.Redactor) ([]byte, error) {
	write, ok := Formats[format]
	if !ok {
		return nil, unknownFormat(format)
	}
	var b bytes.Buffer
	// Redacting the encoded bytes could break the format, so it happens before.
	if err := write(&b, redacted(run, erase)); err != nil {
		return nil, fmt.Errorf("report %s: %w", format, err)
	}
	if _, found := erase.Leak(b.Bytes()); !found {
		return b.Bytes(), nil
	}
	// A secret may be a word of the format: a client ID "name".
	var own strings.Builder
	if err := write(&own, skeleton(run)); err != nil {
		return nil, fmt.Errorf("report %s: %w", format, err)
	}
	if name, found := erase.LeakExcept(b.Bytes(), own.String()); found {
		return nil, fmt.Errorf("report %s: %w (%s): the report is left out; this is a defect of authspec, please report it", format, ErrLeak, name)
	}
	return b.Bytes(), nil
}

func unknownFormat(format string) error {
	names := slices.Sorted(maps.Keys(Formats))
	hint := ""
	if near := nearest(format, names); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("report %q: unknown format, the formats are %s%s", format, strings.Join(names, ", "), hint)
}

// nearest returns the name that word was meant to be, or "": one it begins, one
// it is short for, or one that differs in a third of its letters at most.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	switch word {
	case "":
		return ""
	case "md":
		return "markdown"
	case "gh", "annotations":
		return "github"
	case "xml":
		return "junit"
	}
	best, least := "", 0
	for _, name := range names {
		if strings.HasPrefix(name, word) || strings.HasPrefix(word, name) {
			return name
		}
		if d := distance(word, name); d <= len(name)/3+1 && (best == "" || d < least) {
			best, least = name, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
