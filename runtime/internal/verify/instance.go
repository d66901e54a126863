package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// instance is one that is verified.
type instance struct {
	c        *Config
	found    *telemetry.Verification
	summary  store.InstanceSummary
	workflow *workflow.Workflow
	snapshot *store.Snapshot // that the program would use; nil for none

	state   any   // at version; nil before the first event
	version int64 // that was folded
	failed  bool  // the events cannot be folded any further
}

// problem reports something. Its text has no payload.
func (v *instance) problem(kind telemetry.ProblemKind, name string, err error) {
	p := telemetry.Problem{
		Kind: kind, Workflow: v.summary.Key.Workflow, Name: name, Count: 1, Examples: []store.InstanceKey{v.summary.Key}, Code: v.code(kind, err),
	}
	if err != nil {
		p.Error = err.Error()
	}
	v.found.Add(p)
}

// missing reports fields that a payload does not have.
func (v *instance) missing(what, name, code string, fields []string) {
	for _, field := range fields {
		v.found.Add(telemetry.Problem{
			Kind: telemetry.MissingField, Workflow: v.summary.Key.Workflow, Name: what + " " + name + "." + field, Count: 1,
			Examples: []store.InstanceKey{v.summary.Key}, Error: "it has no default, and is read as zero", Code: code,
		})
	}
}

var errStuck = errors.New("the evolver did not return")

// fold folds the next events.
func (v *instance) fold(events []store.StoredEvent) {
	if s := v.snapshot; s != nil && s.Version > v.version && s.Version <= v.version+int64(len(events)) {
		until := int(s.Version - v.version)
		v.foldAll(events[:until])
		v.compareSnapshot(s)
		events = events[until:]
	}
	v.foldAll(events)
}

func (v *instance) foldAll(events []store.StoredEvent) {
	if v.failed || len(events) == 0 {
		return
	}
	state, err := v.replay(v.state, events)
	if err != nil {
		v.failed = true
		v.unreadable(events, err)
		return
	}
	for _, e := range events {
		v.missing("event", e.Type, fieldAdded, v.workflow.MissingInEvent(e))
	}
	v.state, v.version = state, v.version+int64(len(events))
	v.found.Events += int64(len(events))
}

// unreadable names the event that cannot be folded.
func (v *instance) unreadable(events []store.StoredEvent, err error) {
	if errors.Is(err, errStuck) {
		v.problem(telemetry.StuckEvolver, "", err)
		return
	}
	state, name := v.state, ""
	for i := range events {
		var failed error
		if state, failed = v.replay(state, events[i:i+1]); failed != nil {
			name, err = events[i].Type, failed
			break
		}
	}
	v.problem(telemetry.UnreadableHistory, name, err)
}

// replay folds events, and does not wait for an evolver that does not return.
func (v *instance) replay(state any, events []store.StoredEvent) (any, error) {
	type result struct {
		state any
		err   error
	}
	done := make(chan result, 1)
	in := store.Instance{Key: v.summary.Key, Version: events[len(events)-1].Version, Events: events}
	w := v.workflow
	go func() {
		var r result
		_ = usererr.Call(func() (err error) {
			r.state, err = w.Replay(state, in)
			return err
		}, func(err error) {
			r.err = err
			done <- r
		})
	}()
	timer := time.NewTimer(v.c.FoldTimeout)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.state, r.err
	case <-timer.C:
		return nil, fmt.Errorf("%w within %v", errStuck, v.c.FoldTimeout)
	}
}

// compareSnapshot compares a snapshot with the state at its version.
func (v *instance) compareSnapshot(s *store.Snapshot) {
	if v.failed {
		return
	}
	v.found.Snapshots++
	state, err := v.workflow.Replay(nil, store.Instance{Key: v.summary.Key, Version: s.Version, Snapshot: s})
	if err != nil {
		v.problem(telemetry.UnreadableSnapshot, "", err)
		return
	}
	kept, errKept := v.workflow.EncodeState(state)
	made, errMade := v.workflow.EncodeState(v.state)
	if err := errors.Join(errKept, errMade); err != nil || !bytes.Equal(kept, made) {
		v.problem(telemetry.OtherSnapshot, "", err)
	}
}

// compare compares the state with what was recorded when it was made.
func (v *instance) compare() {
	v.found.Instances++
	if v.failed || v.state == nil {
		return
	}
	if status := v.workflow.Status(v.state); status != v.summary.Status && v.summary.Status != "" {
		v.problem(telemetry.OtherStatus, v.summary.Status, fmt.Errorf("the recorded status is %q, the events lead to %q", v.summary.Status, status))
	}
	ended, err := v.workflow.Ended(v.state)
	switch {
	case err != nil:
		v.problem(telemetry.UnreadableHistory, "", err)
	case ended && !v.summary.Completed():
		v.problem(telemetry.OtherEnd, "", errors.New("the instance is active, and the events lead to an end"))
	case !ended && v.summary.Completed():
		v.problem(telemetry.OtherEnd, "", errors.New("the instance has completed, and the events do not lead to an end"))
	}
}

// rest verifies what an instance has beside its events.
func (v *instance) rest(r *store.InstancePayloads) {
	for i := range r.Effects {
		if d := &r.Effects[i]; v.kind(store.EffectQueue, d.Kind) {
			if err := v.effect(d); err != nil {
				v.problem(telemetry.UnreadableEffect, d.Kind.Name, err)
			}
		}
	}
	for i := range r.Timers {
		d := &r.Timers[i]
		if !v.kind(store.TimerQueue, d.Kind) {
			continue
		}
		if _, err := v.workflow.DecodeInput(d.Kind.Name, d.Payload); err != nil {
			v.problem(telemetry.UnreadableTimer, d.Kind.Name, err)
			continue
		}
		v.missing("input", d.Kind.Name, inputFields, v.workflow.MissingInInput(d.Kind.Name, d.Payload))
	}
	for _, o := range r.Outcomes {
		v.found.Outcomes++
		if err := commit.CheckOutcome(v.workflow, o); err != nil {
			v.problem(telemetry.UnreadableOutcome, "", err)
		}
	}
}

// kind counts a delivery, and reports whether the program delivers its kind.
func (v *instance) kind(queue store.QueueName, kind store.Kind) bool {
	counted, orphaned := &v.found.Effects, telemetry.OrphanedEffect
	if queue == store.TimerQueue {
		counted, orphaned = &v.found.Timers, telemetry.OrphanedTimer
	}
	*counted++
	if !v.c.Delivers(queue, kind) {
		v.problem(orphaned, kind.Name, nil)
		return false
	}
	if m := v.workflow.DeclaredMachine(); m != nil && queue == store.TimerQueue && !accepts(m, kind.Name) {
		v.problem(telemetry.RefusedTimer, kind.Name, errors.New("no state accepts the input"))
	}
	return true
}

func accepts(m *workflow.Machine, input string) bool {
	return slices.ContainsFunc(m.States, func(s workflow.MachineState) bool {
		return slices.ContainsFunc(s.Accepts, func(t workflow.Transition) bool { return t.Input == input && t.Reject == "" })
	})
}

func (v *instance) effect(d *store.DeliveryPayload) error {
	if _, is := commit.ParentOfEnd(d.Kind); is {
		var end commit.ChildEnd
		return workflow.ReadJSON(d.Payload, &end)
	}
	encoded := workflow.Encoded{Type: d.Kind.Name, Payload: json.RawMessage(d.Payload)}
	_, err := v.workflow.DecodeEffect(encoded)
	if err == nil {
		v.missing("effect", d.Kind.Name, effectFields, v.workflow.MissingInEffect(encoded))
	}
	return err
}
