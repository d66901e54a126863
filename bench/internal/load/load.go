// Package load is the callers of the benchmarks, and what they call: the inputs of package tally.
package load

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/bench/internal/report"
)

// Load is a number of callers, each of which makes one call after the other.
type Load struct {
	Callers        int
	WarmUp, Window time.Duration
	Server         func(context.Context) time.Duration                       // processor time of the database so far; nil for none
	Call           func(ctx context.Context, random *rand.Rand, n int) error // the n-th of its caller
}

// Result is what was answered within the window.
type Result struct {
	Took   []time.Duration // sorted
	Window time.Duration
	Client time.Duration // processor time of this process: callers, engine and driver
	Server time.Duration // and of the database
}

// Run calls until the window has ended. The first error ends it.
func (l Load) Run(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	from := time.Now().Add(l.WarmUp)
	to := from.Add(l.Window)
	took := make([][]time.Duration, l.Callers)

	var callers sync.WaitGroup
	for caller := range l.Callers {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			mine := make([]time.Duration, 0, 1024)
			begin := time.Now()
			for n := caller; begin.Before(to); n++ {
				if err := l.Call(ctx, random, n); err != nil {
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
		return Result{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return Result{Took: all, Window: l.Window, Client: clientAfter - client, Server: serverAfter - server}, nil
}

// used waits until a time and returns what processor time was used until then.
func (l Load) used(ctx context.Context, at time.Time) (client, server time.Duration) {
	select {
	case <-time.After(time.Until(at)):
	case <-ctx.Done():
	}
	if l.Server != nil {
		server = l.Server(ctx)
	}
	return ProcessorTime(), server
}

// Rate is the calls in a second.
func (r Result) Rate() float64 { return float64(len(r.Took)) / r.Window.Seconds() }

// Milliseconds is the time that a percentage of the calls did not exceed.
func (r Result) Milliseconds(percent float64) float64 {
	return float64(report.Percentile(r.Took, percent)) / float64(time.Millisecond)
}

// Each is a part of a processor time, in microseconds: that of one call.
func (r Result) Each(used time.Duration) float64 {
	return float64(used) / float64(time.Microsecond) / float64(max(len(r.Took), 1))
}
