package gospec

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// workflow reads the declaration. It returns false when there is none that could be checked.
func (r *reader) workflow() bool {
	state := r.stateType()
	if state == nil {
		return false
	}
	r.reserve()
	r.states()
	w := r.words(state.take("workflow"), "the workflow", nil, "type", "as", "id", "unique", "search", "subject", "http", "external")
	r.w.File = r.at(state.name.Pos()).File
	r.w.Pos = r.at(state.take("workflow").pos)
	r.w.Name = w.name("type")
	r.w.Name.SetStored(w.name("as"))
	r.w.Package = r.packageName(state)
	r.w.HTTP = w.boolean("http")
	r.w.External, r.w.ExternalPos = w.boolean("external"), w.pos("external")
	r.w.Doc = state.doc
	r.w.StateType = state.name.Name
	r.w.State = r.stateFields(state)
	if r.w.Subject = w.name("subject"); r.w.Subject.Text != "" {
		r.w.Subject.Text = fieldName(&spec.Message{Fields: r.w.State}, r.w.Subject.Text)
	}
	r.messages()
	r.instanceIDs(w.name("id"))
	r.unique(w)
	r.search(w)
	r.timers()
	r.declaredTypes()
	return true
}

// stateType finds the struct that the declaration belongs to.
func (r *reader) stateType() *declared {
	var found *declared
	for _, t := range r.types {
		d := t.take("workflow")
		switch {
		case d == nil:
		case found != nil:
			r.report(d.pos, diagnostic.SharedDirectory, "%s already has a workflow, and two cannot share a Go package; move one of them", found.name.Name).
				Relate(r.at(found.name.Pos()), "the first workflow")
		case r.structOf(t, d) != nil:
			found = t
		}
	}
	if found == nil && r.d.Empty() {
		pos := spec.Pos{File: filepath.Join(r.Dir, "."), Line: 1, Col: 1}
		if len(r.Files) > 0 {
			pos.File = r.file(r.Files[0].Name)
		}
		r.d.Report(pos, diagnostic.NoWorkflowDirective, "no struct of the package says //ironflow:workflow, at least none in a file that is built here; write it above the struct that holds the state")
	}
	return found
}

// packageName is the package clause of the file of a declaration.
func (r *reader) packageName(of *declared) spec.Name {
	file := r.fileOf(of.name.Pos()) // never nil, as that is where the declaration was found
	return spec.Name{Text: file.Name.Name, Pos: r.at(file.Name.Pos())}
}

// structOf returns the struct type that a directive stands on. It reports one that stands on something else.
func (r *reader) structOf(t *declared, d *directive) *types.Struct {
	s := t.spec.(*ast.TypeSpec)
	obj, _ := r.info.Defs[s.Name].(*types.TypeName)
	if obj == nil {
		return nil
	}
	underlying := obj.Type().Underlying()
	st, isStruct := underlying.(*types.Struct)
	switch {
	case s.Assign.IsValid():
		r.report(d.pos, diagnostic.MisplacedDirective, "%s is only another name of a type, and generated code adds methods; write \"type %s struct\"", s.Name.Name, s.Name.Name)
	case s.TypeParams != nil:
		r.report(d.pos, diagnostic.MisplacedDirective, "%s has type parameters, so it is many types; declare one with arguments, like \"type %s %s[...]\"", s.Name.Name, "Opened", s.Name.Name)
	case !isStruct && underlying != types.Typ[types.Invalid]:
		r.report(d.pos, diagnostic.MisplacedDirective, "%s is no struct; %s belongs in %s", s.Name.Name, d.what(), places[d.name])
	case isStruct:
		return st
	}
	return nil
}

