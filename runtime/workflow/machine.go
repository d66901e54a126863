package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/statechart"
)

// Machine is a workflow's state machine as data, in the order of the declaration. Generated code returns it from its
// Machine function; the engine checks decisions against it and folds the status with it.
type Machine struct {
	Workflow string
	States   []MachineState // the first is the initial one
	Moves    []Move         // the status function: one target for each pair of state and event
	Effects  []MachineEffect
	Timers   []MachineTimer
}

// MachineEffect is an effect that decisions may ask for.
type MachineEffect struct {
	Name    string
	Doc     string
	Returns []string // inputs, one of which the handler answers with; empty when it answers with none
	Dead    string   // the input that tells of a dead letter; empty for none
	Starts  *Target  // the input that creates a child; nil when the effect starts none
	Ended   string   // the input that tells of that child's end; empty for none
	Sends   *Target  // the input that is sent to an instance; nil when the effect sends none
}

// MachineTimer is a timer of states or of decisions.
type MachineTimer struct {
	Name     string
	Doc      string
	Input    string
	After    time.Duration // 0 when each start names its own, and with a schedule
	Schedule string        // as declared; empty for a timer that fires once
	While    []string      // the states in which the timer runs; empty when decisions start it
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
	Doc     string
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

// Mermaid returns the machine as a Mermaid state diagram, which is the one that "ironflow-gen diagram" prints: an arrow leads from
// a state to the next and says "Input → Event" for each way, with the effects and timers that the decision may ask for. Timers of
// states stand in their states.
func (m *Machine) Mermaid() string { return m.MermaidAt("") }

// MermaidAt is Mermaid with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) MermaidAt(current string) string { return m.chart().Mermaid(current) }

// DOT returns the machine in the language of Graphviz, as "ironflow-gen diagram -format dot" prints it.
func (m *Machine) DOT() string { return m.DOTAt("") }

// DOTAt is DOT with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) DOTAt(current string) string { return m.chart().DOT(current) }

// chart returns what is drawn of the machine.
func (m *Machine) chart() *statechart.Machine {
	c := &statechart.Machine{Name: m.Workflow}
	number := make(map[string]int)
	for i, s := range m.States {
		number[s.Name] = i
		c.States = append(c.States, statechart.State{Name: s.Name, Terminal: s.Terminal})
	}
	for _, t := range m.Timers {
		for _, while := range t.While {
			s := &c.States[number[while]]
			s.Timers = append(s.Timers, statechart.Timer(t.Input, t.After, t.Schedule))
		}
	}
	for from, s := range m.States {
		for _, t := range s.Accepts {
			for _, e := range t.Events {
				c.Add(from, number[e.To], statechart.Way{Input: t.Input, Event: e.Event, Asks: statechart.Asks(t.Effects, t.Timers)})
			}
		}
	}
	return c
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

// Accepts returns the inputs that a state takes, without those that it refuses by declaration.
func (m *Machine) Accepts(status string) (accepted []Transition) {
	state := m.state(status)
	if state == nil {
		return nil
	}
	for _, t := range state.Accepts {
		if t.Reject == "" {
			accepted = append(accepted, t)
		}
	}
	return accepted
}
