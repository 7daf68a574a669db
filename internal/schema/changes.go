package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/suggest"
)

// A Kind is a way in which values can change.
type Kind string

// The kinds of change.
const (
	Removed     Kind = "removed"     // a field is gone
	Sometimes   Kind = "sometimes"   // a field that was always there is missing in some samples
	Added       Kind = "added"       // a field is new
	Renamed     Kind = "renamed"     // a field is gone and one that looks like it is new
	Retyped     Kind = "retyped"     // values have a type they did not have
	Narrowed    Kind = "narrowed"    // numbers are whole now
	Nullable    Kind = "nullable"    // null stands where it did not
	Filled      Kind = "filled"      // what was always null has a value
	FormatLost  Kind = "format lost" // strings are not of the format they had
	FormatFound Kind = "format found"
)

// Root is the path of a whole body.
const Root = "@this"

// A Change is one difference between two shapes.
type Change struct {
	Path string // gjson path; of a renamed field the old one
	Kind Kind
	Text string // what became of it, in words that follow the path
}

// Changes returns how after differs from before: each change once, at the
// topmost path it shows at, in the order of before. What only one of them has
// samples of (the elements of an empty array) is no change.
func Changes(before, after *Shape) []Change {
	var c comparison
	c.compare("", before, after)
	return c.changes
}

type comparison struct{ changes []Change }

func (c *comparison) add(path string, kind Kind, format string, args ...any) {
	if path == "" {
		path = Root
	}
	c.changes = append(c.changes, Change{path, kind, fmt.Sprintf(format, args...)})
}

func (c *comparison) compare(path string, before, after *Shape) {
	was, is := before.withoutNull(), after.withoutNull()
	switch {
	case after.Types[Null] > 0 && before.Types[Null] == 0 && len(was.Types) > 0:
		if len(is.Types) == 0 {
			c.add(path, Nullable, "was %s, is now null", was)
			return
		}
		c.add(path, Nullable, "was %s, can now be null", was)
	case len(was.Types) == 0 && len(is.Types) > 0 && before.Types[Null] > 0:
		c.add(path, Filled, "was null, is now %s", is)
		return
	}
	if len(was.Types) == 0 || len(is.Types) == 0 {
		return
	}
	switch {
	case is.hasTypeBesides(was):
		c.add(path, Retyped, "was %s, is now %s", was, is)
		return
	case was.Types[Number] > 0 && is.Types[Number] == 0 && is.Types[Integer] > 0:
		c.add(path, Narrowed, "was a number, is now an integer")
	}
	c.formats(path, was, is)
	if was.Types[Object] > 0 && is.Types[Object] > 0 {
		c.fields(path, was, is)
	}
	if was.Element != nil && is.Element != nil {
		c.compare(join(path, "#"), was.Element, is.Element)
	}
}

// formats compares those of strings. A format is one when all samples share
// it; a sample that has none by chance is why a new one is worth little.
func (c *comparison) formats(path string, was, is *Shape) {
	if len(was.Formats) != 1 || len(is.Formats) == 0 || len(is.Formats) == 1 && was.format() == is.format() {
		return
	}
	kind := FormatLost
	if was.format() == Plain {
		if len(is.Formats) > 1 {
			return
		}
		kind = FormatFound
	}
	c.add(path, kind, "was %s, is now %s", formatNames[was.format()], formatNames[is.format()])
}

func (c *comparison) fields(path string, was, is *Shape) {
	var added []string
	for _, name := range is.Order {
		if was.Fields[name] == nil {
			added = append(added, name)
		}
	}
	renamed := renames(was, is, added)
	for _, name := range was.Order {
		at := join(path, gjson.Escape(name))
		before, after := was.Fields[name], is.Fields[name]
		always := before.values() == was.Types[Object]
		to, isRenamed := renamed[name]
		switch {
		case isRenamed:
			added = slices.DeleteFunc(added, func(n string) bool { return n == to })
			c.add(at, Renamed, "is gone; %s (%s) is new: renamed?", to, is.Fields[to])
		case after == nil && always:
			c.add(at, Removed, "is gone")
		case after == nil: // it was missing at times before
		default:
			if always && after.values() < is.Types[Object] {
				c.add(at, Sometimes, "is missing at times")
			}
			c.compare(at, before, after)
		}
	}
	for _, name := range added {
		c.add(join(path, gjson.Escape(name)), Added, "is new (%s)", is.Fields[name])
	}
}

// renames pairs fields that are gone with those that are new: by a name that
// differs in notation only, else by a similar name and the same type.
func renames(was, is *Shape, added []string) map[string]string {
	pairs := map[string]string{}
	taken := map[string]bool{}
	pair := func(alike func(old, name string) bool) {
		for _, old := range was.Order {
			if _, paired := pairs[old]; paired || is.Fields[old] != nil {
				continue
			}
			for _, name := range added {
				if !taken[name] && alike(old, name) {
					pairs[old], taken[name] = name, true
					break
				}
			}
		}
	}
	pair(func(old, name string) bool { return bare(old) == bare(name) })
	pair(func(old, name string) bool {
		a, b := bare(old), bare(name)
		if was.Fields[old].String() != is.Fields[name].String() {
			return false
		}
		const shortest = 4 // "id" is in half of all names
		short, long := a, b
		if len(short) > len(long) {
			short, long = long, short
		}
		return len(short) >= shortest && strings.Contains(long, short) || suggest.Distance(a, b) <= len(long)/3
	})
	return pairs
}

// bare is a name without its notation: expires_in and expiresIn are the same.
func bare(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// withoutNull returns the shape of the values that are not null.
func (s *Shape) withoutNull() *Shape {
	if s.Types[Null] == 0 {
		return s
	}
	out := *s
	out.Types = map[Type]int{}
	for t, n := range s.Types {
		if t != Null {
			out.Types[t] = n
		}
	}
	return &out
}

// hasTypeBesides reports whether s has a type that other has not. Whole
// numbers are numbers.
func (s *Shape) hasTypeBesides(other *Shape) bool {
	for t := range s.Types {
		if other.Types[t] == 0 && (t != Integer || other.Types[Number] == 0) {
			return true
		}
	}
	return false
}
