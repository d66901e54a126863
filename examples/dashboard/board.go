package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/examples/dashboard/parcel"
	"github.com/ironflow-gen/ironflow/runtime"
)

// board keeps the dashboard, the table depots, up to date with what happens to parcels. The statements are the same on both
// stores; a projection for one store would use its transaction directly.
type board[Tx any] struct {
	// exec runs a statement and returns the number of rows it changed.
	exec func(ctx context.Context, tx Tx, statement string, args ...any) (int64, error)
}

// tables are where the projection writes. Which parcel is where is only of interest to itself.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS depots (name varchar(40) PRIMARY KEY, here int NOT NULL DEFAULT 0, delivered int NOT NULL DEFAULT 0)`,
	`CREATE TABLE IF NOT EXISTS parcels_at_depots (id varchar(40) PRIMARY KEY, depot varchar(40) NOT NULL)`,
}

// Arrived moves a parcel from its depot, when it was at one, to the next.
func (b board[Tx]) Arrived(ctx context.Context, tx Tx, e parcel.Arrived, stored runtime.StoredEvent) error {
	id := stored.Instance.ID
	if _, err := b.exec(ctx, tx, leaveDepot, id); err != nil {
		return err
	}
	there, err := b.exec(ctx, tx, `UPDATE depots SET here = here + 1 WHERE name = $1`, e.Depot)
	if err != nil {
		return err
	}
	if there == 0 {
		return fmt.Errorf("there is no depot %q", e.Depot)
	}
	_, err = b.exec(ctx, tx, `
		INSERT INTO parcels_at_depots (id, depot) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET depot = excluded.depot`, id, e.Depot)
	return err
}

const leaveDepot = `UPDATE depots SET here = here - 1 WHERE name = (SELECT depot FROM parcels_at_depots WHERE id = $1)`

// Delivered counts the parcel at the depot that it left last.
func (b board[Tx]) Delivered(ctx context.Context, tx Tx, _ parcel.Delivered, stored runtime.StoredEvent) error {
	for _, statement := range []string{
		`UPDATE depots SET delivered = delivered + 1 WHERE name = (SELECT depot FROM parcels_at_depots WHERE id = $1)`,
		leaveDepot,
		`DELETE FROM parcels_at_depots WHERE id = $1`,
	} {
		if _, err := b.exec(ctx, tx, statement, stored.Instance.ID); err != nil {
			return err
		}
	}
	return nil
}

// Reset forgets all of it, for a rebuild. The depots stay: they come from elsewhere.
func (b board[Tx]) Reset(ctx context.Context, tx Tx) error {
	for _, statement := range []string{`UPDATE depots SET here = 0, delivered = 0`, `DELETE FROM parcels_at_depots`} {
		if _, err := b.exec(ctx, tx, statement); err != nil {
			return err
		}
	}
	return nil
}

// inPostgres and inSQLite run its statements in the transactions of the two stores.

func inPostgres(ctx context.Context, tx pgx.Tx, statement string, args ...any) (int64, error) {
	tag, err := tx.Exec(ctx, statement, args...)
	return tag.RowsAffected(), err
}

func inSQLite(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// printBoard shows the dashboard.
func printBoard(ctx context.Context, out io.Writer, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT name, here, delivered FROM depots ORDER BY name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	fmt.Fprintf(out, "  %-10s %5s %10s\n", "depot", "here", "delivered")
	for rows.Next() {
		var name string
		var here, delivered int
		if err := rows.Scan(&name, &here, &delivered); err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-10s %5d %10d\n", name, here, delivered)
	}
	return rows.Err()
}
