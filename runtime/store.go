package runtime

import (
	"context"
	"strings"
	"time"
)

// Store keeps instances with their events, the outbox of effects and the timers. The engine is its only caller: there is
// no second way to write.
//
// Every method is safe for concurrent use. Times are UTC and are kept to the microsecond. Payloads are JSON text that
// comes back byte for byte. A store never looks at the wall clock: the engine passes the time in, so that one clock
// rules. Correctness must rest on row versions, fencing tokens and primary keys, never on a lock in memory.
//
// The written form of these rules is runtime/storetest, which every Store must pass.
type Store interface {
	// Begin starts a unit of work over a set of distinct instances and loads them. Until the unit of work ends, no other
	// may commit to an instance that was found. An instance that does not exist yet is Active at version 0: it is not
	// created, and of two units of work that both found it missing, one fails to commit with ErrConflict.
	Begin(ctx context.Context, instances []InstanceKey) (UnitOfWork, error)

	// Load reads one instance with all its events, completed or not, without locking it. It is at version 0 when it does
	// not exist.
	Load(ctx context.Context, instance InstanceKey) (Instance, error)

	// Effects is the outbox, Timers the timers that wait for their time.
	Effects() Queue
	Timers() Queue
}

// UnitOfWork is one transaction over the instances given to Begin. It is used by one goroutine, and ends with Commit or
// Rollback. Nothing of it is visible to others before Commit returns.
type UnitOfWork interface {
	// Instances returns the instances in the order given to Begin. Completed ones come without events and are not locked.
	Instances() []Instance

	// Commit writes the changes, at most one for each active instance, all of them or none, and ends the unit of work
	// whether it fails or not.
	//
	// It fails with ErrConflict when an instance is completed, or no longer at the change's Version, or the database asked
	// to run the transaction again; else with *UniqueKeyConflict when another instance holds a unique key, and with
	// *LeaseLost when what a change consumes was taken over, cancelled or consumed already. Once ctx has ended, it fails
	// and stores nothing; the context of Begin does not bind it. When the answer to the commit itself is lost, the error is
	// ErrOutcomeUnknown.
	Commit(ctx context.Context, changes []Change) error

	// Rollback drops the unit of work, also when ctx has ended. After Commit it does nothing.
	Rollback(ctx context.Context) error
}

// InstanceKey names an instance: the name of its workflow and its own id. Ids are valid UTF-8 without NUL, of 1 to
// MaxIDLength bytes.
type InstanceKey struct {
	Workflow string
	ID       string
}

func (k InstanceKey) String() string { return k.Workflow + "/" + k.ID }

// MaxIDLength is the longest instance id, and the longest unique key, in bytes.
const MaxIDLength = 512

// Instance is an instance as a store holds it.
type Instance struct {
	Key       InstanceKey
	Version   int64 // number of events, 0 when the instance does not exist
	Completed bool  // it refuses every input
	Events    []StoredEvent
}

// StoredEvent is an event as it is kept. Its fields are the payload, a JSON object; what it is stands beside it.
type StoredEvent struct {
	Instance       InstanceKey
	Version        int64 // counts from 1 within the instance
	GlobalSequence int64 // grows over all instances, with holes
	Type           string
	SchemaVersion  int
	Payload        []byte
	RecordedAt     time.Time // the now that was given to decide
}

// Change is what one decision, or several decisions in a row, add to one instance.
type Change struct {
	Instance InstanceKey
	Version  int64     // of the instance the decision was made on; 0 creates it
	Now      time.Time // given to decide; kept with the events

	Events    []NewEvent // at least one
	Effects   []NewEffect
	Timers    []NewTimer // each replaces the timer with its key; keys are distinct
	Cancel    []string   // keys of timers to delete, none of them in Timers
	UniqueKey string     // taken for this instance when not empty, until it completes; its own again is no conflict
	Complete  bool       // refuse every later input, delete the timers and free the unique key; Timers is empty then

	// Consume is the effect or timer that caused the input. It is deleted first, so that a timer may start itself again.
	Consume *Lease
}

// NewVersion is the version of the instance after the change.
func (c *Change) NewVersion() int64 { return c.Version + int64(len(c.Events)) }

// NewEvent is an event to append.
type NewEvent struct {
	Type          string
	SchemaVersion int
	Payload       []byte
}

// NewEffect is an effect to put into the outbox, due at once.
type NewEffect struct {
	Kind    string
	Payload []byte
}

// NewTimer is a timer to start.
type NewTimer struct {
	Key     string
	Input   string // name of the input it delivers
	Payload []byte // that input
	FireAt  time.Time
}

// Queue holds deliveries that wait until they are due: the outbox, or the timers.
//
// A delivery is handed out under a lease. Each claim counts an attempt and raises the fencing token, and every later
// word about the delivery names that token; once another claim, or a settlement, raised it, the earlier holder can no
// longer change anything. Time alone takes no lease away: one that has run out holds until the next claim. A delivery
// stays until it is done, consumed by a Change, cancelled or replaced; dead ones stay as dead letters that no claim
// returns or pays for.
type Queue interface {
	// Claim leases up to limit due deliveries of the given kinds together, oldest due time first within each kind. Deliveries of
	// other kinds wait for a process that knows them. Concurrent claims never return the same delivery.
	Claim(ctx context.Context, claim Claim) ([]Delivery, error)

	// Extend moves the end of leases that are still held, and returns those that are not.
	Extend(ctx context.Context, leases []Lease, until time.Time) (lost []Lease, err error)

	// Settle ends leases without a change to an instance, and returns those that were no longer held; of them nothing is
	// changed.
	Settle(ctx context.Context, settlements []Settlement) (lost []Lease, err error)
}

// Kind names deliveries a worker can handle: effects by the effect's name, timers by the name of their input.
type Kind struct {
	Workflow string
	Name     string
}

// Claim asks for deliveries.
type Claim struct {
	Kinds []Kind
	Now   time.Time // deliveries due at or before it
	Until time.Time // end of the lease; after it the delivery is due again
	Limit int
}

// Delivery is an effect or a timer that was claimed.
type Delivery struct {
	Lease     Lease
	Kind      Kind
	Payload   []byte    // of an effect, or the input of a timer
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	Attempt   int       // this claim included
	LastError string    // of the attempt before
}

// QueueName tells the two queues of a store apart.
type QueueName string

const (
	EffectQueue QueueName = "effects"
	TimerQueue  QueueName = "timers"
)

// singular names one delivery of the queue, as logs do.
func (q QueueName) singular() string { return strings.TrimSuffix(string(q), "s") }

// Lease is the right to settle or consume one delivery while Token is its newest.
type Lease struct {
	Queue    QueueName
	Instance InstanceKey
	Version  int64  // of the instance after the decision that made it; for a timer, its generation
	Position int    // of an effect within its decision, counting from 0
	Key      string // of a timer
	Token    int64
}

// Settlement says how a lease ends.
type Settlement struct {
	Lease   Lease
	Verdict Verdict
	At      time.Time // RetryLater and Release: due again at; Dead: died at
	Error   string    // RetryLater and Dead
}

// Verdict on a delivery.
type Verdict int

const (
	Done       Verdict = iota + 1 // delete it
	RetryLater                    // due again at the given time
	Dead                          // keep it as a dead letter
	Release                       // due again, and the attempt was none
)
