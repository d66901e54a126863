package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync/atomic"
)

// lend lets run write in the transaction as one of database/sql. What it wrote is not committed by that: the caller goes on
// to finish, or rolls back.
func (t *transaction) lend(ctx context.Context, run func(*sql.Tx) error) error {
	conn := &lentConn{transaction: t}
	db := sql.OpenDB(conn)
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // when run panics or ends its goroutine, too
	if err := run(tx); err != nil {
		return err
	}
	conn.returned.Store(true)
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) {
			err = errNotYours
		}
		return err
	}
	return nil
}

var errNotYours = errors.New("a projection does not end its transaction: return nil to commit it, an error to roll it back")

// lentConn is the writer's connection as a driver of database/sql, for the time of one transaction.
type lentConn struct {
	*transaction
	returned atomic.Bool // by who had it
}

func (c *lentConn) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *lentConn) Driver() driver.Driver                        { return c }
func (c *lentConn) Open(string) (driver.Conn, error)             { return c, nil }
func (c *lentConn) Close() error                                 { return nil }
func (c *lentConn) Begin() (driver.Tx, error)                    { return c, nil }

// Commit and Rollback implement driver.Tx: the transaction is another's.
func (c *lentConn) Commit() error {
	if !c.returned.Load() {
		return errNotYours
	}
	return nil
}

func (c *lentConn) Rollback() error { return nil }

// step is refused once the transaction has ended, which it does with its context, whoever still has it.
func (c *lentConn) step(run func(on *connection) error) error {
	return c.transaction.step(func(on *connection) error {
		if c.ended.Load() {
			return errEnded
		}
		return run(on)
	})
}

func (c *lentConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	err = c.step(func(on *connection) (err error) {
		result, err = on.conn.ExecContext(ctx, query, args)
		return err
	})
	return result, err
}

// QueryContext reads its whole result at once, so that the connection is free for the next statement.
func (c *lentConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Rows, err error) {
	err = c.step(func(on *connection) error {
		rows, err := on.conn.QueryContext(ctx, query, args)
		if err == nil {
			result, err = readRest(rows)
		}
		return err
	})
	return result, err
}

func (c *lentConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *lentConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	var prepared driver.Stmt
	err := c.step(func(on *connection) (err error) {
		prepared, err = on.conn.PrepareContext(ctx, query)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lentStatement{c, prepared.(statement)}, nil
}

// lentStatement is a statement of a lentConn.
type lentStatement struct {
	conn     *lentConn
	prepared statement
}

func (s *lentStatement) Close() error {
	return s.conn.transaction.step(func(*connection) error { return s.prepared.Close() })
}

func (s *lentStatement) NumInput() int { return s.prepared.NumInput() }

func (s *lentStatement) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.ErrUnsupported
}
func (s *lentStatement) Query([]driver.Value) (driver.Rows, error) { return nil, errors.ErrUnsupported }

func (s *lentStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	err = s.conn.step(func(*connection) (err error) {
		result, err = s.prepared.ExecContext(ctx, args)
		return err
	})
	return result, err
}

func (s *lentStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (result driver.Rows, err error) {
	err = s.conn.step(func(*connection) error {
		rows, err := s.prepared.QueryContext(ctx, args)
		if err == nil {
			result, err = readRest(rows)
		}
		return err
	})
	return result, err
}

// readRows are rows that were read already.
type readRows struct {
	columns []string
	rows    [][]driver.Value
}

func readRest(from driver.Rows) (*readRows, error) {
	read := &readRows{columns: from.Columns()}
	for {
		row := make([]driver.Value, len(read.columns))
		switch err := from.Next(row); err {
		case nil:
			read.rows = append(read.rows, row)
		case io.EOF:
			return read, from.Close()
		default:
			return nil, errors.Join(err, from.Close())
		}
	}
}

func (r *readRows) Columns() []string { return r.columns }
func (r *readRows) Close() error      { return nil }

func (r *readRows) Next(row []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(row, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
