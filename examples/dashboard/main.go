// Command dashboard projects the events of a workflow into a table. Parcels travel from depot to depot, and the table says how
// many are where. The projection is handed from one engine to another, stops at an event that it cannot apply, goes on when the
// cause is mended, and is rebuilt from the beginning.
//
//	go run ./examples/dashboard                                 # embedded store, in a file that is deleted afterwards
//	go run ./examples/dashboard -file parcels.db                # the same, in a file that stays
//	DATABASE_URL=postgres://... go run ./examples/dashboard     # PostgreSQL
//
// Kill it at any moment and start it again on the same file or database: the table ends as it should.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ironflow-gen/ironflow/examples/dashboard/parcel"
	"github.com/ironflow-gen/ironflow/examples/internal/storage"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

func main() {
	file := flag.String("file", "", "keep the parcels in this SQLite file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv("DATABASE_URL"), *file); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, database, file string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	store, db, closeStore, err := storage.OpenDB(ctx, database, file)
	if err != nil {
		return err
	}
	defer closeStore()
	for _, statement := range tables {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	s := &show{out: out, store: store, db: db}
	for _, step := range []func(context.Context) error{s.follow, s.handOver, s.stopAtUnknownDepot, s.rebuild} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

const boardName = "depots"

// retry gives up soon, because the show should go on.
var retry = runtime.RetryPolicy{MaxAttempts: 3, Base: 10 * time.Millisecond}

// newProjection makes the projection for the store that there is.
func newProjection(store runtime.Store) runtime.AnyProjection {
	if _, ok := store.(*postgres.Store); ok {
		p := parcel.NewProjection(boardName, board[pgx.Tx]{inPostgres})
		p.Retry = retry
		return p
	}
	p := parcel.NewProjection(boardName, board[*sql.Tx]{inSQLite})
	p.Retry = retry
	return p
}

// process is what each process of a service would be: an engine that runs, with a client.
type process struct {
	engine *runtime.Engine
	client *parcel.Client
	stop   func() error
}

func start(ctx context.Context, store runtime.Store) (*process, error) {
	config := runtime.Config{
		Logger:      slog.New(slog.DiscardHandler), // a projection that stops is part of the show
		Projections: []runtime.AnyProjection{newProjection(store)},
		Lease:       time.Second, // after it, others go on with the projection of a killed process
	}
	engine, err := runtime.NewEngine(store, config, parcel.NewWorkflow(parcel.Decider{}, parcel.Evolver{}))
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(running) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-stopped
	})
	return &process{engine, parcel.NewClient(engine), stop}, nil
}

// scan and deliver send their input once, however often the example runs on the same database.

func (p *process) scan(ctx context.Context, id, depot string) error {
	outcome, err := p.client.Scan(ctx, parcel.Scan{ParcelID: id, Depot: depot}, runtime.WithInputID("scan at "+depot))
	if err == nil && !outcome.Accepted() {
		err = fmt.Errorf("%s: scan at %s: %v", id, depot, outcome)
	}
	return err
}

func (p *process) deliver(ctx context.Context, id string) error {
	outcome, err := p.client.Deliver(ctx, parcel.Deliver{ParcelID: id}, runtime.WithInputID("deliver"))
	if err == nil && !outcome.Accepted() {
		err = fmt.Errorf("%s: deliver: %v", id, outcome)
	}
	return err
}

// awaitInfo waits until the projection is as wanted.
func (p *process) awaitInfo(ctx context.Context, is func(runtime.ProjectionInfo) bool) (runtime.ProjectionInfo, error) {
	for {
		info, err := p.engine.Projection(ctx, boardName)
		if err != nil || is(info) {
			return info, err
		}
		select {
		case <-ctx.Done():
			return info, fmt.Errorf("the projection is still %+v: %w", info, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
