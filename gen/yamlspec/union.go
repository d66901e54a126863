package yamlspec

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// Other systems have types that are one of several, each with data of its own. This file finds what is meant to be one.

// union finds the entry of a type's body that means one of several types. Fields may have the names of such entries, so their values tell.
func union(entries []entry) (entry, bool) {
	for _, e := range entries {
		if spec.IsUnionWord(e.key.Text) && !isField(e.value) {
			return e, true
		}
	}
	return entry{}, false
}

// isField reports whether a value reads like the declaration of a field.
func isField(n *yaml.Node) bool {
	n = target(n)
	if !isMapping(n) {
		return n.Kind == yaml.ScalarNode
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i].Value; key != "type" && key != "doc" {
			return false
		}
	}
	return true
}

// target follows an alias.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// noUnion reports a type that means one of several.
func (r *reader) noUnion(e entry, what string) {
	r.d.Report(e.key.Pos, diagnostic.UnionType, "%s has the key %q, and no type is one of several; %s", what, diagnostic.Shorten(e.key.Text), spec.Union)
}

// hasData reports a value of an enum that is given data: a list of types, or a mapping with fields.
func (r *reader) hasData(e entry, what string) bool {
	n := target(e.value)
	switch {
	case n.Kind == yaml.SequenceNode:
		r.report(e.value, diagnostic.UnionType, "value %q of %s has a list, and a value has no data; %s", diagnostic.Shorten(e.key.Text), what, spec.Union)
		return true
	case !isMapping(n):
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if slices.Contains(valueKeys, key.Value) || key.Kind != yaml.ScalarNode || key.Value == "<<" || !isData(key.Value, target(n.Content[i+1])) {
			continue
		}
		r.report(key, diagnostic.UnionType, "value %q of %s has the key %q, and a value has no data; %s",
			diagnostic.Shorten(e.key.Text), what, diagnostic.Shorten(key.Value), spec.Union)
		return true
	}
	return false
}

// isData reports whether a key and its value read like fields, or like one of them.
func isData(key string, n *yaml.Node) bool {
	return key == "fields" || spec.IsUnionWord(key) || n.Kind != yaml.ScalarNode || isType(n) || spec.IsTypeName(n.Value)
}

// valueKeys are what a value of an enum can say of itself.
var valueKeys = []string{"as", "doc", "go"}
