package httpapi

import "github.com/ironflow-gen/ironflow/runtime"

// Machine is a workflow's state machine, as [runtime.Machine] has it.
type Machine struct {
	Workflow string         `json:"workflow"`
	States   []MachineState `json:"states"` // the first is the initial one
}

// MachineState is one state.
type MachineState struct {
	Name     string       `json:"name"`
	Doc      string       `json:"doc,omitempty"`
	Terminal bool         `json:"terminal"`
	Accepts  []Transition `json:"accepts"`
}

// Transition says what an input may lead to in a state: a refusal, or one or more of the events.
type Transition struct {
	Input   string      `json:"input"`
	Reject  string      `json:"reject,omitempty"`
	Events  []EventMove `json:"events"`
	Effects []string    `json:"effects"`
	Timers  []string    `json:"timers"`
}

// EventMove is an event with the state it leads to.
type EventMove struct {
	Event string `json:"event"`
	To    string `json:"to"`
}

func machineOf(m *runtime.Machine) Machine {
	out := Machine{Workflow: m.Workflow, States: make([]MachineState, 0, len(m.States))}
	for _, s := range m.States {
		state := MachineState{Name: s.Name, Doc: s.Doc, Terminal: s.Terminal, Accepts: make([]Transition, 0, len(s.Accepts))}
		for _, t := range s.Accepts {
			transition := Transition{
				Input: t.Input, Reject: t.Reject, Events: make([]EventMove, 0, len(t.Events)),
				Effects: append([]string{}, t.Effects...), Timers: append([]string{}, t.Timers...), // lists, never null
			}
			for _, e := range t.Events {
				transition.Events = append(transition.Events, EventMove(e))
			}
			state.Accepts = append(state.Accepts, transition)
		}
		out.States = append(out.States, state)
	}
	return out
}
