package report

import "github.com/authspec/authspec/internal/check"

// A depth says how much of the exchanges is shown.
type depth struct {
	verbose bool // headers and requests of all, and of scenarios that passed
	curl    bool // the command of each exchange, not only the last
}

// failure writes all a reader needs to act on one scenario, what matters first:
// which and where, the spot, the reason, what to do, and then the evidence.
func (p *page) failure(r *check.Result, d depth) {
	p.title(r)
	p.source(r)
	p.reason(r)
	p.evidence(r, d)
}

func (p *page) title(r *check.Result) {
	p.line(p.paint.loud(r.Verdict, mark(r.Verdict)) + " " + p.paint.bold(title(r)))
	p.line("  " + p.paint.loud(r.Verdict, outcome(r)) + p.paint.dim(" · ") + place(r))
}

func (p *page) reason(r *check.Result) {
	if r.Message == "" && r.Advice == "" {
		return
	}
	p.line("")
	if r.Message != "" {
		p.prose("  ", 2, r.Message)
	}
	if r.Advice != "" {
		p.prose("  "+p.paint.bold("→")+" ", 4, r.Advice)
	}
}

// evidence shows what went over the wire: the last exchange, which the failing
// step looked at, with its answer, and the earlier ones as a line each.
func (p *page) evidence(r *check.Result, d depth) {
	last := len(r.Exchanges) - 1
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		decides := i == last && r.Verdict.Failed()
		const enough = 5
		switch {
		case !d.verbose && i == 0 && last > enough:
			p.line("")
			p.line("  " + p.paint.dim("… "+plural(last-enough, "earlier exchange")))
			continue
		case !d.verbose && i < last-enough:
			continue
		}
		if i == 0 || d.verbose || decides && last > 0 || d.curl {
			p.line("")
		}
		p.exchange(x, looks(r, d, decides))
		if (decides || d.curl) && x.Curl != "" {
			p.line("")
			p.line("  " + p.paint.dim("reproduce:"))
			for _, line := range inertLines(x.Curl) {
				p.line("  " + line)
			}
		}
	}
}

// A look says which parts of an exchange are shown.
type look struct {
	request, headers, body bool
	lines                  int // of a body
}

// looks chooses by the cause: a fault of our own request is seen in the
// request, one of a header in the headers.
func looks(r *check.Result, d depth, decides bool) look {
	if d.verbose {
		return look{request: true, headers: true, body: true, lines: 200}
	}
	if !decides {
		return look{}
	}
	l := look{body: true, lines: 20}
	switch r.Cause {
	case check.Request:
		l.request = true
	case check.Header, check.ContentType, check.RateLimited, check.Redirected, check.NotAnAPIAnswer:
		l.headers = true
	}
	return l
}
