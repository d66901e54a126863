package delivery

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// floors are the times before which no delivery of a kind is due, as far as this process knows. Claims begin there.
//
// Otherwise a claim would begin at the oldest entry of its index. In a PostgreSQL database, entries of deliveries that are done stay in
// the index for as long as somebody holds a snapshot that may still see them, and each claim would walk over all of them.
//
// A delivery can become due before the floor: its transaction took long, the clock of the process that made it is behind, a transaction
// that had locked it was rolled back, or a pause ended. What this process makes lowers the floor. For the rest, claims begin somewhat
// before the floor, and lookBack finds what is due before that.
type floors struct {
	mu      sync.Mutex
	at      map[store.Kind]time.Time // a kind that is not in it has no floor
	highest time.Time                // no floor is higher
	margin  time.Duration            // how far before the floor a claim begins

	claims  int       // under way
	lowered time.Time // the lowest time given to lower since the first of them began; zero for none
}

const (
	// minMargin covers the time from a decision to its commit.
	minMargin = 250 * time.Millisecond

	// maxMargin is how far the margin grows while deliveries become due before it, as those of a process whose clock is behind do.
	maxMargin = 10 * time.Second
)

func newFloors() *floors { return &floors{at: make(map[store.Kind]time.Time), margin: minMargin} }

// begin returns where a claim of kinds begins that is made at now. end follows it.
func (f *floors) begin(kinds []store.Kind, now time.Time) map[store.Kind]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.claims == 0 {
		f.lowered = time.Time{}
	}
	f.claims++
	return f.from(slices.Values(kinds), now)
}

func (f *floors) from(kinds func(yield func(store.Kind) bool), now time.Time) map[store.Kind]time.Time {
	from := make(map[store.Kind]time.Time)
	for kind := range kinds {
		if at, known := f.at[kind]; known {
			if at.After(now) { // the clock was set back
				at = now
			}
			from[kind] = at.Add(-f.margin)
		}
	}
	return from
}

// end says up to which times a claim has found everything. What was lowered meanwhile stays low: the claim may not have seen it.
func (f *floors) end(reached map[store.Kind]time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims--
	for kind, t := range reached {
		if !f.lowered.IsZero() && f.lowered.Before(t) {
			t = f.lowered
		}
		if t.After(f.at[kind]) {
			f.at[kind] = t
		}
		if t.After(f.highest) {
			f.highest = t
		}
	}
}

// lower says that something of one of the kinds has been due since a time. Without kinds it may be of any kind.
func (f *floors) lower(t time.Time, kinds ...store.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.claims > 0 && (f.lowered.IsZero() || t.Before(f.lowered)) {
		f.lowered = t
	}
	if !t.Before(f.highest) {
		return
	}
	for kind, at := range f.at {
		if t.Before(at) && (len(kinds) == 0 || slices.Contains(kinds, kind)) {
			f.at[kind] = t
		}
	}
	if len(kinds) == 0 {
		f.highest = t
	}
}

// reset removes all floors.
func (f *floors) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.at)
	f.highest = time.Time{}
	if f.claims > 0 {
		f.lowered = time.Unix(0, 0)
	}
}

// known returns where claims of the kinds that have a floor would begin now.
func (f *floors) known(now time.Time) map[store.Kind]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.from(maps.Keys(f.at), now)
}

// late says since when something has been due that lookBack has found.
func (f *floors) late(oldest map[store.Kind]time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.margin = max(minMargin, f.margin*9/10)
	for kind, t := range oldest {
		if by := f.at[kind].Sub(t); by > 0 && by <= maxMargin {
			f.margin = min(max(f.margin, 2*by), maxMargin)
		}
		if t.Before(f.at[kind]) {
			f.at[kind] = t
		}
		if f.claims > 0 && (f.lowered.IsZero() || t.Before(f.lowered)) {
			f.lowered = t
		}
	}
}

// Pauses between two looks back. A look is cheap unless somebody holds a snapshot. Then looks take at most a fiftieth of the time.
const (
	lookBackInterval = time.Second
	lookBackLongest  = time.Minute
	lookBackSoon     = 20 * time.Millisecond // the shortest, after news
	lookBackShare    = 50
)

// lookBack finds, until the run is stopped, what has become due before the floors, and blocked deliveries that this process may know. It looks
// each second, or each PollInterval if that is longer. After a look that took long it pauses 50 times as long, but at most a minute. After news from
// other processes it looks as soon as that share of the time allows. On a store that says when something becomes due, the worker sees for itself
// what is due before the floors; after the first look, lookBack waits for news, or for maxIdle.
func (r *workerRun) lookBack() {
	interval := max(lookBackInterval, r.config.PollInterval)
	for pause := lookBackSoon; ; {
		if !bound.Sleep(r.stop, store.SystemClock{}, pause) {
			return
		}
		if rest := interval - pause; rest > 0 {
			select {
			case <-r.stop.Done():
				return
			case <-r.news:
			case <-time.After(rest):
			}
		}
		began := time.Now()
		r.lookBackOnce()
		r.retryBlocked()
		if bound.Has[store.DueTimes](r.store) {
			interval = max(interval, maxIdle)
		}
		pause = min(max(lookBackShare*time.Since(began), lookBackSoon), lookBackLongest)
	}
}

func (r *workerRun) lookBackOnce() {
	floors := r.floors.known(store.StoredTime(r.config.Clock.Now()))
	if len(floors) == 0 {
		return
	}
	oldest, err := r.queue.LookBack(r.stop, floors)
	if err != nil {
		if r.stop.Err() == nil {
			r.config.Logger.ErrorContext(r.stop, "ironflow: the search for late deliveries failed", "queue", string(r.name), "error", err)
		}
		return
	}
	r.floors.late(oldest)
	if len(oldest) > 0 {
		r.alarm.set(r.config.Clock.Now())
	}
}

// lookSoon makes lookBack look soon: another process has news, but does not say of which kind.
func (w *worker) lookSoon() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}
