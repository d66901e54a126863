package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// migrations bring the tables from one version to the next. Their file names begin with the version they lead to.
// They are never edited once released, only added to.
//
//go:embed migrations/*.sql
var migrations embed.FS

// breaking are the versions whose migration is too much for a library that was made for an older version. All others only add: tables,
// columns with a default or NULL, indexes.
var breaking = []int{7}

// oldest returns the oldest version of the tables whose library works on the given one, too.
func oldest(version int) (oldest int) {
	for _, b := range breaking {
		if b <= version {
			oldest = b
		}
	}
	return oldest
}

// SchemaVersionError says that a file's tables are of a version that this library does not work on.
type SchemaVersionError struct {
	Found  int
	Needed int // the version this library is for
	Oldest int // the oldest version whose library works on the tables that were found
}

func (e *SchemaVersionError) Error() string {
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
func (w *writer) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order
	if err != nil {
		return err
	}
	return w.write(ctx, func(on *connection) error {
		found, err := readTables(on)
		if err != nil {
			return err
		}
		if needed := len(files); found.version > needed && (found.oldest == 0 || found.oldest > needed) {
			return &SchemaVersionError{Found: found.version, Needed: needed, Oldest: cmp.Or(found.oldest, found.version)}
		}
		if !found.record {
			if err := on.script(`CREATE TABLE ironflow_schema (version INTEGER PRIMARY KEY, oldest INTEGER) STRICT`); err != nil {
				return fmt.Errorf("create the table of the schema version: %w", err)
			}
		} else if !found.hasOldest {
			if err := on.script(`ALTER TABLE ironflow_schema ADD COLUMN oldest INTEGER`); err != nil {
				return fmt.Errorf("extend the table of the schema version: %w", err)
			}
		}
		// On a file that is read-only BEGIN IMMEDIATE is content to read. Only a write finds out, even one of nothing.
		if err := on.script(`DELETE FROM ironflow_schema WHERE version < 0`); err != nil {
			return err
		}
		for version := found.version; version < len(files); version++ {
			if err := apply(on, files[version], version+1); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
			}
		}
		return nil
	})
}

// tables is what is found in a file.
type tables struct {
	record, hasOldest bool // there is the table of the schema version, with the column oldest
	version, oldest   int
}

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
	own := false
	err = on.query(func(columns []driver.Value) error {
		own = own || text(columns[0]) == "version" && text(columns[1]) == "INTEGER"
		found.hasOldest = found.hasOldest || text(columns[0]) == "oldest"
		return nil
	}, `SELECT name, type FROM pragma_table_info('ironflow_schema')`)
	if err != nil {
		return found, fmt.Errorf("look for the table of the schema version: %w", err)
	}
	if own {
		read := `SELECT version, NULL FROM ironflow_schema ORDER BY version DESC LIMIT 1`
		if found.hasOldest {
			read = `SELECT version, oldest FROM ironflow_schema ORDER BY version DESC LIMIT 1`
		}
		err := on.query(func(columns []driver.Value) error {
			found.version, found.oldest = int(number(columns[0])), int(number(columns[1]))
			return nil
		}, read)
		if err != nil {
			return found, fmt.Errorf("read the schema version: %w", err)
		}
		found.record = true
		names = slices.DeleteFunc(names, func(name string) bool { return name == "ironflow_schema" })
	}
	if found.version == 0 && len(names) > 0 {
		return found, &ForeignTablesError{Tables: names}
	}
	return found, nil
}

func apply(on *connection, file string, version int) error {
	script, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if err := on.script(string(script)); err != nil {
		return err
	}
	_, err = on.exec(`INSERT INTO ironflow_schema (version, oldest) VALUES (?, nullif(?, 0))`, int64(version), int64(oldest(version)))
	return err
}
