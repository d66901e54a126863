package cells

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store returns the stores of all cells as one, for admin.New, and so for the console:
//
//	operations, err := admin.New(router.Store(), admin.Config{})
//
// Lists and counts are merged: they have the order of the lists of one store, and a cursor is valid for all cells. What is about one instance
// is asked of its cell. Dead letters are retried and discarded in the cell that has them. Pauses of workflows, changes of schedules and the
// forgetting of subjects are made in every cell. If that fails in one cell, the error names the cell, and the change was made in the others:
// make it again. It has the same personal values as the engines of the router, with Config.Engine.Keys.
//
// If some cells do not answer in half of the time that a call has, lists and counts have what the other cells have, and the error is
// *store.Incomplete. What is about an instance fails only if its cell could be one of those.
//
// Feeds, projections, replicas and holders of snapshots belong to one store each: an Admin lists those of all cells with the name of the cell,
// and changes those of one cell by admin.Admin.Cell. So does the console.
//
// The store takes no inputs: an engine on it is read-only. It has no feed, because a position in all feeds is not one number, see
// [Router.Subscribe]. It exports nothing, because each cell has its own keys of subjects: export cell by cell.
func (r *Router) Store() store.Store { return &union{r} }

// union is the store of all cells.
type union struct{ router *Router }

var (
	_ store.OperatedStore = (*union)(nil)
	_ store.ManyCells     = (*union)(nil)
	_ store.InputLog      = (*union)(nil)
	_ store.Inspection    = (*union)(nil)
	_ store.Causes        = (*union)(nil)
	_ store.Search        = (*union)(nil)
	_ store.DeadLetters   = (*union)(nil)
	_ store.Pauses        = (*union)(nil)
	_ store.Schedules     = (*union)(nil)
	_ store.Programs      = (*union)(nil)
	_ store.AuditLog      = (*union)(nil)
	_ store.SubjectKeys   = (*union)(nil)
)

// ReadOnly says that an engine takes no inputs on it.
func (u *union) ReadOnly() bool { return true }

// Operated says that operators change the cells.
func (u *union) Operated() {}

// CellStores says which stores it stands for.
func (u *union) CellStores() []store.CellStore {
	stores := make([]store.CellStore, len(u.router.cells))
	for i, c := range u.router.cells {
		stores[i] = c.own
	}
	return stores
}

func (u *union) Append(context.Context, store.Batch) error { return store.ErrReadOnly }

func (u *union) Begin(context.Context, []store.ReadRequest) (store.UnitOfWork, error) {
	return nil, store.ErrReadOnly
}

func (u *union) Effects() store.Queue { return noQueue{} }
func (u *union) Timers() store.Queue  { return noQueue{} }

func (u *union) Read(ctx context.Context, requests []store.ReadRequest) ([]store.Instance, error) {
	key := func(r store.ReadRequest) store.InstanceKey { return r.Instance }
	return inHomes(ctx, u, requests, key, func(c *cell, some []store.ReadRequest) ([]store.Instance, error) { return c.shown.Read(ctx, some) })
}

func (u *union) Committed(ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID) (bool, error) {
	c, err := u.home(ctx, instance)
	if err != nil {
		return false, err
	}
	return c.shown.Committed(ctx, instance, version, commit)
}

// noQueue is a queue that nobody works on.
type noQueue struct{}

func (noQueue) Claim(context.Context, store.Claim) ([]store.Delivery, error) {
	return nil, store.ErrReadOnly
}

func (noQueue) LookBack(context.Context, map[store.Kind]time.Time) (map[store.Kind]time.Time, error) {
	return nil, store.ErrReadOnly
}

func (noQueue) RetryBlocked(context.Context, []store.Kind, time.Time, int) (int, error) {
	return 0, store.ErrReadOnly
}

func (noQueue) Extend(context.Context, []store.Lease, time.Time) ([]store.Lease, error) {
	return nil, store.ErrReadOnly
}

func (noQueue) Settle(context.Context, []store.Settlement) ([]store.Lease, error) {
	return nil, store.ErrReadOnly
}

func (noQueue) Realign(context.Context, time.Time, time.Time) (int64, error) {
	return 0, store.ErrReadOnly
}

// each asks all cells for a part of an answer, and returns the parts. If some cells do not answer, the error is *store.Incomplete.
func each[T any](ctx context.Context, u *union, call func(context.Context, *cell) (T, error)) (parts []T, err error) {
	return bound.Parts(ctx, u.router.cells, func(c *cell) string { return c.name }, call)
}

