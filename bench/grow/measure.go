package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
	"github.com/ironflow-gen/ironflow/bench/internal/server"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// grown is a store whose tables are filled.
type grown struct {
	*server.Server
	store     *postgres.Store
	instances int
}

type figures = report.Figures

type grownCase struct {
	name    string
	measure func(context.Context) (figures, error)
}

// cold reads every event of the instance for each decision: there is no cache and no snapshot.
var cold = runtime.Config{CacheBytes: 1, SnapshotEvery: 1 << 30}

// warmInstances is how many instances decisions with a cache are spread over.
const warmInstances = 2_000

func (g *grown) cases() []grownCase {
	decide := func(name string, callers, instances int, config runtime.Config) grownCase {
		return grownCase{name, func(ctx context.Context) (figures, error) { return g.decide(ctx, callers, instances, config) }}
	}
	list := func(name string, calls int, filter store.InstanceFilter) grownCase {
		return grownCase{name, func(ctx context.Context) (figures, error) { return g.list(ctx, calls, filter) }}
	}
	return []grownCase{
		decide("cold, 1 caller", 1, g.instances, cold),
		decide("cold, 64 callers", 64, g.instances, cold),
		decide("warm, 1 caller", 1, warmInstances, runtime.Config{}),
		decide("warm, 64 callers", 64, warmInstances, runtime.Config{}),
		list("list", 100, store.InstanceFilter{}),
		list("list, active", 100, store.InstanceFilter{Workflow: tally.WorkflowName, Activity: store.OnlyActive}),
		list("list, common status", 100, store.InstanceFilter{Workflow: tally.WorkflowName, Activity: store.OnlyActive, Status: "open"}),
		list("list, rare status", 3, store.InstanceFilter{Workflow: tally.WorkflowName, Activity: store.OnlyActive, Status: "rare"}),
		{"count", g.count},
	}
}

// decide measures decisions on instances picked at random, of the first so many.
func (g *grown) decide(ctx context.Context, callers, instances int, config runtime.Config) (figures, error) {
	config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	engine, err := runtime.NewEngine(g.store, config, tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{}))
	if err != nil {
		return nil, err
	}
	client := tally.NewClient(engine)
	if instances == warmInstances {
		for n := range instances {
			if err := load.Add(ctx, client, load.InstanceID(active(n)), 1); err != nil {
				return nil, err
			}
		}
	}
	r, err := load.Load{
		Callers: callers, WarmUp: time.Second, Window: 3 * time.Second, Server: g.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return load.Add(ctx, client, load.InstanceID(active(random.IntN(instances))), n)
		},
	}.Run(ctx)
	return figures{
		"rate": r.Rate(), "p50": 1000 * r.Milliseconds(50), "client": r.Each(r.Client), "cpu": r.Each(r.Client + r.Server),
	}, err
}

// list measures lists of 50 instances. The first of them is not counted.
func (g *grown) list(ctx context.Context, calls int, filter store.InstanceFilter) (figures, error) {
	const limit = 50
	took := make([]time.Duration, calls+1)
	for i := range took {
		began := time.Now()
		found, err := g.store.ListInstances(ctx, store.InstanceList{InstanceFilter: filter, Limit: limit})
		if err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
		if filter.Status != "rare" && len(found) != limit {
			return nil, fmt.Errorf("listed %d instances, want %d", len(found), limit)
		}
	}
	return times(took[1:]), nil
}

// count measures one count of all instances, by workflow, status and whether they have completed.
func (g *grown) count(ctx context.Context) (figures, error) {
	began := time.Now()
	counts, err := g.store.CountInstances(ctx, store.InstanceFilter{})
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	if total := counts.Total(); total != int64(g.instances) {
		return nil, fmt.Errorf("counted %d instances, want %d", total, g.instances)
	}
	return times([]time.Duration{took}), nil
}

func times(took []time.Duration) figures {
	slices.Sort(took)
	return figures{"p50": float64(report.Percentile(took, 50)) / float64(time.Millisecond)}
}
