package delivery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Config is what the delivery of effects and timers takes of an engine's config. Fields are as in Config unless they say more.
type Config struct {
	Name      string // of this process, as the holder of leases
	Logger    *slog.Logger
	Telemetry telemetry.Telemetry // nil for none
	Clock     store.Clock

	External []string // workflows that run elsewhere

	EffectHandlers, TimerHandlers int
	EffectRetry, TimerRetry       workflow.RetryPolicy
	EffectTimeout                 time.Duration

	Lease          time.Duration
	PollInterval   time.Duration
	BlockedTimeout time.Duration

	// Announce tells other processes that effects are due.
	Announce func()
}

// Door is how deliveries get at the instances that they lead to.
type Door struct {
	// Execute decides on an input that has an arrival, and stores what follows from it.
	Execute func(context.Context, commit.Request) (commit.Result, error)

	// Readable fails unless this program can replay the instance.
	Readable func(ctx context.Context, workflow *workflow.Workflow, instance store.InstanceKey) error
}

// Deliveries serves both queues of a store: it claims what is due, hands it to handlers or brings it in as an input, and settles it.
type Deliveries struct {
	config  Config
	router  *router
	effects *worker
	timers  *worker
}

// New makes what delivers the effects, timers and schedules of workflows, by their names. It fails when an effect is for a
// workflow or an input that nobody has.
func New(
	st *bound.Store, config Config, door Door, workflows map[string]*workflow.Workflow,
) (*Deliveries, error) {
	if err := checkTargets(workflows, config.External); err != nil {
		return nil, err
	}
	r := &router{config: config, store: st, door: door, workflows: workflows}
	d := &Deliveries{
		config: config, router: r,
		effects: newWorker(store.EffectQueue, st.Effects(), config, config.EffectHandlers),
		timers:  newWorker(store.TimerQueue, st.Timers(), config, config.TimerHandlers),
	}
	d.effects.routes, d.effects.limitedQueue = r.ofEffects(), st
	d.timers.routes = r.ofTimers()
	return d, nil
}

func (d *Deliveries) workers() []*worker { return []*worker{d.effects, d.timers} }

// Run delivers until stop ends, and returns when everything that was claimed is settled. The handlers' contexts come from handlers,
// which lives on while they finish.
func (d *Deliveries) Run(stop, handlers context.Context) {
	var running sync.WaitGroup
	running.Go(func() {
		err := bound.Retry(stop, d.config.Clock, func() error { return d.router.putSchedules(stop) })
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

// Wake looks for work now: there may be some that nobody in this process has made.
func (d *Deliveries) Wake() {
	now := d.config.Clock.Now()
	for _, w := range d.workers() {
		w.wakeAt(now)
		w.lookSoon()
	}
}

// Committed looks, when it is due, for what a commit of this process has put into the queues.
func (d *Deliveries) Committed(change store.Change) {
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
		if s.Verdict == store.Again {
			d.timers.wakeAt(s.At)
		}
	}
}

// Unfinished describes the deliveries whose handlers are at work.
func (d *Deliveries) Unfinished() []string {
	return slices.Concat(d.effects.held.names(), d.timers.held.names())
}

// Handlers returns how many handlers a queue has while run runs, and how many are at work.
func (d *Deliveries) Handlers(queue store.QueueName) (all, busy int) {
	w := d.worker(queue)
	if w.active.Load() {
		all = w.slots
	}
	return all, w.held.count()
}

// Limit returns the limit of a kind in a queue. It is not known when this process does not deliver the kind.
func (d *Deliveries) Limit(queue store.QueueName, kind store.Kind) (limit *workflow.EffectLimit, known bool) {
	route, known := d.worker(queue).routes[kind]
	return route.limit.Copied(), known
}

func (d *Deliveries) worker(queue store.QueueName) *worker {
	if queue == store.TimerQueue {
		return d.timers
	}
	return d.effects
}
