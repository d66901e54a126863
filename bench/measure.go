package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// figures are what a probe found out, by name. Rates are per second and times in milliseconds.
type figures map[string]float64

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

func (f figures) String() string {
	text := ""
	for i, name := range slices.Sorted(maps.Keys(f)) {
		if i > 0 {
			text += ", "
		}
		text += name + " " + report.Number(f[name])
	}
	return text
}

// load is a number of callers, each of which makes one call after the other.
type load struct {
	callers        int
	warmUp, window time.Duration
	server         func(context.Context) time.Duration                       // processor time of the database so far; nil for none
	call           func(ctx context.Context, random *rand.Rand, n int) error // the n-th of its caller
}

// loadResult is what was answered within the window.
type loadResult struct {
	took   []time.Duration // sorted
	window time.Duration
	client time.Duration // processor time of this process: callers, engine and driver
	server time.Duration // and of the database
}

func (l load) run(ctx context.Context) (loadResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	from := time.Now().Add(l.warmUp)
	to := from.Add(l.window)
	took := make([][]time.Duration, l.callers)

	var callers sync.WaitGroup
	for caller := range l.callers {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			mine := make([]time.Duration, 0, 1024)
			begin := time.Now()
			for n := caller; begin.Before(to); n++ {
				if err := l.call(ctx, random, n); err != nil {
					cancel(err)
					return
				}
				end := time.Now()
				if end.After(from) && end.Before(to) {
					mine = append(mine, end.Sub(begin))
				}
				begin = end
			}
			took[caller] = mine
		})
	}
	client, server := l.used(ctx, from)
	clientAfter, serverAfter := l.used(ctx, to)
	callers.Wait()
	if err := context.Cause(ctx); err != nil {
		return loadResult{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return loadResult{took: all, window: l.window, client: clientAfter - client, server: serverAfter - server}, nil
}

// used waits until a time and returns what processor time was used until then.
func (l load) used(ctx context.Context, at time.Time) (client, server time.Duration) {
	select {
	case <-time.After(time.Until(at)):
	case <-ctx.Done():
	}
	if l.server != nil {
		server = l.server(ctx)
	}
	return cpuTime(), server
}

// figures has the processor times for each answer, in microseconds.
func (r loadResult) figures() figures {
	each := func(used time.Duration) float64 { return used.Seconds() * 1e6 / float64(max(len(r.took), 1)) }
	return figures{
		"rate":   float64(len(r.took)) / r.window.Seconds(),
		"p50":    milliseconds(report.Percentile(r.took, 50)),
		"p99":    milliseconds(report.Percentile(r.took, 99)),
		"client": each(r.client),
		"server": each(r.server),
		"cpu":    each(r.client + r.server),
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
	result, err := load{callers: 256, window: b.size.window / 4, call: func(context.Context, *rand.Rand, int) error {
		return nil
	}}.run(ctx)
	return figures{"rate": result.figures()["rate"]}, err
}
