package report

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
)

// eachText replaces each text of a run that is not a word of ours, found by
// reflection: a field that is new to check is not forgotten here.
func eachText(run *check.Run, change func(string) string) {
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			visit(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					visit(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				value := reflect.New(v.Type().Elem()).Elem()
				value.Set(v.MapIndex(key))
				visit(value)
				v.SetMapIndex(key, reflect.Value{})
				v.SetMapIndex(reflect.ValueOf(change(key.String())), value)
			}
		case reflect.String:
			if v.Type() == reflect.TypeFor[string]() {
				v.SetString(change(v.String()))
			}
		}
	}
	visit(reflect.ValueOf(run))
}

func TestRedactedReachesEveryText(t *testing.T) {
	erase := redact.New()
	erase.Add("name", "xyzzy-plugh")
	run := sampleRun()
	eachText(run, func(string) string { return "a xyzzy-plugh b" })
	out := redacted(run, erase)
	eachText(out, func(s string) string {
		if s != "a <redacted:name> b" {
			t.Errorf("a text is left as %q", s)
		}
		return s
	})
}

func TestRedactedIsADeepCopy(t *testing.T) {
	run := sampleRun()
	out := redacted(run, nil)
	if diff := cmp.Diff(run, out); diff != "" {
		t.Errorf("without secrets the copy differs:\n%s", diff)
	}
	eachText(out, strings.ToUpper)
	if diff := cmp.Diff(sampleRun(), run); diff != "" {
		t.Errorf("changing the copy changed the run:\n%s", diff)
	}
}

// A run says the same things in thousands of scenarios.
func TestEachTextIsRedactedOnce(t *testing.T) {
	run := sampleRun()
	for range 5 {
		run.Results = append(run.Results, run.Results...)
	}
	asked := map[string]int{}
	eachTextOf(run, once(func(text string) string {
		asked[text]++
		return text
	}))
	for text, n := range asked {
		if n > 1 {
			t.Errorf("%q was redacted %d times", text, n)
		}
	}
	if len(asked) < 50 {
		t.Errorf("only %d texts were redacted", len(asked))
	}
}
