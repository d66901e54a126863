// Package memory is a [store.Store] for tests. It stores everything in the memory of one process, without a file or a server, so
// the data is lost when the process ends. In production, use runtime/postgres or runtime/sqlite.
//
// The store has every ability of package store except those that only a database server has, and passes the same tests as the
// other stores, see package storetest. It starts no goroutine and no timer. So an engine on it works in a bubble of
// testing/synctest, where timers fire in virtual time.
//
// It has no transactions of callers, so runtime.Within needs another store. A projection writes in a [Tx].
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a [store.Store] in memory. Engines of one process can share it.
//
// Only one unit of work is open at a time, and the next one waits for it. Reads never wait.
type Store struct {
	gate chan struct{} // full while a transaction is open

	mu sync.RWMutex // guards what follows
	data

	listeners listeners
}

var _ interface {
	store.Store
	store.InputLog
	store.Schedules
	store.Snapshots
	store.Inspection
	store.Causes
	store.Search
	store.DeadLetters
	store.Pauses
	store.Programs
	store.AuditLog
	store.Forgetting
	store.Cells
	store.Limits
	store.Feed
	store.Transfer
	store.Projections
	store.ProjectionStore[*Tx]
	store.Notifier
	store.SerialWriter
	store.InProcess
	store.DueTimes
} = (*Store)(nil)

// New returns an empty store. It is for tests: no other process sees its data, and the data is lost when the process ends. In a
// test with testing/synctest, call New in the bubble. The store needs no Close.
func New() *Store { return &Store{gate: make(chan struct{}, 1), data: newData()} }

// SerialWriter implements [store.SerialWriter].
func (s *Store) SerialWriter() {}

// InProcess implements [store.InProcess].
func (s *Store) InProcess() {}

// Effects implements [store.Store].
func (s *Store) Effects() store.Queue { return queueOf{s, s.effects} }

// Timers implements [store.Store].
func (s *Store) Timers() store.Queue { return queueOf{s, s.timers} }

var errEnded = errors.New("the transaction has ended")

// transaction is the only one that writes. It writes in its last step, so that there is nothing to roll back before.
type transaction struct {
	store *Store
	ended atomic.Bool
	undo  []func() // takes back what the last step has written
}

// begin waits for the transaction that is open.
func (s *Store) begin(ctx context.Context) (*transaction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.gate <- struct{}{}:
		return &transaction{store: s}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// finish runs the last step of the transaction. All that the step has written is taken back if it fails or panics.
func (t *transaction) finish(write func(t *transaction) error) (err error) {
	if t.ended.Swap(true) {
		return errEnded
	}
	defer func() { <-t.store.gate }()
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	stored := false
	defer func() {
		for i := len(t.undo) - 1; i >= 0 && !stored; i-- {
			t.undo[i]()
		}
	}()
	err = write(t)
	stored = err == nil
	return err
}

// rollback ends the transaction, unless it has ended.
func (t *transaction) rollback() {
	if !t.ended.Swap(true) {
		<-t.store.gate
	}
}

// write runs a transaction of one step. what names the call in errors.
func (s *Store) write(ctx context.Context, what string, step func(t *transaction) error) error {
	t, err := s.begin(ctx)
	if err == nil {
		err = t.finish(step)
	}
	return failed(what, err)
}

// read runs a step that sees one moment.
func (s *Store) read(ctx context.Context, what string, step func() error) error {
	err := ctx.Err()
	if err == nil {
		s.mu.RLock()
		defer s.mu.RUnlock()
		err = step()
	}
	return failed(what, err)
}

// failed says in an error what has failed. A refusal says itself what it is about.
func failed(what string, err error) error {
	var key *store.UniqueKeyConflict
	var lost *store.LeaseLost
	switch {
	case err == nil:
		return nil
	case errors.As(err, &key):
		return key
	case errors.As(err, &lost):
		return lost
	}
	return fmt.Errorf("memory: %s: %w", what, err)
}

// put stores a row of a table.
func put[K comparable, V any](t *transaction, table map[K]V, key K, row V) {
	before, there := table[key]
	t.undo = append(t.undo, func() {
		if there {
			table[key] = before
		} else {
			delete(table, key)
		}
	})
	table[key] = row
}

// drop deletes a row of a table.
func drop[K comparable, V any](t *transaction, table map[K]V, key K) {
	if before, there := table[key]; there {
		t.undo = append(t.undo, func() { table[key] = before })
		delete(table, key)
	}
}

// set changes a field. A slice must be a new one, or the old one with something appended.
func set[V any](t *transaction, field *V, value V) {
	before := *field
	t.undo = append(t.undo, func() { *field = before })
	*field = value
}
