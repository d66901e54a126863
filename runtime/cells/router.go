package cells

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Config configures a router.
type Config struct {
	// Cells are the stores by the names of their cells. A name is stored and takes part in the choice of cells, so it never changes. The
	// stores may be of different kinds. Each must implement store.Cells.
	Cells map[string]runtime.Store

	// Generations are all that have instances. All processes have the same list, or a newer one. The order does not matter.
	Generations []Generation

	// Separator ends the partition of an id or unique key, see the package comment. It has no slash and cannot be changed later. Default: the
	// partition is the whole id.
	Separator string

	// Engine is the config of the engine of each cell. Projections must be empty.
	Engine runtime.Config
}

// Router sends inputs to the cells of their instances. It has an engine for each cell. Generated clients take it instead of an engine. A Router
// is safe for concurrent use.
type Router struct {
	list   list
	byName map[string]*cell
	cells  []*cell // by name
	places places
	log    *slog.Logger
	keyed  sync.Map // names of workflows whose inputs have had unique keys
	frees  chan []store.KeptKey
	closed atomic.Int64 // the generation that the stores take at least, if it is newer than that of the list
}

var _ runtime.Engines = (*Router)(nil)

// New returns a router for the given workflows. It starts no goroutines, and like runtime.NewEngine, it accepts inputs at once. Each store
// keeps the name of its cell, a random name of its own, and the newest list of cells.
//
// It fails if the list has mistakes, if a store is already another cell, if two cells are one store, if the list does not fit to the one
// that the stores have, or if the stores do not take a list that is as old any more. If a generation is missing that was not retired, the
// error is *GenerationDropped. Other errors are those of runtime.NewEngine.
func New(ctx context.Context, config Config, workflows ...*runtime.Workflow) (*Router, error) {
	r, err := newRouter(ctx, config, workflows)
	if err != nil {
		return nil, fmt.Errorf("ironflow: cells: %w", err)
	}
	return r, nil
}

func newRouter(ctx context.Context, config Config, workflows []*runtime.Workflow) (*Router, error) {
	names := slices.Sorted(maps.Keys(config.Cells))
	l, err := newList(config.Generations, config.Separator, names)
	if err != nil {
		return nil, err
	}
	if len(config.Engine.Projections) > 0 {
		return nil, errors.New("Config.Engine.Projections is not empty, but a projection needs one store; read Router.Subscribe instead")
	}
	r := &Router{list: l, byName: make(map[string]*cell), log: cmp.Or(config.Engine.Logger, slog.Default()), frees: make(chan []store.KeptKey, 1024)}
	for _, name := range names {
		st := config.Cells[name]
		if st == nil {
			return nil, fmt.Errorf("the store of cell %q is nil", name)
		}
		timeout := cmp.Or(config.Engine.StoreTimeout, 30*time.Second)
		own := store.CellStore{Cell: name, Store: st, Keys: config.Engine.Keys}
		c := &cell{name: name, router: r, own: own, store: bound.New(st, timeout), shown: bound.New(st, timeout)}
		c.shown.Seal(bound.Sealing{Erased: []byte(bound.ErasedText), Keys: config.Engine.Keys, Logger: r.log})
		if err := bound.Need[store.Cells](c.store, "package cells"); err != nil {
			return nil, err
		}
		r.byName[name] = c
		r.cells = append(r.cells, c)
	}
	if err := r.enrol(ctx); err != nil {
		return nil, err
	}
	for _, c := range r.cells {
		own := config.Engine
		own.Logger = r.log.With("cell", c.name)
		if c.engine, err = runtime.NewEngine(bound.InCell(config.Cells[c.name], c), own, workflows...); err != nil {
			return nil, fmt.Errorf("cell %q: %w", c.name, err)
		}
	}
	return r, nil
}

// Cells returns the names of all cells, sorted.
func (r *Router) Cells() []string {
	names := make([]string, len(r.cells))
	for i, c := range r.cells {
		names[i] = c.name
	}
	return names
}

// Engine returns the engine of a cell, for what concerns a single store. For an unknown cell it returns nil. It
// refuses to create an instance whose cell is another one.
func (r *Router) Engine(cell string) *runtime.Engine {
	if c := r.byName[cell]; c != nil {
		return c.engine
	}
	return nil
}

// Run runs the engines of all cells until ctx ends, see runtime.Engine.Run. If one of them fails, all stop, and Run returns the error.
func (r *Router) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	errs := make([]error, len(r.cells))
	for i, c := range r.cells {
		all.Go(func() {
			defer cancel()
			if err := c.engine.Run(ctx); err != nil {
				errs[i] = fmt.Errorf("ironflow: cell %q: %w", c.name, err)
			}
		})
	}
	all.Go(func() { r.freeKeys(ctx) })
	all.Go(func() { r.watchRecords(ctx) })
	all.Wait()
	return errors.Join(errs...)
}

