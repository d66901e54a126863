package runtime_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// errBroken is what a store says that a test has broken.
var errBroken = errors.New("the database is on fire")

// faulty is a store whose calls fail, wait or lie as a test says.
type faulty struct {
	Store

	mu     sync.Mutex
	begin  func() error
	commit func(ctx context.Context, commit func(context.Context) error) error
	claim  func(name store.QueueName, call func() ([]store.Delivery, error)) ([]store.Delivery, error)
	extend func(call func() ([]runtime.Lease, error)) ([]runtime.Lease, error)
	settle func(call func() ([]runtime.Lease, error)) ([]runtime.Lease, error)
	feed   func() error
}

func (f *faulty) setBegin(fault func() error) { f.set(func() { f.begin = fault }) }
func (f *faulty) setCommit(fault func(context.Context, func(context.Context) error) error) {
	f.set(func() { f.commit = fault })
}
func (f *faulty) setClaim(fault func(store.QueueName, func() ([]store.Delivery, error)) ([]store.Delivery, error)) {
	f.set(func() { f.claim = fault })
}
func (f *faulty) setExtend(fault func(func() ([]runtime.Lease, error)) ([]runtime.Lease, error)) {
	f.set(func() { f.extend = fault })
}
func (f *faulty) setSettle(fault func(func() ([]runtime.Lease, error)) ([]runtime.Lease, error)) {
	f.set(func() { f.settle = fault })
}

func (f *faulty) setFeed(fault func() error) { f.set(func() { f.feed = fault }) }

func (f *faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func get[T any](f *faulty, field *T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *field
}

func (f *faulty) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	if err := f.beginFault(); err != nil {
		return nil, err
	}
	return f.Store.Read(ctx, requests)
}

func (f *faulty) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if err := f.beginFault(); err != nil {
		return nil, err
	}
	work, err := f.Store.Begin(ctx, requests)
	if err != nil {
		return nil, err
	}
	return faultyWork{work, f}, nil
}

func (f *faulty) beginFault() error {
	if fault := get(f, &f.begin); fault != nil {
		return fault()
	}
	return nil
}

func (f *faulty) EventsSince(
	ctx context.Context, after runtime.FeedPosition, limit int, filters ...runtime.EventFilter,
) (store.FeedPage, error) {
	if fault := get(f, &f.feed); fault != nil {
		if err := fault(); err != nil {
			return store.FeedPage{}, err
		}
	}
	return f.Store.EventsSince(ctx, after, limit, filters...)
}

func (f *faulty) Append(ctx context.Context, batch store.Batch) error {
	if fault := get(f, &f.commit); fault != nil {
		return fault(ctx, func(ctx context.Context) error { return f.Store.Append(ctx, batch) })
	}
	return f.Store.Append(ctx, batch)
}

func (f *faulty) Effects() store.Queue {
	return faultyQueue{f.Store.Effects(), f, store.EffectQueue}
}
func (f *faulty) Timers() store.Queue { return faultyQueue{f.Store.Timers(), f, store.TimerQueue} }

type faultyWork struct {
	store.UnitOfWork
	store *faulty
}

func (w faultyWork) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if fault := get(w.store, &w.store.commit); fault != nil {
		return fault(ctx, func(ctx context.Context) error { return w.UnitOfWork.Commit(ctx, id, changes) })
	}
	return w.UnitOfWork.Commit(ctx, id, changes)
}

type faultyQueue struct {
	store.Queue
	store *faulty
	name  store.QueueName
}

func (f *faulty) ClaimLimited(ctx context.Context, claim store.LimitedClaim) (claimed store.LimitedClaimed, err error) {
	call := func() (store.LimitedClaimed, error) { return f.Store.ClaimLimited(ctx, claim) }
	fault := get(f, &f.claim)
	if fault == nil {
		return call()
	}
	deliveries, err := fault(store.EffectQueue, func() ([]store.Delivery, error) {
		claimed, err = call()
		return claimed.Deliveries, err
	})
	claimed.Deliveries = deliveries
	return claimed, err
}

func (q faultyQueue) Claim(ctx context.Context, claim store.Claim) ([]store.Delivery, error) {
	call := func() ([]store.Delivery, error) { return q.Queue.Claim(ctx, claim) }
	if fault := get(q.store, &q.store.claim); fault != nil {
		return fault(q.name, call)
	}
	return call()
}

func (q faultyQueue) Extend(ctx context.Context, leases []runtime.Lease, until time.Time) ([]runtime.Lease, error) {
	call := func() ([]runtime.Lease, error) { return q.Queue.Extend(ctx, leases, until) }
	if fault := get(q.store, &q.store.extend); fault != nil {
		return fault(call)
	}
	return call()
}

func (q faultyQueue) Settle(ctx context.Context, settlements []store.Settlement) ([]runtime.Lease, error) {
	call := func() ([]runtime.Lease, error) { return q.Queue.Settle(ctx, settlements) }
	if fault := get(q.store, &q.store.settle); fault != nil {
		return fault(call)
	}
	return call()
}

// apart is a store whose instances are served apart from the batches: what a batch wants to read is told to have been overtaken.
type apart struct {
	Store
	instances map[runtime.InstanceKey]bool // nil for all
}

func (a apart) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	for _, r := range requests {
		if !r.Completed && (a.instances == nil || a.instances[r.Instance]) { // a query asks for completed ones, too
			return nil, store.ErrConflict
		}
	}
	return a.Store.Read(ctx, requests)
}
