package store

import (
	"encoding/json"
	"slices"
	"time"
)

// InstanceKey names an instance: the name of its workflow and its own id. An id has 1 to MaxIDLength bytes.
type InstanceKey struct {
	Workflow string
	ID       string
}

func (k InstanceKey) String() string { return k.Workflow + "/" + k.ID }

// MaxIDLength is the longest instance id, input id and unique key, in bytes.
const MaxIDLength = 512

// CommitID is a random number that is stored with everything that a commit writes. It is not 0. With it the engine finds out
// whether a commit whose answer was lost is stored. It also distinguishes histories: after a failover or a restore, the database
// may give the same versions and tokens to other events and deliveries.
type CommitID int64

// ReadRequest asks for an instance with its events after the version After, or after the newest snapshot with the schema Schema
// if that is later.
type ReadRequest struct {
	Instance InstanceKey
	After    int64  // a version whose state the caller knows; 0 for none
	Schema   string // schema of the snapshots that the caller can read; empty for none. Of the ability Snapshots.

	// Completed also asks for the events of a completed instance. Without it they are left out, because nothing is decided on
	// them.
	Completed bool

	// UniqueKey asks which instance holds the key; empty for none.
	UniqueKey string
}

// Instance is an instance as a store returns it.
type Instance struct {
	Key       InstanceKey
	Version   int64 // number of events; 0 when the instance does not exist
	Completed bool  // it accepts no input any more

	// Created is the commit that created the instance. A deleted earlier instance with the same id has another one. It is 0 if
	// the instance does not exist, or if its events are left out because it is completed.
	Created CommitID

	// LastCommit is the commit of the event of Version, and AfterCommit that of the event of ReadRequest.After. A state that the
	// caller knows belongs to this history if its commit is the same. They are 0 if there is no such event.
	LastCommit, AfterCommit CommitID

	KeyHolder string // id of the instance that holds ReadRequest.UniqueKey; empty when none does

	// Elsewhere says that the id is kept for another store; nil for most. Of the ability Cells.
	Elsewhere *Elsewhere

	LastEventAt time.Time // RecordedAt of the last event, whether or not it is in Events
	Parent      *Parent   // the instance that started this one and gets inputs of it; nil for none, and if Created is 0

	// Snapshot is the state before Events, if there is a snapshot of ReadRequest.Schema that is newer than ReadRequest.After.
	Snapshot *Snapshot
	Events   []StoredEvent
}

// StoredEvent is an event as it is stored. Its payload is a JSON object with the fields of the event.
type StoredEvent struct {
	Instance       InstanceKey
	Version        int64 // counts from 1 within the instance
	GlobalSequence int64 // grows over all instances, with gaps
	Type           string
	SchemaVersion  int
	Payload        []byte
	RecordedAt     time.Time // Change.Now
	Commit         CommitID  // the commit that stored the event
}

// Position returns the position in the feed right after the event.
func (e *StoredEvent) Position() FeedPosition { return FeedPosition(e.GlobalSequence) }

// Batch is what Append commits.
type Batch struct {
	Commit  CommitID
	Changes []Change // at most one for each instance

	// Unchanged are instances to which nothing is added. They must be at the given version, because a rejection was decided on
	// it.
	Unchanged []InstanceVersion
}

// InstanceVersion is an instance at a version.
type InstanceVersion struct {
	Instance   InstanceKey
	Version    int64
	LastCommit CommitID // the commit that stored the event of Version; 0 compares the version only
}

// Change is what one decision, or several decisions in a row, add to an instance.
type Change struct {
	Instance   InstanceKey
	Version    int64     // version of the instance before the first decision; 0 creates the instance
	LastCommit CommitID  // the commit that stored the event of Version; 0 compares the version only
	Now        time.Time // time of the decision; RecordedAt of the events
	Due        time.Time // when the effects are due: the time of the clock; Now may be later

	Events    []NewEvent // at least one
	Effects   []NewEffect
	Timers    []NewTimer    // each replaces the timer of its key; the keys are distinct
	Cancel    []string      // keys of timers to delete, none of them in Timers
	UniqueKey string        // key that the instance takes until it completes, or holds already; empty for none
	Lease     NewLease      // lease of the effects and timers that are Leased
	Complete  bool          // completes the instance: deletes its timers and frees its unique key; Timers is empty
	Status    string        // after the change; empty for a workflow without states
	Search    []SearchValue // of distinct fields; they replace the values of these fields. Of the ability Search.
	Parent    *Parent       // stored when Version is 0; nil for none

	// CancelEffects are distinct kinds. All effects of these kinds in this instance are cancelled at Now: they are deleted, even
	// if they are leased. Effects of this change are not cancelled.
	CancelEffects []CancelledEffects

	// Consume are deliveries that led to the change. They are deleted before the timers of the change are stored. Settle are
	// deliveries that led to it and stay in the queue: Dead or Again. Both may belong to other instances.
	Consume []Lease
	Settle  []Settlement

	Ended  []EndedDelivery // records of deliveries of other instances in Consume. Of the ability Causes.
	Inputs InputRecords    // of the inputs that led to the change. Of the ability InputLog.

	// List is the newest generation of the list of cells by which the change creates an instance; 0 for an engine that is not a part of a
	// cells.Router. The commit fails with *Elsewhere if the store's CellRecord has a larger OldestList. The
	// changes of one commit that create instances have the same List. Of the ability Cells.
	List int64

	// Subject is for the engine, which encrypts the personal fields of all payloads before it calls the store. It names the key; if it is
	// empty, the key is that of the instance.
	Subject string
}

