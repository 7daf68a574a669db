//go:build interop

package interop

import "testing"

// The negative control: a server that accepts anything. The golden files name
// the scenarios that notice.
func TestAServerThatAcceptsAnythingIsCaught(t *testing.T) {
	ankorstoreEnv := []string{"ANKORSTORE_CLIENT_ID=95ffd2dc-3b19-431d-b2db-7e3f1d10051e", "ANKORSTORE_CLIENT_SECRET=any-secret-will-do"}
	for name, test := range map[string]struct {
		provider string
		env      []string
		names    string // the form of the server's answers
	}{
		"antsomi":          {"antsomi", antsomiEnv("any-secret-will-do"), "antsomi"},
		"antsomi.plain":    {"antsomi", antsomiEnv("any-secret-will-do"), ""},
		"ankorstore":       {"ankorstore", ankorstoreEnv, "ankorstore"},
		"ankorstore.plain": {"ankorstore", ankorstoreEnv, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "anything.mjs", map[string]any{"names": test.names})
			out := run(t, test.env, "run", test.provider, "--live", "--intrusive", "--base-url", test.provider+"="+s.base)
			out.exits(t, 1)
			out.golden(t, "anything."+name)
		})
	}
}
