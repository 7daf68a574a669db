package strictyaml

import (
	"bytes"
	"fmt"
)

// The YAML library takes time that grows with the square of a file's depth, and
// no program or person writes such files by accident.
const (
	maxSize  = 8 << 20 // a credentials file with ten thousand entries has two MiB
	maxDepth = 100
)

// TooLarge is the problem of a file of more than limit bytes, or nil.
func TooLarge(name string, source []byte, limit int) *Problem {
	if len(source) <= limit {
		return nil
	}
	return &Problem{File: name, Message: fmt.Sprintf("the file has %d KiB, want %d at most", (len(source)+1023)>>10, limit>>10)}
}

// tooDeep is the problem of a file that is nested too deep, or nil.
func tooDeep(name string, source []byte) *Problem {
	var d depth
	n := 0
	for line := range bytes.Lines(source) {
		n++
		if column := d.line(bytes.TrimRight(line, "\r\n")); column > 0 {
			problem := Problem{File: name, Message: fmt.Sprintf("nested more than %d levels deep", maxDepth)}
			// A line that is nested so deep says nothing to a reader.
			problem.Line, problem.Column = n, column
			return &problem
		}
	}
	return nil
}

// A depth follows how deep a file is nested, line by line, without reading it
// any further: it knows indentation, list items, brackets, quotes and comments.
type depth struct {
	columns []int // where the blocks around the line begin
	flow    int   // open brackets
	quote   byte  // the one that is open, or 0
	text    int   // 1 more than the indentation of the line above a block of text, or 0
}

// line reads a line. It returns the column at which it gets too deep, or 0.
func (d *depth) line(line []byte) (column int) {
	at := len(line) - len(bytes.TrimLeft(line, " \t"))
	if d.quote == 0 && d.flow == 0 {
		if at == len(line) || d.text > 0 && at >= d.text {
			return 0
		}
		d.text = 0
		if isBlockOfText(line) {
			d.text = at + 1
		}
		for at < len(line) && (line[at] == '-' || line[at] == '?') && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t') {
			if d.begin(at) {
				return at + 1
			}
			at += 1 + len(line[at+1:]) - len(bytes.TrimLeft(line[at+1:], " \t"))
		}
		if d.begin(at) {
			return at + 1
		}
	}
	return d.values(line, at)
}

// begin notes a block that begins at that column, and reports whether it is too
// deep.
func (d *depth) begin(column int) bool {
	for len(d.columns) > 0 && d.columns[len(d.columns)-1] >= column {
		d.columns = d.columns[:len(d.columns)-1]
	}
	d.columns = append(d.columns, column)
	return len(d.columns) > maxDepth
}

// values reads the rest of a line, from at on.
func (d *depth) values(line []byte, at int) (column int) {
	starts := true // a value may start here
	marks := 0     // tags and anchors before it
	for ; at < len(line); at++ {
		c := line[at]
		switch {
		case d.quote != 0:
			switch {
			case c == '\\' && d.quote == '"':
				at++
			case c == d.quote:
				d.quote, starts = 0, false
			}
		case c == '#' && (at == 0 || line[at-1] == ' ' || line[at-1] == '\t'):
			return 0
		case c == ' ' || c == '\t':
		case (c == '[' || c == '{') && (starts || d.flow > 0):
			d.flow, starts = d.flow+1, true
		case (c == ']' || c == '}') && d.flow > 0:
			d.flow, starts = d.flow-1, false
		case (c == '"' || c == '\'') && starts:
			d.quote = c
		case (c == '!' || c == '&') && starts:
			marks++
			for at+1 < len(line) && line[at+1] != ' ' && line[at+1] != '\t' {
				at++
			}
		case c == ',' && d.flow > 0, c == ':' && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t' || d.flow > 0):
			starts, marks = true, 0
		default:
			starts = false
		}
		if len(d.columns)+d.flow+marks > maxDepth {
			return at + 1
		}
	}
	return 0
}

// isBlockOfText reports whether a line ends with | or >, which say that the
// lines below it, indented further, are one text.
func isBlockOfText(line []byte) bool {
	if comment := bytes.Index(line, []byte(" #")); comment >= 0 {
		line = line[:comment]
	}
	line = bytes.TrimRight(bytes.TrimRight(line, " \t"), "+-0123456789")
	n := len(line)
	return n > 0 && (line[n-1] == '|' || line[n-1] == '>') && (n == 1 || line[n-2] == ' ' || line[n-2] == '\t')
}
