package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverSettings are what decides how fast River drains a queue.
type riverSettings struct {
	clients    int
	maxWorkers int
	cooldown   time.Duration // FetchCooldown and FetchPollInterval; zero for River's defaults
	pool       int
}

var (
	// riverDefault is the client of River's documentation.
	riverDefault = riverSettings{clients: 1, maxWorkers: 100, pool: poolSize}
	// riverBest won the sweep: see README.md.
	riverBest = riverSettings{clients: 1, maxWorkers: 2000, cooldown: time.Millisecond, pool: poolSize}
)

// note is the text in everyone's work.
const note = "a note of some length, as one would find it in a real payload"

type tell struct {
	Amount int64  `json:"amount"`
	Note   string `json:"note"`
}

func (tell) Kind() string { return "tell" }

// drain works off jobs that were inserted before. It ends when all are completed in the database.
func (s riverSettings) drain(ctx context.Context, url string, n int) (took time.Duration, err error) {
	pool, err := newPool(ctx, url, s.pool)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return 0, err
	}

	handled := newFinish(n)
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[tell]) error {
		handled.pass()
		return nil
	}))
	config := river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: s.maxWorkers}},
		Workers: workers,
	}
	if s.cooldown > 0 {
		config.FetchCooldown, config.FetchPollInterval = s.cooldown, s.cooldown
		config.JobTimeout = -1 // saves a timer for each job
	}
	clients := make([]interface {
		Start(context.Context) error
		Stop(context.Context) error
	}, s.clients)
	for i := range clients {
		client, err := river.NewClient(driver, &config)
		if err != nil {
			return 0, err
		}
		clients[i] = client
		if i > 0 {
			continue
		}
		jobs := make([]river.InsertManyParams, n)
		for j := range jobs {
			jobs[j] = river.InsertManyParams{Args: tell{Amount: int64(j), Note: note}}
		}
		if _, err := client.InsertManyFast(ctx, jobs); err != nil {
			return 0, err
		}
	}
	if err := settleDown(ctx, pool); err != nil {
		return 0, err
	}

	start := time.Now()
	for _, client := range clients {
		if err := client.Start(ctx); err != nil {
			return 0, err
		}
	}
	err = handled.wait(ctx)
	// Completions are written in batches, in up to 250 ms. To stop now saves River the wait for the last one.
	stopped := make(chan error, len(clients))
	for _, client := range clients {
		go func() { stopped <- client.Stop(ctx) }()
	}
	if err == nil {
		err = waitFor(ctx, pool, "SELECT NOT EXISTS (SELECT FROM river_job WHERE state IN ('available', 'running', 'retryable'))")
	}
	took = time.Since(start)
	for range clients {
		err = errors.Join(err, <-stopped)
	}
	if err != nil {
		return 0, err
	}
	return took, expect(ctx, pool, n, "SELECT count(*) FROM river_job WHERE state = 'completed'")
}
