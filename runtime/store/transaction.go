package store

import "context"

// Transaction is a transaction of the caller on the store's database, for the option Within. A store that has this ability makes one of
// a transaction of its database, by a method Tx.
//
// The unit of work that Begin returns is a part of the transaction: Commit leaves its changes to the transaction, and Rollback takes
// back no more than the unit of work did. After an error the transaction is as it was before Begin.
type Transaction interface {
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)

	// InputOutcomes and RecordInputs are those of InputLog.
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// Notify wakes the workers of all processes when the transaction has committed. On a store that is no Notifier it does nothing, and
	// workers find the work when they poll next.
	Notify(ctx context.Context) error
}
