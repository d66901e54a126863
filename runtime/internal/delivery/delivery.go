package delivery

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Config is what the delivery takes from an engine's config. Fields without a comment are as in runtime.Config.
type Config struct {
	Name      string // of this process, as the holder of leases
	Logger    *slog.Logger
	Telemetry telemetry.Telemetry // nil for none
	Clock     store.Clock

	External []string                   // workflows that run elsewhere
	Remotes  map[string]workflow.Remote // by their workflows
	InCell   bool                       // the store is one of several, which all have the schedules

	EffectHandlers, TimerHandlers int
	EffectRetry, TimerRetry       workflow.RetryPolicy
	EffectTimeout                 time.Duration

	Lease          time.Duration
	PollInterval   time.Duration
	BlockedTimeout time.Duration

	// Announce tells other processes that effects are due.
	Announce func()

	// Settled is called after deliveries were settled. Nil means that nobody wants to know.
	Settled func([]store.Settlement)
}

// Door is the way of inputs that deliveries bring.
type Door struct {
	// Execute decides on an input that has an Arrival, and stores what follows from it.
	Execute func(context.Context, commit.Request) (commit.Result, error)

	// Readable fails if this program cannot replay an instance.
	Readable func(context.Context, *workflow.Workflow, store.InstanceKey) error
}

// Deliveries serves both queues of a store.
type Deliveries struct {
	config    Config
	store     *bound.Store
	workflows map[string]*workflow.Workflow
	effects   *worker
	timers    *worker
}

// New makes Deliveries for workflows, by their names. It fails if an effect is for a workflow that is not registered, or for an input that
// its workflow does not have.
func New(st *bound.Store, config Config, door Door, workflows map[string]*workflow.Workflow) (*Deliveries, error) {
	if err := checkTargets(workflows, &config); err != nil {
		return nil, err
	}
	d := &Deliveries{
		config: config, store: st, workflows: workflows,
		effects: newWorker(store.EffectQueue, st, config, config.EffectHandlers),
		timers:  newWorker(store.TimerQueue, st, config, config.TimerHandlers),
	}
	for _, w := range workflows {
		r := &router{config, st, door, workflows, w}
		r.addEffects(d.effects.routes)
		r.addTimers(d.timers.routes)
	}
	return d, nil
}

func (d *Deliveries) workers() []*worker { return []*worker{d.effects, d.timers} }

// Run delivers until stop ends, and returns when everything that was claimed is settled. Handlers get contexts made of handlers, which goes
// on after the end of stop. Its end makes handlers return, and what they leave unfinished is given back.
func (d *Deliveries) Run(stop, handlers context.Context) {
	var running sync.WaitGroup
	running.Go(func() {
		err := bound.Retry(stop, d.config.Clock, func() error { return d.putSchedules(stop) })
		if err != nil && stop.Err() == nil {
			d.config.Logger.ErrorContext(stop, "ironflow: starting the schedules failed", "error", err)
		}
	})
	for _, w := range d.workers() {
		if len(w.routes) > 0 {
			running.Go(func() { w.run(stop, handlers) })
		}
	}
	running.Wait()
}

// Wake looks for work at once, also for what another process has made.
func (d *Deliveries) Wake() {
	now := d.config.Clock.Now()
	for _, w := range d.workers() {
		w.wakeAt(now)
		w.lookSoon()
	}
}

// Lease reserves free handlers for new effects and timers of changes that are about to be stored, and marks those that have one as Leased.
// Committed or GiveBack follows.
func (d *Deliveries) Lease(changes []store.Change) {
	until := store.StoredTime(d.config.Clock.Now().Add(d.config.Lease))
	var returned [2]int // handlers of effects and of timers whose results the changes are; each is free when they are stored
	for i := range changes {
		for _, lease := range changes[i].Consume {
			if lease.Queue == store.EffectQueue {
				returned[0]++
			} else {
				returned[1]++
			}
		}
	}
	for i := range changes {
		c := &changes[i]
		c.Lease = store.NewLease{Holder: d.config.Name, Until: until}
		for n := range c.Effects {
			e := &c.Effects[n]
			e.Leased = d.effects.lend(store.Kind{Workflow: c.Instance.Workflow, Name: e.Kind}, &returned[0])
		}
		for n := range c.Timers {
			t := &c.Timers[n]
			t.Leased = !t.FireAt.After(c.Due) && d.timers.lend(store.Kind{Workflow: c.Instance.Workflow, Name: t.Input}, &returned[1])
		}
	}
}

// GiveBack frees the handlers that Lease has reserved for changes. err is why they are not known to be stored; it may be nil.
func (d *Deliveries) GiveBack(changes []store.Change, err error) {
	paused, _ := usererr.OwnAs[*store.PausedLease](err)
	for i := range changes {
		for _, delivery := range changes[i].LeasedDeliveries(0) {
			d.worker(delivery.Lease.Queue).takeBack()
		}
	}
	if paused != nil {
		d.effects.isPaused(paused.Workflow)
		d.timers.isPaused(paused.Workflow)
	}
}

// Committed serves what a commit of this process has leased, and makes the workers look for the rest when it is due.
func (d *Deliveries) Committed(commit store.CommitID, changes []store.Change) {
	for i := range changes {
		c := &changes[i]
		if leased := c.LeasedDeliveries(commit); len(leased) > 0 {
			d.effects.handOver(leased, c.Lease.Until)
			d.timers.handOver(leased, c.Lease.Until)
		}
		for _, e := range c.Effects {
			if !e.Leased {
				d.effects.waits(store.Kind{Workflow: c.Instance.Workflow, Name: e.Kind}, c.Due)
				if !d.effects.hasRoom() {
					d.config.Announce()
				}
			}
		}
		for _, t := range c.Timers {
			switch {
			case t.Leased:
			case t.FireAt.After(c.Due):
				d.timers.wakeAt(t.FireAt)
			default:
				d.timers.waits(store.Kind{Workflow: c.Instance.Workflow, Name: t.Input}, t.FireAt)
			}
		}
		for _, s := range c.Settle {
			if s.Verdict == store.Again {
				d.timers.wakeAt(s.At)
			}
		}
	}
}

// Unfinished returns the instances and kinds of the deliveries that are not settled.
func (d *Deliveries) Unfinished() []string {
	return slices.Concat(d.effects.held.names(), d.timers.held.names())
}

// Handlers returns how many handlers a queue has, which is 0 unless Run runs, and how many deliveries are not settled.
func (d *Deliveries) Handlers(queue store.QueueName) (all, busy int) {
	w := d.worker(queue)
	if w.active.Load() {
		all = w.slots
	}
	return all, w.held.count()
}

// Kinds returns the kinds of a queue that this process delivers, sorted.
func (d *Deliveries) Kinds(queue store.QueueName) []store.Kind {
	return slices.SortedFunc(maps.Keys(d.worker(queue).routes), func(a, b store.Kind) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
	})
}

// Limit returns the limit of a kind. known is false if this process does not deliver the kind.
func (d *Deliveries) Limit(queue store.QueueName, kind store.Kind) (limit *workflow.EffectLimit, known bool) {
	route, known := d.worker(queue).routes[kind]
	if route.limit != nil {
		limit = new(*route.limit) // which the caller may change
	}
	return limit, known
}

func (d *Deliveries) worker(queue store.QueueName) *worker {
	if queue == store.TimerQueue {
		return d.timers
	}
	return d.effects
}
