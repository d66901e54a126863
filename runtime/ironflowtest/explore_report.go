package ironflowtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// report adds a finding about the step s in the node n, unless there is one about the same. A nil node means no step.
func (x *explorer) report(kind FindingKind, about string, n *node, s step, text string) {
	key := string(kind) + "\x00" + about
	if x.found[key] {
		return
	}
	x.found[key] = true
	f := Finding{Kind: kind, Text: text, key: key}
	if n != nil {
		f.steps = append(f.steps, s)
		for at := n; at.parent != nil; at = at.parent {
			f.steps = append(f.steps, at.step)
		}
		slices.Reverse(f.steps)
		f.Story = x.story(n, s, "")
		f.Diagram = x.diagram(n)
	}
	x.seen.Findings = append(x.seen.Findings, f)
}

// story tells the steps that lead to a node, and one more.
func (x *explorer) story(n *node, last step, end string) (lines []string) {
	if end == "" {
		end = last.events
	}
	lines = append(lines, x.tell(n, last, end))
	for ; n.parent != nil; n = n.parent {
		lines = append(lines, x.tell(n.parent, n.step, n.step.events))
	}
	slices.Reverse(lines)
	return lines
}

// tell writes one step.
func (x *explorer) tell(n *node, s step, result string) string {
	var b strings.Builder
	if later := s.now.Sub(store.StoredTime(x.Now)); later > 0 {
		fmt.Fprintf(&b, "after %v: ", later)
	}
	switch s.how {
	case stepClient:
		b.WriteString("a client sends ")
	case stepResult:
		fmt.Fprintf(&b, "effect %s returns ", s.name)
	case stepDone:
		fmt.Fprintf(&b, "effect %s ends without a result", s.name)
	case stepDead:
		fmt.Fprintf(&b, "effect %s becomes a dead letter", s.name)
		if s.input != nil {
			b.WriteString(": ")
		}
	case stepSchedule:
		fmt.Fprintf(&b, "schedule %s fires with ", s.name)
	case stepTimer:
		fmt.Fprintf(&b, "timer %s fires with ", s.name)
	}
	if s.input != nil {
		b.WriteString(literal(s.input))
	}
	if result != "" {
		b.WriteString(" → " + result)
	}
	if n.status != "" {
		b.WriteString(" (in state " + n.status + ")")
	}
	return b.String()
}

// diagram marks the states of a story.
func (x *explorer) diagram(n *node) string {
	if x.machine == nil {
		return ""
	}
	var path []string
	for i, s := range x.machine.States {
		for at := n; at != nil; at = at.parent {
			if at.status == s.Name {
				path = append(path, fmt.Sprintf("s%d", i)) // as Mermaid names it
				break
			}
		}
	}
	return x.machine.Mermaid() + "    classDef story stroke-width:3px,stroke:#c00\n    class " + strings.Join(path, ",") + " story\n"
}

func numbered(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, line)
	}
	return b.String()
}
