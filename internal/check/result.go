package check

import (
	"net/http"
	"time"
)

// A Result is what became of one scenario (one row of an outline is one
// scenario). Everything in it has passed the redactor.
type Result struct {
	Provider  string // id of the provider, empty when no step named one
	Feature   string
	Rule      string // empty outside a Gherkin Rule
	Scenario  string
	URI       string // path of the feature, with slashes
	Line      int    // line of the scenario, or of the row of its examples
	Tags      []string
	Verdict   Verdict
	Cause     Cause // empty when passed
	Message   string
	Advice    string
	Steps     []Step
	Exchanges []Exchange // in the order they were sent
	Started   time.Time
	Duration  time.Duration
}

// Failing returns the step that decided the verdict, or nil.
func (r *Result) Failing() *Step {
	for i := range r.Steps {
		switch r.Steps[i].Status {
		case StepFailed, StepUndefined, StepAmbiguous:
			return &r.Steps[i]
		}
	}
	return nil
}

// A StepStatus says how far a step got.
type StepStatus string

// The states of a step.
const (
	StepPassed     StepStatus = "passed"
	StepFailed     StepStatus = "failed"
	StepSkipped    StepStatus = "skipped" // it asked to be skipped: the scenario's cause says why
	StepUndefined  StepStatus = "undefined"
	StepAmbiguous  StepStatus = "ambiguous"
	StepNotChecked StepStatus = "not_checked" // an earlier step ended the scenario
)

// A Step is one line of a scenario, as written.
type Step struct {
	Keyword  string // "Given", "And" … without the blank
	Text     string
	Line     int
	Column   int // of the keyword, from 1
	Rows     []Row
	Status   StepStatus
	Misses   []Miss
	Duration time.Duration
}

// A Row is one line of a step's table.
type Row struct {
	Line  int
	Cells []string
}

// An Exchange is one HTTP request and what came back, redacted.
type Exchange struct {
	Call           string // "token" or the name of the call
	Method         string
	URL            string
	RequestHeader  http.Header
	RequestBody    string
	Status         int // 0 when no response arrived
	ResponseHeader http.Header
	ResponseBody   string
	Error          string // why there is no response
	Duration       time.Duration
	Curl           string // a command that sends the same request, with $VARIABLES for secrets
}
