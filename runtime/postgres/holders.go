package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// snapshotHolders returns who keeps VACUUM from removing rows of this database. A session counts by its snapshot and by its
// transaction id, whichever is older. Sessions of other databases keep nothing here, but standbys do, by their slots or by the
// process that sends to them. VACUUM itself does not count.
const snapshotHolders = `
SELECT h.age, h.pid, h.slot, h.gid, h.database, h.usename, h.application, h.client, h.state, h.query, h.since
FROM (
    SELECT greatest(age(a.backend_xmin), age(a.backend_xid)) AS age, a.pid, '' AS slot, '' AS gid, coalesce(a.datname::text, '') AS database,
           coalesce(a.usename::text, '') AS usename, coalesce(a.application_name, '') AS application,
           coalesce(host(a.client_addr), '') AS client, coalesce(a.state, '') AS state,
           coalesce(left(a.query, 200), '') AS query, a.xact_start AS since
    FROM pg_stat_activity a
    WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
      AND coalesce(a.datname = current_database(), true) AND a.backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT age(s.xmin), coalesce(s.active_pid, 0), s.slot_name::text, '', coalesce(s.database::text, ''), '', '', '',
           CASE WHEN s.active THEN 'active' ELSE 'inactive' END, '', NULL
    FROM pg_replication_slots s
    WHERE s.xmin IS NOT NULL
    UNION ALL
    SELECT age(p.transaction), 0, '', p.gid, p.database::text, p.owner::text, '', '', 'prepared', '', p.prepared
    FROM pg_prepared_xacts p
    WHERE p.database = current_database()
) h
ORDER BY h.age DESC
LIMIT 10`

// SnapshotHolders implements store.SnapshotHolders.
func (s *Store) SnapshotHolders(ctx context.Context) ([]store.SnapshotHolder, error) {
	scan := func(row pgx.CollectableRow) (h store.SnapshotHolder, err error) {
		var since *time.Time
		err = row.Scan(&h.Transactions, &h.PID, &h.Slot, &h.Prepared, &h.Database, &h.User, &h.Application, &h.Client, &h.State, &h.Query, &since)
		h.Since = orZero(since)
		return h, err
	}
	holders, err := queryRows(ctx, s.pool, scan, snapshotHolders)
	if err != nil {
		return nil, wrap(err, "find who holds old snapshots")
	}
	return holders, nil
}
