package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/load"
	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// figures are what a probe found out, by name. Rates are per second and times in milliseconds.
type figures = report.Figures

// probe measures something once.
type probe struct {
	name string
	once bool // in the first round only: it takes turns within itself, or does not vary
	run  func(context.Context, *bench) (figures, error)
}

// measure runs the probes one after the other, round after round, and returns the medians of what they found under
// "probe/figure". So what drifts meets ours and the reference alike.
func (b *bench) measure(ctx context.Context, probes []probe, log io.Writer) (map[string]float64, error) {
	samples := make(map[string][]float64)
	for round := range b.size.rounds {
		for _, p := range probes {
			if p.once && round > 0 {
				continue
			}
			began := time.Now()
			found, err := p.run(ctx, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Fprintf(log, "round %d, %s: %s (%.1f s)\n", round+1, p.name, found, time.Since(began).Seconds())
			for name, value := range found {
				samples[p.name+"/"+name] = append(samples[p.name+"/"+name], value)
			}
		}
	}
	medians := make(map[string]float64, len(samples))
	for name, values := range samples {
		medians[name] = report.Median(values)
	}
	return medians, nil
}

// loadFigures has the processor times for each answer, in microseconds.
func loadFigures(r load.Result) figures {
	return figures{
		"rate":   r.Rate(),
		"p50":    r.Milliseconds(50),
		"p99":    r.Milliseconds(99),
		"client": r.Each(r.Client),
		"server": r.Each(r.Server),
		"cpu":    r.Each(r.Client + r.Server),
	}
}

// times are the figures of some durations.
func times(took []time.Duration) figures {
	slices.Sort(took)
	return figures{"p50": milliseconds(report.Percentile(took, 50)), "p99": milliseconds(report.Percentile(took, 99))}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// perSecond is the rate of n that began at a time and have ended now.
func perSecond(n int64, began time.Time) figures {
	return figures{"rate": float64(n) / time.Since(began).Seconds()}
}

// countdown calls done when it was told as often as it was to expect.
type countdown struct {
	left atomic.Int64
	done func()
}

func newCountdown(from int, done func()) *countdown {
	c := &countdown{done: done}
	c.left.Store(int64(from))
	return c
}

func (c *countdown) tell() {
	if c.left.Add(-1) == 0 {
		c.done()
	}
}

// emptyCalls measures the load generator itself, to know that it is not what is measured elsewhere.
func emptyCalls(ctx context.Context, b *bench) (figures, error) {
	result, err := load.Load{Callers: 256, Window: b.size.window / 4, Call: func(context.Context, *rand.Rand, int) error {
		return nil
	}}.Run(ctx)
	return figures{"rate": result.Rate()}, err
}
