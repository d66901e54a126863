package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// Pause stops a projection until Resume.
func (b *projectionBoard) Pause(ctx context.Context, name string) error {
	return b.order(ctx, name, func(s *ProjectionState) error {
		s.Status, s.StoppedAt = ProjectionPaused, 0
		return nil
	})
}

// Resume lets a projection go on that was paused or has stopped.
func (b *projectionBoard) Resume(ctx context.Context, name string) error {
	return b.order(ctx, name, func(s *ProjectionState) error {
		s.Status, s.StoppedAt, s.Attempts = ProjectionRunning, 0, 0
		return nil
	})
}

// SkipEvent lets a projection go on behind the event that it has stopped at.
func (b *projectionBoard) SkipEvent(ctx context.Context, name string, event FeedPosition) error {
	return b.order(ctx, name, func(s *ProjectionState) error {
		switch {
		case s.Status != ProjectionStopped || s.StoppedAt == 0:
			return fmt.Errorf("it is %s and has not stopped at an event", s.Status)
		case s.StoppedAt != event:
			return fmt.Errorf("it has stopped at event %d, not at %d", s.StoppedAt, event)
		}
		s.Position = event
		s.Skipped++
		s.Status, s.StoppedAt, s.Attempts, s.LastError = ProjectionRunning, 0, 0, ""
		return nil
	})
}

// Rebuild has a projection reset by its owner before anything else.
func (b *projectionBoard) Rebuild(ctx context.Context, name string) error {
	if p := b.find(name); p != nil && p.Reset == nil {
		return fmt.Errorf("ironflow: projection %q cannot be rebuilt: it has no Reset", name)
	}
	return b.order(ctx, name, func(s *ProjectionState) error {
		s.Rebuild, s.Attempts = true, 0
		if s.Status == ProjectionStopped {
			s.Status, s.StoppedAt = ProjectionRunning, 0
		}
		return nil
	})
}

// order changes what a projection is to do, and takes the projection from its owner, which would not notice.
func (b *projectionBoard) order(ctx context.Context, name string, change ProjectionUpdate) error {
	if err := checkArgument("the projection's name", name); err != nil {
		return err
	}
	if _, err := b.stored(ctx, name); err != nil {
		return err
	}
	err := b.update(ctx, name, func(s *ProjectionState) error {
		if err := change(s); err != nil {
			return err
		}
		disown(s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ironflow: projection %q: %w", name, err)
	}
	b.announce()
	return nil
}

// disown ends the lease. A step that the owner is making fails.
func disown(s *ProjectionState) {
	s.Token++
	s.Owner, s.LeaseUntil = "", time.Time{}
}

// update changes the stored state of a projection.
func (b *projectionBoard) update(ctx context.Context, name string, update ProjectionUpdate) error {
	return b.store.UpdateProjection(ctx, name, func(s *ProjectionState) error {
		if err := update(s); err != nil {
			return err
		}
		s.UpdatedAt, s.LastError = b.now(), usererr.Bound(s.LastError)
		return nil
	})
}

// Await waits until a projection has applied every event that is stored now. One that has stopped is *ProjectionHalted.
func (b *projectionBoard) Await(ctx context.Context, name string) error {
	if err := checkArgument("the projection's name", name); err != nil {
		return err
	}
	horizon, err := b.store.FeedHorizon(ctx)
	if err != nil {
		return err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		state, err := b.stored(ctx, name)
		switch {
		case err != nil:
			return err
		case state == nil:
		case state.Status == ProjectionStopped:
			return &ProjectionHalted{name, state.StoppedAt, state.LastError}
		case !state.Rebuild && state.Position >= horizon.Newest:
			return nil
		}
		if !sleep(ctx, systemClock{}, wait) {
			return fmt.Errorf("ironflow: waiting for projection %q: %w", name, ctx.Err())
		}
	}
}
