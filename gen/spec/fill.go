package spec

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// Fill says where the engine takes the value of one field from, in an input that it makes itself. The field that names
// the instance is not among them: the engine always knows that. A field without a Fill stays empty.
type Fill struct {
	Field *Field // of the input
	From  Source
	Of    *Field // of the effect, for FromEffect

	// Optional says that the field is an optional of what it is filled with.
	Optional bool
}

// Source is where the value of a field comes from.
type Source int

// The sources.
const (
	FromEffect     Source = iota + 1 // the effect's field of the same name
	FromError                        // the last error of a dead letter; why a child never started, "" when it did
	FromFiring                       // the time for which a firing was due, which may be before the time when it happens
	FromChild                        // the child's instance id
	FromStatus                       // the child's final status, "" when it never started or has no states
	FromChildState                   // the child's field of the same name, in its final state; zero when it never started
)

// The names of fields that the engine fills in.
const (
	errorField     = "error"
	reasonField    = "reason"
	scheduledField = "scheduled_at"
	childField     = "child"
	statusField    = "status"
)

// filling collects the fills of one input.
type filling struct {
	input *Message
	fills []Fill
}

// toFill are the fields of the input that are not the instance's id, and could be read.
func (f *filling) toFill() []*Field {
	var list []*Field
	for _, field := range f.input.Fields {
		if field.Name.Text != "" && field.Type.Kind != 0 && field.Name.Text != f.input.ID.Text {
			list = append(list, field)
		}
	}
	return list
}

// take fills a field from a source of some type if the field is of this type, or an optional of it. What the engine knows
// itself may go into a defined type as well, as in "type Reason string".
func (f *filling) take(field *Field, from Source, of *Field, sourceType *TypeRef) bool {
	fill := Fill{Field: field, From: from, Of: of}
	same := sameType
	if from != FromEffect {
		same = sameScalar
	}
	switch {
	case same(&field.Type, sourceType):
	case field.Type.Kind == Optional && same(field.Type.Elem, sourceType):
		fill.Optional = true
	default:
		return false
	}
	f.fills = append(f.fills, fill)
	return true
}

var (
	stringType = &TypeRef{Kind: Scalar, Name: "string"}
	timeType   = &TypeRef{Kind: Scalar, Name: "time"}
)

// sameType compares types of one declaration. What is the same can be assigned in Go.
func sameType(a, b *TypeRef) bool {
	if a.Kind != b.Kind || a.Name != b.Name || (a.Elem == nil) != (b.Elem == nil) || !sameGoType(a.As, b.As) {
		return false
	}
	return a.Elem == nil || sameType(a.Elem, b.Elem)
}

func sameGoType(a, b *GoType) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Path == b.Path && a.Name == b.Name && slices.EqualFunc(a.Args, b.Args, sameGoType)
}

// sameScalar compares scalars regardless of the Go types that stand for them. What is the same can be converted in Go.
func sameScalar(a, b *TypeRef) bool { return a.Kind == Scalar && b.Kind == Scalar && a.Name == b.Name }

// fillScheduled fills an input that a schedule delivers. owner names the schedule or the timer.
func (c *checker) fillScheduled(owner string, input *Message) []Fill {
	f := filling{input: input}
	for _, field := range f.toFill() {
		isTime := field.Name.Text == scheduledField
		switch {
		case isTime && f.take(field, FromFiring, nil, timeType):
		case field.Type.Kind == Optional:
		case isTime:
			c.d.Report(field.Type.Pos, diagnostic.ScheduledFields, "%s delivers input %q and puts the time of the firing into its field %q; make its type time",
				owner, input.Name.Text, field.Name.Text)
		default:
			c.d.Report(field.Name.Pos, diagnostic.ScheduledFields, `%s delivers input %q, and the engine has nothing to put into its field %q; make it optional, or call it %q, with type time, if it is to be the time of the firing`,
				owner, input.Name.Text, field.Name.Text, scheduledField)
		}
	}
	return f.fills
}

// fillFiring fills what changes with each firing in an input that a decision has made, if it has a place for it.
func (c *checker) fillFiring(input *Message) []Fill {
	f := filling{input: input}
	for _, field := range f.toFill() {
		if field.Name.Text == scheduledField {
			f.take(field, FromFiring, nil, timeType)
		}
	}
	return f.fills
}

