package runtime

import (
	"context"
	"errors"
	"fmt"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"sync"
	"sync/atomic"
	"time"
)

// projector runs one projection, as long as no other process does.
//
// It takes the projection over when its lease is free or has run out, and then applies batch after batch. Correctness
// rests on what is compared in the transaction of each of them: the fencing token, the position, and that the projection is
// to run at all. The lease only keeps two processes from doing the same work.
type projector struct {
	*boundProjection
	board *projectionBoard

	// notBefore is when to try for it again, after it was left to others.
	notBefore time.Time
	yields    int
}

// errProjectionLost says that the projection is somebody else's now, or is not to run.
var errProjectionLost = errors.New("the projection was taken over, or is to do something else")

// errNotFree says that there was nothing to take over.
var errNotFree = errors.New("the projection is not free")

func (p *projector) run(stop, handlers context.Context) {
	defer p.stepping.Wait()
	for {
		state, clean, ok := p.takeOver(stop)
		if !ok {
			return
		}
		r := &projectorRun{projector: p, token: state.Token, stored: state.Position, position: state.Position, rebuild: state.Rebuild}
		if !clean || state.Attempts > 0 {
			r.careful = p.batchSize
		}
		r.begin(p.config().StoreTimeout)
		r.run(stop, handlers)
	}
}

// takeOver waits until the projection can be had, and takes it. It reports whether the owner before has ended well, or has
// been this process.
func (p *projector) takeOver(stop context.Context) (state ProjectionState, clean, ok bool) {
	for failures := 0; ; {
		seen, known, looked := p.board.state(p.name)
		if now := p.now(); known && claimable(&seen, p.board.owner, now) && !now.Before(p.notBefore) && p.steps.Load() == 0 {
			err := p.update(stop, func(s *ProjectionState) error {
				if !claimable(s, p.board.owner, now) {
					return errNotFree
				}
				clean = s.Owner == "" || s.Owner == p.board.owner
				s.Token++
				s.Owner, s.LeaseUntil = p.board.owner, now.Add(p.config().Lease)
				state = *s
				return nil
			})
			switch {
			case err == nil:
				p.config().Logger.InfoContext(stop, "ironflow: projecting", "projection", p.name, "position", int64(state.Position))
				return state, clean, true
			case stop.Err() == nil && !errors.Is(err, errNotFree):
				failures++
				p.config().Logger.ErrorContext(stop, "ironflow: taking over a projection failed", "projection", p.name, "error", err)
				sleep(stop, p.config().Clock, pollBackoff.Pause(failures))
			}
		}
		select {
		case <-looked:
		case <-stop.Done():
			return state, false, false
		}
	}
}

// claimable reports whether a process may take a projection over. Its own lease is no hindrance: it is what is left of a step
// whose outcome was not known.
//
// A lease that was extended at a time in the future does not count: the clock was set back since. An owner that lives extends
// it soon. If the owner loses the lease, its next step fails, as after any other takeover.
func claimable(s *ProjectionState, owner string, now time.Time) bool {
	free := s.Owner == "" || s.Owner == owner || !now.Before(s.LeaseUntil) || s.UpdatedAt.After(now.Add(maxClockSkew))
	return s.Status == ProjectionRunning && free
}

// maxClockSkew is by how much the clocks of processes may differ before one of them must be wrong.
const maxClockSkew = time.Minute

func (p *projector) config() *Config { return &p.board.engine.config }

func (p *projector) now() time.Time { return storedTime(p.config().Clock.Now()) }

// update changes the stored state.
func (p *projector) update(ctx context.Context, update ProjectionUpdate) error {
	return p.board.engine.updateProjection(ctx, p.name, update)
}

// projectorRun is the time during which this process has the projection.
type projectorRun struct {
	*projector
	token    int64
	stored   FeedPosition // that the state has
	position FeedPosition // that was read up to; ahead of stored when what came was not wanted
	server   string       // that answered last
	saved    time.Time    // when the position was stored last
	rebuild  bool

	// careful counts the events that are to be taken one by one, each with its attempt counted before it is made. A batch
	// that fails does not say which event is to blame, nor does one that ends its process.
	careful int

	failures  int // of reading, in a row
	conflicts int // in a row

	failing bool         // the last thing that the run did has failed
	until   atomic.Int64 // when what the run does now is to be over at the latest, in ns since 1970
}

