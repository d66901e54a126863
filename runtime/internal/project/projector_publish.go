package project

import (
	"context"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// pageAhead is a page that is read while the events before it are published.
type pageAhead struct {
	after store.FeedPosition
	read  chan struct{} // closed when page and err are set
	page  store.FeedPage
	err   error
}

// readAhead begins to read the page after another one if there is more to read.
func (r *projectorRun) readAhead(reading context.Context, page store.FeedPage) {
	if page.Next >= page.Settled {
		return
	}
	a := &pageAhead{after: page.Next, read: make(chan struct{})}
	r.ahead = a
	go func() {
		defer close(a.read)
		a.page, a.err = r.readAfter(reading, a.after)
	}()
}

// takeAhead waits for the page that is read ahead. It returns false if there is none, or if the page does not follow the position on the
// same server.
func (r *projectorRun) takeAhead() (store.FeedPage, bool) {
	a := r.ahead
	if a == nil {
		return store.FeedPage{}, false
	}
	r.ahead = nil
	<-a.read
	return a.page, a.err == nil && a.after == r.position && a.page.Server == r.server
}

// publishPage makes one step that publishes the events of a page, and stores the position of the last event that was stored elsewhere.
// Meanwhile the next page is read.
func (r *projectorRun) publishPage(reading, ctx context.Context, page store.FeedPage) course {
	events := page.Events
	start := telemetry.ProjectionStart{Projection: r.Name, Events: len(events), Position: events[len(events)-1].Position()}
	done, moved, position := 0, false, r.stored
	r.readAhead(reading, page)
	err := r.try(ctx, start, func(s *store.ProjectionState) {
		s.Position, s.EventAt = position, events[done-1].RecordedAt
		s.Attempts, s.LastError = 0, ""
	}, func(ctx context.Context, update store.ProjectionUpdate) error {
		publishing, cancel := context.WithTimeout(ctx, r.Timeout*3/4) // so that time is left to store how far it came
		defer cancel()
		var failed error
		done, failed = r.publish(publishing, events)
		if done > 0 {
			if position = page.Next; done < len(events) {
				position = events[done-1].Position()
			}
			if err := r.board.update(ctx, r.Name, update); err != nil {
				return err
			}
			moved = true
		}
		return failed
	})
	switch {
	case r.steps.Load() > 0:
		return r.abandon(ctx, err)
	case moved:
		r.stored, r.position, r.saved = position, position, time.Now()
		r.refused = 0
	}
	if err == nil {
		r.conflicts = 0
		return goOn
	}
	return r.publishFailed(reading, ctx, eventJob(events[min(done, len(events)-1)]), err)
}

// publishFailed stores why events could not be published, and pauses, or stops the projection at an event that cannot be published.
//
// After some failures in a row without progress, the projection is left to another process for a while: the system may be out of reach
// of this process only.
func (r *projectorRun) publishFailed(reading, ctx context.Context, j job, err error) course {
	if lost(ctx, err) {
		return leave
	}
	described := fmt.Errorf("%s: %w", j.name, err)
	if _, permanent := usererr.Find[*usererr.Permanent](err); permanent {
		return r.stopAt(reading, ctx, j.event, described)
	}
	r.refused++
	pause := r.Retry.PauseAfter(r.refused)
	if later, is := usererr.Find[*usererr.RetryAfter](err); is {
		pause = max(later.Pause, 0)
	}
	storeErr := r.save(context.WithoutCancel(ctx), func(s *store.ProjectionState) {
		s.Attempts, s.LastError = s.Attempts+1, described.Error()
	})
	if lost(ctx, storeErr) {
		return leave
	}
	if storeErr != nil {
		return r.pauseAfter(reading, "storing the failure of a projection failed", storeErr)
	}
	r.config().Logger.WarnContext(ctx, "ironflow: a step of a projection failed", "projection", r.Name, "position", int64(r.stored),
		"attempt", r.refused, "retry_at", r.board.now().Add(pause), "error", described)
	if r.refused >= refusedBeforeLeaving {
		r.notBefore = r.board.now().Add(pause)
		return leave
	}
	r.begin(pause)
	bound.Sleep(reading, r.config().Clock, pause)
	return goOn
}

// refusedBeforeLeaving is after how many failures in a row a projection that publishes is left to other processes.
const refusedBeforeLeaving = 8
