package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata, or writes it with -update.
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
		t.Fatalf("%v (go test ./internal/report -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update accepts it:\n%s", file, diff)
	}
}

// runs are all the runs that each format is tried on.
func runs() map[string]*check.Run {
	return map[string]*check.Run{
		"sample":      sampleRun(),
		"green":       greenRun(),
		"interrupted": interruptedRun(),
		"skipped":     skippedRun(),
		"empty":       emptyRun(),
	}
}

// written is what a format makes of a run, without redaction.
func written(t *testing.T, format string, run *check.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, run, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// printed is what a console prints of a run.
func printed(t *testing.T, c *Console, run *check.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	c.Out = &b
	c.Start(run.Selected, run.Mode)
	for i := range run.Results {
		c.Done(&run.Results[i])
	}
	if err := c.Finish(run); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	ending := map[string]string{"github": ".github.txt", "html": ".html", "json": ".json", "junit": ".xml", "messages": ".ndjson", "markdown": ".md"}
	for name, run := range runs() {
		for format := range Formats {
			t.Run(name+"/"+format, func(t *testing.T) {
				golden(t, name+ending[format], stable(format, written(t, format, run)))
			})
		}
		t.Run(name+"/console", func(t *testing.T) {
			golden(t, name+".console.txt", printed(t, &Console{}, run))
		})
	}
	for name, c := range map[string]*Console{
		"colour":  {Color: true},
		"narrow":  {Width: 60},
		"verbose": {Verbose: true, Curl: true},
	} {
		t.Run("sample/console/"+name, func(t *testing.T) {
			golden(t, "sample.console."+name+".txt", printed(t, c, sampleRun()))
		})
	}
}
