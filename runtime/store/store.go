package store

import (
	"context"
	"encoding/json"
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
// There are two ways to decide. Read and Append work on what was true a moment ago and find out while they store it; they
// take a set of instances through in one round trip each, and never wait for others for long. Begin locks first, so that
// an instance that many want makes progress.
//
// A store that cannot be reached, or cannot do now what it is asked for, fails with *Unavailable, of a commit only if nothing is
// stored for sure.
//
// The written form of these rules is runtime/storetest, which every Store must pass.
type Store interface {
	// Read loads a set of distinct instances without locking them, each as it is at one moment. An instance that does not
	// exist is at version 0.
	Read(ctx context.Context, requests []ReadRequest) ([]Instance, error)

	// Append stores the changes of a batch, all of them or none, in one round trip.
	//
	// It fails with ErrConflict when an instance of a change or of Unchanged is not at its version any more, or its last event
	// is of another commit than LastCommit, or it cannot be locked at once, or the database asked to run the transaction again;
	// else with *UniqueKeyConflict and *LeaseLost like UnitOfWork.Commit. Once ctx has ended, it fails and stores nothing. When the answer is lost, the error is
	// ErrOutcomeUnknown, and Committed tells.
	Append(ctx context.Context, batch Batch) error

	// Committed reports whether the event of the given version of an instance was stored by the commit with this id. It
	// waits until a commit that is still under way has ended.
	Committed(ctx context.Context, instance InstanceKey, version int64, commit CommitID) (bool, error)

	// Begin starts a unit of work over a set of distinct instances and loads them. Until the unit of work ends, no other
	// may commit to an instance that was found. An instance that does not exist yet is Active at version 0: it is not
	// created, and of two units of work that both found it missing, one fails to commit with ErrConflict. Begin waits for
	// an instance that is locked. It may fail with ErrConflict when that takes long. ReadRequest.Completed means nothing
	// to it.
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)

	// Effects is the outbox, Timers the timers that wait for their time.
	Effects() Queue
	Timers() Queue
}

// ReadRequest asks for an instance with the events after a version: those after the newest snapshot with the given
// schema, or after the version After when that is later.
type ReadRequest struct {
	Instance InstanceKey
	After    int64  // a version whose state the caller knows; 0 for none
	Schema   string // of snapshots that the caller can read; empty for none

	// Completed asks for the events of an instance that has completed, too. They are left out otherwise, because nothing
	// will be decided on them.
	Completed bool

	// UniqueKey asks Begin for the instance that holds it; empty for none.
	UniqueKey string
}

// PageBytes bounds the payloads of a page of events or observations, in bytes: a page ends with the payload that reaches it.
// So a page takes as much memory as PageBytes and one payload more, however large its limit is.
const PageBytes = 4 << 20

// FullPage reports whether a page of events has ended by PageBytes.
func FullPage(events []StoredEvent) bool {
	bytes := 0
	for i := range events {
		bytes += len(events[i].Payload)
	}
	return bytes >= PageBytes
}

// Snapshot is an instance's state at a version, as JSON. It counts only while the instance's event of that version is of that
// commit: a database that was set back may have another event there.
type Snapshot struct {
	Instance InstanceKey
	Version  int64
	Commit   CommitID // that stored the event of this version
	Schema   string   // names the shape of the state; a reader with another shape replays the events instead
	State    []byte
}

// Batch is what Append stores.
type Batch struct {
	Commit  CommitID
	Changes []Change // at most one for each instance

	// Unchanged are instances that nothing is added to, but which must be at the given version: what was decided on it, a
	// rejection, is only then true.
	Unchanged []InstanceVersion
}

// InstanceVersion is an instance at a version.
type InstanceVersion struct {
	Instance   InstanceKey
	Version    int64
	LastCommit CommitID // that stored the event of this version; 0 compares the version only
}

