package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Projections lists the stored projections by name and cell, and says how far each is behind the feed.
func (a *Admin) Projections(ctx context.Context) ([]store.ProjectionInfo, error) {
	if a.cells == nil {
		list, err := a.projections.List(ctx)
		for i := range list {
			list[i].Cell = a.cell
		}
		return list, err
	}
	parts, err := inCells(ctx, a, func(ctx context.Context, c *Admin) ([]store.ProjectionInfo, error) { return c.Projections(ctx) })
	list := slices.Concat(parts...)
	slices.SortStableFunc(list, func(a, b store.ProjectionInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// order lets a projection of one store do something else.
func (a *Admin) order(ctx context.Context, operation, name string, order func(ctx context.Context, name string) error) error {
	if err := cmp.Or(a.oneStore(), a.mayChange(ctx)); err != nil {
		return err
	}
	return order(a.action(ctx, operation, "", name), name)
}

// PauseProjection stops a projection, in every process, until ResumeProjection. If the store has no projection with the name, the error
// is *store.UnknownProjection, as in the other methods for one projection. If the store stands for several cells, call these methods on what
// Cell returns.
func (a *Admin) PauseProjection(ctx context.Context, name string) error {
	return a.order(ctx, store.OpPauseProjection, name, a.projections.Pause)
}

// ResumeProjection restarts a projection that was paused, or that has stopped at an event. The event is tried again.
func (a *Admin) ResumeProjection(ctx context.Context, name string) error {
	return a.order(ctx, store.OpResumeProjection, name, a.projections.Resume)
}

// SkipProjectionEvent restarts a projection that has stopped at an event. The projection continues after that event. Pass the event's
// number, which is ProjectionInfo.StoppedAt.
func (a *Admin) SkipProjectionEvent(ctx context.Context, name string, event store.FeedPosition) error {
	return a.order(ctx, store.OpSkipEvent, name, func(ctx context.Context, name string) error { return a.projections.SkipEvent(ctx, name, event) })
}

// RebuildProjection makes the process that runs a projection reset it and apply all events again.
func (a *Admin) RebuildProjection(ctx context.Context, name string) error {
	return a.order(ctx, store.OpRebuildProjection, name, a.projections.Rebuild)
}
