// Package storage opens the store that an example runs on.
package storage

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// Open opens PostgreSQL when the URL of a database is given, else SQLite in the file, or in a temporary one that close removes.
func Open(ctx context.Context, database, file string) (store runtime.Store, close func(), err error) {
	store, _, close, err = OpenDB(ctx, database, file)
	return store, close, err
}

// OpenDB is Open, with a way to the database for tables of the example's own.
func OpenDB(ctx context.Context, database, file string) (store runtime.Store, db *sql.DB, close func(), err error) {
	if database != "" {
		return openPostgres(ctx, database)
	}
	remove := func() {}
	if file == "" {
		dir, err := os.MkdirTemp("", "ironflow-example-")
		if err != nil {
			return nil, nil, nil, err
		}
		remove = func() { os.RemoveAll(dir) }
		file = filepath.Join(dir, "example.db")
	}
	opened, err := sqlite.Open(ctx, file)
	if err != nil {
		remove()
		return nil, nil, nil, err
	}
	return opened, opened.DB(), func() { opened.Close(); remove() }, nil
}

func openPostgres(ctx context.Context, database string) (runtime.Store, *sql.DB, func(), error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := postgres.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, nil, err
	}
	store, err := postgres.New(ctx, pool)
	if err != nil {
		pool.Close()
		return nil, nil, nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	return store, db, func() { db.Close(); pool.Close() }, nil
}
