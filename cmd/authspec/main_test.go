package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/authspec/authspec/internal/early"
)

func TestMain(m *testing.M) {
	early.RestorePath()
	testscript.Main(m, map[string]func(){
		"authspec": func() { os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command line as a user does: testdata/script/*.txtar,
// with -update to write what is compared.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			for _, name := range []string{"ANTSOMI", "ANKORSTORE", "GIGASTORE"} {
				env.Setenv(name+"_CLIENT_ID", "")
				env.Setenv(name+"_CLIENT_SECRET", "")
			}
			return nil
		},
	})
}
