// Package statechart writes state machines as text for Mermaid and Graphviz. The library and ironflow-gen draw with it, so that both
// give the same text for the same workflow. The same machine always gives the same bytes.
package statechart

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Machine is what is drawn.
type Machine struct {
	Name   string
	States []State // the first is the initial one
	Arrows []Arrow
}

// State is one state.
type State struct {
	Name     string
	Notes    []string // what is said of the state below its name: [Waits], and its timers as [Timer] writes them
	Terminal bool
}

// Arrow is all that leads from one state to another.
type Arrow struct {
	From, To int // states
	Ways     []Way
}

// Way is one event that an input can lead to.
type Way struct {
	Input, Event string
	Asks         []string // effects and timers, as [Asks] writes them
}

// LeadsTo stands between the input and the event of a way.
const LeadsTo = " → "

// Add adds a way to the arrow between two states.
func (m *Machine) Add(from, to int, w Way) {
	for i := range m.Arrows {
		if m.Arrows[i].From == from && m.Arrows[i].To == to {
			m.Arrows[i].Ways = append(m.Arrows[i].Ways, w)
			return
		}
	}
	m.Arrows = append(m.Arrows, Arrow{from, to, []Way{w}})
}

// Asks writes the effects and timers that a decision may ask for.
func Asks(effects, timers []string) []string {
	asks := append([]string(nil), effects...)
	for _, t := range timers {
		asks = append(asks, "timer "+t)
	}
	return asks
}

// Waits is the note of a state that waits for clients. A deadline of 0 means no limit.
func Waits(deadline time.Duration) string {
	if deadline > 0 {
		return fmt.Sprintf("waits for clients, up to %s", Duration(deadline))
	}
	return "waits for clients"
}

// Timer writes what a timer of a state does. schedule is empty for one that fires once.
func Timer(input string, after time.Duration, schedule string) string {
	if schedule != "" {
		return fmt.Sprintf("at %s: %s", schedule, input)
	}
	return fmt.Sprintf("after %s: %s", Duration(after), input)
}

const day = 24 * time.Hour

// Duration writes a duration as declarations do: 30m and not 30m0s, 7d and not 168h.
func Duration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Mermaid writes a state diagram for Mermaid, which GitHub and others draw in Markdown. The state called current is marked.
func (m *Machine) Mermaid(current string) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for i, s := range m.States {
		// A state named "end" or "state" would be a word of the language.
		fmt.Fprintf(&b, "    state \"%s\" as s%d\n", mermaidText(strings.Join(append([]string{s.Name}, s.Notes...), "\n")), i)
	}
	if len(m.States) > 0 {
		b.WriteString("    [*] --> s0\n")
	}
	for _, a := range m.Arrows {
		var lines []string
		for _, w := range a.Ways {
			lines = append(lines, w.lines()...)
		}
		fmt.Fprintf(&b, "    s%d --> s%d: %s\n", a.From, a.To, mermaidText(strings.Join(lines, "\n")))
	}
	for i, s := range m.States {
		if s.Terminal {
			fmt.Fprintf(&b, "    s%d --> [*]\n", i)
		}
	}
	for i, s := range m.States {
		if s.Name == current {
			fmt.Fprintf(&b, "    classDef current fill:#ffd866,stroke:#8a6d00,color:#000,font-weight:bold\n    class s%d current\n", i)
		}
	}
	return b.String()
}

// mermaidText keeps what a schedule may hold from being syntax.
func mermaidText(text string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", ";", "#59;", ":", "#58;", "<", "#lt;", ">", "#gt;", "*", "#42;",
		"_", "#95;", "\n", "<br/>").Replace(text)
}

// DOT writes a graph for Graphviz. The state called current is marked.
func (m *Machine) DOT(current string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n", m.Name)
	b.WriteString(`    graph [fontname="Helvetica", nodesep=0.5, ranksep=0.6]
    node [fontname="Helvetica", fontsize=12, shape=box, style=rounded, margin="0.2,0.1"]
    edge [fontname="Helvetica", fontsize=10]
    start [shape=circle, style=filled, fillcolor=black, width=0.15, label=""]
`)
	for i, s := range m.States {
		more := ""
		if s.Terminal {
			more = ", peripheries=2"
		}
		if s.Name == current {
			more += `, style="rounded,filled", fillcolor="#ffd866", penwidth=2`
		}
		fmt.Fprintf(&b, "    s%d [label=%s%s]\n", i, dotText(append([]string{s.Name}, s.Notes...)), more)
	}
	if len(m.States) > 0 {
		b.WriteString("    start -> s0\n")
	}
	for _, a := range m.Arrows {
		var lines []string
		for _, w := range a.Ways {
			lines = append(lines, w.lines()...)
		}
		fmt.Fprintf(&b, "    s%d -> s%d [label=%s]\n", a.From, a.To, dotText(lines))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotText is a label of several lines.
func dotText(lines []string) string {
	text := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.Join(lines, "\n"))
	return `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`
}

// lines are the label of a way.
func (w Way) lines() []string {
	lines := []string{w.Input + LeadsTo + w.Event}
	if len(w.Asks) > 0 {
		lines = append(lines, "+ "+strings.Join(w.Asks, ", "))
	}
	return lines
}
