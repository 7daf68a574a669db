package drift

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/record"
	"github.com/authspec/authspec/internal/schema"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A comparer compares answers with the fixture of their situation.
type comparer struct {
	provider *providers.Provider
	pins     map[string][]record.Pin // by scenario
	erase    func(string) string
}

func pinsOf(o *record.Observation) map[string][]record.Pin {
	pins := map[string][]record.Pin{}
	for _, s := range o.Plan.Scenarios {
		pins[s.ID()] = record.Pins(s, o.Provider)
	}
	return pins
}

// grades says what each kind of change means to a client.
var grades = map[schema.Kind]Grade{
	schema.Removed: Breaking, schema.Sometimes: Breaking, schema.Renamed: Breaking, schema.Retyped: Breaking,
	schema.Nullable: Breaking, schema.FormatLost: Breaking,
	schema.Added: Additive, schema.Filled: Additive,
	schema.Narrowed: Cosmetic, schema.FormatFound: Cosmetic,
}

// compare returns every change of one situation, once.
//
// To what is granted, every answer has to be as the fixture says. Refusals
// differ by what is wrong with the request, and a fixture shows one: that one
// of them is as it says is enough, and the note tells of another. A success
// where the provider must refuse is told in any case.
func (c *comparer) compare(situation string, f *simulator.Fixture, answers []*record.Exchange) (findings []Finding, note string) {
	if answers[0].Granted() {
		return c.all(situation, f, answers), ""
	}
	s := &situationFindings{situation: situation}
	var refusals []*record.Exchange
	for _, x := range answers {
		switch {
		case !success(x.Status) || success(f.Status):
			refusals = append(refusals, x)
		case c.issues(x):
			s.tally(StatusPath, fmt.Sprintf("was %d, is now %d: an access token is issued where it must be refused", f.Status, x.Status), Breaking, false)
		default:
			s.tally(StatusPath, fmt.Sprintf("was %d, is now %d", f.Status, x.Status), Breaking, f.StatusFrom.Assumed())
		}
	}
	s.settle(len(answers))
	var best []Finding
	others := map[string]*record.Exchange{}
	for i, x := range refusals {
		found := c.all(situation, f, []*record.Exchange{x})
		if i == 0 || weight(found) < weight(best) {
			best = found
		}
		for _, other := range found {
			if text := other.subject() + " " + other.Change; others[text] == nil {
				others[text] = x
			}
		}
	}
	for _, f := range best {
		s.add(f.Path, f.Change, f.Grade, f.Assumed)
		delete(others, f.subject()+" "+f.Change)
	}
	for _, text := range slices.Sorted(maps.Keys(others)) {
		return s.findings, fmt.Sprintf("not every refusal is alike: %s, where %s meets %s", text, others[text].Scenario, situation)
	}
	return s.findings, ""
}

// weight is how much findings matter.
func weight(findings []Finding) int {
	n := len(findings)
	for i := range findings {
		if findings[i].Grade == Breaking {
			n += 100
		}
	}
	return n
}

// all compares every answer. When a refusal became a success, or the other
// way round, that is the change: all the rest differs.
func (c *comparer) all(situation string, f *simulator.Fixture, answers []*record.Exchange) []Finding {
	s := &situationFindings{situation: situation}
	var alike []*record.Exchange
	for _, x := range answers {
		if success(x.Status) == success(f.Status) {
			alike = append(alike, x)
		}
		if x.Status != f.Status {
			s.tally(StatusPath, fmt.Sprintf("was %d, is now %d", f.Status, x.Status), Breaking, f.StatusFrom.Assumed())
		}
	}
	s.settle(len(answers))
	for _, x := range alike {
		c.headers(s, situation, f, x)
	}
	s.settle(len(alike))
	if len(alike) > 0 {
		c.body(s, f, alike)
	}
	return s.findings
}

func success(status int) bool { return status >= 200 && status <= 299 }

func (c *comparer) issues(x *record.Exchange) bool {
	if x.Call != providers.TokenCall || !success(x.Status) {
		return false
	}
	token, _ := c.provider.ReadToken(x.Body, x.Started)
	return token.Value != ""
}

