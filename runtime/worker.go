package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// worker delivers what becomes due in one queue, each kind by its route.
//
// While it runs, one goroutine claims and one settles what the handlers leave. So a claim, the handlers and a settlement go
// on side by side, and each round trip carries many deliveries.
type worker struct {
	name   QueueName
	queue  Queue
	routes map[Kind]route

	limitedQueue LimitedQueue // of the kinds whose routes have a limit

	config deliveryConfig
	slots  int // handlers at the same time
	alarm  alarm
	floors *floors       // of its kinds
	news   chan struct{} // for lookBack
	held   heldLeases
	active atomic.Bool // while it runs
}

// route is the way of one kind of deliveries.
type route struct {
	retry    RetryPolicy
	priority int
	limit    *EffectLimit // nil for none

	// deliver makes one attempt.
	deliver func(ctx context.Context, d Delivery) (ending, error)

	// dead is asked how a delivery ends that is to be a dead letter; nil makes it one.
	dead func(ctx context.Context, d Delivery, dead Settlement) (ending, error)

	// recurring reports whether a delivery is due again after it was done; nil for never.
	recurring func(d Delivery) bool
}

func (r *route) recurs(d Delivery) bool { return r.recurring != nil && r.recurring(d) }

func newWorker(name QueueName, queue Queue, config deliveryConfig, slots int) *worker {
	return &worker{
		name:   name,
		queue:  queue,
		config: config,
		slots:  slots,
		alarm:  alarm{ring: make(chan struct{}, 1)},
		floors: newFloors(),
		news:   make(chan struct{}, 1),
		held:   heldLeases{leases: make(map[Lease]heldLease)},
	}
}

// wakeAt lets the worker look for work that is due at the given time, then or soon when it has passed.
func (w *worker) wakeAt(t time.Time) {
	w.floors.lower(t)
	w.alarm.set(t)
}

// hasRoom reports whether the worker runs and has handlers to spare.
func (w *worker) hasRoom() bool { return w.active.Load() && w.held.count() < w.slots }

// run claims and serves until stop ends, and returns when everything it claimed is served. The handlers' contexts come
// from handlers, which lives on while they finish.
func (w *worker) run(stop, handlers context.Context) {
	r := &workerRun{worker: w, busy: make(chan struct{}, w.slots), settler: newSettler(w)}
	r.claims, r.limited = w.planClaims()
	w.active.Store(true)
	defer w.active.Store(false)
	var heartbeat, settling sync.WaitGroup
	beating, stopHeartbeat := context.WithCancel(handlers)
	heartbeat.Go(func() { w.beat(beating) })
	settling.Go(r.settler.run)
	r.serving.Go(func() { r.lookBack(stop) })

	r.claimAll(stop, handlers)
	r.serving.Wait()
	r.settler.close()
	settling.Wait()
	stopHeartbeat()
	heartbeat.Wait()
}

// workerRun is one run of a worker.
type workerRun struct {
	*worker
	busy     chan struct{} // one token for each handler at work
	serving  sync.WaitGroup
	settler  *settler
	claims   [][]*claimStep
	limited  map[Kind]*limitedKind
	seen     time.Time // what the clock has shown last; zero until the leases are in line with it
	unparked bool      // kinds without a limit for each key have nothing parked
}

// claimAll keeps the handlers in work until stop ends. It claims no more than there are handlers without work: what waited
// here behind a slow handler could be with another process.
func (r *workerRun) claimAll(stop, handlers context.Context) {
	r.floors.reset()
	for {
		limit := r.takeHandlers(stop)
		if limit == 0 {
			return
		}
		r.alarm.clear(r.config.Clock.Now())
		r.realign(stop)
		r.unparked = r.unparked || r.unpark(stop)
		claimed := r.claim(stop, handlers, limit)
		for range limit - claimed {
			<-r.busy
		}
		if claimed < limit { // drained
			r.pause(stop, r.config.PollInterval)
		}
	}
}

