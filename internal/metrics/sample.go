package metrics

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A sample is a gauge with its value. Unlike those of prometheus.NewConstMetric
// it shares its labels with others, which halves the memory.
type sample struct {
	desc   *prometheus.Desc
	value  float64
	labels []*dto.LabelPair
}

func (s *sample) Desc() *prometheus.Desc { return s.desc }

func (s *sample) Write(to *dto.Metric) error {
	to.Label, to.Gauge = s.labels, &dto.Gauge{Value: &s.value}
	return nil
}

// A sender sends samples, with their labels in alphabetical order.
type sender chan<- prometheus.Metric

func (out sender) send(d *prometheus.Desc, value float64, labels ...*dto.LabelPair) {
	out <- &sample{d, value, labels}
}

// known leaves out what is not known: 0.
func (out sender) known(d *prometheus.Desc, value float64, labels ...*dto.LabelPair) {
	if value > 0 {
		out.send(d, value, labels...)
	}
}

// date leaves out what never was.
func (out sender) date(d *prometheus.Desc, t time.Time, labels ...*dto.LabelPair) {
	if !t.IsZero() {
		out.send(d, float64(t.Unix()), labels...)
	}
}

func (out sender) truth(d *prometheus.Desc, is bool, labels ...*dto.LabelPair) {
	value := 0.0
	if is {
		value = 1
	}
	out.send(d, value, labels...)
}

func label(name, value string) *dto.LabelPair {
	value = printable(value)
	return &dto.LabelPair{Name: &name, Value: &value}
}

// labels returns one for each value of a list.
func labels[T ~string](name string, values []T) []*dto.LabelPair {
	var list []*dto.LabelPair
	for _, v := range values {
		list = append(list, label(name, string(v)))
	}
	return list
}

// printable returns s with escapes for what is not printable or no UTF-8.
func printable(s string) string {
	var b strings.Builder
	for rest := s; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		if unicode.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(rest[:n])
		} else {
			b.WriteString(strings.Trim(strconv.Quote(rest[:n]), `"`))
		}
		rest = rest[n:]
	}
	return b.String()
}

// A numbering tells the same names of a provider apart.
type numbering map[[2]string]int

// unique returns name, or "name (2)" for its second time.
func (seen numbering) unique(provider, name string) string {
	for try := name; ; {
		key := [2]string{printable(provider), printable(try)}
		seen[key]++
		if seen[key] == 1 {
			return try
		}
		try = fmt.Sprintf("%s (%d)", name, seen[key])
	}
}
