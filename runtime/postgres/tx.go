package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Tx wraps a transaction of the caller for runtime.Within. The transaction must be on the store's database, with the isolation
// level READ COMMITTED. Only one goroutine may use it at a time.
func (s *Store) Tx(tx pgx.Tx) store.Transaction { return &transaction{store: s, tx: tx} }

// transaction implements store.Transaction. Each unit of work is a savepoint.
type transaction struct {
	store *Store
	tx    pgx.Tx
}

// What useIndexesAndWait and lookUp set would last until the end of the transaction, and so change what the caller's own statements do.
// rememberSettings returns the values to set back.
const (
	rememberSettings = `
SELECT current_setting('enable_seqscan'), current_setting('enable_hashjoin'), current_setting('enable_mergejoin'),
       current_setting('jit'), current_setting('plan_cache_mode'), current_setting('lock_timeout'), current_setting('enable_indexscan')`
	restoreSettings = `
SELECT set_config('enable_seqscan', $1::text, true), set_config('enable_hashjoin', $2::text, true),
       set_config('enable_mergejoin', $3::text, true), set_config('jit', $4::text, true),
       set_config('plan_cache_mode', $5::text, true), set_config('lock_timeout', $6::text, true),
       set_config('enable_indexscan', $7::text, true)`
)

// withinWait is how long a statement in a caller's transaction waits for each lock. It is longer than the server waits before it looks
// for a deadlock (deadlock_timeout, 1 s), so that two transactions which wait for each other are told so.
const withinWait = "5s"

// savepoint is one part of a caller's transaction.
type savepoint struct {
	tx       pgx.Tx
	name     string
	settings [7]string
}

// begin marks the place to go back to, and makes the settings of the store's statements.
func (t *transaction) begin(ctx context.Context) (*savepoint, error) {
	s := &savepoint{tx: t.tx, name: fmt.Sprintf("ironflow_%d", rand.Uint64())}
	var batch pgx.Batch
	batch.Queue("SAVEPOINT " + s.name)
	batch.Queue(rememberSettings).QueryRow(func(row pgx.Row) error {
		into := make([]any, len(s.settings))
		for i := range s.settings {
			into[i] = &s.settings[i]
		}
		return row.Scan(into...)
	})
	batch.Queue(useIndexesAndWait, withinWait)
	if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, broken(t.tx.Conn(), errors.Join(err, s.rollback(ctx)))
	}
	return s, nil
}

// rollback takes back what was done since, settings included, also when ctx has ended.
func (s *savepoint) rollback(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	// By the simple protocol: in a transaction that has failed, the server prepares nothing.
	_, err := s.tx.Exec(ctx, "ROLLBACK TO SAVEPOINT "+s.name+"; RELEASE SAVEPOINT "+s.name, pgx.QueryExecModeSimpleProtocol)
	if hasCode(err, noSavepoint) {
		return nil // it failed to begin
	}
	return err
}

// release keeps what was done since.
func (s *savepoint) release(ctx context.Context) error {
	var batch pgx.Batch
	batch.Queue(restoreSettings, s.settings[0], s.settings[1], s.settings[2], s.settings[3], s.settings[4], s.settings[5], s.settings[6])
	batch.Queue("RELEASE SAVEPOINT " + s.name)
	return s.tx.SendBatch(ctx, &batch).Close()
}

// within runs statements in a savepoint of their own.
func (t *transaction) within(ctx context.Context, fill func(*pgx.Batch)) error {
	s, err := t.begin(ctx)
	if err != nil {
		return err
	}
	var batch pgx.Batch
	fill(&batch)
	if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return broken(t.tx.Conn(), errors.Join(err, s.rollback(ctx)))
	}
	return s.release(ctx)
}

// Begin implements store.Transaction.
func (t *transaction) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	l := newLoading(requests)
	clear(l.completed)
	s, err := t.begin(ctx)
	if err != nil {
		return nil, wrap(err, "begin within a transaction, for %s", describe(l.keys()))
	}
	var batch pgx.Batch
	queueLoad(&batch, t.store.queries, l)
	if err := t.tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, wrap(broken(t.tx.Conn(), errors.Join(err, s.rollback(ctx))), "lock and load %s", describe(l.keys()))
	}
	return &unitWithin{savepoint: s, queries: t.store.queries, instances: l.instances}, nil
}

// InputOutcomes implements store.Transaction.
func (t *transaction) InputOutcomes(ctx context.Context, inputs []store.InputKey) ([][]byte, error) {
	return readInputOutcomes(inputs, t.store.queries, func(fill func(*pgx.Batch)) error { return t.within(ctx, fill) })
}

// RecordInputs implements store.Transaction.
func (t *transaction) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	return recordFailure(t.within(ctx, func(batch *pgx.Batch) { queueInputs(batch, t.store.queries, inputs) }))
}

// Notify implements store.Transaction. PostgreSQL holds notifications back until the transaction commits.
func (t *transaction) Notify(ctx context.Context) error {
	if _, err := t.tx.Exec(ctx, `SELECT pg_notify($1::text, '')`, t.store.channel); err != nil {
		return wrap(err, "notify")
	}
	return nil
}

// unitWithin is a unit of work in a caller's transaction.
type unitWithin struct {
	savepoint *savepoint // nil once it has ended
	queries   *queries
	instances []store.Instance
}

// Instances implements store.UnitOfWork.
func (u *unitWithin) Instances() []store.Instance { return u.instances }

// Commit implements store.UnitOfWork. An answer that is lost is lost with the caller's transaction, so there is no doubt: it
// is gone.
func (u *unitWithin) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if u.savepoint == nil {
		return errUnitEnded
	}
	s := u.savepoint
	u.savepoint = nil
	if len(changes) == 0 {
		return s.rollback(ctx)
	}
	b := newChangeBatch(u.queries, changes)
	b.freeVersions(u.instances)
	b.queueChanges(id)
	suit(&b.Batch, nil) // the connection is the caller's
	err := s.tx.SendBatch(ctx, &b.Batch).Close()
	if err == nil {
		return s.release(ctx)
	}
	if back := s.rollback(ctx); back != nil {
		return wrap(broken(s.tx.Conn(), errors.Join(err, back)), "commit %s within a transaction", b.describe())
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return b.refusal(server)
	}
	return err
}

// Rollback implements store.UnitOfWork.
func (u *unitWithin) Rollback(ctx context.Context) error {
	if u.savepoint == nil {
		return nil
	}
	s := u.savepoint
	u.savepoint = nil
	if err := s.rollback(ctx); err != nil {
		return fmt.Errorf("postgres: roll back within a transaction: %w", err)
	}
	return nil
}
