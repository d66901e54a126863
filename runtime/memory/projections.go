package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections implements [store.Projections].
func (s *Store) Projections(ctx context.Context, names ...string) (states []store.ProjectionState, err error) {
	err = s.read(ctx, "read projections", func() error {
		for name, state := range s.projections {
			if len(names) == 0 || slices.Contains(names, name) {
				states = append(states, state)
			}
		}
		return nil
	})
	slices.SortFunc(states, func(a, b store.ProjectionState) int { return cmp.Compare(a.Name, b.Name) })
	return states, err
}

// UpdateProjection implements [store.Projections].
func (s *Store) UpdateProjection(ctx context.Context, name string, update store.ProjectionUpdate) error {
	return s.write(ctx, fmt.Sprintf("update projection %q", name), func(t *transaction) error {
		s.audit(ctx, t, 1)
		return s.changeProjection(t, name, update)
	})
}

func (d *data) changeProjection(t *transaction, name string, update store.ProjectionUpdate) error {
	state, there := d.projections[name]
	if !there {
		state = store.ProjectionState{Name: name, Status: store.ProjectionRunning}
	}
	if err := update(&state); err != nil {
		return err
	}
	state.EventAt, state.LeaseUntil, state.UpdatedAt = storedOrZero(state.EventAt), storedOrZero(state.LeaseUntil), store.StoredTime(state.UpdatedAt)
	state.LastError = usererr.Bound(state.LastError)
	put(t, d.projections, name, state)
	return nil
}

// Tx is the transaction of a projection, as in Projection[*memory.Tx]. The projection writes values under keys. [Store.Value]
// returns a value after the transaction is committed. Only one goroutine may use a Tx at a time.
type Tx struct {
	transaction *transaction
	mu          sync.Mutex
	values      map[string]any
}

// Value returns the value of a key as the transaction sees it; nil if there is none.
func (tx *Tx) Value(key string) any {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if value, written := tx.values[key]; written {
		return value
	}
	return tx.transaction.store.Value(key)
}

// Set stores a value, which must not be changed after that; nil deletes the key. It fails if the transaction has ended.
func (tx *Tx) Set(key string, value any) error {
	if tx.transaction.ended.Load() {
		return errEnded
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.values[key] = value
	return nil
}

// Value returns the value that projections have stored under a key; nil if there is none.
func (s *Store) Value(key string) any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[key]
}

// Project implements [store.ProjectionStore]. No other writes are possible while apply runs.
func (s *Store) Project(
	ctx context.Context, name string, apply func(context.Context, *Tx) error, update store.ProjectionUpdate,
) error {
	err := s.project(ctx, apply, func(t *transaction) error { return s.changeProjection(t, name, update) })
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w (%w)", ctx.Err(), err) // it is why the transaction ended
	}
	return failed(fmt.Sprintf("project %q", name), err)
}

func (s *Store) project(ctx context.Context, apply func(context.Context, *Tx) error, last func(*transaction) error) error {
	t, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback() // unless it is finished
	defer context.AfterFunc(ctx, t.rollback)()
	tx := &Tx{transaction: t, values: make(map[string]any)}
	if err := apply(ctx, tx); err != nil {
		return err
	}
	return t.finish(func(t *transaction) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx.mu.Lock()
		defer tx.mu.Unlock()
		for key, value := range tx.values {
			if value == nil {
				drop(t, s.values, key)
			} else {
				put(t, s.values, key, value)
			}
		}
		return last(t)
	})
}
