package contract

import (
	"slices"
	"strconv"
	"strings"
)

// typeOf is the type of a field as a fact has it: containers around a name.
type typeOf struct {
	container string // optional, list, map, or "" for a name
	elem      *typeOf
	name      string
}

var containers = []string{"optional", "list", "map"}

// fieldValue is the value of a field: its type, what it was stored under in the version before, and its default.
type fieldValue struct{ typeText, was, byDefault string }

func parseValue(value string) (v fieldValue) {
	value, v.byDefault, _ = strings.Cut(value, " = ")
	v.typeText, v.was, _ = strings.Cut(value, " was ")
	if was, err := strconv.Unquote(v.was); err == nil {
		v.was = was
	}
	return v
}

func (v fieldValue) String() string {
	text := v.typeText
	if v.was != "" {
		text += " was " + quoteIfNeeded(v.was)
	}
	if v.byDefault != "" {
		text += " = " + v.byDefault
	}
	return text
}

// splitValue returns the type and the default of the value of a field.
func splitValue(value string) (typeText, byDefault string) {
	v := parseValue(value)
	return v.typeText, v.byDefault
}

func parseType(text string) *typeOf {
	before, rest, ok := strings.Cut(text, "<")
	if !ok || !slices.Contains(containers, before) {
		return &typeOf{name: text}
	}
	return &typeOf{container: before, elem: parseType(strings.TrimSuffix(rest, ">"))}
}

func (t *typeOf) innermost() *typeOf {
	for t.elem != nil {
		t = t.elem
	}
	return t
}

// isAbsent reports whether a field of the type may be missing in what is stored.
func (t *typeOf) isAbsent() bool { return t.container == "optional" || t.name == "json" }

// widened are the scalars that read every value of another one.
var widened = map[string][]string{
	"int32":    {"int", "int64"},
	"int":      {"int64"},
	"int64":    {"int"},
	"uint32":   {"uint64", "int64", "int"},
	"time":     {"string", "json"},
	"duration": {"string", "json"},
	"decimal":  {"string", "json"},
	"bytes":    {"string", "json"},
	"string":   {"json"},
	"bool":     {"json"},
	"float64":  {"json"},
}

// fit says how the values of one type are read as another.
type fit int

const (
	same    fit = iota
	widens      // the new program reads all old values, and may write some that the old one cannot read
	differs     // the new program cannot read some old value
)

// difference is what comparing two types found.
type difference struct {
	fit  fit
	path []string // type, Item, field, sku: the part of a declared type that differs; nil for the field itself
	old  string   // what it was, "" for what is added
	new  string   // what it is, "" for what is gone
}

// comparison compares types of two sets. It looks into declared types once.
type comparison struct {
	old, new *Set
	seen     map[[2]string]bool
	found    func(difference)
}

func (c *comparison) types(old, new string, path []string) {
	a, b := parseType(old), parseType(new)
	f := c.fit(a, b)
	if f != same {
		c.found(difference{f, path, old, new})
	}
}

// fit compares the containers and scalars; what declared types differ in is found by itself.
func (c *comparison) fit(a, b *typeOf) fit {
	switch {
	case a.container == "optional" && b.container == "optional":
		return c.fit(a.elem, b.elem)
	case b.container == "optional":
		return max(widens, c.fit(a, b.elem))
	case a.container != b.container:
		return differs
	case a.elem != nil:
		return c.fit(a.elem, b.elem)
	}
	oldKind, newKind := c.old.value("type", a.name), c.new.value("type", b.name)
	switch {
	case oldKind == "" && newKind == "":
		switch {
		case a.name == b.name:
			return same
		case slices.Contains(widened[a.name], b.name):
			return widens
		}
		return differs
	case oldKind == "enum" && (b.name == "string" || b.name == "json"):
		return widens
	case oldKind != newKind:
		return differs
	}
	c.declared(a.name, b.name)
	return same
}

// declared compares two declared types of one kind.
func (c *comparison) declared(old, new string) {
	if c.seen[[2]string{old, new}] {
		return
	}
	c.seen[[2]string{old, new}] = true
	for _, f := range c.old.below("type", old, "field") {
		name := f.Path[3]
		now := c.new.at("type", new, "field", name)
		path := []string{"type", new, "field", name}
		was, _ := splitValue(f.Value)
		if now == nil {
			c.found(difference{differs, path, was, ""})
			continue
		}
		is, _ := splitValue(now.Value)
		c.types(was, is, path)
	}
	for _, f := range c.new.below("type", new, "field") {
		if c.old.at("type", old, "field", f.Path[3]) == nil {
			c.found(difference{addedFit(f), f.Path, "", f.Value})
		}
	}
	for _, f := range c.old.below("type", old, "value") {
		if c.new.at("type", new, "value", f.Path[3]) == nil {
			c.found(difference{differs, []string{"type", new, "value", f.Path[3]}, f.Path[3], ""})
		}
	}
	for _, f := range c.new.below("type", new, "value") {
		if c.old.at("type", old, "value", f.Path[3]) == nil {
			c.found(difference{widens, f.Path, "", f.Path[3]})
		}
	}
}

// addedFit says how old values without a field are read by a program that has it.
func addedFit(f *Fact) fit {
	typeText, byDefault := splitValue(f.Value)
	if byDefault != "" || parseType(typeText).isAbsent() {
		return same
	}
	return differs
}
