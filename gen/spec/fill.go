package spec

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// Fill says where the engine takes the value of one field from, in an input that it makes itself. The field that names
// the instance is not among them: the engine always knows that. A field without a Fill stays empty.
//
// Values go over as JSON, so a field may also be an optional of what it is filled with.
type Fill struct {
	Field *Field // of the input
	From  Source
}

// Source is where the value of a field comes from.
type Source int

// The sources.
const (
	FromEffect     Source = iota + 1 // the effect's field of the same stored name
	FromError                        // the last error of a dead letter; why a child never started, "" when it did
	FromChild                        // the child's instance id
	FromStatus                       // the child's final status, "" when it never started or has no states
	FromChildState                   // the child's field of the same stored name, in its final state; zero when it never started
	FromReceiver                     // the id of the instance that did not accept an input
	FromOutcome                      // what became of that input
	FromRejection                    // the stored name of the rejection, "" when there is none
	FromDetails                      // the rejection as JSON, null when there is none
)

// The stored names of fields that the engine fills in.
const (
	errorField     = "error"
	reasonField    = "reason"
	scheduledField = "scheduled_at"
	childField     = "child"
	statusField    = "status"
	receiverField  = "receiver"
	outcomeField   = "outcome"
	rejectionField = "rejection"
	detailsField   = "details"
)

// toFill returns the fields of an input that are not the instance's id, and could be read. There are none once nothing more
// is reported: a thousand effects may share an input of a thousand fields.
func (c *checker) toFill(input *Message) []*Field {
	if c.d.Full() {
		return nil
	}
	var list []*Field
	for _, f := range input.Fields {
		if f.Name.Text != "" && f.Type.Kind != 0 && f.Name.Text != input.ID.Text {
			list = append(list, f)
		}
	}
	return list
}

// holds reports whether a field can be given a value of a type: it is of this type, or an optional of it.
func holds(field, value *TypeRef) bool {
	return sameType(field, value) || field.Kind == Optional && sameType(field.Elem, value)
}

var (
	stringType = &TypeRef{Kind: Scalar, Name: "string"}
	timeType   = &TypeRef{Kind: Scalar, Name: "time"}
	jsonType   = &TypeRef{Kind: Scalar, Name: "json"}
)

// sameType compares types of one declaration by what they are in JSON.
func sameType(a, b *TypeRef) bool {
	if a.Kind != b.Kind || a.Name != b.Name || (a.Elem == nil) != (b.Elem == nil) {
		return false
	}
	return a.Elem == nil || sameType(a.Elem, b.Elem)
}

// scheduledInput checks that an input can be made when a schedule fires. owner names the schedule or the timer.
func (c *checker) scheduledInput(owner string, input *Message) {
	for _, field := range c.toFill(input) {
		if field.Name.Stored() == scheduledField || field.Type.Kind == Optional {
			continue
		}
		c.d.Report(field.Name.Pos, diagnostic.ScheduledFields, `%s delivers input %q, and the engine has nothing to put into its field %q; make it optional, or call it %q, with type time, if it is to be the time of the firing`,
			owner, input.Name.Text, field.Name.Text, scheduledField)
	}
	c.firingTime(owner, input)
}

// firingTime checks the field for the time of the firing, if the input has one. That is all that the engine puts into an
// input which a decision has made for a timer.
func (c *checker) firingTime(owner string, input *Message) {
	field, _ := storedField(input.Fields, scheduledField)
	if field == nil || isUnknown(&field.Type) {
		return
	}
	switch {
	case field.Name.Text == input.ID.Text:
		c.d.Report(field.Name.Pos, diagnostic.ScheduledFields, "%s delivers input %q and puts the time of the firing into its field %q, which names the instance; rename the field",
			owner, input.Name.Text, field.Name.Text)
	case !holds(&field.Type, timeType):
		c.d.Report(field.Type.Pos, diagnostic.ScheduledFields, "%s delivers input %q and puts the time of the firing into its field %q; make its type time, or rename the field",
			owner, input.Name.Text, field.Name.Text)
	}
}

