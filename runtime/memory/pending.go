package memory

import "time"

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
			for _, d := range waiting {
				switch {
				case q == s.effects:
					effects++
				case !d.lease.OfSchedule():
					timers++
				}
			}
		}
	}
	return effects, timers, next
}
