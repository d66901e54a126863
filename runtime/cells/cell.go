package cells

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// cell is one of the stores of a router. It stands between the store and its engine.
type cell struct {
	name   string
	router *Router
	own    store.CellStore
	store  *bound.Store // past the engine
	shown  *bound.Store // for operators, with personal values
	engine *runtime.Engine
}

var (
	_ bound.Cell      = (*cell)(nil)
	_ runtime.Engines = (*cell)(nil) // for effects whose inputs are for other instances
)

func (c *cell) AnyEngine() *runtime.Engine { return c.engine }

func (c *cell) EngineOf(ctx context.Context, instance store.InstanceKey) (*runtime.Engine, error) {
	return c.router.EngineOf(ctx, instance)
}

func (c *cell) Send(ctx context.Context, instance store.InstanceKey, send func(*runtime.Engine) error) error {
	return c.router.Send(ctx, instance, send)
}

// Read implements bound.Cell: it looks for those that are not here in their other homes, the newest first.
func (c *cell) Read(ctx context.Context, instances []store.Instance) error {
	var missing []*missing
	asked := make(map[*cell][]*missingIn)
	for i := range instances {
		found := &instances[i]
		if found.Version > 0 || found.Elsewhere != nil && found.Elsewhere.Generation > c.router.list.newest() {
			continue
		}
		homes := c.router.homes(found.Key.ID)
		if homes[0] != c { // it was here, perhaps
			if found.Elsewhere == nil {
				found.Elsewhere = &store.Elsewhere{Instance: found.Key}
			}
			continue
		}
		if len(homes) == 1 {
			continue
		}
		m := newMissing(found, homes[1:])
		missing = append(missing, m)
		for n := range m.in {
			asked[m.in[n].cell] = append(asked[m.in[n].cell], &m.in[n])
		}
	}
	var all sync.WaitGroup
	for other, of := range asked {
		all.Go(func() { other.lookFor(ctx, of) })
	}
	all.Wait()
	for _, m := range missing {
		m.conclude(c.router.list.newest())
	}
	return nil
}

// missing is an instance that is not in its newest home.
type missing struct {
	instance *store.Instance
	in       []missingIn // its other homes
}

// missingIn is what another home says of it.
type missingIn struct {
	key   store.InstanceKey
	cell  *cell
	found store.Instance
	err   error
}

func newMissing(instance *store.Instance, homes []*cell) *missing {
	m := &missing{instance: instance}
	for _, home := range homes {
		m.in = append(m.in, missingIn{key: instance.Key, cell: home})
	}
	return m
}

// lookFor reads instances without their events.
func (c *cell) lookFor(ctx context.Context, of []*missingIn) {
	requests := make([]store.ReadRequest, len(of))
	for i, m := range of {
		requests[i] = store.ReadRequest{Instance: m.key, After: math.MaxInt64}
	}
	found, err := c.store.Read(ctx, requests)
	for i, m := range of {
		if err != nil {
			m.err = fmt.Errorf("cell %q: %w", c.name, err)
		} else {
			m.found = found[i]
		}
	}
}

// conclude says where the instance is, if it is not in the newest home. A mark of the newest generation, or of an older one, says nothing: who
// left it may never have come further.
func (m *missing) conclude(newest int64) {
	key := m.instance.Key
	for _, in := range m.in {
		switch {
		case in.err != nil:
			m.instance.Elsewhere = &store.Elsewhere{Instance: key, Err: in.err}
		case in.found.Version > 0:
			m.instance.Elsewhere = &store.Elsewhere{Instance: key, Cell: in.cell.name}
		case in.found.Elsewhere != nil && in.found.Elsewhere.Generation > newest:
			m.instance.Elsewhere = in.found.Elsewhere
		default:
			continue
		}
		return
	}
}

// Storing implements bound.Cell. It keeps the ids of new instances free in their older homes, and unique keys in all other homes.
func (c *cell) Storing(ctx context.Context, changes []store.Change) error {
	newest := c.router.list.newest()
	marks := make(map[*cell][]store.InstanceKey)
	keys := make(map[*cell][]keptKey)
	for i := range changes {
		change := &changes[i]
		if change.Version > 0 && change.UniqueKey == "" {
			continue
		}
		homes := c.router.homes(change.Instance.ID)
		if change.Version == 0 {
			if homes[0] != c {
				return &store.Elsewhere{Instance: change.Instance}
			}
			change.List = newest
			for _, older := range homes[1:] {
				marks[older] = append(marks[older], change.Instance)
			}
		}
		if change.UniqueKey != "" {
			if c.router.list.partition(change.UniqueKey) != c.router.list.partition(change.Instance.ID) {
				return &KeyElsewhere{Instance: change.Instance, Key: change.UniqueKey, Separator: c.router.list.Separator}
			}
			c.router.keyed.Store(change.Instance.Workflow, true)
			for _, home := range homes {
				if home != c {
					keys[home] = append(keys[home], keptKey{change, store.KeptKey{
						Workflow: change.Instance.Workflow, Key: change.UniqueKey, Instance: change.Instance.ID,
					}})
				}
			}
		}
	}
	if err := inEach(marks, func(other *cell, instances []store.InstanceKey) error {
		exist, err := other.store.Mark(ctx, newest, instances)
		if err == nil && len(exist) > 0 {
			return &store.Elsewhere{Instance: exist[0], Cell: other.name}
		}
		return err
	}); err != nil {
		return err
	}
	return inEach(keys, func(other *cell, kept []keptKey) error { return other.keep(ctx, kept) })
}

// inEach does something in several cells at the same time. It returns one of the errors.
func inEach[T any](of map[*cell][]T, do func(*cell, []T) error) error {
	errs := make(chan error, len(of))
	for other, items := range of {
		go func() {
			err := do(other, items)
			if err != nil {
				err = fmt.Errorf("cell %q: %w", other.name, err)
			}
			errs <- err
		}()
	}
	var failed error
	for range of {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

// Stored implements bound.Cell.
func (c *cell) Stored(changes []store.Change) {
	if len(c.router.list.Generations) > 1 {
		c.router.freeCompleted(changes)
	}
}
