package samples

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// curl returns a command for each request. Credentials are shell variables.
func (c *conversation) curl() Sample {
	s := Sample{Language: "curl"}
	if c.token != nil {
		step := Step{Code: c.command(c.token), Note: note(c.token), Prints: "the response to " + c.token.String()}
		if c.call != nil {
			step.Title = fmt.Sprintf("Request an access token; it stands in %s", c.provider.Auth.Response.AccessToken)
		}
		s.Steps = append(s.Steps, step)
	}
	if c.call != nil {
		step := Step{Code: c.command(c.call), Note: note(c.call), Prints: c.prints()}
		if c.token != nil {
			step.Title = "Send " + c.call.String() + " with the token in " + AccessToken
		}
		s.Steps = append(s.Steps, step)
	}
	return s
}

func (c *conversation) command(r *request) string {
	var args []string
	add := func(option string, t text) {
		if option != "" {
			option += " "
		}
		args = append(args, option+c.shell(t))
	}
	option := "--fail-with-body -sS"
	switch {
	case r.method == http.MethodHead:
		option += " -I"
	case r.isPlainGet() && len(r.query) > 0:
		option += " -G"
	case r.method != http.MethodGet && (r.method != http.MethodPost || !r.hasBody()):
		option += " -X " + r.method
	}
	add("curl "+option, r.url)
	if r.basic != nil {
		add("-u", join(r.basic.user, ":", r.basic.password))
	}
	for _, h := range r.headers {
		add("-H", join(text{{literal: h.name}}, ": ", h.value))
	}
	for _, q := range r.query {
		option := "--url-query"
		if r.isPlainGet() {
			option = "--data-urlencode"
		}
		add(option, join(text{{literal: q.name}}, "=", q.value))
	}
	for _, f := range r.form {
		add("--data-urlencode", join(text{{literal: f.name}}, "=", f.value))
	}
	switch {
	case r.json != nil:
		var members []string
		for _, f := range r.json {
			value := c.expand(f.value, func(literal string) string { return inHeredoc.Replace(strings.Trim(quoted(literal), `"`)) })
			members = append(members, fmt.Sprintf(`  %s: "%s"`, inHeredoc.Replace(quoted(f.name)), value))
		}
		args = append(args, "--json @- <<END\n{\n"+strings.Join(members, ",\n")+"\n}\nEND")
	case r.body != nil:
		args = append(args, "--data-binary @- <<END\n"+c.expand(r.body, inHeredoc.Replace)+"\nEND")
	}
	return strings.Join(args, " \\\n  ") + "\n"
}

func join(a text, between string, b text) text {
	t := append(append(text{}, a...), part{literal: between})
	return append(t, b...)
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)
	wordStart = regexp.MustCompile(`^[A-Za-z0-9_]`)
)

// note says what a shell does not do by itself.
func note(r *request) string {
	switch {
	case r.basic != nil && r.basic.encoded:
		return "The provider wants both parts form-encoded first, which curl does not do: encode what is no letter, digit, dot, dash or underscore."
	case r.json != nil:
		return "A value with a quotation mark or a backslash needs a backslash before it here."
	}
	return ""
}

// shell quotes a text as one word of a shell.
func (c *conversation) shell(t text) string {
	if len(t) == 1 && plainWord.MatchString(t[0].literal) {
		return t[0].literal
	}
	return `"` + c.expand(t, func(literal string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(literal)
	}) + `"`
}

// expand writes a text with a shell variable for each credential.
func (c *conversation) expand(t text, escape func(literal string) string) string {
	var b strings.Builder
	for i, p := range t {
		switch {
		case p.field == "":
			b.WriteString(escape(p.literal))
		case i+1 < len(t) && wordStart.MatchString(t[i+1].literal):
			b.WriteString("${" + c.variable(p.field) + "}")
		default:
			b.WriteString("$" + c.variable(p.field))
		}
	}
	return b.String()
}

var inHeredoc = strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`")
