package randomspec

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Growth returns a valid declaration, and then the same again and again, each time with one more input, event, effect or
// rejection. What a declaration has, those after it have too, word for word. The same seed gives the same texts.
func Growth(seed uint64, name string, steps int) []string {
	kinds := []string{"In", "Ev", "Eff", "Rej"}
	choice := rand.New(rand.NewPCG(seed, 0))
	count := map[string]int{"In": 1, "Ev": 1}
	withStates := choice.IntN(3) > 0
	list := []string{grown(seed, name, count, withStates)}
	for range steps {
		count[kinds[choice.IntN(len(kinds))]]++
		list = append(list, grown(seed, name, count, withStates))
	}
	return list
}

func grown(seed uint64, name string, count map[string]int, withStates bool) string {
	g := newGenerator()
	// Each part has randomness of its own, so that it stays what it is whatever comes before it.
	part := func(kind, i int) { g.r = rand.New(rand.NewPCG(seed, uint64(1+kind*1000+i))) }

	g.line(0, "ironflow: 1\nworkflow: %s\npackage: %s\nid: thing_id", name, name)
	part(0, 0)
	g.declareTypes()
	g.line(0, "state:")
	fields := func(indent int, id bool) {
		r := g.record("type", "status")
		if id {
			r.add("thing_id", "string")
		} else {
			r.add("always", "int")
		}
		g.someFields(r)
		g.write(indent, r)
	}
	fields(1, false)
	section := func(kind int, title, prefix string, more func(i int)) {
		if count[prefix] > 0 {
			g.line(0, "%s:", title)
		}
		for i := range count[prefix] {
			part(kind, i)
			g.line(1, "%s%d:", prefix, i)
			g.doc(2)
			more(i)
		}
	}
	section(1, "inputs", "In", func(int) {
		g.line(2, "fields:")
		fields(3, true)
	})
	section(2, "events", "Ev", func(int) {
		g.line(2, "fields:")
		fields(3, false)
	})
	section(3, "effects", "Eff", func(i int) {
		g.line(2, "fields:")
		fields(3, false)
		if g.chance(50) {
			g.line(2, "returns: [In0]")
		}
	})
	section(4, "rejections", "Rej", func(int) {
		g.line(2, "fields:")
		fields(3, false)
	})
	if !withStates {
		return g.b.String()
	}
	g.line(0, "states:")
	for s, state := range all("st_", 3) {
		if s == 2 {
			g.line(1, "%s: {terminal: true}", state)
			continue
		}
		g.line(1, "%s:\n    accepts:", state)
		for _, in := range all("In", count["In"]) {
			g.line(3, "%s:", in)
			for ev := range count["Ev"] {
				next := s
				if ev == 0 {
					next++
				}
				g.line(4, "Ev%d: st_%d", ev, next)
			}
			if effects := all("Eff", count["Eff"]); len(effects) > 0 {
				g.line(4, "effects: [%s]", strings.Join(effects, ", "))
			}
		}
	}
	return g.b.String()
}

// all returns numbered names.
func all(prefix string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(prefix, i))
	}
	return names
}
