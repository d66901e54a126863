package delivery

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// worker delivers what becomes due in one queue, each kind by its route.
//
// While it runs, one goroutine claims deliveries, each delivery has a goroutine that handles it, and one goroutine settles them. So a
// claim, the handlers and a settlement go on side by side, and each round trip to the store carries many deliveries.
type worker struct {
	name   store.QueueName
	store  *bound.Store
	queue  store.Queue
	routes map[store.Kind]route

	config Config
	slots  int // handlers at the same time
	alarm  alarm
	floors *floors
	news   chan struct{} // for lookBack
	held   heldLeases
	active atomic.Bool // while run runs
	unable unable
	lending
}

func newWorker(name store.QueueName, st *bound.Store, config Config, slots int) *worker {
	return &worker{
		name:   name,
		store:  st,
		queue:  st.Queue(name),
		routes: make(map[store.Kind]route),
		config: config,
		slots:  slots,
		alarm:  alarm{ring: make(chan struct{}, 1)},
		floors: newFloors(),
		news:   make(chan struct{}, 1),
		held:   heldLeases{leases: make(map[store.Lease]heldLease), begun: make(chan struct{}, 1)},
	}
}

// wakeAt lets the worker claim at a time at which something is due, or soon if the time has passed.
func (w *worker) wakeAt(t time.Time) {
	w.floors.lower(t)
	w.alarm.set(t)
}

// hasRoom reports whether the worker runs and has handlers to spare.
func (w *worker) hasRoom() bool { return w.active.Load() && w.held.count() < w.slots }

// run claims until stop ends, and returns when everything that it claimed is settled. Handlers get contexts made of handlers, which
// goes on after the end of stop.
func (w *worker) run(stop, handlers context.Context) {
	r := &workerRun{worker: w, stop: stop, handlers: handlers, busy: make(chan struct{}, w.slots), settler: newSettler(w)}
	r.claims, r.limited = w.planClaims()
	w.lending.begin(r)
	w.active.Store(true)
	defer w.active.Store(false)
	var heartbeat, settling sync.WaitGroup
	beating, stopHeartbeat := context.WithCancel(handlers)
	heartbeat.Go(func() { w.beat(beating) })
	settling.Go(r.settler.run)
	r.serving.Go(func() { r.lookBack() })

	r.claimAll()
	w.lending.end()
	r.serving.Wait()
	r.settler.close()
	settling.Wait()
	stopHeartbeat()
	heartbeat.Wait()
}

// workerRun is one run of a worker.
type workerRun struct {
	*worker
	stop     context.Context // ends when nothing more is to be claimed
	handlers context.Context // of which the contexts of handlers are made; it goes on after stop

	busy     chan struct{} // a token for each handler at work
	serving  sync.WaitGroup
	settler  *settler
	claims   [][]*claimStep
	limited  map[store.Kind]*limitedKind
	seen     time.Time // the time of the last realign; zero before the first
	unparked bool      // unpark has succeeded
}

// claimAll keeps the handlers at work until the run is stopped. It claims no more than there are free handlers: what would wait here behind a
// slow handler is left to other processes.
func (r *workerRun) claimAll() {
	r.floors.reset()
	for {
		limit := r.takeHandlers()
		if limit == 0 {
			return
		}
		r.alarm.clear(r.config.Clock.Now())
		r.realign()
		r.unparked = r.unparked || r.unpark()
		claimed := r.claim(limit)
		for range limit - claimed {
			<-r.busy
		}
		if claimed < limit { // drained
			r.pause(r.stop, r.idle())
		}
	}
}

// maxIdle is how long a worker waits at most when its store says when something becomes due. News wake it before.
const maxIdle = time.Hour

// idle returns how long to wait after everything that is due was claimed.
func (r *workerRun) idle() time.Duration {
	if !bound.Has[store.DueTimes](r.store) {
		return r.config.PollInterval
	}
	next, err := r.store.NextDue(r.stop, r.name, slices.Collect(maps.Keys(r.routes)))
	now := r.config.Clock.Now()
	switch {
	case err != nil:
		return r.config.PollInterval
	case next.IsZero():
		return maxIdle
	case !next.After(now): // it was not claimed: its workflow is paused, it is at a limit, or it is due before the floor
		r.floors.lower(next)
		return r.config.PollInterval
	}
	return min(next.Sub(now), maxIdle)
}

