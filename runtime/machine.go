package runtime

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Machine is a workflow's state machine as data, in the order of the declaration. Generated code returns it from its
// Machine function; the engine checks decisions against it and folds the status with it.
type Machine struct {
	Workflow string
	States   []MachineState // the first is the initial one
	Moves    []Move         // the status function: one target for each pair of state and event
}

// MachineState is one status.
type MachineState struct {
	Name     string
	Doc      string
	Terminal bool
	Accepts  []Transition
}

// Transition says what an input may lead to in a state: a refusal, or one or more of the events.
type Transition struct {
	Input   string
	Reject  string // the declared rejection; empty when the input is accepted
	Events  []EventMove
	Effects []string
	Timers  []string
}

// EventMove is an event with the state it leads to.
type EventMove struct {
	Event string
	To    string
}

// Move is one entry of the status function.
type Move struct {
	From, Event, To string
}

// Mermaid returns the machine as a Mermaid state diagram, one arrow for each input, event and pair of states.
func (m *Machine) Mermaid() string { return m.MermaidAt("") }

// MermaidAt is Mermaid with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) MermaidAt(current string) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	if len(m.States) > 0 {
		fmt.Fprintf(&b, "    [*] --> %s\n", m.States[0].Name)
	}
	for _, s := range m.States {
		for _, t := range s.Accepts {
			for _, e := range t.Events {
				fmt.Fprintf(&b, "    %s --> %s: %s / %s\n", s.Name, e.To, t.Input, e.Event)
			}
		}
		if s.Terminal {
			fmt.Fprintf(&b, "    %s --> [*]\n", s.Name)
		}
	}
	if m.state(current) != nil {
		fmt.Fprintf(&b, "    classDef current fill:#ffd866,stroke:#8a6d00,color:#000,font-weight:bold\n    class %s current\n", current)
	}
	return b.String()
}

// DOT returns the machine in the language of Graphviz.
func (m *Machine) DOT() string { return m.DOTAt("") }

// DOTAt is DOT with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) DOTAt(current string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", strconv.Quote(m.Workflow))
	b.WriteString("    rankdir=LR;\n    node [shape=box, style=rounded];\n")
	if len(m.States) > 0 {
		fmt.Fprintf(&b, "    start [shape=point, label=\"\"];\n    start -> %s;\n", dotState(m.States[0].Name))
	}
	for _, s := range m.States {
		attributes := "label=" + strconv.Quote(s.Name)
		if s.Terminal {
			attributes += ", peripheries=2"
		}
		if s.Name == current {
			attributes += `, style="rounded,filled", fillcolor="#ffd866", penwidth=2`
		}
		fmt.Fprintf(&b, "    %s [%s];\n", dotState(s.Name), attributes)
	}
	for _, s := range m.States {
		for _, t := range s.Accepts {
			for _, e := range t.Events {
				fmt.Fprintf(&b, "    %s -> %s [label=%s];\n", dotState(s.Name), dotState(e.To),
					strconv.Quote(t.Input+" / "+e.Event))
			}
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// state returns the state of a name, or nil.
func (m *Machine) state(name string) *MachineState {
	for i := range m.States {
		if m.States[i].Name == name {
			return &m.States[i]
		}
	}
	return nil
}

// dotState keeps a state's node apart from the start node, whatever the state's name.
func dotState(name string) string { return strconv.Quote("state " + name) }

// machineIndex answers the engine's questions about a machine without searching.
type machineIndex struct {
	initial     string
	terminal    map[string]bool
	transitions map[stateInput]*Transition
	moves       map[stateEvent]string
}

type stateInput struct{ state, input string }
type stateEvent struct{ state, event string }

func (m *Machine) index() *machineIndex {
	ix := &machineIndex{
		initial:     m.States[0].Name,
		terminal:    make(map[string]bool),
		transitions: make(map[stateInput]*Transition),
		moves:       make(map[stateEvent]string),
	}
	for i := range m.States {
		s := &m.States[i]
		ix.terminal[s.Name] = s.Terminal
		for j := range s.Accepts {
			ix.transitions[stateInput{s.Name, s.Accepts[j].Input}] = &s.Accepts[j]
		}
	}
	for _, move := range m.Moves {
		ix.moves[stateEvent{move.From, move.Event}] = move.To
	}
	return ix
}

// allows returns an error when a decision on the input in the state may not contain what is named.
func (t *Transition) allows(what, name string) error {
	var allowed []string
	switch what {
	case "event":
		for _, e := range t.Events {
			allowed = append(allowed, e.Event)
		}
	case "effect":
		allowed = t.Effects
	case "timer":
		allowed = t.Timers
	}
	if slices.Contains(allowed, name) {
		return nil
	}
	if len(allowed) == 0 {
		return fmt.Errorf("the declaration allows no %s here, the decision has %s", what, name)
	}
	return fmt.Errorf("the declaration does not allow the %s %s here, only %s", what, name, strings.Join(allowed, ", "))
}