// body compares the bodies of all answers with that of the fixture: their
// shape, the error code, and what the features spell out.
func (c *comparer) body(s *situationFindings, f *simulator.Fixture, answers []*record.Exchange) {
	assumed := f.BodyFrom.Assumed()
	before, err := schema.Of(f.Body)
	known := err == nil
	after := &schema.Shape{}
	read := 0
	for _, x := range answers {
		switch err := after.Add(x.Body); {
		case err == nil:
			read++
		case known && len(strings.TrimSpace(string(x.Body))) == 0:
			s.tally(schema.Root, "is gone: the body is empty", Breaking, assumed)
		case known && !s.has(headerPath+"Content-Type"):
			s.tally(schema.Root, "was JSON, is no longer", Breaking, assumed)
		}
	}
	s.settle(len(answers))
	switch {
	case read == 0:
		return
	case !known:
		if len(f.Body) == 0 {
			s.add(schema.Root, fmt.Sprintf("is new (%s)", after), Additive, assumed)
		}
		return
	}
	for _, change := range schema.Changes(before, after) {
		s.add(change.Path, change.Text, c.grade(change), assumed)
	}
	for _, x := range answers {
		if json.Valid(x.Body) {
			c.values(s, f, x, assumed)
		}
	}
	s.settle(read)
}

func (c *comparer) grade(change schema.Change) Grade {
	// A token whose form is declared opaque may look like anything.
	if r := c.provider.Auth.Response; change.Kind == schema.FormatLost && change.Path == r.AccessToken && r.Form == "opaque" {
		return Cosmetic
	}
	return grades[change.Kind]
}

// values compares the few values that clients compare: the error code, and
// those that the scenario spells out.
func (c *comparer) values(s *situationFindings, f *simulator.Fixture, x *record.Exchange, assumed bool) {
	body := gjson.ParseBytes(x.Body)
	if at := c.provider.Auth.Error; at != "" && !success(f.Status) {
		was, is := gjson.GetBytes(f.Body, at), body.Get(at)
		if isCode(was) && isCode(is) && was.Type == is.Type && was.Raw != is.Raw {
			s.tally(at, fmt.Sprintf("was %s, is now %s", c.quote(was), c.quote(is)), Breaking, assumed)
		}
	}
	for _, pin := range c.pins[x.Scenario] {
		if v := body.Get(pin.Path); pin.Call == x.Call && v.Exists() && !pin.Admits(v) {
			s.tally(pin.Path, fmt.Sprintf("is %s, the spec says %s", c.quote(v), pin.String()), Breaking, assumed)
		}
	}
}

func isCode(v gjson.Result) bool { return v.Type == gjson.String || v.Type == gjson.Number }

// quote shows a value, on one line and not too long.
func (c *comparer) quote(v gjson.Result) string {
	text := strings.Join(strings.Fields(c.erase(v.Raw)), " ")
	const longest = 60
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + " …"
	}
	return text
}

// headers compares those that a client acts upon.
func (c *comparer) headers(s *situationFindings, situation string, f *simulator.Fixture, x *record.Exchange) {
	assumed := f.HeadersFrom.Assumed()
	compare := func(name string, change func(was, is []string) (string, Grade)) {
		was, is := f.Header.Values(name), x.Header.Values(name)
		text, grade := "", Breaking
		switch {
		case len(was) == 0 && len(is) == 0:
		case len(was) == 0:
			text, grade = fmt.Sprintf("is new (%s)", c.erase(strings.Join(is, ", "))), Additive
		case len(is) == 0:
			text = "is gone"
		default:
			text, grade = change(was, is)
		}
		if text != "" {
			s.tally(headerPath+name, text, grade, assumed)
		}
	}
	if len(x.Body) > 0 || len(f.Body) == 0 {
		compare("Content-Type", contentType)
	}
	compare("WWW-Authenticate", challenge)
	if f.Status == 429 || f.Status == 503 {
		compare("Retry-After", retryAfter)
	}
	if situation == providers.TokenCall+"/issued" {
		compare("Cache-Control", cacheControl)
	}
}

func contentType(was, is []string) (string, Grade) {
	before, beforeParams, errBefore := mime.ParseMediaType(was[0])
	after, afterParams, errAfter := mime.ParseMediaType(is[0])
	switch {
	case errBefore != nil || errAfter != nil:
		if was[0] == is[0] {
			return "", Cosmetic
		}
		return fmt.Sprintf("was %s, is now %s", was[0], is[0]), Breaking
	case before != after:
		return fmt.Sprintf("was %s, is now %s", before, after), Breaking
	case strings.EqualFold(fmt.Sprint(beforeParams), fmt.Sprint(afterParams)):
		return "", Cosmetic
	}
	return fmt.Sprintf("was %s, is now %s", was[0], is[0]), Cosmetic
}