// shifts makes the leases of deliveries held.
func (r *workerRun) shifts(handlers context.Context, deliveries []Delivery, until time.Time) []shift {
	shifts := make([]shift, len(deliveries))
	for i, d := range deliveries {
		ctx, cancel := context.WithCancelCause(handlers)
		r.held.add(d, until, cancel)
		shifts[i] = shift{d, until.Add(-r.config.Lease), ctx, cancel}
	}
	return shifts
}

// start serves a delivery beside others. A token for its handler is taken.
func (r *workerRun) start(stop context.Context, s shift) {
	r.serving.Go(func() {
		defer func() { <-r.busy }()
		r.serve(stop, s)
	})
}

// clockSetBack is by how much a clock has to be set back for somebody to care.
const clockSetBack = time.Second

// realign looks for leases from the future, at first and whenever the clock was set back. A living process extends its leases in
// time. Those of a process that has died would last until the clock is again where it was, however long that takes.
//
// Other processes claim while this one looks, and their clocks may be somewhat ahead. So a lease counts as one from the future only
// when it was claimed later than a whole lease from now; any other ends soon by itself.
func (r *workerRun) realign(stop context.Context) {
	now := r.config.Clock.Now()
	if r.seen.IsZero() || now.Before(r.seen.Add(-clockSetBack)) {
		n, err := r.queue.Realign(stop, storedTime(now), storedTime(now.Add(max(r.config.Lease, clockSetBack))))
		if err != nil {
			if stop.Err() == nil {
				r.config.Logger.ErrorContext(stop, "ironflow: looking for leases from the future failed", "error", err)
			}
			return
		}
		r.floors.reset()
		if n > 0 {
			r.config.Logger.WarnContext(stop, "ironflow: the clock was set back, leases from the future are set back too", "deliveries", n)
		}
	}
	r.seen = now
}

// gatherHandlers is how long a claim waits for more handlers to come free, when most are at work: those that are about to
// finish share its round trip.
const gatherHandlers = time.Millisecond

// takeHandlers waits for a handler without work and takes all there are. It returns 0 when stop ends.
func (r *workerRun) takeHandlers(stop context.Context) int {
	select {
	case <-stop.Done():
		return 0
	case r.busy <- struct{}{}:
	}
	taken := 1 + r.takeFree()
	for gathered := time.After(gatherHandlers); gathered != nil && taken <= cap(r.busy)/2; {
		select {
		case r.busy <- struct{}{}:
			taken++
		case <-gathered:
			gathered = nil
		case <-stop.Done():
			gathered = nil
		}
	}
	taken += r.takeFree()
	if stop.Err() == nil {
		return taken
	}
	for range taken {
		<-r.busy
	}
	return 0
}

func (r *workerRun) takeFree() (taken int) {
	for {
		select {
		case r.busy <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
}

// shift is a delivery that was claimed, with the context of its handler.
type shift struct {
	Delivery
	claimedAt time.Time
	ctx       context.Context
	cancel    context.CancelCauseFunc
}

var pollBackoff = backoff.Backoff{Base: 200 * time.Millisecond, Max: 10 * time.Second}

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
		case <-w.alarm.ring: // set anew; look at it again
			d -= w.config.Clock.Now().Sub(now)
		case <-expired:
			return
		}
	}
}

// serve makes one attempt at a delivery. Its handler is free for the next when it has returned; the lease is held until it
// is settled. A delivery that was claimed while the engine was told to stop is given back.
func (r *workerRun) serve(stop context.Context, s shift) {
	now := storedTime(r.config.Clock.Now())
	if stop.Err() != nil {
		r.end(s, settledBy(released(s.Delivery, now)))
		return
	}
	log := newDeliveryLogger(r.config.Logger, &s.Delivery)
	ctx, report := startDelivery(s.ctx, r.config.Telemetry, &s.Delivery, now)
	var end ending
	_ = usererr.Call(func() (err error) {
		end, err = r.attempt(ctx, log, s.Delivery)
		return err
	}, func(err error) {
		if err != nil {
			end = r.failed(ctx, log, s.Delivery, err)
		}
		report(end.report)
		r.end(s, end)
	})
}

