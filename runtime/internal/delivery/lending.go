package delivery

import (
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// lending gives free handlers of a worker to deliveries that are born leased: that a commit of this process makes, and that nobody needs to
// claim, see store.NewLease. Each has its handler before it is stored.
//
// What waits comes first. While older deliveries are known to wait, at most three quarters of the handlers are lent, and none to a kind of a lower
// priority than one that waits; claims have the others. So a worker with one handler keeps the order of its deliveries. While nothing is known
// to wait, claims take at most half of the handlers, so that commits find some.
type lending struct {
	mu   sync.Mutex
	run  *workerRun // nil before the first run
	open bool       // handlers can be lent
	out  int        // handlers that are lent
	owed int        // of these, how many are to come from deliveries that a commit is about to end

	// waiting are the kinds of which older deliveries wait, as far as this process knows: a claim has found as many as it had asked
	// for, or a commit of this process had no handler for one. The number is how many claims had begun by then. A claim that begins
	// later, and finds fewer than it asks for, shows that nothing waits any more.
	waiting map[store.Kind]uint64
	claims  uint64 // how many have begun

	paused map[string]time.Time // workflows whose leases were refused, and until when they are not asked for again
}

// pausedPause is for how long a worker leases nothing of a workflow after the store has refused to.
const pausedPause = time.Second

func (l *lending) begin(r *workerRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.run, l.open, l.out, l.owed = r, true, 0, 0
	l.waiting, l.paused = make(map[store.Kind]uint64), make(map[string]time.Time)
}

func (l *lending) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = false
}

// lend reserves a handler for a delivery of a kind that is about to be stored: a free one, or one that has returned, whose result is stored by
// the same commit. returned is how many of the latter there are. If lend returns true, takeBack or handOver follows. It lends nothing to a kind
// that has limits, as only a claim keeps them.
func (w *worker) lend(kind store.Kind, returned *int) bool {
	l := &w.lending
	l.mu.Lock()
	defer l.mu.Unlock()
	route, known := w.routes[kind]
	if !known || route.limit != nil || !l.open || l.run.stop.Err() != nil || time.Now().Before(l.paused[kind.Workflow]) {
		return false
	}
	for other := range l.waiting {
		if l.out >= w.slots*3/4 || w.routes[other].priority > route.priority {
			return false
		}
	}
	select {
	case l.run.busy <- struct{}{}:
	default:
		if *returned == 0 {
			return false
		}
		*returned--
		l.owed++
	}
	l.out++
	l.run.serving.Add(1)
	return true
}

// takeBack ends a loan.
func (w *worker) takeBack() {
	l := &w.lending
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out--
	l.free()
	l.run.serving.Done()
}

// free frees a handler, or keeps it for a delivery that waits for one which has returned.
func (l *lending) free() {
	if l.owed > 0 {
		l.owed--
	} else {
		<-l.run.busy
	}
}

// isFree frees a handler of a claim.
func (l *lending) isFree() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free()
}

// isPaused says that the store has refused to lease deliveries of a workflow.
func (w *worker) isPaused(workflow string) {
	l := &w.lending
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused != nil {
		l.paused[workflow] = time.Now().Add(pausedPause)
	}
}

// handOver serves those of the deliveries that are in the worker's queue. They are stored under leases until a time.
func (w *worker) handOver(deliveries []store.Delivery, until time.Time) {
	l := &w.lending
	l.mu.Lock()
	r := l.run
	l.mu.Unlock()
	for _, d := range deliveries {
		if d.Lease.Queue != w.name {
			continue
		}
		s := r.shift(d, until)
		go func() {
			defer w.takeBack()
			// A commit may have taken so long that the lease ends before the first heartbeat.
			if now := store.StoredTime(w.config.Clock.Now()); until.Sub(now) <= w.config.Lease/2 {
				r.end(s, settledBy(released(d, now)))
				return
			}
			r.serve(s)
		}()
	}
}

// waits says that a delivery of a kind waits since a time, and makes the worker claim then.
func (w *worker) waits(kind store.Kind, since time.Time) {
	if _, known := w.routes[kind]; known {
		l := &w.lending
		l.mu.Lock()
		if l.open {
			l.waiting[kind] = l.claims
		}
		l.mu.Unlock()
	}
	w.wakeAt(since)
}

// claimBegins notes that a claim begins. claimEnds takes its number.
func (l *lending) claimBegins() (number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claims++
	return l.claims
}

// claimEnds notes whether a claim of kinds has found as many deliveries as it asked for.
func (l *lending) claimEnds(number uint64, kinds []store.Kind, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, kind := range kinds {
		if full {
			l.waiting[kind] = l.claims
		} else if since, waits := l.waiting[kind]; waits && since < number {
			delete(l.waiting, kind)
		}
	}
}

// forClaims returns how many of a worker's handlers a claim may take.
func (l *lending) forClaims(slots int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		return slots
	}
	return (slots + 1) / 2
}
