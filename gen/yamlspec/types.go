package yamlspec

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

const typeExample = "Item: {sku: string, quantity: int32} or Size: {enum: [small, large]}"

// types reads the declared types.
func (r *reader) types(n *yaml.Node) []*spec.Type {
	var list []*spec.Type
	for _, e := range r.section(n, "types", typeExample) {
		list = append(list, r.declaredType(e))
	}
	return list
}

// declaredType reads one of four forms: a struct as a plain mapping of its fields, a struct with its fields under
// "fields", an enum, and an imported Go type.
func (r *reader) declaredType(e entry) *spec.Type {
	t := &spec.Type{Name: e.key, Pos: e.key.Pos}
	if e.key.Text == "" {
		return t
	}
	what := fmt.Sprintf("type %q", e.key.Text)
	entries, ok := r.mapping(e.value, what, typeExample)
	if !ok {
		return t
	}
	if e, found := union(entries); found {
		r.noUnion(e, what)
		return t
	}
	isEnum := has(entries, "enum", func(n *yaml.Node) bool { return isMapping(n) || n.Kind == yaml.SequenceNode })
	switch {
	case isEnum && has(entries, "fields", isMapping):
		at := slices.IndexFunc(entries, func(e entry) bool { return e.key.Text == "fields" })
		r.d.Report(entries[at].key.Pos, diagnostic.UnionType, "%s has fields beside its enum, and a value has no data; %s", what, spec.Union)
	case has(entries, "fields", isMapping):
		o := r.fill(entries, ok, what, []string{"doc", "fields"})
		t.Kind, t.Doc = spec.Struct, r.doc(o)
		t.Fields = r.fields(o.values["fields"], what)
	case isEnum:
		o := r.fill(entries, ok, what, []string{"doc", "enum"})
		t.Kind, t.Doc = spec.Enum, r.doc(o)
		t.Values = r.enumValues(o.values["enum"], what)
	case has(entries, "go", isImport):
		o := r.fill(entries, ok, what, []string{"doc", "go"})
		t.Kind, t.Doc = spec.Imported, r.doc(o)
		t.Go = r.goType(o.values["go"])
	default:
		t.Kind = spec.Struct
		t.Fields = r.fieldList(entries, what)
	}
	return t
}

// has reports whether a key is there with a value of some shape. It does not count as a visit of the value.
func has(entries []entry, key string, shape func(*yaml.Node) bool) bool {
	for _, e := range entries {
		if e.key.Text != key {
			continue
		}
		if e.value.Kind == yaml.AliasNode {
			return shape(e.value.Alias)
		}
		return shape(e.value)
	}
	return false
}

func isMapping(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

// isImport tells the path of a Go type from the type of a struct field that happens to be called "go".
func isImport(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, "./")
}

// enumValues reads a list of values, or a mapping of values to their documentation or to a mapping of it, their stored name and the name of
// their constant.
func (r *reader) enumValues(n *yaml.Node, what string) []spec.EnumValue {
	var list []spec.EnumValue
	if n.Kind == yaml.AliasNode && isMapping(n.Alias) || isMapping(n) {
		entries, _ := r.mapping(n, "the enum of "+what, "small: Fits a letter box.")
		for _, e := range entries {
			list = append(list, r.enumValue(e, what))
		}
		return list
	}
	elements, ok := r.sequence(n, "the enum of "+what, false)
	if !ok {
		return []spec.EnumValue{{Name: r.unread(n)}}
	}
	for _, value := range elements {
		if isMapping(target(value)) {
			r.report(value, diagnostic.UnionType, "a value of %s is a mapping, and a value has no data; %s", what, spec.Union)
			list = append(list, spec.EnumValue{Name: r.unread(value)})
			continue
		}
		list = append(list, spec.EnumValue{Name: r.name(value, "an entry of the enum of "+what)})
	}
	return list
}

func (r *reader) enumValue(e entry, what string) spec.EnumValue {
	v := spec.EnumValue{Name: e.key}
	if e.key.Text == "" || r.hasData(e, what) {
		return v
	}
	if !isMapping(e.value) && (e.value.Kind != yaml.AliasNode || !isMapping(e.value.Alias)) {
		v.Doc = r.text(e.value, "the doc of a value of "+what)
		return v
	}
	o := r.object(e.value, fmt.Sprintf("value %q of %s", e.key.Text, what), "small: {doc: Fits a letter box., go: SizeSmall}", valueKeys...)
	o.stored(r, &v.Name)
	v.Doc = r.doc(o)
	if constant := o.name(r, "go"); spec.IsTypeName(constant.Text) {
		v.GoName = constant.Text
	} else if constant.Text != "" {
		r.d.Report(constant.Pos, diagnostic.NameForm, "go of %s must be the name of a constant, letters and digits beginning with a capital, like SizeSmall", o.what)
	}
	return v
}

// goType splits "github.com/shopspring/decimal.Decimal" at the dot after the last slash.
func (r *reader) goType(n *yaml.Node) spec.GoType {
	name := r.name(n, "the Go type")
	t := spec.GoType{Path: name.Text, Pos: name.Pos}
	if dot := strings.LastIndexByte(name.Text, '.'); dot > strings.LastIndexByte(name.Text, '/') {
		t.Path, t.Name = name.Text[:dot], name.Text[dot+1:]
	}
	return t
}
