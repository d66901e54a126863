package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/history"
	"github.com/cschleiden/go-workflows/backend/monoprocess"
	"github.com/cschleiden/go-workflows/backend/postgres"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/core"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"
)

// goWorkflowsSettings are what decides how fast go-workflows runs instances.
type goWorkflowsSettings struct {
	starters   int
	pollers    int // of workflows, and as many of activities
	interval   time.Duration
	maxTasks   int  // of each kind at the same time; 0 for any number
	oneProcess bool // let the backend wake its pollers
	pool       int
}

// goWorkflowsBest won the sweep: see README.md.
var goWorkflowsBest = goWorkflowsSettings{starters: 8, pollers: 8, interval: 5 * time.Millisecond, pool: poolSize}

// oneActivity is the smallest workflow with an activity.
func oneActivity(ctx workflow.Context) (string, error) {
	return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, noop).Get(ctx)
}

func noop(context.Context) (string, error) { return "looped", nil }

// loops runs instances to their end.
func (s goWorkflowsSettings) loops(ctx context.Context, url string, n int) (took time.Duration, err error) {
	db, err := goWorkflowsDB(url, s.pool)
	if err != nil {
		return 0, err
	}
	defer db.Close()

	committed := newFinish(n)
	var store backend.Backend = countingBackend{
		Backend:  postgres.NewPostgresBackendWithDB(db, goWorkflowsQuiet),
		finished: committed,
	}
	if s.oneProcess {
		store = monoprocess.NewMonoprocessBackend(store)
	}
	options := worker.DefaultOptions
	options.WorkflowPollers, options.ActivityPollers = s.pollers, s.pollers
	options.WorkflowPollingInterval, options.ActivityPollingInterval = s.interval, s.interval
	options.MaxParallelWorkflowTasks, options.MaxParallelActivityTasks = s.maxTasks, s.maxTasks
	options.WorkflowExecutorCacheSize = n // nothing is replayed
	working := worker.New(store, &options)
	err = errors.Join(working.RegisterWorkflow(oneActivity), working.RegisterActivity(noop))
	if err != nil {
		return 0, err
	}
	workCtx, stop := context.WithCancel(ctx)
	if err := working.Start(workCtx); err != nil {
		stop()
		return 0, err
	}

	start := time.Now()
	starter := client.New(store)
	err = atOnce(s.starters, n, func(i int) error {
		_, err := starter.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: strconv.Itoa(i)}, oneActivity)
		return err
	})
	if err == nil {
		err = committed.wait(ctx)
	}
	took = time.Since(start)
	stop()
	err = errors.Join(err, working.WaitForCompletion())
	if err != nil {
		return 0, err
	}
	var completed int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM instances WHERE completed_at IS NOT NULL").Scan(&completed)
	if err == nil && completed != n {
		err = fmt.Errorf("%d instances completed, want %d", completed, n)
	}
	return took, err
}

var goWorkflowsQuiet = postgres.WithBackendOptions(backend.WithLogger(slog.New(slog.DiscardHandler)))

// goWorkflowsDB returns a pool of connections to tables that are up to date.
func goWorkflowsDB(url string, size int) (*sql.DB, error) {
	// A migration keeps a connection of its pool, so it gets a pool of its own.
	migrating, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	defer migrating.Close()
	if err := postgres.NewPostgresBackendWithDB(migrating, goWorkflowsQuiet).Migrate(); err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// countingBackend sees instances end, so that nobody has to ask the database for them.
type countingBackend struct {
	backend.Backend
	finished *finish
}

func (b countingBackend) CompleteWorkflowTask(ctx context.Context, task *backend.WorkflowTask,
	state core.WorkflowInstanceState, executed, activities, timers []*history.Event, events []*history.WorkflowEvent,
) error {
	err := b.Backend.CompleteWorkflowTask(ctx, task, state, executed, activities, timers, events)
	if err == nil && state == core.WorkflowInstanceStateFinished {
		b.finished.pass()
	}
	return err
}
