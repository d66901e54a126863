package spec

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// A workflow is generated into one Go package, so everything it declares shares one set of package-level identifiers.
// This file is the table of them.

// fixedIdentifiers are generated for, or written by the user of, every workflow.
var fixedIdentifiers = []string{
	// Generated.
	"Input", "Event", "Effect", "Timer", "Rejection", "State", "Status", "NotAccepted", "InputDecider", "EventEvolver",
	"EffectHandler", "NewWorkflow", "Client", "NewClient", "InternalClient", "OperatorClient", "Machine", "WorkflowName", "TestUnfinished",
	"EventProjector", "NewProjection", "DecodeEvent", "Kit", "NewKit", UnfinishedName,
	// The skeleton that the user owns.
	"Decider", "Evolver", "Handler",
}

// httpIdentifiers are generated for every workflow that is served over HTTP.
var httpIdentifiers = []string{"NewHTTPHandler", "HTTPClient", "NewHTTPClient"}

// IsReserved reports whether every workflow has an identifier of the name.
func IsReserved(name string) bool { return slices.Contains(fixedIdentifiers, name) }

// usersIdentifiers are those of fixedIdentifiers that the user declares where Go types are the declaration.
var usersIdentifiers = []string{"State", "Status", "Decider", "Evolver", "Handler"}

// GeneratedIdentifiers returns the identifiers for users that are generated beside their own for a workflow of annotated
// Go types, each with the declaration that it is for, as in `input "Pay"`; that is empty for what every workflow has.
func GeneratedIdentifiers(w *Workflow) map[string]string {
	generated := make(map[string]string)
	for _, id := range identifiers(w) {
		switch {
		case id.text == id.name.Text, id.kind == "enum value", id.kind == "state", slices.Contains(usersIdentifiers, id.text):
		case id.kind == "":
			generated[id.text] = ""
		default:
			generated[id.text] = id.kind + " " + quote(id.name.Text)
		}
	}
	return generated
}

// UnfinishedName is the generated function that the stubs of methods call.
const UnfinishedName = "unfinished"

// InputNames are the identifiers that are generated for an input beside its own name.
type InputNames struct {
	Event    string // interface of the events that its decision may emit
	Effect   string // interface of the effects that its decision may ask for
	Timer    string // interface of the timers that its decision may start or cancel; only where it may
	Decision string
	Outcome  string
	Accept   string
	Reject   string
}

// NamesOfInput returns the identifiers that are generated for an input.
func NamesOfInput(input string) InputNames {
	return InputNames{
		Event:    input + "Event",
		Effect:   input + "Effect",
		Timer:    input + "Timer",
		Decision: input + "Decision",
		Outcome:  input + "Outcome",
		Accept:   "Accept" + input,
		Reject:   "Reject" + input,
	}
}

// ResultName returns the type of what a handler returns, for an effect that returns inputs.
func ResultName(effect string) string { return effect + "Result" }

// EffectKindName returns the constant that names an effect where a decision cancels it.
func EffectKindName(effect string) string { return "Effect" + effect }

// TimerName returns the type of a timer; only one that decisions start has it.
func TimerName(timer string) string { return "Timer" + GoName(timer) }

// StatusName returns the constant of a state.
func StatusName(state string) string { return "Status" + GoName(state) }

// EnumValueName returns the constant of a value of an enum.
func EnumValueName(enum, value string) string { return enum + GoName(value) }

// identifier is a package-level Go identifier and the declaration it is generated for. A zero name stands for the
// workflow as a whole.
type identifier struct {
	text string
	kind string // of the declaration: "input"
	name Name
}

// identifiers lists what is generated for the workflow at package level: first the names as declared, then those made
// from them. Names that are not well formed are left out.
func identifiers(w *Workflow) []identifier {
	var fixed, declared, made []identifier
	for _, text := range fixedIdentifiers {
		fixed = append(fixed, identifier{text: text})
	}
	if w.HTTP {
		for _, text := range httpIdentifiers {
			fixed = append(fixed, identifier{text: text})
		}
	}
	// add claims the name itself, where it is one of Go, and what is made from it.
	add := func(kind string, n Name, others ...string) {
		if !exportedForm.valid(n.Text) {
			return
		}
		declared = append(declared, identifier{n.Text, kind, n})
		for _, text := range others {
			made = append(made, identifier{text, kind, n})
		}
	}
	addMade := func(kind string, f form, n Name, text string) {
		if f.valid(n.Text) {
			made = append(made, identifier{text, kind, n})
		}
	}

	timed, started := decisionTimers(w)
	for _, t := range w.Types {
		add("type", t.Name)
		for _, v := range t.Values {
			addMade("enum value", valueForm, v.Name, v.GoName)
		}
	}
	for _, m := range w.Inputs {
		n := NamesOfInput(m.Name.Text)
		made := []string{n.Event, n.Effect, n.Decision, n.Outcome, n.Accept, n.Reject}
		if timed[m.Name.Text] {
			made = append(made, n.Timer)
		}
		add("input", m.Name, made...)
	}
	for _, m := range w.Events {
		add("event", m.Name)
	}
	for _, e := range w.Effects {
		made := []string{EffectKindName(e.Name.Text)}
		if len(e.Returns) > 0 {
			made = append(made, ResultName(e.Name.Text))
		}
		add("effect", e.Name, made...)
	}
	for _, m := range w.Rejections {
		add("rejection", m.Name)
	}
	for _, t := range w.Timers {
		if started[t.Name.Text] {
			addMade("timer", snakeForm, t.Name, TimerName(t.Name.Text))
		}
	}
	for _, s := range w.States {
		addMade("state", snakeForm, s.Name, s.GoName)
	}
	return slices.Concat(fixed, declared, made)
}

