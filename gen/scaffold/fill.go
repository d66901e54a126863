package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/capture"
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

// fill makes a message out of another: fields of the same name and type are copied. Those of an embedded struct are left
// to the user.
func fill(typeName string, target []*spec.Field, from string, source []*spec.Field) record {
	r := record{typeName: typeName}
	for _, f := range target {
		a := assignment{Name: f.GoName}
		if isEmbedded(f) {
			a.open = true
		} else if a.Value = copied(f, from, source); a.Value == "" {
			a.Value, a.open = zero(&f.Type), true
		}
		r.fields = append(r.fields, a)
	}
	return r
}

// isEmbedded reports whether a field belongs to an embedded struct, so that a composite literal cannot name it.
func isEmbedded(f *spec.Field) bool { return strings.Contains(f.GoName, ".") }

// copied returns the expression for a field's value in the source, "" when the source has none.
func copied(target *spec.Field, from string, source []*spec.Field) string {
	for _, f := range source {
		if f.Name.Text != target.Name.Text {
			continue
		}
		value := from + "." + f.GoName
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
	if a.Kind != b.Kind || a.Name != b.Name || !sameGoType(a.As, b.As) {
		return false
	}
	return a.Elem == nil || sameType(a.Elem, b.Elem)
}

func sameGoType(a, b *spec.GoType) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Path == b.Path && a.Name == b.Name && slices.EqualFunc(a.Args, b.Args, sameGoType)
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
	inner := record{typeName: typeName(ref)}
	if inner.typeName == "" {
		return ""
	}
	for _, f := range ref.Decl.Fields {
		if value := zero(&f.Type); value != "" && !isEmbedded(f) {
			inner.fields = append(inner.fields, assignment{Name: f.GoName, Value: value})
		}
	}
	if len(inner.fields) == 0 {
		return ""
	}
	return inner.plain()
}

// typeName writes the Go type of a value that is no container, "" when it has type arguments, which may need imports.
func typeName(ref *spec.TypeRef) string {
	as := ref.As
	if ref.Kind == spec.Declared {
		as = ref.Decl.As
	}
	switch {
	case as == nil && ref.Kind == spec.Scalar && ref.Name == "decimal":
		return "string"
	case as == nil:
		return ref.Name
	case as.Path != "" || len(as.Args) > 0:
		return ""
	}
	return capture.User(as.Name)
}

// firstValue names the constant of an enum's first value.
func firstValue(t *spec.Type) string {
	return capture.User(t.Values[0].GoName)
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
		b.WriteString(comment("TODO: " + diagnostic.Listing(empty, "and")))
	}
	b.WriteString("}")
	return b.String()
}
