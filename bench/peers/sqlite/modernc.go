package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	modernc "modernc.org/sqlite"
)

// moderncDB is the driver for database/sql, without database/sql.
type moderncDB struct {
	conn driver.Conn
	all  []*moderncStatement
}

type moderncStatement struct {
	prepared driver.Stmt
	args     []driver.NamedValue
	row      []driver.Value
	query    bool
}

func openModernc(path string) (database, error) {
	connector, err := modernc.NewConnector(path)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	db := &moderncDB{conn: conn}
	return db, set(db)
}

func set(db database) error {
	for _, sql := range settings {
		if err := execute(db, sql); err != nil {
			return errors.Join(err, db.close())
		}
	}
	return nil
}

func (db *moderncDB) prepare(sql string) (statement, error) {
	prepared, err := db.conn.(driver.ConnPrepareContext).PrepareContext(context.Background(), sql)
	if err != nil {
		return nil, err
	}
	s := &moderncStatement{prepared: prepared, query: isQuery(sql)}
	db.all = append(db.all, s)
	return s, nil
}

func (db *moderncDB) close() error {
	var errs []error
	for _, s := range db.all {
		errs = append(errs, s.prepared.Close())
	}
	return errors.Join(append(errs, db.conn.Close())...)
}

func (s *moderncStatement) run(args ...any) (read, changed int64, err error) {
	s.args = s.args[:0]
	for i, value := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	if !s.query {
		result, err := s.prepared.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
		if err != nil {
			return 0, 0, err
		}
		changed, err = result.RowsAffected()
		return 0, changed, err
	}
	rows, err := s.prepared.(driver.StmtQueryContext).QueryContext(context.Background(), s.args)
	if err != nil {
		return 0, 0, err
	}
	s.row = append(s.row[:0], make([]driver.Value, len(rows.Columns()))...)
	for {
		switch err := rows.Next(s.row); err {
		case nil:
			read++
		case io.EOF:
			return read, 0, rows.Close()
		default:
			return 0, 0, errors.Join(err, rows.Close())
		}
	}
}

func isQuery(sql string) bool {
	return len(sql) > 7 && (sql[:7] == "SELECT " || sql[:8] == "\nSELECT ")
}
