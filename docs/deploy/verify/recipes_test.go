package verify

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the repository.
const root = "../../.."

var recipes = []string{
	"README.md", "github-actions.yml", "gitlab-ci.yml", "Containerfile",
	"systemd/authspec-check.service", "systemd/authspec-check.timer", "kubernetes/cronjob.yaml",
}

func read(t *testing.T, recipe string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", recipe))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// change returns a recipe with a mistake in it.
func change(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("the recipe has no %q to change", from)
	}
	return strings.Replace(text, from, to, 1)
}

// A mistake must be found: one of the problems has this text.
func expectProblem(t *testing.T, problems []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) }) {
		t.Errorf("the mistake goes unnoticed: got %q, want %q", problems, want)
	}
}

func expectNone(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// help is what authspec check --help prints, by the Containerfile's binary.
var help = sync.OnceValues(func() (string, error) {
	binary, err := built()
	if err != nil {
		return "", err
	}
	return output(binary, "check", "--help")
})

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	flag      = regexp.MustCompile(`(?:^|[\s"'-])(--[a-z][a-z-]*)`)
)

// checkFlags returns the flags behind authspec check in a recipe: on command
// lines, and in the lists of arguments of CronJob and Containerfile.
func checkFlags(recipe, text string) []string {
	var flags []string
	collect := func(s string) {
		for _, m := range flag.FindAllStringSubmatch(s, -1) {
			flags = append(flags, m[1])
		}
	}
	switch filepath.Base(recipe) {
	case "cronjob.yaml":
		_, args, _ := strings.Cut(text, "args:")
		args, _, _ = strings.Cut(args, "securityContext:")
		collect(args)
	case "Containerfile":
		_, args, _ := strings.Cut(text, "\nCMD ")
		collect(args)
	}
	for line := range strings.Lines(continued.ReplaceAllString(text, " ")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") && !strings.HasSuffix(recipe, ".md") {
			continue // prose
		}
		if _, command, found := strings.Cut(line, "authspec check "); found {
			command, _, _ = strings.Cut(command, "`")
			collect(command)
		}
	}
	return flags
}

// unknownFlags returns problems with the flags of a recipe.
func unknownFlags(recipe, text, help string) []string {
	var problems []string
	for _, f := range checkFlags(recipe, text) {
		if !strings.Contains(help, " "+f+" ") {
			problems = append(problems, recipe+": authspec check has no "+f)
		}
	}
	return problems
}

func TestFlagsExist(t *testing.T) {
	help, err := help()
	if err != nil {
		t.Fatal(err)
	}
	for _, recipe := range recipes {
		text := read(t, recipe)
		expectNone(t, unknownFlags(recipe, text, help))
		if len(checkFlags(recipe, text)) == 0 && !strings.HasSuffix(recipe, ".timer") {
			t.Errorf("%s: no command line of authspec check is found in it", recipe)
		}
		if strings.Contains(text, "--history") && !strings.HasSuffix(recipe, ".md") {
			expectProblem(t, unknownFlags(recipe, change(t, text, "--history", "--histroy"), help), "no --histroy")
		}
	}
}

// TestNoValues: secrets are referred to, never written.
func TestNoValues(t *testing.T) {
	literal := regexp.MustCompile(`(?i)(?:secret|client_id|password|token)\w*["']?[ \t]*[:=][ \t]*["']?([^\s"'{}]+)`)
	values := func(text string) (problems []string) {
		for _, m := range literal.FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^(env:|file:|exec:|keyring:|\$|/etc/authspec/secrets|false$|#)`).MatchString(m[1]) {
				problems = append(problems, "a value: "+m[0])
			}
		}
		return problems
	}
	for _, recipe := range recipes {
		for _, p := range values(read(t, recipe)) {
			t.Errorf("%s: %s", recipe, p)
		}
	}
	expectProblem(t, values("ANTSOMI_EU_SECRET: hunter2hunter2"), "hunter2")
}
