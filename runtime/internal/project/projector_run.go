package project

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// projectorRun is the time during which this process has the projection.
type projectorRun struct {
	*projector
	token    int64
	stored   store.FeedPosition // the position that is stored
	position store.FeedPosition // read up to here; ahead of stored after events that the filters do not accept
	server   string             // that answered last
	saved    time.Time          // when the position was stored last
	rebuild  bool               // reset before anything else
	publish  Publish            // nil unless the projection publishes
	ahead    *pageAhead         // nil for none

	// careful is how many events are applied one by one, each with its attempt counted beforehand: when a batch fails, or ends its
	// process, it is not known which event is to blame.
	careful int

	failures  int // of reading, in a row
	refused   int // failures of publish without progress, in a row
	conflicts int // in a row

	failing bool         // the last call has failed
	until   atomic.Int64 // when the current call has to return, in ns since 1970
}

// course says how a run continues.
type course int

const (
	goOn  course = iota
	leave        // the run has ended: the projection was lost, has stopped, or is left to other processes
)

// run projects until stop ends or the projection is lost, and releases it.
func (r *projectorRun) run(stop, handlers context.Context) {
	ctx, cancel := context.WithCancelCause(handlers)
	r.begin(r.config().StoreTimeout)
	var beating sync.WaitGroup
	beating.Go(func() { r.beat(ctx, cancel) })
	reading, stopReading := context.WithCancel(stop)
	defer context.AfterFunc(ctx, stopReading)()
	for reading.Err() == nil && r.advance(reading, ctx) == goOn {
	}
	stopReading()
	r.takeAhead()
	cancel(nil)
	beating.Wait()
	r.release()
}

// begin notes that a call begins which takes at most d. Repeating a call that has failed is no progress.
func (r *projectorRun) begin(d time.Duration) {
	if !r.failing {
		r.until.Store(time.Now().Add(d + 2*bound.StoreGrace).UnixNano())
	}
}

// returned notes that the call has returned.
func (r *projectorRun) returned(err error) { r.failing = err != nil }

// progresses reports whether the run makes progress. The lease is renewed only then.
func (r *projectorRun) progresses() bool { return time.Now().UnixNano() < r.until.Load() }

// beat keeps the lease until ctx ends, and cancels ctx when the projection is lost.
func (r *projectorRun) beat(ctx context.Context, cancel context.CancelCauseFunc) {
	config := r.config()
	due, silent := config.Clock.After(config.Lease/3), false
	for {
		seen, next := r.board.view(r.Name)
		if seen != nil && seen.Token > r.token {
			cancel(errProjectionLost)
		}
		select {
		case <-ctx.Done():
			return
		case <-next:
			continue
		case <-due:
			due = config.Clock.After(config.Lease / 3)
		}
		if !r.progresses() {
			if !silent {
				silent = true
				config.Logger.ErrorContext(ctx, "ironflow: a projection makes no progress; its lease is not renewed, so that another process takes over",
					"projection", r.Name)
			}
			continue
		}
		silent = false
		err := r.board.update(ctx, r.Name, r.asOwner(func(s *store.ProjectionState) {}))
		switch {
		case usererr.OwnIs(err, errProjectionLost):
			cancel(err)
		case err != nil && ctx.Err() == nil:
			config.Logger.ErrorContext(ctx, "ironflow: heartbeat of a projection failed", "projection", r.Name, "error", err)
		}
	}
}

// asOwner makes an update that fails unless the projection is this run's. It extends the lease.
func (r *projectorRun) asOwner(change func(*store.ProjectionState)) store.ProjectionUpdate {
	return func(s *store.ProjectionState) error {
		if s.Token != r.token || s.Status != store.ProjectionRunning {
			return errProjectionLost
		}
		now := r.board.now()
		s.LeaseUntil, s.UpdatedAt = now.Add(r.config().Lease), now
		change(s)
		return nil
	}
}

// fromStored is asOwner for what moves the position.
func (r *projectorRun) fromStored(change func(*store.ProjectionState)) store.ProjectionUpdate {
	owned := r.asOwner(change)
	return func(s *store.ProjectionState) error {
		if s.Position != r.stored {
			return errProjectionLost
		}
		return owned(s)
	}
}

// save changes the stored state outside of a step.
func (r *projectorRun) save(ctx context.Context, change func(*store.ProjectionState)) error {
	r.begin(r.config().StoreTimeout)
	err := r.board.update(ctx, r.Name, r.fromStored(change))
	r.returned(err)
	return err
}

