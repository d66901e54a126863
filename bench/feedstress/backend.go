package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// backend is a store with what the stress asks for beside it.
type backend interface {
	store() runtime.Store

	// keepOpen stores changes in a transaction that stays open for a time after that, and then commits or rolls back.
	keepOpen(ctx context.Context, requests []store.ReadRequest, changes func([]store.Instance) []store.Change,
		open time.Duration, commit bool) error

	// readers makes the readers. One of them begins late, when late says so.
	readers(late func() bool) ([]*reader, error)

	// stored is how many events each instance has.
	stored(ctx context.Context) (map[runtime.InstanceKey]int64, error)

	close()
}

const (
	countEvents = `SELECT instance, count(*) FROM %s WHERE workflow = 'stream' GROUP BY instance`
	tableOfMine = `CREATE TABLE projected (n %s PRIMARY KEY, instance text NOT NULL, version bigint NOT NULL)`
	projected   = `SELECT instance, version FROM projected ORDER BY n`
)

// projecting is a reader that looks at what a projection has written, by engines that take turns.
func projecting(engines []*runtime.Engine, rows func(ctx context.Context, add func(id string, version int64)) error) *reader {
	r := &reader{name: "projection", ours: true, checker: newChecker()}
	r.follow = func(ctx context.Context, ended <-chan struct{}) error {
		err := takeTurns(ctx, ended, engines)
		if err != nil {
			return err
		}
		return rows(context.WithoutCancel(ctx), func(id string, version int64) {
			r.see(runtime.InstanceKey{Workflow: workflow, ID: id}, version)
		})
	}
	return r
}

// takeTurns runs one engine after the other, so that the projection is handed over, until the projection has caught up with
// all that was written by then.
func takeTurns(ctx context.Context, ended <-chan struct{}, engines []*runtime.Engine) error {
	const turn = 500 * time.Millisecond
	for i := 0; ; i++ {
		engine, last := engines[i%len(engines)], false
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		stopped := make(chan error, 1)
		go func() { stopped <- engine.Run(running) }()
		var err error
		select {
		case <-time.After(turn):
		case <-ended:
			awaiting, cancel := context.WithTimeout(ctx, 5*time.Minute)
			err = engine.AwaitProjection(awaiting, projectionName)
			cancel()
			last = true
		}
		stop()
		if err = errors.Join(err, <-stopped); err != nil || last {
			return err
		}
	}
}

const projectionName = "stress"

func engineConfig(projection runtime.AnyProjection) runtime.Config {
	return runtime.Config{
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Projections: []runtime.AnyProjection{projection},
	}
}

type pgBackend struct {
	server *pgserver.Server
	pool   *pgxpool.Pool
	main   *postgres.Store
}

func openPostgres(ctx context.Context) (_ backend, err error) {
	b := &pgBackend{}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.server, err = pgserver.Start(ctx, pgserver.Options{Durable: true}); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(b.server.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns = 64 // each writer may have a transaction open, and each reader wants one in between
	if b.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if err = postgres.Migrate(ctx, b.pool); err != nil {
		return nil, err
	}
	if _, err = b.pool.Exec(ctx, fmt.Sprintf(tableOfMine, "bigint GENERATED ALWAYS AS IDENTITY")); err != nil {
		return nil, err
	}
	b.main, err = postgres.New(ctx, b.pool)
	return b, err
}

func (b *pgBackend) store() runtime.Store { return b.main }

func (b *pgBackend) close() {
	if b.pool != nil {
		b.pool.Close()
	}
	if b.server != nil {
		if err := b.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "feedstress:", err)
		}
	}
}

// keepOpen is the transaction of a caller who takes inputs in within it.
func (b *pgBackend) keepOpen(
	ctx context.Context, requests []store.ReadRequest, changes func([]store.Instance) []store.Change, open time.Duration, commit bool,
) error {
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	unit, err := b.main.Tx(tx).Begin(ctx, requests)
	if err != nil {
		return err
	}
	if err := unit.Commit(ctx, commitID(), changes(unit.Instances())); err != nil {
		return err
	}
	time.Sleep(open)
	if !commit {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

func (b *pgBackend) readers(late func() bool) ([]*reader, error) {
	ctx := context.Background()
	var engines []*runtime.Engine
	for range 2 {
		store, err := postgres.New(ctx, b.pool) // each has its own idea of the horizon, as processes have
		if err != nil {
			return nil, err
		}
		engine, err := runtime.NewEngine(store, engineConfig(runtime.Projection[pgx.Tx]{Name: projectionName, ApplyBatch: projectPg}))
		if err != nil {
			return nil, err
		}
		engines = append(engines, engine)
	}
	other, err := postgres.New(ctx, b.pool)
	if err != nil {
		return nil, err
	}
	const events = `SELECT instance, version, global_sequence FROM ironflow.events WHERE global_sequence > $1 `
	const inOrder = ` ORDER BY global_sequence LIMIT 1000`
	return []*reader{
		subscription("subscription", engines[0]),
		pages("pages of 1000", b.main, 1000, nil),
		pages("pages of 1000, another process", other, 1000, nil),
		pages("pages of 7", b.main, 7, nil),
		pages("one type of events", b.main, 100, nil, runtime.EventFilter{Workflow: workflow, Types: []string{oddEvent}}),
		pages("from half-way on", other, 500, late),
		projecting(engines, b.rows),
		visible("above the last number", b.query(events+inOrder)),
		visible("below the oldest transaction, too",
			b.query(events+`AND age(xmin) > age(xid(pg_snapshot_xmin(pg_current_snapshot())))`+inOrder)),
	}, nil
}

func (b *pgBackend) query(query string) func(ctx context.Context, after int64) ([]runtime.StoredEvent, error) {
	return func(ctx context.Context, after int64) ([]runtime.StoredEvent, error) {
		rows, err := b.pool.Query(ctx, query, after)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e runtime.StoredEvent, err error) {
			e.Instance.Workflow = workflow
			err = row.Scan(&e.Instance.ID, &e.Version, &e.GlobalSequence)
			return e, err
		})
	}
}

