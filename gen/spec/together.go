package spec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// ValidateTogether checks what declarations say of one another, for several in which [Validate] has found no mistakes: that
// an input which an effect starts a workflow with, or sends, is declared there with the fields that the effect brings, and
// that the input for a child's end has fields which the child's final state can fill. What an effect says of a workflow
// that is neither among them nor among others is not checked; what others say is not, either. Neither is it when several have its name, as nobody can tell which is meant.
func ValidateTogether(list, others []*Workflow, d *Diagnostics) {
	t := together{
		d: d, all: slices.Concat(list, others), workflows: make(map[string][]*Workflow, len(list)), same: make(map[[2]*Type]bool), goTypes: make(map[*Type]string),
		renamed: make(map[string]*Workflow),
	}
	for _, w := range t.all {
		t.workflows[w.Name.Stored()] = append(t.workflows[w.Name.Stored()], w)
		if w.Name.StoredAs != "" {
			t.renamed[w.Name.Text] = w
		}
		for _, declared := range w.Types {
			t.goTypes[declared] = goType(w, declared)
		}
	}
	for _, w := range list {
		for _, e := range w.Effects {
			if d.Full() {
				return
			}
			t.external(e)
			if e.Starts != nil {
				if child, input := t.delivery(e, e.Starts); input != nil {
					t.begins(e, child, input)
					t.ended(e, child)
				}
			}
			switch {
			case e.Sends == nil:
			case e.Sends.ToParent():
				t.toParent(w, e)
			default:
				t.delivery(e, e.Sends)
			}
		}
	}
}

// together holds what the checks of several declarations share.
type together struct {
	d         *Diagnostics
	all       []*Workflow
	workflows map[string][]*Workflow // by stored names
	renamed   map[string]*Workflow   // those stored under another name, by their own
	goTypes   map[*Type]string       // the Go type that a declared type is, with its package; "" when that is not known
	same      map[[2]*Type]bool      // pairs of declared types of which the first reads the second, or that are being compared
}

// goType names the Go type that a type of a declaration is: one that another declaration imports is the same.
func goType(w *Workflow, t *Type) string {
	of := GoType{Name: t.Name.Text}
	switch {
	case t.Kind == Imported:
		of = t.Go
	case t.As != nil:
		of = *t.As
	}
	path := cmp.Or(of.Path, w.ImportPath)
	if path == "" || len(of.Args) > 0 {
		return ""
	}
	return path + "." + of.Name
}

// delivery compares an effect with the input that is made of it. The input is nil when there is none to compare with.
func (t *together) delivery(e *Effect, to *Delivery) (*Workflow, *Message) {
	found := t.workflows[to.Workflow.Text]
	if other := t.renamed[to.Workflow.Text]; len(found) == 0 && other != nil && !to.External {
		t.d.Report(to.Workflow.Pos, diagnostic.NoSuchInput, "workflow %q is stored as %q, and other programs know it by that; write it here", other.Name.Text, other.Name.Stored()).
			Relate(other.Name.Pos, "the workflow")
		return nil, nil
	}
	if len(found) != 1 {
		return nil, nil
	}
	return found[0], t.becomes(e, found[0], to)
}

// external checks an effect that is for a workflow of another service.
func (t *together) external(e *Effect) {
	for _, to := range []*Delivery{e.Starts, e.Sends} {
		if to == nil || len(t.workflows[to.Workflow.Text]) != 1 || !t.workflows[to.Workflow.Text][0].External {
			continue
		}
		w := t.workflows[to.Workflow.Text][0]
		switch {
		case to == e.Starts:
			t.d.Report(to.Workflow.Pos, diagnostic.ExternalTarget, "workflow %q is external, and only a workflow of this service can be started, because its end is reported; use sends", w.Name.Text).
				Relate(w.ExternalPos, "the workflow")
		case !to.External:
			t.d.Report(to.Workflow.Pos, diagnostic.ExternalTarget, "workflow %q is external, so this program does not have it; add %q here as well", w.Name.Text, "external: true").
				Relate(w.ExternalPos, "the workflow")
		}
	}
}

