package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Tx wraps a transaction of the caller for [runtime.Within]. Begin it on the store's DB, or on another handle on the same file
// that was opened with the same driver. SQLite has one writer at a time: while the transaction is open, all other writers wait,
// including the engine. So end it soon, and do not send inputs to the engine outside of it meanwhile. Another handle must begin
// it with BEGIN IMMEDIATE (_txlock=immediate in the DSN), or its first write may fail with SQLITE_BUSY.
func (s *Store) Tx(tx *sql.Tx) store.Transaction { return &callers{tx} }

// callers implements [store.Transaction]. Each unit of work is a savepoint. SQLite has these in order, so one name will do.
type callers struct{ tx *sql.Tx }

const (
	savepoint           = "SAVEPOINT ironflow"
	rollbackToSavepoint = "ROLLBACK TO SAVEPOINT ironflow"
	releaseSavepoint    = "RELEASE SAVEPOINT ironflow"
)

// within runs a step in a savepoint of its own.
func (c *callers) within(ctx context.Context, step func(session) error) error {
	on := txSession{ctx, c.tx}
	if _, err := on.exec(savepoint); err != nil {
		return err
	}
	if err := step(on); err != nil {
		return errors.Join(err, backToSavepoint(on))
	}
	_, err := on.exec(releaseSavepoint)
	return err
}

// backToSavepoint takes back what was done since, also when the context has ended.
func backToSavepoint(on txSession) error {
	on.ctx = context.WithoutCancel(on.ctx)
	_, back := on.exec(rollbackToSavepoint)
	_, release := on.exec(releaseSavepoint)
	return errors.Join(back, release)
}

// Begin implements [store.Transaction].
func (c *callers) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	var instances []store.Instance
	on := txSession{ctx, c.tx}
	_, err := on.exec(savepoint)
	if err == nil {
		instances, err = readAll(ctx, on, withoutCompleted(requests))
		if err != nil {
			err = errors.Join(err, backToSavepoint(on))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite: begin within a transaction: %w", err)
	}
	return &unitWithin{tx: c.tx, instances: instances}, nil
}

// InputOutcomes implements [store.Transaction].
func (c *callers) InputOutcomes(ctx context.Context, inputs []store.InputKey) (outcomes [][]byte, err error) {
	outcomes, err = readOutcomes(ctx, txSession{ctx, c.tx}, inputs)
	if err != nil {
		return nil, fmt.Errorf("sqlite: read outcomes of inputs: %w", err)
	}
	return outcomes, nil
}

// RecordInputs implements [store.Transaction].
func (c *callers) RecordInputs(ctx context.Context, inputs store.InputRecords) error {
	if err := c.within(ctx, func(on session) error { return recordInputs(on, &inputs) }); err != nil {
		return fmt.Errorf("sqlite: record inputs: %w", err)
	}
	return nil
}

// Notify implements [store.Transaction]. Nothing tells this process of the commit: Engine.Wake does, or the next poll.
func (c *callers) Notify(context.Context) error { return nil }

// unitWithin is a unit of work in a caller's transaction.
type unitWithin struct {
	tx        *sql.Tx // nil once it has ended
	instances []store.Instance
}

// Instances implements [store.UnitOfWork].
func (u *unitWithin) Instances() []store.Instance { return u.instances }

// Commit implements [store.UnitOfWork].
func (u *unitWithin) Commit(ctx context.Context, id store.CommitID, changes []store.Change) error {
	if u.tx == nil {
		return errEnded
	}
	on := txSession{ctx, u.tx}
	u.tx = nil
	err := writeAll(ctx, on, id, changes)
	if err != nil {
		return refused("commit within a transaction", errors.Join(err, backToSavepoint(on)))
	}
	if _, err := on.exec(releaseSavepoint); err != nil {
		return fmt.Errorf("sqlite: commit within a transaction: %w", err)
	}
	return nil
}

// Rollback implements [store.UnitOfWork].
func (u *unitWithin) Rollback(ctx context.Context) error {
	if u.tx == nil {
		return nil
	}
	on := txSession{ctx, u.tx}
	u.tx = nil
	if err := backToSavepoint(on); err != nil {
		return fmt.Errorf("sqlite: roll back within a transaction: %w", err)
	}
	return nil
}

// txSession runs the store's statements in a transaction of database/sql.
type txSession struct {
	ctx context.Context
	tx  *sql.Tx
}

func (t txSession) exec(query string, args ...driver.Value) (int64, error) {
	result, err := t.tx.ExecContext(t.ctx, query, anyArgs(args)...)
	if isBusy(err) {
		err = fmt.Errorf("others write; begin the transaction by the store's DB, or with _txlock=immediate in the DSN of your handle: %w", err)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t txSession) query(row func(columns []driver.Value) error, query string, args ...driver.Value) error {
	rows, err := t.tx.QueryContext(t.ctx, query, anyArgs(args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	columns := make([]driver.Value, len(names))
	read, into := make([]any, len(names)), make([]any, len(names))
	for i := range read {
		into[i] = &read[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, value := range read {
			columns[i] = value
		}
		if err := row(columns); err != nil {
			return err
		}
	}
	return rows.Err()
}

func anyArgs(args []driver.Value) []any {
	all := make([]any, len(args))
	for i, arg := range args {
		all[i] = arg
	}
	return all
}
