package cells

import (
	"context"
	"math"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A unique key is unique among the instances of its partition. With several generations these may be in several homes. So who takes a key takes
// it in all homes before the commit, and whoever asks for it there finds the holder's id. The commit then takes it in its own store.
//
// What is left of a holder that has completed, or has never come to its commit, is freed by the next who asks for the key. The commit is
// where two that were about to take a key meet in any case: each has taken it, or found it taken, in the home of the other.

// keptKey is a key that a change takes.
type keptKey struct {
	change *store.Change
	kept   store.KeptKey
}

// keep takes keys for changes of another cell.
func (c *cell) keep(ctx context.Context, keys []keptKey) error {
	kept := make([]store.KeptKey, len(keys))
	for i, k := range keys {
		kept[i] = k.kept
	}
	holders, err := c.store.KeepKeys(ctx, kept)
	if err != nil {
		return err
	}
	for i, holder := range holders {
		if holder != kept[i].Instance {
			return &store.UniqueKeyConflict{Instance: keys[i].change.Instance, Key: kept[i].Key, Holder: holder}
		}
	}
	return nil
}

// freeStale frees a key in all homes unless its holder is active and really has it.
func (r *Router) freeStale(ctx context.Context, conflict *store.UniqueKeyConflict) (freed bool, err error) {
	homes := r.homes(conflict.Instance.ID)
	if len(homes) == 1 && len(r.list.Generations) == 1 && r.list.Generations[0].Number == 1 {
		return false, nil // nobody has ever kept a key
	}
	holder := store.InstanceKey{Workflow: conflict.Instance.Workflow, ID: conflict.Holder}
	at, found, err := r.locate(ctx, holder, homes)
	if err != nil {
		return false, err
	}
	if at != nil && !found.Completed {
		asked, err := at.store.Read(ctx, []store.ReadRequest{{Instance: holder, After: math.MaxInt64, UniqueKey: conflict.Key}})
		if err != nil || asked[0].KeyHolder == holder.ID {
			return false, err
		}
	}
	for _, home := range homes {
		if err := home.store.FreeKeys(ctx, []store.KeptKey{{Workflow: holder.Workflow, Key: conflict.Key, Instance: holder.ID}}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// freeCompleted frees the keys of completed instances in their other homes soon.
func (r *Router) freeCompleted(changes []store.Change) {
	var keys []store.KeptKey
	for i := range changes {
		if c := &changes[i]; c.Complete {
			if _, keyed := r.keyed.Load(c.Instance.Workflow); keyed {
				keys = append(keys, store.KeptKey{Workflow: c.Instance.Workflow, Instance: c.Instance.ID})
			}
		}
	}
	if len(keys) == 0 {
		return
	}
	select {
	case r.frees <- keys:
	default: // the next who asks for one frees it
	}
}

// freeKeys frees keys until ctx ends. What fails is left to the next who asks for the key.
func (r *Router) freeKeys(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case keys := <-r.frees:
			in := make(map[*cell][]store.KeptKey)
			for _, k := range keys {
				for _, home := range r.homes(k.Instance) {
					in[home] = append(in[home], k)
				}
			}
			if err := inEach(in, func(c *cell, keys []store.KeptKey) error { return c.store.FreeKeys(ctx, keys) }); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "ironflow: unique keys of completed instances are not free yet in other cells; the next who asks frees them", "error", err)
			}
		}
	}
}
