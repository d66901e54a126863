package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SchemaVersionError says that this version of the library does not work on the tables' version.
type SchemaVersionError struct {
	Schema string
	Found  int // 0 if there are no tables
	Needed int
	Oldest int // the oldest schema version whose library works on the found schema; 0 unless Found > Needed
}

func (e *SchemaVersionError) Error() string {
	switch {
	case e.Found == 0:
		return fmt.Sprintf("postgres: schema %q has no ironflow tables: run postgres.Migrate first (version %d is needed)",
			e.Schema, e.Needed)
	case e.Found < e.Needed:
		return fmt.Sprintf("postgres: schema %q is at version %d, but this library needs %d: run postgres.Migrate first",
			e.Schema, e.Found, e.Needed)
	default:
		return fmt.Sprintf("postgres: schema %q is at version %d, which takes libraries for version %d or later, and this one is for %d: "+
			"upgrade the library", e.Schema, e.Found, e.Oldest, e.Needed)
	}
}

// ForeignSchemaError says that a schema has tables of another program whose names this library uses.
type ForeignSchemaError struct {
	Schema string
	Tables []string
}

func (e *ForeignSchemaError) Error() string {
	return fmt.Sprintf("postgres: schema %q belongs to another program, which made %s in it; choose a schema of your own "+
		"by postgres.WithSchema", e.Schema, strings.Join(e.Tables, ", "))
}

// Migrate creates the schema or migrates it to the version that this library needs, in one transaction. Any number of processes
// may call it at once; one of them does the work. If the schema is newer and this library works on it, nothing is changed; if it
// does not work on it, Migrate fails with *SchemaVersionError. If the tables belong to another program, it fails with
// *ForeignSchemaError. If the server is no PostgreSQL, or one that stores the tables in another way, it fails with
// *UnsupportedServerError and leaves nothing behind; see Assume.
//
// If the schema does not exist, the user of the pool needs the right to create it.
func Migrate(ctx context.Context, pool *pgxpool.Pool, options ...Option) error {
	config, err := newConfig(options)
	if err != nil {
		return err
	}
	// READ COMMITTED matters: the version is read after the wait for the lock and must be the one of then.
	isolation := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err = newConnections(pool).run(ctx, func(conn *lent) error {
		if err := checkServer(ctx, conn, config); err != nil {
			return err
		}
		return conn.note(pgx.BeginTxFunc(ctx, conn, isolation, func(tx pgx.Tx) error { return migrate(ctx, tx, config) }))
	})
	if err != nil {
		return wrap(err, "migrate schema %q", config.schema)
	}
	return nil
}

// SchemaVersion returns the version of the tables in the schema, 0 if there are none, and the version that this library needs, to which
// Migrate brings them. It changes nothing. If the tables belong to another program, it fails with *ForeignSchemaError.
func SchemaVersion(ctx context.Context, pool *pgxpool.Pool, options ...Option) (found, needed int, err error) {
	config, err := newConfig(options)
	if err != nil {
		return 0, 0, err
	}
	err = newConnections(pool).run(ctx, func(conn *lent) error {
		state, err := readSchemaState(ctx, conn, config.schema)
		found = state.version
		return conn.note(err)
	})
	if err != nil {
		return 0, 0, wrap(err, "read the version of schema %q", config.schema)
	}
	return found, config.version(), nil
}

// migrate keeps other migrations of the schema out until the transaction ends.
func migrate(ctx context.Context, tx pgx.Tx, config config) error {
	if _, err := tx.Exec(ctx, lockMigrations, config.schema); err != nil {
		return err
	}
	found, err := readSchemaState(ctx, tx, config.schema)
	if err != nil {
		return err
	}
	if needed := config.version(); found.version > needed && !found.takes(needed) {
		return found.wrongVersion(config)
	}
	// CREATE SCHEMA IF NOT EXISTS asks for the right to create schemas even when there is nothing to create.
	if !found.exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+quote(config.schema)); err != nil {
			return err
		}
	}
	for _, m := range config.migrations {
		if m.version <= found.version {
			continue
		}
		// Without parameters pgx uses the simple protocol, which takes a whole file at once.
		if _, err := tx.Exec(ctx, inSchema(config.schema, m.script)); err != nil {
			return fmt.Errorf("migration %s: %w", m.file, err)
		}
	}
	if found.version == 0 {
		if err := checkNumbers(ctx, tx, config); err != nil {
			return err
		}
	}
	return checkTables(ctx, tx, config)
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
	if err := in.QueryRow(ctx, readSchema, schema, relations()).Scan(&s.exists, &s.taken, &s.recordColumns); err != nil {
		return s, err
	}
	if slices.Contains(s.recordColumns, "version integer") && slices.Contains(s.recordColumns, "oldest integer") {
		err = in.QueryRow(ctx, inSchema(schema, readVersion)).Scan(&s.version, &s.oldest)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return s, err
		}
	}
	if s.version == 0 && len(s.taken) > 0 {
		return s, &ForeignSchemaError{Schema: schema, Tables: s.taken}
	}
	return s, nil
}

// takes reports whether a library for a version of the schema works on it.
func (s *schemaState) takes(version int) bool {
	return s.version >= version && s.oldest <= version
}

func (s *schemaState) wrongVersion(config config) error {
	wrong := &SchemaVersionError{Schema: config.schema, Found: s.version, Needed: config.version()}
	if s.version > wrong.Needed {
		wrong.Oldest = s.oldest
	}
	return wrong
}

// checkSchema fails unless the server and the schema are ones this library works on.
func checkSchema(ctx context.Context, pool *connections, config config) error {
	return pool.run(ctx, func(conn *lent) error {
		if err := checkServer(ctx, conn, config); err != nil {
			return wrap(err, "look at the server")
		}
		found, err := readSchemaState(ctx, conn, config.schema)
		if err != nil {
			return wrap(conn.note(err), "read the version of schema %q", config.schema)
		}
		if !found.takes(config.version()) {
			return found.wrongVersion(config)
		}
		if err := checkTables(ctx, conn, config); err != nil {
			return wrap(conn.note(err), "look at the tables of schema %q", config.schema)
		}
		var server string
		if err := conn.QueryRow(ctx, serverRun).Scan(&server); err != nil {
			return wrap(conn.note(err), "identify the server")
		}
		pool.leadsTo(server)
		return nil
	})
}
