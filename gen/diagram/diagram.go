// Package diagram draws the state machine of a workflow: as text that Mermaid or Graphviz draw, or as SVG.
//
// All three show the same. An arrow leads from a state to the next and says "Input → Event" for each way that a decision can
// take, with the effects and timers that it may ask for below. What states do themselves, timers with "while", stands in the
// state. Inputs that a state refuses, and moves that are derived, are left out. The same workflow always gives the same
// bytes.
package diagram

import (
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/internal/statechart"
	"github.com/ironflow-gen/ironflow/internal/statechart/svg"
)

// ErrNoStates says that a workflow has no state machine.
var ErrNoStates = errors.New("the workflow declares no states, so there is nothing to draw")

// Formats are the names of the formats that Draw knows.
func Formats() []string { return []string{"mermaid", "dot", "svg"} }

// Draw draws a workflow, which must be valid, in one of the formats.
func Draw(w *spec.Workflow, format string) ([]byte, error) {
	if !w.HasStates() {
		return nil, ErrNoStates
	}
	m := newMachine(w)
	switch format {
	case "mermaid":
		return []byte(m.Mermaid("")), nil
	case "dot":
		return []byte(m.DOT("")), nil
	case "svg":
		return svg.Draw(m, w.Doc, svg.Marks{})
	}
	return nil, fmt.Errorf("the format %q is not known", format)
}

// newMachine returns what is drawn of a workflow.
func newMachine(w *spec.Workflow) *statechart.Machine {
	m := &statechart.Machine{Name: w.Name.Stored()}
	number := make(map[string]int)
	for i, s := range w.States {
		number[s.Name.Text] = i
		state := statechart.State{Name: s.Name.Stored(), Terminal: s.Terminal}
		if s.Waits.Text == spec.WaitsClient {
			state.Notes = append(state.Notes, statechart.Waits(s.Deadline))
		}
		m.States = append(m.States, state)
	}
	for _, t := range w.Timers {
		for _, while := range t.While {
			s := &m.States[number[while.Text]]
			s.Notes = append(s.Notes, statechart.Timer(t.Input.Stored(), t.After, t.Schedule.Text))
		}
	}
	for from, s := range w.States {
		for _, t := range s.Accepts {
			asks := statechart.Asks(texts(t.Effects), texts(t.Timers))
			for _, move := range t.Moves {
				m.Add(from, number[move.To.Text], statechart.Way{Input: t.Input.Stored(), Event: move.Event.Stored(), Asks: asks})
			}
		}
	}
	return m
}

func texts(names []spec.Name) []string {
	var list []string
	for _, n := range names {
		list = append(list, n.Stored())
	}
	return list
}