// begin says that the run begins something that takes at most d. After a failure this is no progress.
func (r *projectorRun) begin(d time.Duration) {
	if !r.failing {
		r.until.Store(time.Now().Add(d + 2*storeGrace).UnixNano())
	}
}

// end says that it is over.
func (r *projectorRun) end(err error) { r.failing = err != nil }

// progresses reports whether the run has done lately what it began. Its lease is renewed only then.
func (r *projectorRun) progresses() bool { return time.Now().UnixNano() < r.until.Load() }

// save is update as a part of the run's work.
func (r *projectorRun) save(ctx context.Context, update ProjectionUpdate) error {
	r.begin(r.config().StoreTimeout)
	err := r.update(ctx, update)
	r.end(err)
	return err
}

// run projects until stop ends or the projection is lost, and gives it back.
func (r *projectorRun) run(stop, handlers context.Context) {
	ctx, cancel := context.WithCancelCause(handlers)
	var beating sync.WaitGroup
	beating.Go(func() { r.beat(ctx, cancel) })
	reading, stopReading := context.WithCancel(stop)
	defer context.AfterFunc(ctx, stopReading)()
	r.project(reading, ctx)
	stopReading()
	cancel(nil)
	beating.Wait()
	r.release()
}

// beat keeps the lease until ctx ends, and cancels it when the projection is lost.
func (r *projectorRun) beat(ctx context.Context, cancel context.CancelCauseFunc) {
	config := r.config()
	next, silent := config.Clock.After(config.Lease/3), false
	for {
		seen, known, looked := r.board.state(r.name)
		if known && seen.Token > r.token {
			cancel(errProjectionLost)
		}
		select {
		case <-ctx.Done():
			return
		case <-looked:
			continue
		case <-next:
			next = config.Clock.After(config.Lease / 3)
		}
		if !r.progresses() {
			if !silent {
				silent = true
				config.Logger.ErrorContext(ctx, "ironflow: a projection makes no progress; its lease is not renewed, so that others take over",
					"projection", r.name)
			}
			continue
		}
		silent = false
		err := r.update(ctx, r.own(func(s *ProjectionState) {}))
		switch {
		case usererr.OwnIs(err, errProjectionLost):
			cancel(err)
		case err != nil && ctx.Err() == nil:
			config.Logger.ErrorContext(ctx, "ironflow: heartbeat of a projection failed", "projection", r.name, "error", err)
		}
	}
}

// own makes an update that is only made while the projection is this run's, and extends the lease.
func (r *projectorRun) own(change func(*ProjectionState)) ProjectionUpdate {
	return func(s *ProjectionState) error {
		if s.Token != r.token || s.Status != ProjectionRunning {
			return errProjectionLost
		}
		now := r.now()
		s.LeaseUntil, s.UpdatedAt = now.Add(r.config().Lease), now
		change(s)
		return nil
	}
}

// step is own for what moves the position.
func (r *projectorRun) step(change func(*ProjectionState)) ProjectionUpdate {
	own := r.own(change)
	return func(s *ProjectionState) error {
		if s.Position != r.stored {
			return errProjectionLost
		}
		return own(s)
	}
}

// project reads and applies until reading ends. What it applies has until the end of ctx to finish.
func (r *projectorRun) project(reading, ctx context.Context) {
	for reading.Err() == nil {
		if r.rebuild {
			if !r.reset(reading, ctx) {
				return
			}
			continue
		}
		r.begin(r.config().StoreTimeout)
		page, err := r.read(reading)
		r.end(err)
		if back := (*FeedSetBack)(nil); errors.As(err, &back) {
			if !r.stopAt(reading, ctx, 0, err) {
				return
			}
			continue
		}
		if err != nil {
			r.pauseAfter(reading, "reading the feed for a projection failed", err)
			continue
		}
		r.failures = 0
		if len(page.Events) > 0 {
			if !r.apply(reading, ctx, page) {
				return
			}
			continue
		}
		r.position = page.Next
		if !r.idle(reading, page) {
			return
		}
	}
}