// AnyEngine implements runtime.Engines.
func (r *Router) AnyEngine() *runtime.Engine { return r.cells[0].engine }

// homes returns the cells that may have an instance, the newest generation first.
func (r *Router) homes(id string) []*cell {
	names := r.list.homes(r.list.partition(id))
	homes := make([]*cell, len(names))
	for i, name := range names {
		homes[i] = r.byName[name]
	}
	return homes
}

// EngineOf implements runtime.Engines. With several generations it asks the stores, the newest generation first.
func (r *Router) EngineOf(ctx context.Context, instance store.InstanceKey) (*runtime.Engine, error) {
	homes := r.homes(instance.ID)
	if len(homes) == 1 {
		return homes[0].engine, nil
	}
	c, _, err := r.locate(ctx, instance, homes)
	if err != nil {
		return nil, err
	}
	return cmp.Or(c, homes[0]).engine, nil
}

// locate returns the cell that has an instance, and the instance without its events. The cell is nil if none has it.
func (r *Router) locate(ctx context.Context, instance store.InstanceKey, homes []*cell) (*cell, store.Instance, error) {
	var newer error
	for _, c := range homes {
		found, err := c.store.Read(ctx, []store.ReadRequest{{Instance: instance, After: math.MaxInt64}})
		if err != nil {
			return nil, store.Instance{}, fmt.Errorf("cell %q: %w", c.name, err)
		}
		if found[0].Version > 0 {
			return c, found[0], nil
		}
		if e := found[0].Elsewhere; e != nil && e.Generation > r.list.newest() {
			newer = e
		}
	}
	return nil, store.Instance{}, newer
}

// sendPatience is how often an input is sent to another cell before its last error is the caller's.
const sendPatience = 20

// Send implements runtime.Engines.
func (r *Router) Send(ctx context.Context, instance store.InstanceKey, send func(*runtime.Engine) error) error {
	if newer := r.closed.Load(); newer > 0 {
		return &store.Elsewhere{Instance: instance, Generation: newer}
	}
	homes := r.homes(instance.ID)
	c := homes[0]
	if len(homes) > 1 {
		c = cmp.Or(r.places.get(instance), c)
	}
	for attempt := 1; ; attempt++ {
		err := send(c.engine)
		if err == nil || attempt == sendPatience {
			return err
		}
		next, fixed := r.after(ctx, instance, homes, c, err)
		if fixed != nil {
			return fixed
		}
		c = next
		if attempt < 3 {
			continue
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(backoff.Conflict.PauseOf(instance.String(), attempt-2)):
		}
	}
}

// after says where an input goes after a cell has refused it, or with which error it fails.
func (r *Router) after(ctx context.Context, instance store.InstanceKey, homes []*cell, c *cell, err error) (*cell, error) {
	var elsewhere *store.Elsewhere
	var key *store.UniqueKeyConflict
	switch {
	case errors.As(err, &key) && key.Instance == instance:
		freed, failed := r.freeStale(ctx, key)
		if failed != nil || !freed {
			return nil, errors.Join(err, failed)
		}
		return c, nil
	case !errors.As(err, &elsewhere), elsewhere.Instance != instance, elsewhere.Err != nil, elsewhere.Generation > r.list.newest():
		return nil, err
	case elsewhere.Cell != "":
		there := r.byName[elsewhere.Cell]
		if there == homes[0] {
			r.places.forget(instance)
		} else {
			r.places.put(instance, there)
		}
		return there, nil
	}
	r.places.forget(instance)
	if elsewhere.Generation > 0 && c == homes[0] {
		if failed := r.takeBack(ctx, instance, homes); failed != nil {
			return nil, errors.Join(err, failed)
		}
	}
	return homes[0], nil
}

// takeBack deletes the mark that an older generation has left for an instance in its newest home. The marks in the other homes come first: a
// process that is about to create the instance in one of them fails then.
func (r *Router) takeBack(ctx context.Context, instance store.InstanceKey, homes []*cell) error {
	for _, older := range homes[1:] {
		exist, err := older.store.Mark(ctx, r.list.newest(), []store.InstanceKey{instance})
		if err != nil {
			return fmt.Errorf("cell %q: %w", older.name, err)
		}
		if len(exist) > 0 {
			r.places.put(instance, older)
			return nil
		}
	}
	return homes[0].store.Unmark(ctx, r.list.newest(), []store.InstanceKey{instance})
}
