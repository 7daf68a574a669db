package mock

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/authspec/authspec/internal/suggest"
)

// FaultHeader is the request header that asks for a fault.
const FaultHeader = "Authspec-Fault"

// Bounds of what a fault may take.
const (
	longestFault = 10 * time.Minute
	largestBody  = 1 << 30
	defaultHuge  = 64 << 20
)

// A Fault is what goes wrong on the way between a provider and its client.
type Fault struct {
	spec string

	// Which requests meet it.
	rate  float64 // of the requests, 1: all
	times int     // and then no more; 0: without end
	on    string  // call; empty: all

	latency time.Duration // before anything is answered

	// In place of the provider's answer.
	reset          bool
	status         int
	retryAfter     time.Duration
	retryAfterDate time.Duration
	html           bool
	redirect       string
	huge           int64

	// Of whatever is answered.
	contentType string
	truncate    bool
	slow        time.Duration // the body takes this long
}

func (f *Fault) String() string { return f.spec }

// ByChance reports whether only some requests meet the fault.
func (f *Fault) ByChance() bool { return f.rate < 1 }

// replaces reports whether the provider never sees the request.
func (f *Fault) replaces() bool {
	return f.reset || f.status != 0 || f.html || f.redirect != "" || f.huge != 0
}

// A faultWord is one word of the notation of faults.
type faultWord struct {
	name, value, doc string // value: how its value is written; empty: it has none
	set              func(f *Fault, value string) error
}

// faultWords is the notation, sorted by name.
var faultWords = []faultWord{
	{"content-type", "TYPE", "another Content-Type", func(f *Fault, v string) error {
		f.contentType = v
		if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) {
			return errors.New("want printable ASCII")
		}
		return nil
	}},
	{"html", "", "a proxy's error page: 502, or the given status", func(f *Fault, _ string) error { f.html = true; return nil }},
	{"huge", "SIZE", "a body of SIZE: 64MB, at most 1GB", func(f *Fault, v string) (err error) { f.huge, err = parseSize(v); return err }},
	{"latency", "DURATION", "wait before the answer", func(f *Fault, v string) (err error) { f.latency, err = parseDuration(v); return err }},
	{"on", "CALL", "only requests to this call: token, me …", func(f *Fault, v string) error { f.on = v; return nil }},
	{"rate", "N", "only this share of the requests: 0.1", func(f *Fault, v string) (err error) {
		f.rate, err = strconv.ParseFloat(v, 64)
		if err != nil || !(f.rate > 0 && f.rate <= 1) {
			return errors.New("want a number above 0, up to 1")
		}
		return nil
	}},
	{"redirect", "URL", "302, or the given status, to URL", func(f *Fault, v string) error {
		f.redirect = v
		if _, err := url.Parse(v); err != nil {
			return errors.New("want a URL")
		}
		return nil
	}},
	{"reset", "", "the connection is reset (TCP RST)", func(f *Fault, _ string) error { f.reset = true; return nil }},
	{"retry-after", "DURATION", "Retry-After in seconds; 429, or the given status", func(f *Fault, v string) (err error) { f.retryAfter, err = parseDuration(v); return err }},
	{"retry-after-date", "DURATION", "Retry-After as an HTTP date", func(f *Fault, v string) (err error) { f.retryAfterDate, err = parseDuration(v); return err }},
	{"slow", "DURATION", "the body drips for this long", func(f *Fault, v string) (err error) { f.slow, err = parseDuration(v); return err }},
	{"status", "N", "another status, without the provider's body: 429, 500, 502, 503 …", func(f *Fault, v string) (err error) {
		f.status, err = strconv.Atoi(v)
		if err != nil || f.status < 200 || f.status > 599 || f.status == 204 || f.status == 304 {
			return errors.New("want a status from 200 to 599 that has a body")
		}
		return nil
	}},
	{"times", "N", "only this many requests, then no more", func(f *Fault, v string) (err error) {
		f.times, err = strconv.Atoi(v)
		if err != nil || f.times < 1 {
			return errors.New("want a whole number above 0")
		}
		return nil
	}},
	{"truncate", "", "the connection ends in the middle of the body", func(f *Fault, _ string) error { f.truncate = true; return nil }},
}

// FaultNotation returns the words of which faults are made, each as it is
// written and with a line that says what it is.
func FaultNotation() [][2]string {
	var list [][2]string
	for _, w := range faultWords {
		written := w.name
		if w.value != "" {
			written += "=" + w.value
		}
		list = append(list, [2]string{written, w.doc})
	}
	return list
}

