// Package diagram draws the state machine of a workflow: as text that Mermaid or Graphviz draw, or as SVG, drawn here.
//
// All three show the same. An arrow leads from a state to the next and says "Input → Event" for each way that a decision can
// take, with the effects and timers that it may ask for below. What states do themselves, timers with "while", stands in the
// state. Inputs that a state refuses, and moves that are derived, are left out. The same workflow always gives the same
// bytes.
package diagram

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ironflow-gen/ironflow/gen/spec"
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
		return mermaid(m), nil
	case "dot":
		return dot(m), nil
	case "svg":
		return svg(m)
	}
	return nil, fmt.Errorf("the format %q is not known", format)
}

// machine is what is drawn.
type machine struct {
	name   string
	doc    string // one line
	states []state
	arrows []arrow
}

type state struct {
	name     string
	timers   []string // those that run while the instance is in the state
	terminal bool
}

// arrow is all that leads from one state to another.
type arrow struct {
	from, to int // states
	ways     []way
}

// way is one event that an input can lead to.
type way struct {
	input, event string
	asks         []string // effects and timers
}

func newMachine(w *spec.Workflow) *machine {
	m := &machine{name: w.Name.Text}
	m.doc, _, _ = strings.Cut(w.Doc, "\n")
	number := make(map[string]int)
	for i, s := range w.States {
		number[s.Name.Text] = i
		m.states = append(m.states, state{name: s.Name.Text, terminal: s.Terminal})
	}
	for _, t := range w.Timers {
		for _, while := range t.While {
			s := &m.states[number[while.Text]]
			s.timers = append(s.timers, timerText(t))
		}
	}
	for from, s := range w.States {
		for _, t := range s.Accepts {
			var asks []string
			for _, n := range t.Effects {
				asks = append(asks, n.Text)
			}
			for _, n := range t.Timers {
				asks = append(asks, "timer "+n.Text)
			}
			for _, move := range t.Moves {
				m.add(from, number[move.To.Text], way{t.Input.Text, move.Event.Text, asks})
			}
		}
	}
	return m
}

// add adds a way to the arrow between two states.
func (m *machine) add(from, to int, w way) {
	for i := range m.arrows {
		if m.arrows[i].from == from && m.arrows[i].to == to {
			m.arrows[i].ways = append(m.arrows[i].ways, w)
			return
		}
	}
	m.arrows = append(m.arrows, arrow{from, to, []way{w}})
}

// timerText says what a timer with "while" does.
func timerText(t *spec.Timer) string {
	if t.Recurs() {
		return fmt.Sprintf("at %s: %s", t.Schedule.Text, t.Input.Text)
	}
	return fmt.Sprintf("after %s: %s", spec.DurationText(t.After), t.Input.Text)
}

const leadsTo = " → "
