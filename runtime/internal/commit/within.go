package commit

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// maxWithin is how often an input is decided within a caller's transaction. Its instance is locked, so only creations race;
// and a transaction whose isolation shows it one moment for ever would never see who was faster.
const maxWithin = 5

// Within takes an input into the caller's transaction. The engine's cache is not touched: what is not committed may never be.
func (x *Executor) Within(ctx context.Context, key store.InstanceKey, req Request) (Result, error) {
	tx := x.store.Within(req.Within)
	for round := 1; ; round++ {
		t := newTask(ctx, key, req)
		t.take()
		b := newBatch(x, &locked{beginner: tx, resolve: unresolved, log: x.config.Logger}, t)
		b.lent = true
		err := b.run(ctx, ctx)
		if call, is := err.(*failedCall); is {
			err = call.err
		}
		if t.answered() {
			for c := range b.stored {
				if len(c.change.Effects)+len(c.change.Timers) > 0 {
					return t.result, tx.Notify(ctx)
				}
			}
			return t.result, t.err
		}
		switch {
		case err == errCallerGone:
			return Result{}, cmp.Or(ctx.Err(), context.Canceled)
		case usererr.OwnIs(err, store.ErrDeadlock):
			return Result{}, fmt.Errorf("roll back the transaction and run all of it again; use instances in the same order in all transactions: %w", err)
		case usererr.OwnIs(err, store.ErrLocked):
			return Result{}, fmt.Errorf("end the other transaction sooner, or run this one again: %w", err)
		case err != nil && !usererr.OwnIs(err, store.ErrConflict):
			return Result{}, err
		}
		if round == maxWithin {
			return Result{}, fmt.Errorf("another commit changed the instance meanwhile; use READ COMMITTED, or run the transaction again: %w",
				cmp.Or(err, store.ErrConflict))
		}
	}
}

// unresolved leaves the error of a commit: one whose answer is lost is lost with the caller's transaction.
func unresolved(_ context.Context, _ store.Batch, err error) error { return err }
