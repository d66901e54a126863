package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// commitTimeout bounds the wait for the answer to a batch with COMMIT, which a synchronous standby may hold up.
var commitTimeout = 30 * time.Second

// commit sends the statements in one round trip: after a statement that fails, the server skips the rest. COMMIT is the last of them, or
// they are an implicit transaction, which the server commits at their end. On success the connection is out of the transaction.
//
// Once they are sent, ctx no longer counts: whoever gave up then would not know whether the changes are stored.
func (b *changeBatch) commit(ctx context.Context, conn *lent) error {
	if err := ctx.Err(); err != nil {
		return wrap(err, "commit %s", b.describe())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()

	defer uncancelled(conn.Conn.Conn().PgConn())()
	results := conn.SendBatch(ctx, &b.Batch)
	var tag pgconn.CommandTag
	var err error
	for range b.Len() {
		if tag, err = results.Exec(); err != nil {
			break
		}
	}
	committed := err == nil && !b.implicit && tag.String() == commit
	if b.expected(err) {
		// pgx forgets the prepared statements of a batch that failed, because one of them may be the reason, and prepares
		// them anew. Here none is. What it does not find in the batch it keeps.
		b.QueuedQueries = nil
	}
	// COMMIT was executed when it was answered, whatever happens to the end of the answer. An implicit transaction is committed after the
	// answers to its statements: the end must come, too.
	if closeErr := results.Close(); err == nil && !committed {
		err = closeErr
		committed = err == nil && b.implicit
	}
	if committed {
		return nil
	}
	conn.note(err)
	return b.failure(err, tag)
}

// uncancelled keeps a connection from cancelling what it is waiting for, until the returned function is called. A server that commits
// waits for its synchronous standbys, and a cancel request ends that wait: the transaction is then committed on this server and
// perhaps on no other, for all to see, and the next failover loses it. pgx sends such a request on its own when a connection breaks or
// a context ends, and has no setting against it for one connection. The request must have the connection's secret key to be obeyed.
func uncancelled(conn *pgconn.PgConn) (again func()) {
	key := conn.SecretKey() // the one that conn uses, not a copy
	kept := slices.Clone(key)
	clear(key)
	return func() {
		if conn.IsClosed() {
			conn.Conn().Close() // pgx would wait for the server to do so, which is busy, and the pool for pgx
			return
		}
		copy(key, kept)
	}
}

// expected reports whether an error is part of normal life.
func (b *changeBatch) expected(err error) bool {
	return hasCode(err, refusedConflict, refusedUniqueKey, refusedLease, refusedInputID, refusedPause, refusedIsolation, refusedList) || lostRace(err)
}

// failure says what became of a batch that was not answered as it should be.
func (b *changeBatch) failure(err error, tag pgconn.CommandTag) error {
	var server *pgconn.PgError
	var unsent pgx.ErrPreprocessingBatch
	switch {
	case err == nil:
		// PostgreSQL answers COMMIT of a failed transaction with ROLLBACK. An error would have come first, so this is not
		// expected; but nothing is stored.
		return fmt.Errorf("postgres: commit %s: the server answered %s", b.describe(), tag)
	case errors.As(err, &server) && wasRolledBack(server):
		return b.refusal(server)
	case errors.As(err, &unsent):
		return wrap(err, "commit %s", b.describe())
	default:
		return fmt.Errorf("postgres: commit %s: %w: %w", b.describe(), store.ErrOutcomeUnknown, err)
	}
}

// refusal turns an error of the server into the one of the contract.
func (b *changeBatch) refusal(err *pgconn.PgError) error {
	first, second, _ := strings.Cut(err.Detail, " ")
	switch err.Code {
	case refusedConflict, refusedInputID:
		return fmt.Errorf("postgres: commit %s: %w (%w)", b.describe(), store.ErrConflict, err)
	case refusedList:
		generation, _ := strconv.ParseInt(err.Detail, 10, 64)
		for _, change := range b.changes {
			if change.Version == 0 {
				return &store.Elsewhere{Instance: change.Instance, Generation: generation}
			}
		}
	case refusedPause:
		return &store.PausedLease{Workflow: err.Detail}
	case refusedUniqueKey:
		number, _ := strconv.Atoi(first)
		if number < 1 || number > len(b.keys) {
			break
		}
		instance, key := b.keyColumns.at(number-1), b.keys[number-1]
		if second == "" { // freed between the two statements
			return fmt.Errorf("postgres: commit %s: its unique key was just freed: %w", instance, store.ErrConflict)
		}
		return &store.UniqueKeyConflict{Instance: instance, Key: key, Holder: second}
	case refusedLease:
		leases := b.consumed[store.QueueName(first)]
		if first == "" {
			leases = b.settled
		}
		number, _ := strconv.Atoi(second)
		if number < 1 || number > len(leases) {
			break
		}
		return &store.LeaseLost{Lease: leases[number-1]}
	}
	return wrap(err, "commit %s", b.describe())
}
