package runtime

import (
	"context"
	"fmt"
	"math"
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
	return View[S]{State: typed, Version: instance.Version, Completed: instance.Completed, LastEventAt: instance.LastEventAt}, nil
}

// LoadStateAt returns the state of an instance as it was at a version: after that many of its events. It is made of these
// events by the evolver as it is today, and costs time in proportion to their number. Generated clients call it.
//
// An instance without events is *UnknownInstance, a version that it has not reached, or below 1, *UnknownVersion.
func LoadStateAt[S any](ctx context.Context, engine *Engine, workflow, id string, version int64) (View[S], error) {
	w, key, err := engine.known(workflow, id)
	if err != nil {
		return View[S]{}, err
	}
	if version < 1 {
		return View[S]{}, &UnknownVersion{Instance: key, Version: version}
	}
	view := View[S]{}
	var state any
	for view.Version < version {
		events, err := engine.store.History(ctx, key, view.Version, int(min(version-view.Version, historyPage)))
		if err != nil {
			return View[S]{}, err
		}
		if len(events) == 0 {
			return View[S]{}, noVersion(key, version, view.Version)
		}
		if state, err = w.replay(state, Instance{Key: key, Events: events}); err != nil {
			return View[S]{}, err
		}
		last := events[len(events)-1]
		view.Version, view.LastEventAt = last.Version, last.RecordedAt
	}
	if view.Completed, err = w.ended(state); err != nil {
		return View[S]{}, err
	}
	typed, ok := state.(S)
	if !ok {
		return View[S]{}, fmt.Errorf("%s: the state is a %T, not of the type this client expects", key, state)
	}
	view.State = typed
	return view, nil
}

// historyPage is how many events are read at once to make a state of them.
const historyPage = 1000

// noVersion says that an instance ends at another version than the one asked for.
func noVersion(key InstanceKey, version, newest int64) error {
	if newest == 0 {
		return &UnknownInstance{Instance: key}
	}
	return &UnknownVersion{Instance: key, Version: version, Newest: newest}
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
			Type:           stored.Type,
			Event:          typed,
		})
	}
	return history, nil
}

// History returns up to limit events of an instance after a version, oldest first, as they are stored; all when limit is
// 0. It is for tools that know no types; clients have a typed History. After the newest version there are none, which is
// no error. An instance without events is *UnknownInstance.
func (e *Engine) History(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error) {
	_, key, err := e.known(instance.Workflow, instance.ID)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = math.MaxInt32
	}
	events, err := e.store.History(ctx, key, max(after, 0), limit)
	if err != nil || len(events) > 0 {
		return events, err
	}
	// There may be none after the version, or none at all.
	first, err := e.store.History(ctx, key, 0, 1)
	if err == nil && len(first) == 0 {
		err = &UnknownInstance{Instance: key}
	}
	return nil, err
}

// known returns a workflow of this engine and the key of an instance of it.
func (e *Engine) known(workflow, id string) (*Workflow, InstanceKey, error) {
	key := InstanceKey{Workflow: workflow, ID: id}
	w, err := e.workflow(workflow)
	if err != nil {
		return nil, key, err
	}
	if err := checkIdentifier("instance id", id); err != nil {
		return nil, key, fmt.Errorf("workflow %s: %w", workflow, err)
	}
	return w, key, nil
}

// load reads an instance, from a snapshot on when that will do.
func (e *Engine) load(ctx context.Context, workflow, id string, fromSnapshot bool) (*Workflow, Instance, error) {
	w, key, err := e.known(workflow, id)
	if err != nil {
		return nil, Instance{}, err
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
