package ironflowtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Answer is the answer that a client got to an input.
type Answer struct {
	Accepted  bool
	Events    []any // of an accepted input
	Rejection any   // of a rejected input; nil if the instance had completed
}

// maxSends is how often a client sends an input whose answer is lost.
const maxSends = 20

// Send sends an input as a client does, and waits for the answer. If the answer is lost because an engine crashes, it sends the input
// again with the same input id. Effects of the decision wait until a later step, such as Advance. An error fails the run; a rejection is
// not an error.
func (s *Simulation) Send(input any) Answer {
	w, prepared := s.recipient(input)
	at := s.nth(fmt.Sprintf("send %s to %s/%s", prepared.Name, w.Name(), prepared.Instance))
	kind := s.faultAt(opSend, at)
	if kind != 0 {
		s.note("FAULT      %v at %s", kind, at)
	}
	if kind == ClockJump {
		jump := time.Minute
		if s.plan.chance("jump "+at)%2 == 0 {
			jump = -jump
		}
		s.engines[0].offset.Add(int64(jump))
	}
	answer := s.send(w, prepared, input, at)
	if kind == SendTwice {
		s.send(w, prepared, input, at+" again")
	}
	return answer
}

// recipient finds the workflow of an input.
func (s *Simulation) recipient(input any) (*workflow.Workflow, workflow.PreparedInput) {
	if len(s.workflows) == 0 {
		s.Fatalf("Send: no workflow runs; call Start first")
	}
	var errs []error
	for _, w := range s.workflows {
		prepared, err := w.Prepare(input)
		if err == nil {
			return w, prepared
		}
		errs = append(errs, err)
	}
	s.Fatalf("Send %T: %v", input, errors.Join(errs...))
	return nil, workflow.PreparedInput{}
}

func (s *Simulation) send(w *workflow.Workflow, prepared workflow.PreparedInput, input any, at string) Answer {
	id := runtime.WithInputID(at)
	asked := tellInput(w.Erased, prepared.Value)
	for try := range maxSends {
		e := s.engines[0]
		if n := uint64(len(s.engines)); n > 1 {
			e = s.engines[s.plan.chance(fmt.Sprintf("engine of %s, %d", at, try))%n]
		}
		var outcome runtime.Outcome[any, any]
		var err error
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			outcome, err = runtime.Execute[any, any](s.ctx, e.engine, w.Name(), input, id)
		}()
		done := func() bool {
			select {
			case <-answered:
				return true
			default:
				return e.dead.Load()
			}
		}
		if !s.drive(time.Now().Add(time.Hour), done) {
			s.Fatalf("Send %s: there is no answer after an hour", prepared.Name)
		}
		switch {
		case e.dead.Load(), errors.Is(err, runtime.ErrOutcomeUnknown), errors.Is(err, context.Canceled):
			continue
		case err != nil:
			s.Fatalf("Send %s: %v", literal(input), err)
		}
		s.note("send       %s → %s", asked, answerTold(w, outcome))
		return Answer{Accepted: outcome.Accepted(), Events: outcome.Events, Rejection: outcome.Rejection}
	}
	s.Fatalf("Send %s: there is no answer after %d tries", prepared.Name, maxSends)
	return Answer{}
}

// answerTold returns an outcome for a line.
func answerTold(w *workflow.Workflow, o runtime.Outcome[any, any]) any {
	switch {
	case o.Accepted() && len(o.Events) == 1:
		return tellEvent(w.Erased, o.Events[0])
	case o.Accepted():
		texts := make([]string, len(o.Events))
		for i, e := range o.Events {
			texts[i] = literal(e)
		}
		return strings.Join(texts, ", ")
	case o.Rejection != nil:
		return "rejected: " + literal(o.Rejection)
	}
	return "the instance is complete"
}

// Wander takes random steps. A step sends one of the inputs, delivers pending effects and timers, or lets time pass, often until the next
// timer is due. If the run fails, the report leaves out the steps that the failure does not need.
func (s *Simulation) Wander(steps int, inputs ...any) {
	s.wanders++
	if !s.plan.draw {
		for _, step := range s.plan.steps {
			if step.wander == s.wanders {
				s.take(step)
			}
		}
		return
	}
	for i := range steps {
		draw := s.plan.chance(fmt.Sprintf("wander %d, step %d", s.wanders, i))
		step := wanderStep{wander: s.wanders}
		switch choice := draw % 8; {
		case choice < 4 && len(inputs) > 0:
			step.input = inputs[draw/8%uint64(len(inputs))]
		case choice < 6:
		default:
			step.pass = int64(s.passing(draw / 8))
		}
		s.take(step)
	}
}

// passing is for how long time passes in a step.
func (s *Simulation) passing(draw uint64) time.Duration {
	due := s.nextDue()
	if until := time.Until(due); !due.IsZero() && until > 0 {
		switch draw % 4 {
		case 0:
			return until
		case 1:
			return until / 2
		case 2:
			return until + time.Second
		}
	}
	return []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[draw/4%4]
}

func (s *Simulation) take(step wanderStep) {
	s.steps = append(s.steps, step)
	switch {
	case step.input != nil:
		s.Send(step.input)
	case step.pass == 0:
		s.RunUntilIdle()
	default:
		s.Advance(time.Duration(step.pass))
	}
}
