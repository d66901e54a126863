package runtime

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// ending is how an attempt at a delivery ended.
type ending struct {
	// settlement is still to be made. It is nil when a commit has ended the delivery, or when it is not this process's any more.
	settlement *Settlement

	report DeliveryEnd // for telemetry
}

// inCommit is the ending of a delivery whose input was accepted: the commit has settled it.
func inCommit() ending { return ending{report: DeliveryEnd{Result: DeliveryDone}} }

// settledBy is the ending of a delivery that was handled, and that a settlement is to end.
func settledBy(s Settlement) ending { return ending{&s, DeliveryEnd{Result: DeliveryDone}} }

// skippedBy is the ending of a firing that is left out.
func skippedBy(s Settlement) ending {
	return ending{&s, DeliveryEnd{Result: DeliverySkipped, Again: s.At}}
}

// diedBy is the ending of a delivery that becomes a dead letter.
func diedBy(s Settlement) ending { return ending{&s, DeliveryEnd{Result: DeliveryDied}} }

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
