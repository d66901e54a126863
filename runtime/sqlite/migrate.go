package sqlite

import (
	"context"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// migrations bring the tables from one version to the next. Their file names begin with the version they lead to. Each also records
// it, and the oldest version whose library works on the tables that it leads to. They are never edited once released, only added to.
// Within a major version of the library they only add: tables, columns with a default or NULL, indexes.
//
//go:embed migrations/*.sql
var migrations embed.FS

// SchemaVersionError says that this version of the library does not work on the version of a file's tables.
type SchemaVersionError struct {
	Found  int
	Needed int // the version this library is for
	Oldest int // the oldest version whose library works on the found tables
}

func (e *SchemaVersionError) Error() string {
	if e.Found < e.Needed {
		return fmt.Sprintf("its tables have schema version %d, and this library reads version %d: open the file for writing once, which migrates it",
			e.Found, e.Needed)
	}
	return fmt.Sprintf("its tables have schema version %d, which takes libraries for version %d or later, and this one is for %d: "+
		"use the version of ironflow that made them, or a later one", e.Found, e.Oldest, e.Needed)
}

// ForeignTablesError says that a file has tables that this library did not make, under names that it uses.
type ForeignTablesError struct {
	Tables []string
}

func (e *ForeignTablesError) Error() string {
	return fmt.Sprintf("another program made %s in this file: names that begin with ironflow_ are this library's; use a file of your own",
		strings.Join(e.Tables, ", "))
}

// migrate brings the tables up to date. It takes the write lock before it looks, so that of several processes that open a
// file at once one migrates and the others find it done. Tables of a newer version stay as they are if this library works on them.
func (w *writer) migrate(ctx context.Context, migrations fs.FS) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order
	if err != nil {
		return err
	}
	return w.write(ctx, func(on *connection) error {
		found, err := readTables(on)
		if err != nil {
			return err
		}
		if needed := len(files); found.version > needed && found.oldest > needed {
			return &SchemaVersionError{Found: found.version, Needed: needed, Oldest: found.oldest}
		}
		for version := found.version; version < len(files); version++ {
			script, err := fs.ReadFile(migrations, files[version])
			if err == nil {
				err = on.script(string(script))
			}
			if err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
			}
		}
		// On a file that is read-only BEGIN IMMEDIATE is content to read. Only a write finds out, even one of nothing.
		return on.script(`DELETE FROM ironflow_schema WHERE version < 0`)
	})
}

// checkTables fails unless this library reads the tables as they are.
func checkTables(on *connection, migrations fs.FS) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	found, err := readTables(on)
	if needed := len(files); err == nil && (found.version < needed || found.oldest > needed) {
		err = &SchemaVersionError{Found: found.version, Needed: needed, Oldest: found.oldest}
	}
	return err
}

// SchemaVersion returns the version of the tables in the file at path, 0 if there are none, and the version that this library needs, to which
// Open brings them. It changes nothing. If there is no file, it fails with fs.ErrNotExist; if another program made the tables, with
// *ForeignTablesError.
func SchemaVersion(ctx context.Context, path string) (found, needed int, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err == nil {
		found, err = tablesVersion(ctx, path)
	}
	if err != nil {
		err = fmt.Errorf("sqlite: open %q: %w", path, explain(err))
	}
	return found, len(files), err
}

func tablesVersion(ctx context.Context, path string) (version int, err error) {
	file, err := locate(path)
	if err != nil {
		return 0, err
	}
	if err := requireStore(ctx, file, path); errors.Is(err, ErrNoStore) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	w, err := openWriter(ctx, file.withPragmas("query_only(1)", readersWait))
	if err != nil {
		return 0, err
	}
	err = w.step(func(on *connection) error {
		found, err := readTables(on)
		version = found.version
		return err
	})
	return version, errors.Join(err, w.close())
}

// tables is what is found in a file.
type tables struct{ version, oldest int }

// readTables fails with *ForeignTablesError when the tables are another program's.
func readTables(on *connection) (found tables, err error) {
	var names []string
	err = on.query(func(columns []driver.Value) error {
		names = append(names, text(columns[0]))
		return nil
	}, `SELECT name FROM sqlite_master WHERE name LIKE 'ironflow\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return found, fmt.Errorf("look for tables: %w", err)
	}
	own := map[string]bool{}
	err = on.query(func(columns []driver.Value) error {
		own[text(columns[0])+" "+text(columns[1])] = true
		return nil
	}, `SELECT name, type FROM pragma_table_info('ironflow_schema')`)
	if err != nil {
		return found, fmt.Errorf("look for the table of the schema version: %w", err)
	}
	if own["version INTEGER"] && own["oldest INTEGER"] {
		err := on.query(func(columns []driver.Value) error {
			found.version, found.oldest = int(number(columns[0])), int(number(columns[1]))
			return nil
		}, `SELECT version, oldest FROM ironflow_schema ORDER BY version DESC LIMIT 1`)
		if err != nil {
			return found, fmt.Errorf("read the schema version: %w", err)
		}
	}
	if found.version == 0 && len(names) > 0 {
		return found, &ForeignTablesError{Tables: names}
	}
	return found, nil
}