// read reads on. When another server answers, or the same one after a restart, what was passed by since the stored position is read
// again: the numbers may have been given to other events. The stored position itself is part of what the server keeps.
func (r *projectorRun) read(ctx context.Context) (FeedPage, error) {
	page, err := r.board.engine.store.EventsSince(ctx, r.position, r.limit(), r.filters...)
	if err != nil {
		return page, err
	}
	if r.server != "" && page.Server != r.server && r.position != r.stored {
		r.position = r.stored
		page, err = r.board.engine.store.EventsSince(ctx, r.position, r.limit(), r.filters...)
	}
	r.server = page.Server
	return page, err
}

func (r *projectorRun) limit() int {
	if r.careful > 0 {
		return 1
	}
	return r.batchSize
}

// pauseAfter lets some time pass after a failure of the store.
func (r *projectorRun) pauseAfter(reading context.Context, message string, err error) {
	if reading.Err() != nil {
		return
	}
	r.failures++
	r.config().Logger.ErrorContext(reading, "ironflow: "+message, "projection", r.name, "failures", r.failures, "error", err)
	sleep(reading, r.config().Clock, pollBackoff.Pause(r.failures))
}

// idle waits when there is nothing to read. A position that only passes by what is not wanted is stored now and then. It
// returns false when the projection is lost.
func (r *projectorRun) idle(reading context.Context, page FeedPage) bool {
	unsaved := r.position != r.stored
	if unsaved && time.Since(r.saved) >= r.board.interval {
		position := r.position
		err := r.save(reading, r.step(func(s *ProjectionState) { s.Position = position }))
		switch {
		case usererr.OwnIs(err, errProjectionLost):
			return false
		case err != nil:
			r.pauseAfter(reading, "storing the position of a projection failed", err)
			return true
		}
		r.stored, r.saved, unsaved = position, time.Now(), false
	}
	if page.Next < page.Settled {
		return true
	}
	wait := r.config().Lease // then the next read shows whether the store still answers
	if unsaved {
		wait = r.board.interval
	}
	r.begin(wait)
	reading, cancel := context.WithTimeout(reading, wait)
	defer cancel()
	r.board.engine.feed.wait(reading, page.Looked)
	return true
}

// apply makes one step. It returns false when the run has ended.
func (r *projectorRun) apply(reading, ctx context.Context, page FeedPage) bool {
	attempt := 0
	if r.careful > 0 {
		var goOn bool
		if attempt, goOn = r.countAttempt(reading, ctx, page.Events[0].describe(), page.Events[0].Position()); !goOn || attempt == 0 {
			return goOn
		}
	}
	last := page.Events[len(page.Events)-1]
	stepCtx, report := r.config().startProjection(ctx, ProjectionStart{Projection: r.name, Events: len(page.Events), Position: last.Position()})
	r.begin(r.bound.timeout)
	err := r.boundProjection.apply(stepCtx, page.Events, r.step(func(s *ProjectionState) {
		s.Position, s.EventAt = page.Next, last.RecordedAt
		s.Attempts, s.LastError = 0, ""
	}))
	r.end(err)
	report(err, err != nil && over(ctx, err))
	if r.steps.Load() > 0 {
		return r.leave(ctx, err)
	}
	if err == nil {
		r.stored, r.position, r.saved = page.Next, page.Next, time.Now()
		r.careful, r.yields, r.conflicts = max(r.careful-1, 0), 0, 0
		return true
	}
	if r.careful > 0 {
		return r.failed(reading, ctx, attempt, page.Events[0].describe(), page.Events[0].Position(), err)
	}
	if over(ctx, err) {
		return false
	}
	if usererr.OwnIs(err, ErrConflict) && r.conflicts < maxConflicts {
		r.conflicts++
		sleep(reading, systemClock{}, conflictBackoff.Pause(r.conflicts))
		return true
	}
	r.config().Logger.WarnContext(ctx, "ironflow: a batch of a projection failed, its events are taken one by one",
		"projection", r.name, "position", int64(r.stored), "events", len(page.Events), "error", err)
	r.careful = len(page.Events)
	return true
}

