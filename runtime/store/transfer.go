package store

import (
	"context"
	"time"
)

// Transfer is the ability of a store to return everything that is stored of an instance, and to store instances that another store
// had. Package transfer and Engine.Verify need it.
type Transfer interface {
	// ReadStored returns distinct instances, in the order of instances. Each instance is as it was at one moment. One that
	// does not exist has no events. All of it is in memory at once: the caller bounds the number of events by what it asks for.
	ReadStored(ctx context.Context, instances []InstanceKey) ([]StoredInstance, error)

	// ReadPayloads returns what a program decodes of distinct instances, in the order of instances. It returns less than ReadStored and
	// costs a fraction. An instance that does not exist has no events. Its other parts may be of a later moment than its events. All of it is in
	// memory at once: the caller bounds the number of events by what it asks for.
	ReadPayloads(ctx context.Context, instances []InstanceKey) ([]InstancePayloads, error)

	// WriteStored stores distinct instances in one commit, or none of them. It gives their events new numbers in the feed, and leaves all
	// else as it is. It fails with ErrConflict when one of the instances exists, or another instance holds one of their unique keys. An
	// outcome or a record of an ended delivery that is stored already stays as it is.
	//
	// The caller has checked that the parts of each instance fit together, see StoredInstance.
	WriteStored(ctx context.Context, instances []StoredInstance) error
}

// StoredInstance is all that is stored of an instance, except its observations, its discarded dead letters, and its snapshot, which
// follows from the events.
//
// The events have the versions from 1 on, without a gap. The last one says whether the instance has completed: then it has no timers and
// no unique keys. Effects and timers name no version that the instance has not reached.
type StoredInstance struct {
	Key        InstanceKey
	Parent     *Parent // nil for none
	UniqueKeys []string
	Events     []EventRecord
	Effects    []DeliveryRecord // in the order of versions and positions; dead letters too
	Timers     []DeliveryRecord // in the order of keys; dead letters too
	Search     []SearchValue    // in the order of fields; none without a value. Of the ability Search.
	Outcomes   []InputOutcome   // in the order of input ids
	Ended      []EndedDelivery  // in the order of versions, queues, and positions or keys
}

// Version is the number of events.
func (r *StoredInstance) Version() int64 { return int64(len(r.Events)) }

// Completed reports whether the instance accepts no input any more.
func (r *StoredInstance) Completed() bool {
	return len(r.Events) > 0 && r.Events[len(r.Events)-1].Completes
}

// InstancePayloads is everything of an instance that a program decodes.
type InstancePayloads struct {
	Key      InstanceKey
	Events   []StoredEvent     // in the order of versions. Only Instance, Version, Type, SchemaVersion and Payload are set
	Effects  []DeliveryPayload // in any order; dead letters too
	Timers   []DeliveryPayload // in any order; dead letters too
	Outcomes []InputOutcome    // in any order. RecordedAt is not set
}

// DeliveryPayload is what an effect or timer delivers.
type DeliveryPayload struct {
	Kind    Kind
	Payload []byte
}

// EventRecord is a stored event with what is known of its decision.
type EventRecord struct {
	StoredEvent
	Cause     []byte // JSON of a Cause; nil for later events of a decision
	Status    string // of the instance, with the last event of a commit; empty for a workflow without states
	Completes bool   // the instance has completed with this event
}

// DeliveryRecord is an effect or timer that is not done, as if nobody had leased it.
type DeliveryRecord struct {
	Lease     Lease // names it. Token is that of the last claim
	Kind      Kind
	Payload   []byte
	Due       time.Time // when the effect was requested, or when the timer was set to fire
	RunAt     time.Time // when it is due; of one that is leased, when it was claimed
	Attempts  int       // that were made, or are being made
	LastError string
	Trace     string // W3C trace context of the decision
	LimitKey  string // of an effect, see NewEffect

	DiedAt       time.Time // zero unless it is a dead letter
	ToldAt       time.Time // see DeadLetter
	BlockedSince time.Time // see Delivery
}
