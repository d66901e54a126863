// Package store is the contract between the engine and the stores: what a store must do, what else it can do, the rows that pass
// between the two, and the errors that both know. To write a store, read [Store] first. The tests of package storetest check all
// rules.
//
// The files in the order of reading: store.go has [Store] and its rules, rows.go the rows that it reads and stores, queue.go the
// [Queue] and its leases, errors.go the errors. With these a store runs workflows with effects and timers. Each other file has
// one ability, with its rows: inputs.go, schedules.go, snapshots.go, limits.go, pauses.go, deadletters.go, inspection.go,
// causes.go, search.go, feed.go, projections.go, forgetting.go, cells.go, transaction.go, and the small ones in notifier.go, clock.go, writers.go and
// holders.go.
package store
