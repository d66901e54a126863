package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// mark is the commit of a mark. It is a row of events in the place of the first event: who creates an instance and who marks its id meet at
// the key of the table. Its schema_version is the generation. Its global_sequence is below 0, so that no feed reads it.
const mark = -1

// The statements of [store.Cells].
const (
	readCell    = `SELECT store, name, list, oldest_list, revision FROM ironflow_cell`
	insertCell  = `INSERT INTO ironflow_cell (number, store, name, list, oldest_list, revision) VALUES (1, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`
	replaceCell = `UPDATE ironflow_cell SET store = ?, name = ?, list = ?, oldest_list = ?, revision = revision + 1 WHERE revision = ?`
	oldestList  = `SELECT oldest_list FROM ironflow_cell`

	isCreated  = `SELECT 1 FROM ironflow_instances WHERE instance = ? AND workflow = ?`
	insertMark = `
INSERT INTO ironflow_events (global_sequence, instance, workflow, version, type, schema_version, payload, recorded_at, commit_id)
VALUES ((SELECT min(0, coalesce(min(global_sequence), 0)) - 1 FROM ironflow_events), ?, ?, 1, '', ?, '{}', 0, -1) ON CONFLICT DO NOTHING`
	deleteMark = `
DELETE FROM ironflow_events WHERE instance = ? AND workflow = ? AND version = 1 AND commit_id = -1 AND schema_version <= ?`
	deleteMarks = `
DELETE FROM ironflow_events WHERE global_sequence IN (
    SELECT global_sequence FROM ironflow_events WHERE global_sequence < 0 AND commit_id = -1 AND schema_version <= ? LIMIT ?)`

	freeKeptKeys = `
DELETE FROM ironflow_unique_keys WHERE instance = ?1 AND workflow = ?2 AND (?3 = '' OR key = ?3)
  AND NOT EXISTS (SELECT 1 FROM ironflow_instances AS i WHERE i.instance = ?1 AND i.workflow = ?2)`
)

// CellRecord implements [store.Cells].
func (s *Store) CellRecord(ctx context.Context) (record store.CellRecord, err error) {
	row := func(columns []driver.Value) error {
		record = store.CellRecord{
			Store: text(columns[0]), Name: text(columns[1]), List: []byte(text(columns[2])), OldestList: number(columns[3]), Revision: number(columns[4]),
		}
		return nil
	}
	if err = s.readers.read(ctx, func(on *connection) error { return on.query(row, readCell) }); err != nil {
		return store.CellRecord{}, fmt.Errorf("sqlite: read the cell's record: %w", err)
	}
	return record, nil
}

// PutCellRecord implements [store.Cells]. There is one writer at a time, so nothing is in progress when it returns.
func (s *Store) PutCellRecord(ctx context.Context, r store.CellRecord) error {
	return s.changeCell(ctx, "put the cell's record", func(on *connection) error {
		var changed int64
		var err error
		if r.Revision == 0 {
			changed, err = on.exec(insertCell, r.Store, r.Name, string(r.List), r.OldestList)
		} else {
			changed, err = on.exec(replaceCell, r.Store, r.Name, string(r.List), r.OldestList, r.Revision)
		}
		if err == nil && changed == 0 {
			err = store.ErrConflict
		}
		return err
	})
}

func (s *Store) changeCell(ctx context.Context, what string, change func(on *connection) error) error {
	if err := s.writer.write(ctx, change); err != nil {
		return fmt.Errorf("sqlite: %s: %w", what, err)
	}
	return nil
}

// Mark implements [store.Cells].
func (s *Store) Mark(ctx context.Context, generation int64, instances []store.InstanceKey) (exist []store.InstanceKey, err error) {
	err = s.changeCell(ctx, "mark instances", func(on *connection) error {
		exist = nil
		for _, key := range instances {
			created := false
			row := func([]driver.Value) error {
				created = true
				return nil
			}
			if err := on.query(row, isCreated, key.ID, key.Workflow); err != nil {
				return err
			}
			if created {
				exist = append(exist, key)
				continue
			}
			if _, err := on.exec(deleteMark, key.ID, key.Workflow, generation-1); err != nil {
				return err
			}
			if _, err := on.exec(insertMark, key.ID, key.Workflow, generation); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return exist, err
}

// Unmark implements [store.Cells].
func (s *Store) Unmark(ctx context.Context, generation int64, instances []store.InstanceKey) error {
	return s.changeCell(ctx, "unmark instances", func(on *connection) error {
		for _, key := range instances {
			if _, err := on.exec(deleteMark, key.ID, key.Workflow, generation); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// UnmarkAll implements [store.Cells].
func (s *Store) UnmarkAll(ctx context.Context, generation int64, limit int) (deleted int, err error) {
	err = s.changeCell(ctx, "delete marks", func(on *connection) error {
		n, err := on.exec(deleteMarks, generation, int64(limit))
		deleted = int(n)
		return err
	})
	return deleted, err
}

// KeepKeys implements [store.Cells].
func (s *Store) KeepKeys(ctx context.Context, keys []store.KeptKey) (holders []string, err error) {
	err = s.changeCell(ctx, "keep unique keys", func(on *connection) error {
		holders = nil
		for _, k := range keys {
			if _, err := on.exec(takeKey, k.Workflow, k.Key, k.Instance); err != nil {
				return err
			}
			row := func(columns []driver.Value) error {
				holders = append(holders, text(columns[0]))
				return nil
			}
			if err := on.query(row, keyHolder, k.Workflow, k.Key); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return holders, err
}

// FreeKeys implements [store.Cells].
func (s *Store) FreeKeys(ctx context.Context, keys []store.KeptKey) error {
	return s.changeCell(ctx, "free unique keys", func(on *connection) error {
		for _, k := range keys {
			if _, err := on.exec(freeKeptKeys, k.Instance, k.Workflow, k.Key); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// checkList refuses creations by a list of cells that is older than the store takes.
func checkList(on session, changes []store.Change) error {
	for i := range changes {
		c := &changes[i]
		if c.Version > 0 {
			continue
		}
		var oldest int64
		row := func(columns []driver.Value) error {
			oldest = number(columns[0])
			return nil
		}
		if err := on.query(row, oldestList); err != nil {
			return err
		}
		if oldest > c.List {
			return &store.Elsewhere{Instance: c.Instance, Generation: oldest}
		}
		break // those of an engine are the same
	}
	return nil
}
