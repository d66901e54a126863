package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// reader is the pool of WithReader, whose servers are standbys of the store's server.
//
// A standby has everything up to a place in the log of its primary. The horizon notes the end of the log each time that more of the feed is
// settled: a standby that has applied the log up to there has all events up to the settled number, and nothing will come before them.
// The place says nothing across a failover: a standby that received more than the one that was promoted is at a later place, in another
// history. So the standby must have followed to the timeline of the primary.
type reader struct {
	pool    *connections
	horizon *horizon
	cluster string // that the store is on; empty while it is not known

	mu      sync.Mutex
	reached sight // how far the feed could be read last
}

// standby is what a server of the reader says.
type standby struct {
	cluster  string
	server   string // see serverRun; empty for a standby
	timeline int64  // the newest that it has followed to for certain; 0 while it cannot say
	applied  int64  // the place in the log
	at       *time.Time
}

// clusterName tells clusters, and databases in them, apart. All standbys of a server have the same.
const clusterName = `
SELECT (SELECT system_identifier FROM pg_control_system()) || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())`

// readStandby asks for the timeline in three ways. That of the receiver is known at once, but only to members of pg_read_all_stats.
// The others come with the next checkpoint.
const readStandby = `
SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE (` + serverRun + `) END,
       greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                (SELECT received_tli FROM pg_stat_wal_receiver))::bigint,
       coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint, pg_last_xact_replay_timestamp()`

// logEnd is the end of the log that a primary has written.
const logEnd = `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`

// openReader fails if the servers of the pool are not standbys of the store's server. If they cannot be reached, calls wait until they can.
func openReader(ctx context.Context, config config, primary *connections, horizon *horizon) (*reader, error) {
	r := &reader{pool: newConnections(config.reader), horizon: horizon}
	err := primary.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(clusterName).QueryRow(func(row pgx.Row) error { return row.Scan(&r.cluster) })
	})
	if err != nil {
		return nil, wrap(err, "identify the database cluster")
	}
	if _, err := horizon.find(ctx); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, readerPatience)
	defer cancel()
	err = r.use(short, func(*lent, standby) error { return nil })
	if wrong := (*wrongReader)(nil); errors.As(err, &wrong) && wrong.lasting {
		return nil, fmt.Errorf("postgres: the reader of WithReader: %s", wrong.why)
	}
	return r, nil
}

// readerPatience is how long a call waits for the reader that can do without it.
const readerPatience = 2 * time.Second

// wrongReader says why a server of the reader cannot be read from.
type wrongReader struct {
	why     string
	lasting bool // another connection may lead to another server, but this one stays as it is
}

func (e *wrongReader) Error() string { return e.why }

// use calls with a connection whose server may be read from.
func (r *reader) use(ctx context.Context, use func(*lent, standby) error) error {
	return r.pool.run(ctx, func(conn *lent) error {
		var at standby
		var batch pgx.Batch
		batch.Queue(clusterName).QueryRow(func(row pgx.Row) error { return row.Scan(&at.cluster) })
		batch.Queue(readStandby).QueryRow(func(row pgx.Row) error { return row.Scan(&at.server, &at.timeline, &at.applied, &at.at) })
		if err := conn.send(ctx, &batch); err != nil {
			return err
		}
		if wrong := r.judge(&at, r.horizon.settled().server); wrong != nil {
			conn.unfit, conn.refused = wrong.lasting, wrong.lasting
			return &store.Unavailable{Reason: "the read replica cannot be used", Err: wrong}
		}
		return use(conn, at)
	})
}

// judge says why a server cannot be read from while the store's server is the given one. The store's own server can.
func (r *reader) judge(at *standby, primary string) *wrongReader {
	first, _, _ := strings.Cut(primary, " ")
	timeline, _ := strconv.ParseInt(first, 16, 64)
	switch {
	case at.cluster != r.cluster:
		return &wrongReader{"it is of another cluster, or its connection string names another database", true}
	case at.server != "" && at.server == primary:
		at.applied = math.MaxInt64
	case at.server != "":
		return &wrongReader{"it was promoted: it does not follow the store's server any more", true}
	case at.timeline < timeline:
		return &wrongReader{fmt.Sprintf("it has not followed the last failover: the store's server is on timeline %d, the replica is known to be on %d; "+
			"a user with pg_read_all_stats sees this at once, others after the next checkpoint", timeline, at.timeline), false}
	}
	return nil
}

