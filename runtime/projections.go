package runtime

import (
	"context"
)

// Projections lists all projections by name: those of the engine, and those in the store that other or earlier programs ran.
func (e *Engine) Projections(ctx context.Context) ([]ProjectionInfo, error) {
	return e.projections.List(ctx)
}

// Projection returns one projection. For an unknown name the error is *UnknownProjection.
func (e *Engine) Projection(ctx context.Context, name string) (ProjectionInfo, error) {
	return e.projections.Info(ctx, name)
}

// PauseProjection pauses a projection, in whatever process it runs, until ResumeProjection. A batch in progress is rolled back.
func (e *Engine) PauseProjection(ctx context.Context, name string) error {
	return e.projections.Pause(ctx, name)
}

// ResumeProjection makes a projection run again that was paused or has stopped at an event. It tries the event again, with the
// full number of attempts.
func (e *Engine) ResumeProjection(ctx context.Context, name string) error {
	return e.projections.Resume(ctx, name)
}

// SkipProjectionEvent makes a projection that has stopped at an event go on after that event. Pass the event's global sequence,
// which is ProjectionInfo.StoppedAt, so that no other event is skipped by mistake.
func (e *Engine) SkipProjectionEvent(ctx context.Context, name string, event FeedPosition) error {
	return e.projections.SkipEvent(ctx, name, event)
}

// RebuildProjection makes a projection begin again: the process that runs it calls its Reset and sets the position back to the
// beginning, in one transaction. A projection that has stopped runs again; a paused one is rebuilt when it is resumed. Until the
// projection has caught up, its rows are incomplete.
func (e *Engine) RebuildProjection(ctx context.Context, name string) error {
	return e.projections.Rebuild(ctx, name)
}

// AwaitProjection waits until a projection has applied every event that was stored before the call. After an input was accepted,
// a caller waits this way until the rows of the projection show it. If the projection has stopped after errors, the error is
// *ProjectionHalted.
func (e *Engine) AwaitProjection(ctx context.Context, name string) error {
	return e.projections.Await(ctx, name)
}
