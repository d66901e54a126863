package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SchemaVersionError says that the tables are not ones that this version of the library works on.
type SchemaVersionError struct {
	Schema string
	Found  int // 0: not migrated at all
	Needed int
	Oldest int // the oldest version whose library works on the schema that was found; 0 when that is older than this library
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
		return fmt.Sprintf("postgres: schema %q is at version %d, which takes libraries for version %d or later, and this one is for %d: "+
			"upgrade the library", e.Schema, e.Found, e.Oldest, e.Needed)
	}
}

// ForeignSchemaError says that a schema has tables that this library did not make, under names that it uses.
type ForeignSchemaError struct {
	Schema string
	Tables []string
}

func (e *ForeignSchemaError) Error() string {
	return fmt.Sprintf("postgres: schema %q is not of this library: another program made %s in it; choose a schema of your own "+
		"by postgres.WithSchema", e.Schema, strings.Join(e.Tables, ", "))
}

// Migrate creates the schema or brings it to the version this library needs, each step in a transaction. Any number of
// processes may call it at once; one of them does the work. A newer schema stays as it is if this library works on it; otherwise
// Migrate fails with *SchemaVersionError. It fails with *ForeignSchemaError when the tables are another program's.
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
	found, err := readSchemaState(ctx, tx, schema)
	if err != nil {
		return 0, err
	}
	// CREATE SCHEMA IF NOT EXISTS asks for the right to create schemas even when there is nothing to create.
	if !found.exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+quote(schema)); err != nil {
			return 0, err
		}
	}
	if len(found.recordColumns) == 0 {
		if _, err := tx.Exec(ctx, inSchema(schema, createMigrations)); err != nil {
			return 0, err
		}
	}
	if found.version > schemaVersion && !found.takes(schemaVersion) {
		return 0, found.wrongVersion(schema)
	}
	return found.version, nil
}

// schemaState is what is found in a schema.
type schemaState struct {
	exists          bool
	taken           []string // of the names of the library's tables
	recordColumns   []string // of schema_migrations
	version, oldest int
}

// querier is a transaction or a connection.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readSchemaState fails with *ForeignSchemaError when the tables are another program's.
func readSchemaState(ctx context.Context, in querier, schema string) (s schemaState, err error) {
	names := slices.AppendSeq(slices.Clone(sequences), maps.Keys(tablePrivileges))
	if err := in.QueryRow(ctx, readSchema, schema, names).Scan(&s.exists, &s.taken, &s.recordColumns); err != nil {
		return s, err
	}
	own := slices.Contains(s.recordColumns, "version integer") && slices.Contains(s.recordColumns, "applied_at timestamp with time zone")
	if own {
		err = in.QueryRow(ctx, inSchema(schema, readVersion)).Scan(&s.version, &s.oldest)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return s, err
		}
		s.taken = slices.DeleteFunc(s.taken, func(table string) bool { return table == "schema_migrations" })
	}
	if s.version == 0 && len(s.taken) > 0 {
		return s, &ForeignSchemaError{Schema: schema, Tables: s.taken}
	}
	return s, nil
}

// takes reports whether a library for a version of the schema works on it.
func (s *schemaState) takes(version int) bool {
	return s.version == version || s.version > version && s.oldest > 0 && s.oldest <= version
}

func (s *schemaState) wrongVersion(schema string) error {
	wrong := &SchemaVersionError{Schema: schema, Found: s.version, Needed: schemaVersion}
	if s.version > schemaVersion {
		wrong.Oldest = cmp.Or(s.oldest, s.version)
	}
	return wrong
}

// step runs one migration, up or down.
func step(ctx context.Context, tx pgx.Tx, schema string, current, target int) error {
	version := max(current, target)
	m := findMigration(version)
	if m == nil {
		return fmt.Errorf("the schema is at version %d, which this library has no migration for", version)
	}
	script := m.up + ";\n" + m.record()
	if target < current {
		script = m.down + ";\n" + m.forget()
	}
	// Without parameters pgx uses the simple protocol, which takes a whole file at once.
	if _, err := tx.Exec(ctx, inSchema(schema, script)); err != nil {
		return fmt.Errorf("migration %03d_%s, from version %d to %d: %w", m.version, m.name, current, target, err)
	}
	return nil
}

// checkVersion fails unless the schema is one this library works on.
func checkVersion(ctx context.Context, pool *connections, schema string) error {
	return pool.run(ctx, func(conn *lent) error {
		found, err := readSchemaState(ctx, conn, schema)
		if err != nil {
			return wrap(conn.note(err), "read the version of schema %q", schema)
		}
		if !found.takes(schemaVersion) {
			return found.wrongVersion(schema)
		}
		return nil
	})
}
