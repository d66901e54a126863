package project

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Pause stops a projection until Resume.
func (b *Board) Pause(ctx context.Context, name string) error {
	return b.order(ctx, store.OpPauseProjection, name, func(s *store.ProjectionState) error {
		s.Status, s.StoppedAt = store.ProjectionPaused, 0
		return nil
	})
}

// Resume lets a projection go on that was paused or has stopped.
func (b *Board) Resume(ctx context.Context, name string) error {
	return b.order(ctx, store.OpResumeProjection, name, func(s *store.ProjectionState) error {
		s.Status, s.StoppedAt, s.Attempts = store.ProjectionRunning, 0, 0
		return nil
	})
}

// SkipEvent lets a projection go on behind the event that it has stopped at.
func (b *Board) SkipEvent(ctx context.Context, name string, event store.FeedPosition) error {
	return b.order(ctx, store.OpSkipEvent, name, func(s *store.ProjectionState) error {
		switch {
		case s.Status != store.ProjectionStopped || s.StoppedAt == 0:
			return &store.InvalidArgument{Argument: "the event", Problem: fmt.Sprintf("cannot be skipped: the projection is %s and has not stopped at an event", s.Status)}
		case s.StoppedAt != event:
			return &store.InvalidArgument{Argument: "the event", Problem: fmt.Sprintf("is %d, and the projection has stopped at %d; pass ProjectionInfo.StoppedAt", event, s.StoppedAt)}
		}
		s.Position = event
		s.Skipped++
		s.Status, s.StoppedAt, s.Attempts, s.LastError = store.ProjectionRunning, 0, 0, ""
		return nil
	})
}

// Rebuild has a projection reset by its owner before anything else.
func (b *Board) Rebuild(ctx context.Context, name string) error {
	if p := b.find(name); p != nil && p.Reset == nil {
		return fmt.Errorf("ironflow: projection %q cannot be rebuilt: it has no Reset; set Projection.Reset", name)
	}
	return b.order(ctx, store.OpRebuildProjection, name, func(s *store.ProjectionState) error {
		s.Rebuild, s.Attempts = true, 0
		if s.Status == store.ProjectionStopped {
			s.Status, s.StoppedAt = store.ProjectionRunning, 0
		}
		return nil
	})
}

// order changes what a projection is to do, and takes the projection from its owner, which would not notice.
//
// The audit log gets a record of it, which names the operator of the context, or otherwise this process.
func (b *Board) order(ctx context.Context, operation, name string, change store.ProjectionUpdate) error {
	if err := cmp.Or(store.CheckArgument("the projection's name", name), store.CheckArgument("the operator", store.OperatorOf(ctx))); err != nil {
		return err
	}
	if _, err := b.stored(ctx, name); err != nil {
		return err
	}
	now := b.now()
	ctx = store.WithAudit(ctx, store.AuditRecord{
		At: now, EndedAt: now, By: cmp.Or(store.OperatorOf(ctx).By, b.config.Name), Operation: operation, Target: name,
	})
	err := b.update(ctx, name, func(s *store.ProjectionState) error {
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
func disown(s *store.ProjectionState) {
	s.Token++
	s.Owner, s.LeaseUntil = "", time.Time{}
}

// update changes the stored state of a projection.
func (b *Board) update(ctx context.Context, name string, update store.ProjectionUpdate) error {
	return b.store.UpdateProjection(ctx, name, func(s *store.ProjectionState) error {
		if err := update(s); err != nil {
			return err
		}
		s.UpdatedAt, s.LastError = b.now(), usererr.Bound(s.LastError)
		return nil
	})
}

// Await waits until a projection has applied every event that is stored now. One that has stopped is *store.ProjectionHalted.
func (b *Board) Await(ctx context.Context, name string) error {
	if err := store.CheckArgument("the projection's name", name); err != nil {
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
		case state.Status == store.ProjectionStopped:
			return &store.ProjectionHalted{Name: name, StoppedAt: state.StoppedAt, LastError: state.LastError}
		case !state.Rebuild && state.Position >= horizon.Newest:
			return nil
		}
		if !bound.Sleep(ctx, store.SystemClock{}, wait) {
			return fmt.Errorf("ironflow: waiting for projection %q: %w", name, ctx.Err())
		}
	}
}
