package gospec

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// states reads the state machine. Its states are all constants of the type of which some have directives.
func (r *reader) states() {
	for _, c := range r.constants {
		for _, d := range c.directives {
			if d.name == "accepts" || d.name == "terminal" || d.name == "retired" || d.name == "waits" {
				r.statusType(c, d)
			}
		}
	}
	if r.status == nil {
		return
	}
	r.w.StatusType = r.status.Name()
	r.eachConstant(r.status.Type(), func(c *declared, name *ast.Ident, obj *types.Const) {
		r.w.States = append(r.w.States, r.state(c, name, obj, name == c.name))
	})
	for _, s := range r.w.States {
		for _, t := range s.Accepts {
			for i := range t.Moves {
				t.Moves[i].To = r.stateName(t.Moves[i].To)
			}
		}
	}
}

// statusType learns the type of the states from a constant with a directive.
func (r *reader) statusType(c *declared, d *directive) {
	obj, _ := r.info.Defs[c.name].(*types.Const)
	if obj == nil || obj.Type() == types.Typ[types.Invalid] {
		d.used = true
		return
	}
	if names := c.spec.(*ast.ValueSpec).Names; len(names) > 1 {
		r.report(d.pos, diagnostic.MisplacedDirective, "%s stands on %d constants at once; declare each state on a line of its own", d.what(), len(names))
	}
	named, _ := types.Unalias(obj.Type()).(*types.Named)
	switch {
	case named == nil || named.Obj().Pkg() != r.pkg:
		d.used = true
		r.report(d.pos, diagnostic.StatusConstant, "constant %s has the type %s, and states are constants of a type of their own; declare one, like \"type Status string\", and give it to the constant",
			c.name.Name, types.TypeString(obj.Type(), types.RelativeTo(r.pkg)))
	case obj.Val().Kind() != constant.String:
		d.used = true
		r.report(d.pos, diagnostic.StatusConstant, "constant %s is no string, and states are stored by their names; declare \"type %s string\"", c.name.Name, named.Obj().Name())
	case r.status == nil:
		r.status = named.Obj()
	case r.status != named.Obj():
		d.used = true
		r.report(d.pos, diagnostic.StatusConstant, "constant %s has the type %s, and the states before it have the type %s; a workflow has one status, so use one type",
			c.name.Name, named.Obj().Name(), r.status.Name())
	}
}

// state reads one state. c may declare several constants at once, of which the first has the directives.
func (r *reader) state(c *declared, name *ast.Ident, obj *types.Const, first bool) *spec.State {
	s := &spec.State{
		Name: r.stateNamed(constant.StringVal(obj.Val()), name),
		Doc:  c.doc, GoName: name.Name, Pos: r.at(name.Pos()),
	}
	if s.Name.Text == "" {
		r.report(name.Pos(), diagnostic.StatusConstant, "constant %s is empty, and a state is stored by its name; give it one, like %s %s = %q",
			name.Name, name.Name, r.status.Name(), spec.SnakeName(name.Name))
	}
	for _, d := range c.directives {
		if !first {
			break
		}
		switch d.name {
		case "terminal":
			d.used = true
			r.words(d, "state "+quoted(s.Name.Text), nil)
			s.Terminal = true
		case "retired":
			d.used = true
			r.words(d, "state "+quoted(s.Name.Text), nil)
			s.Retired = true
		case "waits":
			d.used = true
			if n, ok := r.ownName(d); ok {
				s.Waits = n
			}
			w := r.words(d, "waits of state "+quoted(s.Name.Text), nil, "deadline")
			s.Deadline, s.DeadlinePos = w.duration("deadline"), w.pos("deadline")
		case "accepts":
			d.used = true
			s.Accepts = append(s.Accepts, r.transition(d, s.Name.Text))
		}
	}
	return s
}

// stateNamed returns the name of a state: the value of its constant where the constant is called like that, as in StatusOpen = "open",
// else what the constant is called, stored as the value.
func (r *reader) stateNamed(value string, constant *ast.Ident) spec.Name {
	n := spec.Name{Text: value, Pos: r.at(constant.Pos())}
	called := spec.SnakeName(constant.Name)
	alike := called == value || strings.HasSuffix(called, "_"+value) || spec.StatusName(value) == constant.Name
	snake := spec.SnakeName(strings.TrimPrefix(constant.Name, r.status.Name()))
	if value != "" && !(alike && spec.IsSnake(value)) && spec.IsSnake(snake) {
		n.Text, n.StoredAs, n.AsPos = snake, value, n.Pos
	}
	return n
}

