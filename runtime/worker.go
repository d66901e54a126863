package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// worker delivers what becomes due in one queue. Effects and timers differ only in deliver and policy.
type worker struct {
	queue  Queue
	kinds  []Kind
	config Config
	slots  chan struct{} // one token for each delivery in progress
	alarm  alarm
	held   heldLeases

	// deliver makes one attempt. It reports whether the delivery was consumed in the commit of its input.
	deliver func(ctx context.Context, d Delivery) (consumed bool, err error)
	policy  func(Kind) RetryPolicy
}

func newWorker(queue Queue, config Config, concurrency int) *worker {
	return &worker{
		queue:  queue,
		config: config,
		slots:  make(chan struct{}, concurrency),
		alarm:  alarm{ring: make(chan struct{}, 1)},
		held:   heldLeases{leases: make(map[Lease]heldLease)},
	}
}

// wakeAt lets the worker look for work at the given time, or soon when it has passed.
func (w *worker) wakeAt(t time.Time) { w.alarm.set(t) }

// run claims and serves until stop ends, and returns when everything it claimed is served. The handlers' contexts come
// from handlers, which lives on while they finish.
func (w *worker) run(stop, handlers context.Context) {
	var serving, heartbeat sync.WaitGroup
	beating, stopHeartbeat := context.WithCancel(handlers)
	heartbeat.Go(func() { w.beat(beating) })

	failures := 0
	for w.takeSlot(stop) {
		free := 1 + w.takeFreeSlots()
		w.alarm.clear(w.config.Clock.Now())
		deliveries, until, err := w.claim(stop, free)
		for range free - len(deliveries) {
			<-w.slots
		}
		for _, d := range deliveries {
			serving.Go(func() {
				defer func() { <-w.slots }()
				w.serve(handlers, d, until)
			})
		}
		switch {
		case err != nil && stop.Err() == nil:
			failures++
			w.config.Logger.ErrorContext(stop, "ironflow: claiming work failed", "failures", failures, "error", err)
			w.pause(stop, pollBackoff.delay(failures))
		case len(deliveries) < free: // drained
			failures = 0
			w.pause(stop, w.config.PollInterval)
		default:
			failures = 0
		}
	}
	serving.Wait()
	stopHeartbeat()
	heartbeat.Wait()
}

var pollBackoff = RetryPolicy{Base: 200 * time.Millisecond, Max: 10 * time.Second}

func (w *worker) takeSlot(stop context.Context) bool {
	select {
	case <-stop.Done():
		return false
	case w.slots <- struct{}{}:
	}
	if stop.Err() != nil { // select chose at random
		<-w.slots
		return false
	}
	return true
}

func (w *worker) takeFreeSlots() (taken int) {
	for {
		select {
		case w.slots <- struct{}{}:
			taken++
		default:
			return taken
		}
	}
}

// claim does not stop half-way when the engine stops: what was claimed has cost an attempt, and must be served. It also
// returns the end of the leases.
func (w *worker) claim(ctx context.Context, limit int) ([]Delivery, time.Time, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.Lease)
	defer cancel()
	now := storedTime(w.config.Clock.Now())
	until := now.Add(w.config.Lease)
	deliveries, err := w.queue.Claim(ctx, Claim{Kinds: w.kinds, Now: now, Until: until, Limit: limit})
	if err != nil {
		return nil, time.Time{}, err
	}
	return deliveries, until, nil
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
		select {
		case <-stop.Done():
			return
		case <-w.alarm.ring: // set anew; look at it again
			d -= w.config.Clock.Now().Sub(now)
		case <-w.config.Clock.After(wait):
			return
		}
	}
}

// serve makes one attempt at a delivery, leased until then unless a heartbeat extends it, and settles it.
func (w *worker) serve(handlers context.Context, d Delivery, until time.Time) {
	ctx, cancel := context.WithCancelCause(handlers)
	defer cancel(nil)
	w.held.add(d, until, cancel)
	defer w.held.remove(d.Lease)

	log := w.config.Logger.With(
		"workflow", d.Kind.Workflow, "instance", d.Lease.Instance.ID, d.Lease.Queue.singular(), d.Kind.Name, "attempt", d.Attempt)
	settlement := w.attempt(ctx, log, d)
	if settlement.Verdict == 0 {
		return
	}
	if settlement.Verdict == RetryLater {
		defer w.wakeAt(settlement.At)
	}
	w.settle(context.WithoutCancel(ctx), log, settlement)
}