// CommitID is a random number that is stored with what a commit writes. It tells what became of a commit whose answer was
// lost, and it tells histories apart: a database that was set back, by a failover or from a backup, gives the same versions and
// tokens to other events and deliveries. It is not 0.
type CommitID int64

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
	// ErrOutcomeUnknown, and Store.Committed tells.
	Commit(ctx context.Context, id CommitID, changes []Change) error

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

	// Created is the commit that created the instance. It tells it from an earlier one of the same id that was deleted. It is 0
	// when the instance does not exist, or comes without events because it has completed.
	Created CommitID

	// LastCommit stored the event of Version, and AfterCommit the one of ReadRequest.After, which tells whether the state that
	// the caller knows belongs to this history. They are 0 when there is no such event, or when no events were asked for.
	LastCommit, AfterCommit CommitID

	KeyHolder string // id of the instance that holds ReadRequest.UniqueKey; empty when none does

	LastEventAt time.Time // RecordedAt of the last event, whether or not Events has it
	Parent      *Parent   // who started it as a child and wants to hear of its end

	// Snapshot is the state that Events follow on, when a usable one is newer than the version asked for.
	Snapshot *Snapshot
	Events   []StoredEvent
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
	Commit         CommitID  // that stored the event
}

// Change is what one decision, or several decisions in a row, add to one instance.
type Change struct {
	Instance InstanceKey
	Version  int64     // of the instance the first decision was made on; 0 creates it
	Now      time.Time // given to decide; kept with the events
	Due      time.Time // when its effects are due: the clock's now, which Now may be ahead of

	// LastCommit stored the event of Version; 0 compares the version only.
	LastCommit CommitID

	Events    []NewEvent // at least one
	Effects   []NewEffect
	Timers    []NewTimer // each replaces the timer with its key; keys are distinct
	Cancel    []string   // keys of timers to delete, none of them in Timers
	UniqueKey string     // taken for this instance when not empty, until it completes; its own again is no conflict
	Complete  bool       // refuse every later input, delete the timers and free the unique key; Timers is empty then
	Status    string     // after the change; empty for a workflow without states
	Parent    *Parent    // kept when Version is 0

	// CancelEffects are kinds of effects of this instance, each once, that are given up, also those that are leased: as EndedCancelled
	// at Now. The change's own effects come after that.
	CancelEffects []CancelledEffects

	// Consume are the effects and timers that caused the inputs. They are deleted first, so that a timer may start itself
	// again. Settle are those that caused an input and stay: as dead letters, or due Again. All of them may belong to other
	// instances.
	Consume []Lease
	Settle  []Settlement

	// Ended are records of deliveries of other instances among Consume.
	Ended []EndedDelivery

	Inputs InputRecords // of the inputs that led to the change
}

// Parent is who hears of an instance's end, by an input.
type Parent struct {
	Instance InstanceKey `json:"instance"`
	Input    string      `json:"input"`

	// Created is the commit that created the parent: another instance of its id, which came after it was deleted, hears of
	// nothing. It is 0 in what was stored before this was noted; then whoever has the id hears.
	Created CommitID `json:"created,omitempty"`
}

// EncodeParent returns a parent as a store keeps it: JSON, or nothing when there is none.
func EncodeParent(p *Parent) string {
	if p == nil {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // three strings
	}
	return string(text)
}

// DecodeParent returns what EncodeParent has encoded.
func DecodeParent(text string) (*Parent, error) {
	if text == "" {
		return nil, nil
	}
	p := new(Parent)
	err := json.Unmarshal([]byte(text), p)
	return p, err
}

// InputRecords is what is kept of inputs beside what they led to.
type InputRecords struct {
	Outcomes     []InputOutcome
	Observations []Observation
}

func (r *InputRecords) Add(other InputRecords) {
	r.Outcomes = append(r.Outcomes, other.Outcomes...)
	r.Observations = append(r.Observations, other.Observations...)
}

func (r *InputRecords) Empty() bool { return len(r.Outcomes)+len(r.Observations) == 0 }

