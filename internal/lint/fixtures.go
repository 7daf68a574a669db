package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/internal/suggest"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// fixtures reports fixtures that cannot be read, are never reached, are
// missing, or do not say what the provider file promises.
func (l *linter) fixtures() {
	l.fixtureFileNames()
	l.schemas()
	said := map[string]bool{} // folders that were reported
	for _, file := range l.names("fixtures") {
		parts := strings.Split(strings.TrimSuffix(file, ".http"), "/")[1:]
		if len(parts) != 3 {
			l.report(Error, place{file: file}, "Move it to fixtures/PROVIDER/CALL/SITUATION.http.", "this fixture is never reached: it does not stand where fixtures do")
			continue
		}
		fixture, err := simulator.ParseFixture(file, []byte(l.texts[file]))
		if err != nil {
			l.unparsed(file, err)
		}
		id, call, situation := parts[0], parts[1], parts[2]
		p := l.provider(id)
		if p == nil {
			if !l.broken[strings.ToLower(id)] && !said[id] {
				said[id] = true
				l.report(Error, place{file: file}, "Fixtures stand in a folder named after the provider's file.", "there is no provider %q%s", id, suggest.DidYouMean(id, l.ids()))
			}
			continue
		}
		if calls := callsOf(p); !slices.Contains(calls, call) {
			if !said[id+"/"+call] {
				said[id+"/"+call] = true
				l.report(Error, place{file: file}, fmt.Sprintf("Add the call to %s, or remove the fixture.", fileOf(p)), "%s has no call %q%s", p.Name, call, suggest.DidYouMean(call, calls))
			}
			continue
		}
		if known := providers.Situations(call); !slices.Contains(known, situation) {
			l.report(Error, place{file: file}, "A fixture is named after one of "+strings.Join(known, ", ")+".", "%q is no situation%s", situation, suggest.DidYouMean(situation, known))
			continue
		}
		l.reached(file, p, call, situation)
		if fixture != nil {
			l.fixture(p, call, situation, fixture)
		}
	}
	for _, p := range l.catalogue.All() {
		for _, call := range callsOf(p) {
			l.missing(p, call)
		}
	}
}

// fixtureFileNames reports files that look like fixtures and are not read.
func (l *linter) fixtureFileNames() {
	files, err := fs.Glob(l.files.Fixtures, "*/*/*")
	if err != nil {
		return // reported as unreadable
	}
	for _, name := range files {
		base := path.Base(name)
		if ext := path.Ext(base); ext != ".http" && ext != ".md" && !strings.HasPrefix(base, ".") {
			l.report(Warning, place{file: "fixtures/" + name}, "", "this file is not read: the name of a fixture ends in .http")
		}
	}
}

// lineOf returns the first line of a fixture that holds words, or 0.
func (l *linter) lineOf(file, words string) int {
	text, err := fs.ReadFile(l.files.Fixtures, file)
	at := bytes.Index(text, []byte(words))
	if err != nil || at < 0 {
		return 0
	}
	return 1 + bytes.Count(text[:at], []byte("\n"))
}

// schemas reports schemas that are none.
func (l *linter) schemas() {
	files, err := fs.Glob(l.files.Fixtures, "*/*"+schema.Ending)
	if err != nil {
		return // reported as unreadable
	}
	for _, file := range files {
		if _, err := schema.Load(l.files.Fixtures, path.Dir(file), strings.TrimSuffix(path.Base(file), schema.Ending)); err != nil {
			at, message := place{file: "fixtures/" + file}, strings.TrimPrefix(err.Error(), file+": ")
			var gone *fs.PathError
			if errors.As(err, &gone) && errors.Is(err, fs.ErrNotExist) {
				at.line, message = l.lineOf(file, path.Base(gone.Path)), "it refers to fixtures/"+gone.Path+", which is not there"
			}
			l.report(Error, at, "A schema is JSON Schema, draft 2020-12.", "%s", message)
		}
	}
}

var fileAndLine = regexp.MustCompile(`^(.+?):(\d+): (.*)$`)

func (l *linter) unparsed(file string, err error) {
	at, message := place{file: file}, err.Error()
	if m := fileAndLine.FindStringSubmatch(message); m != nil {
		at.line, _ = strconv.Atoi(m[2]) // digits, by the pattern
		at.column, message = 1, m[3]
	}
	l.report(Error, at, "A fixture is what curl -i prints, below lines that say where it comes from.", "%s", message)
}

