package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SchemaVersionError says that the tables are not the ones this version of the library needs.
type SchemaVersionError struct {
	Schema string
	Found  int // 0: not migrated at all
	Needed int
}

func (e *SchemaVersionError) Error() string {
	switch {
	case e.Found == 0:
		return fmt.Sprintf("postgres: schema %q has no ironflow tables: run postgres.Migrate first (version %d is needed)",
			e.Schema, e.Needed)
	case e.Found < e.Needed:
		return fmt.Sprintf("postgres: schema %q is at version %d, this library needs %d: run postgres.Migrate first",
			e.Schema, e.Found, e.Needed)
	default:
		return fmt.Sprintf("postgres: schema %q is at version %d, newer than the %d this library knows: upgrade the library",
			e.Schema, e.Found, e.Needed)
	}
}

// Migrate creates the schema or brings it to the version this library needs, each step in a transaction. Any number of
// processes may call it at once; one of them does the work. It fails with *SchemaVersionError when the schema is newer.
//
// Unless the schema exists, the user of the pool needs the right to create one.
func Migrate(ctx context.Context, pool *pgxpool.Pool, options ...Option) error {
	return migrate(ctx, pool, options, versionAfter)
}

// MigrateDown takes steps back until the schema is at the given version. At 0 the tables are gone, with everything that is
// stored in them.
func MigrateDown(ctx context.Context, pool *pgxpool.Pool, version int, options ...Option) error {
	if version != 0 && findMigration(version) == nil {
		return fmt.Errorf("postgres: there is no version %d of the schema to go back to", version)
	}
	return migrate(ctx, pool, options, func(current int) int { return min(current, max(versionBefore(current), version)) })
}

// migrate goes from version to version by single steps until next returns the current one.
func migrate(ctx context.Context, pool *pgxpool.Pool, options []Option, next func(current int) int) error {
	config, err := newConfig(options)
	if err != nil {
		return err
	}
	// READ COMMITTED matters: the version is read after the wait for the lock and must be the one of then.
	isolation := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	connections := newConnections(pool)
	for done := false; !done; {
		err := connections.run(ctx, func(conn *lent) error {
			return conn.note(pgx.BeginTxFunc(ctx, conn, isolation, func(tx pgx.Tx) error {
				current, err := lockVersion(ctx, tx, config.schema)
				if err != nil {
					return err
				}
				target := next(current)
				done = target == current
				if done {
					return nil
				}
				return step(ctx, tx, config.schema, current, target)
			}))
		})
		if err != nil {
			return wrap(err, "migrate schema %q", config.schema)
		}
	}
	return nil
}

// lockVersion keeps other migrations of the schema out until the transaction ends, and returns the schema's version.
func lockVersion(ctx context.Context, tx pgx.Tx, schema string) (int, error) {
	if _, err := tx.Exec(ctx, lockMigrations, schema); err != nil {
		return 0, err
	}
	// CREATE SCHEMA IF NOT EXISTS asks for the right to create schemas even when there is nothing to create.
	var exists bool
	if err := tx.QueryRow(ctx, schemaExists, schema).Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+quote(schema)); err != nil {
			return 0, err
		}
	}
	if _, err := tx.Exec(ctx, inSchema(schema, createMigrations)); err != nil {
		return 0, err
	}
	var version int
	if err := tx.QueryRow(ctx, inSchema(schema, readVersion)).Scan(&version); err != nil {
		return 0, err
	}
	if version > schemaVersion {
		return 0, &SchemaVersionError{Schema: schema, Found: version, Needed: schemaVersion}
	}
	return version, nil
}

// step runs one migration, up or down.
func step(ctx context.Context, tx pgx.Tx, schema string, current, target int) error {
	version := max(current, target)
	m := findMigration(version)
	if m == nil {
		return fmt.Errorf("the schema is at version %d, which this library has no migration for", version)
	}
	script, record := m.up, recordMigration
	if target < current {
		script, record = m.down, forgetMigration
	}
	// Without parameters pgx uses the simple protocol, which takes a whole file at once.
	if _, err := tx.Exec(ctx, inSchema(schema, script)); err != nil {
		return fmt.Errorf("migration %03d_%s, from version %d to %d: %w", m.version, m.name, current, target, err)
	}
	_, err := tx.Exec(ctx, inSchema(schema, record), version)
	return err
}

// checkVersion fails unless the schema is the one this library works with.
func checkVersion(ctx context.Context, pool *connections, schema string) error {
	var version int
	err := pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(inSchema(schema, readVersion)).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
	})
	if err != nil && !hasCode(err, undefinedTable, invalidSchemaName) {
		return wrap(err, "read the version of schema %q", schema)
	}
	if version != schemaVersion {
		return &SchemaVersionError{Schema: schema, Found: version, Needed: schemaVersion}
	}
	return nil
}
