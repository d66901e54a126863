package delivery

import (
	"slices"
	"sync"
	"time"
)

// alarm keeps the times at which to wake, at most the maxAlarms earliest. Polling finds what is due at later ones.
type alarm struct {
	mu    sync.Mutex
	times []time.Time // sorted
	ring  chan struct{}
}

const maxAlarms = 128

func (a *alarm) set(t time.Time) {
	a.mu.Lock()
	at, known := slices.BinarySearchFunc(a.times, t, time.Time.Compare)
	if !known && at < maxAlarms {
		a.times = slices.Insert(a.times[:min(len(a.times), maxAlarms-1)], at, t)
	}
	a.mu.Unlock()
	if at == 0 && !known {
		select {
		case a.ring <- struct{}{}:
		default:
		}
	}
}

func (a *alarm) next() (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.times) == 0 {
		return time.Time{}, false
	}
	return a.times[0], true
}

// clear drops the times up to now.
func (a *alarm) clear(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	to, _ := slices.BinarySearchFunc(a.times, now.Add(1), time.Time.Compare)
	a.times = slices.Delete(a.times, 0, to)
}
