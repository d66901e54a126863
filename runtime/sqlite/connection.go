package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	modernc "modernc.org/sqlite"
)

// connection is a connection of the driver with its statements, each prepared when it is first used. One goroutine at a
// time uses it. It does without database/sql, whose work for each statement costs about as much as SQLite's own for one
// row.
type connection struct {
	conn     conn
	prepared map[string]statement
	args     []driver.NamedValue // of the statement that runs
	row      []driver.Value      // of the query that runs
}

// conn and statement are what the driver gives, with all it can do.
type conn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// session is what the statements of a transaction run in.
type session interface {
	// exec returns the number of rows that changed. Arguments are int64, string, bool or nil.
	exec(query string, args ...driver.Value) (int64, error)

	// query calls row for each row of the result. The columns are valid until it returns; what is read from them stays.
	query(row func(columns []driver.Value) error, query string, args ...driver.Value) error
}

func connect(ctx context.Context, dsn string) (*connection, error) {
	connector, err := modernc.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	opened, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{conn: opened.(conn), prepared: map[string]statement{}}, nil
}

func (c *connection) close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// uninterrupted is the context of all statements. One on a few rows is over sooner than the driver could interrupt it,
// and costs less if it need not; those who run many look at their own context in between.
var uninterrupted = context.Background()

func (c *connection) exec(query string, args ...driver.Value) (int64, error) {
	s, err := c.prepare(query, args)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(uninterrupted, c.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *connection) query(row func(columns []driver.Value) error, query string, args ...driver.Value) error {
	s, err := c.prepare(query, args)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(uninterrupted, c.args)
	if err != nil {
		return err
	}
	c.row = append(c.row[:0], make([]driver.Value, len(rows.Columns()))...)
	for {
		err := rows.Next(c.row)
		if err == nil {
			err = row(c.row)
		}
		if err == nil {
			continue
		}
		if err == io.EOF {
			err = nil
		}
		return errors.Join(err, rows.Close())
	}
}

// prepare finds the statement and puts the arguments into place.
func (c *connection) prepare(query string, args []driver.Value) (statement, error) {
	s, known := c.prepared[query]
	if !known {
		made, err := c.conn.PrepareContext(uninterrupted, query)
		if err != nil {
			return nil, err
		}
		s = made.(statement)
		c.prepared[query] = s
	}
	c.args = c.args[:0]
	for i, value := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return s, nil
}

// script runs statements that are needed once.
func (c *connection) script(text string) error {
	_, err := c.conn.ExecContext(uninterrupted, text, nil)
	return err
}

// number and text read a column; NULL reads as nothing.

func number(column driver.Value) int64 {
	n, _ := column.(int64)
	return n
}

func blob(column driver.Value) []byte {
	b, _ := column.([]byte)
	return b
}

func text(column driver.Value) string {
	s, _ := column.(string)
	return s
}
