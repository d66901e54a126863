package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/seed"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// poolSize is the number of connections that ours and the baseline have.
const poolSize = 10

// bench is what probes work with.
type bench struct {
	*server.Server
	size    size
	dir     string // for files
	schemas int
}

func start(ctx context.Context, size size) (*bench, error) {
	dir, err := os.MkdirTemp("", "ironflow-bench-")
	if err != nil {
		return nil, err
	}
	server, err := server.Start(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &bench{Server: server, size: size, dir: dir}, nil
}

func (b *bench) stop() {
	if err := errors.Join(b.Stop(), os.RemoveAll(b.dir)); err != nil {
		slog.Error("the server did not stop", "error", err)
	}
}

// exec runs statements that stand between semicolons.
func (b *bench) exec(ctx context.Context, sql string) error {
	_, err := b.Admin.Exec(ctx, sql)
	return err
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
	if t.pool, err = b.Pool(ctx, poolSize); err != nil {
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
	return t.Rest(ctx, t.schema)
}

// count returns the number of rows in a table that a condition holds of.
func (t *tables) count(ctx context.Context, table, condition string) (n int64, err error) {
	err = t.Admin.QueryRow(ctx, t.sql("SELECT count(*) FROM SCHEMA."+table+" WHERE "+condition)).Scan(&n)
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
	pool, err := b.Pool(ctx, poolSize)
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
	return store, drop, b.Rest(ctx, "seed")
}

const note = load.Note
