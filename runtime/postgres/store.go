// Package postgres keeps ironflow's workflows in PostgreSQL 14 or later, through pgx.
//
//	pool, err := pgxpool.New(ctx, url)
//	err = postgres.Migrate(ctx, pool)        // once per release, for example at start-up
//	store, err := postgres.New(ctx, pool)
//
// A unit of work takes one round trip to begin and two to commit, however many instances it covers. Nothing depends on a
// session outside a transaction, so PgBouncer's transaction mode works (one that does not support prepared statements
// needs default_query_exec_mode=exec in the connection string).
package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Store implements runtime.Store.
type Store struct {
	pool    *pgxpool.Pool
	queries *queries
	effects *queue
	timers  *queue
}

var _ runtime.Store = (*Store)(nil)

// New returns the store in a schema that Migrate has prepared; otherwise it fails with *SchemaVersionError. The pool stays
// the caller's: the store never closes it.
func New(ctx context.Context, pool *pgxpool.Pool, options ...Option) (*Store, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(ctx, pool, config.schema); err != nil {
		return nil, err
	}
	queries := newQueries(config.schema)
	return &Store{
		pool:    pool,
		queries: queries,
		effects: newEffectQueue(pool, queries),
		timers:  newTimerQueue(pool, queries),
	}, nil
}

// Effects implements runtime.Store.
func (s *Store) Effects() runtime.Queue { return s.effects }

// Timers implements runtime.Store.
func (s *Store) Timers() runtime.Queue { return s.timers }

// Load implements runtime.Store. A single statement reads all of it, and so from one snapshot.
func (s *Store) Load(ctx context.Context, key runtime.InstanceKey) (runtime.Instance, error) {
	var instances []runtime.Instance
	err := transact(ctx, s.pool, func(batch *pgx.Batch) {
		instances = []runtime.Instance{{Key: key}}
		batch.Queue(s.queries.readInstances, []string{key.ID}, []string{key.Workflow}, true).Query(func(rows pgx.Rows) error {
			return collectInstances(rows, instances, func(int) bool { return true })
		})
	})
	if err != nil {
		return runtime.Instance{}, wrap(err, "load %s", key)
	}
	return instances[0], nil
}

// collectInstances fills instances from the rows of readInstances. Active instances for which wanted says no are left as
// they are.
func collectInstances(rows pgx.Rows, instances []runtime.Instance, wanted func(index int) bool) error {
	var (
		number, version int64
		completed       bool
		event           runtime.StoredEvent
	)
	// ForEachRow closes the rows on every path.
	_, err := pgx.ForEachRow(rows, []any{
		&number, &version, &completed,
		&event.Version, &event.GlobalSequence, &event.Type, &event.SchemaVersion, &event.Payload, &event.RecordedAt,
	}, func() error {
		index := int(number - 1)
		if !completed && !wanted(index) {
			return nil
		}
		instance := &instances[index]
		instance.Version, instance.Completed = version, completed
		if event.Version > 0 {
			event.Instance = instance.Key
			event.RecordedAt = event.RecordedAt.UTC()
			instance.Events = append(instance.Events, event)
			event.Payload = nil // the next row gets memory of its own
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range instances {
		if err := checkHistory(&instances[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkHistory compares the events with the row that was locked. They differ only when somebody wrote to the tables by
// hand; to decide on such a state would make it worse.
func checkHistory(instance *runtime.Instance) error {
	if instance.Completed && len(instance.Events) == 0 {
		return nil // left out
	}
	var last int64
	if n := len(instance.Events); n > 0 {
		last = instance.Events[n-1].Version
	}
	if last != instance.Version || int64(len(instance.Events)) != instance.Version {
		return fmt.Errorf("the history of %s is damaged: the instance is at version %d, but has %d events, the last of version %d",
			instance.Key, instance.Version, len(instance.Events), last)
	}
	return nil
}
