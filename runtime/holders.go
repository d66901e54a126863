package runtime

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// watchSnapshots logs harmful snapshots until ctx ends: when one is found, and every ten minutes while it is held.
func (e *Engine) watchSnapshots(ctx context.Context) {
	if !bound.Has[store.SnapshotHolders](e.store) {
		return
	}
	const again = 10 * time.Minute
	var nextLog time.Time
	logged := false
	for bound.Sleep(ctx, store.SystemClock{}, max(e.config.SnapshotHeldAfter/4, time.Millisecond)) {
		holders, err := e.admin.SnapshotHolders(ctx)
		switch {
		case err != nil: // the other callers of the store log it
		case len(holders) == 0 && logged:
			logged, nextLog = false, time.Time{}
			e.config.Logger.InfoContext(ctx, "ironflow: no old snapshot is held any more; the database can remove dead rows again")
		case len(holders) > 0 && time.Now().After(nextLog):
			logged, nextLog = true, time.Now().Add(again)
			h := holders[0]
			e.config.Logger.WarnContext(ctx, "ironflow: an old snapshot keeps dead rows in the tables", "holder", h.String(),
				"holder_pid", h.PID, "holder_since", h.Since, "transactions", h.Transactions)
		}
	}
}