// fillDead fills the input that tells of a dead letter: with the effect's own fields first, then with the error.
func (c *checker) fillDead(e *Effect, input *Message) (fills []Fill) {
	open := false // a field of the effect could not be read, and may be any
	copied := make(map[string]*Field)
	for _, own := range e.Fields {
		open = open || own.Name.Text == "" || own.Type.Kind == 0
		copied[own.Name.Stored()] = own
	}
	errorName := ""
	for _, name := range []string{errorField, reasonField} {
		if field, _ := storedField(input.Fields, name); field != nil && copied[name] == nil && holds(&field.Type, stringType) && field.Name.Text != input.ID.Text {
			errorName = name
			break
		}
	}
	for _, field := range c.toFill(input) {
		own := copied[field.Name.Stored()]
		switch {
		case own != nil && holds(&field.Type, &own.Type):
			fills = append(fills, Fill{Field: field, From: FromEffect})
			exposed(c.d, own, field, "effect "+quote(e.Name.Text), "input "+quote(input.Name.Text))
		case field.Name.Stored() == errorName:
			fills = append(fills, Fill{Field: field, From: FromError})
		case field.Type.Kind == Optional || open || own != nil && isUnknown(&own.Type):
		default:
			c.d.Report(field.Name.Pos, diagnostic.DeadFields, "input %q is delivered when effect %q becomes a dead letter, and the engine has nothing to put into its field %q; %s",
				input.Name.Text, e.Name.Text, field.Name.Text, c.deadAdvice(own, field, errorName))
		}
	}
	return fills
}

// isUnknown reports whether a type, or what it holds, could not be resolved, which is a mistake in itself.
func isUnknown(ref *TypeRef) bool {
	ref = ref.Innermost()
	return ref.Kind == 0 || ref.Kind == Declared && ref.Decl == nil
}

// deadAdvice says how a field can be filled. own is the effect's field of the same name, if it has one.
func (c *checker) deadAdvice(own, field *Field, errorName string) string {
	switch {
	case own != nil:
		return fmt.Sprintf("make it %s, as it is in the effect, or make it optional", c.w.Form.typeText(&own.Type))
	case holds(&field.Type, stringType) && errorName == "":
		return fmt.Sprintf("make it optional, add it to the effect's fields, or call it %q if it is to be the last error", errorField)
	}
	return fmt.Sprintf(`make it optional, or add %q to the effect's fields`, c.w.Form.fieldEntry(field.Name.Text, &field.Type))
}

// fillEnded fills the input that tells of a child's end. What the child has in its state is known only together with its
// declaration; see [ValidateTogether].
func (c *checker) fillEnded(e *Effect, input *Message) (fills []Fill) {
	special := map[string]Source{childField: FromChild, statusField: FromStatus, errorField: FromError}
	if id := input.Field(input.ID.Text); id != nil && special[id.Name.Stored()] != 0 {
		c.d.Report(input.ID.Pos, diagnostic.EndedFields, "field %q names the instance of input %q, and the engine puts something else there when the child of effect %q ends; name the instance by a field that is not called child, status or error",
			input.ID.Text, input.Name.Text, e.Name.Text)
	}
	for _, field := range c.toFill(input) {
		from, isSpecial := special[field.Name.Stored()]
		switch {
		case isUnknown(&field.Type):
		case isSpecial && sameType(&field.Type, stringType):
			fills = append(fills, Fill{Field: field, From: from})
		case isSpecial:
			c.d.Report(field.Type.Pos, diagnostic.EndedFields, `the engine puts a text into field %q of input %q when the child of effect %q ends, "" where there is none; make its type string, or rename the field`,
				field.Name.Text, input.Name.Text, e.Name.Text)
		case !c.hasZero(&field.Type):
			c.d.Report(field.Name.Pos, diagnostic.EndedFields, "field %q of input %q is filled from the final state of the child that effect %q starts; a child that could not start has none, and a %s cannot be left empty, so make the field optional",
				field.Name.Text, input.Name.Text, e.Name.Text, c.w.Form.typeText(&field.Type))
		default:
			fills = append(fills, Fill{Field: field, From: FromChildState})
		}
	}
	return fills
}

