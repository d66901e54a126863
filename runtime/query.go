package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// View is the state of an instance at a version.
type View[S any] struct {
	State       S
	Version     int64
	Completed   bool      // at that version
	LastEventAt time.Time // when the last event up to this version was recorded
}

// LoadState returns the current state of an instance. Generated clients call it. If the instance has no events, the error is
// *UnknownInstance.
func LoadState[S any](ctx context.Context, engines Engines, workflow, id string) (View[S], error) {
	engine, err := engines.EngineOf(ctx, InstanceKey{Workflow: workflow, ID: id})
	if err != nil {
		return View[S]{}, err
	}
	_, view, err := engine.view(ctx, workflow, id)
	return typedView[S](InstanceKey{Workflow: workflow, ID: id}, view, err)
}

// LoadStateAt returns the state of an instance at a version: after that many of its events. Today's evolver folds these events,
// so the cost grows with their number. Generated clients call it.
//
// If the instance has no events, the error is *UnknownInstance. If the version is below 1 or above the newest, it is
// *UnknownVersion.
func LoadStateAt[S any](ctx context.Context, engines Engines, workflow, id string, version int64) (View[S], error) {
	engine, err := engines.EngineOf(ctx, InstanceKey{Workflow: workflow, ID: id})
	if err != nil {
		return View[S]{}, err
	}
	_, view, err := engine.viewAt(ctx, workflow, id, version)
	return typedView[S](InstanceKey{Workflow: workflow, ID: id}, view, err)
}

func typedView[S any](key InstanceKey, view View[any], err error) (View[S], error) {
	if err != nil {
		return View[S]{}, err
	}
	typed, ok := view.State.(S)
	if !ok {
		return View[S]{}, fmt.Errorf("%s: the state is a %T, not of the type this client expects", key, view.State)
	}
	return View[S]{State: typed, Version: view.Version, Completed: view.Completed, LastEventAt: view.LastEventAt}, nil
}

// StateDynamic is LoadState for callers without the workflow's types: the state is JSON.
func (e *Engine) StateDynamic(ctx context.Context, workflow, id string) (View[json.RawMessage], error) {
	return encodedView(e.view(ctx, workflow, id))
}

// StateAtDynamic is LoadStateAt for callers without the workflow's types: the state is JSON.
func (e *Engine) StateAtDynamic(ctx context.Context, workflow, id string, version int64) (View[json.RawMessage], error) {
	return encodedView(e.viewAt(ctx, workflow, id, version))
}

func encodedView(w *Workflow, view View[any], err error) (View[json.RawMessage], error) {
	if err != nil {
		return View[json.RawMessage]{}, err
	}
	state, err := w.EncodeState(view.State)
	if err != nil {
		return View[json.RawMessage]{}, fmt.Errorf("workflow %s: the state: %w", w.Name(), err)
	}
	return View[json.RawMessage]{State: state, Version: view.Version, Completed: view.Completed, LastEventAt: view.LastEventAt}, nil
}

func (e *Engine) view(ctx context.Context, workflow, id string) (*Workflow, View[any], error) {
	w, instance, err := e.load(ctx, workflow, id, true)
	if err != nil {
		return nil, View[any]{}, err
	}
	state, err := e.executor.Replay(ctx, w, nil, instance)
	if err != nil {
		return nil, View[any]{}, err
	}
	return w, View[any]{State: state, Version: instance.Version, Completed: instance.Completed, LastEventAt: instance.LastEventAt}, nil
}