// end settles what is left to settle of a delivery, and forgets it.
func (r *workerRun) end(s shift, end ending) {
	forget := func() {
		r.held.remove(s.Lease)
		s.cancel(nil)
		r.leave(s)
	}
	if end.settlement == nil {
		forget()
		return
	}
	settled := *end.settlement
	r.settler.add(settled, func() {
		forget()
		switch settled.Verdict { // with Wait another process has its turn, which would be too late each time
		case RetryLater, Release, Again:
			r.wakeAt(settled.At)
		}
	})
}

// attempt delivers, or buries what has no attempt left.
func (w *worker) attempt(ctx context.Context, log *slog.Logger, d Delivery) (ending, error) {
	route := w.routes[d.Kind]
	if d.Attempt > route.retry.MaxAttempts && !route.onProbation(d) {
		return w.bury(ctx, log, d, nil, Settlement{
			Lease: d.Lease, Verdict: Dead, At: storedTime(w.config.Clock.Now()), Error: lastWord(d, route),
		}), nil
	}
	return route.deliver(ctx, d)
}

// failed says how a delivery ends whose attempt failed.
func (w *worker) failed(ctx context.Context, log *slog.Logger, d Delivery, err error) ending {
	now := storedTime(w.config.Clock.Now())
	_, lost := usererr.OwnAs[*LeaseLost](err) // a handler may hear of another lease
	_, taken := usererr.OwnAs[*LeaseLost](context.Cause(ctx))
	switch {
	case lost, taken:
		return ending{report: DeliveryEnd{Result: w.lost(ctx, log, d.Lease, err), Err: err}}
	case ctx.Err() != nil: // the engine stops: nothing else ends it before the delivery has ended
		log.InfoContext(ctx, "ironflow: interrupted by the stop, given back", "error", err)
		s := released(d, now)
		return ending{&s, DeliveryEnd{Result: DeliveryReleased, Err: err}}
	case unknown.Is(err):
		return w.block(ctx, log, d, err, now)
	}
	s := afterFailure(d, err, w.routes[d.Kind].retry, now)
	switch s.Verdict {
	case Dead:
		return w.bury(ctx, log, d, err, s)
	case Release:
		log.DebugContext(ctx, "ironflow: snoozed", "until", s.At)
		return ending{&s, DeliveryEnd{Result: DeliverySnoozed, Again: s.At, Err: err}}
	}
	log.WarnContext(ctx, "ironflow: attempt failed", "retry_at", s.At, "error", err)
	return ending{&s, DeliveryEnd{Result: DeliveryRetried, Again: s.At, Err: err}}
}

// startDelivery tells of an attempt. It returns the attempt's context, and what tells of its end.
func startDelivery(ctx context.Context, telemetry Telemetry, d *Delivery, now time.Time) (context.Context, func(DeliveryEnd)) {
	if telemetry == nil {
		return ctx, func(DeliveryEnd) {}
	}
	begin := time.Now()
	start := DeliveryStart{Delivery: d}
	if d.Attempt == 1 {
		start.Delay = max(now.Sub(d.Due), 0)
	}
	ctx, end := telemetry.StartDelivery(ctx, start)
	return ctx, func(report DeliveryEnd) {
		if end != nil {
			report.Duration = time.Since(begin)
			end(report)
		}
	}
}

// lost says that a delivery is no longer this worker's, and returns what became of the attempt. When the delivery is gone, and its
// lease had not run out, nobody can have taken it over: a commit of its instance has cancelled, replaced or dropped it, or somebody
// discarded it. That is nothing to worry about.
func (w *worker) lost(ctx context.Context, log *slog.Logger, lease Lease, err error) DeliveryResult {
	if w.held.current(lease, w.config.Clock.Now()) && w.isGone(ctx, lease) {
		log.DebugContext(ctx, "ironflow: cancelled meanwhile", "error", err)
		return DeliveryCancelled
	}
	log.WarnContext(ctx, "ironflow: lease lost, the work is someone else's now", "error", err)
	return DeliveryLeaseLost
}

// maxLookedAt is how many deliveries of an instance isGone looks at.
const maxLookedAt = 1000

