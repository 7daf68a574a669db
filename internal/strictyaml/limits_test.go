package strictyaml

import (
	"strings"
	"testing"
	"time"
)

// indented is n mappings inside each other.
func indented(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// The YAML library would take seconds over each of these, or minutes.
func TestDeepFilesAreRefused(t *testing.T) {
	const levels = 20_000
	for name, source := range map[string]string{
		"lists":                "a: " + strings.Repeat("[", levels) + strings.Repeat("]", levels),
		"lists in lines":       "a:\n" + strings.Repeat("[\n", levels),
		"mappings":             strings.Repeat("{a: ", levels) + strings.Repeat("}", levels),
		"open mappings":        "a: b\n" + strings.Repeat("{a: ", levels),
		"mappings without :":   strings.Repeat("{", levels),
		"items":                strings.Repeat("- ", levels) + "x",
		"items and tabs":       strings.Repeat("-\t", levels) + "x",
		"keys":                 strings.Repeat("? ", levels) + "x",
		"items and brackets":   strings.Repeat("- ", 60) + strings.Repeat("[", 60),
		"indented":             indented(1000),
		"indented, CRLF":       strings.ReplaceAll(indented(1000), "\n", "\r\n"),
		"tags":                 "a: " + strings.Repeat("!t ", levels) + "x",
		"anchors":              "a: " + strings.Repeat("&t ", levels) + "x",
		"tags and lists":       strings.Repeat("!t [", levels),
		"behind a text":        "a: |\n  [[[\nb: " + strings.Repeat("[", levels),
		"behind a quote":       "a: \"x\\\"\n  y\"\nb: " + strings.Repeat("[", levels),
		"behind a comment":     "a: b # \"\nb: " + strings.Repeat("[", levels),
		"behind an apostrophe": "a: it's\nb: " + strings.Repeat("[", levels),
		"behind a pipe":        "a: x|\n\nb:\n  " + strings.Repeat("[", levels),
	} {
		start := time.Now()
		var into any
		_, problem := Decode("deep.yaml", []byte(source), &into, nil)
		if problem == nil || problem.Message != "nested more than 100 levels deep" || problem.Line == 0 {
			t.Errorf("%s: %v", name, problem)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: refused after %s", name, took)
		}
	}
}

// What only looks deep is text.
func TestWhatIsNotDeepIsRead(t *testing.T) {
	const many = 300
	for name, source := range map[string]string{
		"a hundred levels":   indented(99) + strings.Repeat(" ", 99) + "a: b\n",
		"brackets in quotes": "a: \"" + strings.Repeat("[", many) + "\"\nb: '" + strings.Repeat("{", many) + "'\n",
		"escaped quotes":     "a: \"\\\"" + strings.Repeat("[", many) + "\"\n",
		"doubled quotes":     "a: 'it''s " + strings.Repeat("[", many) + "'\n",
		"brackets in words":  "a: x" + strings.Repeat("[", many) + "\n",
		"a comment":          "a: b # " + strings.Repeat("[", many) + "\n# " + strings.Repeat("[", many) + "\n",
		"a block of text":    "a: |\n" + strings.Repeat("  [\n", many) + "b: >-\n" + strings.Repeat("  {\n\n", many) + "c: d\n",
		"text in a list":     "a:\n  - |2 # text\n" + strings.Repeat("    - - [\n", many) + "  - b\n",
		"many values":        "a:\n" + strings.Repeat("  - [b, {c: d}]\n", many),
		"many fields":        strings.Repeat("- a: {b: [c]}\n  d: e\n", many),
		"quotes over lines":  "a: \"x\n" + strings.Repeat("  [\n", many) + "  y\"\n",
		"dashes":             "a: " + strings.Repeat("-", many) + "\nb: " + strings.Repeat("x - ", many) + "y\n",
		"empty":              "",
		"a comment alone":    "# nothing\n",
	} {
		var into any
		if _, problem := Decode("flat.yaml", []byte(source), &into, nil); problem != nil {
			t.Errorf("%s: %v", name, problem)
		}
	}
}

func TestLargeFilesAreRefused(t *testing.T) {
	var into any
	_, problem := Decode("large.yaml", []byte(strings.Repeat("# nothing\n", maxSize/10+1)), &into, nil)
	if problem == nil || problem.Error() != "large.yaml: the file has 8193 KiB, want 8192 at most" {
		t.Errorf("got %v", problem)
	}
	if problem := TooLarge("a.yaml", make([]byte, 1<<20), 1<<20); problem != nil {
		t.Errorf("a file of the size allowed: %v", problem)
	}
}

func FuzzDepth(f *testing.F) {
	f.Add("a: [b, {c: \"d\"}]\n- |\n  x\n")
	f.Add(strings.Repeat("- ", 101))
	f.Fuzz(func(t *testing.T, source string) {
		if problem := tooDeep("a.yaml", []byte(source)); problem != nil && len(source) < maxDepth {
			t.Errorf("%q has too few characters to be deep", source)
		}
	})
}
