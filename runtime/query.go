package runtime

import (
	"context"
	"fmt"
)

// LoadState returns the state of an instance as of now. Generated clients call it. An instance without events is
// *UnknownInstance.
func LoadState[S any](ctx context.Context, engine *Engine, workflow, id string) (View[S], error) {
	w, instance, err := engine.load(ctx, workflow, id, true)
	if err != nil {
		return View[S]{}, err
	}
	state, err := w.replay(nil, instance)
	if err != nil {
		return View[S]{}, err
	}
	typed, ok := state.(S)
	if !ok {
		return View[S]{}, fmt.Errorf("%s: the state is a %T, not of the type this client expects", instance.Key, state)
	}
	return View[S]{State: typed, Version: instance.Version, Completed: instance.Completed}, nil
}

// LoadHistory returns all events of an instance, oldest first. Generated clients call it. An instance without events is
// *UnknownInstance.
func LoadHistory[E any](ctx context.Context, engine *Engine, workflow, id string) ([]Recorded[E], error) {
	w, instance, err := engine.load(ctx, workflow, id, false)
	if err != nil {
		return nil, err
	}
	history := make([]Recorded[E], 0, len(instance.Events))
	for _, stored := range instance.Events {
		event, err := w.decodeEvent(stored)
		if err != nil {
			return nil, err
		}
		typed, ok := event.(E)
		if !ok {
			return nil, fmt.Errorf("%s: event %T is not of the type this client expects", instance.Key, event)
		}
		history = append(history, Recorded[E]{
			Version:        stored.Version,
			GlobalSequence: stored.GlobalSequence,
			RecordedAt:     stored.RecordedAt,
			Event:          typed,
		})
	}
	return history, nil
}

// load reads an instance, from a snapshot on when that will do.
func (e *Engine) load(ctx context.Context, workflow, id string, fromSnapshot bool) (*Workflow, Instance, error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return nil, Instance{}, err
	}
	key := InstanceKey{Workflow: workflow, ID: id}
	if err := checkIdentifier("instance id", id); err != nil {
		return nil, Instance{}, fmt.Errorf("workflow %s: %w", workflow, err)
	}
	read := ReadRequest{Instance: key, Completed: true}
	if fromSnapshot {
		read.Schema = w.schema()
	}
	instances, err := e.store.Read(ctx, []ReadRequest{read})
	if err != nil {
		return nil, Instance{}, err
	}
	instance := instances[0]
	if instance.Version == 0 {
		return nil, Instance{}, &UnknownInstance{Instance: key}
	}
	return w, instance, nil
}
