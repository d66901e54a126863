package store

import (
	"context"
	"strings"
	"time"
)

// Queue holds deliveries, effects or timers, until they are due, handled and settled.
//
// A worker claims deliveries under leases. Each claim counts as an attempt and raises the token of the delivery. Everything that
// happens to the delivery later names the lease with its token: once another claim, or a settlement, has raised the token, the
// earlier holder of a lease can change nothing any more. A lease is not lost by its end alone, but by the claim that follows. A
// delivery stays in the queue until it is done, consumed by a Change, cancelled or replaced. A dead letter stays too; claims do
// not return it, and do not become slower by it.
type Queue interface {
	// Claim leases up to claim.Limit due deliveries of the given kinds: of kinds with a higher priority first, and of each kind
	// the earliest due first. Effects that are due at the same time come in the order of the decisions that asked for them.
	// Concurrent claims never return the same delivery. Deliveries of paused workflows are left where they are, see [Pauses]. The
	// cost of a claim depends on how many deliveries are due between claim.From and claim.Now, not on how many wait.
	Claim(ctx context.Context, claim Claim) ([]Delivery, error)

	// LookBack finds what Claim leaves out by claim.From: for each kind, since when the oldest delivery is due that is due before the
	// time that is given for the kind. It has no entry for a kind without such a delivery, or of a paused workflow. It may cost much
	// more than a claim.
	LookBack(ctx context.Context, before map[Kind]time.Time) (oldest map[Kind]time.Time, err error)

	// Extend sets the end of leases. It returns those that are not held any more, of which nothing is changed.
	Extend(ctx context.Context, leases []Lease, until time.Time) (lost []Lease, err error)

	// Settle ends leases without a change to an instance. It returns those that are not held any more, of which nothing is
	// changed.
	Settle(ctx context.Context, settlements []Settlement) (lost []Lease, err error)

	// Realign repairs leases that were claimed by a clock that was ahead: those claimed after a time, claimedAfter, in the
	// future. They stay held, and end as long after now as they were to end after their claim. It may read the whole queue.
	Realign(ctx context.Context, now, claimedAfter time.Time) (realigned int64, err error)
}

// QueueName names one of the two queues of a store.
type QueueName string

const (
	EffectQueue QueueName = "effects"
	TimerQueue  QueueName = "timers"
)

// Singular names one delivery of the queue, as logs do.
func (q QueueName) Singular() string { return strings.TrimSuffix(string(q), "s") }

// Kind is a kind of deliveries: the name of an effect, or of the input that a timer delivers.
type Kind struct {
	Workflow string
	Name     string
}

// Claim asks for deliveries.
type Claim struct {
	Kinds    []Kind
	Priority map[Kind]int       // 0 for kinds that are not in it
	From     map[Kind]time.Time // deliveries due at or after it; all of kinds that are not in it
	Now      time.Time          // deliveries due at or before it
	Until    time.Time          // end of the leases; after it the deliveries are due again
	Limit    int
	Holder   string // name of the process that claims; stored with the leases
}

// Delivery is an effect or a timer that was claimed.
type Delivery struct {
	Lease     Lease
	Kind      Kind
	Payload   []byte    // of an effect, or the input of a timer
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // when it became due for this claim, which orders claims
	Attempt   int       // number of claims so far, this one included
	LastError string    // of the attempt before; empty for none
	Trace     string    // W3C trace context of the decision that made it; may be empty

	// BlockedSince is when a process first claimed the delivery and was not able to take it, see Wait. It is zero when the last
	// process that claimed it was.
	BlockedSince time.Time
}

// Lease is the right to settle or consume a delivery for as long as Token is its newest.
type Lease struct {
	Queue    QueueName
	Instance InstanceKey
	Version  int64  // of the instance after the decision that made an effect; of a timer, it grows with each replacement
	Position int    // of an effect within its decision, from 0
	Key      string // of a timer
	Token    int64

	// Commit made the delivery; 0 for schedules. After a failover or a restore, another delivery may have the same version,
	// position or key, and token.
	Commit CommitID
}

// Named is the lease as the name of a delivery, whoever holds it.
func (l Lease) Named() Lease {
	l.Token, l.Commit = 0, 0
	return l
}

// OfSchedule reports whether the delivery is of a schedule: it belongs to no instance.
func (l Lease) OfSchedule() bool { return l.Queue == TimerQueue && l.Instance.ID == "" }

// Settlement says how a lease ends.
type Settlement struct {
	Lease   Lease
	Verdict Verdict

	// At is when the delivery is due again, after RetryLater, Release, Wait and Again; when it died, with Dead; and when it was
	// done, with Done and an Error.
	At time.Time

	// Error is the reason of RetryLater, Wait and Dead. With Again it is why the firing was skipped, and with Done why the input was
	// refused, or empty; that is a record of the ability Causes.
	Error string

	// Attempts is how many attempts count as made after RetryLater and Wait, when that is more than were made. After Again it is
	// how many count as made of the next firing.
	Attempts int

	// BlockedSince is stored with a delivery that stays. Wait needs it. Zero means that the process was able to take the delivery.
	BlockedSince time.Time

	// Told, with Dead, says that the commit that settles the delivery tells the instance of the dead letter.
	Told bool
}

// Verdict is what becomes of a delivery.
type Verdict int

const (
	Done       Verdict = iota + 1 // it is deleted
	RetryLater                    // it is due again at a time
	Dead                          // it is a dead letter
	Release                       // it is due again, and the attempt does not count
	Again                         // it is due again as if it were new, as a recurring timer is
	Wait                          // it is due again, and the attempt does not count: another process may be able to take it
)
