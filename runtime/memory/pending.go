package memory

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// NextDue implements [store.DueTimes].
func (s *Store) NextDue(ctx context.Context, queue store.QueueName, kinds []store.Kind) (next time.Time, err error) {
	err = s.read(ctx, "next due", func() error {
		q, err := s.queue(queue)
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			if waiting := q.kinds[kind]; len(waiting) > 0 && (next.IsZero() || waiting[0].runAt.Before(next)) {
				next = waiting[0].runAt
			}
		}
		return nil
	})
	return next, err
}

// Pending returns how many effects and timers wait or are being handled, and when the next of them is due or its lease ends; the zero
// time for none. Dead letters and schedules count neither as effects nor as timers, but a schedule can be due next. It is for tests that move time.
func (s *Store) Pending() (effects, timers int, next time.Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, q := range []*queue{s.effects, s.timers} {
		for _, waiting := range q.kinds {
			if first := waiting[0].runAt; next.IsZero() || first.Before(next) {
				next = first
			}
			switch {
			case q == s.effects:
				effects += len(waiting)
			case !waiting[0].lease.OfSchedule(): // no kind has both
				timers += len(waiting)
			}
		}
	}
	return effects, timers, next
}
