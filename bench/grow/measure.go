package main

import (
	"context"
	"errors"
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
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/postgres"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// grown is a store whose tables are filled.
type grown struct {
	*server.Server
	store     *postgres.Store
	admin     *admin.Admin
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
	call := func(name string, calls int, call func(context.Context) error) grownCase {
		return grownCase{name, func(ctx context.Context) (figures, error) { return measureCalls(ctx, calls, call) }}
	}
	list := func(name string, calls int, filter store.InstanceFilter) grownCase {
		return call(name, calls, func(ctx context.Context) error { return g.list(ctx, filter) })
	}
	living := store.InstanceFilter{Workflow: tally.WorkflowName, Activity: store.OnlyActive}
	common, rare := living, living
	common.Status, rare.Status = "open", "rare"
	cases := []grownCase{
		decide("cold, 1 caller", 1, g.instances, cold),
		decide("cold, 64 callers", 64, g.instances, cold),
		decide("warm, 1 caller", 1, warmInstances, runtime.Config{}),
		decide("warm, 64 callers", 64, warmInstances, runtime.Config{}),
		list("list", 200, store.InstanceFilter{}),
		list("list, active", 200, living),
		list("list, common status", 200, common),
		list("list, rare status", g.slowCalls(), rare),
		call("inspect", 200, g.inspect),
		call("count", g.slowCalls(), func(ctx context.Context) error { return g.count(ctx, store.InstanceFilter{}) }),
		call("count, rare status", g.slowCalls(), func(ctx context.Context) error { return g.count(ctx, rare) }),
		call("stuck", 20, g.stuck),
		call("find, search field", 500, func(ctx context.Context) error {
			return g.find(ctx, searchGroup, store.FindQuery{Workflow: tally.WorkflowName, Field: "customer", Value: fmt.Sprintf("customer-%d", rand.IntN(g.instances/searchGroup))})
		}),
		call("find, beginning of ids", 500, func(ctx context.Context) error {
			return g.find(ctx, 1, store.FindQuery{IDPrefix: load.InstanceID(rand.IntN(g.instances))})
		}),
		call("backlog", 20, g.backlog),
		{"console, open pages", g.openConsole},
	}
	for _, p := range consolePages {
		cases = append(cases, call("console, "+p.name, 100, func(ctx context.Context) error {
			return g.page(ctx, p.address(load.InstanceID(rand.IntN(g.instances))))
		}))
	}
	return cases
}

// slowCalls is how often calls are measured that look at every instance. They take 2 µs for each.
func (g *grown) slowCalls() int { return max(1, min(20, 4_000_000/g.instances)) }

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

// measureCalls measures calls one after the other. There is one before that is not counted.
func measureCalls(ctx context.Context, calls int, call func(context.Context) error) (figures, error) {
	took := make([]time.Duration, calls+1)
	for i := range took {
		began := time.Now()
		if err := call(ctx); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	took = took[1:]
	slices.Sort(took)
	milliseconds := func(percent float64) float64 {
		return float64(report.Percentile(took, percent)) / float64(time.Millisecond)
	}
	return figures{"p50": milliseconds(50), "p95": milliseconds(95), "p99": milliseconds(99)}, nil
}

// list lists a page. Decisions take instances out of the status that few have, and the list may end early.
func (g *grown) list(ctx context.Context, filter store.InstanceFilter) error {
	const size = 50
	page, err := g.admin.Instances(ctx, admin.InstanceQuery{InstanceFilter: filter, Limit: size})
	if n := len(page.Items); err == nil && page.Looked == 0 && (n == 0 || n < size && filter.Status != "rare") {
		err = fmt.Errorf("listed %d instances, want %d", n, size)
	}
	return err
}

// inspect looks at an instance picked at random, with all that waits for it.
func (g *grown) inspect(ctx context.Context) error {
	key := store.InstanceKey{Workflow: tally.WorkflowName, ID: load.InstanceID(rand.IntN(g.instances))}
	report, err := g.admin.Inspect(ctx, key)
	if err == nil && report.Version < eventsEach {
		err = fmt.Errorf("%s is at version %d", key, report.Version)
	}
	return err
}

// count counts instances by workflow, status and whether they have completed.
func (g *grown) count(ctx context.Context, filter store.InstanceFilter) error {
	counts, err := g.admin.CountInstances(ctx, filter)
	if total := counts.Total(); err == nil && (total == 0 || filter.Status == "" && total != int64(g.instances)) {
		err = fmt.Errorf("counted %d of %d instances", total, g.instances)
	}
	return err
}

// stuck asks for the first report. It looks at what its budget allows.
func (g *grown) stuck(ctx context.Context) error {
	report, err := g.admin.Stuck(ctx, admin.StuckQuery{Workflow: tally.WorkflowName})
	if err == nil && report.Looked == 0 {
		err = errors.New("no instance was looked at by Stuck")
	}
	return err
}

// backlog counts what waits of each kind, as Health does.
func (g *grown) backlog(ctx context.Context) error {
	_, err := g.admin.Health(ctx)
	return err
}

// find looks for instances of which there are at least so many.
func (g *grown) find(ctx context.Context, least int, query store.FindQuery) error {
	query.Limit = 50
	found, err := g.store.FindInstances(ctx, query)
	if err == nil && len(found) < least {
		err = fmt.Errorf("%+v finds %d instances, want at least %d", query, len(found), least)
	}
	return err
}
