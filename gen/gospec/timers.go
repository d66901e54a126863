package gospec

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// timers reads the directives that stand for themselves.
func (r *reader) timers() {
	slices.SortFunc(r.free, func(a, b free) int { return cmp.Compare(a.pos, b.pos) })
	for _, f := range r.free {
		if f.name == "allow" {
			r.allow(f)
			continue
		}
		name, ok := r.ownName(f.directive)
		if !ok {
			continue
		}
		if f.name == "timer" {
			r.timer(f, name)
		} else {
			r.schedule(f, name)
		}
	}
}

// examples show the directives that begin with a name.
var examples = map[string]string{
	"timer":    "reminder input=Remind after=7d",
	"schedule": `report input=Report schedule="0 9 * * MON" instance=weekly`,
	"accepts":  "Pay Paid=paid",
}

// ownName takes the name that a directive begins with off its arguments.
func (r *reader) ownName(d *directive) (spec.Name, bool) {
	if len(d.args) == 0 || d.args[0].key != "" {
		r.report(d.pos, diagnostic.DirectiveSyntax, "%s begins with no name; write it first, like %s %s", d.what(), d.what(), examples[d.name])
		return spec.Name{}, false
	}
	first := d.args[0]
	d.args = d.args[1:]
	return r.nameIn(first.value, first.valuePos, "the name behind "+d.what()), true
}

// about returns the words of a directive that stands for itself, with its doc, and the input that it delivers. Without one,
// it is the input that the directive stands on.
func (r *reader) about(f free, name spec.Name, known ...string) (w words, doc string, input spec.Name) {
	w = r.words(f.directive, f.name+" "+quoted(name.Text), nil, append([]string{"doc", "input"}, known...)...)
	doc = f.doc
	if w.has("doc") {
		doc = w.values["doc"].value
	}
	input = w.name("input")
	if !w.has("input") && f.on != nil && f.on.take("input") != nil {
		input = spec.Name{Text: f.on.name.Name, Pos: r.at(f.on.name.Pos())}
	}
	return w, doc, input
}

func (r *reader) timer(f free, name spec.Name) {
	w, doc, input := r.about(f, name, "as", "after", "schedule", "zone", "missed", "while", "retired")
	name.SetStored(w.name("as"))
	r.w.Timers = append(r.w.Timers, &spec.Timer{
		Name: name, Doc: doc, Input: input, Pos: name.Pos,
		After: w.duration("after"), AfterPos: w.pos("after"), Recurrence: w.recurrence(),
		While: r.stateNames(w.names("while")), Retired: w.boolean("retired"),
	})
}

func (r *reader) schedule(f free, name spec.Name) {
	w, doc, input := r.about(f, name, "schedule", "zone", "missed", "instance")
	r.w.Schedules = append(r.w.Schedules, &spec.Schedule{
		Name: name, Doc: doc, Input: input, Pos: name.Pos,
		Recurrence: w.recurrence(), Instance: w.text("instance"),
	})
}

// allow reads a change that is meant, as in //ironflow:allow "IF3103 event Paid.cents" reason="It was never stored."
func (r *reader) allow(f free) {
	if len(f.args) == 0 || f.args[0].key != "" {
		r.report(f.pos, diagnostic.DirectiveSyntax, `%s begins with no code; write it first, like %s "IF3103 event Paid.cents" reason="It was never stored."`, f.what(), f.what())
		return
	}
	first := f.args[0]
	f.args = f.args[1:]
	w := r.words(f.directive, "allow "+quoted(first.value), nil, "reason")
	code, subject, _ := strings.Cut(first.value, " ")
	r.w.Allowed = append(r.w.Allowed, spec.Allowance{Code: code, Subject: subject, Reason: w.text("reason").Text, Pos: r.at(first.valuePos)})
}

// recurrence reads when a timer or a schedule fires.
func (w *words) recurrence() spec.Recurrence {
	return spec.Recurrence{Schedule: w.text("schedule"), Zone: w.name("zone"), Missed: w.name("missed")}
}
