package main

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
)

// callers is how many goroutines give ironflow its inputs.
const callers = 256

// ironflowSettings is the engine's config. The contest is run at the defaults.
type ironflowSettings struct{ runtime.Config }

// effects drains effects that decisions asked for.
func (s ironflowSettings) effects(ctx context.Context, url string, n int) (took time.Duration, err error) {
	pool, err := newPool(ctx, url, poolSize)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	handled := newFinish(n)
	handler := tally.Handler{OnTell: func(runtime.EffectCall) { handled.pass() }}
	filling, err := s.engine(ctx, pool, handler)
	if err != nil {
		return 0, err
	}
	client := tally.NewClient(filling)
	err = atOnce(callers, n, func(i int) error {
		_, err := client.Add(ctx, tally.Add{TallyID: strconv.Itoa(i), Amount: int64(i), Note: note})
		return err
	})
	if err != nil {
		return 0, err
	}
	draining, err := s.engine(ctx, pool, handler)
	if err != nil {
		return 0, err
	}
	if err := settleDown(ctx, pool); err != nil {
		return 0, err
	}

	start := time.Now()
	stop := runIronflow(ctx, draining)
	if err := finished(ctx, pool, handled); err != nil {
		stop()
		return 0, err
	}
	took = time.Since(start)
	return took, stop()
}

// loops takes instances from their first decision through a handler to their second.
func (s ironflowSettings) loops(ctx context.Context, url string, n int) (took time.Duration, err error) {
	pool, err := newPool(ctx, url, poolSize)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	handled := newFinish(n)
	engine, err := s.engine(ctx, pool, tally.Handler{OnAsk: func(runtime.EffectCall) { handled.pass() }})
	if err != nil {
		return 0, err
	}
	client := tally.NewClient(engine)
	stop := runIronflow(ctx, engine)

	start := time.Now()
	err = atOnce(callers, n, func(i int) error {
		_, err := client.Loop(ctx, tally.Loop{TallyID: strconv.Itoa(i)})
		return err
	})
	if err == nil {
		err = finished(ctx, pool, handled)
	}
	if err != nil {
		stop()
		return 0, err
	}
	took = time.Since(start)
	if err := stop(); err != nil {
		return 0, err
	}
	return took, expect(ctx, pool, n, "SELECT count(*) FROM ironflow.events WHERE type = 'Answered'")
}

func (s ironflowSettings) engine(ctx context.Context, pool *pgxpool.Pool, handler tally.Handler) (*runtime.Engine, error) {
	if err := postgres.Migrate(ctx, pool); err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool)
	if err != nil {
		return nil, err
	}
	return runtime.NewEngine(store, s.Config, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, handler))
}

// runIronflow runs the engine until stop is called.
func runIronflow(ctx context.Context, engine *runtime.Engine) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// finished waits until every effect was handled and what came of it is committed, which takes the effect out of its table.
func finished(ctx context.Context, pool *pgxpool.Pool, handled *finish) error {
	if err := handled.wait(ctx); err != nil {
		return err
	}
	return waitFor(ctx, pool, "SELECT NOT EXISTS (SELECT FROM ironflow.effects)")
}
