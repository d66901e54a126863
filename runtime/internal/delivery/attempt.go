package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/unknown"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// serve makes one attempt at a delivery. When it returns, the handler is free for the next delivery, while the lease is held until the
// settler has settled it. What was claimed just before the engine was stopped is given back.
func (r *workerRun) serve(s shift) {
	now := store.StoredTime(r.config.Clock.Now())
	if r.stop.Err() != nil {
		r.end(s, settledBy(released(s.Delivery, now)))
		return
	}
	log := newDeliveryLogger(r.config.Logger, &s.Delivery)
	ctx, report := startDelivery(s.ctx, r.config.Telemetry, &s.Delivery, now)
	var end attemptEnd
	_ = usererr.Call(func() (err error) {
		end, err = r.attempt(ctx, log, s.Delivery)
		return err
	}, func(err error) {
		if err != nil {
			end = r.failed(ctx, log, s.Delivery, err)
		} else if waits := end.settlement != nil && end.settlement.Verdict == store.Wait; !waits && !s.BlockedSince.IsZero() {
			r.unable.remove(s.Kind)
		}
		report(end.report)
		r.end(s, end)
	})
}

// end settles a delivery, if that is still to be done, and lets its lease go.
func (r *workerRun) end(s shift, end attemptEnd) {
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
		switch settled.Verdict {
		case store.RetryLater, store.Release, store.Again: // with Wait it is another process's turn, and this one would always be faster
			r.wakeAt(settled.At)
		}
	})
}

// attempt delivers. A delivery that has no attempt left is buried. One whose personal values cannot be read is left to other processes.
func (w *worker) attempt(ctx context.Context, log *slog.Logger, d store.Delivery) (attemptEnd, error) {
	if err := w.store.OpenDelivery(ctx, &d); err != nil {
		return attemptEnd{}, unknown.Mark(err)
	}
	route := w.routes[d.Kind]
	if d.Attempt > route.retry.MaxAttempts && !route.onProbation(d) {
		return w.bury(ctx, log, d, nil, store.Settlement{
			Lease: d.Lease, Verdict: store.Dead, At: store.StoredTime(w.config.Clock.Now()), Error: lastWord(d, route),
		}), nil
	}
	return route.deliver(ctx, d)
}

// failed says how a delivery ends whose attempt returned an error.
func (w *worker) failed(ctx context.Context, log *slog.Logger, d store.Delivery, err error) attemptEnd {
	now := store.StoredTime(w.config.Clock.Now())
	_, lost := usererr.OwnAs[*store.LeaseLost](err) // of the engine: a handler may return the error of another lease
	_, taken := usererr.OwnAs[*store.LeaseLost](context.Cause(ctx))
	switch {
	case lost, taken:
		return attemptEnd{report: telemetry.DeliveryEnd{Result: w.lost(ctx, log, d.Lease, err), Err: err}}
	case ctx.Err() != nil: // the engine stops; nothing else cancels the context before the delivery has ended
		log.InfoContext(ctx, "ironflow: the engine stops; the delivery goes back to its queue", "error", err)
		s := released(d, now)
		return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliveryReleased, Err: err}}
	case unknown.Is(err):
		return w.block(ctx, log, d, err, now)
	}
	s := afterFailure(d, err, w.routes[d.Kind].retry, now)
	switch s.Verdict {
	case store.Dead:
		return w.bury(ctx, log, d, err, s)
	case store.Release:
		log.DebugContext(ctx, "ironflow: snoozed", "until", s.At)
		return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliverySnoozed, Again: s.At, Err: err}}
	}
	log.WarnContext(ctx, "ironflow: attempt failed", "retry_at", s.At, "error", err)
	return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliveryRetried, Again: s.At, Err: err}}
}

// startDelivery reports the beginning of an attempt. It returns the attempt's context, and a function that reports its end.
func startDelivery(ctx context.Context, tel telemetry.Telemetry, d *store.Delivery, now time.Time) (context.Context, func(telemetry.DeliveryEnd)) {
	if tel == nil {
		return ctx, func(telemetry.DeliveryEnd) {}
	}
	begin := time.Now()
	start := telemetry.DeliveryStart{Delivery: d}
	if d.Attempt == 1 {
		start.Delay = max(now.Sub(d.Due), 0)
	}
	ctx, end := tel.StartDelivery(ctx, start)
	return ctx, func(report telemetry.DeliveryEnd) {
		if end != nil {
			report.Duration = time.Since(begin)
			end(report)
		}
	}
}