// toParent compares an effect with the input that it becomes in each workflow that starts this one.
func (t *together) toParent(w *Workflow, e *Effect) {
	started := false
	for _, parent := range t.all {
		if slices.ContainsFunc(parent.Effects, func(e *Effect) bool { return e.Starts != nil && e.Starts.Workflow.Text == w.Name.Stored() }) {
			started = true
			t.becomes(e, parent, e.Sends)
		}
	}
	if !started && !e.Sends.External {
		t.d.Report(e.Sends.To.Pos, diagnostic.NoParent, "effect %q sends an input to the parent, and no workflow of this module starts workflow %q; start it in one, or add %q if another module declares it",
			e.Name.Text, w.Name.Text, w.Form.entry("external", "true"))
	}
}

// becomes compares an effect with the input of a workflow that is made of it. The input is nil when there is none.
func (t *together) becomes(e *Effect, w *Workflow, to *Delivery) *Message {
	var input *Message
	var names []string
	for _, m := range w.Inputs {
		names = append(names, m.Name.Stored())
		if m.Name.Stored() == to.Input.Text {
			input = m
		}
	}
	if input == nil {
		_, hint := Suggest(to.Input.Text, names)
		if i := slices.IndexFunc(w.Inputs, func(m *Message) bool { return m.Name.Text == to.Input.Text }); i >= 0 {
			hint = "other programs know it as " + quote(w.Inputs[i].Name.Stored()) + ", so write that"
		}
		t.d.Report(to.Input.Pos, diagnostic.NoSuchInput, "workflow %q has no input %q; %s", w.Name.Text, to.Input.Text, hint)
		return nil
	}
	if input.Operator {
		t.d.Report(to.Input.Pos, diagnostic.BadSender, "input %q of workflow %q is from an operator, so no effect can bring it; name another input", input.Name.Text, w.Name.Text)
	}
	for _, f := range input.Fields {
		own, _ := storedField(e.Fields, f.Name.Stored())
		isID := f.Name.Text == input.ID.Text
		switch {
		case isID && to.ToParent() && own != nil:
			t.d.Report(own.Name.Pos, diagnostic.DeliveryFields, "effect %q becomes input %q of workflow %q, and the engine puts the id of the parent into its field %q; remove it here",
				e.Name.Text, input.Name.Text, w.Name.Text, f.Name.Stored())
		case isID && own == nil && (e.Starts != nil || to.ToParent()): // a child has an id of its own when the effect does not bring one
		default:
			t.bringsField(e, w, input, f)
		}
	}
	for _, own := range e.Fields {
		if f, _ := storedField(input.Fields, own.Name.Stored()); f == nil {
			_, hint := Suggest(own.Name.Stored(), storedFieldNames(input.Fields))
			if hint == "" {
				hint = "remove it"
			}
			t.d.Report(own.Name.Pos, diagnostic.DeliveryFields, "effect %q becomes input %q of workflow %q, which has no field %q; %s",
				e.Name.Text, input.Name.Text, w.Name.Text, own.Name.Stored(), hint)
		}
	}
	return input
}

// bringsField checks that an effect has what a field of the input needs.
func (t *together) bringsField(e *Effect, w *Workflow, input *Message, f *Field) {
	own, _ := storedField(e.Fields, f.Name.Stored())
	switch {
	case own == nil && (f.Type.Kind == Optional || f.Type.Kind == Scalar && f.Type.Name == "json"):
	case own == nil:
		t.d.Report(e.Name.Pos, diagnostic.DeliveryFields, `effect %q becomes input %q of workflow %q, which needs a field %q; add "%s: %s" to the effect's fields`,
			e.Name.Text, input.Name.Text, w.Name.Text, f.Name.Stored(), f.Name.Stored(), TypeText(&f.Type)).
			Relate(f.Name.Pos, "the field of the input")
	case !t.reads(&f.Type, &own.Type):
		t.d.Report(own.Type.Pos, diagnostic.DeliveryFields, "field %q of effect %q is %s, and input %q of workflow %q has it as %s at %s; %s",
			own.Name.Text, e.Name.Text, TypeText(&own.Type), input.Name.Text, w.Name.Text, TypeText(&f.Type), f.Type.Pos, t.sameTypeAdvice(&own.Type, &f.Type)).
			Relate(f.Type.Pos, "the field of the input")
	default:
		exposed(t.d, own, f, "effect "+quote(e.Name.Text), fmt.Sprintf("input %q of workflow %q", input.Name.Text, w.Name.Text))
	}
}

