package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// job is what an attempt is counted for.
type job struct {
	name  string             // in errors
	event store.FeedPosition // 0 for a reset
}

var resetJob = job{name: "the reset for a rebuild"}

func eventJob(e store.StoredEvent) job {
	return job{fmt.Sprintf("event %d (%s of %s, version %d)", e.GlobalSequence, e.Type, e.Instance, e.Version), e.Position()}
}

// apply makes one step over the events of a page.
func (r *projectorRun) apply(reading, ctx context.Context, page store.FeedPage) course {
	attempt := 0
	first, last := page.Events[0], page.Events[len(page.Events)-1]
	if r.careful > 0 {
		var instead course
		if attempt, instead = r.countAttempt(reading, ctx, eventJob(first)); attempt == 0 {
			return instead
		}
	}
	start := telemetry.ProjectionStart{Projection: r.Name, Events: len(page.Events), Position: last.Position()}
	err := r.try(ctx, start, func(s *store.ProjectionState) {
		s.Position, s.EventAt = page.Next, last.RecordedAt
		s.Attempts, s.LastError = 0, ""
	}, func(ctx context.Context, update store.ProjectionUpdate) error {
		return r.Apply(ctx, page.Events, update)
	})
	if r.steps.Load() > 0 {
		return r.abandon(ctx, err)
	}
	if err == nil {
		r.stored, r.position, r.saved = page.Next, page.Next, time.Now()
		r.careful, r.leftToNewer, r.conflicts = max(r.careful-1, 0), 0, 0
		return goOn
	}
	if r.careful > 0 {
		return r.failed(reading, ctx, attempt, eventJob(first), err)
	}
	if lost(ctx, err) {
		return leave
	}
	if usererr.OwnIs(err, store.ErrConflict) && r.conflicts < maxConflicts {
		r.conflicts++
		bound.Sleep(reading, store.SystemClock{}, backoff.Conflict.Pause(r.conflicts))
		return goOn
	}
	r.config().Logger.WarnContext(ctx, "ironflow: a batch of a projection failed; its events are applied one by one",
		"projection", r.Name, "position", int64(r.stored), "events", len(page.Events), "error", err)
	r.careful = len(page.Events)
	return goOn
}

// maxConflicts is how many conflicts in a row are no fault of the events. After that they count as failed attempts.
const maxConflicts = 30

// reset makes the step that begins a projection again.
func (r *projectorRun) reset(reading, ctx context.Context) course {
	attempt, instead := r.countAttempt(reading, ctx, resetJob)
	if attempt == 0 {
		return instead
	}
	if r.Reset == nil {
		return r.stopAt(reading, ctx, 0, errors.New("the projection cannot be rebuilt: it has no Reset"))
	}
	err := r.try(ctx, telemetry.ProjectionStart{Projection: r.Name, Reset: true}, func(s *store.ProjectionState) {
		s.Position, s.EventAt, s.Skipped, s.Rebuild = 0, time.Time{}, 0, false
		s.Attempts, s.LastError = 0, ""
	}, r.Reset)
	if r.steps.Load() > 0 {
		return r.abandon(ctx, err)
	}
	if err != nil {
		return r.failed(reading, ctx, attempt, resetJob, err)
	}
	r.config().Logger.InfoContext(ctx, "ironflow: a projection was reset; it is rebuilt from the beginning", "projection", r.Name)
	r.stored, r.position, r.saved, r.rebuild, r.careful, r.conflicts = 0, 0, time.Now(), false, 0, 0
	if r.Publisher != nil {
		r.publish = r.Publisher()
	}
	return goOn
}

// try makes one step, which changes the stored state, and reports it.
func (r *projectorRun) try(
	ctx context.Context, start telemetry.ProjectionStart, change func(*store.ProjectionState),
	step func(ctx context.Context, update store.ProjectionUpdate) error,
) error {
	stepCtx, report := r.config().startStep(ctx, start)
	r.begin(r.Timeout)
	err := r.step(stepCtx, r.fromStored(change), step)
	r.returned(err)
	report(err)
	return err
}

// startStep tells the telemetry of a step. It returns the context of the step, and what reports its end.
func (c *Config) startStep(run context.Context, start telemetry.ProjectionStart) (step context.Context, report func(error)) {
	if c.Telemetry == nil {
		return run, func(error) {}
	}
	began := time.Now()
	step, end := c.Telemetry.StartProjection(run, start)
	return step, func(err error) {
		if end != nil {
			end(telemetry.ProjectionEnd{Duration: time.Since(began), Err: err, Lost: err != nil && lost(run, err)})
		}
	}
}

// countAttempt counts an attempt before it is made. Without one left, it stops the projection. The attempt is 0 when none is to be
// made now; instead says what to do instead.
func (r *projectorRun) countAttempt(reading, ctx context.Context, j job) (attempt int, instead course) {
	exhausted, lastError := false, ""
	err := r.save(ctx, func(s *store.ProjectionState) {
		exhausted, lastError = s.Attempts >= r.Retry.MaxAttempts, s.LastError
		if !exhausted {
			s.Attempts++
		}
		attempt = s.Attempts
	})
	switch {
	case err != nil && lost(ctx, err):
		return 0, leave
	case err != nil:
		return 0, r.pauseAfter(reading, "counting an attempt of a projection failed", err)
	case exhausted:
		return 0, r.stopAt(reading, ctx, j.event, fmt.Errorf(
			"%s: gave up after %d attempts; the last one did not report back: its process crashed, or lost its lease. Last error: %s",
			j.name, r.Retry.MaxAttempts, lastError))
	}
	return attempt, goOn
}

