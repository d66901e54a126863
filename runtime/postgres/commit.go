package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime"
)

// commitTimeout bounds the wait for the answer to COMMIT, which a synchronous standby may hold up.
const commitTimeout = 30 * time.Second

var errUnitEnded = errors.New("postgres: the unit of work has ended")

// Commit implements runtime.UnitOfWork. The changes go to the server in one round trip, and COMMIT in another once it is
// known that all of them were made.
func (w *unitOfWork) Commit(ctx context.Context, changes []runtime.Change) error {
	if w.conn == nil {
		return errUnitEnded
	}
	// Whatever happens below, a panic included, the connection goes back.
	defer func() {
		if w.conn != nil {
			w.abandon(ctx)
		}
	}()
	if err := w.check(changes); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	// The order in which units of work insert what may collide. Arrays, and so rows, are in this order in all statements.
	changes = slices.SortedFunc(slices.Values(changes), func(a, b runtime.Change) int {
		return cmp.Or(cmp.Compare(a.Instance.ID, b.Instance.ID), cmp.Compare(a.Instance.Workflow, b.Instance.Workflow))
	})
	if err := w.write(ctx, changes); err != nil {
		return err
	}
	return w.commit(ctx, changes)
}

// check finds mistakes of the caller that the database would not.
func (w *unitOfWork) check(changes []runtime.Change) error {
	seen := make(map[runtime.InstanceKey]struct{}, len(changes))
	for i := range changes {
		change := &changes[i]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("postgres: commit %s: %s", change.Instance, fmt.Sprintf(format, args...))
		}
		if _, member := w.members[change.Instance]; !member {
			return fail("the instance is not part of the unit of work")
		}
		if _, twice := seen[change.Instance]; twice {
			return fail("there are two changes to the instance")
		}
		seen[change.Instance] = struct{}{}
		if len(change.Events) == 0 {
			return fail("a change needs at least one event")
		}
		if lease := change.Consume; lease != nil && lease.Queue != runtime.EffectQueue && lease.Queue != runtime.TimerQueue {
			return fail("a lease on the queue %q, which there is not", lease.Queue)
		}
	}
	return nil
}

// write sends all changes in one round trip. The error of the first statement that failed or missed rows counts; the ones
// after it tell nothing, and are rolled back.
func (w *unitOfWork) write(ctx context.Context, changes []runtime.Change) error {
	batch := &changeBatch{queries: w.queries}
	// Instances first. They give the transaction its id before it takes numbers from the sequence, and whoever lost a race
	// for an instance waits here, before it holds anything of the others.
	batch.instances(changes)
	batch.uniqueKeys(changes)
	batch.consume(changes)
	batch.events(changes)
	batch.timers(changes)
	batch.effects(changes)
	batch.completions(changes)

	err := w.conn.SendBatch(ctx, &batch.Batch).Close()
	if err == nil {
		return nil
	}
	var keyTaken *runtime.UniqueKeyConflict
	var leaseLost *runtime.LeaseLost
	if errors.As(err, &keyTaken) || errors.As(err, &leaseLost) || errors.Is(err, runtime.ErrConflict) {
		return err // already says what and where
	}
	return wrap(err, "write %s", describeChanges(changes))
}

// commit sends COMMIT. From here on the caller's context no longer counts: whoever gave up now would not know whether the
// changes are stored.
func (w *unitOfWork) commit(ctx context.Context, changes []runtime.Change) error {
	if err := ctx.Err(); err != nil {
		return wrap(err, "commit %s", describeChanges(changes))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	tag, err := w.conn.Exec(ctx, "COMMIT")
	switch {
	case err == nil && tag.String() == "COMMIT":
		w.release()
		return nil
	case err == nil:
		// PostgreSQL answers COMMIT of a failed transaction with ROLLBACK. All errors were seen before, so this is not
		// expected; but nothing is stored.
		return fmt.Errorf("postgres: commit %s: the server answered %s", describeChanges(changes), tag)
	case wasRolledBack(err):
		return wrap(err, "commit %s", describeChanges(changes))
	default:
		return fmt.Errorf("postgres: commit %s: %w: %w", describeChanges(changes), runtime.ErrOutcomeUnknown, err)
	}
}

func describeChanges(changes []runtime.Change) string {
	keys := make([]runtime.InstanceKey, len(changes))
	for i := range changes {
		keys[i] = changes[i].Instance
	}
	return describe(keys)
}

// changeBatch turns changes into statements. Each method adds the statements of one table and skips those that have
// nothing to do.
type changeBatch struct {
	pgx.Batch
	queries *queries
}

// queueAll adds a statement that must touch as many rows as there are instances.
func (b *changeBatch) queueAll(sql string, instances []runtime.InstanceKey, args ...any) {
	b.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		if touched := tag.RowsAffected(); touched != int64(len(instances)) {
			return fmt.Errorf("postgres: commit %s: %w", describe(instances), runtime.ErrConflict)
		}
		return nil
	})
}
