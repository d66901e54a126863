package runtime

import (
	"context"
	"fmt"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EventsSince returns up to limit events after a position; see store.Feed. It includes events of workflows that are not
// registered with the engine, and works without Run.
func (e *Engine) EventsSince(ctx context.Context, after FeedPosition, limit int, filters ...EventFilter) (store.FeedPage, error) {
	if limit < 1 {
		return store.FeedPage{}, &InvalidArgument{Argument: "the limit", Problem: fmt.Sprintf("is %d; it must be positive", limit)}
	}
	if err := checkPlace(after, filters); err != nil {
		return store.FeedPage{}, err
	}
	return e.store.EventsSince(ctx, after, limit, filters...)
}

func checkPlace(after FeedPosition, filters []EventFilter) error {
	if err := store.CheckArgument("the position", after); err != nil {
		return err
	}
	return store.CheckArgument("EventFilter", filters)
}

// Subscribe returns the events after a position, and then new events as they are stored, until ctx or the loop over them ends:
//
//	for event, err := range engine.Subscribe(ctx, position, runtime.EventFilter{Workflow: "order"}) {
//		if err != nil {
//			return err
//		}
//		position = event.Position()
//	}
//
// After an error of the store, the event is empty. If the loop continues, Subscribe tries again after a pause. Two errors end the
// loop: the error of ctx when it has ended, and *FeedSetBack. The caller stores the position: a later subscription from that
// position misses nothing. To store the position in the same transaction as the rows that you make from the events, use a
// Projection.
//
// Events of this process arrive at once, events of other processes within Config.PollInterval, or sooner while Run runs.
func (e *Engine) Subscribe(ctx context.Context, after FeedPosition, filters ...EventFilter) iter.Seq2[StoredEvent, error] {
	if err := checkPlace(after, filters); err != nil {
		return func(yield func(StoredEvent, error) bool) { yield(StoredEvent{}, err) }
	}
	return e.feed.Subscribe(ctx, after, filters...)
}
