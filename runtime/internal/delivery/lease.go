package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// heldLeases are the leases of deliveries in progress.
type heldLeases struct {
	mu     sync.Mutex
	leases map[store.Lease]heldLease
	begun  chan struct{} // has a token when there is a lease after a time without any
}

type heldLease struct {
	kind   store.Kind
	until  time.Time
	cancel context.CancelCauseFunc // of the handler
}

func (h *heldLeases) add(d store.Delivery, until time.Time, cancel context.CancelCauseFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leases[d.Lease] = heldLease{d.Kind, until, cancel}
	if len(h.leases) == 1 {
		select {
		case h.begun <- struct{}{}:
		default:
		}
	}
}

func (h *heldLeases) remove(lease store.Lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.leases, lease)
}

// current reports whether a lease is held and has not run out.
func (h *heldLeases) current(lease store.Lease, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, ok := h.leases[lease]
	return ok && now.Before(held.until)
}

func (h *heldLeases) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.leases)
}

func (h *heldLeases) all() []store.Lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	leases := make([]store.Lease, 0, len(h.leases))
	for lease := range h.leases {
		leases = append(leases, lease)
	}
	return leases
}

// names returns the instances and kinds of the deliveries in progress, sorted.
func (h *heldLeases) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for lease, held := range h.leases {
		names = append(names, fmt.Sprintf("%s %s", lease.Instance, held.kind.Name))
	}
	slices.Sort(names)
	return names
}

// extended moves the end of leases. One that was removed meanwhile stays removed.
func (h *heldLeases) extended(leases []store.Lease, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, lease := range leases {
		if held, ok := h.leases[lease]; ok {
			held.until = until
			h.leases[lease] = held
		}
	}
}

// lose cancels the handlers of leases that are not held any more.
func (h *heldLeases) lose(leases []store.Lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, lease := range leases {
		if held, ok := h.leases[lease]; ok {
			held.cancel(&store.LeaseLost{Lease: lease})
		}
	}
}

// expired returns the leases that have run out because no heartbeat reached the store.
func (h *heldLeases) expired(now time.Time) []store.Lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	var leases []store.Lease
	for lease, held := range h.leases {
		if !now.Before(held.until) {
			leases = append(leases, lease)
		}
	}
	return leases
}

// beat extends the held leases, all in one call, until ctx ends. The context of a handler is cancelled when its lease is lost, or could
// not be extended in time: the store would refuse its result.
//
// A lease that has run out, because this process was suspended, is extended all the same, unless a claim has ended it: one of the same
// delivery, or one under a limit that the lease did not count for any more, see store.Limits.
func (w *worker) beat(ctx context.Context) {
	interval := w.config.Lease / 3
	for {
		if w.held.count() == 0 {
			select {
			case <-ctx.Done():
				return
			case <-w.held.begun:
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-w.config.Clock.After(interval):
		}
		now := w.config.Clock.Now()
		leases := w.held.all()
		if len(leases) == 0 {
			continue
		}
		until := store.StoredTime(now.Add(w.config.Lease))
		callCtx, cancel := context.WithTimeout(ctx, interval)
		lost, err := w.queue.Extend(callCtx, leases, until)
		cancel()
		if err == nil {
			w.held.lose(lost)
			kept := slices.DeleteFunc(leases, func(lease store.Lease) bool { return slices.Contains(lost, lease) })
			w.held.extended(kept, until) // lost ones keep the end that they had
			continue
		}
		if ctx.Err() == nil {
			w.config.Logger.ErrorContext(ctx, "ironflow: heartbeat failed", "leases", len(leases), "error", err)
		}
		w.held.lose(w.held.expired(w.config.Clock.Now()))
	}
}
