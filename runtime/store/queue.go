package store

import (
	"context"
	"strings"
	"time"
)

// Queue holds deliveries, which are effects or timers, until they are due, handled and settled.
//
// A worker claims deliveries under leases. Each claim counts as an attempt and raises the token of the delivery. Every later call
// about the delivery names the lease with its token. Once another claim or a settlement has raised the token, the earlier holder
// can change nothing any more. A lease that has ended is lost only when another claim follows. A delivery stays in the queue
// until it is done, consumed by a Change, cancelled or replaced. A dead letter stays too; claims do not return it, and are not
// slowed down by it.
type Queue interface {
	// Claim leases up to claim.Limit due deliveries of the given kinds: kinds with a higher priority first, and within a kind the
	// earliest due first. Effects that are due at the same time come in the order of the decisions that requested them.
	// Concurrent claims never return the same delivery. Deliveries of paused workflows are not claimed, see [Pauses]. The cost of
	// a claim depends on how many deliveries are due between claim.From and claim.Now, not on how many wait.
	Claim(ctx context.Context, claim Claim) ([]Delivery, error)

	// LookBack finds deliveries that Claim leaves out because of claim.From. For each kind it returns the due time of the oldest
	// delivery that is due before the given time. A kind without such a delivery, or of a paused workflow, has no entry. LookBack
	// may cost much more than a claim.
	LookBack(ctx context.Context, before map[Kind]time.Time) (oldest map[Kind]time.Time, err error)

	// RetryBlocked makes blocked deliveries of the given kinds due at now, those first that have been blocked for longest, and returns how
	// many: at most limit. It leaves out what is leased, parked by a limit, or due by then. See Wait.
	RetryBlocked(ctx context.Context, kinds []Kind, now time.Time, limit int) (retried int, err error)

	// Extend sets the end of leases. It returns the leases that are not held any more, and changes nothing for these.
	Extend(ctx context.Context, leases []Lease, until time.Time) (lost []Lease, err error)

	// Settle ends leases without a change to an instance. It returns the leases that are not held any more, and changes nothing
	// for these.
	Settle(ctx context.Context, settlements []Settlement) (lost []Lease, err error)

	// Realign repairs leases that were claimed with a clock that was ahead: those whose time of claim is after claimedAfter, a
	// time in the future. They stay held, and keep their length, counted from now. Realign may read the whole queue.
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

func (k Kind) String() string { return k.Workflow + "/" + k.Name }

// Claim asks for deliveries.
type Claim struct {
	Kinds    []Kind
	Priority map[Kind]int       // 0 for kinds that are not in it
	From     map[Kind]time.Time // deliveries due at or after this time; all deliveries of a kind that is not in it
	Now      time.Time          // deliveries due at or before this time
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
	RunAt     time.Time // when it became due for this claim; claims are ordered by it
	Attempt   int       // number of claims so far, including this one
	LastError string    // error of the previous attempt; empty for none
	Trace     string    // W3C trace context of the decision that made it; may be empty

	// BlockedSince is when a process first claimed the delivery and was not able to take it, see Wait. It is zero if the last
	// process that claimed it was able to.
	BlockedSince time.Time
}

// Lease names a delivery and is the right to settle or consume it, as long as no newer claim has a higher Token.
type Lease struct {
	Queue    QueueName
	Instance InstanceKey
	Version  int64  // for an effect, the version of the instance after the decision; for a timer, it grows with each replacement
	Position int    // of an effect within its decision, from 0
	Key      string // of a timer
	Token    int64

	// Commit made the delivery; 0 for schedules. After a failover or a restore, another delivery may have the same version,
	// position or key, and token.
	Commit CommitID
}

// Named returns the lease without its token, as the name of the delivery.
func (l Lease) Named() Lease {
	l.Token, l.Commit = 0, 0
	return l
}

// DueTimes is the ability of a store to say at once when something becomes due, as a store in memory can. On such a store an idle worker waits
// until then. On other stores it asks again each Config.PollInterval.
type DueTimes interface {
	// NextDue returns when the first delivery of the kinds in a queue is due, or, of one that is leased, when its lease ends. That time can
	// have passed. It is the zero time if nothing waits. Dead letters do not count.
	NextDue(ctx context.Context, queue QueueName, kinds []Kind) (time.Time, error)
}

// OfSchedule reports whether the delivery is a firing of a schedule, which belongs to no instance.
func (l Lease) OfSchedule() bool { return l.Queue == TimerQueue && l.Instance.ID == "" }

// Settlement says how a lease ends.
type Settlement struct {
	Lease   Lease
	Verdict Verdict

	// At is when the delivery is due again, for RetryLater, Release, Wait and Again; when it became a dead letter, for Dead; and
	// when it was done, for Done with an Error.
	At time.Time

	// Error is the reason of RetryLater, Wait and Dead. For Again it says why the firing was skipped. For Done it says why the
	// input was refused, or is empty; a store with the ability Causes records it.
	Error string

	// Attempts is the number of attempts that count as made, for RetryLater and Wait, if that is more than were made. For Again
	// it is the number that counts as made for the next firing.
	Attempts int

	// BlockedSince is stored with a delivery that stays in the queue. Wait needs it. Zero means that the process was able to take
	// the delivery.
	BlockedSince time.Time

	// Told says for Dead that the same commit tells the instance of the dead letter.
	Told bool
}

// Verdict says what happens to a delivery when its lease ends.
type Verdict int

const (
	Done       Verdict = iota + 1 // it is deleted
	RetryLater                    // it is due again at a time
	Dead                          // it is a dead letter
	Release                       // it is due again, and the attempt does not count
	Again                         // it is due again as if it were new, as a recurring timer is
	Wait                          // it is due again, and the attempt does not count: another process may be able to take it
)
