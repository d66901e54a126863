package admin

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections lists the stored projections by name, with how far behind they are.
func (a *Admin) Projections(ctx context.Context) ([]store.ProjectionInfo, error) {
	return a.projections.List(ctx)
}

// PauseProjection stops a projection, in every process, until ResumeProjection. A name that is not stored is *store.UnknownProjection, here
// and below.
func (a *Admin) PauseProjection(ctx context.Context, name string) error {
	return a.projections.Pause(ctx, name)
}

// ResumeProjection starts a projection again that was paused, or has stopped at an event. It tries that event again.
func (a *Admin) ResumeProjection(ctx context.Context, name string) error {
	return a.projections.Resume(ctx, name)
}

// SkipProjectionEvent starts a projection again after the event that it has stopped at, which ProjectionInfo.StoppedAt names.
func (a *Admin) SkipProjectionEvent(ctx context.Context, name string, event store.FeedPosition) error {
	return a.projections.SkipEvent(ctx, name, event)
}

// RebuildProjection has the process that runs a projection reset it, and apply all events again.
func (a *Admin) RebuildProjection(ctx context.Context, name string) error {
	return a.projections.Rebuild(ctx, name)
}