// provider returns the provider with that ID, exactly.
func (l *linter) provider(id string) *providers.Provider {
	for _, p := range l.catalogue.All() {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (l *linter) ids() []string {
	var ids []string
	for _, p := range l.catalogue.All() {
		ids = append(ids, p.ID)
	}
	return ids
}

// callsOf returns all that can be sent to a provider.
func callsOf(p *providers.Provider) []string {
	if p.HasToken() {
		return append([]string{providers.TokenCall}, p.CallNames()...)
	}
	return p.CallNames()
}

// reached reports a fixture that the provider file puts aside.
func (l *linter) reached(file string, p *providers.Provider, call, situation string) {
	name := call + "/" + situation
	if other := p.Situation(call, situation); other != name {
		l.report(Error, place{file: file}, fmt.Sprintf("Remove the fixture, or the answer %s in %s.", name, fileOf(p)), "this fixture is never reached: %s answers in its place", other)
	}
	if i := slices.Index(p.Undocumented, name); i >= 0 {
		l.report(Error, l.inYAML(p, fmt.Sprintf("$.undocumented[%d]", i)), "Remove one of the two.", "%s is listed as undocumented and has a fixture", name)
	}
}

// missing reports situations of a call that nothing is said of: a scenario
// that meets one is invalid.
func (l *linter) missing(p *providers.Provider, call string) {
	at := l.inYAML(p, "$.calls.'"+call+"'.endpoint")
	if call == providers.TokenCall {
		at = l.inYAML(p, "$.auth.token")
	}
	var missing []string
	for _, situation := range providers.Situations(call) {
		name := call + "/" + situation
		if _, ok := l.texts[fixtureFile(p, p.Situation(call, situation))]; ok {
			continue
		}
		switch {
		case situation == "issued" || situation == "ok":
			l.report(Error, at, "Write it from what the documentation shows.", "%s is missing: nothing can be simulated without it", fixtureFile(p, name))
		case p.Answers[name] != "":
			l.report(Error, l.inYAML(p, "$.answers.'"+name+"'"), fmt.Sprintf("Add %s.", fixtureFile(p, p.Situation(call, situation))), "%s answers as %s, which has no fixture", name, p.Situation(call, situation))
		case !p.IsUndocumented(name) && happens(p, call, situation):
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		l.report(Error, at, fmt.Sprintf("Add fixtures/%s/CALL/SITUATION.http for what the documentation shows, and list the rest under undocumented:.", p.ID),
			"nothing says what %s answers to %s", p.Name, strings.Join(missing, ", "))
	}
}

// happens reports whether a call can meet a situation: a key does not expire
// by the clock, and a public call carries nothing that could be refused.
func happens(p *providers.Provider, call, situation string) bool {
	switch {
	case p.Calls[call].Public:
		return situation == "ok" || situation == "rate_limited"
	case situation == "expired_token":
		return p.HasToken()
	}
	return true
}

func fixtureFile(p *providers.Provider, name string) string {
	return "fixtures/" + p.ID + "/" + name + ".http"
}

// fixture reports what is wrong inside a fixture.
func (l *linter) fixture(p *providers.Provider, call, situation string, f *simulator.Fixture) {
	l.encoded(f)
	isJSON := isJSONType(f.Header.Get("Content-Type"))
	if isJSON && f.Status != http.StatusNoContent && !l.validJSON(f) {
		return
	}
	switch {
	case situation == "issued":
		l.issued(p, f)
	case situation == "ok":
		if f.Status < 200 || f.Status > 299 {
			l.report(Error, l.statusLine(f), "", "status %d is no success", f.Status)
		}
	case situation == "rate_limited" || !isJSON || (call == providers.TokenCall) != p.HasToken():
	case p.Auth.Error != "" && l.declares(p, "$.auth.error"):
		if code := gjson.GetBytes(f.Body, p.Auth.Error); code.Type != gjson.String && code.Type != gjson.Number {
			l.report(Error, l.bodyAt(f, 0), fmt.Sprintf("Correct auth.error in %s, or the body.", fileOf(p)), "there is no error code at %s", p.Auth.Error)
		}
	}
}

// encoded reports a Content-Encoding: fixtures are what it says after decoding,
// and a client would decode them again.
func (l *linter) encoded(f *simulator.Fixture) {
	const name = "Content-Encoding"
	if f.Header.Get(name) == "" {
		return
	}
	for i, text := range l.lines(f.File) {
		if strings.HasPrefix(strings.ToLower(text), strings.ToLower(name)+":") {
			l.report(Error, place{f.File, i + 1, 1, len(name)}, "Remove the line: clients would decode the body once more.", "the body of a fixture is not encoded")
			return
		}
	}
}

func isJSONType(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

func (l *linter) validJSON(f *simulator.Fixture) bool {
	var syntax *json.SyntaxError
	var value any
	if err := json.Unmarshal(f.Body, &value); errors.As(err, &syntax) {
		l.report(Error, l.bodyAt(f, int(syntax.Offset)-1), "The body has to be what its Content-Type says.", "the body is not JSON: %v", syntax)
		return false
	}
	return true
}

// issued reports what the provider file promises of a token response and the
// fixture does not have.
func (l *linter) issued(p *providers.Provider, f *simulator.Fixture) {
	paths := p.Auth.Response
	if f.Status < 200 || f.Status > 299 {
		l.report(Error, l.statusLine(f), "", "status %d issues no token", f.Status)
	}
	advice := fmt.Sprintf("Correct auth.response in %s, or the body.", fileOf(p))
	if !l.declares(p, "$.auth.response") {
		advice = fmt.Sprintf("Say under auth.response in %s where the token response keeps what.", fileOf(p))
	}
	token, err := p.ReadToken(f.Body, time.Now())
	if err != nil {
		l.report(Error, l.bodyAt(f, 0), advice, "%v", err)
	}
	if err == nil && paths.ExpiresIn != "" && !gjson.GetBytes(f.Body, paths.ExpiresIn).Exists() {
		l.report(Warning, l.inYAML(p, "$.auth.response"), "Say where the response has it, or lifetime: 1h, or expires_in: none.", "nothing says when a token expires: the response has no expires_in")
	}
	for _, declared := range []struct{ field, path string }{
		{"token_type", paths.TokenType}, {"refresh_token", paths.RefreshToken}, {"scope", paths.Scope},
	} {
		if declared.path != "" && l.declares(p, "$.auth.response."+declared.field) && !gjson.GetBytes(f.Body, declared.path).Exists() {
			l.report(Error, l.bodyAt(f, 0), advice, "there is no %s at %s", declared.field, declared.path)
		}
	}
	for _, replaced := range []struct{ field, path string }{
		{"access_token", paths.AccessToken}, {"expires_at", paths.ExpiresAt}, {"expires_at_epoch", paths.ExpiresAtEpoch}, {"scope", paths.Scope},
	} {
		if v := gjson.GetBytes(f.Body, replaced.path); v.Exists() && v.Index == 0 {
			l.report(Error, l.inYAML(p, "$.auth.response."+replaced.field), "Write a plain path: names and numbers joined by dots.", "the simulator cannot replace what stands at %s: the path computes a value", replaced.path)
		}
	}
	if paths.ExpiresJWT && paths.Form != "jwt" {
		l.report(Error, l.inYAML(p, "$.auth.response.expires_jwt"), "Add form: jwt.", "expires_jwt needs tokens that are JWTs")
	}
	if paths.Form == "jwt" && token.Value != "" {
		if _, err := providers.JWTClaims(token.Value); err != nil {
			at := l.bodyAt(f, gjson.GetBytes(f.Body, paths.AccessToken).Index)
			l.report(Error, at, fmt.Sprintf("Show a JWT, or write form: opaque in %s.", fileOf(p)), "form is jwt, and the sample token is %v", err)
		}
	}
}

// bodyAt is the place of a byte of the fixture's body.
func (l *linter) bodyAt(f *simulator.Fixture, at int) place {
	text := l.texts[f.File]
	before := text[:len(text)-len(f.Body)+min(max(at, 0), len(f.Body))]
	line := strings.Count(before, "\n") + 1
	return place{file: f.File, line: line, column: len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1}
}

func (l *linter) statusLine(f *simulator.Fixture) place {
	for i, text := range l.lines(f.File) {
		if !strings.HasPrefix(text, "#") {
			return place{file: f.File, line: i + 1, column: 1, width: len(text)}
		}
	}
	return place{file: f.File}
}