// isGone reports whether the delivery of a lease is not in the queue any more.
func (w *worker) isGone(ctx context.Context, lease Lease) bool {
	waiting, err := w.queue.Waiting(context.WithoutCancel(ctx), lease.Instance, maxLookedAt)
	return err == nil && !slices.ContainsFunc(waiting, func(d WaitingDelivery) bool {
		return d.Lease.Key == lease.Key && d.Lease.Position == lease.Position && d.Lease.Version == lease.Version
	})
}

// lastWord is the error of a delivery whose attempts are used up: what bury has left, or that there was no word from the last.
func lastWord(d Delivery, r route) string {
	most := r.retry.MaxAttempts
	if d.Attempt > most+1 && d.LastError != "" && !r.recurs(d) {
		return withoutNotTold(d.LastError)
	}
	text := fmt.Sprintf("gave up after %d attempts; the last one did not report back: its process crashed, or lost its lease", most)
	if d.Attempt > most+1 {
		text += ", as in the firing before"
	}
	if d.LastError != "" {
		text += ". Last error: " + d.LastError
	}
	return usererr.Bound(text)
}

// onProbation reports whether a firing may be tried once more after the attempts at the one before were used up without a report, as
// when a decider kills its process. If that happens again, the schedule or timer is a dead letter: it does not kill processes for
// ever.
func (r *route) onProbation(d Delivery) bool {
	return d.Attempt == r.retry.MaxAttempts+2 && r.recurs(d)
}

// maxBurials is how many more attempts there are at telling a workflow that an effect is dead.
const maxBurials = 25

// bury makes a dead letter of a delivery, or what its route makes of it. cause is the error of its last attempt; nil when that
// has not reported back.
func (w *worker) bury(ctx context.Context, log *slog.Logger, d Delivery, cause error, dead Settlement) ending {
	route := w.routes[d.Kind]
	reason := cause
	if cause == nil {
		reason = errors.New(dead.Error)
	}
	die := func() ending {
		log.ErrorContext(ctx, "ironflow: dead letter", "error", dead.Error)
		return ending{&dead, DeliveryEnd{Result: DeliveryDied, Err: reason}}
	}
	// A firing that did not report back was followed by another one that did not: see onProbation.
	hopeless := cause == nil && route.recurs(d) && d.Attempt > route.retry.MaxAttempts+1
	if route.dead == nil || hopeless {
		return die()
	}
	end, err := route.dead(ctx, d, dead)
	_, lost := usererr.OwnAs[*LeaseLost](err)
	switch {
	case err == nil && end.settlement == nil:
		log.WarnContext(ctx, "ironflow: dead letter, the workflow was told", "error", dead.Error)
		end.report.Err = reason
		return end
	case err == nil && end.settlement.Verdict == Dead:
		return die()
	case err == nil: // the firing is skipped
		if cause == nil {
			end.settlement.Attempts = route.retry.MaxAttempts + 1
		}
		end.report.Err = reason
		return end
	case lost:
		return ending{report: DeliveryEnd{Result: w.lost(ctx, log, d.Lease, err), Err: err}}
	case unknown.Is(err):
		if waits, ok := w.blockBurial(d, dead, err); ok {
			if d.BlockedSince.IsZero() {
				log.ErrorContext(ctx, "ironflow: this process cannot tell the workflow of its dead effect, left to one that can",
					"error", err, "effect_error", dead.Error)
			}
			return waits
		}
		log.ErrorContext(ctx, "ironflow: the workflow was not told of its dead effect", "error", err)
		return die()
	case d.Attempt > route.retry.MaxAttempts+maxBurials:
		log.ErrorContext(ctx, "ironflow: the workflow was not told of its dead effect", "error", err)
		return die()
	}
	// The next claim finds the attempts used up, whatever they were, and comes here again with the error as it is: the handler
	// has said its last word.
	log.ErrorContext(ctx, "ironflow: telling the workflow of its dead effect failed", "error", err)
	again := dead.At.Add(route.retry.delay(d.Attempt))
	return ending{&Settlement{
		Lease: d.Lease, Verdict: RetryLater, At: again, Error: dead.Error, Attempts: route.retry.MaxAttempts + 1,
	}, DeliveryEnd{Result: DeliveryRetried, Again: again, Err: err}}
}
