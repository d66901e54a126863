package project

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// projectionStore is what running projections needs of a store.
type projectionStore interface {
	store.Feed
	store.Projections
}

// Board has the projections of an engine, and a view of what is stored of them. One query looks for all of them.
type Board struct {
	store      projectionStore
	feed       *FeedWatch
	config     Config
	projectors []*projector
	owner      string        // this process, in the rows of the projections that it runs
	interval   time.Duration // between two looks

	wake chan struct{} // look now

	mu   sync.Mutex
	seen map[string]store.ProjectionState // by the last look; nil before the first
	next chan struct{}                    // closed by the next look
}

// NewBoard returns a board for projections with distinct names. It does nothing before Run.
func NewBoard(st projectionStore, feed *FeedWatch, config Config, projections []Spec) *Board {
	b := &Board{
		store: st, feed: feed, config: config,
		owner:    fmt.Sprintf("%s/%08x", config.Name, rand.Uint32()), // names need not be unique
		interval: min(5*config.PollInterval, config.Lease/3),
		wake:     make(chan struct{}, 1),
		next:     make(chan struct{}),
	}
	for _, projection := range projections {
		b.projectors = append(b.projectors, &projector{Spec: projection, board: b})
	}
	return b
}

// find returns the projection of a name, or nil.
func (b *Board) find(name string) *projector {
	for _, p := range b.projectors {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Names returns the names of the projections, sorted.
func (b *Board) Names() []string {
	var names []string
	for _, p := range b.projectors {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

func (b *Board) now() time.Time { return store.StoredTime(b.config.Clock.Now()) }

// Run runs the projections until stop ends. Steps that are under way then have until the end of handlers to finish.
func (b *Board) Run(stop, handlers context.Context) {
	if len(b.projectors) == 0 {
		return
	}
	looking, stopLooking := context.WithCancel(handlers)
	var look, projecting sync.WaitGroup
	look.Go(func() { b.look(looking) })
	for _, p := range b.projectors {
		projecting.Go(func() { p.run(stop, handlers) })
	}
	projecting.Wait()
	stopLooking()
	look.Wait()
}

// look keeps the states in view until ctx ends.
func (b *Board) look(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		list, err := b.store.Projections(ctx, b.Names()...)
		pause := b.interval
		if err == nil {
			failures = 0
			b.publish(list)
		} else if ctx.Err() == nil {
			failures++
			pause = backoff.Poll.Pause(failures)
			b.config.Logger.ErrorContext(ctx, "ironflow: reading the states of projections failed", "failures", failures, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-b.config.Clock.After(pause):
		}
	}
}

func (b *Board) publish(list []store.ProjectionState) {
	seen := make(map[string]store.ProjectionState, len(list))
	for _, s := range list {
		seen[s.Name] = s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = seen
	close(b.next)
	b.next = make(chan struct{})
}

// view returns what the last look has seen of a projection, nil before the first look, and a channel that is closed by the next look.
func (b *Board) view(name string) (seen *store.ProjectionState, next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		return nil, b.next
	}
	s, stored := b.seen[name]
	if !stored {
		s = store.ProjectionState{Name: name, Status: store.ProjectionRunning}
	}
	return &s, b.next
}

// LookAgain has the board look at the store at once: a projection is to do something else, or is free.
func (b *Board) LookAgain() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// announce has this process and the others look again.
func (b *Board) announce() {
	b.LookAgain()
	b.config.Announce()
}

// StuckSteps returns the steps that have not returned within their projection's Timeout.
func (b *Board) StuckSteps() (steps []telemetry.StuckCode) {
	for _, p := range b.projectors {
		since := time.UnixMicro(p.since.Load())
		if p.steps.Load() > 0 && time.Since(since) > p.Timeout {
			steps = append(steps, telemetry.StuckCode{Projection: p.Name, Since: since})
		}
	}
	return steps
}

// Unfinished describes the projections that are in the middle of a step.
func (b *Board) Unfinished() (steps []string) {
	for _, p := range b.projectors {
		if p.steps.Load() > 0 {
			steps = append(steps, "projection "+p.Name)
		}
	}
	return steps
}
