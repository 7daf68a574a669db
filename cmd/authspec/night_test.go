package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/authspec/authspec/internal/alert"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/history"
	"github.com/authspec/authspec/internal/metrics"
	"github.com/authspec/authspec/internal/report"
)

// A secret that was about to leave is exit 70, whoever found it; nothing that
// goes wrong after it makes it less.
func TestWhatGoesWrongBesideACheck(t *testing.T) {
	other := errors.New("disk full")
	for _, leak := range []error{report.ErrLeak, metrics.ErrLeak, history.ErrLeak, alert.ErrLeak} {
		n := &night{code: check.ExitBroken}
		n.fail(nil)
		if n.code != check.ExitBroken || len(n.errs) > 0 {
			t.Errorf("nothing went wrong: %d, %v", n.code, n.errs)
		}
		n.fail(other)
		if n.code != check.ExitInvalid {
			t.Errorf("%v: %d", other, n.code)
		}
		n.fail(errors.Join(other, fmt.Errorf("channel ops: %w", leak)))
		n.fail(other)
		if n.code != check.ExitInternal || len(n.errs) != 3 {
			t.Errorf("%v: %d, %v", leak, n.code, n.errs)
		}
	}
}
