package store

import "context"

// Store keeps instances with their events, and the effects and timers that wait to be delivered. These methods are what every store
// has. Everything else that a store can do is an ability: a further interface of this package, [Feed] for example, which the
// store implements as well. The engine asks for an ability where it is needed. On a store that lacks it, what needs it
// fails with [*Unsupported], and the rest works.
//
// The engine is the only caller. A store knows no workflows and reads no clock: every time is passed in. It looks into no
// payload: payloads are JSON text, and come back byte for byte. Times are UTC, to the microsecond. Ids and other texts are valid UTF-8
// without NUL.
//
// These rules hold for every store:
//
//   - Every method is safe for concurrent use, by any number of processes.
//   - A commit, by Append or by a unit of work, stores all of its changes or none. What it has reported as stored is durable.
//   - An instance's version is the number of its events. Of two commits that continue the same version, one fails with
//     ErrConflict. This rests on primary keys and tokens, never on a lock in memory, so that it holds
//     between processes, and when a process dies at any instruction.
//   - A call whose context has ended fails, and stores nothing.
//   - A store that cannot be reached, or is not able to do at the moment what it is asked for, fails with *Unavailable.
//   - Its arguments are valid: the engine calls [ValidateChanges] and its siblings before the store.
//   - A commit that fails has stored nothing. When that is not known, it fails with ErrOutcomeUnknown.
//
// There are two ways to commit. Read and Append do not lock: they take a set of instances through in one round trip each, and
// find out while they store it whether others were faster. Begin locks first, so that an instance makes progress that many
// want to change.
//
// Rows have fields that belong to an ability; the ability says which. A store without it ignores them, and leaves them zero.
//
// Package storetest checks all of this, ability by ability. Every store has to pass it.
type Store interface {
	// Read returns a set of distinct instances, in the order of requests, without locking them. Each is as it was at one moment. An
	// instance that does not exist is at version 0.
	Read(ctx context.Context, requests []ReadRequest) ([]Instance, error)

	// Append commits the changes of a batch.
	//
	// It fails with ErrConflict when an instance of the batch is not at its version any more, its last event is of another commit
	// than LastCommit, it is completed, it cannot be locked at once, or the database asks to run the transaction again. It fails
	// with *UniqueKeyConflict, *LeaseLost and *PausedLease as UnitOfWork.Commit does.
	Append(ctx context.Context, batch Batch) error

	// Committed reports whether the event of a version of an instance was stored by a commit. It waits for a commit that is still
	// under way. The engine asks after ErrOutcomeUnknown.
	Committed(ctx context.Context, instance InstanceKey, version int64, commit CommitID) (bool, error)

	// Begin starts a unit of work over a set of distinct instances: it waits until it can lock those that exist and are active, and
	// reads them. It may fail with ErrConflict when the wait takes long. Until the unit of work ends, no other commit changes an
	// instance that it has locked. An instance that does not exist is at version 0 and is not created yet; of two units of
	// work that both found it missing, one fails to commit with ErrConflict. ReadRequest.Completed has no effect.
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)

	// Effects returns the outbox, the queue of effects. Timers returns the queue of timers.
	Effects() Queue
	Timers() Queue
}

// UnitOfWork is a transaction over the instances given to Begin. One goroutine uses it. It ends with Commit or Rollback. Before
// Commit returns, nothing of it is visible to others.
type UnitOfWork interface {
	// Instances returns the instances in the order of the requests. Completed ones have no events, and are not locked.
	Instances() []Instance

	// Commit stores changes, at most one for each active instance, and ends the unit of work, even if it fails. Its own context
	// counts, not that of Begin.
	//
	// It fails with ErrConflict when an instance is completed, is not at Change.Version any more, or the database asks to
	// run the transaction again; with *UniqueKeyConflict when another instance holds a unique key; with *LeaseLost when a
	// delivery that a change consumes or settles is not held under the lease any more; and with *PausedLease when a change leases
	// deliveries of a paused workflow.
	Commit(ctx context.Context, id CommitID, changes []Change) error

	// Rollback drops the unit of work, even if ctx has ended. After Commit it does nothing.
	Rollback(ctx context.Context) error
}
