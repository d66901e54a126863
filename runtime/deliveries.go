package runtime

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// deliveryConfig is what the delivery of effects and timers takes of an engine's config. Fields are as in Config unless they say more.
type deliveryConfig struct {
	Name      string // of this process, as the holder of leases
	Logger    *slog.Logger
	Telemetry Telemetry // nil for none
	Clock     Clock

	External []string // workflows that run elsewhere

	EffectHandlers, TimerHandlers int
	EffectRetry, TimerRetry       RetryPolicy
	EffectTimeout                 time.Duration

	Lease          time.Duration
	PollInterval   time.Duration
	BlockedTimeout time.Duration

	// Announce tells other processes that effects are due.
	Announce func()
}

// inputDoor is how deliveries get at the instances that they lead to.
type inputDoor struct {
	// Execute decides on an input that has an arrival, and stores what follows from it.
	Execute func(context.Context, request) (result, error)

	// Readable fails unless this program can replay the instance.
	Readable func(ctx context.Context, workflow *Workflow, instance InstanceKey) error
}

// deliveries serves both queues of a store: it claims what is due, hands it to handlers or brings it in as an input, and settles it.
type deliveries struct {
	config  deliveryConfig
	router  *router
	effects *worker
	timers  *worker
}

// newDeliveries makes what delivers the effects, timers and schedules of workflows, by their names. It fails when an effect is for a
// workflow or an input that nobody has.
func newDeliveries(
	store *boundedStore, config deliveryConfig, door inputDoor, workflows map[string]*Workflow,
) (*deliveries, error) {
	if err := checkTargets(workflows, config.External); err != nil {
		return nil, err
	}
	r := &router{config: config, store: store, door: door, workflows: workflows}
	d := &deliveries{
		config: config, router: r,
		effects: newWorker(EffectQueue, store.Effects(), config, config.EffectHandlers),
		timers:  newWorker(TimerQueue, store.Timers(), config, config.TimerHandlers),
	}
	d.effects.routes, d.effects.limitedQueue = r.ofEffects(), store
	d.timers.routes = r.ofTimers()
	return d, nil
}

func (d *deliveries) workers() []*worker { return []*worker{d.effects, d.timers} }

// run delivers until stop ends, and returns when everything that was claimed is settled. The handlers' contexts come from handlers,
// which lives on while they finish.
func (d *deliveries) run(stop, handlers context.Context) {
	var running sync.WaitGroup
	running.Go(func() {
		err := retry(stop, d.config.Clock, func() error { return d.router.putSchedules(stop) })
		if err != nil && stop.Err() == nil {
			d.config.Logger.ErrorContext(stop, "ironflow: the schedules were not started", "error", err)
		}
	})
	for _, w := range d.workers() {
		if len(w.routes) > 0 {
			running.Go(func() { w.run(stop, handlers) })
		}
	}
	running.Wait()
}

// wake looks for work now: there may be some that nobody in this process has made.
func (d *deliveries) wake() {
	now := d.config.Clock.Now()
	for _, w := range d.workers() {
		w.wakeAt(now)
		w.lookSoon()
	}
}

// committed looks, when it is due, for what a commit of this process has put into the queues.
func (d *deliveries) committed(change Change) {
	if len(change.Effects) > 0 {
		d.effects.wakeAt(change.Due)
		if !d.effects.hasRoom() {
			d.config.Announce()
		}
	}
	for _, t := range change.Timers {
		d.timers.wakeAt(t.FireAt)
	}
	for _, s := range change.Settle {
		if s.Verdict == Again {
			d.timers.wakeAt(s.At)
		}
	}
}

// unfinished describes the deliveries whose handlers are at work.
func (d *deliveries) unfinished() []string {
	return slices.Concat(d.effects.held.names(), d.timers.held.names())
}

// handlers returns how many handlers a queue has while run runs, and how many are at work.
func (d *deliveries) handlers(queue QueueName) (all, busy int) {
	w := d.worker(queue)
	if w.active.Load() {
		all = w.slots
	}
	return all, w.held.count()
}

// limit returns the limit of a kind in a queue. It is not known when this process does not deliver the kind.
func (d *deliveries) limit(queue QueueName, kind Kind) (limit *EffectLimit, known bool) {
	route, known := d.worker(queue).routes[kind]
	return route.limit.copied(), known
}

func (d *deliveries) worker(queue QueueName) *worker {
	if queue == TimerQueue {
		return d.timers
	}
	return d.effects
}
