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
		}
	}
	g.messages("events", "Ev", events)
	g.effects(effects, inputs)
	g.timers(timers, inputs, states)
	g.messages("rejections", "Rej", rejections)
	if states > 0 {
		g.states(states, inputs, events, effects, timers)
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

func (g *generator) timers(n, inputs, states int) {
	if n == 0 {
		return
	}
	g.line(0, "timers:")
	for i := range n {
		switch {
		case states > 2 && i == 0 && timerInput(inputs) > 0: // nothing need lead to st_0
			g.line(1, "tick_%d: {input: In%d, after: 2h, while: st_1}", i, timerInput(inputs))
		case g.chance(50):
			g.line(1, "tick_%d: {input: In0, after: 1500ms}", i)
		default:
			g.line(1, "tick_%d: {input: In0}", i)
		}
	}
}

// states makes a ring of states with one terminal at its end. Every state accepts every input; the events of one
// transition lead on, so that each state is reached and no (state, event) pair has two targets.
func (g *generator) states(n, inputs, events, effects, timers int) {
	all := func(prefix string, n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("%s%d", prefix, i))
		}
		return strings.Join(names, ", ")
	}
	g.line(0, "states:")
	for s := range n {
		g.line(1, "st_%d:", s)
		g.doc(2)
		if s == n-1 {
			g.line(2, "terminal: true")
			continue
		}
		g.line(2, "accepts:")
		for in := range inputs {
			g.line(3, "In%d:", in)
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
				g.line(4, "effects: [%s]", all("Eff", effects))
			}
			if timers > 0 {
				g.line(4, "timers: [%s]", all("tick_", timers))
			}
		}
	}
}
