package httpapi

import (
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Machine is a workflow's state machine as JSON; see [workflow.Machine].
type Machine struct {
	Workflow string         `json:"workflow"`
	States   []MachineState `json:"states"` // the first is the initial one
	Effects  []Effect       `json:"effects"`
	Timers   []Timer        `json:"timers"`
}

// Effect is an effect that decisions may request.
type Effect struct {
	Name    string   `json:"name"`
	Doc     string   `json:"doc,omitempty"`
	Returns []string `json:"returns"`
	Dead    string   `json:"dead,omitempty"`
	Starts  *Target  `json:"starts,omitempty"`
	Ended   string   `json:"ended,omitempty"`
	Sends   *Target  `json:"sends,omitempty"`
	Refused string   `json:"refused,omitempty"`
}

// Target is an input of another workflow.
type Target struct {
	Workflow string `json:"workflow"`         // empty with Parent
	Parent   bool   `json:"parent,omitempty"` // the input is for the instance that has started this one
	Input    string `json:"input"`
}

// Timer is a timer that states or decisions start.
type Timer struct {
	Name     string   `json:"name"`
	Doc      string   `json:"doc,omitempty"`
	Input    string   `json:"input"`
	After    string   `json:"after,omitempty"` // as 30m0s
	Schedule string   `json:"schedule,omitempty"`
	While    []string `json:"while"`
}

// MachineState is one state.
type MachineState struct {
	Name     string       `json:"name"`
	Doc      string       `json:"doc,omitempty"`
	Terminal bool         `json:"terminal"`
	Accepts  []Transition `json:"accepts"`
}

// Transition says what an input may lead to in a state: a rejection, or one or more of the events.
type Transition struct {
	Input   string      `json:"input"`
	Doc     string      `json:"doc,omitempty"`
	Reject  string      `json:"reject,omitempty"`
	Events  []EventMove `json:"events"`
	Effects []string    `json:"effects"`
	Timers  []string    `json:"timers"`
}

// EventMove is an event and the state that it leads to.
type EventMove struct {
	Event string `json:"event"`
	To    string `json:"to"`
}

func machineOf(m *workflow.Machine) Machine {
	out := Machine{
		Workflow: m.Workflow, States: make([]MachineState, 0, len(m.States)),
		Effects: make([]Effect, 0, len(m.Effects)), Timers: make([]Timer, 0, len(m.Timers)),
	}
	for _, e := range m.Effects {
		out.Effects = append(out.Effects, Effect{
			Name: e.Name, Doc: e.Doc, Returns: append([]string{}, e.Returns...), Dead: e.Dead,
			Starts: targetOf(e.Starts), Ended: e.Ended, Sends: targetOf(e.Sends), Refused: e.Refused,
		})
	}
	for _, t := range m.Timers {
		timer := Timer{Name: t.Name, Doc: t.Doc, Input: t.Input, Schedule: t.Schedule, While: append([]string{}, t.While...)}
		if t.After > 0 {
			timer.After = t.After.String()
		}
		out.Timers = append(out.Timers, timer)
	}
	for _, s := range m.States {
		state := MachineState{Name: s.Name, Doc: s.Doc, Terminal: s.Terminal, Accepts: make([]Transition, 0, len(s.Accepts))}
		for _, t := range s.Accepts {
			transition := Transition{
				Input: t.Input, Doc: t.Doc, Reject: t.Reject, Events: make([]EventMove, 0, len(t.Events)),
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

func targetOf(t *workflow.Target) *Target {
	if t == nil {
		return nil
	}
	return &Target{Workflow: t.Workflow, Parent: t.Parent, Input: t.Input}
}
