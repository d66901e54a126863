// Package randomspec makes random declarations that are valid, to find out whether every accepted declaration generates
// code that compiles. They use the whole of the grammar, and names and docs that are meant to be in the way of something.
package randomspec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

// YAML returns a valid declaration. The same source of randomness gives the same text.
func YAML(r *rand.Rand, name string) string {
	g := newGenerator()
	g.r = r
	return g.workflow(name)
}

type generator struct {
	r       *rand.Rand
	b       strings.Builder
	own     string          // the name of the workflow
	taken   map[string]bool // Go identifiers
	types   []string
	inTypes bool   // declared types are being written; one that contains itself may have no personal fields
	keyEnum string // an enum, for the key of a limit; "" when there is none

	id         string // of the workflow; "" when each input has its own
	inputs     []string
	operator   string // the input that only operators send; "" when there is none
	events     []string
	effects    []string
	rejections []string
	refusal    string // a rejection that the runtime can make; "" when there is none
	timers     []timer
	states     []string
	terminals  int // how many of the states, from the end

	fieldsOf                    map[string][]string // of inputs, as they are written
	died, ended, refused, fired string              // the inputs that tell what became of effects
}

func newGenerator() *generator {
	return &generator{taken: make(map[string]bool), fieldsOf: make(map[string][]string)}
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// between returns a number from low to high.
func (g *generator) between(low, high int) int { return low + g.r.IntN(high-low+1) }

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// some returns some of a list, in another order.
func (g *generator) some(list []string, least int) []string {
	var some []string
	for _, i := range g.r.Perm(len(list))[:g.between(least, len(list))] {
		some = append(some, list[i])
	}
	return some
}

func (g *generator) line(indent int, format string, args ...any) {
	g.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *generator) workflow(name string) string {
	g.own = name
	g.line(0, "ironflow: 1\nworkflow: %s\npackage: %s", name, name)
	if g.chance(90) {
		g.id = g.pick("thing_id", "id", "key", "func", "uuid", "x", "url", "now")
		g.line(0, "id: %s", g.id)
	}
	g.doc(0)
	if g.chance(10) {
		g.line(0, "allow:\n  IF3103 event Paid.cents: Nobody has ever paid.")
	}
	if g.chance(25) {
		g.line(0, "http: %s", g.pick("true", "true", "true", "false"))
	}
	inputs, effects := g.between(1, 5), g.between(0, 3)
	for i := range inputs {
		g.inputs = append(g.inputs, g.message("In", i))
	}
	if len(g.inputs) > 2 && g.chance(25) {
		g.operator = g.inputs[1]
	}
	for i := range effects {
		g.effects = append(g.effects, g.message("Eff", i))
	}
	for i := range g.between(1, 4) {
		g.events = append(g.events, g.message("Ev", i))
	}
	for i := range g.between(0, 3) {
		g.rejections = append(g.rejections, g.message("Rej", i))
	}
	g.nameStates()
	g.declareTypes()
	g.stateFields()
	g.declareInputs()
	g.messages("events", g.events)
	g.retiredEvent()
	g.declareEffects()
	g.declareTimers()
	g.schedules()
	g.declareRejections()
	if len(g.states) > 0 {
		g.declareStates()
	}
	return g.b.String()
}

// brought are the inputs that effects and timers may bring.
func (g *generator) brought() []string {
	return slices.DeleteFunc(slices.Clone(g.inputs), func(name string) bool { return name == g.operator })
}

// timed is the input that the runtime makes for timers of states and for schedules; it has no required field but the id. ""
// when there is none.
func (g *generator) timed() string {
	if len(g.inputs) < 2 {
		return ""
	}
	return g.inputs[len(g.inputs)-1]
}

func (g *generator) stateFields() {
	if g.chance(10) {
		return
	}
	g.line(0, "state:")
	r := g.record("status")
	r.add("always", "int")
	personal := g.chance(20) && r.add("person", "string") && r.add("secret", "{type: string, personal: true}")
	g.someFields(r)
	g.write(1, r)
	if personal && g.chance(70) {
		g.line(0, "subject: person")
	}
}

func (g *generator) declareInputs() {
	g.line(0, "inputs:")
	if len(g.effects) > 0 {
		g.reports()
	}
	unique := make(map[string]bool)
	for _, name := range g.inputs {
		g.line(1, "%s:", name)
		g.doc(2)
		switch {
		case name == g.operator:
			g.line(2, "from: %s", spec.FromOperator)
		case g.chance(30):
			g.line(2, "from: %s", g.pick(spec.FromClient, spec.FromInternal))
		}
		r := g.record("type", "child", "status", "error", "scheduled_at")
		g.instance(name, r)
		switch {
		case name == g.timed():
			if g.chance(50) {
				r.add("scheduled_at", "optional<time>")
			}
			for range g.between(0, 2) {
				r.add(g.fieldName(), "optional<"+g.someType(2, false)+">")
			}
		default:
			if unique[name] = g.chance(25); unique[name] {
				r.add("text_key", "string")
			}
			g.someFields(r)
		}
		g.fieldsOf[name] = r.lines
		g.line(2, "fields:")
		g.write(3, r)
	}
	var keys []string
	for _, name := range g.inputs {
		if unique[name] {
			keys = append(keys, name+": text_key")
		}
	}
	if len(keys) > 0 {
		g.line(0, "unique: {%s}", strings.Join(keys, ", "))
	}
	var search []string
	if strings.Contains(g.b.String(), "\n  always: int\n") {
		search = append(search, "always")
	}
	if len(keys) > 0 {
		search = append(search, "text_key")
	}
	if len(search) > 0 && g.chance(50) {
		g.line(0, "search: [%s]", strings.Join(search, ", "))
	}
}

// instance adds the field that names the instance of an input. The first input follows the workflow.
func (g *generator) instance(name string, r *record) {
	id := g.id
	if id == "" || name != g.inputs[0] && g.chance(15) {
		id = g.pick("own_id", "other_id", "range")
		g.line(2, "id: %s", id)
	}
	r.add(id, "string")
}

// reports declares the inputs that tell what became of an effect. The last one wants to know nothing of a dead letter but that
// there is one.
func (g *generator) reports() {
	g.died, g.ended, g.refused, g.fired = g.message("Died", 0), g.message("Ended", 0), g.message("NotTaken", 0), g.message("Fired", 0)
	g.line(1, "%s:", g.died)
	r := g.record()
	g.instance(g.died, r)
	r.add("always", g.pick("int", "optional<int>"))
	r.add("note", "optional<string>")
	r.add(g.pick("error", "reason"), g.pick("string", "optional<string>"))
	g.line(2, "fields:")
	g.write(3, r)

	g.line(1, "%s:", g.ended)
	r = g.record()
	g.instance(g.ended, r)
	r.add("child", "string")
	r.add("status", "string")
	r.add("error", "string")
	r.add("always", "int")
	r.add("last", "optional<list<"+g.typeName(2)+">>")
	r.add("tags", "list<string>")
	g.line(2, "fields:")
	g.write(3, r)

	g.line(1, "%s:", g.refused)
	r = g.record()
	g.instance(g.refused, r)
	r.add("receiver", "string")
	r.add("outcome", g.pick("string", "optional<string>"))
	r.add("rejection", "string")
	r.add("details", g.pick("json", "optional<json>"))
	r.add("always", g.pick("int", "optional<int>"))
	g.line(2, "fields:")
	g.write(3, r)

	g.line(1, "%s:", g.fired)
	r = g.record()
	g.instance(g.fired, r)
	r.add("note", "optional<int>")
	g.line(2, "fields:")
	g.write(3, r)
}

func (g *generator) messages(section string, names []string) {
	if len(names) == 0 {
		return
	}
	g.line(0, "%s:", section)
	for _, name := range names {
		if g.chance(20) {
			g.line(1, "%s: %s", name, g.pick("{}", "", "{doc: Alone.}", "{fields: {}}"))
			continue
		}
		g.line(1, "%s:", name)
		g.doc(2)
		if len(name) <= 90 && g.chance(15) { // a stored name has at most 100 bytes
			g.line(2, "as: %q", name+g.pick(" stored", "-é", ": x", ".v1/a", `"`))
		}
		r := g.record()
		r.add("always", "int")
		if section == "events" && g.chance(15) {
			g.line(2, "version: %d", g.between(2, 9))
			r.add("price_cents", "{type: int64, was: cents}")
		}
		g.line(2, "fields:")
		g.someFields(r)
		g.write(3, r)
	}
}

// retiredEvent declares an event that is stored and that no decision emits.
func (g *generator) retiredEvent() {
	if g.chance(15) {
		g.line(1, "%s: {retired: true, fields: {cents: int64}}", g.message("Gone", 0))
	}
}

// declareRejections declares one that the runtime can make, if there are any.
func (g *generator) declareRejections() {
	g.messages("rejections", g.rejections)
	if len(g.rejections) > 0 {
		g.refusal = g.message("Refused", 0)
		g.line(1, "%s: {fields: {why: optional<string>}}", g.refusal)
	}
}