// maxConflicts is how many conflicts in a row are no fault of the events. A projector that meets one in each step is told of it, and stops.
const maxConflicts = 30

// over reports whether a step failed because the run is.
func over(ctx context.Context, err error) bool {
	return usererr.OwnIs(err, errProjectionLost) || ctx.Err() != nil
}

// countAttempt counts an attempt before it is made. Without one left, it stops the projection. The attempt is 0 when it could
// not be counted; the run has ended when goOn is false.
func (r *projectorRun) countAttempt(reading, ctx context.Context, what string, at FeedPosition) (attempt int, goOn bool) {
	exhausted, lastError := false, ""
	err := r.save(ctx, r.step(func(s *ProjectionState) {
		exhausted, lastError = s.Attempts >= r.retry.MaxAttempts, s.LastError
		if !exhausted {
			s.Attempts++
		}
		attempt = s.Attempts
	}))
	switch {
	case err != nil && over(ctx, err):
		return 0, false
	case err != nil:
		r.pauseAfter(reading, "counting an attempt of a projection failed", err)
		return 0, true
	case exhausted:
		return 0, r.stopAt(reading, ctx, at, fmt.Errorf(
			"%s: gave up after %d attempts; the last one did not report back: its process crashed, or lost its lease. Last error: %s",
			what, r.retry.MaxAttempts, lastError))
	}
	return attempt, true
}

// failed says what becomes of an attempt that was counted and failed. It returns false when the run has ended.
func (r *projectorRun) failed(reading, ctx context.Context, attempt int, what string, at FeedPosition, err error) bool {
	_, unknown := usererr.Find[*UnknownEvent](err)
	_, permanent := usererr.Find[*usererr.Permanent](err)
	retryAfter, later := usererr.Find[*usererr.RetryAfter](err)
	described := fmt.Errorf("%s: %w", what, err)
	pause := r.retry.delay(attempt)
	uncount := 0
	switch {
	case usererr.OwnIs(err, errProjectionLost):
		return false
	case ctx.Err() != nil, usererr.OwnIs(err, ErrConflict) && r.conflicts < maxConflicts, isUnavailable(err): // no fault of the event
		r.conflicts++
		uncount, described = 1, nil
		pause = conflictBackoff.Pause(attempt)
	case unknown:
		return r.yield(ctx, described)
	case permanent, attempt >= r.retry.MaxAttempts:
		return r.stopAt(reading, ctx, at, fmt.Errorf("attempt %d of %d: %w", attempt, r.retry.MaxAttempts, described))
	case later:
		pause = max(retryAfter.Pause, 0)
	}
	storeErr := r.save(context.WithoutCancel(ctx), r.step(func(s *ProjectionState) {
		s.Attempts = max(s.Attempts-uncount, 0)
		if described != nil {
			s.LastError = described.Error()
		}
	}))
	if over(ctx, storeErr) {
		return false
	}
	if storeErr != nil {
		r.pauseAfter(reading, "storing the failure of a projection failed", storeErr)
	}
	if described != nil {
		r.config().Logger.WarnContext(ctx, "ironflow: a projection failed", "projection", r.name, "position", int64(r.stored),
			"attempt", attempt, "retry_at", r.now().Add(pause), "error", described)
	}
	r.begin(pause)
	sleep(reading, r.config().Clock, pause)
	return true
}

// leave gives up a step that does not return, and with it the projection: whatever the step still does, it cannot commit. The run
// is over.
func (r *projectorRun) leave(ctx context.Context, reason error) bool {
	if ctx.Err() != nil { // the run has ended anyway
		return false
	}
	r.config().Logger.ErrorContext(ctx, "ironflow: a step of a projection does not return; the projection is left to other processes until it does",
		"projection", r.name, "position", int64(r.stored), "error", reason)
	err := r.save(context.WithoutCancel(ctx), r.step(func(s *ProjectionState) {
		s.Attempts, s.LastError = max(s.Attempts, 1), reason.Error() // whoever takes it over is careful
	}))
	if err != nil && !over(ctx, err) {
		r.config().Logger.ErrorContext(ctx, "ironflow: storing the failure of a projection failed", "projection", r.name, "error", err)
	}
	return false
}

