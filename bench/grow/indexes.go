package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// index is an index of a table that is filled. An index that is made from rows that are there costs a tenth of one that grows with them.
type index struct {
	Table, Name, Definition string
	Constraint              string // that the index is for; empty for a plain index
}

// dropIndexes drops all indexes of the tables that are filled, and returns them.
func dropIndexes(ctx context.Context, pool *pgxpool.Pool) ([]index, error) {
	rows, _ := pool.Query(ctx, `
SELECT 'ironflow.' || t.relname, x.relname, pg_get_indexdef(x.oid), coalesce(pg_get_constraintdef(c.oid), '')
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint c ON c.conindid = x.oid AND c.contype = 'p'
WHERE i.indrelid IN ('ironflow.instances'::regclass, 'ironflow.events'::regclass, 'ironflow.timers'::regclass)
ORDER BY t.relname, x.relname`)
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return nil, err
	}
	for _, i := range indexes {
		sql := "DROP INDEX ironflow." + i.Name
		if i.Constraint != "" {
			sql = "ALTER TABLE " + i.Table + " DROP CONSTRAINT " + i.Name
		}
		if _, err := pool.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return indexes, nil
}

// makeIndexes makes the indexes again, two at a time.
func makeIndexes(ctx context.Context, pool *pgxpool.Pool, indexes []index, log io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan index)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for i := range next {
				began := time.Now()
				sql := i.Definition
				if i.Constraint != "" {
					sql = "ALTER TABLE " + i.Table + " ADD CONSTRAINT " + i.Name + " " + i.Constraint
				}
				if _, err := pool.Exec(ctx, "SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0; "+sql); err != nil {
					cancel(fmt.Errorf("%s: %w", sql, err))
				}
				fmt.Fprintf(log, "index %s in %v\n", i.Name, time.Since(began).Round(time.Second))
			}
		})
	}
	for _, i := range indexes {
		next <- i
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}
