package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// appendWait is how long a batch waits for each of its locks. Whoever holds one for longer than a commit takes is not
// waited for: the rest of the batch would wait as well. The function append_change sets the same.
const appendWait = "50ms"

// Append implements store.Store. Its statements are a transaction without BEGIN and COMMIT, unless the database or the role has another
// isolation level than READ COMMITTED.
func (s *Store) Append(ctx context.Context, batch store.Batch) error {
	if len(batch.Changes) == 0 {
		return s.unchanged(ctx, batch.Unchanged)
	}
	if err := s.horizon.refuses(ctx); err != nil {
		return err
	}
	return s.pool.run(ctx, func(conn *lent) error {
		if !s.isolates.Load() {
			err := s.append(ctx, conn, batch, true)
			if !hasCode(err, refusedIsolation) {
				return err
			}
			s.isolates.Store(true)
		}
		return s.append(ctx, conn, batch, false)
	})
}

// append sends a batch, as an implicit transaction or with BEGIN and COMMIT around it.
func (s *Store) append(ctx context.Context, conn *lent, batch store.Batch, implicit bool) error {
	b := newChangeBatch(s.queries, batch.Changes)
	b.implicit = implicit
	if implicit && len(batch.Changes) == 1 && len(batch.Unchanged) == 0 && fitsAppendChange(&batch.Changes[0]) {
		b.queueAppendChange(batch.Commit, &batch.Changes[0])
		return b.commit(ctx, conn)
	}
	if implicit {
		b.Queue(s.queries.useIndexesIsolated, appendWait)
	} else {
		b.Queue(begin)
		b.Queue(useIndexesAndWait, appendWait)
	}
	if columns := newVersionColumns(batch.Unchanged); !columns.empty() {
		b.Queue(s.queries.checkVersions, columns.ids, columns.workflows, columns.versions, columns.last)
	}
	b.queueChanges(batch.Commit)
	if !implicit {
		b.Queue(commit)
	}
	return b.commit(ctx, conn)
}

// unchanged fails with ErrConflict when an instance is at another version. There is nothing to commit then, and so no
// transaction.
func (s *Store) unchanged(ctx context.Context, instances []store.InstanceVersion) error {
	columns := newVersionColumns(instances)
	if columns.empty() {
		return nil
	}
	var moved int64
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		batch.Queue(s.queries.readMoved, columns.ids, columns.workflows, columns.versions, columns.last).QueryRow(func(row pgx.Row) error {
			return row.Scan(&moved)
		})
	})
	if err != nil {
		return wrap(err, "check the version of %s", columns.describe())
	}
	if moved > 0 {
		return fmt.Errorf("postgres: check the version of %s: %w", columns.describe(), store.ErrConflict)
	}
	return nil
}

type versionColumns struct {
	instanceColumns
	versions []int64
	last     []int64 // commits of the events of these versions; 0 for any
}

func newVersionColumns(instances []store.InstanceVersion) versionColumns {
	n := len(instances)
	c := versionColumns{instanceColumns: newInstanceColumns(n), versions: make([]int64, n), last: make([]int64, n)}
	for i, instance := range instances {
		c.add(instance.Instance)
		c.versions[i], c.last[i] = instance.Version, int64(instance.LastCommit)
	}
	return c
}

func (c *versionColumns) describe() string {
	keys := make([]store.InstanceKey, len(c.ids))
	for i := range keys {
		keys[i] = c.at(i)
	}
	return describe(keys)
}

// Committed implements store.Store. It returns true only if the commit is as durable as one that was answered. The server may have
// stopped waiting for a synchronous standby; Committed then makes a commit of its own, which waits for the standby.
func (s *Store) Committed(
	ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID,
) (committed bool, err error) {
	err = s.pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(begin)
		batch.Queue(useIndexesAndWait, "0")
		batch.Queue(s.queries.awaitInsert, instance.ID, instance.Workflow)
		batch.Queue(s.queries.lockInstances, []string{instance.ID}, []string{instance.Workflow})
		batch.Queue(s.queries.hasEvent, instance.ID, instance.Workflow, version, int64(commit)).QueryRow(func(row pgx.Row) error {
			return row.Scan(&committed)
		})
		batch.Queue("ROLLBACK")
	})
	if err == nil && committed {
		err = s.pool.run(ctx, func(conn *lent) error {
			defer uncancelled(conn.Conn.Conn().PgConn())()
			var batch pgx.Batch
			batch.Queue(flush)
			return conn.send(ctx, &batch)
		})
	}
	if err != nil {
		return false, wrap(err, "find commit of %s", instance)
	}
	return committed, nil
}
