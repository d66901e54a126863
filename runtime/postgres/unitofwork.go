package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
)

// begin names the isolation level, because a database or a role may have another default: the second statement of a unit
// of work must see what was committed while the first waited for its locks.
const begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

// rollbackTimeout bounds a rollback, which does not end with the caller's context. A connection that cannot even roll
// back in that time is given up, and the server rolls back.
const rollbackTimeout = 5 * time.Second

// unitOfWork implements runtime.UnitOfWork on one connection.
type unitOfWork struct {
	queries   *queries
	conn      *pgxpool.Conn // nil once the unit of work has ended
	instances []runtime.Instance
	members   map[runtime.InstanceKey]struct{}
}

// Begin implements runtime.Store.
func (s *Store) Begin(ctx context.Context, keys []runtime.InstanceKey) (runtime.UnitOfWork, error) {
	work := &unitOfWork{
		queries:   s.queries,
		instances: make([]runtime.Instance, len(keys)),
		members:   make(map[runtime.InstanceKey]struct{}, len(keys)),
	}
	ids, workflows := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		if _, twice := work.members[key]; twice {
			return nil, fmt.Errorf("postgres: begin: %s is given twice", key)
		}
		work.members[key] = struct{}{}
		work.instances[i].Key = key
		ids[i], workflows[i] = key.ID, key.Workflow
	}

	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, wrap(err, "begin: acquire a connection for %s", describe(keys))
	}
	work.conn = conn
	if err := work.load(ctx, ids, workflows); err != nil {
		work.abandon(ctx)
		return nil, wrap(err, "begin: lock and load %s", describe(keys))
	}
	return work, nil
}

// load begins the transaction, locks and reads, in one round trip.
func (w *unitOfWork) load(ctx context.Context, ids, workflows []string) error {
	var batch pgx.Batch
	batch.Queue(begin)
	batch.Queue(useIndexes)
	locked := queueMarking(&batch, len(ids), w.queries.lockInstances, ids, workflows)
	// An instance that came into being between the two statements is not locked; it stays missing, and the commit fails.
	batch.Queue(w.queries.readInstances, ids, workflows, false).Query(func(rows pgx.Rows) error {
		return collectInstances(rows, w.instances, func(index int) bool { return locked[index] })
	})
	return w.conn.SendBatch(ctx, &batch).Close()
}

// Instances implements runtime.UnitOfWork.
func (w *unitOfWork) Instances() []runtime.Instance { return w.instances }

// Rollback implements runtime.UnitOfWork.
func (w *unitOfWork) Rollback(ctx context.Context) error {
	if w.conn == nil {
		return nil
	}
	if err := w.abandon(ctx); err != nil {
		// Not a failure to roll back: the server does so when it loses the connection.
		return fmt.Errorf("postgres: rollback of a unit of work: %w", err)
	}
	return nil
}

// abandon rolls back, unless the connection is broken, and gives the connection back. The pool drops one that is broken
// or still in a transaction.
func (w *unitOfWork) abandon(ctx context.Context) error {
	defer w.release()
	if w.conn.Conn().IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, err := w.conn.Exec(ctx, "ROLLBACK")
	return err
}

func (w *unitOfWork) release() {
	w.conn.Release()
	w.conn = nil
}

// describe names some instances of many.
func describe(keys []runtime.InstanceKey) string {
	switch len(keys) {
	case 0:
		return "no instance"
	case 1:
		return keys[0].String()
	default:
		return fmt.Sprintf("%s and %d more", keys[0], len(keys)-1)
	}
}
