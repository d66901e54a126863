package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// ProjectionInfo is how a projection is doing.
type ProjectionInfo struct {
	ProjectionState

	// Behind is how many events are still to be looked at, at most: numbers that no event has are counted, too.
	Behind int64

	// Delay is the age of the oldest event that is still to be looked at, also while a stall keeps the feed from being read that
	// far; 0 when there is none.
	Delay time.Duration

	// Registered says that this engine has it and would run it.
	Registered bool
}

// UnknownProjection says that there is no projection of a name, neither with the engine nor in the store.
type UnknownProjection struct {
	Name  string
	Known []string
}

func (e *UnknownProjection) Error() string {
	known := "there are none"
	if len(e.Known) > 0 {
		known = "there are: " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("there is no projection %q (%s); put it into the Config.Projections of an engine", e.Name, known)
}

// ProjectionHalted says that a projection does not get where it was waited for.
type ProjectionHalted struct {
	Name      string
	StoppedAt FeedPosition
	LastError string
}

func (e *ProjectionHalted) Error() string {
	if e.StoppedAt == 0 {
		return fmt.Sprintf("projection %q has stopped: %s", e.Name, e.LastError)
	}
	return fmt.Sprintf("projection %q has stopped at event %d: %s", e.Name, e.StoppedAt, e.LastError)
}

// Projections lists all projections by name: those of the engine and, from other programs or the past, those in the store.
func (e *Engine) Projections(ctx context.Context) ([]ProjectionInfo, error) {
	states, err := e.projectionStates(ctx)
	if err != nil {
		return nil, err
	}
	return e.projectionInfos(ctx, states)
}

// Projection returns one of them. A name that is not known is *UnknownProjection.
func (e *Engine) Projection(ctx context.Context, name string) (ProjectionInfo, error) {
	states, err := e.projectionStates(ctx)
	if err != nil {
		return ProjectionInfo{}, err
	}
	i := slices.IndexFunc(states, func(s ProjectionState) bool { return s.Name == name })
	if i < 0 {
		return ProjectionInfo{}, e.unknownProjection(ctx, name)
	}
	list, err := e.projectionInfos(ctx, states[i:i+1])
	if err != nil {
		return ProjectionInfo{}, err
	}
	return list[0], nil
}

// projectionInfos finds out how far behind projections are.
func (e *Engine) projectionInfos(ctx context.Context, states []ProjectionState) ([]ProjectionInfo, error) {
	horizon, err := e.store.FeedHorizon(ctx)
	if err != nil {
		return nil, err
	}
	now := e.config.Clock.Now()
	list := make([]ProjectionInfo, 0, len(states))
	for _, s := range states {
		info := ProjectionInfo{ProjectionState: s, Registered: e.projections.find(s.Name) != nil}
		if info.Behind = max(int64(horizon.Newest-s.Position), 0); info.Behind > 0 {
			oldest, err := e.store.FirstEventAfter(ctx, s.Position)
			if err != nil {
				return nil, err
			}
			if !oldest.IsZero() {
				info.Delay = max(now.Sub(oldest), 0)
			}
		}
		list = append(list, info)
	}
	return list, nil
}

// projectionStates returns what is stored, and for those of the engine that have not run yet what will be.
func (e *Engine) projectionStates(ctx context.Context) ([]ProjectionState, error) {
	states, err := e.store.Projections(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range e.projections.names() {
		if !slices.ContainsFunc(states, func(s ProjectionState) bool { return s.Name == name }) {
			states = append(states, ProjectionState{Name: name, Status: ProjectionRunning})
		}
	}
	slices.SortFunc(states, func(a, b ProjectionState) int { return strings.Compare(a.Name, b.Name) })
	return states, nil
}

func (e *Engine) unknownProjection(ctx context.Context, name string) error {
	states, err := e.projectionStates(ctx)
	if err != nil {
		return err
	}
	unknown := &UnknownProjection{Name: name}
	for _, s := range states {
		unknown.Known = append(unknown.Known, s.Name)
	}
	return unknown
}

// PauseProjection stops a projection from making progress, wherever it runs, until ResumeProjection. A batch that is under
// way is taken back.
func (e *Engine) PauseProjection(ctx context.Context, name string) error {
	return e.orderProjection(ctx, name, func(s *ProjectionState) error {
		s.Status, s.StoppedAt = ProjectionPaused, 0
		return nil
	})
}

// ResumeProjection lets a projection go on that was paused, or has stopped at an event: it tries that again, with all its
// attempts.
func (e *Engine) ResumeProjection(ctx context.Context, name string) error {
	return e.orderProjection(ctx, name, func(s *ProjectionState) error {
		s.Status, s.StoppedAt, s.Attempts = ProjectionRunning, 0, 0
		return nil
	})
}

// SkipProjectionEvent lets a projection go on behind the event that it has stopped at. The event is named by its global
// sequence, ProjectionState.StoppedAt, so that nobody skips another one than he has looked at.
func (e *Engine) SkipProjectionEvent(ctx context.Context, name string, event FeedPosition) error {
	return e.orderProjection(ctx, name, func(s *ProjectionState) error {
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

// RebuildProjection lets a projection begin again: the process that runs it calls its Reset and sets the position back to the
// beginning, in one transaction. One that has stopped runs again; one that is paused is rebuilt when it is resumed. Until
// the projection has caught up, what it writes is incomplete.
func (e *Engine) RebuildProjection(ctx context.Context, name string) error {
	if p := e.projections.find(name); p != nil && p.reset == nil {
		return fmt.Errorf("ironflow: projection %q cannot be rebuilt: it has no Reset", name)
	}
	return e.orderProjection(ctx, name, func(s *ProjectionState) error {
		s.Rebuild, s.Attempts = true, 0
		if s.Status == ProjectionStopped {
			s.Status, s.StoppedAt = ProjectionRunning, 0
		}
		return nil
	})
}

// orderProjection changes what a projection is to do, and takes it from the process that runs it.
func (e *Engine) orderProjection(ctx context.Context, name string, order ProjectionUpdate) error {
	if err := checkArgument("the projection's name", name); err != nil {
		return err
	}
	states, err := e.store.Projections(ctx, name)
	if err != nil {
		return err
	}
	if len(states) == 0 && e.projections.find(name) == nil {
		return e.unknownProjection(ctx, name)
	}
	err = e.updateProjection(ctx, name, func(s *ProjectionState) error {
		if err := order(s); err != nil {
			return err
		}
		s.disown()
		return nil
	})
	if err != nil {
		return fmt.Errorf("ironflow: projection %q: %w", name, err)
	}
	e.projections.changed()
	return nil
}

func (e *Engine) updateProjection(ctx context.Context, name string, update ProjectionUpdate) error {
	return e.store.UpdateProjection(ctx, name, func(s *ProjectionState) error {
		if err := update(s); err != nil {
			return err
		}
		s.UpdatedAt, s.LastError = storedTime(e.config.Clock.Now()), usererr.Bound(s.LastError)
		return nil
	})
}

// AwaitProjection waits until a projection has applied every event that was stored when it was called, so that what it
// writes shows what the caller did. A projection that has stopped is *ProjectionHalted.
func (e *Engine) AwaitProjection(ctx context.Context, name string) error {
	if err := checkArgument("the projection's name", name); err != nil {
		return err
	}
	horizon, err := e.store.FeedHorizon(ctx)
	if err != nil {
		return err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		states, err := e.store.Projections(ctx, name)
		switch {
		case err != nil:
			return err
		case len(states) == 0 && e.projections.find(name) == nil:
			return e.unknownProjection(ctx, name)
		case len(states) == 0:
		case states[0].Status == ProjectionStopped:
			return &ProjectionHalted{name, states[0].StoppedAt, states[0].LastError}
		case !states[0].Rebuild && states[0].Position >= horizon.Newest:
			return nil
		}
		sleep(ctx, systemClock{}, wait)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ironflow: waiting for projection %q: %w", name, err)
		}
	}
}
