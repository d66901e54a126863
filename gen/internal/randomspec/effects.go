package randomspec

import (
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
)

func (g *generator) declareEffects() {
	if len(g.effects) == 0 {
		return
	}
	g.line(0, "effects:")
	for _, name := range g.effects {
		g.line(1, "%s:", name)
		g.doc(2)
		if g.chance(10) {
			g.toItself()
			continue
		}
		r := g.record("error", "reason", "note", "type")
		r.add("always", "int")
		r.add("label", "string")
		if g.keyEnum != "" {
			r.add("variant", g.keyEnum)
		}
		g.someFields(r)
		g.line(2, "fields:")
		g.write(3, r)
		g.order(r)
		if g.chance(25) {
			g.line(2, "dead: %s", g.pick(g.died, g.fired))
		}
		g.retry()
		switch {
		case g.chance(20):
			g.line(2, "starts: {workflow: other, input: Begin%s}", g.pick("", ", external: true"))
			if g.chance(70) {
				g.line(2, "ended: %s", g.ended)
			}
			continue
		case g.chance(15):
			g.line(2, "sends: {%s}", g.pick("workflow: other, input: Tell", "workflow: other, input: Tell, external: true", "to: parent, input: Tell, external: true"))
			if g.chance(50) {
				g.line(2, "refused: %s", g.refused)
			}
			continue
		case g.chance(10):
			g.line(2, "returns: %s", g.pick(g.brought()...))
		case g.chance(50):
			returns := g.some(g.brought(), 1)
			if g.chance(30) {
				returns = append(returns, spec.ReturnsOptional)
			}
			g.line(2, "returns: [%s]", strings.Join(returns, ", "))
		}
		if g.chance(40) {
			g.line(2, "timeout: %s", g.pick("1m30s", "1ns", "7d", "1.5h"))
		}
	}
}

// toItself makes an effect an input for the workflow that has it.
func (g *generator) toItself() {
	input := g.pick(g.brought()...)
	g.line(2, "fields:")
	for _, text := range g.fieldsOf[input] {
		g.line(3, "%s", text)
	}
	g.line(2, "%s: {workflow: %s, input: %s}", g.pick("starts", "sends"), g.own, input)
	if g.chance(30) {
		g.line(2, "dead: %s", g.fired)
	}
}

func (g *generator) retry() {
	var parts []string
	if g.chance(30) {
		parts = append(parts, fmt.Sprintf("max_attempts: %d", g.between(1, 9)))
	}
	if g.chance(30) {
		parts = append(parts, fmt.Sprintf("base: %dms", g.between(1, 999)))
	}
	if g.chance(30) {
		parts = append(parts, "max: 1h")
	}
	if len(parts) > 0 {
		g.line(2, "retry: {%s}", strings.Join(parts, ", "))
	}
}

// order says which effects come first and how many.
func (g *generator) order(r *record) {
	if g.chance(30) {
		g.line(2, "priority: %d", g.between(-1000, 1000))
	}
	if !g.chance(40) {
		return
	}
	keys := []string{"always", "label"}
	if r.names["variant"] {
		keys = append(keys, "variant")
	}
	key := g.pick(keys...)
	g.line(2, "limit: %s", g.pick(
		"{concurrency: 4}", "{global: 16, concurrency: 16}", "{rate: 0.5}", "{rate: 10, burst: 20}", "{key: "+key+", per_key: 1}",
		"{concurrency: 2, global: 8, rate: 1.5e2, burst: 7, key: "+key+", per_key: 3}", "{rate: 0.001}",
	))
}

// recurrence is what a timer or a schedule says of when it fires.
func (g *generator) recurrence() string {
	text := fmt.Sprintf("schedule: %q", g.pick(
		"0 9 * * MON", "*/5 0-6,22 1 JAN-JUN ?", "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@every 90s", "@every 1h30m", "0 0 29 2 *", "  1   2 3 4 5"))
	if g.chance(50) {
		text += ", zone: " + g.pick("Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu", "Etc/GMT+5", "America/Argentina/Buenos_Aires")
	}
	if g.chance(60) {
		text += ", missed: " + g.pick("skip", "latest", "all")
	}
	return text
}

func (g *generator) schedules() {
	if g.timed() == "" || g.chance(60) {
		return
	}
	g.line(0, "schedules:")
	names := make(map[string]bool)
	for i := range g.between(1, 3) {
		name := g.pick(fmt.Sprint("every_", i), g.fieldName())
		if names[name] {
			continue
		}
		names[name] = true
		g.line(1, "%s: {doc: %s, input: %s, %s, instance: %s}", name, g.pick(docs...), g.timed(), g.recurrence(),
			g.pick("fixed", `"at-{time}"`, `"{time}"`, `"quotes \" and ü"`, `"a b, c=d: {time}{time} %s \\ '"`, "\"`tick`\"", `"1"`, `"true"`))
	}
}

// timer is one timer, and the states in which it runs.
type timer struct {
	name, input string
	while       []int
}

func (g *generator) declareTimers() {
	n := g.between(0, 3)
	if n == 0 {
		return
	}
	g.line(0, "timers:")
	live := len(g.states) - g.terminals
	for i := range n {
		t := timer{name: g.snake("tick_", i, spec.TimerName), input: g.pick(g.brought()...)}
		doc := ""
		if g.chance(40) {
			doc = ", doc: " + g.pick(docs...)
		}
		when := ""
		switch {
		case g.chance(30):
			when = ", " + g.recurrence()
		case g.chance(60):
			when = ", after: " + g.pick("1500ms", "2h", "1ns", "7d", "1h2m3s")
		}
		if g.timed() != "" && live > 1 && when != "" && g.chance(50) { // nothing need lead to the first state
			t.input = g.timed()
			var names []string
			for _, s := range g.r.Perm(live - 1)[:g.between(1, live-1)] {
				t.while = append(t.while, s+1)
				names = append(names, g.states[s+1])
			}
			when += ", while: [" + strings.Join(names, ", ") + "]"
			if len(names) == 1 && g.chance(50) {
				when = strings.NewReplacer("[", "", "]", "").Replace(when)
			}
		}
		g.timers = append(g.timers, t)
		g.line(1, "%s: {input: %s%s%s}", t.name, t.input, doc, when)
	}
	if g.chance(30) {
		g.line(1, "%s: {retired: true, input: %s, after: 1h}", g.snake("tick_", n, spec.TimerName), g.pick(g.brought()...))
	}
}
