package delivery

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// attemptEnd is how an attempt at a delivery ended.
type attemptEnd struct {
	// settlement is what is left to do. It is nil when a commit has settled the delivery, or when this process has lost its lease.
	settlement *store.Settlement

	report telemetry.DeliveryEnd // for telemetry
}

// inCommit is for a delivery whose input was accepted: the commit has settled it.
func inCommit() attemptEnd {
	return attemptEnd{report: telemetry.DeliveryEnd{Result: telemetry.DeliveryDone}}
}

// settledBy is for a delivery that was handled.
func settledBy(s store.Settlement) attemptEnd {
	return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliveryDone}}
}

// skippedBy is for a firing that is left out.
func skippedBy(s store.Settlement) attemptEnd {
	return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliverySkipped, Again: s.At}}
}

// diedBy is for a delivery that becomes a dead letter.
func diedBy(s store.Settlement) attemptEnd {
	return attemptEnd{&s, telemetry.DeliveryEnd{Result: telemetry.DeliveryDied}}
}

// consumed settles a delivery that was handled.
func consumed(d store.Delivery) store.Settlement {
	return store.Settlement{Lease: d.Lease, Verdict: store.Done}
}

// released gives a delivery back: the attempt does not count.
func released(d store.Delivery, now time.Time) store.Settlement {
	return store.Settlement{Lease: d.Lease, Verdict: store.Release, At: now, BlockedSince: d.BlockedSince}
}

// nameOf names a delivery among all that a store ever has.
func nameOf(l *store.Lease) string {
	return fmt.Sprint(l.Queue, " ", l.Instance, " ", l.Version, " ", l.Position, " ", l.Key)
}

// afterFailure says what becomes of a delivery whose attempt failed with err.
func afterFailure(d store.Delivery, err error, p workflow.RetryPolicy, now time.Time) store.Settlement {
	s := store.Settlement{Lease: d.Lease, Verdict: store.RetryLater, Error: usererr.Bound(err.Error()), At: now}
	_, permanent := usererr.Find[*usererr.Permanent](err)
	retryAfter, later := usererr.Find[*usererr.RetryAfter](err)
	snooze, snoozed := usererr.Find[*usererr.Snooze](err)
	switch {
	case snoozed:
		s.Verdict, s.Error, s.At = store.Release, "", now.Add(max(snooze.Pause, 0))
	case permanent:
		s.Verdict = store.Dead
	case d.Attempt >= p.MaxAttempts:
		s.Verdict = store.Dead
		s.Error = usererr.Bound(fmt.Sprintf("attempt %d of %d: %s", d.Attempt, p.MaxAttempts, s.Error))
	case later:
		s.At = now.Add(max(retryAfter.Pause, 0))
	default:
		s.At = now.Add(p.PauseOf(nameOf(&d.Lease), d.Attempt))
	}
	return s
}
