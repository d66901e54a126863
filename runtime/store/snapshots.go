package store

import "context"

// Snapshots is the ability of a store to store states, so that an instance with many events is read faster. No feature needs it:
// without it, ReadRequest.Schema has no effect, and states are replayed from all events.
type Snapshots interface {
	// SaveSnapshots stores snapshots. A snapshot replaces the stored snapshot of its instance, unless the stored one is newer and
	// belongs to the instance's history. If the instance has no event of the snapshot's version and commit, the snapshot is
	// ignored.
	SaveSnapshots(ctx context.Context, snapshots []Snapshot) error
}

// Snapshot is the state of an instance at a version, as JSON. It is valid only if the instance's event of that version has the
// same commit: after a failover or a restore, it may be another event.
type Snapshot struct {
	Instance InstanceKey
	Version  int64
	Commit   CommitID // that stored the event of Version
	Schema   string   // identifies the shape of the state; a reader with another schema replays the events instead
	State    []byte

	Subject string // for the engine, see Change.Subject
}
