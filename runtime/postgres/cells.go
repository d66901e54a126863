package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// cellQueries are the statements of store.Cells.
type cellQueries struct {
	record, putRecord                               string
	replaceMarks, mark, marked, unmark, unmarkAll   string
	keepKeys, freeKeys, keyHolders, takeID, settled string
}

func newCellQueries(in func(sql string) string) cellQueries {
	return cellQueries{
		record: in(readCell), putRecord: in(putCell),
		replaceMarks: in(replaceMarks), mark: in(insertMarks), marked: in(readMarked), unmark: in(deleteMarks), unmarkAll: in(deleteAllMarks),
		keepKeys: in(insertUniqueKeys), freeKeys: in(freeKeptKeys), keyHolders: in(readKeyHolders), takeID: takeTransactionID, settled: olderEnded,
	}
}

// A mark is a row of events in the place of the first event: who creates an instance and who marks its id meet at the key of the table. Its
// commit is -1, which no commit has, and its schema_version is the generation. Its global_sequence is 0, so that no feed reads it.
const (
	readCell = `SELECT store, name, list::text, oldest_list, revision FROM ironflow.cell`

	putCell = `
WITH put AS (
    INSERT INTO ironflow.cell AS c (number, store, name, list, oldest_list, revision)
    SELECT 1, $1::text, $2::text, $3::json, $4::bigint, 1 WHERE $5::bigint = 0 OR EXISTS (SELECT FROM ironflow.cell)
    ON CONFLICT (number) DO UPDATE
    SET store = excluded.store, name = excluded.name, list = excluded.list, oldest_list = excluded.oldest_list, revision = c.revision + 1
    WHERE c.revision = $5::bigint
    RETURNING 1
)
SELECT ironflow.refuse('` + refusedConflict + `', 'the record of the cell is not at the revision that was read', '')
FROM (SELECT count(*) FROM put) AS done (count)
WHERE count = 0`

	replaceMarks = `
DELETE FROM ironflow.events e
USING unnest($1::text[], $2::text[]) AS k (instance, workflow)
WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = 1 AND e.commit_id = -1 AND e.schema_version < $3::int`

	insertMarks = `
INSERT INTO ironflow.events (instance, workflow, version, global_sequence, type, schema_version, payload, recorded_at, commit_id)
SELECT k.instance, k.workflow, 1, 0, '', $3::int, '{}', now(), -1
FROM unnest($1::text[], $2::text[]) AS k (instance, workflow)
ORDER BY k.instance COLLATE "C", k.workflow COLLATE "C"
ON CONFLICT (instance, workflow, version) DO NOTHING`

	// readMarked is a statement of its own after insertMarks, so that it sees the rows that the insert ran into.
	readMarked = `
SELECT k.number, e.commit_id = -1
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (instance, workflow, number)
CROSS JOIN LATERAL (
    SELECT e.commit_id FROM ironflow.events e WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = 1 OFFSET 0
) e`

	deleteMarks = `
DELETE FROM ironflow.events e
USING unnest($1::text[], $2::text[]) AS k (instance, workflow)
WHERE e.instance = k.instance AND e.workflow = k.workflow AND e.version = 1 AND e.commit_id = -1 AND e.schema_version <= $3::int`

	deleteAllMarks = `
WITH gone AS (
    DELETE FROM ironflow.events e
    USING (
        SELECT m.instance, m.workflow FROM ironflow.events m
        WHERE m.global_sequence = 0 AND m.commit_id = -1 AND m.schema_version <= $1::int
        LIMIT $2::bigint
    ) m
    WHERE e.instance = m.instance AND e.workflow = m.workflow AND e.version = 1 AND e.commit_id = -1 AND e.schema_version <= $1::int
    RETURNING 1
)
SELECT count(*) FROM gone`

	freeKeptKeys = `
DELETE FROM ironflow.unique_keys u
USING unnest($1::text[], $2::text[], $3::text[]) AS k (instance, workflow, key)
WHERE u.instance = k.instance AND u.workflow || '' = k.workflow AND (k.key = '' OR u.key = k.key)
  AND NOT EXISTS (SELECT FROM ironflow.instances i WHERE i.instance = k.instance AND i.workflow = k.workflow)`

	takeTransactionID = `SELECT pg_current_xact_id()::text::bigint`
	olderEnded        = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1::bigint`
)

// cellWait is how long a statement about marks waits for each lock: for a commit that is creating an instance.
const cellWait = "5s"

// changeCell runs statements as a transaction. Each sees what was committed before it.
func (s *Store) changeCell(ctx context.Context, fill func(batch *pgx.Batch)) error {
	for attempt := 1; ; attempt++ {
		err := s.pool.send(ctx, func(batch *pgx.Batch) {
			batch.Queue(begin)
			batch.Queue(useIndexesAndWait, cellWait)
			fill(batch)
			batch.Queue(commit)
		})
		if err == nil || attempt == attempts || !askedToRetry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(attempt) * 10 * time.Millisecond)):
		}
	}
}

// CellRecord implements store.Cells.
func (s *Store) CellRecord(ctx context.Context) (store.CellRecord, error) {
	found, err := queryRows(ctx, s.pool, func(row pgx.CollectableRow) (r store.CellRecord, err error) {
		return r, row.Scan(&r.Store, &r.Name, &r.List, &r.OldestList, &r.Revision)
	}, s.queries.cells.record)
	if err != nil {
		return store.CellRecord{}, wrap(err, "read the record of the cell")
	}
	if len(found) == 0 {
		return store.CellRecord{}, nil
	}
	return found[0], nil
}

// PutCellRecord implements store.Cells. A commit that does not see the new record had its transaction id before the one that is taken after it.
// So it waits until no older transaction is open, as the feed does.
func (s *Store) PutCellRecord(ctx context.Context, record store.CellRecord) error {
	err := s.changeCell(ctx, func(batch *pgx.Batch) {
		batch.Queue(s.queries.cells.putRecord, record.Store, record.Name, string(record.List), record.OldestList, record.Revision)
	})
	if hasCode(err, refusedConflict) {
		return fmt.Errorf("postgres: put the record of the cell: %w (%w)", store.ErrConflict, err)
	}
	if err != nil || record.OldestList == 0 {
		return wrapped(err, "put the record of the cell")
	}
	ids, err := queryRows(ctx, s.pool, pgx.RowTo[int64], s.queries.cells.takeID)
	for err == nil {
		var ended []bool
		if ended, err = queryRows(ctx, s.pool, pgx.RowTo[bool], s.queries.cells.settled, ids[0]); err != nil || ended[0] {
			break
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return wrapped(err, "wait for the transactions that are older than the record of the cell")
}

func wrapped(err error, doing string) error {
	if err == nil {
		return nil
	}
	return wrap(err, "%s", doing)
}

// Mark implements store.Cells.
func (s *Store) Mark(ctx context.Context, generation int64, instances []store.InstanceKey) (exist []store.InstanceKey, err error) {
	columns := newInstanceColumns(len(instances))
	for _, key := range instances {
		columns.add(key)
	}
	var marked []bool
	err = s.changeCell(ctx, func(batch *pgx.Batch) {
		exist, marked = nil, make([]bool, len(instances))
		batch.Queue(lookUp)
		batch.Queue(s.queries.cells.replaceMarks, columns.ids, columns.workflows, generation)
		batch.Queue(s.queries.cells.mark, columns.ids, columns.workflows, generation)
		batch.Queue(s.queries.cells.marked, columns.ids, columns.workflows).Query(func(rows pgx.Rows) error {
			var number int64
			var mark bool
			_, err := pgx.ForEachRow(rows, []any{&number, &mark}, func() error {
				marked[number-1] = true
				if !mark {
					exist = append(exist, instances[number-1])
				}
				return nil
			})
			return err
		})
	})
	for _, found := range marked {
		if err == nil && !found {
			err = store.ErrConflict // the row that the insert ran into has gone
		}
	}
	if err != nil {
		return nil, wrap(err, "mark %s", describe(instances))
	}
	return exist, nil
}

// Unmark implements store.Cells.
func (s *Store) Unmark(ctx context.Context, generation int64, instances []store.InstanceKey) error {
	columns := newInstanceColumns(len(instances))
	for _, key := range instances {
		columns.add(key)
	}
	err := s.changeCell(ctx, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		batch.Queue(s.queries.cells.unmark, columns.ids, columns.workflows, generation)
	})
	return wrapped(err, "unmark "+describe(instances))
}

// UnmarkAll implements store.Cells.
func (s *Store) UnmarkAll(ctx context.Context, generation int64, limit int) (deleted int, err error) {
	err = s.changeCell(ctx, func(batch *pgx.Batch) {
		batch.Queue(s.queries.cells.unmarkAll, generation, limit).QueryRow(func(row pgx.Row) error { return row.Scan(&deleted) })
	})
	return deleted, wrapped(err, "delete marks")
}

// KeepKeys implements store.Cells.
func (s *Store) KeepKeys(ctx context.Context, keys []store.KeptKey) (holders []string, err error) {
	columns, names := keptColumns(keys)
	err = s.changeCell(ctx, func(batch *pgx.Batch) {
		holders = make([]string, len(keys))
		batch.Queue(s.queries.cells.keepKeys, columns.ids, columns.workflows, names)
		batch.Queue(s.queries.cells.keyHolders, columns.workflows, names).Query(func(rows pgx.Rows) error {
			var number int64
			var holder string
			_, err := pgx.ForEachRow(rows, []any{&number, &holder}, func() error {
				holders[number-1] = holder
				return nil
			})
			return err
		})
	})
	for _, holder := range holders {
		if err == nil && holder == "" {
			err = errors.Join(store.ErrConflict, errors.New("a unique key was just freed"))
		}
	}
	return holders, wrapped(err, "keep unique keys")
}

func keptColumns(keys []store.KeptKey) (columns instanceColumns, names []string) {
	columns = newInstanceColumns(len(keys))
	for _, k := range keys {
		columns.add(store.InstanceKey{Workflow: k.Workflow, ID: k.Instance})
		names = append(names, k.Key)
	}
	return columns, names
}

// FreeKeys implements store.Cells.
func (s *Store) FreeKeys(ctx context.Context, keys []store.KeptKey) error {
	columns, names := keptColumns(keys)
	err := s.changeCell(ctx, func(batch *pgx.Batch) {
		batch.Queue(lookUp)
		batch.Queue(s.queries.cells.freeKeys, columns.ids, columns.workflows, names)
	})
	return wrapped(err, "free unique keys")
}
