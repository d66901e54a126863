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
	if m.HTTP {
		fmt.Fprintln(w, "http")
	}
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
		dumpDelivery(w, e)
	}
	for _, t := range m.Timers {
		fmt.Fprintf(w, "timer %s input %s after %s while [%s]%s\n", t.Name.Text, t.Input.Text, t.After, names(t.While), doc(t.Doc))
		dumpRecurrence(w, t.Recurrence)
	}
	for _, s := range m.Schedules {
		fmt.Fprintf(w, "schedule %s input %s instance %q per firing %t%s\n", s.Name.Text, s.Input.Text, s.Instance.Text, s.PerFiring(), doc(s.Doc))
		dumpRecurrence(w, s.Recurrence)
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

// dumpDelivery writes what an effect has beside what every effect has.
func dumpDelivery(w io.Writer, e *spec.Effect) {
	if d := e.Starts; d != nil {
		fmt.Fprintf(w, "  starts %s/%s\n", d.Workflow.Text, d.Input.Text)
	}
	if d := e.Sends; d != nil {
		fmt.Fprintf(w, "  sends %s/%s\n", d.Workflow.Text, d.Input.Text)
	}
	if e.Ended.Text != "" {
		fmt.Fprintf(w, "  ended %s%s\n", e.Ended.Text, fills(e.EndedFill))
	}
	if e.Refused.Text != "" {
		fmt.Fprintf(w, "  refused %s%s\n", e.Refused.Text, fills(e.RefusedFill))
	}
	if e.Dead.Text != "" {
		fmt.Fprintf(w, "  dead %s%s\n", e.Dead.Text, fills(e.DeadFill))
	}
	if e.Priority != 0 {
		fmt.Fprintf(w, "  priority %d\n", e.Priority)
	}
	if l := e.Limit; l != nil {
		fmt.Fprintf(w, "  limit concurrency %d global %d rate %v burst %d key %q per key %d\n",
			l.Concurrency, l.Global, l.Rate, l.Burst, l.Key.Text, l.PerKey)
	}
}

func dumpRecurrence(w io.Writer, r spec.Recurrence) {
	if r.Recurs() {
		fmt.Fprintf(w, "  at %q zone %q missed %q\n", r.Schedule.Text, r.Zone.Text, r.Missed.Text)
	}
}

// fills writes what the engine puts into the fields of an input.
func fills(list []spec.Fill) string {
	sources := map[spec.Source]string{
		spec.FromEffect: "effect", spec.FromError: "error", spec.FromChild: "child", spec.FromStatus: "status", spec.FromChildState: "child's state",
		spec.FromReceiver: "receiver", spec.FromOutcome: "outcome", spec.FromRejection: "rejection", spec.FromDetails: "details",
	}
	var text strings.Builder
	for _, f := range list {
		fmt.Fprintf(&text, ", %s from %s", f.Field.Name.Text, sources[f.From])
	}
	return text.String()
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
			fmt.Fprintf(w, "  %q %s%s\n", v.Name.Text, v.GoName, doc(v.Doc))
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
