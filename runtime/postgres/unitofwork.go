package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// begin names the isolation level, because a database or a role may have another default: the second statement of a unit
// of work must see what was committed while the first waited for its locks.
//
// It does not say READ WRITE: where default_transaction_read_only is on, nothing is to be written.
const begin = "BEGIN ISOLATION LEVEL READ COMMITTED"

const commit = "COMMIT"

const beginReading = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"

// unitWait is how long a unit of work waits for each of its locks.
const unitWait = "1s"

var errUnitEnded = errors.New("postgres: the unit of work has ended")

// unitOfWork implements store.UnitOfWork on one connection.
type unitOfWork struct {
	pool      *connections
	queries   *queries
	conn      *lent // nil once the unit of work has ended
	instances []store.Instance
}

// Begin implements store.Store.
func (s *Store) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	if err := s.horizon.refuses(ctx); err != nil {
		return nil, err
	}
	l := newLoading(requests)
	clear(l.completed) // they are never read here
	work := &unitOfWork{
		pool:      s.pool,
		queries:   s.queries,
		instances: l.instances,
	}
	err := s.pool.run(ctx, func(conn *lent) error {
		err := work.load(ctx, conn, l)
		if err == nil {
			conn.kept = true
			work.conn = conn
		}
		return err
	})
	if err != nil {
		return nil, wrap(err, "begin: lock and load %s", describe(l.keys()))
	}
	return work, nil
}

// load begins the transaction, locks and reads, in one round trip.
func (w *unitOfWork) load(ctx context.Context, conn *lent, l *loading) error {
	var batch pgx.Batch
	batch.Queue(begin)
	batch.Queue(useIndexesAndWait, unitWait)
	queueLoad(&batch, w.queries, l)
	return conn.send(ctx, &batch)
}

// queueLoad locks and reads.
func queueLoad(batch *pgx.Batch, queries *queries, l *loading) {
	if len(l.instances) == 0 {
		return
	}
	locked := queueMarking(batch, len(l.instances), queries.lockInstances, l.ids, l.workflows)
	// An instance that came into being between the two statements is not locked; it stays missing, and the commit fails.
	l.unwanted = func(index int) bool { return !locked[index] }
	l.queue(batch, queries)
}

// Instances implements store.UnitOfWork.
func (w *unitOfWork) Instances() []store.Instance { return w.instances }

// Commit implements store.UnitOfWork.
func (w *unitOfWork) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if w.conn == nil {
		return errUnitEnded
	}
	// Whatever happens below, a panic included, the connection goes back.
	defer w.end(ctx)
	if len(changes) == 0 {
		return nil
	}
	b := newChangeBatch(w.queries, changes)
	b.freeVersions(w.instances)
	b.queueChanges(id)
	b.Queue(commit)
	return b.commit(ctx, w.conn)
}

// freeVersions gives the versions back that lockInstances has taken: those behind the instances' versions.
func (b *changeBatch) freeVersions(instances []store.Instance) {
	var columns versionColumns
	for i := range instances {
		if instance := &instances[i]; instance.Version > 0 && !instance.Completed {
			columns.add(instance.Key)
			columns.versions = append(columns.versions, instance.Version+1)
		}
	}
	if !columns.empty() {
		b.lookUp(b.queries.freeVersions, columns.ids, columns.workflows, columns.versions)
	}
}

// Rollback implements store.UnitOfWork.
func (w *unitOfWork) Rollback(ctx context.Context) error {
	if w.conn == nil {
		return nil
	}
	if err := w.end(ctx); err != nil {
		// Not a failure to roll back: the server does so when it loses the connection.
		return fmt.Errorf("postgres: rollback of a unit of work: %w", err)
	}
	return nil
}

func (w *unitOfWork) end(ctx context.Context) error {
	conn := w.conn
	w.conn = nil
	return conn.giveBack(ctx)
}