// everywhere makes a change in all cells.
func everywhere[T any](ctx context.Context, u *union, change func(context.Context, *cell) (T, error)) ([]T, error) {
	var done []T
	var failed []error
	for _, a := range bound.AskAll(ctx, u.router.cells, change) {
		if a.Err != nil {
			failed = append(failed, fmt.Errorf("cell %q: %w", a.Cell.name, a.Err))
		} else {
			done = append(done, a.Value)
		}
	}
	return done, errors.Join(failed...)
}

// merged puts parts of a list together, as far as the limit. Each part is sorted by compare.
func merged[T any](parts [][]T, limit int, compare func(a, b T) int) []T {
	all := slices.Concat(parts...)
	slices.SortStableFunc(all, compare)
	return all[:min(limit, len(all))]
}

// summed puts together what several parts say of the same thing. compare orders the things, and add adds what the second says of one.
func summed[T any](parts [][]T, compare func(a, b T) int, add func(into *T, other T)) (all []T) {
	for _, item := range merged(parts, math.MaxInt, compare) {
		if n := len(all); n > 0 && compare(all[n-1], item) == 0 {
			add(&all[n-1], item)
		} else {
			all = append(all, item)
		}
	}
	return all
}

// home returns the cell that has an instance. For an instance that does not exist, it is the one that a new instance would be in.
func (u *union) home(ctx context.Context, instance store.InstanceKey) (*cell, error) {
	homes, err := u.homes(ctx, []store.InstanceKey{instance})
	if err != nil {
		return nil, err
	}
	return homes[instance], nil
}

// homes does so for several instances. It fails if an instance is not in the cells that answer, and another one could have it.
func (u *union) homes(ctx context.Context, instances []store.InstanceKey) (map[store.InstanceKey]*cell, error) {
	homes := make(map[store.InstanceKey]*cell, len(instances))
	asked := make(map[*cell][]store.InstanceKey)
	for _, key := range instances {
		of := u.router.homes(key.ID)
		homes[key] = of[0]
		for _, c := range of {
			if len(of) > 1 {
				asked[c] = append(asked[c], key)
			}
		}
	}
	found := make(map[store.InstanceKey]bool)
	failed := make(map[*cell]error)
	for _, a := range bound.AskAll(ctx, u.having(asked), func(ctx context.Context, c *cell) ([]store.InstanceSummary, error) {
		return c.shown.Summaries(ctx, distinct(asked[c]))
	}) {
		if a.Err != nil {
			failed[a.Cell] = a.Err
		}
		for _, s := range a.Value {
			if s.Version > 0 {
				homes[s.Key], found[s.Key] = a.Cell, true
			}
		}
	}
	for c, err := range failed {
		for _, key := range asked[c] {
			if !found[key] {
				return nil, fmt.Errorf("%s may be in cell %q: %w", key, c.name, err)
			}
		}
	}
	return homes, nil
}

// having returns the cells that a map has, in their order.
func (u *union) having(asked map[*cell][]store.InstanceKey) (some []*cell) {
	for _, c := range u.router.cells {
		if len(asked[c]) > 0 {
			some = append(some, c)
		}
	}
	return some
}

func distinct(keys []store.InstanceKey) []store.InstanceKey {
	seen := make(map[store.InstanceKey]bool, len(keys))
	return slices.DeleteFunc(slices.Clone(keys), func(key store.InstanceKey) bool {
		again := seen[key]
		seen[key] = true
		return again
	})
}

// inHomes asks each cell for what is about its instances. The answers are in the order of the items.
func inHomes[I, R any](
	ctx context.Context, u *union, items []I, key func(I) store.InstanceKey, call func(*cell, []I) ([]R, error),
) ([]R, error) {
	keys := make([]store.InstanceKey, len(items))
	for i := range items {
		keys[i] = key(items[i])
	}
	homes, err := u.homes(ctx, keys)
	if err != nil {
		return nil, err
	}
	of := make(map[*cell][]I)
	places := make(map[*cell][]int)
	for i, item := range items {
		c := homes[keys[i]]
		of[c], places[c] = append(of[c], item), append(places[c], i)
	}
	results := make([]R, len(items))
	for c, some := range of {
		got, err := call(c, some)
		if err != nil {
			return nil, fmt.Errorf("cell %q: %w", c.name, err)
		}
		for i, place := range places[c] {
			results[place] = got[i]
		}
	}
	return results, nil
}

// atHome asks the cell of an instance.
func atHome[R any](ctx context.Context, u *union, instance store.InstanceKey, call func(*bound.Store) (R, error)) (result R, err error) {
	c, err := u.home(ctx, instance)
	if err != nil {
		return result, err
	}
	if result, err = call(c.shown); err != nil {
		err = fmt.Errorf("cell %q: %w", c.name, err)
	}
	return result, err
}