// sameTypeAdvice says how to make two types fit that do not, although their names may be the same.
func (t *together) sameTypeAdvice(a, b *TypeRef) string {
	x, y := a.Innermost(), b.Innermost()
	switch {
	case a.Kind == Scalar || x.Name != y.Name || x.Decl == nil || y.Decl == nil || t.reads(x, y) || t.reads(y, x):
		return "use one type in both"
	case x.Decl.Kind == Imported || y.Decl.Kind == Imported:
		return fmt.Sprintf("here %q is %s, and there %s, so import one Go type in both", x.Name, t.described(x.Decl), t.described(y.Decl))
	}
	return "both declare a type of this name, so declare it alike"
}

// described says which Go type a declared type is.
func (t *together) described(declared *Type) string {
	if name := t.goTypes[declared]; name != "" {
		return "the Go type " + quote(name)
	}
	return "a type of the declaration itself"
}

// begins checks that an instance can begin with the input that starts it.
func (t *together) begins(e *Effect, child *Workflow, input *Message) {
	if acceptsFirst(child, input.Name.Text) {
		return
	}
	t.d.Report(e.Starts.Input.Pos, diagnostic.ChildNotFirst, "workflow %q begins in state %q, which does not accept input %q; start it with an input that is accepted there",
		child.Name.Text, child.States[0].Name.Text, input.Name.Text)
}

// ended compares the fields of the input for a child's end with the child's state.
func (t *together) ended(e *Effect, child *Workflow) {
	for _, fill := range e.EndedFill {
		if fill.From != FromChildState {
			continue
		}
		name := fill.Field.Name.Stored()
		from, _ := storedField(child.State, name)
		switch {
		case from == nil && fill.Field.Type.Kind == Optional:
		case from == nil:
			nearest, hint := Suggest(name, storedFieldNames(child.State))
			if nearest == "" {
				hint = "add it there, or make it optional"
			}
			t.d.Report(fill.Field.Name.Pos, diagnostic.EndedFields, "field %q of input %q is filled from the final state of workflow %q, which has no such field; %s",
				name, e.Ended.Text, child.Name.Text, hint)
		case !t.reads(&fill.Field.Type, &from.Type):
			t.d.Report(fill.Field.Type.Pos, diagnostic.EndedFields, "field %q of input %q is %s, and is filled from the final state of workflow %q, which has it as %s at %s; %s",
				name, e.Ended.Text, TypeText(&fill.Field.Type), child.Name.Text, TypeText(&from.Type), from.Type.Pos, t.sameTypeAdvice(&fill.Field.Type, &from.Type)).
				Relate(from.Type.Pos, "the field of the child's state")
		default:
			exposed(t.d, from, fill.Field, "the state of workflow "+quote(child.Name.Text), "input "+quote(e.Ended.Text))
		}
	}
}

// reads reports whether every value of one type can be read as the other: they are the same, or the reader has it as
// optional. Declared types are compared by what they hold, not by their names.
func (t *together) reads(to, from *TypeRef) bool {
	ok := t.readsRef(to, from)
	if !ok {
		clear(t.same) // it may hold what was only assumed
	}
	return ok
}

func (t *together) readsRef(to, from *TypeRef) bool {
	if to.Kind == Optional && from.Kind != Optional {
		return t.readsRef(to.Elem, from)
	}
	switch {
	case to.Kind != from.Kind:
		return false
	case to.Kind == Declared:
		return t.readsDeclared(to.Decl, from.Decl)
	case to.Elem != nil:
		return t.readsRef(to.Elem, from.Elem)
	}
	return to.Name == from.Name
}

func (t *together) readsDeclared(to, from *Type) bool {
	if t.goTypes[to] != "" && t.goTypes[to] == t.goTypes[from] {
		return true
	}
	pair := [2]*Type{to, from}
	if t.same[pair] {
		return true
	}
	t.same[pair] = true
	if to.Kind != from.Kind {
		return false
	}
	switch to.Kind {
	case Struct:
		for _, f := range to.Fields {
			other, _ := storedField(from.Fields, f.Name.Stored())
			if other == nil && f.Type.Kind != Optional || other != nil && !t.readsRef(&f.Type, &other.Type) {
				return false
			}
		}
		return true
	case Enum:
		values := make(map[string]bool, len(to.Values))
		for _, v := range to.Values {
			values[v.Name.Stored()] = true
		}
		for _, v := range from.Values {
			if !values[v.Name.Stored()] {
				return false
			}
		}
		return true
	}
	return to.Go.Path == from.Go.Path && to.Go.Name == from.Go.Name
}
