// Package postgres stores ironflow's workflows in PostgreSQL 14 or later, with pgx.
//
//	pool, err := pgxpool.New(ctx, url)
//	err = postgres.Migrate(ctx, pool)        // once per release, for example at start-up
//	store, err := postgres.New(ctx, pool)
//
// Each call takes one round trip for any number of instances. The statements of a call are one transaction, which fails as a whole if one
// of its conditions is not met. A unit of work takes one round trip to begin and one to commit. Nothing depends on a session outside a
// transaction, so PgBouncer's transaction mode works. A PgBouncer that does not support prepared statements needs
// default_query_exec_mode=exec in the connection string. Only Listen needs a connection to the server itself, see WithListenURL.
package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Store is a store.Store with every ability.
type Store struct {
	pool    *connections
	queries *queries
	effects *queue
	timers  *queue
	horizon *horizon // of the feed
	reader  *reader  // of WithReader; nil for none
	schema  string
	channel string          // of notifications
	listen  *pgx.ConnConfig // of Listen; nil for the pool's

	readOnly bool        // as declared by ReadOnly
	isolates atomic.Bool // transactions that do not say so are not READ COMMITTED
}

var _ interface {
	store.Store
	store.InputLog
	store.Schedules
	store.Snapshots
	store.Inspection
	store.Causes
	store.DeadLetters
	store.Pauses
	store.AuditLog
	store.Forgetting
	store.Cells
	store.Limits
	store.Feed
	store.Transfer
	store.Projections
	store.ProjectionStore[pgx.Tx]
	store.Notifier
	store.Timekeeper
	store.SnapshotHolders
	store.Replicas
	store.ReadOnlyStore
} = (*Store)(nil)

// New returns the store in a schema that Migrate has prepared; otherwise it fails with *SchemaVersionError. If the server cannot
// be reached, or accepts no writes because it is a standby, it fails with *runtime.Unavailable; see ReadOnly. If the sequence
// that numbers events is behind the stored events, it fails with *runtime.SequenceBehind, which has the statement that corrects
// it. If the server is no PostgreSQL, or stores the tables in another way, it fails with *UnsupportedServerError; see Assume. The store
// never closes the pool.
func New(ctx context.Context, pool *pgxpool.Pool, options ...Option) (*Store, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	queries, connections := newQueries(config.schema), newConnections(pool)
	if err := checkSchema(ctx, connections, config); err != nil {
		return nil, err
	}
	if !config.readOnly {
		if err := connections.checkRole(ctx); err != nil {
			return nil, fmt.Errorf("postgres: open schema %q: %w; connect to the primary, for example by several hosts and "+
				"target_session_attrs=read-write in the connection string, or declare by postgres.ReadOnly that nothing is to be written",
				config.schema, err)
		}
	}
	repair := setSequence(config.schema, inSchema(config.schema, "(SELECT max(global_sequence) FROM ironflow.events)"))
	if err := checkSequence(ctx, connections, queries, repair); err != nil {
		return nil, err
	}
	store := &Store{
		pool:    connections,
		queries: queries,
		effects: newEffectQueue(connections, queries),
		timers:  newTimerQueue(connections, queries),
		horizon: newHorizon(connections, queries, repair),
		schema:  config.schema,
		channel: config.schema, // the only name that fits for a schema with a name of any length

		readOnly: config.readOnly,
	}
	if config.reader != nil {
		store.horizon.read = true
		if store.reader, err = openReader(ctx, config, connections, store.horizon); err != nil {
			return nil, err
		}
	}
	if config.listenURL != "" {
		if store.listen, err = pgx.ParseConfig(config.listenURL); err != nil {
			return nil, fmt.Errorf("postgres: the connection string of WithListenURL: %w", err)
		}
	}
	return store, nil
}

// ReadOnly implements store.ReadOnlyStore.
func (s *Store) ReadOnly() bool { return s.readOnly }

// Time implements store.Timekeeper.
func (s *Store) Time(ctx context.Context) (now time.Time, err error) {
	err = s.pool.send(ctx, func(batch *pgx.Batch) {
		batch.Queue(serverTime).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	})
	if err != nil {
		return time.Time{}, wrap(err, "ask for the time")
	}
	return now.UTC(), nil
}

// Effects implements store.Store.
func (s *Store) Effects() store.Queue { return s.effects }

// Timers implements store.Store.
func (s *Store) Timers() store.Queue { return s.timers }

func (s *Store) queue(name store.QueueName) (*queue, error) {
	switch name {
	case store.EffectQueue:
		return s.effects, nil
	case store.TimerQueue:
		return s.timers, nil
	}
	return nil, fmt.Errorf("postgres: unknown queue %q", name)
}

// describe names some instances of many.
func describe(keys []store.InstanceKey) string {
	switch len(keys) {
	case 0:
		return "no instance"
	case 1:
		return keys[0].String()
	default:
		return fmt.Sprintf("%s and %d more", keys[0], len(keys)-1)
	}
}
