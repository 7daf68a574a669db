package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/authspec/authspec/internal/alert"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/credentials"
	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/report"
	"github.com/authspec/authspec/providers"
)

// The moments of a check that a ping URL hears of.
const (
	started   = "start"
	succeeded = "success"
	failed    = "failure"
)

const pingTimeout = 10 * time.Second

// ping calls the URL of a moment, with a word on what happened. A dead man's
// switch that cannot be reached is no fault of the check: it says so and goes
// on.
func (n *night) ping(ctx context.Context, moment, message string) {
	p := n.file.Ping
	if p == nil || n.flags.dryRun {
		return
	}
	ref, behind := p.Success, ""
	switch moment {
	case started:
		ref, behind = p.Start, "start"
	case failed:
		ref, behind = p.Failure, "fail"
	}
	if !p.Base.IsZero() {
		ref = p.Base
	} else if behind = ""; ref.IsZero() {
		return
	}
	// Whoever waits for it should also hear that a check was interrupted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	if err := n.call(ctx, ref, behind, message); err != nil {
		fmt.Fprintf(n.console.err, "authspec: ping %s: %s\n", moment, n.console.secrets.String(err.Error()))
	}
}

func (n *night) call(ctx context.Context, ref credentials.Reference, behind, message string) error {
	u, err := n.resolver.URL(ctx, ref)
	if err != nil {
		return err
	}
	if err := providers.SecureURL(u); err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	alert.Hide(n.console.secrets, "ping", u)
	if behind != "" {
		u = u.JoinPath(behind)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(n.console.secrets.String(message)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", "authspec/"+buildVersion())
	resp, err := n.carrier.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("%s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s answers %d", u.Host, resp.StatusCode)
	}
	return nil
}

// pingEnd says whether the check took place. What it found is for alerts: a
// rejected credential is a check that worked.
func (n *night) pingEnd(ctx context.Context, run *health.Run) {
	message := ""
	if run != nil {
		message = report.HealthSummary(run)
	}
	if err := errors.Join(n.errs...); err != nil {
		message = strings.TrimSpace(message + "\n" + err.Error())
	}
	moment := failed
	if run != nil && !run.Interrupted && len(n.errs) == 0 && n.code != check.ExitNothingRan && n.code != check.ExitInternal {
		moment = succeeded
	}
	n.ping(ctx, moment, message)
}
