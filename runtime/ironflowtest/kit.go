package ironflowtest

import (
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// TB is the part of [testing.TB] that the kit needs. *testing.T, *testing.B, *testing.F and *rapid.T have it.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Epoch is the time of a test that sets no time: midnight UTC on 2000-01-01, as in a bubble of testing/synctest.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Kit tests a workflow whose state, inputs, events, effects and rejections have the types S, I, E, F and R. The test files of the
// workflow's package have a generated type Kit with these types, and a function NewKit. A kit is immutable: tests that run in parallel
// can share it.
type Kit[S, I, E, F, R any] struct {
	workflow *workflow.Workflow
}

// NewKit returns the kit of a workflow. Generated code calls it.
func NewKit[S, I, E, F, R any](w *workflow.Workflow) *Kit[S, I, E, F, R] {
	return &Kit[S, I, E, F, R]{workflow: w}
}

// Given begins a test with an instance that has the given events. Without events, the instance does not exist yet. The evolver folds the
// events; a history that the declaration forbids fails the test.
//
//	kit.Given(t, Created{TotalCents: 700}).
//		When(Pay{AmountCents: 699}).
//		Rejected(Underpaid{MissingCents: 1})
func (k *Kit[S, I, E, F, R]) Given(t TB, history ...E) *Scenario[S, I, E, F, R] {
	t.Helper()
	s := k.scenario(t)
	for _, event := range history {
		encoded, err := s.encodeEvent(event)
		if err != nil {
			t.Fatalf("Given: %v", err)
		}
		s.add(encoded)
	}
	s.fold("Given")
	return s
}

// GivenStored is Given for events as a store holds them, also those of older schema versions. The time of the next decision is not before
// the time of the last event.
func (k *Kit[S, I, E, F, R]) GivenStored(t TB, history ...store.StoredEvent) *Scenario[S, I, E, F, R] {
	t.Helper()
	s := k.scenario(t)
	for _, stored := range history {
		s.add(store.NewEvent{Type: stored.Type, SchemaVersion: max(stored.SchemaVersion, 1), Payload: stored.Payload})
		if at := store.StoredTime(stored.RecordedAt); at.After(s.now) {
			s.now = at
		}
	}
	s.fold("GivenStored")
	return s
}

// Stored returns an event for GivenStored. payload has the fields of the event as JSON. "ironflow-gen testfrom" writes calls of Stored.
func Stored(recordedAt time.Time, event string, schemaVersion int, payload string) store.StoredEvent {
	return store.StoredEvent{Type: event, SchemaVersion: schemaVersion, Payload: []byte(payload), RecordedAt: recordedAt}
}

// Explore is the function [Explore] for the workflow of the kit. Invariants must hold in every state, besides those of the Exploration: an
// error says what is wrong with a state. An invariant must not change the state.
//
//	kit.Explore(t, ironflowtest.Exploration{Depth: 5}, func(s State) error {
//		if s.TotalCents < 0 {
//			return fmt.Errorf("the total is %d", s.TotalCents)
//		}
//		return nil
//	})
func (k *Kit[S, I, E, F, R]) Explore(t testing.TB, e Exploration, invariants ...func(S) error) Explored {
	t.Helper()
	e.Invariants = slices.Clone(e.Invariants)
	for _, holds := range invariants {
		e.Invariants = append(e.Invariants, Invariant(holds))
	}
	return Explore(t, k.workflow, e)
}

// Verify is the function [Verify] for the workflow of the kit. Invariants must hold in every state, as for Explore.
//
//	kit.Verify(t, ironflowtest.Verification{})
func (k *Kit[S, I, E, F, R]) Verify(t testing.TB, v Verification, invariants ...func(S) error) Verified {
	t.Helper()
	v.Invariants = slices.Clone(v.Invariants)
	for _, holds := range invariants {
		v.Invariants = append(v.Invariants, Invariant(holds))
	}
	return Verify(t, k.workflow, v)
}

// Simulate is the function [Simulate] for the workflow of the kit, which is started before script is called. The workflow's own handlers are
// called only after [Simulation.UseHandlers]; they are the same values in all runs. A simulation of several workflows, or with projections,
// needs the function.
func (k *Kit[S, I, E, F, R]) Simulate(t *testing.T, script func(s *Simulation), options ...SimulateOption) {
	t.Helper()
	Simulate(t, func(s *Simulation) {
		s.Start(k.workflow)
		script(s)
	}, options...)
}

func (k *Kit[S, I, E, F, R]) scenario(t TB) *Scenario[S, I, E, F, R] {
	t.Helper()
	if err := k.workflow.Err(); err != nil {
		t.Fatalf("%v", err)
	}
	s := &Scenario[S, I, E, F, R]{t: t, w: k.workflow, now: Epoch, in: callersPackage()}
	s.key = store.InstanceKey{Workflow: k.workflow.Name(), ID: "under-test"}
	t.Cleanup(func() {
		t.Helper()
		s.checkAsserted()
	})
	return s
}
