package store

import "context"

// Transaction is a transaction of the caller on the store's database, for [Within]. A store's Tx makes one.
//
// The unit of work that Begin returns is a part of it: Commit leaves its changes to the transaction, and Rollback takes back
// no more than the unit of work did. After an error the transaction is as it was before Begin.
type Transaction interface {
	Begin(ctx context.Context, requests []ReadRequest) (UnitOfWork, error)
	InputOutcomes(ctx context.Context, inputs []InputKey) ([][]byte, error)
	RecordInputs(ctx context.Context, inputs InputRecords) error

	// Notify wakes the workers of all processes once the transaction has committed. It does nothing where a store cannot; then
	// their next poll finds the work.
	Notify(ctx context.Context) error
}