// messages reads inputs, events, effects and rejections.
func (r *reader) messages() {
	for _, t := range r.types {
		var first *directive
		for _, d := range t.directives {
			if !d.isMessage() {
				continue
			}
			d.used = true
			if first != nil {
				r.report(d.pos, diagnostic.MisplacedDirective, "%s is %s already, and a type is one thing; declare another type, or delete one of the directives",
					t.name.Name, first.what()).Relate(r.at(first.pos), "the first directive")
				continue
			}
			first = d
			m := r.message(t, d)
			switch d.name {
			case "input":
				w := r.messageWords(&m, d, "id", "from", "retired")
				m.ID = w.name("id")
				m.From = w.name("from")
				r.w.Inputs = append(r.w.Inputs, &m)
			case "event":
				r.messageWords(&m, d, "retired")
				r.w.Events = append(r.w.Events, &m)
			case "rejection":
				r.messageWords(&m, d)
				r.w.Rejections = append(r.w.Rejections, &m)
			case "effect":
				r.w.Effects = append(r.w.Effects, r.effect(m, d))
			}
		}
	}
	if r.vague {
		// A directive that nobody understands may have declared anything.
		unread := &spec.Message{Name: spec.Name{Pos: r.w.Pos}}
		r.w.Inputs = append(r.w.Inputs, unread)
		r.w.Events = append(r.w.Events, unread)
		r.w.Rejections = append(r.w.Rejections, unread)
		r.w.Effects = append(r.w.Effects, &spec.Effect{Message: *unread})
	}
}

// messageWords reads what directives say of all messages, and returns the rest for the caller.
func (r *reader) messageWords(m *spec.Message, d *directive, known ...string) words {
	w := r.words(d, d.name+" "+quoted(m.Name.Text), nil, append([]string{"as", "version"}, known...)...)
	m.Name.SetStored(w.name("as"))
	m.Retired = w.boolean("retired")
	if a, ok := w.values["version"]; ok {
		m.Schema, m.SchemaPos = r.integer(part{a.value, a.valuePos}, "version of "+w.what), r.at(a.valuePos)
	}
	return w
}

func (r *reader) message(t *declared, d *directive) spec.Message {
	m := spec.Message{Name: spec.Name{Text: t.name.Name, Pos: r.at(t.name.Pos())}, Doc: t.doc}
	if st := r.structOf(t, d); st != nil {
		m.Fields = r.fields(st, d.name+" "+quoted(t.name.Name), "", token.NoPos)
	} else {
		m.Fields = []*spec.Field{{Name: spec.Name{Pos: m.Name.Pos}}}
	}
	return m
}

// instanceIDs turns the Go names of the fields that name instances into those of the declaration. id is what the workflow
// says; it may have another name in the declaration for each input.
func (r *reader) instanceIDs(id spec.Name) {
	r.w.ID = id
	found := false
	for _, m := range r.w.Inputs {
		if m.ID != (spec.Name{}) {
			m.ID.Text = fieldName(m, m.ID.Text)
			continue
		}
		name := fieldName(m, id.Text)
		if m.Field(name) == nil {
			continue
		}
		if !found {
			r.w.ID.Text, found = name, true
		} else if name != r.w.ID.Text {
			m.ID = spec.Name{Text: name, Pos: id.Pos}
		}
	}
}

// fieldName returns the declared name of the field that a directive calls by its Go name, its declared or its stored one. What is
// none of them is returned as it is.
func fieldName(m *spec.Message, text string) string {
	for _, f := range m.Fields {
		if f.GoName != "" && (f.GoName == text || strings.HasSuffix(f.GoName, "."+text)) {
			return f.Name.Text
		}
	}
	if m.Field(text) == nil {
		for _, f := range m.Fields {
			if f.Name.StoredAs == text {
				return f.Name.Text
			}
		}
	}
	return text
}

// unique reads the unique keys, as in unique=Create:CartID.
func (r *reader) unique(w words) {
	a, ok := w.values["unique"]
	if !ok {
		return
	}
	for _, p := range split(a.value, a.valuePos, ",") {
		input, field, ok := r.pair(p, ":", "unique of "+w.what, "unique=Create:CustomerID")
		if !ok {
			continue
		}
		key := spec.UniqueKey{
			Input: spec.Name{Text: input.text, Pos: r.at(input.pos)},
			Field: spec.Name{Text: field.text, Pos: r.at(field.pos)},
		}
		for _, m := range r.w.Inputs {
			if m.Name.Text == input.text {
				key.Field.Text = fieldName(m, field.text)
			}
		}
		r.w.Unique = append(r.w.Unique, key)
	}
}

// search reads the search fields, as in search=CustomerID,Email.
func (r *reader) search(w words) {
	for _, name := range w.names("search") {
		state := &spec.Message{Fields: r.w.State}
		text := fieldName(state, name.Text)
		for _, m := range r.w.Inputs {
			if state.Field(text) == nil && m.Field(fieldName(m, name.Text)) != nil {
				text = fieldName(m, name.Text)
			}
		}
		name.Text = text
		r.w.Search = append(r.w.Search, name)
	}
}
