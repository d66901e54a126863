package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/await"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/delivery"
	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/internal/seal"
	"github.com/ironflow-gen/ironflow/runtime/internal/shadow"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Engine decides on the inputs of its workflows and delivers their effects and timers. Any number of engines, in any number of
// processes, may share one store. An Engine is safe for concurrent use.
type Engine struct {
	store       *bound.Store
	config      Config
	workflows   map[string]*Workflow
	executor    *commit.Executor
	deliveries  *delivery.Deliveries
	shadow      *shadow.Shadow       // nil without candidates
	candidates  map[string]*Workflow // of shadow
	feed        *project.FeedWatch
	waits       *await.Hub // callers of Await
	pauses      *pauseWatch
	projections *project.Board
	admin       *admin.Admin
	newWork     *announcer
	newEvents   *announcer
	newOrders   *announcer
	running     atomic.Bool
	started     atomic.Bool // Run was called
	eventTypes  eventTypes
	readOnly    bool    // the store was opened for reading only
	others      Engines // of a cells.Router that the engine is a part of; nil for none
}

// NewEngine returns an engine for the given workflows. It starts no goroutines. Inputs can be executed at once. Effects, timers
// and projections need Engine.Run, in this process or another one.
//
// It fails if two workflows or projections have the same name, if a decider, evolver or handler is nil, if a projection needs
// another kind of store, or if a field of the config is invalid. It fails with *store.Unsupported if the config or a workflow
// needs an ability that the store lacks.
func NewEngine(st Store, config Config, workflows ...*Workflow) (*Engine, error) {
	if workflow.IsNil(st) {
		return nil, fmt.Errorf("ironflow: the store is nil; pass one to NewEngine, such as what postgres.New, sqlite.Open or memory.New return")
	}
	given, config := config, config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	st, cell := bound.SplitCell(st)
	on := bound.New(st, config.StoreTimeout)
	on.InCell(cell)
	if given.Batches == 0 && bound.Has[store.SerialWriter](on) {
		config.Batches = 1
	}
	if given.Clock == nil {
		config.Clock = bound.ClockOf(on, config.Logger)
	}
	if len(workflows) == 0 && len(config.Projections) == 0 {
		return nil, fmt.Errorf("ironflow: no workflow is registered; pass what the generated NewWorkflow returns to NewEngine")
	}
	e := &Engine{store: on, config: config, workflows: make(map[string]*Workflow), readOnly: on.ReadOnly()}
	e.others, _ = cell.(Engines)
	for _, w := range workflows {
		if w == nil {
			return nil, fmt.Errorf("ironflow: a workflow is nil; pass what the generated NewWorkflow returns to NewEngine")
		}
		if err := w.Err(); err != nil {
			return nil, fmt.Errorf("ironflow: %w", err)
		}
		if _, ok := e.workflows[w.Name()]; ok {
			return nil, fmt.Errorf("ironflow: %w", &RegisteredTwice{What: "workflow", Name: w.Name()})
		}
		if w.ImpureFold() {
			config.Logger.Warn("ironflow: the evolver makes different states of the same events, so that states depend on when they are read; "+
				"run \"ironflow-gen vet\"", "workflow", w.Name())
		}
		e.workflows[w.Name()] = w
	}
	for name := range config.Retention.CompletedOf {
		if _, err := e.workflow(name); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Retention.CompletedOf: %w", err)
		}
	}
	on.Seal(e.sealing())
	if err := e.checkStore(); err != nil {
		return nil, err
	}
	projections, err := projectionSpecs(st, config.Projections)
	if err != nil {
		return nil, fmt.Errorf("ironflow: %w", err)
	}
	if e.shadow, err = e.newShadow(); err != nil {
		return nil, err
	}
	e.executor = commit.New(e.store, config.commit(e))
	e.pauses = &pauseWatch{store: e.store, clock: config.Clock, maxAge: config.PollInterval}
	e.newWork = newAnnouncer(e.store.Notifier(), config.Logger, store.NewWork, workNotifyInterval)
	e.newEvents = newAnnouncer(e.store.Notifier(), config.Logger, store.NewEvents, eventNotifyInterval)
	e.newOrders = newAnnouncer(e.store.Notifier(), config.Logger, store.NewOrders, workNotifyInterval)
	if e.deliveries, err = delivery.New(e.store, e.deliveryConfig(), delivery.Door{Execute: e.executeArrived, Readable: e.executor.Readable}, e.workflows); err != nil {
		return nil, fmt.Errorf("ironflow: %w", err)
	}
	e.feed = project.NewFeedWatch(e.store, e.projectConfig())
	e.waits = e.newHub()
	e.projections = project.NewBoard(e.store, e.feed, e.projectConfig(), projections)
	e.admin, err = admin.New(st, admin.Config{
		Logger: config.Logger, Telemetry: config.Telemetry, Clock: config.Clock, StoreTimeout: config.StoreTimeout,
		UnavailableTimeout: config.UnavailableTimeout, SnapshotHeldAfter: config.SnapshotHeldAfter, Workflows: workflows,
		Keys: config.Keys, By: config.Name, Changed: e.workChanged,
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// sealing says what is personal in the payloads of the workflows.
func (e *Engine) sealing() bound.Sealing {
	s := bound.Sealing{Workflows: make(map[string]seal.Workflow), Keys: e.config.Keys, Logger: e.config.Logger}
	for name, w := range e.workflows {
		if p := w.Personal(); p != nil {
			s.Workflows[name] = seal.NewWorkflow(p.State, p.Inputs, p.Events, p.Effects, p.Rejections)
		}
	}
	return s
}

func (e *Engine) deliveryConfig() delivery.Config {
	c := &e.config
	return delivery.Config{
		Name: c.Name, Logger: c.Logger, Telemetry: c.Telemetry, Clock: c.Clock, External: c.External, Remotes: c.Remotes, InCell: e.others != nil,
		EffectHandlers: c.EffectHandlers, TimerHandlers: c.TimerHandlers,
		EffectRetry: c.EffectRetry, TimerRetry: c.TimerRetry, EffectTimeout: c.EffectTimeout,
		Lease: c.Lease, PollInterval: c.PollInterval, BlockedTimeout: c.BlockedTimeout,
		Announce: e.newWork.announce,
		Settled:  func(settlements []store.Settlement) { e.waits.Settled(settlements) },
	}
}

func (e *Engine) projectConfig() project.Config {
	c := &e.config
	return project.Config{
		Name: c.Name, Logger: c.Logger, Telemetry: c.Telemetry, Clock: c.Clock,
		Lease: c.Lease, PollInterval: c.PollInterval, StoreTimeout: c.StoreTimeout, FeedStallAfter: c.FeedStallAfter,
		Announce: e.newOrders.announce,
	}
}

// checkStore fails if the config or a workflow needs an ability that the store lacks.
func (e *Engine) checkStore() error {
	var errs []error
	if e.config.Observe != nil {
		errs = append(errs, bound.Need[store.InputLog](e.store, "Config.Observe"))
	}
	if e.config.Retention.deletes() {
		errs = append(errs, bound.Need[store.Forgetting](e.store, "Config.Retention"))
	}
	if len(e.config.Projections) > 0 {
		errs = append(errs, bound.Need[store.Projections](e.store, "Config.Projections"), bound.Need[store.Feed](e.store, "Config.Projections"))
	}
	for _, name := range slices.Sorted(maps.Keys(e.workflows)) {
		w := e.workflows[name]
		if w.Personal() != nil && !e.store.HasKeys() {
			errs = append(errs, bound.Need[store.SubjectKeys](e.store, fmt.Sprintf("workflow %s: a personal field", name)))
		}
		for _, s := range w.Schedules() {
			errs = append(errs, bound.Need[store.Schedules](e.store, fmt.Sprintf("workflow %s: schedule %s", name, s.Name)))
		}
		if len(w.SearchFields()) > 0 {
			errs = append(errs, bound.Need[store.Search](e.store, fmt.Sprintf("workflow %s: its search fields", name)))
		}
		options := w.EffectOptions()
		for _, effect := range slices.Sorted(maps.Keys(options)) {
			if limit := options[effect].Limit; limit != nil && limit.Shared() {
				errs = append(errs, bound.Need[store.Limits](e.store, fmt.Sprintf("workflow %s: the limit of effect %s", name, effect)))
			}
		}
	}
	return errors.Join(errs...)
}

// MaxPayloadBytes returns Config.MaxPayloadBytes, or its default.
func (e *Engine) MaxPayloadBytes() int { return e.config.MaxPayloadBytes }

func (e *Engine) workflow(name string) (*Workflow, error) {
	w, ok := e.workflows[name]
	if !ok {
		return nil, &UnknownWorkflow{Workflow: name, Registered: slices.Sorted(maps.Keys(e.workflows))}
	}
	return w, nil
}
