package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// dbosSettings are what decides how fast DBOS runs workflows.
type dbosSettings struct {
	inFlight int // workflows at the same time
	pool     int
}

// dbosBest won the sweep: see README.md.
var dbosBest = dbosSettings{inFlight: 256, pool: poolSize}

// oneStep is the smallest workflow with a step.
func oneStep(ctx dbos.Context, _ string) (string, error) {
	return dbos.RunAsStep(ctx, func(context.Context) (string, error) { return "looped", nil })
}

// loops runs workflows to their results, which DBOS gives out after it has committed them.
func (s dbosSettings) loops(ctx context.Context, url string, n int) (took time.Duration, err error) {
	pool, err := newPool(ctx, url, s.pool)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	engine, err := dbos.NewContext(ctx, dbos.Config{
		AppName:      "peers",
		SystemDBPool: pool,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return 0, err
	}
	dbos.RegisterWorkflow(engine, oneStep)
	if err := dbos.Launch(engine); err != nil {
		return 0, err
	}

	start := time.Now()
	err = atOnce(s.inFlight, n, func(i int) error {
		handle, err := dbos.RunWorkflow(engine, oneStep, "", dbos.WithWorkflowID(strconv.Itoa(i)))
		if err != nil {
			return err
		}
		result, err := handle.GetResult()
		if err == nil && result != "looped" {
			err = fmt.Errorf("workflow %d returned %q", i, result)
		}
		return err
	})
	took = time.Since(start)
	if err == nil {
		err = expect(ctx, pool, n, "SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'")
	}
	if stop := dbos.Shutdown(engine, 10*time.Second); err == nil {
		err = stop
	}
	return took, err
}