// challenge compares the schemes of WWW-Authenticate (RFC 9110 11.6.1).
func challenge(was, is []string) (string, Grade) {
	before, after := schemes(was), schemes(is)
	lost := slices.DeleteFunc(slices.Clone(before), func(s string) bool { return slices.Contains(after, s) })
	found := slices.DeleteFunc(slices.Clone(after), func(s string) bool { return slices.Contains(before, s) })
	switch {
	case len(lost) > 0:
		return fmt.Sprintf("was %s, is now %s", strings.Join(before, ", "), strings.Join(after, ", ")), Breaking
	case len(found) > 0:
		return "asks for " + strings.Join(found, ", ") + " too", Additive
	}
	return "", Cosmetic
}

// schemes returns the authentication schemes of challenges. A challenge is a
// scheme and then parameters; both are separated by commas.
func schemes(values []string) []string {
	var found []string
	for _, value := range values {
		quoted := false
		for _, part := range strings.FieldsFunc(value, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return r == ',' && !quoted
		}) {
			word, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			if word == "" || strings.Contains(word, "=") {
				continue
			}
			if scheme := strings.ToUpper(word[:1]) + strings.ToLower(word[1:]); !slices.Contains(found, scheme) {
				found = append(found, scheme)
			}
		}
	}
	return found
}

func retryAfter(was, is []string) (string, Grade) {
	form := func(v string) string {
		if strings.Trim(v, "0123456789") == "" {
			return "a number of seconds"
		}
		return "a date"
	}
	if before, after := form(was[0]), form(is[0]); before != after {
		return fmt.Sprintf("was %s, is now %s", before, after), Breaking
	}
	return "", Cosmetic
}

// cacheControl compares directives; that nobody may store a token is the one
// that counts (RFC 6749 5.1).
func cacheControl(was, is []string) (string, Grade) {
	before, after := directives(was), directives(is)
	if slices.Equal(before, after) {
		return "", Cosmetic
	}
	grade := Cosmetic
	if slices.Contains(before, "no-store") && !slices.Contains(after, "no-store") {
		grade = Breaking
	}
	return fmt.Sprintf("was %s, is now %s", strings.Join(before, ", "), strings.Join(after, ", ")), grade
}

func directives(values []string) []string {
	var list []string
	for d := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if d = strings.ToLower(strings.TrimSpace(d)); d != "" {
			list = append(list, d)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// A situationFindings collects the findings of one situation: one for each
// path, so that a change is told once.
type situationFindings struct {
	situation string
	findings  []Finding
	tallied   []Finding
	counts    []int
}

func (s *situationFindings) has(path string) bool {
	return slices.ContainsFunc(s.findings, func(f Finding) bool { return f.Path == path })
}

// add keeps a finding, unless something above its path has changed already.
// What breaks clients stands for what does not.
func (s *situationFindings) add(path, change string, grade Grade, assumed bool) {
	f := Finding{Situations: []string{s.situation}, Path: path, Change: change, Grade: grade, Assumed: assumed}
	for i := range s.findings {
		known := &s.findings[i]
		if known.Path == path && known.Grade != Breaking && grade == Breaking {
			*known = f
			return
		}
		if known.Path == path || strings.HasPrefix(path, known.Path+".") {
			return
		}
	}
	s.findings = append(s.findings, f)
}

// tally notes a change of one answer; settle makes findings of what was
// noted, and says of those that not every answer shows.
func (s *situationFindings) tally(path, change string, grade Grade, assumed bool) {
	for i := range s.tallied {
		if s.tallied[i].Path == path && s.tallied[i].Change == change {
			s.counts[i]++
			return
		}
	}
	s.tallied = append(s.tallied, Finding{Path: path, Change: change, Grade: grade, Assumed: assumed})
	s.counts = append(s.counts, 1)
}

func (s *situationFindings) settle(answers int) {
	for i := range s.tallied {
		f := &s.tallied[i]
		if s.counts[i] < answers && !strings.Contains(f.Change, "the spec says") {
			f.Change += " at times"
		}
		s.add(f.Path, f.Change, f.Grade, f.Assumed)
	}
	s.tallied, s.counts = nil, nil
}
