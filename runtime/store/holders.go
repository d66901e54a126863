package store

import (
	"context"
	"fmt"
	"time"
)

// SnapshotHolders is the ability of a store to say what prevents the removal of dead rows, which were deleted or replaced.
type SnapshotHolders interface {
	// SnapshotHolders returns at most ten holders of snapshots, those that keep the oldest dead rows first.
	SnapshotHolders(ctx context.Context) ([]SnapshotHolder, error)
}

// SnapshotHolder prevents the removal of dead rows. It is a session with an old snapshot or a long transaction, a replication
// slot whose standby has one, or a prepared transaction. Until it ends, the tables and their indexes grow, and reads over the
// dead rows become slower; see docs/operate/running.md.
type SnapshotHolder struct {
	Cell        string // of the database, if an admin.Admin of all cells of a cells.Router has listed it
	PID         int    // of the server's process; 0 for a prepared transaction, and for a slot that is not in use
	Slot        string // name of a replication slot
	Prepared    string // identifier of a prepared transaction
	Database    string
	User        string
	Application string // application_name
	Client      string // address; empty for a local connection, or when the store may not see it
	State       string // active, idle in transaction, prepared; empty when the store may not see it
	Query       string // the beginning of the last statement; may hold data

	// Transactions is how many transactions have begun since then. The dead rows of all of them are kept.
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
	if h.Cell != "" {
		text = fmt.Sprintf("cell %q, %s", h.Cell, text)
	}
	return text + fmt.Sprintf(", %d transactions ago)", h.Transactions)
}
