package store

import "context"

// Snapshots is the ability of a store to keep states, so that an instance with many events is read faster. No feature needs it:
// without it, ReadRequest.Schema has no effect, and states are made of all events.
type Snapshots interface {
	// SaveSnapshots stores states. A snapshot replaces that of its instance, unless that one is newer and of the instance's history.
	// A snapshot whose instance has no event of its version and commit is ignored.
	SaveSnapshots(ctx context.Context, snapshots []Snapshot) error
}

// Snapshot is the state of an instance at a version, as JSON. It is valid while the instance's event of the version is of the
// same commit: after a failover or a restore, it may be another event.
type Snapshot struct {
	Instance InstanceKey
	Version  int64
	Commit   CommitID // that stored the event of Version
	Schema   string   // identifies the shape of the state; a reader of another shape uses the events instead
	State    []byte
}