func (e *Engine) viewAt(ctx context.Context, workflow, id string, version int64) (*Workflow, View[any], error) {
	w, key, err := e.known(workflow, id)
	if err != nil {
		return nil, View[any]{}, err
	}
	if version < 1 {
		return nil, View[any]{}, &UnknownVersion{Instance: key, Version: version}
	}
	view := View[any]{}
	for view.Version < version {
		events, err := e.historyOf(ctx, key, view.Version, int(min(version-view.Version, historyPage)))
		if err != nil {
			return nil, View[any]{}, err
		}
		if len(events) == 0 {
			return nil, View[any]{}, noVersion(key, version, view.Version)
		}
		if view.State, err = e.executor.Replay(ctx, w, view.State, store.Instance{Key: key, Events: events}); err != nil {
			return nil, View[any]{}, err
		}
		last := events[len(events)-1]
		view.Version, view.LastEventAt = last.Version, last.RecordedAt
	}
	if view.Completed, err = w.Ended(view.State); err != nil {
		return nil, View[any]{}, err
	}
	return w, view, nil
}

// StatesDynamic returns the states of an instance as JSON: after each of its events, from the one with the version from on. A version below 1
// stands for 1. Today's evolver folds the events before them as well, so the cost grows with their number. After an error, which the last pair
// has, the loop ends. If the workflow is not registered, the error is also errors.ErrUnsupported. There are no states after the newest version, nor of an instance without events.
func (e *Engine) StatesDynamic(ctx context.Context, instance InstanceKey, from int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		w, key, err := e.known(instance.Workflow, instance.ID)
		if unknown := (*UnknownWorkflow)(nil); errors.As(err, &unknown) {
			err = fmt.Errorf("%w (%w)", err, errors.ErrUnsupported)
		}
		var state any
		for version := int64(0); err == nil; {
			// Events before from are folded together, as many as are read at once, and the others one by one.
			before := from - 1 - version
			limit := int64(historyPage)
			if before > 0 {
				limit = min(limit, before)
			}
			var events []store.StoredEvent
			if events, err = e.historyOf(ctx, key, version, int(limit)); err != nil || len(events) == 0 {
				break
			}
			version = events[len(events)-1].Version
			if before > 0 {
				state, err = e.executor.Replay(ctx, w, state, store.Instance{Key: key, Events: events})
				continue
			}
			for i := range events {
				if state, err = e.executor.Replay(ctx, w, state, store.Instance{Key: key, Events: events[i : i+1]}); err != nil {
					break
				}
				var text json.RawMessage
				if text, err = w.EncodeState(state); err != nil {
					break
				}
				if !yield(text, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// historyPage is how many events LoadStateAt reads at once.
const historyPage = 1000

// noVersion returns the error for a version that the instance does not have.
func noVersion(key InstanceKey, version, newest int64) error {
	if newest == 0 {
		return &UnknownInstance{Instance: key}
	}
	return &UnknownVersion{Instance: key, Version: version, Newest: newest}
}

// Recorded is an event of an instance's history.
type Recorded[E any] struct {
	Version        int64
	GlobalSequence int64
	RecordedAt     time.Time
	Type           string // as declared
	Event          E
}

// LoadHistory returns all events of an instance, oldest first. Generated clients call it. If the instance has no events, the
// error is *UnknownInstance.
func LoadHistory[E any](ctx context.Context, engines Engines, workflow, id string) ([]Recorded[E], error) {
	engine, err := engines.EngineOf(ctx, InstanceKey{Workflow: workflow, ID: id})
	if err != nil {
		return nil, err
	}
	w, instance, err := engine.load(ctx, workflow, id, false)
	if err != nil {
		return nil, err
	}
	history := make([]Recorded[E], 0, len(instance.Events))
	for _, stored := range instance.Events {
		event, err := w.DecodeEvent(stored)
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

// historyOf reads a page of events.
func (e *Engine) historyOf(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error) {
	return bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]StoredEvent, error) { return e.store.History(ctx, instance, after, limit) })
}

// storedHistory is History with events that can be decoded: in History, a text stands for values that are erased.
func (e *Engine) storedHistory(ctx context.Context, instance InstanceKey, after int64, limit int) ([]StoredEvent, error) {
	if w := e.workflows[instance.Workflow]; w == nil || w.Personal() == nil {
		return e.History(ctx, instance, after, limit)
	}
	if _, err := e.History(ctx, instance, after, 1); err != nil { // whose errors are the same
		return nil, err
	}
	if limit > 0 {
		return e.historyOf(ctx, instance, after, limit)
	}
	var events []StoredEvent
	for {
		page, err := e.historyOf(ctx, instance, after, 1000)
		if err != nil || len(page) == 0 {
			return events, err
		}
		events, after = append(events, page...), page[len(page)-1].Version
	}
}

// HistoryDynamic is History with the events in the form of today's declaration: an event that was stored before a field was added
// has that field too.
func (e *Engine) HistoryDynamic(ctx context.Context, instance InstanceKey, after int64, limit int) ([]Recorded[Encoded], error) {
	stored, err := e.storedHistory(ctx, instance, after, limit)
	if err != nil {
		return nil, err
	}
	return e.encodedHistory(instance.Workflow, stored)
}

// HistoryPage is HistoryDynamic for a limit of at least 1. It also reports whether more events follow the page.
func (e *Engine) HistoryPage(
	ctx context.Context, instance InstanceKey, after int64, limit int,
) (page []Recorded[Encoded], more bool, err error) {
	stored, err := e.storedHistory(ctx, instance, after, limit+1) // one more event says whether more follow
	if err != nil {
		return nil, false, err
	}
	if more = len(stored) > limit; more {
		stored = stored[:limit]
	} else if store.FullPage(stored) || len(stored) > 0 && e.workflows[instance.Workflow].Personal() != nil { // whose page is larger in the store
		next, err := e.historyOf(ctx, instance, stored[len(stored)-1].Version, 1)
		if err != nil {
			return nil, false, err
		}
		more = len(next) > 0
	}
	page, err = e.encodedHistory(instance.Workflow, stored)
	return page, more, err
}

func (e *Engine) encodedHistory(workflow string, stored []StoredEvent) ([]Recorded[Encoded], error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return nil, err
	}
	history := make([]Recorded[Encoded], 0, len(stored))
	for i := range stored {
		s := &stored[i]
		event, err := w.DecodeEvent(*s)
		if err != nil {
			return nil, err
		}
		encoded, err := w.EncodeEvent(event)
		if err != nil {
			return nil, err
		}
		history = append(history, Recorded[Encoded]{
			Version: s.Version, GlobalSequence: s.GlobalSequence, RecordedAt: s.RecordedAt, Type: s.Type, Event: encoded,
		})
		s.Payload = nil // replaced by the encoded form
	}
	return history, nil
}

// known returns a registered workflow and the key of an instance of it.
func (e *Engine) known(workflow, id string) (*Workflow, InstanceKey, error) {
	key := InstanceKey{Workflow: workflow, ID: id}
	w, err := e.workflow(workflow)
	if err != nil {
		return nil, key, err
	}
	if err := store.CheckIdentifier(store.InstanceID, id); err != nil {
		return nil, key, fmt.Errorf("workflow %s: %w", workflow, err)
	}
	return w, key, nil
}

// load reads an instance. With fromSnapshot it may begin at a snapshot.
func (e *Engine) load(ctx context.Context, workflow, id string, fromSnapshot bool) (*Workflow, store.Instance, error) {
	w, key, err := e.known(workflow, id)
	if err != nil {
		return nil, store.Instance{}, err
	}
	read := store.ReadRequest{Instance: key, Completed: true}
	if fromSnapshot {
		read.Schema = w.Schema()
	}
	instances, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]store.Instance, error) { return e.store.Read(ctx, []store.ReadRequest{read}) })
	if err != nil {
		return nil, store.Instance{}, err
	}
	instance := instances[0]
	if instance.Elsewhere != nil {
		return nil, store.Instance{}, instance.Elsewhere
	}
	if instance.Version == 0 {
		return nil, store.Instance{}, &UnknownInstance{Instance: key}
	}
	return w, instance, nil
}
