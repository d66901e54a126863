package runtime

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// maxWithin is how often an input is decided within a caller's transaction. Its instance is locked, so only creations race;
// and a transaction whose isolation shows it one moment for ever would never see who was faster.
const maxWithin = 5

// within takes an input into the caller's transaction. The engine's cache is not touched: what is not committed may never be.
func (x *executor) within(ctx context.Context, key InstanceKey, req request) (result, error) {
	tx := x.store.within(req.within)
	for attempt := 1; ; attempt++ {
		r, change, err := x.decideAlone(ctx, ctx, tx, newTaken(ctx, key, req))
		if err == nil {
			if len(change.Effects)+len(change.Timers) > 0 {
				err = tx.Notify(ctx)
			}
			return r, err
		}
		switch {
		case usererr.OwnIs(err, ErrDeadlock):
			return result{}, fmt.Errorf("roll the transaction back and run all of it again, and take instances in one order: %w", err)
		case usererr.OwnIs(err, ErrLocked):
			return result{}, fmt.Errorf("end the other transaction sooner, or run this one again: %w", err)
		case !usererr.OwnIs(err, ErrConflict):
			return result{}, err
		}
		if attempt == maxWithin {
			return result{}, fmt.Errorf("others changed the instance meanwhile; use READ COMMITTED, or run the transaction again: %w", err)
		}
	}
}
