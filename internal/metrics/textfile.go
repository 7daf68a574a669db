package metrics

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/authspec/authspec/internal/atomicfile"
	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/redact"
)

// ErrLeak says that a secret was found in metrics that were about to be
// written or sent.
var ErrLeak = errors.New("a secret would have been written")

// WriteFile writes metrics in Prometheus' text format into a file that appears
// whole or not at all. node_exporter reads it when its name ends in .prom. A
// new file can be read by everyone, whatever the umask; an old one keeps its
// permissions. Nothing is written, and the error wraps ErrLeak, when a secret
// is in the metrics.
func WriteFile(file string, g prometheus.Gatherer, erase *redact.Redactor) error {
	families, err := gather(g, erase)
	if err != nil {
		return err
	}
	_, before := os.Stat(file)
	err = atomicfile.WriteWith(file, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 1<<16)
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(buffered, f); err != nil {
				return err
			}
		}
		return buffered.Flush()
	})
	if err == nil && errors.Is(before, fs.ErrNotExist) {
		err = os.Chmod(file, 0o644)
	}
	return err
}

// gather gathers metrics and refuses those with a secret in them. Each text is
// searched once: written out, most labels stand there twenty times. What is a
// word of ours is not searched: no metric is to be lost because a password is
// passed.
func gather(g prometheus.Gatherer, erase *redact.Redactor) ([]*dto.MetricFamily, error) {
	families, err := g.Gather()
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	searched := words()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				text := l.GetValue()
				if searched[text] {
					continue
				}
				searched[text] = true
				if name, found := erase.Leak([]byte(text)); found {
					return nil, fmt.Errorf("metrics: %w (%s): they are left out; this is a defect of authspec, please report it", ErrLeak, name)
				}
			}
		}
	}
	return families, nil
}

// words are what the closed lists say.
func words() map[string]bool {
	all := map[string]bool{}
	for _, list := range [][]*dto.LabelPair{labels("status", statuses), labels("cause", causes), labels("state", placeStates), labels("verdict", check.Verdicts())} {
		for _, l := range list {
			all[l.GetValue()] = true
		}
	}
	return all
}