// lost logs that a delivery is no longer this worker's, and returns what became of the attempt. If the delivery is gone before its lease
// has run out, no process can have taken it over: a commit of its instance has cancelled, replaced or dropped it, or somebody has
// discarded it. That is not worth a warning.
func (w *worker) lost(ctx context.Context, log *slog.Logger, lease store.Lease, err error) telemetry.DeliveryResult {
	if w.held.current(lease, w.config.Clock.Now()) && w.isGone(ctx, lease) {
		log.DebugContext(ctx, "ironflow: cancelled meanwhile", "error", err)
		return telemetry.DeliveryCancelled
	}
	log.WarnContext(ctx, "ironflow: lease lost; another process handles the delivery", "error", err)
	return telemetry.DeliveryLeaseLost
}

// isGone reports whether the delivery of a lease is not in the queue any more.
func (w *worker) isGone(ctx context.Context, lease store.Lease) bool {
	waiting, err := w.store.Waiting(context.WithoutCancel(ctx), w.name, lease.Instance, store.MaxWaiting)
	return err == nil && !slices.ContainsFunc(waiting, func(d store.WaitingDelivery) bool {
		return d.Lease.Key == lease.Key && d.Lease.Position == lease.Position && d.Lease.Version == lease.Version
	})
}

// lastWord is the error of a delivery that was claimed although its attempts are used up. Either bury has stored the error and is to be
// tried again, or the last attempt did not report back.
func lastWord(d store.Delivery, r route) string {
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

// onProbation reports whether a firing gets one attempt after those at the firing before were used up without a report, as when a
// decider kills its process. If that attempt does not report back either, the schedule or timer becomes a dead letter: it does not kill
// processes for ever.
func (r *route) onProbation(d store.Delivery) bool {
	return d.Attempt == r.retry.MaxAttempts+2 && r.recurs(d)
}

// maxBurials is how many attempts there are at telling a workflow that an effect is dead, after those at the effect.
const maxBurials = 25

// bury ends a delivery whose attempts are used up: as its route says, or as a dead letter. cause is the error of its last attempt. It is
// nil when the last attempt did not report back.
func (w *worker) bury(ctx context.Context, log *slog.Logger, d store.Delivery, cause error, dead store.Settlement) attemptEnd {
	route := w.routes[d.Kind]
	reason := cause
	if cause == nil {
		reason = errors.New(dead.Error)
	}
	die := func() attemptEnd {
		log.ErrorContext(ctx, "ironflow: dead letter", "error", dead.Error)
		return attemptEnd{&dead, telemetry.DeliveryEnd{Result: telemetry.DeliveryDied, Err: reason}}
	}
	// Two firings in a row did not report back: see onProbation.
	hopeless := cause == nil && route.recurs(d) && d.Attempt > route.retry.MaxAttempts+1
	if route.dead == nil || hopeless {
		return die()
	}
	var end attemptEnd
	err := usererr.Apart(func() (err error) { // user code is called here, on the way out of an attempt that may have ended its goroutine
		end, err = route.dead(ctx, d, dead)
		return err
	})
	_, lost := usererr.OwnAs[*store.LeaseLost](err)
	switch {
	case err == nil && end.settlement == nil:
		log.WarnContext(ctx, "ironflow: dead letter; the instance accepted the input that reports it", "error", dead.Error)
		end.report.Err = reason
		return end
	case err == nil && end.settlement.Verdict == store.Dead:
		return die()
	case err == nil: // the firing is skipped
		if cause == nil {
			end.settlement.Attempts = route.retry.MaxAttempts + 1
		}
		end.report.Err = reason
		return end
	case lost:
		return attemptEnd{report: telemetry.DeliveryEnd{Result: w.lost(ctx, log, d.Lease, err), Err: err}}
	case unknown.Is(err):
		if waits, ok := w.blockBurial(d, dead, err); ok {
			if d.BlockedSince.IsZero() {
				log.ErrorContext(ctx, "ironflow: this process cannot send the input that reports a dead letter; it is left to a process that can",
					"error", err, "effect_error", dead.Error)
			}
			return waits
		}
		log.ErrorContext(ctx, "ironflow: the workflow did not accept the input that reports a dead letter", "error", err)
		return die()
	case d.Attempt > route.retry.MaxAttempts+maxBurials:
		log.ErrorContext(ctx, "ironflow: the workflow did not accept the input that reports a dead letter", "error", err)
		return die()
	}
	// With these Attempts the next claim does not call the handler again. It comes here, with the error as it is now.
	log.ErrorContext(ctx, "ironflow: sending the input that reports a dead letter failed", "error", err)
	again := dead.At.Add(route.retry.PauseOf(nameOf(&d.Lease), d.Attempt))
	return attemptEnd{&store.Settlement{
		Lease: d.Lease, Verdict: store.RetryLater, At: again, Error: dead.Error, Attempts: route.retry.MaxAttempts + 1,
	}, telemetry.DeliveryEnd{Result: telemetry.DeliveryRetried, Again: again, Err: err}}
}
