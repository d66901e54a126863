package await

import (
	"context"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Events returns the events of an instance after a version, and then new ones as they are stored. read returns a page of them, oldest
// first. The loop ends after the last event of an instance that has completed, with an error, or with that of ctx. An instance that does
// not exist yet is waited for.
func (h *Hub) Events(
	ctx context.Context, key store.InstanceKey, after int64, read func(ctx context.Context, after int64) ([]store.StoredEvent, error),
) iter.Seq2[store.StoredEvent, error] {
	return func(yield func(store.StoredEvent, error) bool) {
		for {
			summary, err := h.Until(ctx, key, func(s store.InstanceSummary) (bool, error) { return s.Version > after || s.Completed(), nil })
			if err != nil {
				yield(store.StoredEvent{}, err)
				return
			}
			for after < summary.Version {
				page, err := read(ctx, after)
				if err == nil && len(page) == 0 {
					err = &store.UnknownInstance{Instance: key} // it was deleted meanwhile
				}
				if err != nil {
					yield(store.StoredEvent{}, err)
					return
				}
				for _, event := range page {
					if !yield(event, nil) {
						return
					}
					after = event.Version
				}
			}
			if summary.Completed() && after >= summary.Version {
				return
			}
		}
	}
}
