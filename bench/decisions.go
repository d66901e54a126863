package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
)

// decisionProbes measure inputs that each lead to one event and one effect, and every fifth to a timer.
func decisionProbes() []probe {
	var probes []probe
	for _, callers := range []int{1, 8, 64, 256, 512} {
		probes = append(probes, probe{name: oursAt(callers), run: func(ctx context.Context, b *bench) (figures, error) {
			return b.decide(ctx, callers, runtime.Config{}, load.Add)
		}})
		if callers <= 256 {
			probes = append(probes, probe{name: seedAt(callers), run: func(ctx context.Context, b *bench) (figures, error) {
				return b.decideSeed(ctx, callers)
			}})
		}
	}
	return append(probes,
		probe{name: "ours, cold", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.decide(ctx, 1, noCache, load.Add)
		}},
		probe{name: "ours, rejection", run: func(ctx context.Context, b *bench) (figures, error) {
			return b.decide(ctx, 1, runtime.Config{}, refuse)
		}},
	)
}

func oursAt(callers int) string { return fmt.Sprintf("ours, callers: %d", callers) }
func seedAt(callers int) string { return fmt.Sprintf("seed, callers: %d", callers) }

// noCache leaves no room for any state, so that every decision begins with reading.
var noCache = runtime.Config{CacheBytes: 1}

func refuse(ctx context.Context, client *tally.Client, id string, _ int) error {
	out, err := client.Refuse(ctx, tally.Refuse{TallyID: id})
	if err == nil && !out.Rejected() {
		err = fmt.Errorf("%s: %s", id, out)
	}
	return err
}

type input func(ctx context.Context, client *tally.Client, id string, n int) error

// decide measures inputs of a number of callers.
func (b *bench) decide(ctx context.Context, callers int, config runtime.Config, input input) (figures, error) {
	t, err := b.newTables(ctx)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	client, err := newClient(t.store, config)
	if err != nil {
		return nil, err
	}
	if err := load.CreateAll(ctx, client, b.size.instances); err != nil {
		return nil, err
	}
	if err := t.Rest(ctx, t.schema); err != nil {
		return nil, err
	}
	result, err := b.load(ctx, client, callers, input)
	return loadFigures(result), err
}

// load spreads the inputs of some callers over the instances.
func (b *bench) load(ctx context.Context, client *tally.Client, callers int, input input) (load.Result, error) {
	return load.Load{
		Callers: callers, WarmUp: b.size.warmUp, Window: b.size.window, Server: b.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return input(ctx, client, load.InstanceID(random.IntN(b.size.instances)), n)
		},
	}.Run(ctx)
}

// decideSeed measures the same with the baseline.
func (b *bench) decideSeed(ctx context.Context, callers int) (figures, error) {
	store, drop, err := b.newBaseline(ctx, b.size.instances, b.size.instances)
	if err != nil {
		return nil, err
	}
	defer drop()
	result, err := load.Load{
		Callers: callers, WarmUp: b.size.warmUp, Window: b.size.window, Server: b.ProcessorTime,
		Call: func(ctx context.Context, random *rand.Rand, n int) error {
			return store.Decide(ctx, load.InstanceID(random.IntN(b.size.instances)), int64(n), note, n%5 == 0)
		},
	}.Run(ctx)
	return loadFigures(result), err
}