// transition reads //ironflow:accepts Pay Paid=paid effects=SendReceipt. Keys with a capital are events.
func (r *reader) transition(d *directive, state string) *spec.Transition {
	input, ok := r.ownName(d)
	if !ok {
		return &spec.Transition{Input: spec.Name{Pos: r.at(d.pos)}, Pos: r.at(d.pos)}
	}
	t := &spec.Transition{Input: input, Pos: input.Pos}
	what := "input " + quoted(input.Text) + " in state " + quoted(state)
	w := r.words(d, what, func(a argument) bool {
		if !token.IsExported(a.key) {
			return false
		}
		t.Moves = append(t.Moves, spec.EventMove{
			Event: spec.Name{Text: a.key, Pos: r.at(a.keyPos)},
			To:    r.nameIn(a.value, a.valuePos, "the state that event "+quoted(a.key)+" leads to"),
		})
		return true
	}, "doc", "effects", "timers", "reject")
	t.Doc = w.values["doc"].value
	t.Reject = w.name("reject")
	t.Effects = w.names("effects")
	t.Timers = w.names("timers")
	if w.vague && len(t.Moves) == 0 && t.Reject == (spec.Name{}) {
		t.Moves = []spec.EventMove{{Event: spec.Name{Pos: input.Pos}, To: spec.Name{Pos: input.Pos}}}
	}
	return t
}

// stateName returns the name of a state that a directive may also call by its constant or its stored name.
func (r *reader) stateName(n spec.Name) spec.Name {
	for _, s := range r.w.States {
		if s.GoName == n.Text || n.Text != "" && s.Name.StoredAs == n.Text {
			n.Text = s.Name.Text
		}
	}
	return n
}

func (r *reader) stateNames(list []spec.Name) []spec.Name {
	for i := range list {
		list[i] = r.stateName(list[i])
	}
	return list
}

// stateFields reads the fields of the state but for the one that holds the status, which it finds.
func (r *reader) stateFields(state *declared) []*spec.Field {
	st := r.structOf(state, state.take("workflow"))
	var status *types.Var
	if r.status != nil {
		if status = r.statusField(state, st); status == nil {
			r.report(state.name.Pos(), diagnostic.NoStatusField, "%s has no field of the type %s, which says in which state an instance is; add \"%s %s\"",
				state.name.Name, r.status.Name(), "Status", r.status.Name())
		} else {
			r.w.StatusField = status.Name()
		}
	}
	return r.fieldsBut(status, st, "the state", "", token.NoPos)
}

// statusField finds the field that holds the status: the only one of its type, or the one called Status.
func (r *reader) statusField(state *declared, st *types.Struct) *types.Var {
	var found *types.Var
	for i := range st.NumFields() {
		f := st.Field(i)
		switch {
		case !types.Identical(f.Type(), r.status.Type()):
			continue
		case found == nil || f.Name() == "Status":
			found = f
		case found.Name() != "Status":
			r.report(f.Pos(), diagnostic.NoStatusField, "%s has several fields of the type %s, so that nobody can tell which of them says in which state an instance is; call that one Status",
				state.name.Name, r.status.Name()).Relate(r.at(found.Pos()), "the first of them")
			continue
		}
		r.checkStatusTag(f, st.Tag(i))
	}
	return found
}

// checkStatusTag reports a JSON name that the status cannot have, and a field that has no JSON at all.
func (r *reader) checkStatusTag(f *types.Var, tag string) {
	name, _ := jsonTag(tag)
	switch {
	case !f.Exported():
		r.report(f.Pos(), diagnostic.NotStored, "field %s is not exported, and the status has to be seen from outside; call it Status", f.Name())
	case name != "" && name != statusName:
		r.report(f.Pos(), diagnostic.FieldTag, `field %s holds the status, which is called %q in JSON; remove the name from its tag`, f.Name(), statusName)
	}
}

// statusName is what the status is called in JSON.
const statusName = "status"
