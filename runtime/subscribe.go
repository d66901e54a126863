package runtime

import (
	"context"
	"fmt"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// EventsSince returns up to limit events after a position, see Feed.EventsSince. It needs no Run. It includes events of workflows
// that are not registered with the engine.
func (e *Engine) EventsSince(ctx context.Context, after FeedPosition, limit int, filters ...EventFilter) (store.FeedPage, error) {
	if limit < 1 {
		return store.FeedPage{}, &InvalidArgument{Argument: "the limit", Problem: fmt.Sprintf("is %d, it must be positive", limit)}
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

// FeedStatus says how far the feed can be read and, when transactions hold it up, which.
func (e *Engine) FeedStatus(ctx context.Context) (store.FeedStatus, error) {
	horizon, err := e.store.FeedHorizon(ctx)
	if err != nil || horizon.Settled >= horizon.Issued {
		return store.FeedStatus{FeedHorizon: horizon}, err
	}
	blockers, err := e.store.FeedBlockers(ctx)
	return store.FeedStatus{FeedHorizon: horizon, Blockers: blockers}, err
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
// An error of the store comes with an empty event. If the loop continues, Subscribe tries again after a pause. Two errors are the
// last: that of ctx when it has ended, and *FeedSetBack. The caller keeps the position: a subscription that starts again from
// the last position that was kept misses nothing. To keep it in one transaction with what was made of the events, use a Projection.
//
// Events of this process come at once, those of other processes within Config.PollInterval, or sooner while Run runs.
func (e *Engine) Subscribe(ctx context.Context, after FeedPosition, filters ...EventFilter) iter.Seq2[StoredEvent, error] {
	if err := checkPlace(after, filters); err != nil {
		return func(yield func(StoredEvent, error) bool) { yield(StoredEvent{}, err) }
	}
	return e.feed.Subscribe(ctx, after, filters...)
}