// fillDead fills the input that tells of a dead letter: with the effect's own fields first, then with the error.
func (c *checker) fillDead(e *Effect, input *Message) []Fill {
	f := filling{input: input}
	open := false // a field of the effect could not be read, and may be any
	copied := make(map[string]*Field)
	for _, own := range e.Fields {
		open = open || own.Name.Text == "" || own.Type.Kind == 0
		copied[own.Name.Text] = own
	}
	errorName := ""
	for _, name := range []string{errorField, reasonField} {
		if field, _ := field(input.Fields, name); field != nil && copied[name] == nil && isText(field) && name != input.ID.Text {
			errorName = name
			break
		}
	}
	for _, field := range f.toFill() {
		own := copied[field.Name.Text]
		switch {
		case own != nil && f.take(field, FromEffect, own, &own.Type):
		case field.Name.Text == errorName && f.take(field, FromError, nil, stringType):
		case field.Type.Kind == Optional || open || own != nil && isUnknown(&own.Type):
		default:
			c.d.Report(field.Name.Pos, diagnostic.DeadFields, "input %q is delivered when effect %q becomes a dead letter, and the engine has nothing to put into its field %q; %s",
				input.Name.Text, e.Name.Text, field.Name.Text, c.deadAdvice(own, field, errorName))
		}
	}
	return f.fills
}

// isUnknown reports whether a type, or what it holds, could not be resolved, which is a mistake in itself.
func isUnknown(ref *TypeRef) bool {
	for ref.Elem != nil {
		ref = ref.Elem
	}
	return ref.Kind == Declared && ref.Decl == nil
}

// isText reports whether a field holds a string, or an optional one.
func isText(f *Field) bool {
	return sameScalar(&f.Type, stringType) || f.Type.Kind == Optional && sameScalar(f.Type.Elem, stringType)
}

// deadAdvice says how a field can be filled. own is the effect's field of the same name, if it has one.
func (c *checker) deadAdvice(own, field *Field, errorName string) string {
	switch {
	case own != nil:
		return fmt.Sprintf("make it %s, as it is in the effect, or make it optional", c.w.Form.typeText(&own.Type))
	case isText(field) && errorName == "":
		return fmt.Sprintf("make it optional, add it to the effect's fields, or call it %q if it is to be the last error", errorField)
	}
	return fmt.Sprintf(`make it optional, or add %q to the effect's fields`, c.w.Form.fieldEntry(field.Name.Text, &field.Type))
}

// fillEnded fills the input that tells of a child's end. What the child has in its state is known only together with its
// declaration; see [ValidateTogether].
func (c *checker) fillEnded(e *Effect, input *Message) []Fill {
	f := filling{input: input}
	special := map[string]Source{childField: FromChild, statusField: FromStatus, errorField: FromError}
	for _, field := range f.toFill() {
		from, isSpecial := special[field.Name.Text]
		switch {
		case isSpecial && field.Type.Kind == Optional && isText(field):
			c.d.Report(field.Type.Pos, diagnostic.EndedFields, `field %q of input %q is "" when the child of effect %q has none, and never null; make it a string that is not optional`,
				field.Name.Text, input.Name.Text, e.Name.Text)
		case isSpecial && f.take(field, from, nil, stringType):
		case !hasZero(&field.Type, make(map[*Type]bool)):
			c.d.Report(field.Name.Pos, diagnostic.EndedFields, "field %q of input %q is filled from the final state of the child that effect %q starts; a child that could not start has none, and a %s cannot be left empty, so make the field optional",
				field.Name.Text, input.Name.Text, e.Name.Text, c.w.Form.typeText(&field.Type))
		default:
			f.fills = append(f.fills, Fill{Field: field, From: FromChildState})
		}
	}
	return f.fills
}

// hasZero reports whether the zero value of a type can be stored, which is not so for an enum, a decimal, and a struct
// with one. seen are the structs that were looked into.
func hasZero(ref *TypeRef, seen map[*Type]bool) bool {
	switch {
	case ref.Kind == Scalar:
		return ref.Name != "decimal"
	case ref.Kind != Declared || ref.Decl == nil || seen[ref.Decl]:
		return true
	case ref.Decl.Kind == Enum:
		return false
	}
	seen[ref.Decl] = true
	for _, f := range ref.Decl.Fields {
		if !hasZero(&f.Type, seen) {
			return false
		}
	}
	return true
}
