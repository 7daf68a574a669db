package runner

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strings"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// exchange copies a response without its secrets.
func (r *recorder) exchange(resp *providers.Response) check.Exchange {
	erase := r.opts.Redactor.String
	e := check.Exchange{
		Call:           resp.Call,
		Method:         resp.Request.Method,
		URL:            erase(resp.Request.URL.String()),
		RequestHeader:  r.header(resp.Request.Header),
		RequestBody:    erase(string(resp.RequestBody)),
		Status:         resp.Status,
		ResponseHeader: r.header(resp.Header),
		ResponseBody:   erase(string(resp.Body)),
		Duration:       resp.Duration,
	}
	if resp.Err != nil {
		e.Error = erase(resp.Err.Error())
	}
	e.Curl = r.curl(resp)
	return e
}

// header erases values; a cookie is a secret that nobody told us.
func (r *recorder) header(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		for _, v := range values {
			if name == "Set-Cookie" || name == "Cookie" {
				cookie, _, _ := strings.Cut(v, "=")
				v = cookie + "=<redacted:cookie>"
			}
			out.Add(name, r.opts.Redactor.String(v))
		}
	}
	return out
}

// curl returns a command that sends the same request, with a shell variable
// in place of each secret.
func (r *recorder) curl(resp *providers.Response) string {
	req := resp.Request
	args := []string{"curl", "-i"}
	if req.Method != http.MethodGet && (req.Method != http.MethodPost || len(resp.RequestBody) == 0) {
		args = append(args, "-X", req.Method)
	}
	args = append(args, r.shell(req.URL.String()))
	names := make([]string, 0, len(req.Header))
	for name := range req.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	form := req.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	for _, name := range names {
		value := req.Header.Get(name)
		user, password, isBasic := basicAuth(name, value)
		switch {
		case name == "User-Agent", name == "Content-Type" && form:
		case isBasic:
			args = append(args, "-u", r.shell(user+":"+password))
		default:
			args = append(args, "-H", r.shell(name+": "+value))
		}
	}
	switch {
	case len(resp.RequestBody) == 0:
	case form:
		for _, pair := range strings.Split(string(resp.RequestBody), "&") {
			name, value, _ := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(value); err == nil {
				value = decoded
			}
			args = append(args, "--data-urlencode", r.shell(name+"="+value))
		}
	default:
		args = append(args, "--data", r.shell(string(resp.RequestBody)))
	}
	return strings.Join(args, " ")
}

func basicAuth(name, value string) (user, password string, ok bool) {
	encoded, isBasic := strings.CutPrefix(value, "Basic ")
	if name != "Authorization" || !isBasic {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(decoded), ":")
	return user, password, ok
}

var (
	placeholder = regexp.MustCompile(`<redacted:([A-Za-z_][A-Za-z0-9_]*)>`)
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)
)

// shell quotes text for a shell; erased secrets become variables.
func (r *recorder) shell(text string) string {
	erased := r.opts.Redactor.String(text)
	if plainWord.MatchString(erased) {
		return erased
	}
	if !placeholder.MatchString(erased) {
		return "'" + strings.ReplaceAll(erased, "'", `'\''`) + "'"
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(erased)
	return `"` + placeholder.ReplaceAllString(escaped, "$$$1") + `"`
}
