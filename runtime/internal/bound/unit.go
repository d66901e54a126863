package bound

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func beginBounded(
	ctx context.Context, l Limit, alone bool, requests []store.ReadRequest, begin func(context.Context, []store.ReadRequest) (store.UnitOfWork, error),
) (store.UnitOfWork, error) {
	if err := store.ValidateRequests(requests); err != nil {
		return nil, err
	}
	work, err := Answered(ctx, l, "Begin", func(ctx context.Context) (store.UnitOfWork, error) { return begin(ctx, requests) },
		func(late store.UnitOfWork) { _ = late.Rollback(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	return &boundedUnit{target: target{l, work}, alone: alone}, nil
}

// boundedUnit is a UnitOfWork whose calls all end. One that was given up keeps the unit of work: nobody else may use it.
type boundedUnit struct {
	target
	alone bool        // Commit commits, and does not leave that to the caller's transaction
	busy  atomic.Bool // a call has not returned
}

func (u *boundedUnit) Instances() []store.Instance { return u.on.(store.UnitOfWork).Instances() }

func (u *boundedUnit) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if err := u.validate(changes); err != nil {
		return errors.Join(err, u.Rollback(ctx))
	}
	err := tell(ctx, u.target, "Commit", func(on store.UnitOfWork, ctx context.Context) error {
		u.busy.Store(true)
		defer u.busy.Store(false)
		return on.Commit(ctx, id, changes)
	})
	if u.alone {
		err = unsure(err)
	}
	return err
}

// validate fails if changes cannot be committed together, or one is of an instance that was not given to Begin.
func (u *boundedUnit) validate(changes []store.Change) error {
	members := u.Instances()
	for i := range changes {
		key := changes[i].Instance
		if !slices.ContainsFunc(members, func(member store.Instance) bool { return member.Key == key }) {
			return fmt.Errorf("commit %s: the instance is not part of the unit of work", key)
		}
	}
	return store.ValidateChanges(changes)
}

// Rollback does not end with ctx, but with the limit. It does nothing while Commit has not returned, which ends the unit of work
// whatever comes of it.
func (u *boundedUnit) Rollback(ctx context.Context) error {
	if u.busy.Load() {
		return nil
	}
	return tell(context.WithoutCancel(ctx), u.target, "Rollback", store.UnitOfWork.Rollback)
}

// boundedTransaction is a Transaction of the caller whose calls all end.
type boundedTransaction struct{ target }

func (t boundedTransaction) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	return beginBounded(ctx, t.Limit, false, requests, t.on.(store.Transaction).Begin)
}

func (t boundedTransaction) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return ask1(ctx, t.target, "InputOutcomes", store.Transaction.InputOutcomes, inputs)
}

func (t boundedTransaction) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return tell1(ctx, t.target, "RecordInputs", store.Transaction.RecordInputs, inputs)
}

func (t boundedTransaction) Notify(ctx context.Context) error {
	return tell(ctx, t.target, "Notify", store.Transaction.Notify)
}
