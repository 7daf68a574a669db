package runner

import (
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
	"github.com/authspec/authspec/providers"
)

// Redacted copies a response without its secrets, as results have it.
func Redacted(resp *providers.Response, erase *redact.Redactor) check.Exchange {
	r := &recorder{opts: Options{Redactor: erase}}
	return r.exchange(resp)
}
