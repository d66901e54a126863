package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
)

// Engine takes the inputs of its workflows and delivers their effects and timers. Any number of engines, in any number
// of processes, may share one store. Safe for concurrent use.
type Engine struct {
	store       *boundedStore
	config      Config
	workflows   map[string]*Workflow
	executor    *executor
	deliveries  *deliveries
	feed        *feedWatch
	pauses      *pauseWatch
	projections *projectionBoard
	explain     explainer
	newWork     *announcer
	newEvents   *announcer
	newOrders   *announcer
	running     atomic.Bool
	eventTypes  eventTypes
	readOnly    bool // the store was opened for reading only
}

// NewEngine makes an engine for the given workflows. It starts nothing: inputs can be executed at once, while effects and
// timers are delivered, and projections run, as long as Run runs, here or in another process.
//
// It fails when two workflows or projections have the same name, when a workflow lacks its decider, evolver or handler, when
// a projection does not fit the store, and when the config makes no sense.
func NewEngine(store Store, config Config, workflows ...*Workflow) (*Engine, error) {
	if isNil(store) {
		return nil, fmt.Errorf("ironflow: the store is nil")
	}
	if _, serial := store.(SerialWriter); serial {
		setDefault(&config.Lanes, 1)
	}
	if keeper, ok := store.(Timekeeper); ok && config.Clock == nil {
		setDefault(&config.Logger, slog.Default())
		config.Clock = newStoreClock(keeper, config.Logger)
	}
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	if len(workflows) == 0 && len(config.Projections) == 0 {
		return nil, fmt.Errorf("ironflow: no workflow is registered; pass what the generated NewWorkflow returns to NewEngine")
	}
	e := &Engine{store: bounded(store, config.StoreTimeout), config: config, workflows: make(map[string]*Workflow)}
	if reading, ok := store.(ReadOnlyStore); ok {
		e.readOnly = reading.ReadOnly()
	}
	for _, w := range workflows {
		if w == nil {
			return nil, fmt.Errorf("ironflow: a workflow is nil")
		}
		if err := w.Err(); err != nil {
			return nil, fmt.Errorf("ironflow: %w", err)
		}
		if _, ok := e.workflows[w.name]; ok {
			return nil, fmt.Errorf("ironflow: %w", &RegisteredTwice{What: "workflow", Name: w.name})
		}
		e.workflows[w.name] = w
	}
	for name := range config.Retention.CompletedOf {
		if _, err := e.workflow(name); err != nil {
			return nil, fmt.Errorf("ironflow: Config.Retention.CompletedOf: %w", err)
		}
	}
	projections, err := projectionSpecs(store, config.Projections)
	if err != nil {
		return nil, fmt.Errorf("ironflow: %w", err)
	}
	e.explain = explainer{store: e.store, clock: config.Clock}
	e.executor = newExecutor(e.store, config.commit(e.committed))
	e.pauses = &pauseWatch{store: e.store, clock: config.Clock, maxAge: config.PollInterval}
	e.newWork = newAnnouncer(e.store.notifier(), config.Logger, NewWork, workNotifyInterval)
	e.newEvents = newAnnouncer(e.store.notifier(), config.Logger, NewEvents, eventNotifyInterval)
	e.newOrders = newAnnouncer(e.store.notifier(), config.Logger, NewOrders, workNotifyInterval)
	if e.deliveries, err = newDeliveries(e.store, e.deliveryConfig(), inputDoor{e.executeArrived, e.executor.readable}, e.workflows); err != nil {
		return nil, fmt.Errorf("ironflow: %w", err)
	}
	e.feed = newFeedWatch(e.store, e.projectConfig())
	e.projections = newProjectionBoard(e.store, e.feed, e.projectConfig(), projections)
	return e, nil
}

func (e *Engine) deliveryConfig() deliveryConfig {
	c := &e.config
	return deliveryConfig{
		Name: c.Name, Logger: c.Logger, Telemetry: c.Telemetry, Clock: c.Clock, External: c.External,
		EffectHandlers: c.EffectHandlers, TimerHandlers: c.TimerHandlers,
		EffectRetry: c.EffectRetry, TimerRetry: c.TimerRetry, EffectTimeout: c.EffectTimeout,
		Lease: c.Lease, PollInterval: c.PollInterval, BlockedTimeout: c.BlockedTimeout,
		Announce: e.newWork.announce,
	}
}

func (e *Engine) projectConfig() projectConfig {
	c := &e.config
	return projectConfig{
		Name: c.Name, Logger: c.Logger, Telemetry: c.Telemetry, Clock: c.Clock,
		Lease: c.Lease, PollInterval: c.PollInterval, StoreTimeout: c.StoreTimeout, FeedStallAfter: c.FeedStallAfter,
		Announce: e.newOrders.announce,
	}
}

// executeArrived is execute for the input of a delivery, which has no options.
func (e *Engine) executeArrived(ctx context.Context, req request) (result, error) {
	return e.execute(ctx, req)
}

// MaxPayloadBytes returns the limit that Config.MaxPayloadBytes comes to.
func (e *Engine) MaxPayloadBytes() int { return e.config.MaxPayloadBytes }

func (e *Engine) workflow(name string) (*Workflow, error) {
	w, ok := e.workflows[name]
	if !ok {
		return nil, &UnknownWorkflow{Workflow: name, Registered: slices.Sorted(maps.Keys(e.workflows))}
	}
	return w, nil
}
