package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/authspec/authspec/internal/health"
	"github.com/authspec/authspec/internal/redact"
)

const secret = "s3cr3t/of+antsomi\"\\"

// leaks are nights with the secret in each text that is written.
var leaks = map[string]func() (*health.Run, []health.Standing){
	"a name": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		s[3].Record.Name = "x" + secret
		return r, s
	},
	"an owner": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		s[3].Record.Owner = secret
		return r, s
	},
	"an environment": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		s[3].Record.Environment = secret
		return r, s
	},
	"a provider": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		s[3].Record.Provider = secret
		return r, s
	},
	"an address": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		r.Places[0].Address = "https://h/" + secret
		return r, s
	},
	"an encoded form": func() (*health.Run, []health.Standing) {
		r, s := sampleNight()
		r.Version = "s3cr3t%2Fof%2Bantsomi%22%5C"
		return r, s
	},
}

func TestSecretsAreRefused(t *testing.T) {
	erase := redact.New()
	erase.Add("client secret", secret)
	for name, night := range leaks {
		file := filepath.Join(t.TempDir(), "authspec.prom")
		if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := WriteFile(file, gathered(t, night), erase)
		if !errors.Is(err, ErrLeak) || !strings.Contains(err.Error(), "client secret") || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
		if b, _ := os.ReadFile(file); string(b) != "old" {
			t.Errorf("%s: the file was replaced by\n%s", name, b)
		}
	}
	if err := WriteFile(filepath.Join(t.TempDir(), "authspec.prom"), gathered(t, sampleNight), erase); err != nil {
		t.Errorf("no secret: %v", err)
	}
}

// A secret that is a word of every file is no leak.
func TestWordsOfOursAreNoSecrets(t *testing.T) {
	erase := redact.New()
	for _, word := range []string{"passed", "rejected", "credential_rejected", "credential", "authspec", "Whether", "gauge", "working"} {
		erase.Add("client secret", word)
	}
	if err := WriteFile(filepath.Join(t.TempDir(), "authspec.prom"), gathered(t, sampleNight), erase); err != nil {
		t.Error(err)
	}
}