// NewVersion returns the version of the instance after the change.
func (c *Change) NewVersion() int64 { return c.Version + int64(len(c.Events)) }

// NewEvent is an event to store.
type NewEvent struct {
	Type          string
	SchemaVersion int
	Payload       []byte

	// Cause is the JSON of a Cause for the first event of each decision, and nil for its other events. Of the ability Causes.
	Cause []byte
}

// NewEffect is an effect to put into the outbox. It was requested at Change.Now and is due at Change.Due.
type NewEffect struct {
	Kind     string
	Payload  []byte
	Trace    string // W3C trace context of the decision; may be empty
	LimitKey string // what LimitedClaim.PerKey counts by; may be empty. Of the ability Limits.
	Leased   bool   // see NewLease
}

// NewTimer is a timer to start.
type NewTimer struct {
	Key     string
	Input   string // name of the input that it delivers
	Payload []byte // that input
	FireAt  time.Time
	Trace   string // W3C trace context of the decision; may be empty
	Leased  bool   // see NewLease; FireAt is not after Change.Due
}

// NewLease is for new effects and timers that the process which stores them handles at once: they are stored as if that process had
// claimed them at Change.Due. Their attempts and tokens are 1, so no claim is needed. Change.LeasedDeliveries returns them.
//
// If the workflow of such a delivery is paused, the commit fails with *PausedLease. So these leases respect a pause as claims do.
type NewLease struct {
	Holder string    // name of the process; not empty
	Until  time.Time // end of the leases; after it the deliveries are due again
}

// Leases reports whether an effect or timer of the change is Leased.
func (c *Change) Leases() bool {
	return slices.ContainsFunc(c.Effects, func(e NewEffect) bool { return e.Leased }) ||
		slices.ContainsFunc(c.Timers, func(t NewTimer) bool { return t.Leased })
}

// LeasedDeliveries returns the new deliveries of the change that are Leased, as a claim at Change.Due would have returned them after the
// commit.
func (c *Change) LeasedDeliveries(commit CommitID) []Delivery {
	var leased []Delivery
	add := func(kind string, payload []byte, trace string, due, runAt time.Time, lease Lease) {
		lease.Instance, lease.Version, lease.Token, lease.Commit = c.Instance, c.NewVersion(), 1, commit
		leased = append(leased, Delivery{
			Lease: lease, Kind: Kind{c.Instance.Workflow, kind}, Payload: payload, Trace: trace, Due: due, RunAt: runAt, Attempt: 1,
		})
	}
	for i, e := range c.Effects {
		if e.Leased {
			add(e.Kind, e.Payload, e.Trace, c.Now, c.Due, Lease{Queue: EffectQueue, Position: i})
		}
	}
	for _, t := range c.Timers {
		if t.Leased {
			add(t.Input, t.Payload, t.Trace, t.FireAt, t.FireAt, Lease{Queue: TimerQueue, Key: t.Key})
		}
	}
	return leased
}

// CancelledEffects are the effects of a kind that a decision cancels.
type CancelledEffects struct {
	Kind string
	By   int64 // version of the decision's first event. Of the ability Causes.
}

// Parent is an instance that has started another one, and gets inputs of it.
type Parent struct {
	Instance InstanceKey `json:"instance"`
	Input    string      `json:"input"` // reports the end of the other instance; empty for none

	// Created is the commit that created the parent. A later instance with the same id does not get the inputs.
	Created CommitID `json:"created,omitempty"`
}

// EncodeParent returns a parent in the form in which stores keep it: JSON, or "" for nil.
func EncodeParent(p *Parent) string {
	if p == nil {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // cannot fail: two structs of strings and a number
	}
	return string(text)
}

// DecodeParent is the reverse of EncodeParent.
func DecodeParent(text string) (*Parent, error) {
	if text == "" {
		return nil, nil
	}
	p := new(Parent)
	err := json.Unmarshal([]byte(text), p)
	return p, err
}

// PageBytes limits the payloads of a page of events or observations, in bytes. The page ends with the row that reaches it. So the
// memory of a page does not depend on its limit.
const PageBytes = 4 << 20

// FullPage reports whether the payloads of a page of events reach PageBytes.
func FullPage(events []StoredEvent) bool {
	bytes := 0
	for i := range events {
		bytes += len(events[i].Payload)
	}
	return bytes >= PageBytes
}
