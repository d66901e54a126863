package yamlspec_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// dump writes a model in a compact form that shows everything an emitter reads from it.
func dump(w io.Writer, m *spec.Workflow) {
	fmt.Fprintf(w, "workflow %s package %s id %s%s\n", m.Name.Text, m.Package.Text, m.ID.Text, doc(m.Doc))
	for _, u := range m.Unique {
		fmt.Fprintf(w, "unique %s.%s\n", u.Input.Text, u.Field.Text)
	}
	for _, t := range m.Types {
		dumpType(w, t)
	}
	if len(m.State) > 0 {
		fmt.Fprintf(w, "state%s\n", fields(m.State))
	}
	for _, in := range m.Inputs {
		fmt.Fprintf(w, "input %s id %s%s%s\n", in.Name.Text, in.ID.Text, fields(in.Fields), doc(in.Doc))
	}
	for _, e := range m.Events {
		fmt.Fprintf(w, "event %s%s%s\n", e.Name.Text, fields(e.Fields), doc(e.Doc))
	}
	for _, e := range m.Effects {
		fmt.Fprintf(w, "effect %s%s returns [%s] retry %d %s..%s timeout %s%s\n", e.Name.Text, fields(e.Fields),
			names(e.Returns), e.Retry.MaxAttempts, e.Retry.Base, e.Retry.Max, e.Timeout, doc(e.Doc))
	}
	for _, t := range m.Timers {
		fmt.Fprintf(w, "timer %s input %s after %s while [%s]%s\n", t.Name.Text, t.Input.Text, t.After, names(t.While), doc(t.Doc))
	}
	for _, r := range m.Rejections {
		fmt.Fprintf(w, "rejection %s%s%s\n", r.Name.Text, fields(r.Fields), doc(r.Doc))
	}
	for _, s := range m.States {
		fmt.Fprintf(w, "state %s terminal %t%s\n", s.Name.Text, s.Terminal, doc(s.Doc))
		for _, t := range s.Accepts {
			dumpTransition(w, t)
		}
	}
	for _, move := range m.Moves {
		derived := ""
		if move.Derived {
			derived = " (derived)"
		}
		fmt.Fprintf(w, "move %s %s %s%s\n", move.From, move.Event, move.To, derived)
	}
}

func dumpType(w io.Writer, t *spec.Type) {
	switch t.Kind {
	case spec.Struct:
		fmt.Fprintf(w, "struct %s%s%s\n", t.Name.Text, fields(t.Fields), doc(t.Doc))
	case spec.Imported:
		fmt.Fprintf(w, "imported %s from %s type %s%s\n", t.Name.Text, t.Go.Path, t.Go.Name, doc(t.Doc))
	case spec.Enum:
		fmt.Fprintf(w, "enum %s%s\n", t.Name.Text, doc(t.Doc))
		for _, v := range t.Values {
			fmt.Fprintf(w, "  %q %s%s\n", v.Name.Text, spec.EnumValueName(t.Name.Text, v.Name.Text), doc(v.Doc))
		}
	}
}

func dumpTransition(w io.Writer, t *spec.Transition) {
	fmt.Fprintf(w, "  %s:", t.Input.Text)
	for _, m := range t.Moves {
		fmt.Fprintf(w, " %s>%s", m.Event.Text, m.To.Text)
	}
	fmt.Fprintf(w, " effects [%s] timers [%s] reject %q%s\n", names(t.Effects), names(t.Timers), t.Reject.Text, doc(t.Doc))
}

func fields(list []*spec.Field) string {
	text := make([]string, len(list))
	for i, f := range list {
		text[i] = fmt.Sprintf("%s %s%s", f.Name.Text, typeText(f.Type), doc(f.Doc))
	}
	return "(" + strings.Join(text, ", ") + ")"
}

func typeText(t spec.TypeRef) string {
	switch t.Kind {
	case spec.Declared:
		return t.Decl.Name.Text + "!" // the mark shows that the reference is resolved
	case spec.Optional:
		return "optional<" + typeText(*t.Elem) + ">"
	case spec.List:
		return "list<" + typeText(*t.Elem) + ">"
	case spec.Map:
		return "map<" + typeText(*t.Elem) + ">"
	}
	return t.Name
}

func names(list []spec.Name) string {
	text := make([]string, len(list))
	for i, n := range list {
		text[i] = n.Text
	}
	return strings.Join(text, " ")
}

func doc(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" %q", text)
}
