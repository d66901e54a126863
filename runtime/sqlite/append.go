package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Append implements store.Store. Like all writes, it waits for the open unit of work.
func (s *Store) Append(ctx context.Context, batch store.Batch) error {
	check := func(on *connection) error { return checkUnchanged(ctx, on, batch.Unchanged) }
	if len(batch.Changes) == 0 {
		if err := s.readers.read(ctx, check); err != nil {
			return fmt.Errorf("sqlite: append: %w", err)
		}
		return nil
	}
	tx, err := s.writer.begin(ctx)
	if err != nil {
		return fmt.Errorf("sqlite: append: %w", err)
	}
	return written("append", tx, func(on *connection) error {
		if err := check(on); err != nil {
			return err
		}
		return writeAll(ctx, on, batch.Commit, batch.Changes)
	})
}

func checkUnchanged(ctx context.Context, on session, unchanged []store.InstanceVersion) error {
	for i := range unchanged {
		u := &unchanged[i]
		there, err := isAt(on, u)
		if err == nil && !there {
			err = fmt.Errorf("it is not at version %d: %w", u.Version, store.ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", u.Instance, err)
		}
	}
	return ctx.Err()
}

// written ends a transaction with changes.
func written(what string, tx *transaction, write func(*connection) error) error {
	return refused(what, tx.finish(write))
}

func refused(what string, err error) error {
	// A refusal says itself what it is about, and goes on to the one who sent the input.
	if key := (*store.UniqueKeyConflict)(nil); errors.As(err, &key) {
		return key
	}
	if lost := (*store.LeaseLost)(nil); errors.As(err, &lost) {
		return lost
	}
	if err != nil {
		return fmt.Errorf("sqlite: %s: %w", what, err)
	}
	return nil
}

// writeAll writes changes of distinct instances. A context that ends meanwhile stops it between two of them. It is not
// looked at any more once COMMIT is under way, which therefore never leaves in doubt what it did.
//
// The events come first, because a change that was overtaken is decided again whatever else is wrong with it. The deliveries that caused
// the changes come next, so that a timer may start itself again.
func writeAll(ctx context.Context, on session, id store.CommitID, changes []store.Change) error {
	set := changeSet{changes, id, on}
	if err := set.writeEvents(); err != nil {
		return err
	}
	for i := range changes {
		c := change{&changes[i], id, on}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.write(); err != nil {
			return fmt.Errorf("%s: %w", c.Instance, err)
		}
	}
	if err := checkPauses(on, changes); err != nil {
		return err
	}
	if err := set.writeDeliveries(); err != nil {
		return err
	}
	return ctx.Err()
}

// Committed implements store.Store. It waits for the lock, so a commit in progress ends before it looks.
func (s *Store) Committed(ctx context.Context, instance store.InstanceKey, version int64, commit store.CommitID) (bool, error) {
	var stored bool
	row := func(columns []driver.Value) error {
		stored = number(columns[0]) == int64(commit)
		return nil
	}
	err := s.writer.write(ctx, func(on *connection) error { return on.query(row, commitOf, instance.ID, instance.Workflow, version) })
	if err != nil {
		return false, fmt.Errorf("sqlite: look for a commit to version %d of %s: %w", version, instance, err)
	}
	return stored, nil
}

// SaveSnapshots implements [store.Snapshots].
func (s *Store) SaveSnapshots(ctx context.Context, snapshots []store.Snapshot) error {
	if len(snapshots) == 0 {
		return nil
	}
	err := s.writer.write(ctx, func(on *connection) error {
		for _, snapshot := range snapshots {
			_, err := on.exec(saveSnapshot, snapshot.Version, int64(snapshot.Commit), snapshot.Schema, string(snapshot.State),
				snapshot.Instance.ID, snapshot.Instance.Workflow)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return fmt.Errorf("%s: %w", snapshot.Instance, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sqlite: save snapshots: %w", err)
	}
	return nil
}
