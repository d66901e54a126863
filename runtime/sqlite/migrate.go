package sqlite

import (
	"context"
	"database/sql/driver"
	"embed"
	"fmt"
	"io/fs"
)

// migrations bring the tables from one version to the next. Their file names begin with the version they lead to.
// They are never edited once released, only added to.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date. It takes the write lock before it looks, so that of several processes that open a
// file at once one migrates and the others find it done.
func (w *writer) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order
	if err != nil {
		return err
	}
	return w.write(ctx, func(on *connection) error {
		const create = `CREATE TABLE IF NOT EXISTS ironflow_schema (version INTEGER PRIMARY KEY) STRICT`
		if err := on.script(create); err != nil {
			return fmt.Errorf("create the table of the schema version: %w", err)
		}
		// On a file that is read-only BEGIN IMMEDIATE is content to read. Only a write finds out, even one of nothing.
		if err := on.script(`DELETE FROM ironflow_schema WHERE version < 0`); err != nil {
			return err
		}
		var version int
		row := func(columns []driver.Value) error {
			version = int(number(columns[0]))
			return nil
		}
		if err := on.query(row, `SELECT max(version) FROM ironflow_schema`); err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		if version > len(files) {
			return fmt.Errorf("its tables have schema version %d, but this version of ironflow knows those up to %d only: use the version that made them, or a later one",
				version, len(files))
		}
		for ; version < len(files); version++ {
			if err := apply(on, files[version], version+1); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
			}
		}
		return nil
	})
}

func apply(on *connection, file string, version int) error {
	script, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if err := on.script(string(script)); err != nil {
		return err
	}
	_, err = on.exec(`INSERT INTO ironflow_schema (version) VALUES (?)`, int64(version))
	return err
}
