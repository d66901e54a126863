package diagram

import (
	"fmt"
	"strings"
)

// mermaid writes a state diagram for Mermaid, which GitHub and others draw in Markdown.
func mermaid(m *machine) []byte {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for i, s := range m.states {
		// A state named "end" or "state" would be a word of the language.
		fmt.Fprintf(&b, "    state \"%s\" as s%d\n", mermaidText(strings.Join(append([]string{s.name}, s.timers...), "\n")), i)
	}
	b.WriteString("    [*] --> s0\n")
	for _, a := range m.arrows {
		var lines []string
		for _, w := range a.ways {
			lines = append(lines, w.lines()...)
		}
		fmt.Fprintf(&b, "    s%d --> s%d: %s\n", a.from, a.to, mermaidText(strings.Join(lines, "\n")))
	}
	for i, s := range m.states {
		if s.terminal {
			fmt.Fprintf(&b, "    s%d --> [*]\n", i)
		}
	}
	return []byte(b.String())
}

// mermaidText keeps what a schedule may hold from being syntax.
func mermaidText(text string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", ";", "#59;", ":", "#58;", "<", "#lt;", ">", "#gt;", "*", "#42;",
		"_", "#95;", "\n", "<br/>").Replace(text)
}

// dot writes a graph for Graphviz.
func dot(m *machine) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n", m.name)
	b.WriteString(`    graph [fontname="Helvetica", nodesep=0.5, ranksep=0.6]
    node [fontname="Helvetica", fontsize=12, shape=box, style=rounded, margin="0.2,0.1"]
    edge [fontname="Helvetica", fontsize=10]
    start [shape=circle, style=filled, fillcolor=black, width=0.15, label=""]
`)
	for i, s := range m.states {
		more := ""
		if s.terminal {
			more = ", peripheries=2"
		}
		fmt.Fprintf(&b, "    s%d [label=%s%s]\n", i, dotText(append([]string{s.name}, s.timers...)), more)
	}
	b.WriteString("    start -> s0\n")
	for _, a := range m.arrows {
		var lines []string
		for _, w := range a.ways {
			lines = append(lines, w.lines()...)
		}
		fmt.Fprintf(&b, "    s%d -> s%d [label=%s]\n", a.from, a.to, dotText(lines))
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// dotText is a label of several lines.
func dotText(lines []string) string {
	text := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.Join(lines, "\n"))
	return `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`
}

// lines are the label of a way.
func (w way) lines() []string {
	lines := []string{w.input + leadsTo + w.event}
	if len(w.asks) > 0 {
		lines = append(lines, "+ "+strings.Join(w.asks, ", "))
	}
	return lines
}
