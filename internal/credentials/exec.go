package credentials

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// run runs the command of a reference, in the folder of the file, without a
// shell and without input. Its standard error is never shown: tools that keep
// secrets print them there too.
func (r *Resolver) run(ctx context.Context, ref Reference) (string, error) {
	words, err := splitWords(ref.Target)
	if err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = filepath.Dir(r.file.Path)
	out, errOut := &bounded{limit: maxValue}, &bounded{}
	cmd.Stdout, cmd.Stderr = out, errOut
	endGroup(cmd)
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return "", fmt.Errorf("%s did not end within %s", ref, r.timeout)
	case errors.As(err, &exit):
		hint := "it printed no error"
		if errOut.size > 0 {
			hint = fmt.Sprintf("its error message is not shown, for it may hold secrets (%d bytes): run it by hand", errOut.size)
		}
		return "", fmt.Errorf("%s failed: %s; %s", ref, exit.ProcessState, hint)
	case err != nil:
		return "", fmt.Errorf("%s cannot be run: %w", ref, err)
	case out.size > maxValue:
		return "", fmt.Errorf("%s printed more than %d KiB", ref, maxValue>>10)
	case !isText(string(out.kept)):
		return "", fmt.Errorf("%s printed what is no text", ref)
	}
	return text(out.kept), nil
}

// A bounded keeps the beginning of what is written to it.
type bounded struct {
	limit int
	kept  []byte
	size  int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.size += len(p)
	b.kept = append(b.kept, p[:min(len(p), b.limit-len(b.kept))]...)
	return len(p), nil
}
