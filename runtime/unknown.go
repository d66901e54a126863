package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// unknownOf returns the kinds of deliveries in a queue that this program does not know.
func (e *Engine) unknownOf(queue store.QueueName, h telemetry.QueueHealth) (found []telemetry.UnknownStored) {
	for _, k := range h.Kinds {
		u, waits := commit.Unknown(queue, k)
		if k.Known || !waits {
			continue
		}
		if w := e.workflows[k.Kind.Workflow]; w != nil && queue == store.EffectQueue {
			o := w.EffectOptions()[k.Kind.Name]
			for _, target := range []*workflow.Target{o.Starts, o.Sends} {
				if target != nil && !target.Parent && e.workflows[target.Workflow] == nil {
					u.Target = target.Workflow
				}
			}
		}
		found = append(found, u)
	}
	return found
}

const (
	// eventTypeSample is how many of the oldest events, and of the newest, are searched for unknown types.
	eventTypeSample = 5000

	// eventTypesFor is how long the result of a search is used.
	eventTypesFor = time.Minute
)

// eventTypes caches the unknown types of stored events.
type eventTypes struct {
	mu    sync.Mutex
	at    time.Time // zero before the first search
	found []telemetry.UnknownStored
}

// unknownEvents returns the types of stored events that this program does not know.
func (e *Engine) unknownEvents(ctx context.Context) ([]telemetry.UnknownStored, error) {
	t := &e.eventTypes
	t.mu.Lock()
	defer t.mu.Unlock()
	now := e.config.Clock.Now()
	if !t.at.IsZero() && now.Sub(t.at).Abs() < eventTypesFor {
		return t.found, nil
	}
	types, err := e.store.EventTypes(ctx, eventTypeSample)
	if err != nil {
		return nil, fmt.Errorf("types of events: %w", err)
	}
	t.at, t.found = now, nil
	for _, stored := range types { // sorted by workflow
		u := telemetry.UnknownStored{What: telemetry.UnknownEventType, Workflow: stored.Workflow, Name: stored.Type, Count: stored.Count, Oldest: stored.Oldest}
		w := e.workflows[stored.Workflow]
		if w != nil {
			if knowsEvent(w, stored) {
				continue
			}
			t.found = append(t.found, u)
			continue
		}
		u.What, u.Name = telemetry.UnknownEvents, ""
		if n := len(t.found); n > 0 && t.found[n-1].What == telemetry.UnknownEvents && t.found[n-1].Workflow == u.Workflow {
			last := &t.found[n-1]
			last.Count += u.Count
			if u.Oldest.Before(last.Oldest) {
				last.Oldest = u.Oldest
			}
			continue
		}
		t.found = append(t.found, u)
	}
	return t.found, nil
}

// knowsEvent reports whether the workflow declares an event type. It does not compare fields.
func knowsEvent(w *Workflow, t store.EventType) bool {
	_, err := w.DecodeEvent(StoredEvent{
		Instance: InstanceKey{Workflow: w.Name()}, Type: t.Type, SchemaVersion: t.SchemaVersion, Payload: []byte("{}"),
	})
	var unknown *UnknownEvent
	return !errors.As(err, &unknown)
}

// maxUnknownLines is the largest number of warnings about unknown rows when an engine starts.
const maxUnknownLines = 20

// warnOfUnknown logs which stored deliveries and events this program does not know.
func (e *Engine) warnOfUnknown(ctx context.Context) {
	if !bound.Has[store.Inspection](e.store) {
		return
	}
	health, err := e.Health(ctx)
	if err != nil && ctx.Err() == nil {
		e.config.Logger.WarnContext(ctx, "ironflow: the search for deliveries and events that this program does not know failed", "error", err)
	}
	for i, u := range health.Unknown {
		if i == maxUnknownLines {
			e.config.Logger.WarnContext(ctx, "ironflow: the store has more that this program does not know; see Health.Unknown",
				"more", len(health.Unknown)-i)
			return
		}
		attrs := []any{"what", u.String(), "count", u.Count}
		if !u.Oldest.IsZero() {
			attrs = append(attrs, "oldest", u.Oldest, "age", health.At.Sub(u.Oldest))
		}
		e.config.Logger.WarnContext(ctx, "ironflow: the store has deliveries or events that this program does not know; they wait for a program that does", attrs...)
	}
}