// stopAt stops the projection until somebody looks at it. It returns false: the run has ended; or true when that could not be
// stored.
func (r *projectorRun) stopAt(reading, ctx context.Context, at FeedPosition, reason error) bool {
	err := r.save(context.WithoutCancel(ctx), r.step(func(s *ProjectionState) {
		s.Status, s.StoppedAt, s.LastError = ProjectionStopped, at, reason.Error()
		s.disown()
	}))
	if err != nil && !over(ctx, err) {
		r.pauseAfter(reading, "stopping a projection failed", err)
		return true
	}
	if err == nil {
		r.config().Logger.ErrorContext(ctx, "ironflow: projection stopped, skip the event or resume when it is mended",
			"projection", r.name, "position", int64(r.stored), "stopped_at", int64(at), "error", reason)
		r.board.changed()
	}
	return false
}

// disown ends the lease, and whatever its holder still does.
func (s *ProjectionState) disown() {
	s.Token++
	s.Owner, s.LeaseUntil = "", time.Time{}
}

// yield leaves the projection to a process that knows the event: it was written by a newer program, which is not a
// mistake of the event.
func (r *projectorRun) yield(ctx context.Context, reason error) bool {
	r.yields++
	pause := yieldBackoff.delay(r.yields)
	r.notBefore = r.now().Add(pause)
	r.config().Logger.WarnContext(ctx, "ironflow: a projection is left to newer programs", "projection", r.name,
		"position", int64(r.stored), "retry_at", r.notBefore, "error", reason)
	err := r.save(context.WithoutCancel(ctx), r.step(func(s *ProjectionState) {
		s.Attempts, s.LastError = 0, reason.Error()
	}))
	if err != nil && !over(ctx, err) {
		r.config().Logger.ErrorContext(ctx, "ironflow: leaving a projection failed", "projection", r.name, "error", err)
	}
	return false
}

// yieldBackoff leaves others enough time to see that the projection is free.
var yieldBackoff = RetryPolicy{Base: 4 * time.Second, Max: time.Minute}

// reset begins again. It returns false when the run has ended.
func (r *projectorRun) reset(reading, ctx context.Context) bool {
	const what = "the reset for a rebuild"
	attempt, goOn := r.countAttempt(reading, ctx, what, 0)
	if attempt == 0 {
		return goOn
	}
	if r.boundProjection.reset == nil {
		return r.stopAt(reading, ctx, 0, errors.New("the projection cannot be rebuilt: it has no Reset"))
	}
	stepCtx, report := r.config().startProjection(ctx, ProjectionStart{Projection: r.name, Reset: true})
	r.begin(r.bound.timeout)
	err := r.boundProjection.reset(stepCtx, r.step(func(s *ProjectionState) {
		s.Position, s.EventAt, s.Skipped, s.Rebuild = 0, time.Time{}, 0, false
		s.Attempts, s.LastError = 0, ""
	}))
	r.end(err)
	report(err, err != nil && over(ctx, err))
	if r.steps.Load() > 0 {
		return r.leave(ctx, err)
	}
	if err != nil {
		return r.failed(reading, ctx, attempt, what, 0, err)
	}
	r.config().Logger.InfoContext(ctx, "ironflow: projection reset, it is rebuilt from the beginning", "projection", r.name)
	r.stored, r.position, r.saved, r.rebuild, r.careful = 0, 0, time.Now(), false, 0
	return true
}

// release gives the projection back, so that others need not wait for the end of the lease.
func (r *projectorRun) release() {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	err := r.update(ctx, func(s *ProjectionState) error {
		if s.Token != r.token {
			return errProjectionLost
		}
		s.Owner, s.LeaseUntil = "", time.Time{}
		return nil
	})
	switch {
	case err == nil:
		r.board.changed()
	case !usererr.OwnIs(err, errProjectionLost):
		r.config().Logger.WarnContext(ctx, "ironflow: giving a projection back failed; others wait for the end of its lease",
			"projection", r.name, "error", err)
	}
}

// describe names an event in errors.
func (e *StoredEvent) describe() string {
	return fmt.Sprintf("event %d (%s of %s, version %d)", e.GlobalSequence, e.Type, e.Instance, e.Version)
}