// ParseFault reads a fault: "status=503,rate=0.1", "latency=2s", "reset".
func ParseFault(spec string) (*Fault, error) {
	f := &Fault{spec: strings.TrimSpace(spec), rate: 1}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, hasValue := strings.Cut(strings.TrimSpace(part), "=")
		word, err := faultWordNamed(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("fault %q: %w", f.spec, err)
		case seen[name]:
			return nil, fmt.Errorf("fault %q: %s stands there twice", f.spec, name)
		case word.value == "" && hasValue:
			return nil, fmt.Errorf("fault %q: %s has no value", f.spec, name)
		case word.value != "" && value == "":
			return nil, fmt.Errorf("fault %q: want %s=%s", f.spec, name, word.value)
		}
		seen[name] = true
		if err := word.set(f, value); err != nil {
			return nil, fmt.Errorf("fault %q: %s: %w", f.spec, name, err)
		}
	}
	if (f.retryAfter != 0 || f.retryAfterDate != 0) && f.status == 0 {
		f.status = 429
	}
	if err := f.contradiction(); err != nil {
		return nil, fmt.Errorf("fault %q: %w", f.spec, err)
	}
	return f, nil
}

func faultWordNamed(name string) (faultWord, error) {
	var known []string
	for _, w := range faultWords {
		if w.name == name {
			return w, nil
		}
		known = append(known, w.name)
	}
	return faultWord{}, fmt.Errorf("no word %q%s: there are %s", name, suggest.DidYouMean(name, known), strings.Join(known, ", "))
}

func (f *Fault) contradiction() error {
	count := func(flags ...bool) (n int) {
		for _, set := range flags {
			if set {
				n++
			}
		}
		return n
	}
	touchesBody := count(f.truncate, f.slow != 0, f.huge != 0)
	switch {
	case f.latency == 0 && !f.replaces() && f.contentType == "" && touchesBody == 0:
		return errors.New("nothing goes wrong: add latency=2s, status=503 or the like")
	case f.reset && (f.status != 0 || f.html || f.redirect != "" || f.contentType != "" || touchesBody > 0):
		return errors.New("a connection that is reset carries no answer: only latency goes with reset")
	case touchesBody > 1:
		return errors.New("want one of huge, slow and truncate")
	case count(f.html, f.redirect != "", f.huge != 0) > 1:
		return errors.New("want one of html, huge and redirect")
	case f.retryAfter != 0 && f.retryAfterDate != 0:
		return errors.New("want one of retry-after and retry-after-date")
	case f.redirect != "" && f.status != 0 && (f.status < 300 || f.status > 399):
		return errors.New("a redirect has a status from 300 to 399")
	}
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > longestFault {
		return 0, fmt.Errorf("want a duration such as 2s or 300ms, at most %s", longestFault)
	}
	return d, nil
}

func parseSize(text string) (int64, error) {
	units := map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
	number, unit := text, int64(1)
	for name, factor := range units {
		if n, ok := strings.CutSuffix(strings.ToUpper(text), name); ok {
			number, unit = n, factor
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > largestBody/unit {
		return 0, errors.New("want a size such as 64MB, at most 1GB")
	}
	return n * unit, nil
}

// CheckCall reports a fault that is meant for a call that is not there.
func (f *Fault) CheckCall(calls []string) error {
	for _, c := range calls {
		if f.on == "" || f.on == c {
			return nil
		}
	}
	if f.on == "" {
		return nil
	}
	sorted := append([]string(nil), calls...)
	sort.Strings(sorted)
	return fmt.Errorf("fault %q: no call %q%s: there are %s", f.spec, f.on, suggest.DidYouMean(f.on, sorted), strings.Join(sorted, ", "))
}

// faults are those that requests meet by chance, the first that applies. The
// chance is that of the seed: the same requests in the same order meet the
// same faults.
type faults struct {
	mu    sync.Mutex
	rand  *rand.Rand
	rules []rule
}

type rule struct {
	fault *Fault
	left  int // of its times
}

func (f *faults) seed(seed uint64, provider string) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(provider)) // a hash cannot fail
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rand = rand.New(rand.NewPCG(seed, h.Sum64()))
}

func (f *faults) set(list []*Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	for _, fault := range list {
		f.rules = append(f.rules, rule{fault, fault.times})
	}
}

// pick returns the fault of the next request, or nil; call tells which it is.
func (f *faults) pick(call func() string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		r := &f.rules[i]
		switch {
		case r.fault.times > 0 && r.left == 0:
		case r.fault.on != "" && r.fault.on != call():
		case r.fault.rate < 1 && f.rand.Float64() >= r.fault.rate:
		default:
			r.left--
			return r.fault
		}
	}
	return nil
}
