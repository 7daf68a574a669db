package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// exchange writes one request and its answer. Each line of theirs stands behind
// a sign, so that none can begin a line of a log.
func (p *page) exchange(x *check.Exchange, l look) {
	p.line("  " + p.paint.bold(label(x.Method)) + " " + label(x.URL) + " → " + p.answer(x))
	if l.request {
		p.message("> ", x.RequestHeader, x.RequestBody, l.lines)
	}
	switch {
	case x.Status == 0:
	case l.headers:
		p.message("< ", x.ResponseHeader, x.ResponseBody, l.lines)
	case l.body:
		p.body("< ", x.ResponseBody, l.lines)
	}
}

func (p *page) answer(x *check.Exchange) string {
	if x.Status == 0 {
		why := "no response"
		if x.Error != "" {
			why += ": " + label(x.Error)
		}
		return p.paint.verdict(check.Inconclusive, why) + p.paint.dim(", "+web.Took(x.Duration))
	}
	// No colour: whether a status is good is for the feature to say.
	s := p.paint.bold(strconv.Itoa(x.Status))
	if kind := mediaType(x.ResponseHeader); kind != "" {
		s += " " + label(kind)
	}
	s += p.paint.dim(", " + web.Took(x.Duration))
	if x.Error != "" {
		s += p.paint.verdict(check.Inconclusive, ", then "+label(x.Error))
	}
	return s
}

func mediaType(h http.Header) string {
	value := h.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(value); err == nil {
		return kind
	}
	return value
}

// message writes headers and body; a form has a line for each field.
func (p *page) message(sign string, h http.Header, body string, lines int) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			value, _ = head(value, 4*p.width)
			p.line("  " + p.paint.dim(sign+cut(label(name)+": "+inert(value), p.width-4)))
		}
	}
	if body != "" {
		if len(h) > 0 {
			p.line("  " + p.paint.dim(sign))
		}
		if mediaType(h) == "application/x-www-form-urlencoded" {
			body = strings.ReplaceAll(body, "&", "&\n")
		}
		p.body(sign, body, lines)
	}
}

// body writes at most n lines of a body, each cut to the width; JSON is set
// out over lines.
func (p *page) body(sign, body string, n int) {
	if body == "" {
		return
	}
	// A bound on bytes too: one line may be a megabyte.
	const enough = 64 << 10
	shown, all := head(body, enough)
	if all {
		shown = indented(shown)
	}
	if strings.HasPrefix(strings.TrimSpace(shown), "<") {
		n = (n + 2) / 3 // a page says in its first lines what it is
	}
	lines := inertLines(shown)
	more := ""
	switch over := len(lines) - n; {
	case !all:
		more = fmt.Sprintf("… %d bytes in all", len(body))
		lines = lines[:min(n, len(lines))]
	case over > 1:
		more = fmt.Sprintf("… %d more lines", over)
		lines = lines[:n]
	}
	for _, line := range lines {
		p.line("  " + p.paint.dim(sign) + cut(line, p.width-4))
	}
	if more != "" {
		p.line("  " + p.paint.dim(sign+more))
	}
}

// indented sets JSON out over lines, its values byte for byte. Deep nesting is
// left alone, for its indentation grows with the square of the depth.
func indented(body string) string {
	const deepest = 32
	depth := 0
	for i := range len(body) {
		switch body[i] {
		case '{', '[':
			if depth++; depth > deepest {
				return body
			}
		case '}', ']':
			depth--
		}
	}
	var b bytes.Buffer
	if !looksLikeJSON(body) || json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}

func looksLikeJSON(body string) bool {
	body = strings.TrimLeft(body, " \t\r\n")
	return strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[")
}
