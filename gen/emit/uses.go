package emit

import (
	"slices"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// uses says what each input may lead to, and what of the declaration generated code needs at all.
type uses struct {
	inputs map[string]inputUses
	timers []*spec.Timer       // that some decision may start or cancel
	coded  map[*spec.Type]bool // declared types that are part of something stored

	imports []string // packages of the user's types
}

// inputUses are the names a decision on one input may mention, in the order of their declaration.
type inputUses struct {
	events, effects, timers []string
}

func findUses(w *spec.Workflow) uses {
	u := uses{inputs: make(map[string]inputUses), coded: make(map[*spec.Type]bool)}
	for _, in := range w.Inputs {
		u.inputs[in.Name.Text] = findInputUses(w, in)
	}
	for _, t := range w.Timers {
		for _, in := range u.inputs {
			if slices.Contains(in.timers, t.Name.Text) {
				u.timers = append(u.timers, t)
				break
			}
		}
	}
	for _, m := range w.Messages() {
		u.code(m.Fields)
	}
	for _, m := range w.Messages() {
		for _, old := range m.Older {
			u.code(old.Fields)
		}
	}
	u.code(w.State)
	for _, t := range w.Types {
		if t.Kind == spec.Imported && t.As == nil {
			u.importType(&t.Go) // of which the generated type is another name
		}
	}
	return u
}

// importType notes the packages of a Go type.
func (u *uses) importType(t *spec.GoType) {
	importPaths(t, func(path string) {
		if !slices.Contains(u.imports, path) {
			u.imports = append(u.imports, path)
		}
	})
}

// findInputUses collects over all states; a workflow without states allows everything to every input.
func findInputUses(w *spec.Workflow, in *spec.Message) inputUses {
	events, effects, timers := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, s := range w.States {
		for _, t := range s.Accepts {
			if t.Input.Text != in.Name.Text {
				continue
			}
			for _, move := range t.Moves {
				events[move.Event.Text] = true
			}
			for _, n := range t.Effects {
				effects[n.Text] = true
			}
			for _, n := range t.Timers {
				timers[n.Text] = true
			}
		}
	}
	var u inputUses
	for _, m := range w.Events {
		u.events = appendIf(u.events, m.Name.Text, events[m.Name.Text] || !w.HasStates() && !m.Retired)
	}
	for _, m := range w.Effects {
		u.effects = appendIf(u.effects, m.Name.Text, effects[m.Name.Text] || !w.HasStates() && !m.Retired)
	}
	for _, t := range w.Timers {
		u.timers = appendIf(u.timers, t.Name.Text, timers[t.Name.Text] || !w.HasStates() && !t.Retired)
	}
	return u
}

func appendIf(list []string, name string, ok bool) []string {
	if ok {
		return append(list, name)
	}
	return list
}

// code marks the declared types that the fields reach.
func (u *uses) code(fields []*spec.Field) {
	for _, f := range fields {
		ref := &f.Type
		for ; ref.Elem != nil; ref = ref.Elem {
			u.writtenAs(ref.As)
		}
		u.writtenAs(ref.As)
		if ref.Decl != nil && !u.coded[ref.Decl] {
			u.coded[ref.Decl] = true
			u.writtenAs(ref.Decl.As)
			u.code(ref.Decl.Fields)
		}
	}
}

func (u *uses) writtenAs(t *spec.GoType) {
	if t != nil {
		u.importType(t)
	}
}

func effectMessages(w *spec.Workflow) []*spec.Message {
	return messagesOf(w.Effects)
}

func messagesOf(effects []*spec.Effect) []*spec.Message {
	var messages []*spec.Message
	for _, e := range effects {
		messages = append(messages, &e.Message)
	}
	return messages
}