// fillRefused fills the input that tells that a receiver did not accept what the effect sent. A field that the engine does not know is
// taken from the effect.
func (c *checker) fillRefused(e *Effect, input *Message) (fills []Fill) {
	special := map[string]struct {
		from Source
		of   *TypeRef
	}{
		receiverField: {FromReceiver, stringType}, outcomeField: {FromOutcome, stringType},
		rejectionField: {FromRejection, stringType}, detailsField: {FromDetails, jsonType},
	}
	if id := input.Field(input.ID.Text); id != nil && special[id.Name.Stored()].of != nil {
		c.d.Report(input.ID.Pos, diagnostic.RefusedFields, "field %q names the instance of input %q, and the engine puts something else there when what effect %q sends is refused; name the instance by a field that is not called receiver, outcome, rejection or details",
			input.ID.Text, input.Name.Text, e.Name.Text)
	}
	open := false // a field of the effect could not be read, and may be any
	copied := make(map[string]*Field)
	for _, own := range e.Fields {
		open = open || own.Name.Text == "" || own.Type.Kind == 0
		copied[own.Name.Stored()] = own
	}
	for _, field := range c.toFill(input) {
		engine, own := special[field.Name.Stored()], copied[field.Name.Stored()]
		switch {
		case isUnknown(&field.Type):
		case engine.of != nil && holds(&field.Type, engine.of):
			fills = append(fills, Fill{Field: field, From: engine.from})
		case engine.of != nil:
			c.d.Report(field.Type.Pos, diagnostic.RefusedFields, "the engine fills field %q of input %q when what effect %q sends is refused; make its type %s, or rename the field",
				field.Name.Text, input.Name.Text, e.Name.Text, c.w.Form.typeText(engine.of))
		case own != nil && holds(&field.Type, &own.Type):
			fills = append(fills, Fill{Field: field, From: FromEffect})
		case field.Type.Kind == Optional || open || own != nil && isUnknown(&own.Type):
		case own != nil:
			c.d.Report(field.Name.Pos, diagnostic.RefusedFields, "field %q of input %q is taken from effect %q when what that sends is refused; make it %s, as it is in the effect, or make it optional",
				field.Name.Text, input.Name.Text, e.Name.Text, c.w.Form.typeText(&own.Type))
		default:
			c.d.Report(field.Name.Pos, diagnostic.RefusedFields, "input %q is delivered when what effect %q sends is refused, and the engine has nothing to put into its field %q; make it optional, or add %q to the effect's fields",
				input.Name.Text, e.Name.Text, field.Name.Text, c.w.Form.fieldEntry(field.Name.Text, &field.Type))
		}
	}
	return fills
}

// hasZero reports whether the zero value of a type can be stored, which is not so for an enum, a decimal, and a struct
// with one.
func (c *checker) hasZero(ref *TypeRef) bool {
	switch {
	case ref.Kind == Scalar:
		return ref.Name != "decimal"
	case ref.Kind != Declared || ref.Decl == nil:
		return true
	case ref.Decl.Kind == Enum:
		return false
	}
	known, seen := c.zeros[ref.Decl]
	if seen {
		return known
	}
	c.zeros[ref.Decl] = true // while it is looked into; one that contains itself is a mistake anyway
	ok := !slices.ContainsFunc(ref.Decl.Fields, func(f *Field) bool { return !c.hasZero(&f.Type) })
	c.zeros[ref.Decl] = ok
	return ok
}
