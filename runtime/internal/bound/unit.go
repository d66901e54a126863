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
	ctx context.Context, t target, within *boundedTransaction, cell Cell, requests []store.ReadRequest, begin func(context.Context, []store.ReadRequest) (store.UnitOfWork, error),
) (store.UnitOfWork, error) {
	if err := store.ValidateRequests(requests); err != nil {
		return nil, err
	}
	work, err := Answered(ctx, t.Limit, "Begin", func(ctx context.Context) (store.UnitOfWork, error) { return begin(ctx, requests) },
		func(late store.UnitOfWork) { _ = late.Rollback(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	u := &boundedUnit{target: target{t.Limit, work, t.seal}, within: within, cell: cell}
	u.instances, err = t.seal.instances(ctx, u.keys())(work.Instances(), nil)
	if u.instances, err = placed(ctx, cell, u.instances, err); err != nil {
		return nil, errors.Join(err, u.Rollback(ctx))
	}
	return u, nil
}

// boundedUnit is a UnitOfWork whose calls all end. One that was given up keeps the unit of work: nobody else may use it.
type boundedUnit struct {
	target
	within    *boundedTransaction // which commits; nil if Commit does
	cell      Cell
	busy      atomic.Bool // a call has not returned
	instances []store.Instance
}

func (u *boundedUnit) Instances() []store.Instance { return u.instances }

// keys are where the keys of subjects are read while the unit of work is open; nil for the store.
func (u *boundedUnit) keys() subjectKeys {
	if u.within != nil {
		return u.within
	}
	if _, reads := u.on.(subjectKeys); reads {
		return unitKeys{u}
	}
	return nil
}

// unitKeys reads keys on the connection of a unit of work.
type unitKeys struct{ *boundedUnit }

func (u unitKeys) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return ask1(ctx, u.target, "SubjectKeys", subjectKeys.SubjectKeys, subjects)
}

func (u *boundedUnit) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if err := u.validate(changes); err != nil {
		return errors.Join(err, u.Rollback(ctx))
	}
	if u.cell != nil {
		if err := u.cell.Storing(ctx, changes); err != nil {
			return errors.Join(err, u.Rollback(ctx))
		}
	}
	sealed, err := u.seal.changes(ctx, u.keys(), changes)
	if err != nil {
		return errors.Join(err, u.Rollback(ctx))
	}
	err = tell(ctx, u.target, "Commit", func(on store.UnitOfWork, ctx context.Context) error {
		u.busy.Store(true)
		defer u.busy.Store(false)
		return on.Commit(ctx, id, sealed.changes)
	})
	if err == nil && u.cell != nil {
		u.cell.Stored(changes)
	}
	if u.within == nil {
		sealed.stored(err)
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
	return beginBounded(ctx, t.target, &t, nil, requests, t.on.(store.Transaction).Begin)
}

func (t boundedTransaction) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return t.seal.outcomes(ctx, t, inputs)(ask1(ctx, t.target, "InputOutcomes", store.Transaction.InputOutcomes, inputs))
}

func (t boundedTransaction) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	sealed, err := t.seal.records(ctx, t, inputs)
	if err != nil {
		return err
	}
	return tell1(ctx, t.target, "RecordInputs", store.Transaction.RecordInputs, sealed.records)
}

func (t boundedTransaction) SubjectKeys(ctx context.Context, subjects []string) ([]store.SubjectKey, error) {
	return ask1(ctx, t.target, "SubjectKeys", store.Transaction.SubjectKeys, subjects)
}

func (t boundedTransaction) Notify(ctx context.Context) error {
	return tell(ctx, t.target, "Notify", store.Transaction.Notify)
}
