package store

import "context"

// Store keeps instances with their events, and the effects and timers that wait to be delivered. Every store has these methods.
// Everything else that a store can do is an ability: another interface of this package, such as [Feed], which the store may
// implement as well. The engine asks for an ability where a feature needs it. If the store lacks it, the feature fails with
// [*Unsupported], and everything else works.
//
// The engine is the only caller. A store knows no workflows and reads no clock: every time is passed to it. It does not read
// payloads: they are JSON text, and it returns them byte for byte. Times are UTC, to the microsecond. Ids and other texts are
// valid UTF-8 without NUL.
//
// These rules hold for every store:
//
//   - Every method is safe for concurrent use, by any number of processes.
//   - A commit, by Append or by a unit of work, stores all of its changes or none. When it returns without an error, they are
//     durable.
//   - An instance's version is the number of its events. Of two commits that continue the same version, one fails with
//     ErrConflict. This rests on primary keys and tokens, never on a lock in memory. So it holds between processes, and if a
//     process dies at any instruction.
//   - A call whose context has ended fails, and stores nothing.
//   - If the store cannot be reached or cannot serve a call at the moment, the call fails with *Unavailable.
//   - Its arguments are valid: the engine calls [ValidateChanges] and its siblings before the store.
//   - A commit that fails has stored nothing. If that is uncertain, it fails with ErrOutcomeUnknown.
//
// There are two ways to commit. Read and Append handle a set of instances in one round trip each. They take no locks before, so
// Append may find that another commit was faster. Begin locks first, so that an instance that many callers want to change makes
// progress.
//
// Some fields of rows belong to an ability, as their comments say. A store without the ability ignores them, and leaves them
// zero.
//
// Package storetest checks all of this, ability by ability. Every store has to pass it.
type Store interface {
	// Read returns a set of distinct instances, in the order of requests, without locking them. Each is as it was at one moment. An
	// instance that does not exist is at version 0.
	Read(ctx context.Context, requests []ReadRequest) ([]Instance, error)

	// Append commits the changes of a batch.
	//
	// It fails with ErrConflict if an instance of the batch is not at its version any more, its last event has another commit
	// than LastCommit, it is completed, or it cannot be locked at once; also if the database asks to run the transaction again.
	// It fails with *UniqueKeyConflict, *LeaseLost and *PausedLease as UnitOfWork.Commit does.
	Append(ctx context.Context, batch Batch) error

	// Committed reports whether the event of a version of an instance was stored by a commit. It waits for a commit that is still
	// in progress. The engine calls it after ErrOutcomeUnknown.
	Committed(ctx context.Context, instance InstanceKey, version int64, commit CommitID) (bool, error)

	// Begin starts a unit of work over a set of distinct instances: it waits until it can lock those that exist and are active,
	// and reads them. If the wait takes long, it may fail with ErrConflict. Until the unit of work ends, no other commit changes
	// an instance that it has locked. An instance that does not exist is at version 0 and is not created yet. If two units of
	// work both found it missing, the commit of one fails with ErrConflict. ReadRequest.Completed has no effect.
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)

	// Effects returns the outbox, the queue of effects. Timers returns the queue of timers.
	Effects() Queue
	Timers() Queue
}

// UnitOfWork is a transaction over the instances given to Begin. Only one goroutine may use it. It ends with Commit or Rollback.
// Until Commit, its changes are not visible to others.
type UnitOfWork interface {
	// Instances returns the instances in the order of the requests. Completed ones have no events, and are not locked.
	Instances() []Instance

	// Commit stores changes, at most one for each active instance, and ends the unit of work, even if it fails. It uses its own
	// context, not that of Begin.
	//
	// It fails with ErrConflict if an instance is completed or is not at Change.Version any more, or if the database asks to run
	// the transaction again. It fails with *UniqueKeyConflict if another instance holds a unique key, with *LeaseLost if the
	// lease of a delivery that a change consumes or settles is not held any more, and with *PausedLease if a change leases
	// deliveries of a paused workflow.
	Commit(ctx context.Context, id CommitID, changes []Change) error

	// Rollback drops the unit of work, even if ctx has ended. After Commit it does nothing.
	Rollback(ctx context.Context) error
}
