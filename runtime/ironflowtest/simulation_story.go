package ironflowtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// A run notes what happens. Nobody reads the notes of most runs, so they become text when somebody does.

// line is a line of a timeline.
type line struct {
	at     time.Duration // since the start
	format string
	args   []any // texts and numbers, and what is immutable
}

func (l line) String() string {
	return fmt.Sprintf("%-10s %s", "+"+l.at.String(), fmt.Sprintf(l.format, l.args...))
}

// told returns the lines of the timeline.
func (r *ran) told() []string {
	lines := make([]string, len(r.timeline))
	for i, l := range r.timeline {
		lines[i] = l.String()
	}
	return lines
}

// note adds a line to the timeline.
func (s *Simulation) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addLine(format, args...)
}

func (s *Simulation) addLine(format string, args ...any) {
	s.timeline = append(s.timeline, line{time.Since(s.start), format, args})
}

// told is a message of a workflow as it was encoded, which it prints as Go source. What user code does to the message later does not change it.
type told struct {
	decode  func(workflow.Encoded) (any, error)
	encoded workflow.Encoded
}

func (t told) String() string {
	v, err := t.decode(t.encoded)
	if err != nil {
		return t.encoded.Type + string(t.encoded.Payload)
	}
	return literal(v)
}

// tellInput returns an input for a line. Something else than an input of the workflow is told at once.
func tellInput(w workflow.Erased, input any) any {
	return tell(input, w.EncodeInput, func(e workflow.Encoded) (any, error) { return w.DecodeInput(e.Type, e.Payload) })
}

// tellEvent is tellInput for an event.
func tellEvent(w workflow.Erased, event any) any {
	return tell(event, w.EncodeEvent, func(e workflow.Encoded) (any, error) {
		return w.DecodeEvent(store.StoredEvent{Type: e.Type, SchemaVersion: w.EventVersion(e.Type), Payload: e.Payload})
	})
}

func tell(v any, encode func(any) (workflow.Encoded, error), decode func(workflow.Encoded) (any, error)) any {
	var encoded workflow.Encoded
	err := callUser("encoding", func() (err error) {
		encoded, err = encode(v)
		return err
	})
	if err != nil {
		return literal(v)
	}
	return told{decode, encoded}
}

// noteChange tells of a change that was stored.
func (s *Simulation) noteChange(e *simEngine, c *store.Change) {
	var b strings.Builder
	for i, event := range c.Events {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(event.Type)
		b.Write(event.Payload)
	}
	for _, f := range c.Effects {
		b.WriteString("; effect " + f.Kind)
	}
	for _, t := range c.Timers {
		b.WriteString("; timer " + t.Key + " at +" + t.FireAt.Sub(s.start).String())
	}
	if len(c.Cancel) > 0 {
		b.WriteString("; cancels " + strings.Join(c.Cancel, ", "))
	}
	if c.Complete {
		b.WriteString("; complete")
	}
	s.note("stored     %s v%d: %s (engine %d)", c.Instance, c.NewVersion(), b.String(), e.number)
}
