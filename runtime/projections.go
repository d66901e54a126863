package runtime

import (
	"context"
)

// Projections lists all projections by name: those of the engine and, from other programs or the past, those in the store.
func (e *Engine) Projections(ctx context.Context) ([]ProjectionInfo, error) {
	return e.projections.List(ctx)
}

// Projection returns one projection. An unknown name is *UnknownProjection.
func (e *Engine) Projection(ctx context.Context, name string) (ProjectionInfo, error) {
	return e.projections.Info(ctx, name)
}

// PauseProjection stops a projection from making progress, wherever it runs, until ResumeProjection. A batch that is under
// way is rolled back.
func (e *Engine) PauseProjection(ctx context.Context, name string) error {
	return e.projections.Pause(ctx, name)
}

// ResumeProjection lets a projection go on that was paused, or has stopped at an event. It tries the event again, with all of its
// attempts.
func (e *Engine) ResumeProjection(ctx context.Context, name string) error {
	return e.projections.Resume(ctx, name)
}

// SkipProjectionEvent lets a projection go on behind the event that it has stopped at. The event is named by its global
// sequence, ProjectionInfo.StoppedAt, so that nobody skips another event than the one that was looked at.
func (e *Engine) SkipProjectionEvent(ctx context.Context, name string, event FeedPosition) error {
	return e.projections.SkipEvent(ctx, name, event)
}

// RebuildProjection lets a projection begin again: the process that runs it calls its Reset and sets the position back to the
// beginning, in one transaction. One that has stopped runs again; one that is paused is rebuilt when it is resumed. Until
// the projection has caught up, what it writes is incomplete.
func (e *Engine) RebuildProjection(ctx context.Context, name string) error {
	return e.projections.Rebuild(ctx, name)
}

// AwaitProjection waits until a projection has applied every event that was stored when it was called, so that what it
// writes shows what the caller did. A projection that has stopped is *ProjectionHalted.
func (e *Engine) AwaitProjection(ctx context.Context, name string) error {
	return e.projections.Await(ctx, name)
}
