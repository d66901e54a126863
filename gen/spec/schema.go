package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// StateSchema returns a hash of what a folded state means: 16 hexadecimal digits that stay the same while a stored state
// can be read, and folded further, as if its instance's events had been folded from the first one on. Its parts are the
// state's fields, the events' fields with their versions and defaults, the types of both, the status function, and the
// fingerprint of the user's code that folds events. Nothing else matters, and neither does the order of anything: enum values,
// say, have no order.
func StateSchema(w *Workflow) string {
	sum := sha256.Sum256([]byte(stateText(w)))
	return hex.EncodeToString(sum[:8])
}

// InputSchema returns a hash of what the inputs look like as JSON: 8 hexadecimal digits that stay the same while the same input is encoded
// alike.
func InputSchema(w *Workflow) string {
	s := schema{types: make(map[*Type]bool)}
	for _, in := range w.Inputs {
		s.line("input %s %d", in.Name.Stored(), in.Version())
		s.fields("input "+in.Name.Stored(), in.Fields)
	}
	sum := sha256.Sum256([]byte(s.text()))
	return hex.EncodeToString(sum[:4])
}

// stateText writes what StateSchema hashes, a fact on each line, sorted and each only once. A change of its form makes every
// snapshot useless, and nothing worse.
func stateText(w *Workflow) string {
	s := schema{types: make(map[*Type]bool), personal: true}
	s.fields("state", w.State)
	for _, event := range w.Events {
		s.line("event %s", event.Name.Stored())
		s.fields("event "+event.Name.Stored(), event.Fields)
		if event.Version() > 1 {
			s.line("version %s %d", event.Name.Stored(), event.Version())
		}
	}
	for i, state := range w.States {
		s.line("status %s", state.Name.Stored())
		if i == 0 {
			s.line("initial %s", state.Name.Stored())
		}
	}
	for _, m := range w.Moves {
		s.line("move %s %s %s", m.From, m.Event, m.To)
	}
	if w.Evolver != "" {
		s.line("evolver %s", w.Evolver)
	}
	return s.text()
}

// text returns the facts in order, a line each.
func (s *schema) text() string {
	slices.Sort(s.lines)
	return strings.Join(s.lines, "\n")
}

// schema collects facts. No name in them needs quotes but an enum's value, which stands last and is on one line.
type schema struct {
	lines    []string
	types    map[*Type]bool
	personal bool // also says which fields are: a snapshot with plain values is not used once they are to be encrypted
}

func (s *schema) line(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *schema) fields(of string, fields []*Field) {
	for _, f := range fields {
		s.line("field %s %s %s", of, f.Name.Stored(), TypeText(&f.Type))
		if f.Was.Text != "" {
			s.line("was %s %s %s", of, f.Name.Stored(), f.Was.Text)
		}
		if f.Default.Text != "" {
			s.line("default %s %s %s", of, f.Name.Stored(), f.Default.Text)
		}
		if f.Personal && s.personal {
			s.line("personal %s %s", of, f.Name.Stored())
		}
		if t := f.Type.Innermost().Decl; t != nil {
			s.declared(t)
		}
	}
}

// declared writes a type that a field reaches, once.
func (s *schema) declared(t *Type) {
	if s.types[t] {
		return
	}
	s.types[t] = true
	switch t.Kind {
	case Struct:
		s.line("struct %s", t.Name.Text)
		s.fields("struct "+t.Name.Text, t.Fields)
	case Enum:
		for _, v := range t.Values {
			s.line("enum %s %s", t.Name.Text, v.Name.Stored())
		}
	case Imported:
		s.line("import %s %s.%s", t.Name.Text, t.Go.Path, t.Go.Name)
	}
}

// TypeText writes a type as declarations in YAML do, as in list<Item>.
func TypeText(ref *TypeRef) string {
	switch ref.Kind {
	case Optional:
		return "optional<" + TypeText(ref.Elem) + ">"
	case List:
		return "list<" + TypeText(ref.Elem) + ">"
	case Map:
		return "map<" + TypeText(ref.Elem) + ">"
	default:
		return ref.Name
	}
}
