package store

import "context"

// Transaction is a transaction of the caller on the store's database, for the option Within. A store with this ability has a
// method Tx that makes one from a transaction of its database.
//
// The unit of work that Begin returns is a part of the transaction: after its Commit, the changes are stored when the transaction
// commits, and its Rollback undoes only the unit of work. After an error the transaction is as it was before Begin.
type Transaction interface {
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)

	// InputOutcomes and RecordInputs are those of InputLog.
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// SubjectKeys is that of the ability SubjectKeys. It also returns keys that the transaction has added.
	SubjectKeys(ctx context.Context, subjects []string) ([]SubjectKey, error)

	// Notify wakes the workers of all processes after the transaction has committed. On a store that is not a Notifier it does
	// nothing, and workers find the work at their next poll.
	Notify(ctx context.Context) error
}