// lost reports whether a call has failed because the run has lost the projection, or is to end.
func lost(ctx context.Context, err error) bool {
	return usererr.OwnIs(err, errProjectionLost) || ctx.Err() != nil
}

// advance reads a page and applies it, or resets the projection. Reading ends with reading, steps with ctx.
func (r *projectorRun) advance(reading, ctx context.Context) course {
	if r.rebuild {
		return r.reset(reading, ctx)
	}
	r.begin(r.config().StoreTimeout)
	page, err := r.read(reading)
	r.returned(err)
	if back := (*store.FeedSetBack)(nil); errors.As(err, &back) {
		return r.stopAt(reading, ctx, 0, err)
	}
	if err != nil {
		return r.pauseAfter(reading, "reading the feed for a projection failed", err)
	}
	r.failures = 0
	switch {
	case len(page.Events) > 0 && r.publish != nil:
		return r.publishPage(reading, ctx, page)
	case len(page.Events) > 0:
		return r.apply(reading, ctx, page)
	}
	r.position = page.Next
	return r.idle(reading, page)
}

// read reads on. When another server answers, or the same one after a restart, it reads from the stored position: the numbers after it
// may have been given to other events. The stored position itself cannot be ahead of the server, which stores it.
func (r *projectorRun) read(ctx context.Context) (store.FeedPage, error) {
	if page, is := r.takeAhead(); is {
		return page, nil
	}
	page, err := r.readAfter(ctx, r.position)
	if err != nil {
		return page, err
	}
	if r.server != "" && page.Server != r.server && r.position != r.stored {
		r.position = r.stored
		page, err = r.readAfter(ctx, r.position)
	}
	r.server = page.Server
	return page, err
}

func (r *projectorRun) readAfter(ctx context.Context, position store.FeedPosition) (store.FeedPage, error) {
	if r.publish != nil {
		ctx = bound.WithoutPersonal(ctx)
	}
	return r.board.store.EventsSince(ctx, position, r.batchSize(), r.Filters...)
}

func (r *projectorRun) batchSize() int {
	if r.careful > 0 {
		return 1
	}
	return r.BatchSize
}

// pauseAfter logs a failure of the store, and pauses.
func (r *projectorRun) pauseAfter(reading context.Context, message string, err error) course {
	if reading.Err() != nil {
		return goOn
	}
	r.failures++
	r.config().Logger.ErrorContext(reading, "ironflow: "+message, "projection", r.Name, "failures", r.failures, "error", err)
	bound.Sleep(reading, r.config().Clock, backoff.Poll.Pause(r.failures))
	return goOn
}

// idle waits for events. When only events that the filters do not accept were read, it stores the position now and then.
func (r *projectorRun) idle(reading context.Context, page store.FeedPage) course {
	unsaved := r.position != r.stored
	if unsaved && time.Since(r.saved) >= r.board.interval {
		position := r.position
		err := r.save(reading, func(s *store.ProjectionState) { s.Position = position })
		switch {
		case usererr.OwnIs(err, errProjectionLost):
			return leave
		case err != nil:
			return r.pauseAfter(reading, "storing the position of a projection failed", err)
		}
		r.stored, r.saved, unsaved = position, time.Now(), false
	}
	if page.Next < page.Settled {
		return goOn
	}
	wait := r.config().Lease // after that, a read shows whether the store still answers
	if unsaved {
		wait = r.board.interval
	}
	r.begin(wait)
	reading, cancel := context.WithTimeout(reading, wait)
	defer cancel()
	r.board.feed.wait(reading, page.Looked)
	return goOn
}

// releaseTimeout is how long giving the projection back may take when the engine stops.
const releaseTimeout = 5 * time.Second

// release ends the lease, so that other processes need not wait for its end.
func (r *projectorRun) release() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	err := r.board.update(ctx, r.Name, func(s *store.ProjectionState) error {
		if s.Token != r.token {
			return errProjectionLost
		}
		s.Owner, s.LeaseUntil = "", time.Time{}
		return nil
	})
	switch {
	case err == nil:
		r.board.announce()
	case !usererr.OwnIs(err, errProjectionLost):
		r.config().Logger.WarnContext(ctx, "ironflow: giving a projection back failed; other processes wait until its lease ends",
			"projection", r.Name, "error", err)
	}
}