// failed settles an attempt that was counted and has failed: it pauses before the next one, or stops the projection.
func (r *projectorRun) failed(reading, ctx context.Context, attempt int, j job, err error) course {
	_, unknown := usererr.Find[*workflow.UnknownEvent](err)
	_, permanent := usererr.Find[*usererr.Permanent](err)
	retryAfter, later := usererr.Find[*usererr.RetryAfter](err)
	described := fmt.Errorf("%s: %w", j.name, err)
	pause := r.Retry.PauseAfter(attempt)
	uncount := 0
	switch {
	case usererr.OwnIs(err, errProjectionLost):
		return leave
	case ctx.Err() != nil, usererr.OwnIs(err, store.ErrConflict) && r.conflicts < maxConflicts, bound.IsUnavailable(err): // no fault of the event
		r.conflicts++
		uncount, described = 1, nil
		pause = backoff.Conflict.Pause(r.conflicts)
	case unknown:
		return r.leaveToNewer(ctx, described)
	case permanent, attempt >= r.Retry.MaxAttempts:
		return r.stopAt(reading, ctx, j.event, fmt.Errorf("attempt %d of %d: %w", attempt, r.Retry.MaxAttempts, described))
	case later:
		pause = max(retryAfter.Pause, 0)
	}
	storeErr := r.save(context.WithoutCancel(ctx), func(s *store.ProjectionState) {
		s.Attempts = max(s.Attempts-uncount, 0)
		if described != nil {
			s.LastError = described.Error()
		}
	})
	if lost(ctx, storeErr) {
		return leave
	}
	if storeErr != nil {
		r.pauseAfter(reading, "storing the failure of a projection failed", storeErr)
	}
	if described != nil {
		r.config().Logger.WarnContext(ctx, "ironflow: a step of a projection failed", "projection", r.Name, "position", int64(r.stored),
			"attempt", attempt, "retry_at", r.board.now().Add(pause), "error", described)
	}
	r.begin(pause)
	bound.Sleep(reading, r.config().Clock, pause)
	return goOn
}

// abandon gives up a step that does not return, and with it the projection. The step cannot commit any more.
func (r *projectorRun) abandon(ctx context.Context, reason error) course {
	if ctx.Err() != nil { // the run has ended anyway
		return leave
	}
	r.config().Logger.ErrorContext(ctx, "ironflow: a step of a projection does not return; the projection is left to other processes until it does",
		"projection", r.Name, "position", int64(r.stored), "error", reason)
	err := r.save(context.WithoutCancel(ctx), func(s *store.ProjectionState) {
		s.Attempts, s.LastError = max(s.Attempts, 1), reason.Error() // so that the next owner is careful
	})
	if err != nil && !lost(ctx, err) {
		r.config().Logger.ErrorContext(ctx, "ironflow: storing the failure of a projection failed", "projection", r.Name, "error", err)
	}
	return leave
}

// stopAt stops the projection at an event, or at none, until an operator resumes it. If that cannot be stored, the run goes on.
func (r *projectorRun) stopAt(reading, ctx context.Context, at store.FeedPosition, reason error) course {
	err := r.save(context.WithoutCancel(ctx), func(s *store.ProjectionState) {
		s.Status, s.StoppedAt, s.LastError = store.ProjectionStopped, at, reason.Error()
		disown(s)
	})
	if err != nil && !lost(ctx, err) {
		return r.pauseAfter(reading, "stopping a projection failed", err)
	}
	if err == nil {
		r.config().Logger.ErrorContext(ctx, "ironflow: projection stopped; fix the cause and resume it, or skip the event",
			"projection", r.Name, "position", int64(r.stored), "stopped_at", int64(at), "error", reason)
		r.board.announce()
	}
	return leave
}

// leaveToNewer leaves the projection to a process that knows the event. A newer program has written it, so the attempt does not count.
func (r *projectorRun) leaveToNewer(ctx context.Context, reason error) course {
	r.leftToNewer++
	pause := newerBackoff.Pause(r.leftToNewer)
	r.notBefore = r.board.now().Add(pause)
	r.config().Logger.WarnContext(ctx, "ironflow: a projection is left to newer programs", "projection", r.Name,
		"position", int64(r.stored), "retry_at", r.notBefore, "error", reason)
	err := r.save(context.WithoutCancel(ctx), func(s *store.ProjectionState) {
		s.Attempts, s.LastError = 0, reason.Error()
	})
	if err != nil && !lost(ctx, err) {
		r.config().Logger.ErrorContext(ctx, "ironflow: leaving a projection to newer programs failed", "projection", r.Name, "error", err)
	}
	return leave
}

// newerBackoff leaves others enough time to see that the projection is free.
var newerBackoff = backoff.Backoff{Base: 4 * time.Second, Max: time.Minute}
