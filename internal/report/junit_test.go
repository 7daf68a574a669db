package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/authspec/authspec/internal/check"
)

// junitElement is the structure that Ant writes and Jenkins reads (its
// junit-10.xsd), plus the file and line of a test case, which pytest writes and
// GitLab reads.
var junitElements = map[string]struct {
	required, optional, children []string
}{
	"testsuites": {required: []string{"name", "tests", "failures", "errors", "skipped", "time"}, children: []string{"testsuite"}},
	"testsuite": {required: []string{"name", "tests", "failures", "errors", "skipped", "time"}, optional: []string{"timestamp"},
		children: []string{"properties", "testcase"}},
	"properties": {children: []string{"property"}},
	"property":   {required: []string{"name", "value"}},
	"testcase": {required: []string{"classname", "name", "time"}, optional: []string{"file", "line"},
		children: []string{"skipped", "error", "failure", "system-out"}},
	"skipped":    {required: []string{"message"}},
	"error":      {required: []string{"type", "message"}},
	"failure":    {required: []string{"type", "message"}},
	"system-out": {},
}

func TestJUnitStructure(t *testing.T) {
	for name, run := range runs() {
		t.Run(name, func(t *testing.T) {
			d := xml.NewDecoder(bytes.NewReader(written(t, "junit", run)))
			var path []string
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				switch e := token.(type) {
				case xml.StartElement:
					if len(path) == 0 {
						if e.Name.Local != "testsuites" {
							t.Errorf("the root is %s", e.Name.Local)
						}
					} else if !slices.Contains(junitElements[path[len(path)-1]].children, e.Name.Local) {
						t.Errorf("%s in %s", e.Name.Local, path[len(path)-1])
					}
					assertAttributes(t, e)
					path = append(path, e.Name.Local)
				case xml.EndElement:
					path = path[:len(path)-1]
				}
			}
		})
	}
}

func assertAttributes(t *testing.T, e xml.StartElement) {
	t.Helper()
	allowed, ok := junitElements[e.Name.Local]
	if !ok {
		t.Errorf("unknown element %s", e.Name.Local)
	}
	var got []string
	for _, a := range e.Attr {
		got = append(got, a.Name.Local)
		if !slices.Contains(allowed.required, a.Name.Local) && !slices.Contains(allowed.optional, a.Name.Local) {
			t.Errorf("unknown attribute %s of %s", a.Name.Local, e.Name.Local)
		}
		var err error
		switch a.Name.Local {
		case "tests", "failures", "errors", "skipped", "line":
			_, err = strconv.ParseUint(a.Value, 10, 31)
		case "time":
			_, err = strconv.ParseFloat(a.Value, 64)
		case "timestamp":
			_, err = time.Parse("2006-01-02T15:04:05", a.Value)
		}
		if err != nil {
			t.Errorf("%s of %s: %v", a.Name.Local, e.Name.Local, err)
		}
	}
	for _, name := range allowed.required {
		if !slices.Contains(got, name) {
			t.Errorf("%s has no %s", e.Name.Local, name)
		}
	}
}

// What a reader of JUnit counts is what the run counts.
func TestJUnitCounts(t *testing.T) {
	type counts struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
	type document struct {
		counts
		Suites []struct {
			Name string `xml:"name,attr"`
			counts
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Line    int    `xml:"line,attr"`
				Failure *struct {
					Type string `xml:"type,attr"`
				} `xml:"failure"`
				Error *struct {
					Type string `xml:"type,attr"`
				} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	for name, run := range runs() {
		t.Run(name, func(t *testing.T) {
			var doc document
			if err := xml.Unmarshal(written(t, "junit", run), &doc); err != nil {
				t.Fatal(err)
			}
			want := counts{
				Tests:    len(run.Results),
				Failures: run.Count(check.Rejected) + run.Count(check.Drifted),
				Errors:   run.Count(check.Inconclusive) + run.Count(check.Invalid),
				Skipped:  run.Count(check.Skipped),
			}
			if code := run.ExitCode(); code == check.ExitInterrupted || code == check.ExitNothingRan {
				want.Tests++
				want.Errors++
			}
			if doc.counts != want {
				t.Errorf("counts %+v, want %+v", doc.counts, want)
			}
			var all counts
			names := map[string]bool{}
			for _, suite := range doc.Suites {
				var of counts
				for _, c := range suite.Cases {
					of.Tests++
					switch {
					case c.Failure != nil:
						of.Failures++
						if v, _, _ := strings.Cut(c.Failure.Type, ":"); v != "rejected" && v != "drifted" {
							t.Errorf("failure of type %s", c.Failure.Type)
						}
					case c.Error != nil:
						of.Errors++
					case c.Skipped != nil:
						of.Skipped++
					}
					if id := suite.Name + "\x00" + c.Class + "\x00" + c.Name; names[id] {
						t.Errorf("two cases are %q", id)
					} else {
						names[id] = true
					}
				}
				if of != suite.counts {
					t.Errorf("%s: counts %+v, its cases %+v", suite.Name, suite.counts, of)
				}
				all.Tests += of.Tests
				all.Failures += of.Failures
				all.Errors += of.Errors
				all.Skipped += of.Skipped
			}
			if all != doc.counts {
				t.Errorf("counts %+v, the suites together %+v", doc.counts, all)
			}
		})
	}
}