func projectPg(ctx context.Context, tx pgx.Tx, events []runtime.StoredEvent) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.Instance.ID, e.Version}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"projected"}, []string{"instance", "version"}, pgx.CopyFromRows(rows))
	return err
}

func (b *pgBackend) rows(ctx context.Context, add func(id string, version int64)) error {
	rows, err := b.pool.Query(ctx, projected)
	if err != nil {
		return err
	}
	var id string
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		add(id, version)
		return nil
	})
	return err
}

func (b *pgBackend) stored(ctx context.Context) (map[runtime.InstanceKey]int64, error) {
	rows, err := b.pool.Query(ctx, fmt.Sprintf(countEvents, "ironflow.events"))
	if err != nil {
		return nil, err
	}
	stored := map[runtime.InstanceKey]int64{}
	var id string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		stored[runtime.InstanceKey{Workflow: workflow, ID: id}] = n
		return nil
	})
	return stored, err
}

type sqliteBackend struct {
	dir  string
	main *sqlite.Store
}

func openSQLite(ctx context.Context) (backend, error) {
	dir, err := os.MkdirTemp("", "ironflow-feedstress-")
	if err != nil {
		return nil, err
	}
	b := &sqliteBackend{dir: dir}
	if b.main, err = sqlite.Open(ctx, filepath.Join(dir, "stress.db")); err == nil {
		_, err = b.main.DB().ExecContext(ctx, fmt.Sprintf(tableOfMine, "integer"))
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *sqliteBackend) store() runtime.Store { return b.main }

func (b *sqliteBackend) close() {
	if b.main != nil {
		b.main.Close()
	}
	os.RemoveAll(b.dir)
}

// keepOpen is a unit of work that takes its time; SQLite numbers its events when it is committed.
func (b *sqliteBackend) keepOpen(
	ctx context.Context, requests []store.ReadRequest, changes func([]store.Instance) []store.Change, open time.Duration, commit bool,
) error {
	unit, err := b.main.Begin(ctx, requests)
	if err != nil {
		return err
	}
	defer unit.Rollback(context.WithoutCancel(ctx))
	time.Sleep(open)
	if !commit {
		return nil
	}
	return unit.Commit(ctx, commitID(), changes(unit.Instances()))
}

func (b *sqliteBackend) readers(late func() bool) ([]*reader, error) {
	var engines []*runtime.Engine
	for range 2 {
		engine, err := runtime.NewEngine(b.main, engineConfig(runtime.Projection[*sql.Tx]{Name: projectionName, Apply: projectSQLite}))
		if err != nil {
			return nil, err
		}
		engines = append(engines, engine)
	}
	return []*reader{
		subscription("subscription", engines[0]),
		pages("pages of 1000", b.main, 1000, nil),
		pages("pages of 7", b.main, 7, nil),
		pages("one type of events", b.main, 100, nil, runtime.EventFilter{Workflow: workflow, Types: []string{oddEvent}}),
		pages("from half-way on", b.main, 500, late),
		projecting(engines, b.rows),
	}, nil
}

func projectSQLite(ctx context.Context, tx *sql.Tx, e runtime.StoredEvent) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO projected (instance, version) VALUES (?, ?)`, e.Instance.ID, e.Version)
	return err
}

func (b *sqliteBackend) rows(ctx context.Context, add func(id string, version int64)) error {
	return b.each(ctx, projected, add)
}

func (b *sqliteBackend) stored(ctx context.Context) (map[runtime.InstanceKey]int64, error) {
	stored := map[runtime.InstanceKey]int64{}
	err := b.each(ctx, fmt.Sprintf(countEvents, "ironflow_events"), func(id string, n int64) {
		stored[runtime.InstanceKey{Workflow: workflow, ID: id}] = n
	})
	return stored, err
}

func (b *sqliteBackend) each(ctx context.Context, query string, add func(id string, n int64)) error {
	rows, err := b.main.DB().QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		add(id, n)
	}
	return rows.Err()
}
