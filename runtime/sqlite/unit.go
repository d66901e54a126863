package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime"
)

// unitOfWork is a write transaction in which nothing is written before Commit.
type unitOfWork struct {
	transaction *transaction
	instances   []runtime.Instance
}

// Begin implements [runtime.Store]. It waits for the unit of work that is open, whatever its instances are.
func (s *Store) Begin(ctx context.Context, instances []runtime.InstanceKey) (runtime.UnitOfWork, error) {
	tx, err := s.writer.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: begin: %w", err)
	}
	u := &unitOfWork{transaction: tx, instances: make([]runtime.Instance, len(instances))}
	for i, key := range instances {
		err := tx.step(func() (err error) {
			u.instances[i], err = load(ctx, tx.statements, key, false)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("sqlite: begin: load %s: %w", key, errors.Join(err, tx.rollback()))
		}
	}
	return u, nil
}

func (u *unitOfWork) Instances() []runtime.Instance { return u.instances }

func (u *unitOfWork) Rollback(context.Context) error {
	if err := u.transaction.rollback(); err != nil {
		return fmt.Errorf("sqlite: roll back: %w", err)
	}
	return nil
}

// Commit implements [runtime.UnitOfWork]. A context that ends while it writes stops it between two changes. It is not
// looked at any more once COMMIT is under way, which therefore never leaves in doubt what it did.
func (u *unitOfWork) Commit(ctx context.Context, changes []runtime.Change) error {
	err := u.transaction.finish(func() error {
		for i := range changes {
			if err := ctx.Err(); err != nil {
				return err
			}
			// A statement on one row is over sooner than the driver could interrupt it, and costs less if it need not.
			c := change{&changes[i], u.transaction.statements}
			if err := c.write(context.WithoutCancel(ctx)); err != nil {
				return fmt.Errorf("%s: %w", c.Instance, err)
			}
		}
		return ctx.Err()
	})
	// A refusal says itself what it is about, and goes on to the one who sent the input.
	if key := (*runtime.UniqueKeyConflict)(nil); errors.As(err, &key) {
		return key
	}
	if lost := (*runtime.LeaseLost)(nil); errors.As(err, &lost) {
		return lost
	}
	if err != nil {
		return fmt.Errorf("sqlite: commit: %w", err)
	}
	return nil
}
