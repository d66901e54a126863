package await

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// waiter is a caller that waits.
type waiter struct {
	hub     *Hub
	watches map[store.InstanceKey]*watched
	woken   chan struct{} // has a value when one of them may have moved
}

func (h *Hub) join() *waiter {
	return &waiter{hub: h, watches: make(map[store.InstanceKey]*watched), woken: make(chan struct{}, 1)}
}

// watch adds an instance.
func (w *waiter) watch(key store.InstanceKey) {
	if w.watches[key] != nil {
		return
	}
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop == nil {
		h.start()
	}
	on := h.watched[key]
	if on == nil {
		on = &watched{waiters: make(map[*waiter]struct{})}
		h.watched[key] = on
		h.count.Add(1)
		if h.workflows[key.Workflow]++; h.following != nil && !h.following[key.Workflow] {
			signal(h.refilter)
		}
		h.stale[key] = on
		signal(h.kick)
	}
	on.waiters[w] = struct{}{}
	w.watches[key] = on
}

// leave ends the wait.
func (w *waiter) leave() {
	h := w.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pending, w)
	for key, on := range w.watches {
		if delete(on.waiters, w); len(on.waiters) > 0 {
			continue
		}
		delete(h.watched, key)
		delete(h.stale, key)
		h.count.Add(-1)
		if h.workflows[key.Workflow]--; h.workflows[key.Workflow] == 0 {
			delete(h.workflows, key.Workflow)
		}
	}
	if len(h.watched) == 0 && h.stop != nil {
		h.stop()
		h.stop, h.following, h.failure = nil, nil, nil
	}
}

// wait returns when an instance may have moved, or with the error of ctx.
func (w *waiter) wait(ctx context.Context) error {
	select {
	case <-w.woken:
		return nil
	case <-ctx.Done():
	}
	w.hub.mu.Lock()
	failure := w.hub.failure
	w.hub.mu.Unlock()
	if failure != nil {
		return fmt.Errorf("%w; the store: %w", ctx.Err(), failure)
	}
	return ctx.Err()
}

// Until waits until met accepts the summary of an instance, and returns it. met is called with each summary that the hub sees; the hub
// does not see those between two commits in quick succession. It must return quickly. Its error ends the wait.
//
// An instance that does not exist has Version 0. If it existed before, the error is *store.UnknownInstance: it was deleted.
func (h *Hub) Until(ctx context.Context, key store.InstanceKey, met func(store.InstanceSummary) (bool, error)) (store.InstanceSummary, error) {
	w := h.join()
	defer w.leave()
	w.watch(key)
	on, existed := w.watches[key], false
	for {
		h.mu.Lock()
		summary, known, err := on.summary, on.known, on.err
		h.mu.Unlock()
		if err != nil {
			return summary, err
		}
		if known {
			if existed && summary.Version == 0 {
				return summary, &store.UnknownInstance{Instance: key}
			}
			existed = summary.Version > 0
			if done, err := met(summary); done || err != nil {
				return summary, err
			}
		}
		if err := w.wait(ctx); err != nil {
			return summary, err
		}
	}
}

// Deliveries waits until look finds no effect that is still to be delivered. look is called again when an effect that it found may be
// delivered, or something happened to the instance of such an effect. Its error ends the wait, unless the store may recover from it.
func (h *Hub) Deliveries(ctx context.Context, look func(context.Context) (pending []store.Lease, err error)) error {
	w := h.join()
	defer func() { w.leave() }()
	for failures := 0; ; {
		pending, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && recoverable(err):
			failures++
			h.failed(ctx, err)
			pause(ctx, failures)
			continue
		case err != nil || len(pending) == 0:
			return err
		}
		failures = 0
		if w.expect(pending) {
			continue // something may have happened before the hub heard of these
		}
		if err := w.wait(ctx); err != nil {
			return err
		}
	}
}

// expect notes which effects the caller waits for. It reports whether it has not waited for all of them before.
func (w *waiter) expect(pending []store.Lease) (more bool) {
	instances := make(map[store.InstanceKey]bool)
	for _, lease := range pending {
		instances[lease.Instance] = true
		if w.watches[lease.Instance] == nil {
			more = true
			w.watch(lease.Instance)
		}
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.hub.pending[w] = pending
	return more
}

// retries are the pauses after reads that fail.
var retries = backoff.Backoff{Base: 100 * time.Millisecond, Max: time.Second}

// pause waits before the next attempt.
func pause(ctx context.Context, failures int) {
	bound.Sleep(ctx, store.SystemClock{}, retries.Pause(failures))
}
