package runtime

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// fewTransactions is the number of transactions below which an old snapshot is not reported, however long it is held.
const fewTransactions = 1000

// snapshotHolders returns the harmful ones: they are older than Config.SnapshotHeldAfter, and keep the dead rows of more than a
// few transactions.
func (e *Engine) snapshotHolders(ctx context.Context) (harmful []store.SnapshotHolder, err error) {
	holders, err := e.store.SnapshotHolders(ctx)
	now := e.config.Clock.Now()
	for _, h := range holders {
		if h.Transactions >= fewTransactions && (h.Since.IsZero() || now.Sub(h.Since) >= e.config.SnapshotHeldAfter) {
			harmful = append(harmful, h)
		}
	}
	return harmful, err
}

// watchSnapshots logs harmful snapshots until ctx ends: when one is found, and every ten minutes while it is held.
func (e *Engine) watchSnapshots(ctx context.Context) {
	if !bound.Has[store.SnapshotHolders](e.store) {
		return
	}
	const again = 10 * time.Minute
	var nextLog time.Time
	logged := false
	for bound.Sleep(ctx, store.SystemClock{}, max(e.config.SnapshotHeldAfter/4, time.Millisecond)) {
		holders, err := e.snapshotHolders(ctx)
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
