package cells

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// unmarkAtOnce is how many marks a transaction deletes.
const unmarkAtOnce = 1000

// CloseOlder ends the time of lists that are older than the router's, and of engines without a list: the stores accept no new instances from them,
// and a process with such a list does not start any more. Then it deletes all marks, which nobody needs then. Call it when all processes have the new list. One that
// still has an older list refuses all inputs within seconds; until then it creates nothing.
//
// If it fails, call it again.
func (r *Router) CloseOlder(ctx context.Context) error {
	for _, c := range r.cells {
		if err := r.close(ctx, c); err != nil {
			return fmt.Errorf("ironflow: close cell %q for older lists: %w", c.name, err)
		}
	}
	for _, c := range r.cells {
		for {
			deleted, err := c.store.UnmarkAll(ctx, r.list.newest(), unmarkAtOnce)
			if err != nil {
				return fmt.Errorf("ironflow: delete the marks of cell %q: %w", c.name, err)
			}
			if deleted < unmarkAtOnce {
				break
			}
		}
	}
	return nil
}

// close lets a store refuse creations by older lists.
func (r *Router) close(ctx context.Context, c *cell) error {
	return c.change(ctx, func(record *store.CellRecord, _ *list) error {
		record.OldestList = max(record.OldestList, r.list.newest())
		return nil
	})
}

// change changes the record of a cell.
func (c *cell) change(ctx context.Context, change func(*store.CellRecord, *list) error) error {
	for {
		record, recorded, err := c.record(ctx)
		if err != nil {
			return err
		}
		if err := change(&record, &recorded); err != nil {
			return err
		}
		record.List = recorded.encode()
		if err := c.store.PutCellRecord(ctx, record); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// Retire ends the oldest generation, so that the list can be without it. It closes the older lists as CloseOlder does. Then it checks that
// each instance is found without the generation. If not, the error is *GenerationInUse: completed instances count, until retention deletes
// them. It reads all instances of the generation's cells. Whatever the error, it can be called again.
//
// After Retire, leave the generation out of the list of each process. The store of a cell that is in no generation any more is not needed.
func (r *Router) Retire(ctx context.Context, generation int64) error {
	rest := r.list
	rest.Generations = r.list.Generations[1:]
	if oldest := r.list.Generations[0]; oldest.Number != generation || len(rest.Generations) == 0 {
		return fmt.Errorf("ironflow: retire generation %d: only the oldest generation can be retired, which is %d, and only if there is a newer one", generation, oldest.Number)
	}
	if err := r.CloseOlder(ctx); err != nil {
		return err
	}
	for _, name := range r.list.Generations[0].Cells {
		if err := r.checkUnused(ctx, r.byName[name], generation, &rest); err != nil {
			return fmt.Errorf("ironflow: %w", err)
		}
	}
	for _, c := range r.cells {
		err := c.change(ctx, func(_ *store.CellRecord, recorded *list) error {
			recorded.Retired = max(recorded.Retired, generation)
			return nil
		})
		if err != nil {
			return fmt.Errorf("ironflow: record in cell %q that generation %d is retired: %w", c.name, generation, err)
		}
	}
	return nil
}

// checkUnused fails if a cell has an instance that a list does not find there.
func (r *Router) checkUnused(ctx context.Context, c *cell, generation int64, rest *list) error {
	request := store.InstanceList{Limit: 1000}
	for {
		found, err := c.store.ListInstances(ctx, request)
		if err != nil {
			return fmt.Errorf("cell %q: %w", c.name, err)
		}
		for _, i := range found {
			if !slices.Contains(rest.homes(rest.partition(i.Key.ID)), c.name) {
				return &GenerationInUse{Generation: generation, Cell: c.name, Instance: i.Key}
			}
		}
		if len(found) < request.Limit {
			return nil
		}
		last := found[len(found)-1]
		request.After = &store.InstancePlace{CreatedAt: last.CreatedAt, ID: last.Key.ID, Workflow: last.Key.Workflow}
	}
}
