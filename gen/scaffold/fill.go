package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// maxLiteral is how long a composite literal may be to stand in one line.
const maxLiteral = 80

// assignment is a field of a composite literal, or of the state, with its value.
type assignment struct {
	Name  string // of the field, in Go
	Value string // an expression; empty for the zero value
	open  bool   // nothing is known to fill it with
}

// record is a message being made.
type record struct {
	typeName string
	fields   []assignment
}

// fill makes a message out of another: fields of the same name and type are copied.
func fill(typeName string, target []*spec.Field, from string, source []*spec.Field) record {
	r := record{typeName: typeName}
	for _, f := range target {
		a := assignment{Name: spec.GoName(f.Name.Text)}
		if a.Value = copied(f, from, source); a.Value == "" {
			a.Value, a.open = zero(&f.Type), true
		}
		r.fields = append(r.fields, a)
	}
	return r
}

// copied returns the expression for a field's value in the source, "" when the source has none.
func copied(target *spec.Field, from string, source []*spec.Field) string {
	for _, f := range source {
		if f.Name.Text != target.Name.Text {
			continue
		}
		value := from + "." + spec.GoName(f.Name.Text)
		switch {
		case sameType(&target.Type, &f.Type):
			return value
		case target.Type.Kind == spec.Optional && sameType(target.Type.Elem, &f.Type) && !isNullable(&f.Type):
			return "&" + value
		}
	}
	return ""
}

// isNullable reports whether a value of the type may be null in JSON. A pointer to it cannot be stored then.
func isNullable(ref *spec.TypeRef) bool {
	switch ref.Kind {
	case spec.Scalar:
		return ref.Name == "bytes" || ref.Name == "json"
	case spec.Declared:
		return ref.Decl.Kind == spec.Imported
	}
	return true
}

func sameType(a, b *spec.TypeRef) bool {
	if a.Kind != b.Kind || a.Name != b.Name {
		return false
	}
	return a.Elem == nil || sameType(a.Elem, b.Elem)
}

// zero returns the expression for the plainest value that can be stored, "" when that is Go's zero value.
func zero(ref *spec.TypeRef) string {
	switch {
	case ref.Kind == spec.Scalar && ref.Name == "decimal":
		return `"0"`
	case ref.Kind != spec.Declared:
		return ""
	case ref.Decl.Kind == spec.Enum:
		return firstValue(ref.Decl)
	}
	inner := record{typeName: ref.Name}
	for _, f := range ref.Decl.Fields {
		if value := zero(&f.Type); value != "" {
			inner.fields = append(inner.fields, assignment{Name: spec.GoName(f.Name.Text), Value: value})
		}
	}
	if len(inner.fields) == 0 {
		return ""
	}
	return inner.plain()
}

// firstValue names the constant of an enum's first value.
func firstValue(t *spec.Type) string {
	return t.Name.Text + spec.GoName(t.Values[0].Name.Text)
}

// plain renders the record in one line.
func (r record) plain() string {
	var fields []string
	for _, a := range r.fields {
		if a.Value != "" {
			fields = append(fields, a.Name+": "+a.Value)
		}
	}
	return r.typeName + "{" + strings.Join(fields, ", ") + "}"
}

// literal renders the record in one line, or with a line for each field when that would be too long.
func (r record) literal() string {
	if plain := r.plain(); len(plain) <= maxLiteral {
		return plain
	}
	return r.lines(false)
}

// annotated is literal, but says TODO where something is left to the user.
func (r record) annotated() string {
	if slices.ContainsFunc(r.fields, func(a assignment) bool { return a.open }) {
		return r.lines(true)
	}
	return r.literal()
}

// lines renders the record with a line for each field.
func (r record) lines(annotate bool) string {
	var b strings.Builder
	var empty []string
	b.WriteString(r.typeName + "{\n")
	for _, a := range r.fields {
		switch {
		case a.Value == "":
			empty = append(empty, a.Name)
		case annotate && a.open:
			fmt.Fprintf(&b, "%s: %s, // TODO\n", a.Name, a.Value)
		default:
			fmt.Fprintf(&b, "%s: %s,\n", a.Name, a.Value)
		}
	}
	if annotate && len(empty) > 0 {
		b.WriteString(comment("TODO: " + listing(empty, "and")))
	}
	b.WriteString("}")
	return b.String()
}
