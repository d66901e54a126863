package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/seed"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// serverSettings are those of a small server whose owner has read the first page of the manual's advice. Ours and all
// references run on the same one.
var serverSettings = map[string]string{
	"shared_buffers":       "1GB",
	"max_wal_size":         "4GB",
	"checkpoint_timeout":   "15min",
	"maintenance_work_mem": "256MB",
}

// poolSize is the number of connections that ours and the baseline have.
const poolSize = 10

// bench is what probes work with.
type bench struct {
	size    size
	server  *pgserver.Server
	admin   *pgxpool.Pool
	dir     string // for files
	schemas int
}

func start(ctx context.Context, size size) (_ *bench, err error) {
	b := &bench{size: size}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	if b.server, err = pgserver.Start(ctx, pgserver.Options{Durable: true, Settings: serverSettings}); err != nil {
		return nil, err
	}
	if b.admin, err = b.newPool(ctx, 2); err != nil {
		return nil, err
	}
	b.dir, err = os.MkdirTemp("", "ironflow-bench-")
	return b, err
}

func (b *bench) stop() {
	if b.admin != nil {
		b.admin.Close()
	}
	if b.server != nil {
		if err := b.server.Stop(); err != nil {
			slog.Error("the server did not stop", "error", err)
		}
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}

// describe says what it all runs on.
func (b *bench) describe(ctx context.Context) (string, error) {
	var version, fsync, synchronous, buffers string
	err := b.admin.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers')`).Scan(&version, &fsync, &synchronous, &buffers)
	text := fmt.Sprintf("%s; PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s",
		report.Platform(), version, fsync, synchronous, buffers)
	if load := report.LoadAverage(); load != "" {
		text += "; load average before " + load
	}
	return text, err
}

func (b *bench) newPool(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(b.server.URL())
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = connections, connections
	return pgxpool.NewWithConfig(ctx, config)
}

// exec runs statements that stand between semicolons.
func (b *bench) exec(ctx context.Context, sql string) error {
	_, err := b.admin.Exec(ctx, sql)
	return err
}

// rest lets the server do now what it would do in the middle of the measurement.
func (b *bench) rest(ctx context.Context, schema string) error {
	rows, err := b.admin.Query(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1`, schema)
	if err != nil {
		return err
	}
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := b.exec(ctx, "VACUUM (ANALYZE) "+strings.Join(tables, ", ")); err != nil {
		return err
	}
	return b.exec(ctx, "CHECKPOINT")
}

// tables is a store with tables of its own.
type tables struct {
	*bench
	schema string
	pool   *pgxpool.Pool
	store  *postgres.Store
}

// newTables makes a schema that nothing is in. The caller drops it.
func (b *bench) newTables(ctx context.Context) (_ *tables, err error) {
	b.schemas++
	t := &tables{bench: b, schema: fmt.Sprintf("bench_%d", b.schemas)}
	if t.pool, err = b.newPool(ctx, poolSize); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.drop()
		}
	}()
	if err := postgres.Migrate(ctx, t.pool, postgres.WithSchema(t.schema)); err != nil {
		return nil, err
	}
	t.store, err = postgres.New(ctx, t.pool, postgres.WithSchema(t.schema))
	return t, err
}

func (t *tables) drop() {
	t.pool.Close()
	if err := t.exec(context.Background(), "DROP SCHEMA IF EXISTS "+t.schema+" CASCADE"); err != nil {
		slog.Error("the tables remain", "error", err)
	}
}

// sql puts the schema in place of the word SCHEMA.
func (t *tables) sql(text string) string { return strings.ReplaceAll(text, "SCHEMA", t.schema) }

// fill runs SQL with the schema in place of the word SCHEMA, and lets the server rest.
func (t *tables) fill(ctx context.Context, sql string) error {
	if err := t.exec(ctx, t.sql(sql)); err != nil {
		return err
	}
	return t.rest(ctx, t.schema)
}

// count returns the number of rows in a table that a condition holds of.
func (t *tables) count(ctx context.Context, table, condition string) (n int64, err error) {
	err = t.admin.QueryRow(ctx, t.sql("SELECT count(*) FROM SCHEMA."+table+" WHERE "+condition)).Scan(&n)
	return n, err
}

// quiet logs what must not happen while something is measured.
var quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

// newEngine makes an engine of the tally, with a config that is the default but for what is given.
func newEngine(store runtime.Store, config runtime.Config, decider tally.InputDecider, handler tally.Handler) (*runtime.Engine, error) {
	config.Logger = quiet
	return runtime.NewEngine(store, config, tally.NewWorkflow(decider, tally.Evolver{}, handler))
}

// newClient makes an engine whose effects nobody delivers.
func newClient(store runtime.Store, config runtime.Config) (*tally.Client, error) {
	engine, err := newEngine(store, config, tally.Decider{}, tally.Handler{})
	if err != nil {
		return nil, err
	}
	return tally.NewClient(engine), nil
}

// newBaseline makes the baseline's tables, with every instance at its first event.
func (b *bench) newBaseline(ctx context.Context, instances, effects int) (_ *seed.Store, drop func(), err error) {
	pool, err := b.newPool(ctx, poolSize)
	if err != nil {
		return nil, nil, err
	}
	drop = func() {
		pool.Close()
		if err := b.exec(context.Background(), "DROP SCHEMA IF EXISTS seed CASCADE"); err != nil {
			slog.Error("the tables remain", "error", err)
		}
	}
	defer func() {
		if err != nil {
			drop()
		}
	}()
	store, err := seed.New(ctx, pool)
	if err != nil {
		return nil, nil, err
	}
	if err := b.exec(ctx, fmt.Sprintf(`
INSERT INTO seed.instances (workflow_type, workflow_id) SELECT 'tally', 'tally-' || n FROM generate_series(1, %[1]d) n;
INSERT INTO seed.events (workflow_type, workflow_id, sequence, payload)
SELECT 'tally', 'tally-' || n, 1, '{"type":"Added","amount":1,"note":"`+note+`"}' FROM generate_series(1, %[1]d) n;
INSERT INTO seed.outbox (workflow_type, workflow_id, payload)
SELECT 'tally', 'tally-' || n %% %[1]d + 1, '{"type":"Tell","amount":1,"note":"`+note+`"}' FROM generate_series(1, %[2]d) n;`,
		instances, effects)); err != nil {
		return nil, nil, err
	}
	return store, drop, b.rest(ctx, "seed")
}

// note is what is stored with each number.
const note = "a note of the usual length"
