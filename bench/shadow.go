package main

import (
	"context"
	"math/rand/v2"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/tally"
	"github.com/ironflow-gen/ironflow/runtime"
)

// shadowParts is into how many windows each side of the comparison is divided, which take turns.
const shadowParts = 4

func shadowProbes() []probe { return []probe{{name: "shadow", once: true, run: shadow}} }

// shadow measures the processor time of decisions with a candidate that is asked about a tenth of them, and without one.
func shadow(ctx context.Context, b *bench) (figures, error) {
	sides := []runtime.Config{{}, {Shadow: runtime.Shadow{
		Candidates: []*runtime.Workflow{tally.NewWorkflow(tally.Decider{}, tally.Evolver{}, tally.Handler{})}, Share: 0.1,
	}}}
	clients, sums := make([]*tally.Client, len(sides)), make([]load.Result, len(sides))
	var compared *runtime.Engine
	for i, config := range sides {
		t, err := b.newTables(ctx)
		if err != nil {
			return nil, err
		}
		defer t.drop()
		engine, err := newEngine(t.store, config, tally.Decider{}, tally.Handler{})
		if err != nil {
			return nil, err
		}
		clients[i], compared = tally.NewClient(engine), engine
		if err := load.CreateAll(ctx, clients[i], b.size.instances); err != nil {
			return nil, err
		}
		if err := t.Rest(ctx, t.schema); err != nil {
			return nil, err
		}
	}
	for part := range shadowParts * len(sides) {
		i := (part + part/len(sides)) % len(sides) // which is first changes
		result, err := load.Load{
			Callers: 256, WarmUp: b.size.warmUp / 2, Window: b.size.window / 2, Server: b.ProcessorTime,
			Call: func(ctx context.Context, random *rand.Rand, n int) error {
				return load.Add(ctx, clients[i], load.InstanceID(random.IntN(b.size.instances)), n)
			},
		}.Run(ctx)
		if err != nil {
			return nil, err
		}
		sums[i].Took = append(sums[i].Took, result.Took...)
		sums[i].Client, sums[i].Server = sums[i].Client+result.Client, sums[i].Server+result.Server
	}
	report := compared.ShadowReport()
	return figures{
		"without": sums[0].Each(sums[0].Client + sums[0].Server), "with": sums[1].Each(sums[1].Client + sums[1].Server),
		"compared": float64(report.Compared), "dropped": float64(report.Dropped),
	}, nil
}
