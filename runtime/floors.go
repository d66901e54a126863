package runtime

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// floors are the times before which nothing of a kind is due any more, as far as this process knows. Claims begin there.
//
// A claim would otherwise begin at the oldest entry of the claim's index. The entries of deliveries that are done stay in the index of
// a PostgreSQL database for as long as somebody holds a snapshot in which they were not, and each claim would walk over all of them.
//
// A delivery can come to be due behind a floor: when its transaction took long, when the clock of the process that made it is
// behind, when a transaction that had it locked is rolled back, when a pause ends. What this process makes lowers the floor. For
// the rest, claims begin somewhat before the floor, and lookBack finds what is behind that.
type floors struct {
	mu      sync.Mutex
	at      map[Kind]time.Time // all kinds that are not in it have everything ahead
	highest time.Time          // no floor is higher
	margin  time.Duration

	claims  int       // under way
	lowered time.Time // the lowest time given to lower since the first of them began; zero for none
}

const (
	// minMargin is how far before the floor a claim begins. It covers the time from a decision to its commit.
	minMargin = 250 * time.Millisecond

	// maxMargin is how far that grows while deliveries keep coming behind it, as they do from a process with a clock that is behind.
	maxMargin = 10 * time.Second
)

func newFloors() *floors { return &floors{at: make(map[Kind]time.Time), margin: minMargin} }

// begin returns where claims of kinds begin that are made at now. Each is followed by end.
func (f *floors) begin(kinds []Kind, now time.Time) map[Kind]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.claims == 0 {
		f.lowered = time.Time{}
	}
	f.claims++
	return f.from(slices.Values(kinds), now)
}

func (f *floors) from(kinds func(yield func(Kind) bool), now time.Time) map[Kind]time.Time {
	from := make(map[Kind]time.Time)
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

// end says how far a claim has come. What was lowered meanwhile, which it may not have seen, stays below.
func (f *floors) end(reached map[Kind]time.Time) {
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

// lower says that something is due since a time, of one of some kinds; of any kind when none is given.
func (f *floors) lower(t time.Time, kinds ...Kind) {
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

// reset has the next claims look at everything.
func (f *floors) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.at)
	f.highest = time.Time{}
	if f.claims > 0 {
		f.lowered = time.Unix(0, 0)
	}
}

// known returns where claims of all kinds would begin now, without those that would look at everything.
func (f *floors) known(now time.Time) map[Kind]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.from(maps.Keys(f.at), now)
}

// late says what lookBack has found behind the floors.
func (f *floors) late(oldest map[Kind]time.Time) {
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

// Pauses between two looks back. A look costs nothing to speak of, unless somebody holds a snapshot; then looks take a fiftieth of
// the time.
const (
	lookBackInterval = time.Second
	lookBackLongest  = time.Minute
	lookBackSoon     = 20 * time.Millisecond // at least, after news
	lookBackShare    = 50
)

// lookBack finds, until stop ends, what has come to be due behind the floors: within a second, or within 50 times as long as a look takes
// if that is longer, but within a minute. After news from other processes it looks as soon as that share of the time allows.
func (r *workerRun) lookBack(stop context.Context) {
	for pause := lookBackSoon; ; {
		if !sleepReal(stop, pause) {
			return
		}
		if rest := lookBackInterval - pause; rest > 0 {
			select {
			case <-stop.Done():
				return
			case <-r.news:
			case <-time.After(rest):
			}
		}
		began := time.Now()
		r.lookBackOnce(stop)
		pause = min(max(lookBackShare*time.Since(began), lookBackSoon), lookBackLongest)
	}
}

func sleepReal(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (r *workerRun) lookBackOnce(stop context.Context) {
	floors := r.floors.known(storedTime(r.config.Clock.Now()))
	if len(floors) == 0 {
		return
	}
	oldest, err := r.queue.LookBack(stop, floors)
	if err != nil {
		if stop.Err() == nil {
			r.config.Logger.ErrorContext(stop, "ironflow: looking for late work failed", "queue", string(r.name), "error", err)
		}
		return
	}
	r.floors.late(oldest)
	if len(oldest) > 0 {
		r.alarm.set(r.config.Clock.Now())
	}
}

// lookSoon has lookBack look: there is news of which this process knows no more.
func (w *worker) lookSoon() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}
