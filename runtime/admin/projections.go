package admin

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections lists the stored projections by name, and says how far each is behind the feed.
func (a *Admin) Projections(ctx context.Context) ([]store.ProjectionInfo, error) {
	return a.projections.List(ctx)
}

// PauseProjection stops a projection, in every process, until ResumeProjection. If the store has no projection with the name, the error
// is *store.UnknownProjection, as in the other methods for one projection.
func (a *Admin) PauseProjection(ctx context.Context, name string) error {
	return a.projections.Pause(a.action(ctx, store.OpPauseProjection, "", name), name)
}

// ResumeProjection restarts a projection that was paused, or that has stopped at an event. The event is tried again.
func (a *Admin) ResumeProjection(ctx context.Context, name string) error {
	return a.projections.Resume(a.action(ctx, store.OpResumeProjection, "", name), name)
}

// SkipProjectionEvent restarts a projection that has stopped at an event. The projection continues after that event. Pass the event's
// number, which is ProjectionInfo.StoppedAt.
func (a *Admin) SkipProjectionEvent(ctx context.Context, name string, event store.FeedPosition) error {
	return a.projections.SkipEvent(a.action(ctx, store.OpSkipEvent, "", name), name, event)
}

// RebuildProjection makes the process that runs a projection reset it and apply all events again.
func (a *Admin) RebuildProjection(ctx context.Context, name string) error {
	return a.projections.Rebuild(a.action(ctx, store.OpRebuildProjection, "", name), name)
}