// send is connections.send, by a server that may be read from.
func (r *reader) send(ctx context.Context, fill func(*pgx.Batch)) error {
	return r.use(ctx, func(conn *lent, _ standby) error {
		var batch pgx.Batch
		fill(&batch)
		return conn.send(ctx, &batch)
	})
}

// limit returns a sight of the feed as far as the reader has it. While the reader cannot be used, that is as far as it was last.
func (r *reader) limit(ctx context.Context, found sight) sight {
	short, cancel := context.WithTimeout(ctx, readerPatience)
	defer cancel()
	reached := store.FeedPosition(0)
	err := r.use(short, func(_ *lent, at standby) error {
		reached = r.reach(found, at)
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.reached = sight{FeedHorizon: store.FeedHorizon{Settled: reached}, server: found.server}
	} else if r.reached.server == found.server {
		reached = r.reached.Settled
	}
	found.Settled = min(found.Settled, reached)
	return found
}

// reach returns how far a standby has the feed. A standby on a later timeline than the store knows of has another history from some
// place on.
func (r *reader) reach(found sight, at standby) store.FeedPosition {
	if at.server == "" && fmt.Sprintf("%08X", at.timeline) != strings.ToUpper(found.server[:min(8, len(found.server))]) {
		return 0
	}
	return min(found.Settled, r.horizon.settledAt(at.applied))
}

// readFeedBehind is EventsSince with a reader.
func (s *Store) readFeedBehind(ctx context.Context, after store.FeedPosition, limit int, filters []store.EventFilter) (page store.FeedPage, err error) {
	horizon, err := s.horizon.find(ctx)
	if err != nil {
		return store.FeedPage{}, err
	}
	if err := s.checkPosition(after, horizon); err != nil {
		return store.FeedPage{}, err
	}
	err = s.reader.use(ctx, func(conn *lent, at standby) error {
		known := horizon
		known.Settled = s.reader.reach(horizon, at)
		page, err = s.readFeed(ctx, onConn{conn}, after, known, limit, filters)
		return err
	})
	if err != nil {
		return store.FeedPage{}, wrap(err, "read the feed from the replica after position %d", after)
	}
	return page, nil
}

// onConn sends by one connection.
type onConn struct{ *lent }

func (c onConn) send(ctx context.Context, fill func(*pgx.Batch)) error {
	var batch pgx.Batch
	fill(&batch)
	return c.lent.send(ctx, &batch)
}

// ReplicaStatus implements store.Replicas.
func (s *Store) ReplicaStatus(ctx context.Context) (*store.ReplicaStatus, error) {
	if s.reader == nil {
		return nil, nil
	}
	var now time.Time
	var end int64
	err := s.pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(serverTime).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
		batch.Queue(logEnd).QueryRow(func(row pgx.Row) error { return row.Scan(&end) })
	})
	if err != nil {
		return nil, wrap(err, "compare the replica with the database")
	}
	short, cancel := context.WithTimeout(ctx, readerPatience)
	defer cancel()
	status := &store.ReplicaStatus{}
	err = s.reader.use(short, func(_ *lent, at standby) error {
		status.Bytes = max(end-at.applied, 0)
		if status.Bytes > 0 && at.at != nil {
			status.Lag = max(now.Sub(*at.at), 0)
		}
		return nil
	})
	if err != nil {
		status.Problem = err.Error()
		if wrong := (*wrongReader)(nil); errors.As(err, &wrong) {
			status.Problem = wrong.why
		}
	}
	return status, nil
}

// reads is where a query goes that may be behind if its context allows that.
func (s *Store) reads(ctx context.Context) sender {
	if s.reader != nil && store.LagAllowed(ctx) {
		return s.reader
	}
	return s.pool
}
