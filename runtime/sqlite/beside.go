package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// DB is a way to the database beside the store: for reports, tests, and tables of your own. Queries see what is committed
// and wait for no unit of work; whatever else is executed waits like one, and what it does to the tables of the store is
// checked by nobody. A transaction, unless it is read-only, holds up all who write from its beginning on, so that it can be given to Tx. In
// memory each statement stands alone, there are no transactions. Close of the store closes it.
func (s *Store) DB() *sql.DB { return s.db }

// beside makes a database of the connection of a store in memory, because no other connection leads there.
type beside struct{ w *writer }

func (b beside) Connect(context.Context) (driver.Conn, error) { return b, nil }
func (b beside) Driver() driver.Driver                        { return b }
func (b beside) Open(string) (driver.Conn, error)             { return b, nil }
func (b beside) Close() error                                 { return nil }
func (b beside) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (b beside) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }

// ExecContext is a transaction of its own, so that it does not become part of a unit of work that is open.
func (b beside) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	err = b.w.write(ctx, func(on *connection) (err error) {
		result, err = on.conn.ExecContext(ctx, query, args)
		return err
	})
	return result, err
}

// QueryContext runs between two steps of the store, and therefore reads its whole result at once.
func (b beside) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Rows, err error) {
	err = b.w.look(ctx, func(on *connection) error {
		// A statement that writes would do so in the unit of work that may be open.
		if err := on.script("PRAGMA query_only = 1"); err != nil {
			return err
		}
		rows, err := on.conn.QueryContext(ctx, query, args)
		if err == nil {
			result, err = readRest(rows)
		}
		return errors.Join(err, on.script("PRAGMA query_only = 0"))
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
