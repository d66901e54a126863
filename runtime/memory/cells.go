package memory

import (
	"bytes"
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// CellRecord implements [store.Cells].
func (s *Store) CellRecord(ctx context.Context) (record store.CellRecord, err error) {
	err = s.read(ctx, "read the cell's record", func() error {
		record = s.cell
		record.List = bytes.Clone(record.List)
		return nil
	})
	return record, err
}

// PutCellRecord implements [store.Cells].
func (s *Store) PutCellRecord(ctx context.Context, record store.CellRecord) error {
	return s.write(ctx, "put the cell's record", func(t *transaction) error {
		if record.Revision != s.cell.Revision {
			return store.ErrConflict
		}
		record.Revision++
		record.List = bytes.Clone(record.List)
		set(t, &s.cell, record)
		return nil
	})
}

// Mark implements [store.Cells].
func (s *Store) Mark(ctx context.Context, generation int64, instances []store.InstanceKey) (exist []store.InstanceKey, err error) {
	err = s.write(ctx, "mark instances", func(t *transaction) error {
		for _, key := range instances {
			if _, exists := s.instances[key]; exists {
				exist = append(exist, key)
			} else if s.marks[key] < generation {
				put(t, s.marks, key, generation)
			}
		}
		return nil
	})
	return exist, err
}

// Unmark implements [store.Cells].
func (s *Store) Unmark(ctx context.Context, generation int64, instances []store.InstanceKey) error {
	return s.write(ctx, "unmark instances", func(t *transaction) error {
		for _, key := range instances {
			if s.marks[key] <= generation {
				drop(t, s.marks, key)
			}
		}
		return nil
	})
}

// UnmarkAll implements [store.Cells].
func (s *Store) UnmarkAll(ctx context.Context, generation int64, limit int) (deleted int, err error) {
	err = s.write(ctx, "unmark all instances", func(t *transaction) error {
		for key, of := range s.marks {
			if of <= generation && deleted < limit {
				drop(t, s.marks, key)
				deleted++
			}
		}
		return nil
	})
	return deleted, err
}

// KeepKeys implements [store.Cells].
func (s *Store) KeepKeys(ctx context.Context, keys []store.KeptKey) (holders []string, err error) {
	err = s.write(ctx, "keep unique keys", func(t *transaction) error {
		for _, k := range keys {
			key := uniqueKey{k.Workflow, k.Key}
			if _, held := s.keys[key]; !held {
				put(t, s.keys, key, k.Instance)
			}
			holders = append(holders, s.keys[key])
		}
		return nil
	})
	return holders, err
}

// FreeKeys implements [store.Cells].
func (s *Store) FreeKeys(ctx context.Context, keys []store.KeptKey) error {
	return s.write(ctx, "free unique keys", func(t *transaction) error {
		for _, k := range keys {
			if _, exists := s.instances[store.InstanceKey{Workflow: k.Workflow, ID: k.Instance}]; exists {
				continue
			}
			for key, holder := range s.keys {
				if key.workflow == k.Workflow && holder == k.Instance && (k.Key == "" || k.Key == key.key) {
					drop(t, s.keys, key)
				}
			}
		}
		return nil
	})
}
