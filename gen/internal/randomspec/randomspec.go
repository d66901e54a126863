// Package randomspec makes random declarations that are valid, to find out whether every accepted declaration generates
// code that compiles.
package randomspec

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// YAML returns a valid declaration. The same source of randomness gives the same text.
func YAML(r *rand.Rand, name string) string {
	g := &generator{r: r}
	return g.workflow(name)
}

type generator struct {
	r     *rand.Rand
	types []string
	b     strings.Builder
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// between returns a number from low to high.
func (g *generator) between(low, high int) int { return low + g.r.IntN(high-low+1) }

func (g *generator) line(indent int, format string, args ...any) {
	g.b.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *generator) workflow(name string) string {
	inputs, events := g.between(1, 5), g.between(1, 4)
	effects, timers, rejections := g.between(0, 3), g.between(0, 3), g.between(0, 3)
	states := g.between(2, 5)
	if g.chance(25) {
		states = 0
	}
	g.line(0, "ironflow: 1\nworkflow: %s\npackage: %s\nid: thing_id", name, name)
	g.doc(0)
	if g.chance(20) {
		g.line(0, "http: true")
	}
	if g.chance(30) {
		g.line(0, "unique: {In0: text_key}")
	}
	g.declareTypes()
	g.line(0, "state:")
	g.fields(1)
	g.line(0, "inputs:")
	for i := range inputs {
		g.line(1, "In%d:", i)
		g.doc(2)
		g.line(2, "fields:\n      thing_id: string\n      text_key: optional<string>")
		if i == 0 { // may hold the unique key, and must be plain then
			g.replaceLast("optional<string>", "string")
			g.someFields(3)
		} else if i != timerInput(inputs) {
			g.someFields(3)
		} else if g.chance(50) {
			g.line(3, "scheduled_at: optional<time>")
		}
	}
	if effects > 0 {
		g.reports()
	}
	g.messages("events", "Ev", events)
	g.effects(effects, inputs)
	g.timers(timers, inputs, states)
	g.schedules(inputs)
	g.messages("rejections", "Rej", rejections)
	if states > 0 {
		names := all("In", inputs)
		if effects > 0 {
			names = append(names, "Died", "Ended", "Fired")
		}
		g.states(states, names, events, effects, timers)
	}
	return g.b.String()
}

// timerInput is the input that timers of states deliver; it has no required field but the id. -1 when there is none.
func timerInput(inputs int) int {
	if inputs < 2 {
		return -1
	}
	return inputs - 1
}

func (g *generator) replaceLast(old, replacement string) {
	text := g.b.String()
	i := strings.LastIndex(text, old)
	g.b.Reset()
	g.b.WriteString(text[:i] + replacement + text[i+len(old):])
}

func (g *generator) doc(indent int) {
	docs := []string{
		"Plain words.", "\"Quotes \\\" and \\\\ and // and /* too */\"", "\"//go:generate nothing\"", "\"Two\\nlines, and\\n\\n  indented\"",
		"\"umlauts äöü, snowman ☃\"", "\"- list\\n- like\"", "\"*/ func main() {}\"",
	}
	if g.chance(40) {
		g.line(indent, "doc: %s", docs[g.r.IntN(len(docs))])
	}
}

var scalars = []string{"string", "bool", "int", "int32", "int64", "float64", "time", "duration", "bytes", "decimal", "json"}

func (g *generator) typeName(depth int) string {
	if depth < 3 && g.chance(35) {
		kind := []string{"list", "map", "optional"}[g.r.IntN(3)]
		inner := g.typeName(depth + 1)
		if kind == "optional" && strings.HasPrefix(inner, "optional") {
			return inner
		}
		return kind + "<" + inner + ">"
	}
	if len(g.types) > 0 && g.chance(30) {
		return g.types[g.r.IntN(len(g.types))]
	}
	return scalars[g.r.IntN(len(scalars))]
}

func (g *generator) declareTypes() {
	n := g.between(0, 4)
	if n == 0 {
		return
	}
	g.line(0, "types:")
	for i := range n {
		name := fmt.Sprintf("Ty%d", i)
		switch g.r.IntN(4) {
		case 0:
			g.line(1, "%s: {enum: [red, dark-green, \"%d\", EUR]}", name, i)
		case 1:
			imported := []string{"net/url.URL", "math/big.Int", "net/netip.Addr", "text/template/parse.Pos"}
			g.line(1, "%s: {go: %s}", name, imported[g.r.IntN(len(imported))])
		default:
			g.line(1, "%s:", name)
			g.doc(2)
			g.line(2, "fields:")
			g.line(3, "first_id: string")
			g.someFields(3)
		}
		g.types = append(g.types, name)
	}
}

var fieldNames = []string{
	"amount", "customer_id", "url", "v", "e", "d", "s", "seen", "err", "string", "type_name", "json", "func", "range", "in", "now",
	"state", "t", "key", "codec", "runtime", "time", "a1", "x_9",
}

func (g *generator) fields(indent int) {
	g.line(indent, "always: int")
	g.someFields(indent)
}

func (g *generator) someFields(indent int) {
	for _, i := range g.r.Perm(len(fieldNames))[:g.between(0, 5)] {
		if g.chance(20) {
			g.line(indent, "%s: {type: %s, doc: Said of a field.}", fieldNames[i], g.typeName(0))
		} else {
			g.line(indent, "%s: %s", fieldNames[i], g.typeName(0))
		}
	}
}

func (g *generator) messages(section, prefix string, n int) {
	if n == 0 {
		return
	}
	g.line(0, "%s:", section)
	for i := range n {
		if g.chance(20) {
			g.line(1, "%s%d: {}", prefix, i)
			continue
		}
		g.line(1, "%s%d:", prefix, i)
		g.doc(2)
		g.line(2, "fields:")
		g.fields(3)
	}
}

// reports declares the inputs that tell what became of an effect. Fired wants to know nothing of a dead
// letter but that there is one.
func (g *generator) reports() {
	g.line(1, "Died:")
	g.line(2, "fields:\n      thing_id: string\n      always: %s\n      note: optional<string>", g.either("int", "optional<int>"))
	g.line(3, "%s: %s", g.either("error", "reason"), g.either("string", "optional<string>"))
	g.line(1, "Ended:")
	g.line(2, "id: %s\n    fields:\n      thing_id: string\n      other_id: string\n      child: string\n      status: string\n      error: string", g.either("thing_id", "other_id"))
	g.line(3, "always: int\n      last: optional<list<%s>>\n      tags: list<string>", g.typeName(2))
	g.line(1, "Fired: {fields: {thing_id: string, note: optional<int>}}")
}

func (g *generator) either(a, b string) string {
	if g.chance(50) {
		return a
	}
	return b
}

func (g *generator) effects(n, inputs int) {
	if n == 0 {
		return
	}
	g.line(0, "effects:")
	for i := range n {
		g.line(1, "Eff%d:", i)
		g.doc(2)
		g.line(2, "fields:")
		g.fields(3)
		g.order()
		if g.chance(25) {
			g.line(2, "dead: %s", g.either("Died", "Fired"))
		}
		if g.chance(20) {
			g.line(2, "starts: {workflow: other, input: Begin}")
			if g.chance(70) {
				g.line(2, "ended: Ended")
			}
			continue
		}
		if g.chance(15) {
			g.line(2, "sends: {workflow: other, input: Tell}")
			continue
		}
		if g.chance(50) {
			var returns []string
			for _, in := range g.r.Perm(inputs)[:g.between(1, inputs)] {
				returns = append(returns, fmt.Sprintf("In%d", in))
			}
			g.line(2, "returns: [%s]", strings.Join(returns, ", "))
		}
		if g.chance(50) {
			g.line(2, "retry: {max_attempts: %d, base: %dms, max: 1h}\n    timeout: 1m30s", g.between(1, 9), g.between(1, 999))
		}
	}
}

// order says which effects come first and how many.
func (g *generator) order() {
	if g.chance(30) {
		g.line(2, "priority: %d", g.between(-1000, 1000))
	}
	if g.chance(30) {
		limits := []string{
			"{concurrency: 4}", "{global: 16, concurrency: 16}", "{rate: 0.5}", "{rate: 10, burst: 20}", "{key: always, per_key: 1}",
			"{concurrency: 2, global: 8, rate: 1.5e2, burst: 7, key: always, per_key: 3}",
		}
		g.line(2, "limit: %s", limits[g.r.IntN(len(limits))])
	}
}

// recurrence is what a timer or a schedule says of when it fires.
func (g *generator) recurrence() string {
	schedules := []string{"0 9 * * MON", "*/5 0-6,22 1 JAN-JUN ?", "@hourly", "@every 90s", "@every 1h30m"}
	text := fmt.Sprintf("schedule: %q", schedules[g.r.IntN(len(schedules))])
	if g.chance(50) {
		text += ", zone: " + g.either("Europe/Berlin", "UTC")
	}
	if g.chance(60) {
		text += ", missed: " + []string{"skip", "latest", "all"}[g.r.IntN(3)]
	}
	return text
}

func (g *generator) schedules(inputs int) {
	if timerInput(inputs) < 0 || g.chance(60) {
		return
	}
	g.line(0, "schedules:")
	for i := range g.between(1, 3) {
		instances := []string{"fixed", `"at-{time}"`, `"{time}"`, `"quotes \" and ü"`}
		g.line(1, "every_%d: {doc: Fires., input: In%d, %s, instance: %s}", i, timerInput(inputs), g.recurrence(), instances[g.r.IntN(len(instances))])
	}
}

func (g *generator) timers(n, inputs, states int) {
	if n == 0 {
		return
	}
	g.line(0, "timers:")
	for i := range n {
		switch {
		case states > 2 && i == 0 && timerInput(inputs) > 0 && g.chance(40): // nothing need lead to st_0
			g.line(1, "tick_%d: {input: In%d, %s, while: [st_1]}", i, timerInput(inputs), g.recurrence())
		case states > 2 && i == 0 && timerInput(inputs) > 0:
			g.line(1, "tick_%d: {input: In%d, after: 2h, while: st_1}", i, timerInput(inputs))
		case g.chance(20):
			g.line(1, "tick_%d: {input: In0, %s}", i, g.recurrence())
		case g.chance(50):
			g.line(1, "tick_%d: {input: In0, after: 1500ms}", i)
		default:
			g.line(1, "tick_%d: {input: In0}", i)
		}
	}
}

// all returns numbered names.
func all(prefix string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", prefix, i))
	}
	return names
}

// states makes a ring of states with one terminal at its end. Every state accepts every input; the events of one
// transition lead on, so that each state is reached and no (state, event) pair has two targets.
func (g *generator) states(n int, inputs []string, events, effects, timers int) {
	g.line(0, "states:")
	for s := range n {
		g.line(1, "st_%d:", s)
		g.doc(2)
		if s == n-1 {
			g.line(2, "terminal: true")
			continue
		}
		g.line(2, "accepts:")
		for in, name := range inputs {
			g.line(3, "%s:", name)
			for ev := range events {
				next := s
				if ev == 0 {
					next = s + 1
				}
				if ev == in%events || in == 0 {
					g.line(4, "Ev%d: st_%d", ev, next)
				}
			}
			if effects > 0 {
				g.line(4, "effects: [%s]", strings.Join(all("Eff", effects), ", "))
			}
			if timers > 0 {
				g.line(4, "timers: [%s]", strings.Join(all("tick_", timers), ", "))
			}
		}
	}
}
