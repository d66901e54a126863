package runtime

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// attemptEnd is how an attempt at a delivery ended.
type attemptEnd struct {
	// settlement is what is left to do. It is nil when a commit has settled the delivery, or when this process has lost its lease.
	settlement *Settlement

	report DeliveryEnd // for telemetry
}

// inCommit is for a delivery whose input was accepted: the commit has settled it.
func inCommit() attemptEnd { return attemptEnd{report: DeliveryEnd{Result: DeliveryDone}} }

// settledBy is for a delivery that was handled.
func settledBy(s Settlement) attemptEnd { return attemptEnd{&s, DeliveryEnd{Result: DeliveryDone}} }

// skippedBy is for a firing that is left out.
func skippedBy(s Settlement) attemptEnd {
	return attemptEnd{&s, DeliveryEnd{Result: DeliverySkipped, Again: s.At}}
}

// diedBy is for a delivery that becomes a dead letter.
func diedBy(s Settlement) attemptEnd { return attemptEnd{&s, DeliveryEnd{Result: DeliveryDied}} }

// consumed settles a delivery that was handled.
func consumed(d Delivery) Settlement { return Settlement{Lease: d.Lease, Verdict: Done} }

// released gives a delivery back: the attempt does not count.
func released(d Delivery, now time.Time) Settlement {
	return Settlement{Lease: d.Lease, Verdict: Release, At: now, BlockedSince: d.BlockedSince}
}

// afterFailure says what becomes of a delivery whose attempt failed with err.
func afterFailure(d Delivery, err error, p RetryPolicy, now time.Time) Settlement {
	s := Settlement{Lease: d.Lease, Verdict: RetryLater, Error: usererr.Bound(err.Error()), At: now}
	_, permanent := usererr.Find[*usererr.Permanent](err)
	retryAfter, later := usererr.Find[*usererr.RetryAfter](err)
	snooze, snoozed := usererr.Find[*usererr.Snooze](err)
	switch {
	case snoozed:
		s.Verdict, s.Error, s.At = Release, "", now.Add(max(snooze.Pause, 0))
	case permanent:
		s.Verdict = Dead
	case d.Attempt >= p.MaxAttempts:
		s.Verdict = Dead
		s.Error = usererr.Bound(fmt.Sprintf("attempt %d of %d: %s", d.Attempt, p.MaxAttempts, s.Error))
	case later:
		s.At = now.Add(max(retryAfter.Pause, 0))
	default:
		s.At = now.Add(p.delay(d.Attempt))
	}
	return s
}
