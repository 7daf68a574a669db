package runner

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v42"
	messages "github.com/cucumber/messages/go/v34"
)

// A SyntaxError is a line that no feature can have at its place.
type SyntaxError struct {
	URI          string
	Line, Column int // Column is 0 for the end of the file
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.URI, e.Line, e.Column, e.Message)
}

var gherkinError = regexp.MustCompile(`^\((\d+):(\d+)\): (.*)$`)

// ParseGherkin reads a feature file. newID gives the nodes their IDs. The
// document is what could be read, and may be nil, when there are errors.
func ParseGherkin(uri string, source []byte, newID func() string) (*messages.GherkinDocument, []*SyntaxError) {
	if line := longLine(source); line > 0 {
		return nil, []*SyntaxError{{uri, line, 1, fmt.Sprintf("a line of more than %d KiB", bufio.MaxScanTokenSize>>10)}}
	}
	document, err := gherkin.ParseGherkinDocument(bytes.NewReader(source), newID)
	if err == nil {
		return document, nil
	}
	var found []*SyntaxError
	for text := range strings.Lines(strings.TrimPrefix(err.Error(), "Parser errors:\n")) {
		text = strings.TrimRight(text, "\n")
		m := gherkinError.FindStringSubmatch(text)
		if m == nil {
			found = append(found, &SyntaxError{uri, 1, 1, text})
			continue
		}
		line, _ := strconv.Atoi(m[1]) // digits, by the pattern
		column, _ := strconv.Atoi(m[2])
		found = append(found, &SyntaxError{uri, line, column, m[3]})
	}
	return document, found
}

// longLine returns the number of a line that the parser would panic at, or 0.
func longLine(source []byte) int {
	n := 0
	for line := range bytes.Lines(source) {
		if n++; len(line) >= bufio.MaxScanTokenSize {
			return n
		}
	}
	return 0
}

// ReadFeature returns the text of a feature, named as FeatureFiles names it,
// without the mark that some editors begin a file with: the parser takes it
// for a part of the first word.
func (w *Workspace) ReadFeature(uri string) ([]byte, error) {
	source, err := fs.ReadFile(w.Features, strings.TrimPrefix(uri, "features/"))
	return bytes.TrimPrefix(source, []byte("\xef\xbb\xbf")), err
}
