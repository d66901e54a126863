package commit

import (
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
	for attempt := 1; ; attempt++ {
		r, change, err := x.decideAlone(ctx, ctx, tx, newTaken(ctx, key, req))
		if err == nil {
			if len(change.Effects)+len(change.Timers) > 0 {
				err = tx.Notify(ctx)
			}
			return r, err
		}
		switch {
		case usererr.OwnIs(err, store.ErrDeadlock):
			return Result{}, fmt.Errorf("roll the transaction back and run all of it again, and take instances in one order: %w", err)
		case usererr.OwnIs(err, store.ErrLocked):
			return Result{}, fmt.Errorf("end the other transaction sooner, or run this one again: %w", err)
		case !usererr.OwnIs(err, store.ErrConflict):
			return Result{}, err
		}
		if attempt == maxWithin {
			return Result{}, fmt.Errorf("others changed the instance meanwhile; use READ COMMITTED, or run the transaction again: %w", err)
		}
	}
}
