package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// attempts is how often transact runs a transaction before the server's wish to run it again is the caller's.
const attempts = 5

// sender sends the statements that fill queues. They are one transaction unless they have a BEGIN. fill may be called again.
type sender interface {
	send(ctx context.Context, fill func(*pgx.Batch)) error
}

// transact runs the statements that fill queues as one transaction, in one round trip: the statements of a batch are one,
// as long as none of them is BEGIN. It runs the transaction again, and so fill, while the server asks for it; between
// attempts it waits a random time, so that two that ran into each other part.
func transact(ctx context.Context, pool sender, fill func(batch *pgx.Batch)) error {
	for attempt := 1; ; attempt++ {
		err := pool.send(ctx, func(batch *pgx.Batch) {
			batch.Queue(useIndexes)
			fill(batch)
		})
		if err == nil || attempt == attempts || !askedToRetry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(attempt) * 10 * time.Millisecond)):
		}
	}
}

// readRows runs a query by transact.
func readRows[T any](
	ctx context.Context, pool sender, scan pgx.RowToFunc[T], sql string, args ...any,
) (found []T, err error) {
	err = transact(ctx, pool, func(batch *pgx.Batch) { queueRows(batch, &found, scan, sql, args) })
	return found, err
}

// readRowsInOrder is readRows for a query that walks along an index, see readInOrder.
func readRowsInOrder[T any](
	ctx context.Context, pool sender, scan pgx.RowToFunc[T], sql string, args ...any,
) (found []T, err error) {
	err = transact(ctx, pool, func(batch *pgx.Batch) {
		batch.Queue(readInOrder)
		queueRows(batch, &found, scan, sql, args)
	})
	return found, err
}

func queueRows[T any](batch *pgx.Batch, found *[]T, scan pgx.RowToFunc[T], sql string, args []any) {
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*found, err = pgx.CollectRows(rows, scan)
		return err
	})
}

// queryRows runs a query that is left to the planner, once.
func queryRows[T any](ctx context.Context, pool sender, scan pgx.RowToFunc[T], sql string, args ...any) (found []T, err error) {
	err = pool.send(ctx, func(batch *pgx.Batch) { queueRows(batch, &found, scan, sql, args) })
	return found, err
}