// attempt returns how the lease is to end; Verdict 0 when there is nothing to settle any more.
func (w *worker) attempt(ctx context.Context, log *slog.Logger, d Delivery) Settlement {
	policy := w.policy(d.Kind)
	if d.Attempt > policy.MaxAttempts {
		log.ErrorContext(ctx, "ironflow: dead letter, no attempt reported back", "last_error", d.LastError)
		return Settlement{Lease: d.Lease, Verdict: Dead, At: storedTime(w.config.Clock.Now()), Error: fmt.Sprintf(
			"gave up after %d attempts; the last one did not report back: its process crashed, or lost its lease. Last error: %s",
			policy.MaxAttempts, d.LastError)}
	}
	consumed, err := w.deliver(ctx, d)
	now := storedTime(w.config.Clock.Now())
	var lost *LeaseLost
	switch {
	case err == nil && consumed:
		return Settlement{}
	case err == nil:
		return Settlement{Lease: d.Lease, Verdict: Done}
	case errors.As(err, &lost), errors.As(context.Cause(ctx), &lost):
		log.WarnContext(ctx, "ironflow: lease lost, the work is someone else's now", "error", err)
		return Settlement{}
	case errors.Is(context.Cause(ctx), errStopping):
		log.InfoContext(ctx, "ironflow: interrupted by the stop, given back", "error", err)
		return Settlement{Lease: d.Lease, Verdict: Release, At: now}
	}
	settlement := policy.settle(d, err, now)
	if settlement.Verdict == Dead {
		log.ErrorContext(ctx, "ironflow: dead letter", "error", err)
	} else {
		log.WarnContext(ctx, "ironflow: attempt failed", "retry_at", settlement.At, "error", err)
	}
	return settlement
}

// settle tries until the lease is over; after that the delivery is due again anyway.
func (w *worker) settle(ctx context.Context, log *slog.Logger, s Settlement) {
	ctx, cancel := context.WithTimeout(ctx, w.config.Lease)
	defer cancel()
	err := retry(ctx, w.config.Clock, func() error {
		lost, err := w.queue.Settle(ctx, []Settlement{s})
		if err == nil && len(lost) > 0 {
			log.WarnContext(ctx, "ironflow: lease lost, the work is someone else's now")
		}
		return fromStore(err)
	})
	if err != nil {
		log.ErrorContext(ctx, "ironflow: settling failed, the work is due again when its lease ends", "error", err)
	}
}

// storeBackoff is for calls of a store that failed and are worth repeating at once.
var storeBackoff = RetryPolicy{Base: 50 * time.Millisecond, Max: time.Second}

// retry repeats f while it fails because of the store and ctx lasts. It returns f's last error.
func retry(ctx context.Context, clock Clock, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		var failure *storeError
		if !errors.As(err, &failure) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-clock.After(storeBackoff.delay(attempt)):
		}
	}
}

// alarm remembers the times that somebody asked to be woken at, up to maxAlarms of the earliest. Polling finds what is
// behind the others.
type alarm struct {
	mu    sync.Mutex
	times []time.Time // sorted
	ring  chan struct{}
}

const maxAlarms = 128

func (a *alarm) set(t time.Time) {
	a.mu.Lock()
	at, known := slices.BinarySearchFunc(a.times, t, time.Time.Compare)
	if !known && at < maxAlarms {
		a.times = slices.Insert(a.times[:min(len(a.times), maxAlarms-1)], at, t)
	}
	a.mu.Unlock()
	if at == 0 && !known {
		select {
		case a.ring <- struct{}{}:
		default:
		}
	}
}

func (a *alarm) next() (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.times) == 0 {
		return time.Time{}, false
	}
	return a.times[0], true
}

// clear forgets the times that have come.
func (a *alarm) clear(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	to, _ := slices.BinarySearchFunc(a.times, now.Add(1), time.Time.Compare)
	a.times = slices.Delete(a.times, 0, to)
}
