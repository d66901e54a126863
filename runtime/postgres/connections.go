package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// connections are the caller's pool. Every call of the store gets its connection here, so that a connection whose server
// cannot write any more is closed and not given back: the pool would lend it again and again, for as long as an hour.
type connections struct {
	pool *pgxpool.Pool
	lean bool // they may take columns

	mu         sync.Mutex
	closed     chan struct{} // closed, and replaced, when a connection was
	server     string        // that the pool was known to lead to last, see serverRun
	waiting    map[*wait]struct{}
	stopAsking func() // nil while nobody asks whether the server was replaced
}

// newConnections looks at the protocol mode. Columns need one in which pgx asks the server for the types of parameters;
// otherwise it goes by their types in Go, and that of a column tells it nothing.
func newConnections(pool *pgxpool.Pool) *connections {
	lean := false
	switch pool.Config().ConnConfig.DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec:
		lean = true
	}
	return &connections{pool: pool, lean: lean, closed: make(chan struct{}), waiting: make(map[*wait]struct{})}
}

// run calls use with a connection. When the server refuses to write, the connection may be from a time when the server was
// another one, or had other settings. So the next one is tried, until all that were in the pool have been refused and closed.
func (c *connections) run(ctx context.Context, use func(*lent) error) error {
	for more := c.pool.Stat().TotalConns(); ; more-- {
		conn, err := c.acquire(ctx)
		if err != nil {
			return err
		}
		err = conn.lend(ctx, use)
		if !conn.refused || more <= 0 || ctx.Err() != nil {
			return err
		}
	}
}

// send sends the statements that fill queues. They are one transaction unless they have a BEGIN. fill may be called again.
func (c *connections) send(ctx context.Context, fill func(*pgx.Batch)) error {
	return c.run(ctx, func(conn *lent) error {
		var batch pgx.Batch
		fill(&batch)
		return conn.send(ctx, &batch)
	})
}

// checkRole fails with *runtime.Unavailable when the server takes no writes.
func (c *connections) checkRole(ctx context.Context) error {
	return c.run(ctx, func(conn *lent) error {
		var standby, readOnly bool
		if err := conn.QueryRow(ctx, serverRole).Scan(&standby, &readOnly); err != nil {
			return conn.note(err)
		}
		if standby || readOnly {
			return conn.note(errReadOnly)
		}
		return nil
	})
}

func (c *connections) acquire(ctx context.Context) (*lent, error) {
	attempt, cancel := context.WithCancel(ctx)
	defer cancel()
	done := c.waits(cancel) // the pool may try a connection that it has not used for a while
	conn, err := c.pool.Acquire(attempt)
	if ended := done(); err != nil && ended && ctx.Err() == nil {
		return c.acquire(ctx)
	}
	if err != nil {
		var connect *pgconn.ConnectError
		if errors.As(err, &connect) {
			return nil, &store.Unavailable{Reason: "no connection to the database", Err: err}
		}
		return nil, err
	}
	l := &lent{Conn: conn, pool: c}
	l.done = c.waits(func() { conn.Conn().PgConn().Conn().Close() })
	if c.lean {
		l.buffers = buffersOf(conn.Conn())
	}
	return l, nil
}

// someClosed returns a channel that is closed when the next connection is closed before its time.
func (c *connections) someClosed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *connections) noteClosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.closed)
	c.closed = make(chan struct{})
}

// lent is a connection of the pool. Whoever has it calls giveBack once, or lend does.
type lent struct {
	*pgxpool.Conn
	pool    *connections
	done    func() (ended bool) // see waits
	buffers *buffers            // nil when it takes no columns

	kept    bool // by the user of lend, who gives it back
	unfit   bool // it must not go back to the pool
	refused bool // unfit because the server refused a statement, whose transaction is rolled back for sure
}

// lend calls use and gives the connection back, also after a panic.
func (l *lent) lend(ctx context.Context, use func(*lent) error) error {
	defer func() {
		if !l.kept {
			l.giveBack(ctx)
		}
	}()
	return use(l)
}

func (l *lent) send(ctx context.Context, batch *pgx.Batch) error {
	return l.note(l.SendBatch(ctx, batch).Close())
}

// note looks at what a call on the connection returned. An error after which the connection is of no use becomes
// *runtime.Unavailable.
func (l *lent) note(err error) error {
	if err == nil {
		return nil
	}
	var server *pgconn.PgError
	if errors.As(err, &server) && whyUnavailable(server) != "" {
		l.unfit = true
		l.refused = refuses(server)
		return unavailable(err)
	}
	return broken(l.Conn.Conn(), err)
}

// broken turns the error of a connection that broke into *runtime.Unavailable.
func broken(conn *pgx.Conn, err error) error {
	var known *store.Unavailable
	if err == nil || !conn.IsClosed() || errors.As(err, &known) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &store.Unavailable{Reason: "the connection to the database broke", Err: err}
}

// giveBack rolls back what was begun on the connection and gives it back to the pool, unless it is closed. A closed one leaves the
// pool at once: pgx says goodbye to its server in the background, for which it gives a silent server 15 s, and the pool would
// count the connection for as long.
func (l *lent) giveBack(ctx context.Context) error {
	l.done()
	conn := l.Conn.Conn()
	defer func() {
		if conn.IsClosed() {
			l.Hijack()
		} else {
			l.Release()
		}
	}()
	if !conn.IsClosed() && !l.unfit && conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	var err error
	switch {
	case conn.IsClosed():
	case l.unfit:
		conn.Close(ctx)
	default:
		_, err = conn.Exec(ctx, "ROLLBACK")
	}
	if conn.IsClosed() {
		l.pool.noteClosed()
	}
	return err
}

// rollbackTimeout bounds a rollback, which does not end with the caller's context. A connection that cannot even roll
// back in that time is given up, and the server rolls back.
const rollbackTimeout = 5 * time.Second
