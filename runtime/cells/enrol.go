package cells

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// enrol checks the list against what the stores have, and records it where it is newer. All stores are checked before the first has the list.
// A store that has never been a cell gets its names before: so one that has two names is found.
func (r *Router) enrol(ctx context.Context) error {
	for {
		named := true
		records := make([]store.CellRecord, len(r.cells))
		byStore := make(map[string]string)
		retired := r.list.Retired
		for i, c := range r.cells {
			record, recorded, err := c.record(ctx)
			if err != nil {
				return err
			}
			if err := c.fits(ctx, record, recorded); err != nil {
				return err
			}
			if other, is := byStore[record.Store]; is && record.Revision > 0 {
				return fmt.Errorf("the store of cell %q is a copy of that of cell %q; a store is one cell", c.name, other)
			}
			byStore[record.Store], records[i] = c.name, record
			retired = max(retired, recorded.Retired)
			named = named && record.Revision > 0
		}
		r.list.Retired = retired
		put := r.record
		if !named {
			put = r.name
		}
		if err := put(ctx, records); err == nil && named || err != nil && !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// name gives names to the stores that have none. A list without the cell does not create instances in it, and nor may an engine without a list.
// A store that was used alone stays open for such engines until CloseOlder: as the only cell of the oldest generation it has the marks.
func (r *Router) name(ctx context.Context, records []store.CellRecord) error {
	empty := list{Separator: r.list.Separator}
	for i, c := range r.cells {
		if records[i].Revision > 0 {
			continue
		}
		record := store.CellRecord{Store: rand.Text(), Name: c.name, List: empty.encode()}
		if !r.list.usedAlone(c.name) {
			record.OldestList = r.list.first(c.name)
		}
		if err := c.store.PutCellRecord(ctx, record); err != nil {
			return fmt.Errorf("cell %q: its record: %w", c.name, err)
		}
	}
	return nil
}

// record reads what a store knows.
func (c *cell) record(ctx context.Context) (record store.CellRecord, recorded list, err error) {
	record, err = c.store.CellRecord(ctx)
	if err == nil && record.Revision > 0 {
		err = json.Unmarshal(record.List, &recorded)
	}
	if err != nil {
		err = fmt.Errorf("cell %q: its record: %w", c.name, err)
	}
	return record, recorded, err
}

// fits fails unless a store can be the cell in the router's list.
func (c *cell) fits(ctx context.Context, record store.CellRecord, recorded list) error {
	l := &c.router.list
	if record.Revision == 0 {
		return c.fitsNew(ctx)
	}
	if record.Name != c.name {
		return fmt.Errorf("the store of cell %q is cell %q already; the name of a cell never changes", c.name, record.Name)
	}
	if record.OldestList > l.newest() {
		return fmt.Errorf("the list of cells is older than the store of cell %q takes: it ends with generation %d, and generation %d is needed; "+
			"give this process the newer list", c.name, l.newest(), record.OldestList)
	}
	return l.follows(&recorded, c.name)
}

// fitsNew fails if a store that has never been a cell has instances which the router would not find. A store that was used alone can become the
// only cell of the oldest generation.
func (c *cell) fitsNew(ctx context.Context) error {
	if c.router.list.usedAlone(c.name) {
		return nil
	}
	found, err := c.store.ListInstances(ctx, store.InstanceList{Limit: 1})
	if err != nil {
		return fmt.Errorf("cell %q: %w", c.name, err)
	}
	if len(found) > 0 {
		return fmt.Errorf("the store of cell %q has instances, such as %s, but has never been a cell; make it the only cell of the oldest generation, "+
			"and add the other cells in a newer one", c.name, found[0].Key)
	}
	return nil
}

// record writes the list into the stores that have an older one, or none.
func (r *Router) record(ctx context.Context, records []store.CellRecord) error {
	for i, c := range r.cells {
		record := records[i]
		var recorded list
		if err := json.Unmarshal(record.List, &recorded); err != nil {
			return err
		}
		encoded := r.list.encode()
		if recorded.newest() > r.list.newest() || bytes.Equal(compact(record.List), encoded) {
			continue
		}
		record.List = encoded
		if err := c.store.PutCellRecord(ctx, record); err != nil {
			return fmt.Errorf("cell %q: its record: %w", c.name, err)
		}
	}
	return nil
}

// compact is JSON without spaces, which a store may have added.
func compact(encoded []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, encoded) != nil {
		return nil
	}
	return b.Bytes()
}

// recordInterval is how often the records of the stores are read again.
const recordInterval = 5 * time.Second

// watchRecords refuses all inputs once the stores do not take the list any more.
func (r *Router) watchRecords(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(recordInterval):
		}
		for _, c := range r.cells {
			record, err := c.store.CellRecord(ctx)
			if err == nil && record.OldestList > r.list.newest() && r.closed.Swap(record.OldestList) == 0 {
				r.log.ErrorContext(ctx, "ironflow: the list of cells of this process is too old; inputs are refused until it has the newer list",
					"cell", c.name, "generation", record.OldestList)
			}
		}
	}
}
