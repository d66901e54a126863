package workflow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/internal/statechart"
	"github.com/ironflow-gen/ironflow/internal/statechart/svg"
)

// Machine is a workflow's state machine as data, in the order of the declaration. The generated function Machine returns it. The
// engine checks decisions against it and takes the status from it.
type Machine struct {
	Workflow string
	States   []MachineState // the first is the initial one
	Moves    []Move         // one target for each pair of state and event
	Effects  []MachineEffect
	Timers   []MachineTimer
}

// MachineEffect is an effect that decisions may request.
type MachineEffect struct {
	Name    string
	Doc     string
	Returns []string // the handler returns one of these inputs; empty if it returns none
	Dead    string   // the input that reports a dead letter; empty for none
	Starts  *Target  // the input that creates a child; nil if the effect starts none
	Ended   string   // the input that reports that child's end; empty for none
	Sends   *Target  // the input that is sent to an instance; nil if the effect sends none
	Refused string   `json:",omitzero"` // the input that reports that the instance did not accept it; empty for none
}

// MachineTimer is a timer that states or decisions start.
type MachineTimer struct {
	Name     string
	Doc      string
	Input    string
	After    time.Duration // 0 if each start sets its own time, and with a schedule
	Schedule string        // as declared; empty for a timer that fires once
	While    []string      // the states in which the timer runs; empty if decisions start it
}

// MachineState is one state of the machine.
type MachineState struct {
	Name     string
	Doc      string
	Terminal bool
	Waits    string // who goes on from here when nothing is pending: WaitsClient, or empty for nobody
	Accepts  []Transition

	// Deadline is how long an instance may wait in the state for a client before it counts as stuck; 0 means no limit.
	Deadline time.Duration `json:",omitzero"`
}

// WaitsClient says that a state waits for its clients.
const WaitsClient = "client"

// Transition says what an input may lead to in a state: a rejection, or one or more of the events.
type Transition struct {
	Input   string
	Doc     string
	Reject  string // the declared rejection; empty if the input is accepted
	Events  []EventMove
	Effects []string
	Timers  []string
}

// EventMove is an event and the state that it leads to.
type EventMove struct {
	Event string
	To    string
}

// Move says which state an event leads to from one state.
type Move struct {
	From, Event, To string
}

// Mermaid returns the machine as a Mermaid state diagram, as "ironflow-gen diagram" prints it. Each arrow from one state to
// another is labelled "Input → Event", with the effects and timers that the decision may request. Timers of states are shown in
// their states.
func (m *Machine) Mermaid() string { return m.MermaidAt("") }

// MermaidAt is Mermaid with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) MermaidAt(current string) string { return m.chart().Mermaid(current) }

// DOT returns the machine in the language of Graphviz, as "ironflow-gen diagram -format dot" prints it.
func (m *Machine) DOT() string { return m.DOTAt("") }

// DOTAt is DOT with the state of an instance marked. A state that the machine does not have is not marked.
func (m *Machine) DOTAt(current string) string { return m.chart().DOT(current) }

// Marks say what a drawing marks. The zero value marks nothing. A state or an event that the machine does not have is not marked.
type Marks struct {
	Current string            // the state to mark
	Events  []string          // types of the events whose way from the initial state is marked
	Notes   map[string]string // further lines in the boxes of states, by state
	Links   map[string]string // addresses that states lead to, by state
}

// SVG draws the machine. It fails for a machine that is too large to be drawn.
func (m *Machine) SVG(mark Marks) ([]byte, error) {
	marks := svg.Marks{Current: mark.Current, Taken: make(map[[2]string]bool), Links: mark.Links}
	if len(m.States) > 0 {
		index := m.index()
		at := index.initial
		for _, event := range mark.Events {
			if to, is := index.moves[stateEvent{at, event}]; is {
				marks.Taken[[2]string{at, to}] = true
				at = to
			}
		}
	}
	chart := m.chart()
	for i := range chart.States {
		if note := mark.Notes[chart.States[i].Name]; note != "" {
			chart.States[i].Notes = append(chart.States[i].Notes, note)
		}
	}
	return svg.Draw(chart, "", marks)
}

// chart returns the diagram of the machine.
func (m *Machine) chart() *statechart.Machine {
	c := &statechart.Machine{Name: m.Workflow}
	number := make(map[string]int)
	for i, s := range m.States {
		number[s.Name] = i
		state := statechart.State{Name: s.Name, Terminal: s.Terminal}
		if s.Waits == WaitsClient {
			state.Notes = append(state.Notes, statechart.Waits(s.Deadline))
		}
		c.States = append(c.States, state)
	}
	for _, t := range m.Timers {
		for _, while := range t.While {
			s := &c.States[number[while]]
			s.Notes = append(s.Notes, statechart.Timer(t.Input, t.After, t.Schedule))
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

// state returns the state with a name, or nil.
func (m *Machine) state(name string) *MachineState {
	for i := range m.States {
		if m.States[i].Name == name {
			return &m.States[i]
		}
	}
	return nil
}

// machineIndex indexes a machine, so that the engine need not search it.
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

// allows returns an error unless a decision on this input in this state may contain the named event, effect or timer.
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
		return fmt.Errorf("the declaration allows no %s here, but the decision has %s", what, name)
	}
	return fmt.Errorf("the declaration does not allow the %s %s here, only %s", what, name, strings.Join(allowed, ", "))
}

// Accepts returns the inputs that a state accepts, without those for which the declaration has a rejection.
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
