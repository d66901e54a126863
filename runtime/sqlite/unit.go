package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// unitOfWork is a write transaction in which nothing is written before Commit.
type unitOfWork struct {
	transaction *transaction
	instances   []store.Instance
}

// Begin implements store.Store. It waits for the open unit of work, whatever instances that has.
func (s *Store) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	requests = withoutCompleted(requests)
	tx, err := s.writer.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: begin: %w", err)
	}
	u := &unitOfWork{transaction: tx}
	err = tx.step(func(on *connection) (err error) {
		u.instances, err = readAll(ctx, on, requests)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: begin: %w", errors.Join(err, tx.rollback()))
	}
	return u, nil
}

// withoutCompleted asks for no events of completed instances.
func withoutCompleted(requests []store.ReadRequest) []store.ReadRequest {
	requests = slices.Clone(requests)
	for i := range requests {
		requests[i].Completed = false
	}
	return requests
}

func (u *unitOfWork) Instances() []store.Instance { return u.instances }

func (u *unitOfWork) Rollback(context.Context) error {
	if err := u.transaction.rollback(); err != nil {
		return fmt.Errorf("sqlite: roll back: %w", err)
	}
	return nil
}

// Commit implements [store.UnitOfWork].
func (u *unitOfWork) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	return written("commit", u.transaction, func(on *connection) error { return writeAll(ctx, on, id, changes) })
}
