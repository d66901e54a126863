package project

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Spec is a projection that was joined with a store, so that its type of transaction no longer matters. All fields but
// Filters and Reset are set, and either Apply or Publisher.
type Spec struct {
	Name      string
	Filters   []store.EventFilter
	BatchSize int
	Retry     workflow.RetryPolicy
	Timeout   time.Duration // of a step

	// Apply and Reset make one step, and update the state in its transaction. Reset is nil for a projection that has none.
	Apply func(ctx context.Context, events []store.StoredEvent, update store.ProjectionUpdate) error
	Reset func(ctx context.Context, update store.ProjectionUpdate) error

	// Publisher makes the Publish of a new owner, for a projection whose result lies outside the store.
	Publisher func() Publish
}

// Publish hands events to another system, in their order, outside of any transaction. It returns how many of the events, counted from the
// first, the other system has stored; after that, the position is stored. The events have no personal values.
//
// An error concerns the first of the other events. If the error is permanent, the projection stops at that event. Other errors are no
// fault of the event, so Publish is called again until it succeeds, however often.
type Publish func(ctx context.Context, events []store.StoredEvent) (stored int, err error)

// projector runs one projection while no other process does.
//
// It takes the projection over when nobody has its lease or the lease has run out. Then it applies batch after batch. Correctness
// rests on what the transaction of each batch compares: the fencing token, the position, and that the projection is to run. The
// lease only keeps two processes from doing the same work.
type projector struct {
	Spec
	board *Board

	// steps counts the steps that have not returned, including those that were abandoned.
	steps    atomic.Int32
	stepping sync.WaitGroup
	since    atomic.Int64 // when the last step began, in µs since 1970

	leftToNewer int       // how often it was left to newer programs, in a row
	notBefore   time.Time // when to take it over again after that
}

var (
	errProjectionLost = errors.New("the projection was taken over, paused, resumed or rebuilt")
	errNotFree        = errors.New("the projection is not free")
)

func (p *projector) run(stop, handlers context.Context) {
	defer p.stepping.Wait()
	for r := p.takeOver(stop); r != nil; r = p.takeOver(stop) {
		r.run(stop, handlers)
	}
}

// takeOver waits until the projection is free, and claims it. It returns nil when stop ends first.
func (p *projector) takeOver(stop context.Context) *projectorRun {
	for failures := 0; ; {
		seen, next := p.board.view(p.Name)
		if now := p.board.now(); seen != nil && claimable(seen, p.board.owner, now) && !now.Before(p.notBefore) && p.steps.Load() == 0 {
			r, err := p.claim(stop, now)
			switch {
			case err == nil:
				p.config().Logger.InfoContext(stop, "ironflow: projecting", "projection", p.Name, "position", int64(r.stored))
				return r
			case stop.Err() == nil && !errors.Is(err, errNotFree):
				failures++
				p.config().Logger.ErrorContext(stop, "ironflow: taking over a projection failed", "projection", p.Name, "error", err)
				bound.Sleep(stop, p.config().Clock, backoff.Poll.Pause(failures))
			}
		}
		select {
		case <-next:
		case <-stop.Done():
			return nil
		}
	}
}

// claim fails with errNotFree when another process was faster.
func (p *projector) claim(ctx context.Context, now time.Time) (*projectorRun, error) {
	r := &projectorRun{projector: p}
	if p.Publisher != nil {
		r.publish = p.Publisher()
	}
	err := p.board.update(ctx, p.Name, func(s *store.ProjectionState) error {
		if !claimable(s, p.board.owner, now) {
			return errNotFree
		}
		crashed := s.Owner != "" && s.Owner != p.board.owner
		s.Token++
		s.Owner, s.LeaseUntil = p.board.owner, now.Add(p.config().Lease)
		r.token, r.stored, r.position, r.rebuild, r.careful = s.Token, s.Position, s.Position, s.Rebuild, 0
		if p.Publisher == nil && (crashed || s.Attempts > 0) {
			r.careful = p.BatchSize
		}
		return nil
	})
	return r, err
}

// claimable reports whether a process may take a projection over. It may when it has the lease itself: its last run has ended with a
// step whose outcome is not known.
//
// A lease that was extended at a time in the future does not count: the clock was set back since. A living owner extends it soon. If
// the owner loses the lease, its next step fails, as after any other takeover.
func claimable(s *store.ProjectionState, owner string, now time.Time) bool {
	free := s.Owner == "" || s.Owner == owner || !now.Before(s.LeaseUntil) || s.UpdatedAt.After(now.Add(maxClockSkew))
	return s.Status == store.ProjectionRunning && free
}

// maxClockSkew is by how much the clocks of processes may differ before one of them must be wrong.
const maxClockSkew = time.Minute

func (p *projector) config() *Config { return &p.board.config }

// step makes one step. It returns when the step does, or soon after Timeout or the end of ctx. A step that has not returned by then
// cannot commit.
func (p *projector) step(ctx context.Context, update store.ProjectionUpdate, step func(ctx context.Context, update store.ProjectionUpdate) error) error {
	update, end := bound.Abandonable(update)
	defer end()
	err := bound.Done(ctx, bound.Limit{Timeout: p.Timeout}, "Project", func(ctx context.Context) error {
		p.since.Store(time.Now().UnixMicro())
		p.steps.Add(1)
		p.stepping.Add(1)
		defer func() {
			p.steps.Add(-1)
			p.stepping.Done()
		}()
		return step(ctx, update)
	})
	if silent, is := usererr.OwnAs[*store.StoreTimeout](err); is {
		silent.Call, silent.Setting = "a step of the projection", "Projection.Timeout"
	}
	return err
}
