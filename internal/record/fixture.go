package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/authspec/authspec/providers/simulator"
)

// keptHeaders are what a client can act upon. All others are of the moment,
// of the connection, or of the account.
var keptHeaders = []string{
	"Allow", "Cache-Control", "Content-Type", "Deprecation", "Pragma", "RateLimit", "RateLimit-Limit", "RateLimit-Policy",
	"RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "Sunset", "Www-Authenticate", "X-Accepted-Oauth-Scopes",
	"X-Oauth-Scopes", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
}

// neverKept is not kept whoever asks for it: it is secret, or would be wrong
// in any other answer.
var neverKept = []string{"Connection", "Content-Encoding", "Content-Length", "Keep-Alive", "Set-Cookie", "Transfer-Encoding", simulator.UndocumentedHeader}

// header returns the headers of x that a fixture keeps, in disguise: those of
// keptHeaders and those that the old fixture has or a feature speaks of.
func (d *disguise) header(x *Exchange, also []string) http.Header {
	keep := map[string]bool{}
	for _, name := range append(slices.Clone(keptHeaders), also...) {
		keep[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	for _, name := range neverKept {
		delete(keep, name)
	}
	out := http.Header{}
	for name, values := range x.Header {
		if !keep[name] {
			continue
		}
		for _, v := range values {
			out.Add(name, d.text(x.Situation+"/"+name, v))
		}
	}
	return out
}

// fixture writes an answer as a fixture.
func fixture(host string, at time.Time, status int, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# recorded %s %s\n", host, at.UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "HTTP/1.1 %s\n", strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status))))
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, v := range header[name] {
			fmt.Fprintf(&b, "%s: %s\n", spelling(name), strings.TrimSpace(v))
		}
	}
	b.WriteByte('\n')
	b.Write(body)
	return b.Bytes()
}

// spelling is how people write the name of a header.
func spelling(name string) string {
	switch name {
	case "Www-Authenticate":
		return "WWW-Authenticate"
	case "Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset",
		"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset":
		return strings.Replace(name, "Ratelimit", "RateLimit", 1)
	}
	return name
}

// indent lays JSON out for people; names, values and their order stay.
func indent(body []byte, step string) []byte {
	var b bytes.Buffer
	if json.Indent(&b, bytes.TrimSpace(body), "", step) != nil {
		return body
	}
	b.WriteByte('\n')
	return b.Bytes()
}

var firstIndent = regexp.MustCompile(`^\s*[\[{]\r?\n([ \t]+)`)

// indentOf returns how a body is indented, so that a diff shows what changed.
func indentOf(body []byte) string {
	if m := firstIndent.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return "  "
}
