package sqlite

import (
	"context"
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
	tx, err := w.begin(ctx)
	if err != nil {
		return err
	}
	return tx.finish(func() error {
		const create = `CREATE TABLE IF NOT EXISTS ironflow_schema (version INTEGER PRIMARY KEY) STRICT`
		if _, err := w.conn.ExecContext(ctx, create); err != nil {
			return fmt.Errorf("create the table of the schema version: %w", err)
		}
		// On a file that is read-only BEGIN IMMEDIATE is content to read. Only a write finds out, even one of nothing.
		if _, err := w.conn.ExecContext(ctx, `DELETE FROM ironflow_schema WHERE version < 0`); err != nil {
			return err
		}
		var version int
		const current = `SELECT coalesce(max(version), 0) FROM ironflow_schema`
		if err := w.conn.QueryRowContext(ctx, current).Scan(&version); err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		if version > len(files) {
			return fmt.Errorf("its tables have schema version %d, but this version of ironflow knows those up to %d only: use the version that made them, or a later one",
				version, len(files))
		}
		for ; version < len(files); version++ {
			if err := w.apply(ctx, files[version], version+1); err != nil {
				return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
			}
		}
		return nil
	})
}

func (w *writer) apply(ctx context.Context, file string, version int) error {
	script, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, string(script)); err != nil {
		return err
	}
	_, err = w.conn.ExecContext(ctx, `INSERT INTO ironflow_schema (version) VALUES (?)`, version)
	return err
}