// InputKey names an input that came with an id, which is unique within its instance. Ids are valid UTF-8 without NUL, of 1 to
// MaxIDLength bytes.
type InputKey struct {
	Instance InstanceKey
	ID       string
}

// InputOutcome is what became of an input that came with an id, as JSON.
type InputOutcome struct {
	Input      InputKey
	Outcome    []byte
	RecordedAt time.Time
}

// Observation is an input with what became of it.
type Observation struct {
	Instance   InstanceKey
	ObservedAt time.Time
	Number     int64 // grows within what one instance had observed at one time; given by the store
	Input      string
	InputID    string // empty when it came without one
	Payload    []byte // the input, or what a redaction left of it
	Outcome    string // accepted, rejected or completed
	Version    int64  // of the instance after it

	Rejection        string // of a rejected input
	RejectionPayload []byte
}

// ObservationQuery asks for observations.
type ObservationQuery struct {
	Instance InstanceKey // an empty ID asks for all instances, an empty Workflow for those of all workflows
	Before   time.Time   // those observed before it, to page on; zero for all

	// BeforeNumber also asks for those that were observed at Before and have a smaller number; 0 for none of them.
	BeforeNumber int64

	Limit int
}

// StoredSchedule is a recurring input of a workflow.
type StoredSchedule struct {
	Workflow   string
	Name       string
	Definition []byte // JSON; the delivery's payload
	Next       time.Time
}

// schedulePrefix begins the kind of the deliveries of schedules. No stored name of an input, effect or timer begins with it.
const schedulePrefix = "schedule:"

// ScheduleKind is the kind of the deliveries of a schedule.
func ScheduleKind(workflow, name string) Kind {
	return Kind{Workflow: workflow, Name: schedulePrefix + name}
}

// Schedule returns the name of the schedule whose deliveries have the kind.
func (k Kind) Schedule() (name string, is bool) { return strings.CutPrefix(k.Name, schedulePrefix) }

// NewVersion is the version of the instance after the change.
func (c *Change) NewVersion() int64 { return c.Version + int64(len(c.Events)) }

// NewEvent is an event to append.
type NewEvent struct {
	Type          string
	SchemaVersion int
	Payload       []byte
	Cause         []byte // JSON, of the decision that begins with this event; nil for its later ones
}

// NewEffect is an effect to put into the outbox, due at the change's Due and requested at its Now.
type NewEffect struct {
	Kind     string
	Payload  []byte
	Trace    string // W3C trace context of the decision; may be empty
	LimitKey string // what its kind's limit counts separately; may be empty
}

// NewTimer is a timer to start.
type NewTimer struct {
	Key     string
	Input   string // name of the input it delivers
	Payload []byte // that input
	FireAt  time.Time
	Trace   string // W3C trace context of the decision; may be empty
}

// Queue holds deliveries that wait until they are due: the outbox, or the timers.
//
// A delivery is handed out under a lease. Each claim counts an attempt and raises the fencing token, and every later
// word about the delivery names that token; once another claim, or a settlement, raised it, the earlier holder can no
// longer change anything. Time alone takes no lease away: one that has run out holds until the next claim. A delivery
// stays until it is done, consumed by a Change, cancelled or replaced; dead ones stay as dead letters that no claim
// returns or pays for.
type Queue interface {
	// Claim leases up to limit due deliveries of the given kinds together: those of kinds with a higher priority first, and the
	// oldest due time first within each kind; effects that were due at the same time in the order in which they were decided.
	// Deliveries of other kinds wait for a process that knows them, and those of paused workflows, see Pauses, for the end of the
	// pause. Concurrent claims never return the same delivery. A claim costs by what is due between Claim.From and Claim.Now.
	Claim(ctx context.Context, claim Claim) ([]Delivery, error)

	// LookBack returns since when the oldest delivery of each kind has been due that is due before the kind's time; nothing for
	// a kind without one, and for those of paused workflows. It finds what a claim with the same times as its From leaves out, and
	// may cost much more than a claim.
	LookBack(ctx context.Context, before map[Kind]time.Time) (oldest map[Kind]time.Time, err error)

	// Extend moves the end of leases that are still held, and returns those that are not.
	Extend(ctx context.Context, leases []Lease, until time.Time) (lost []Lease, err error)

	// Settle ends leases without a change to an instance, and returns those that were no longer held; of them nothing is
	// changed.
	Settle(ctx context.Context, settlements []Settlement) (lost []Lease, err error)

	// Realign changes leases that were claimed later than a time in the future, by a clock that was set back since. They are
	// held as before, and end as long after now as they were to end after their claim. It reads the whole queue.
	Realign(ctx context.Context, now, claimedAfter time.Time) (realigned int64, err error)
}

