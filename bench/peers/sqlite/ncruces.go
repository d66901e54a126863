package main

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// ncrucesDB is SQLite compiled to WebAssembly and that translated to Go, by its own interface, which does without database/sql.
type ncrucesDB struct {
	conn *sqlite3.Conn
	all  []*sqlite3.Stmt
}

func openNcruces(path string) (database, error) {
	conn, err := sqlite3.Open("file:" + path)
	if err != nil {
		return nil, err
	}
	db := &ncrucesDB{conn: conn}
	return db, set(db)
}

func (db *ncrucesDB) prepare(sql string) (statement, error) {
	s, _, err := db.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	db.all = append(db.all, s)
	return &ncrucesStatement{db.conn, s}, nil
}

func (db *ncrucesDB) close() error {
	var errs []error
	for _, s := range db.all {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, db.conn.Close())...)
}

type ncrucesStatement struct {
	conn     *sqlite3.Conn
	prepared *sqlite3.Stmt
}

func (s *ncrucesStatement) run(args ...any) (read, changed int64, err error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			err = s.prepared.BindInt64(i+1, v)
		case string:
			err = s.prepared.BindText(i+1, v)
		case nil:
			err = s.prepared.BindNull(i + 1)
		default:
			err = fmt.Errorf("an argument is a %T", arg)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	for s.prepared.Step() {
		read++
	}
	if err := s.prepared.Reset(); err != nil {
		return 0, 0, err
	}
	return read, s.conn.Changes(), s.prepared.Err()
}
