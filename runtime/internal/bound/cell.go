package bound

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Cell is what package cells adds to one of several stores that share the instances of a system.
type Cell interface {
	// Read sets Instance.Elsewhere of instances that were read and are not for this store.
	Read(ctx context.Context, instances []store.Instance) error

	// Storing is called before changes are stored. It may change them; an error refuses them.
	Storing(ctx context.Context, changes []store.Change) error

	// Stored is called after changes were stored.
	Stored(changes []store.Change)
}

// InCell returns a store with its cell, for runtime.NewEngine.
func InCell(st store.Store, cell Cell) store.Store { return &inCell{st, cell} }

type inCell struct {
	store.Store
	cell Cell
}

// SplitCell returns a store without its cell, and the cell; nil for none.
func SplitCell(st store.Store) (store.Store, Cell) {
	if in, is := st.(*inCell); is {
		return in.Store, in.cell
	}
	return st, nil
}

// InCell makes the store one of several.
func (s *Store) InCell(cell Cell) { s.cell = cell }

// placed is for the result of a read.
func placed(ctx context.Context, cell Cell, instances []store.Instance, err error) ([]store.Instance, error) {
	if err == nil && cell != nil {
		err = cell.Read(ctx, instances)
	}
	return instances, err
}

func (s *Store) CellRecord(ctx context.Context) (store.CellRecord, error) {
	return ask(ctx, s.target, "CellRecord", store.Cells.CellRecord)
}

func (s *Store) PutCellRecord(ctx context.Context, record store.CellRecord) error {
	return tell1(ctx, s.target, "PutCellRecord", store.Cells.PutCellRecord, record)
}

func (s *Store) Mark(ctx context.Context, generation int64, instances []store.InstanceKey) ([]store.InstanceKey, error) {
	return ask2(ctx, s.target, "Mark", store.Cells.Mark, generation, instances)
}

func (s *Store) Unmark(ctx context.Context, generation int64, instances []store.InstanceKey) error {
	return tell(ctx, s.target, "Unmark", func(on store.Cells, ctx context.Context) error { return on.Unmark(ctx, generation, instances) })
}

func (s *Store) UnmarkAll(ctx context.Context, generation int64, limit int) (int, error) {
	return ask2(ctx, s.target, "UnmarkAll", store.Cells.UnmarkAll, generation, limit)
}

func (s *Store) KeepKeys(ctx context.Context, keys []store.KeptKey) ([]string, error) {
	return ask1(ctx, s.target, "KeepKeys", store.Cells.KeepKeys, keys)
}

func (s *Store) FreeKeys(ctx context.Context, keys []store.KeptKey) error {
	return tell1(ctx, s.target, "FreeKeys", store.Cells.FreeKeys, keys)
}