// shifts begins to hold the leases of deliveries that were claimed.
func (r *workerRun) shifts(deliveries []store.Delivery, until time.Time) []shift {
	shifts := make([]shift, len(deliveries))
	for i, d := range deliveries {
		shifts[i] = r.shift(d, until)
	}
	return shifts
}

func (r *workerRun) shift(d store.Delivery, until time.Time) shift {
	ctx, cancel := context.WithCancelCause(r.handlers)
	r.held.add(d, until, cancel)
	return shift{d, until.Add(-r.config.Lease), ctx, cancel}
}

// start serves a delivery on a goroutine of its own. The token for its handler was taken before.
func (r *workerRun) start(s shift) {
	r.serving.Go(func() {
		defer r.isFree()
		r.serve(s)
	})
}

// clockSetBack is how far a clock has to be set back for realign to look for leases.
const clockSetBack = time.Second

// realign ends leases from the future in time, when the run begins and whenever the clock was set back. A process that lives extends
// its leases. The leases of one that has died would last until the clock is where it was before, which may take very long.
//
// Other processes claim meanwhile, and their clocks may be somewhat ahead. So a lease counts as one from the future only when it was
// claimed later than a whole lease from now. Any other lease ends soon.
func (r *workerRun) realign() {
	now := r.config.Clock.Now()
	if r.seen.IsZero() || now.Before(r.seen.Add(-clockSetBack)) {
		n, err := r.queue.Realign(r.stop, store.StoredTime(now), store.StoredTime(now.Add(max(r.config.Lease, clockSetBack))))
		if err != nil {
			if r.stop.Err() == nil {
				r.config.Logger.ErrorContext(r.stop, "ironflow: the search for leases from the future failed", "error", err)
			}
			return
		}
		r.floors.reset()
		if n > 0 {
			r.config.Logger.WarnContext(r.stop, "ironflow: the clock was set back; leases from the future were shortened", "deliveries", n)
		}
	}
	r.seen = now
}

// gatherHandlers is how long a claim waits for more free handlers when most are at work: those that are about to finish share its
// round trip.
const gatherHandlers = time.Millisecond

// takeHandlers waits for a free handler, and takes all free ones that claims may have. It returns 0 when the run is stopped.
func (r *workerRun) takeHandlers() int {
	select {
	case <-r.stop.Done():
		return 0
	case r.busy <- struct{}{}:
	}
	most := r.forClaims(r.slots)
	taken := 1 + r.takeFree(most-1)
	for gathered := time.After(gatherHandlers); gathered != nil && taken < most && taken <= r.slots/2; {
		select {
		case r.busy <- struct{}{}:
			taken++
		case <-gathered:
			gathered = nil
		case <-r.stop.Done():
			gathered = nil
		}
	}
	taken += r.takeFree(most - taken)
	if r.stop.Err() == nil {
		return taken
	}
	for range taken {
		<-r.busy
	}
	return 0
}

// takeFree takes handlers that are free, at most most.
func (r *workerRun) takeFree(most int) (taken int) {
	for taken < most {
		select {
		case r.busy <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
	return taken
}

// shift is a delivery that was claimed, with the context of its handler.
type shift struct {
	store.Delivery
	claimedAt time.Time
	ctx       context.Context
	cancel    context.CancelCauseFunc
}

// pause waits for d, for the alarm, or for the stop.
func (w *worker) pause(stop context.Context, d time.Duration) {
	for {
		now := w.config.Clock.Now()
		wait := d
		if next, ok := w.alarm.next(); ok {
			wait = min(wait, next.Sub(now))
		}
		if wait <= 0 {
			return
		}
		expired := w.config.Clock.After(wait)
		if w.config.Clock.Now().Sub(now) >= wait { // the clock jumped before After counted from it
			return
		}
		select {
		case <-stop.Done():
			return
		case <-w.alarm.ring: // there is an earlier time
			d -= w.config.Clock.Now().Sub(now)
		case <-expired:
			return
		}
	}
}
