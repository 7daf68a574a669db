package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/joho/godotenv"
	"github.com/zalando/go-keyring"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/providers"
)

// Limits of what a reference may cost.
const (
	// DefaultTimeout bounds each command and each look into the keyring.
	DefaultTimeout = 30 * time.Second
	// maxValue is more than any secret needs, private keys included.
	maxValue = 64 << 10
)

// A Resolver fetches the values that a credentials file refers to. Each
// reference is fetched once, when it is first wanted; the values stay in
// memory. It is safe for concurrent use.
type Resolver struct {
	file    *File
	lookup  func(string) (string, bool)
	timeout time.Duration

	mu      sync.Mutex
	fetched map[Reference]*fetch
}

// A fetch is one reference being fetched, or what came of it.
type fetch struct {
	done     chan struct{}
	value    string
	warnings []string
	err      error
}

// NewResolver returns the resolver of a file. Variables are looked up by
// lookup first, then in the file's env files; its error says which of those
// cannot be read. A timeout of 0 is DefaultTimeout.
func NewResolver(f *File, lookup func(string) (string, bool), timeout time.Duration) (*Resolver, error) {
	variables := map[string]string{}
	for _, name := range f.EnvFiles {
		values, err := godotenv.Read(f.in(name))
		if err != nil {
			// The error of a malformed file quotes it: it may hold a secret.
			var cause *fs.PathError
			if errors.As(err, &cause) {
				return nil, fmt.Errorf("%s: env_files: %w", f.Path, err)
			}
			return nil, fmt.Errorf("%s: env_files: %s cannot be read as NAME=value lines; quote values with blanks or #", f.Path, name)
		}
		for k, v := range values {
			if _, taken := variables[k]; !taken {
				variables[k] = v
			}
		}
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &Resolver{
		file: f, timeout: timeout, fetched: map[Reference]*fetch{},
		lookup: func(name string) (string, bool) {
			if value, ok := lookup(name); ok && value != "" {
				return value, true
			}
			value, ok := variables[name]
			return value, ok
		},
	}, nil
}

// Lookup finds a variable as env: does.
func (r *Resolver) Lookup(name string) (string, bool) { return r.lookup(name) }

// Values fetches the values of a credential. The warnings say what a reader
// should know and can live with. An error is a *check.Failure with the verdict
// invalid: it lists all that is wrong with the credential, and shows no value.
func (r *Resolver) Values(ctx context.Context, c *Credential) (values providers.Credentials, warnings []string, err error) {
	values = providers.Credentials{}
	var missing, refused []string
	for _, field := range slices.Sorted(maps.Keys(c.Values)) {
		ref := c.Values[field]
		got := r.fetch(ctx, ref)
		if got.err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			missing = append(missing, fmt.Sprintf("%s: %v", field, got.err))
			continue
		}
		for _, w := range got.warnings {
			warnings = append(warnings, fmt.Sprintf("%s: %s %s", field, ref, w))
		}
		value := got.value
		if trimmed := strings.TrimRight(value, "\r\n"); trimmed != value {
			value = trimmed
			// Every command ends its output with a line end.
			if ref.Source != Exec {
				warnings = append(warnings, fmt.Sprintf("%s: %s ends with a line break, which is not sent", field, ref))
			}
		}
		if why := refusal(field, value); why != "" {
			refused = append(refused, fmt.Sprintf("%s: %s %s", field, ref, why))
			continue
		}
		if strings.TrimSpace(value) != value {
			warnings = append(warnings, fmt.Sprintf("%s: %s begins or ends with a blank, which is sent as it is", field, ref))
		}
		values[field] = value
	}
	if len(missing) == 0 && len(refused) == 0 {
		return values, warnings, nil
	}
	failure := &check.Failure{
		Verdict: check.Invalid, Cause: check.NoCredential, Message: strings.Join(append(missing, refused...), "; "),
		Advice: "Set what is missing where authspec runs, then run again. Nothing was sent.",
	}
	if len(refused) > 0 && len(missing) == 0 {
		failure.Cause = check.BadSecret
		failure.Advice = "Put the real value where the reference points to. Nothing was sent: a wrong attempt may count against the account."
	}
	return nil, warnings, failure
}

func (r *Resolver) fetch(ctx context.Context, ref Reference) *fetch {
	r.mu.Lock()
	f, known := r.fetched[ref]
	if !known {
		f = &fetch{done: make(chan struct{})}
		r.fetched[ref] = f
	}
	r.mu.Unlock()
	if known {
		select {
		case <-f.done:
			return f
		case <-ctx.Done():
			return &fetch{err: ctx.Err()}
		}
	}
	f.value, f.warnings, f.err = r.get(ctx, ref)
	if ctx.Err() != nil { // it is not the reference that failed
		r.mu.Lock()
		delete(r.fetched, ref)
		r.mu.Unlock()
	}
	close(f.done)
	return f
}

func (r *Resolver) get(ctx context.Context, ref Reference) (value string, warnings []string, err error) {
	switch ref.Source {
	case Env:
		value, ok := r.lookup(ref.Target)
		if !ok {
			return "", nil, fmt.Errorf("%s is not set", ref.Target)
		}
		return value, nil, nil
	case FromFile:
		return r.readFile(ref)
	case Exec:
		value, err := r.run(ctx, ref)
		return value, nil, err
	case Keyring:
		value, err := r.fromKeyring(ctx, ref)
		return value, nil, err
	}
	return "", nil, fmt.Errorf("%s is no reference", ref)
}

func (r *Resolver) readFile(ref Reference) (string, []string, error) {
	name := r.file.in(ref.Target)
	f, err := os.Open(name)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", ref, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", ref, errors.Unwrap(err))
	}
	if info.IsDir() {
		return "", nil, fmt.Errorf("%s is a folder", ref)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", ref, errors.Unwrap(err))
	}
	if len(content) > maxValue {
		return "", nil, fmt.Errorf("%s is larger than %d KiB", ref, maxValue>>10)
	}
	var warnings []string
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		warnings = append(warnings, fmt.Sprintf("can be read by every user of this machine (mode %04o): chmod 600", info.Mode().Perm()))
	}
	return text(content), warnings, nil
}

// text drops the byte order mark that some editors write.
func text(content []byte) string {
	return string(bytes.TrimPrefix(content, []byte("\ufeff")))
}

// fromKeyring asks in a goroutine of its own: the keyring may ask a person,
// and knows no timeout.
func (r *Resolver) fromKeyring(ctx context.Context, ref Reference) (string, error) {
	service, key := cutLast(ref.Target, "/")
	type answer struct {
		value string
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := keyring.Get(service, key)
		answers <- answer{value, err}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	select {
	case a := <-answers:
		switch {
		case errors.Is(a.err, keyring.ErrNotFound):
			return "", fmt.Errorf("%s is not in the keyring", ref)
		case a.err != nil:
			return "", fmt.Errorf("%s: the keyring of this machine cannot be read: %w", ref, a.err)
		}
		return a.value, nil
	case <-ctx.Done():
		return "", fmt.Errorf("%s: the keyring did not answer within %s; is it locked?", ref, r.timeout)
	}
}

// isText keeps binary output from being taken for a secret.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
