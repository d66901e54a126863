package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// attempts is how often transact runs a transaction before the server's wish to run it again is the caller's.
const attempts = 5

// transact runs the statements that fill queues as one transaction, in one round trip: the statements of a batch are one,
// as long as none of them is BEGIN. It runs the transaction again, and so fill, while the server asks for it; between
// attempts it waits a random time, so that two that ran into each other part.
func transact(ctx context.Context, pool *connections, fill func(batch *pgx.Batch)) error {
	for attempt := 1; ; attempt++ {
		var batch pgx.Batch
		batch.Queue(useIndexes)
		fill(&batch)
		pool.suit(&batch)
		err := pool.SendBatch(ctx, &batch).Close()
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
