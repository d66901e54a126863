package yamlspec

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// object is a mapping whose keys this package knows.
type object struct {
	what   string
	values map[string]*yaml.Node // nil for what is not written
	ok     bool                  // it could be read as a mapping
	vague  bool                  // it has a key of which nobody can tell what it was to say
}

// object reads a mapping with known keys. Another key is reported and stands for the known one that is nearest, so that
// a misspelling does not count as something missing too.
func (r *reader) object(n *yaml.Node, what, example string, known ...string) object {
	entries, ok := r.entries(n, what, example, true)
	return r.fill(entries, ok, what, known)
}

// fill makes an object of entries that are read already.
func (r *reader) fill(entries []entry, ok bool, what string, known []string) object {
	o := object{what: what, values: make(map[string]*yaml.Node, len(entries)), ok: ok}
	var unknown []entry
	for _, e := range entries {
		switch {
		case slices.Contains(known, e.key.Text):
			o.values[e.key.Text] = e.value
		case e.key.Text != "":
			unknown = append(unknown, e)
		default:
			o.vague = true
		}
	}
	for _, e := range unknown {
		meant := r.unknownKey(e, what, known)
		o.vague = o.vague || meant == ""
		if o.values[meant] == nil {
			o.values[meant] = e.value
		}
	}
	return o
}

// unknownKey reports a key that has no meaning in its place and returns the one that was probably meant, or "".
func (r *reader) unknownKey(e entry, what string, known []string) string {
	if e.key.Text == "on" && slices.Contains(known, "accepts") {
		r.d.Report(e.key.Pos, diagnostic.UnknownKey, `%s has the key "on"; write "accepts", because "on" is a boolean to many YAML tools`, what)
		return "accepts"
	}
	nearest, hint := spec.SuggestKey(e.key.Text, known)
	if nearest == "as" && isType(e.value) { // near to every key of two letters
		nearest = ""
	}
	if nearest == "" && e.value.Kind == yaml.ScalarNode && e.value.Value == "" {
		quote := "if it is part of a text with a comma, put the text in quotes"
		if hint != "" {
			quote = hint + "; " + quote
		}
		hint = quote
	}
	if nearest == "" && slices.Contains(known, "fields") && isType(e.value) {
		hint = fmt.Sprintf("put a field below fields, like fields: {%s: %s}", diagnostic.Shorten(e.key.Text), e.value.Value)
	}
	r.d.Report(e.key.Pos, diagnostic.UnknownKey, "%s has no key %q; %s", what, diagnostic.Shorten(e.key.Text), hint)
	return nearest
}

// isType reports whether a value reads like the type of a field.
func isType(n *yaml.Node) bool {
	base, _, _ := strings.Cut(n.Value, "<")
	_, container := containers[base]
	return n.Kind == yaml.ScalarNode && (container || spec.IsScalar(base))
}

// doc returns the documentation of an object.
func (r *reader) doc(o object) string {
	return strings.TrimRight(spec.DocText(r.text(o.values["doc"], "the doc of "+o.what)), " \t\n")
}

// name returns the name under a key, or none if the key is not there.
func (o object) name(r *reader, key string) spec.Name {
	n := o.values[key]
	if n == nil {
		return spec.Name{}
	}
	return r.name(n, key+" of "+o.what)
}

// stored reads what the thing is stored under, and gives it to its name.
func (o object) stored(r *reader, name *spec.Name) {
	n := o.values["as"]
	if n == nil {
		return
	}
	if n = r.resolve(n); n == nil {
		return
	}
	switch what := "as of " + o.what; {
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.report(n, diagnostic.NotName, "%s must be a name, not %s; %s", what, found(n), quoteHint(n))
	case n.Value == "":
		r.report(n, diagnostic.NotName, "%s is empty; write a name", what)
	default:
		name.SetStored(spec.Name{Text: n.Value, Pos: r.pos(n)})
	}
}

// storedName returns the stored name of something that another declaration may have, or none if the key is not there.
func (o object) storedName(r *reader, key string) spec.Name {
	n := o.values[key]
	if n == nil {
		return spec.Name{}
	}
	if n = r.resolve(n); n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value != "" {
		return spec.Name{Text: n.Value, Pos: r.pos(n)}
	}
	return r.name(o.values[key], key+" of "+o.what)
}

// text returns the text under a key, which is no name but has a place, or none if the key is not there.
func (o object) text(r *reader, key string) spec.Name {
	n := o.values[key]
	if n == nil || isNull(n) {
		return spec.Name{}
	}
	what := key + " of " + o.what
	if isMapping(n) {
		r.report(n, diagnostic.NotText, "%s must be text, not a mapping; braces are one to YAML, so put the text in quotes", what)
		return r.unread(n)
	}
	t := spec.Name{Text: r.text(n, what), Pos: r.pos(n)}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && strings.TrimSpace(n.Value) == "" {
		r.report(n, diagnostic.NotText, "%s is empty; write the text, or remove the key", what)
		t.Text = ""
	}
	return t
}
