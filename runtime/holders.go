package runtime

import (
	"context"
	"fmt"
	"time"
)

// SnapshotHolders is a Store whose database keeps the rows that were deleted or replaced for as long as somebody may still see them.
type SnapshotHolders interface {
	Store

	// SnapshotHolders returns who keeps such rows in the store's tables, at most ten, the one that keeps the oldest first.
	SnapshotHolders(ctx context.Context) ([]SnapshotHolder, error)
}

// SnapshotHolder is somebody who keeps dead rows from being removed: a session with an old snapshot or a long transaction, a
// replication slot whose standby has one, or a prepared transaction. The tables and their indexes grow until it ends, and what reads
// over the dead rows becomes slower; see docs/operations.md.
type SnapshotHolder struct {
	PID         int    // of the server's process; 0 for a prepared transaction, and for a slot that nobody uses
	Slot        string // name of a replication slot
	Prepared    string // identifier of a prepared transaction
	Database    string
	User        string
	Application string // application_name
	Client      string // address; empty for a local connection, or when the store may not see it
	State       string // active, idle in transaction, prepared; empty when the store may not see it
	Query       string // the beginning of the last statement; may hold data

	// Transactions is how many transactions have begun since: dead rows of all of them are kept.
	Transactions int64

	// Since is when the transaction began. It is zero for a slot, and when the store may not see it: in PostgreSQL that takes the
	// role pg_read_all_stats.
	Since time.Time
}

func (h SnapshotHolder) String() string {
	who := fmt.Sprintf("process %d", h.PID)
	switch {
	case h.Slot != "":
		who = fmt.Sprintf("replication slot %q", h.Slot)
	case h.Prepared != "":
		who = fmt.Sprintf("prepared transaction %q", h.Prepared)
	}
	text := fmt.Sprintf("%s (database %q, user %q, application %q", who, h.Database, h.User, h.Application)
	if h.State != "" {
		text += ", " + h.State
	}
	if !h.Since.IsZero() {
		text += ", since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text + fmt.Sprintf(", %d transactions ago)", h.Transactions)
}

// fewTransactions is up to how many transactions ago a snapshot does no harm, however long it is held.
const fewTransactions = 1000

// harms reports whether the holder is worth a word: it has lasted for a time, and there was something to keep.
func (h SnapshotHolder) harms(now time.Time, after time.Duration) bool {
	return h.Transactions >= fewTransactions && (h.Since.IsZero() || now.Sub(h.Since) >= after)
}

// snapshotHolders returns those that are worth a word.
func (e *Engine) snapshotHolders(ctx context.Context) (harmful []SnapshotHolder, err error) {
	holders, err := e.store.snapshotHolders(ctx)
	now := e.config.Clock.Now()
	for _, h := range holders {
		if h.harms(now, e.config.SnapshotHeldAfter) {
			harmful = append(harmful, h)
		}
	}
	return harmful, err
}

// watchSnapshots logs who holds a snapshot for long, until ctx ends: when it is found, and every ten minutes while it lasts.
func (e *Engine) watchSnapshots(ctx context.Context) {
	if !e.store.hasSnapshotHolders() {
		return
	}
	const again = 10 * time.Minute
	var nextLog time.Time
	logged := false
	for sleepReal(ctx, max(e.config.SnapshotHeldAfter/4, time.Millisecond)) {
		holders, err := e.snapshotHolders(ctx)
		switch {
		case err != nil: // whatever ails the store, others say it
		case len(holders) == 0 && logged:
			logged, nextLog = false, time.Time{}
			e.config.Logger.InfoContext(ctx, "ironflow: no old snapshot is held any more, dead rows can be removed")
		case len(holders) > 0 && time.Now().After(nextLog):
			logged, nextLog = true, time.Now().Add(again)
			h := holders[0]
			e.config.Logger.WarnContext(ctx, "ironflow: an old snapshot keeps dead rows in the tables", "holder", h.String(),
				"holder_pid", h.PID, "holder_since", h.Since, "transactions", h.Transactions)
		}
	}
}