// decisionTimers returns the inputs whose decisions may start or cancel timers, and those timers. A timer is mostly named
// after the input that it delivers, so the two would need the same identifier, payment_timeout and PaymentTimeout both
// PaymentTimeoutTimer, if each had one without need.
func decisionTimers(w *Workflow) (inputs, timers map[string]bool) {
	inputs, timers = make(map[string]bool), make(map[string]bool)
	if !w.HasStates() {
		for _, m := range w.Inputs {
			inputs[m.Name.Text] = slices.ContainsFunc(w.Timers, func(t *Timer) bool { return !t.Retired })
		}
		for _, t := range w.Timers {
			timers[t.Name.Text] = !t.Retired
		}
		return inputs, timers
	}
	for _, s := range w.States {
		for _, t := range s.Accepts {
			for _, n := range t.Timers {
				inputs[t.Input.Text] = true
				timers[n.Text] = true
			}
		}
	}
	return inputs, timers
}

// identifiers reports every pair of declarations that would be generated under one Go identifier, once for each pair.
func (c *checker) identifiers() {
	owners := make(map[string]identifier)
	type pair struct{ first, second Pos }
	told := make(map[pair]bool)
	for _, id := range identifiers(c.w) {
		owner, taken := owners[id.text]
		switch {
		case !taken:
			owners[id.text] = id
		case owner.name.Text == "":
			c.reserved(id)
		case owner.name.Pos != id.name.Pos:
			first, second := owner, id
			if second.name.Pos.Compare(first.name.Pos) < 0 {
				first, second = second, first
			}
			if p := (pair{first.name.Pos, second.name.Pos}); !told[p] {
				told[p] = true
				c.collision(first, second, id.text)
			}
		}
	}
	for _, m := range c.w.Inputs {
		if name := m.Name.Text; name == "History" || name == "StateAt" || name == "Await" || name == "Internal" || name == "Operator" { // State is reserved anyway
			c.d.Report(m.Name.Pos, diagnostic.ReservedName, "input name %q is reserved: inputs become methods of Client, which has one of that name; rename the input", name)
		}
	}
	for _, m := range c.w.Events {
		if m.Name.Text == "Terminal" && !c.w.HasStates() {
			c.d.Report(m.Name.Pos, diagnostic.ReservedName, `event name "Terminal" is reserved in a workflow without states: events become methods of EventEvolver, which has one of that name; rename the event`)
		}
	}
}

// reserved reports a declaration whose Go identifier every workflow has.
func (c *checker) reserved(id identifier) {
	if id.text == id.name.Text {
		c.d.Report(id.name.Pos, diagnostic.ReservedName, "%s name %q is reserved: every workflow generates the Go identifier %s; rename the %s",
			id.kind, id.name.Text, id.text, id.kind)
		return
	}
	c.d.Report(id.name.Pos, diagnostic.ReservedName, "%s %q would be generated as the Go identifier %s, which every workflow has; rename the %s",
		id.kind, id.name.Text, id.text, id.kind)
}

// collision reports the second of two declarations that need the same Go identifier.
func (c *checker) collision(first, second identifier, text string) {
	name, other := second.name, first.name
	where := "the " + first.kind
	switch {
	case name.Text == other.Text && second.kind == first.kind:
		c.d.Report(name.Pos, diagnostic.DuplicateName, "%s %q is already declared at %s; delete or rename one of them", second.kind, name.Text, other.Pos).
			Relate(other.Pos, where)
	case name.Text == other.Text && exportedForm.valid(name.Text):
		advice := "rename one of them"
		if first.kind == "input" && second.kind == "event" || first.kind == "event" && second.kind == "input" {
			advice = "name the input as an order and the event as a fact, like Pay and Paid"
		}
		c.d.Report(name.Pos, diagnostic.IdentifierCollision, "%s %q has the same name as the %s at %s, and both become Go types; %s",
			second.kind, name.Text, first.kind, other.Pos, advice).Relate(other.Pos, where)
	default:
		advice := "rename one of them"
		if second.kind == "enum value" && c.w.Form == YAML {
			advice += fmt.Sprintf(", or name the constant, like %s: {go: %s2}", name.Text, text)
		}
		c.d.Report(name.Pos, diagnostic.IdentifierCollision, "%s %q and the %s %q at %s would both be generated as the Go identifier %s; %s",
			second.kind, name.Text, first.kind, other.Text, other.Pos, text, advice).Relate(other.Pos, where)
	}
}
