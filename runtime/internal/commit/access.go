package commit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// access is a batch's way into the store. There are two: without locks, which finds out while it stores whether the instances are as they
// were read; and under their locks.
type access interface {
	load(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error)
	store(ctx context.Context, batch store.Batch) error
	end(ctx context.Context)

	InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs store.InputRecords) error
}

// unlocked takes any number of instances.
type unlocked struct{ *Executor }

func (u unlocked) load(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	instances, err := u.Executor.store.Read(ctx, requests)
	return instances, bound.FromStore(err)
}

func (u unlocked) store(ctx context.Context, batch store.Batch) error {
	if len(batch.Changes)+len(batch.Unchanged) == 0 {
		return nil
	}
	err := u.Executor.store.Append(ctx, batch)
	if len(batch.Changes) > 0 {
		err = u.resolve(ctx, batch, err)
	}
	return bound.FromStore(err)
}

func (unlocked) end(context.Context) {}

func (u unlocked) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return u.Executor.store.InputOutcomes(ctx, inputs)
}

func (u unlocked) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return u.Executor.store.RecordInputs(ctx, inputs)
}

// beginner is a Store, or a Transaction of the caller.
type beginner interface {
	Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error)
	InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs store.InputRecords) error
}

// locked takes the instances of one unit of work.
type locked struct {
	beginner
	log  *slog.Logger
	work store.UnitOfWork // nil before it begins, and after its end

	// resolve finds out what became of a commit whose answer may be lost. Within a transaction of the caller's it returns the error.
	resolve func(ctx context.Context, batch store.Batch, err error) error
}

func (l *locked) load(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	work, err := l.Begin(ctx, requests)
	if err != nil {
		return nil, bound.FromStore(err)
	}
	l.work = work
	return work.Instances(), nil
}

func (l *locked) store(ctx context.Context, batch store.Batch) error {
	if len(batch.Changes) == 0 {
		l.end(ctx) // it may have what RecordInputs waits for
		return nil
	}
	return bound.FromStore(l.resolve(ctx, batch, l.work.Commit(ctx, batch.Commit, batch.Changes)))
}

func (l *locked) end(ctx context.Context) {
	if l.work == nil {
		return
	}
	work := l.work
	l.work = nil
	if err := work.Rollback(ctx); err != nil {
		key := work.Instances()[0].Key
		l.log.WarnContext(ctx, "ironflow: rollback failed", "workflow", key.Workflow, "instance", key.ID, "error", err)
	}
}

// errNotFound is the ErrConflict of a commit whose answer was lost and that is not stored yet. It may still be: what was sent to the store may
// wait there, or on the way.
var errNotFound = fmt.Errorf("%w: the answer to the commit was lost, and it is not stored", store.ErrConflict)

// resolve finds out what became of a commit whose answer was lost. It returns nil when the changes are stored, errNotFound
// when they are not, and the given error when the store does not tell, or when it was the wait that ended and not the
// connection: then the commit may still be on its way, and what ran again could be stored twice.
func (x *Executor) resolve(ctx context.Context, batch store.Batch, lost error) error {
	if !usererr.OwnIs(lost, store.ErrOutcomeUnknown) {
		return lost
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.config.StoreTimeout)
	defer cancel()
	var stored bool
	first := &batch.Changes[0]
	err := bound.Retry(ctx, x.config.Clock, func() (err error) {
		stored, err = x.store.Committed(ctx, first.Instance, first.NewVersion(), batch.Commit)
		if err != nil { // a conflict, too, says nothing about the commit
			err = &bound.StoreError{Err: err}
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w; asking the store whether it is stored failed: %v", lost, err)
	case stored:
		return nil
	case timedOut(lost):
		return lost
	}
	return errNotFound
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