// Kind names deliveries a worker can handle: effects by the effect's name, timers by the name of their input.
type Kind struct {
	Workflow string
	Name     string
}

// Claim asks for deliveries.
type Claim struct {
	Kinds    []Kind
	Priority map[Kind]int       // 0 for those that are not in it
	From     map[Kind]time.Time // deliveries due at or after it; all of kinds that are not in it
	Now      time.Time          // deliveries due at or before it
	Until    time.Time          // end of the lease; after it the delivery is due again
	Limit    int
	Holder   string // name of the process that claims, kept with the lease
}

// Delivery is an effect or a timer that was claimed.
type Delivery struct {
	Lease     Lease
	Kind      Kind
	Payload   []byte    // of an effect, or the input of a timer
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // since when it could be claimed: its place in the order of claims
	Attempt   int       // this claim included
	LastError string    // of the attempt before
	Trace     string    // of the decision that made it; may be empty

	// BlockedSince is when a process claimed the delivery for the first time and could not take it, see Wait. It is zero when
	// the last process that claimed it could.
	BlockedSince time.Time
}

// QueueName tells the two queues of a store apart.
type QueueName string

const (
	EffectQueue QueueName = "effects"
	TimerQueue  QueueName = "timers"
)

// Singular names one delivery of the queue, as logs do.
func (q QueueName) Singular() string { return strings.TrimSuffix(string(q), "s") }

// Lease is the right to settle or consume one delivery while Token is its newest.
type Lease struct {
	Queue    QueueName
	Instance InstanceKey
	Version  int64  // of the instance after the decision that made it; for a timer, its generation
	Position int    // of an effect within its decision, counting from 0
	Key      string // of a timer
	Token    int64

	// Commit made the delivery; 0 for one from before this was noted, and for schedules. In a database that was set back, another
	// delivery may have the same version, position or key, and token.
	Commit CommitID
}

// Named is the lease as it names a delivery, whoever holds it.
func (l Lease) Named() Lease {
	l.Token, l.Commit = 0, 0
	return l
}

// Settlement says how a lease ends.
type Settlement struct {
	Lease   Lease
	Verdict Verdict
	At      time.Time // RetryLater, Release, Wait and Again: due again at; Dead: died at; Done: when, with an Error

	// Error is the reason, of RetryLater, Wait and Dead. Of Again it is why the firing was skipped; of Done the reason of an
	// EndedRefused. It may be empty for these two; then nothing is recorded.
	Error string

	// Attempts, of RetryLater and Wait, is how many attempts count as made from then on, if that is more than there were. Of
	// Again it is how many count as made of the next firing.
	Attempts int

	// BlockedSince is stored with every delivery that stays. Wait needs it; zero means that a process could take the delivery.
	BlockedSince time.Time

	// Told, of Dead, says that the instance was told of the dead letter, in the commit that settles it.
	Told bool
}

// Verdict on a delivery.
type Verdict int

const (
	Done       Verdict = iota + 1 // delete it
	RetryLater                    // due again at the given time
	Dead                          // keep it as a dead letter
	Release                       // due again, and the attempt was none
	Again                         // due again as if it were new, which a recurring timer is
	Wait                          // due again, and the attempt was none: this process cannot take it, another one may
)
