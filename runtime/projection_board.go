package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// projectionBoard is an engine's projections, and what is stored of them. However many there are, one query looks.
type projectionBoard struct {
	engine     *Engine
	projectors []*projector
	owner      string        // this process, in the rows of the projections that it runs
	interval   time.Duration // between two looks

	poke chan struct{} // look now

	mu     sync.Mutex
	states map[string]ProjectionState // nil before the first look
	looked chan struct{}              // closed by the next look
}

// newProjectionBoard binds the projections of the config.
func newProjectionBoard(e *Engine) (*projectionBoard, error) {
	b := &projectionBoard{
		engine:   e,
		owner:    fmt.Sprintf("%s/%08x", e.config.Name, rand.Uint32()), // names need not be unique
		interval: min(5*e.config.PollInterval, e.config.Lease/3),
		poke:     make(chan struct{}, 1),
		looked:   make(chan struct{}),
	}
	for _, projection := range e.config.Projections {
		if isNil(projection) {
			return nil, errors.New("a projection is nil")
		}
		bound, err := projection.bind(e.store)
		if err != nil {
			return nil, err
		}
		if err := checkArgument("Projection.Name", bound.name); err != nil {
			return nil, err
		}
		if b.find(bound.name) != nil {
			return nil, &RegisteredTwice{What: "projection", Name: bound.name}
		}
		b.projectors = append(b.projectors, &projector{boundProjection: bound, board: b})
	}
	return b, nil
}

// find returns the projection of a name that the engine has, or nil.
func (b *projectionBoard) find(name string) *projector {
	for _, p := range b.projectors {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (b *projectionBoard) names() []string {
	var names []string
	for _, p := range b.projectors {
		names = append(names, p.name)
	}
	return names
}

// run runs the projections until stop ends. The contexts of what they do come from handlers, which lives on while they finish.
func (b *projectionBoard) run(stop, handlers context.Context) {
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
func (b *projectionBoard) look(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		list, err := b.engine.store.Projections(ctx, b.names()...)
		pause := b.interval
		if err == nil {
			failures = 0
			b.publish(list)
		} else if ctx.Err() == nil {
			failures++
			pause = pollBackoff.Pause(failures)
			b.engine.config.Logger.ErrorContext(ctx, "ironflow: reading the state of projections failed", "failures", failures, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-b.poke:
		case <-b.engine.config.Clock.After(pause):
		}
	}
}

func (b *projectionBoard) publish(list []ProjectionState) {
	states := make(map[string]ProjectionState, len(list))
	for _, s := range list {
		states[s.Name] = s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.states = states
	close(b.looked)
	b.looked = make(chan struct{})
}

// lookAgain makes changes known here without a wait.
func (b *projectionBoard) lookAgain() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// changed tells this process and the others that somebody has changed what a projection does.
func (b *projectionBoard) changed() {
	b.lookAgain()
	b.engine.newOrders.announce()
}

// state returns what was seen of a projection last, whether anything was, and a channel that is closed by the next look.
func (b *projectionBoard) state(name string) (s ProjectionState, known bool, looked <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.states[name]
	if !ok {
		s = ProjectionState{Name: name, Status: ProjectionRunning}
	}
	return s, b.states != nil, b.looked
}

// stuckSteps are the steps that were given up and have not returned.
func (b *projectionBoard) stuckSteps() (steps []StuckCode) {
	for _, p := range b.projectors {
		since := time.UnixMicro(p.since.Load())
		if p.steps.Load() > 0 && time.Since(since) > p.bound.timeout {
			steps = append(steps, StuckCode{Projection: p.name, Since: since})
		}
	}
	return steps
}

// stuck names the projections that are in the middle of a step.
func (b *projectionBoard) stuck() (names []string) {
	for _, p := range b.projectors {
		if p.steps.Load() > 0 {
			names = append(names, "projection "+p.name)
		}
	}
	return names
}
