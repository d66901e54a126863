package delivery

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// claimStep is one question to the store: for kinds without limits that follow each other in priority, or for one kind with
// limits.
type claimStep struct {
	kinds    []store.Kind
	priority map[store.Kind]int
	limited  *limitedKind

	mu       sync.Mutex
	asking   bool      // a claim is under way
	failures int       // in a row
	retryAt  time.Time // after a failure
}

// limitedKind is a kind whose limits count what this process has of it.
type limitedKind struct {
	kind   store.Kind
	limit  *workflow.EffectLimit
	active atomic.Int32
}

// room is how many more of the kind may be claimed here, out of a number.
func (k *limitedKind) room(limit int) int {
	if k.limit.Concurrency > 0 {
		limit = min(limit, k.limit.Concurrency-int(k.active.Load()))
	}
	return max(limit, 0)
}

// planClaims puts the kinds of the routes into the order of their priority. The steps of a turn are of one priority, and come in
// any order. Kinds without limits are one step as long as none with limits is of the same priority or between them.
func (w *worker) planClaims() (turns [][]*claimStep, limited map[store.Kind]*limitedKind) {
	byPriority := make(map[int][]store.Kind)
	for kind, r := range w.routes {
		byPriority[r.priority] = append(byPriority[r.priority], kind)
	}
	limited = make(map[store.Kind]*limitedKind)
	open := false // the last turn takes more kinds
	for _, priority := range slices.Backward(slices.Sorted(maps.Keys(byPriority))) {
		plain := &claimStep{priority: make(map[store.Kind]int)}
		var turn []*claimStep
		for _, kind := range byPriority[priority] {
			if limit := w.routes[kind].limit; limit != nil {
				limited[kind] = &limitedKind{kind: kind, limit: limit}
				turn = append(turn, &claimStep{kinds: []store.Kind{kind}, limited: limited[kind]})
				continue
			}
			plain.kinds = append(plain.kinds, kind)
			if priority != 0 {
				plain.priority[kind] = priority
			}
		}
		switch {
		case len(turn) == 0 && open:
			last := turns[len(turns)-1][0]
			last.kinds = append(last.kinds, plain.kinds...)
			maps.Copy(last.priority, plain.priority)
			continue
		case len(plain.kinds) > 0:
			turn = append(turn, plain)
		}
		open = len(turn) == 1 && turn[0].limited == nil
		turns = append(turns, turn)
	}
	return turns, limited
}

// claimPatience is how long other kinds wait for the claim of one. It goes on beside theirs then.
const claimPatience = 250 * time.Millisecond

// claim leases up to limit deliveries and has them served. It returns how many there were at once; those of a claim that took
// long come later. A kind whose claim failed is left out for a time, and holds up no other.
func (r *workerRun) claim(stop, handlers context.Context, limit int) (claimed int) {
	now := store.StoredTime(r.config.Clock.Now())
	for _, turn := range r.claims {
		// One step may fill all the room. With another one first each time, none with a backlog starves the rest.
		for _, i := range rand.Perm(len(turn)) {
			if claimed == limit {
				return claimed
			}
			step := turn[i]
			if !step.begin(now) {
				continue
			}
			answer := make(chan []store.Delivery, 1)
			until := now.Add(r.config.Lease)
			r.serving.Go(func() { answer <- r.claimStep(stop, step, now, until, limit-claimed) })
			select {
			case deliveries := <-answer:
				for _, s := range r.shifts(handlers, deliveries, until) {
					r.start(stop, s)
				}
				claimed += len(deliveries)
				continue
			case <-time.After(claimPatience):
			}
			r.serving.Go(func() {
				deliveries := <-answer
				for _, s := range r.shifts(handlers, deliveries, until) {
					r.busy <- struct{}{}
					r.start(stop, s)
				}
				r.alarm.set(r.config.Clock.Now())
			})
		}
	}
	return claimed
}

// begin reports whether the step may claim now. Then end follows.
func (s *claimStep) begin(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking || now.Before(s.retryAt) {
		return false
	}
	s.asking = true
	return true
}

// end notes how a claim ended. It returns how many have failed in a row, and when the next may begin.
func (s *claimStep) end(clock store.Clock, err error) (failures int, retryAt time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = false
	if err == nil {
		s.failures, s.retryAt = 0, time.Time{}
	} else {
		s.failures++
		s.retryAt = store.StoredTime(clock.Now().Add(pollBackoff.Pause(s.failures)))
	}
	return s.failures, s.retryAt
}

// claimStep claims for one step. It does not stop half-way when the engine stops: what was claimed has cost an attempt, and must be
// served; so it is returned even with an error, which is logged here.
func (r *workerRun) claimStep(stop context.Context, step *claimStep, now, until time.Time, limit int) []store.Delivery {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), r.config.Lease)
	defer cancel()
	k := step.limited
	if k != nil {
		if limit = k.room(limit); limit == 0 {
			step.end(r.config.Clock, nil)
			return nil
		}
	}
	began := time.Now()
	from := r.floors.begin(step.kinds, now)
	var deliveries []store.Delivery
	var reached map[store.Kind]time.Time
	var again time.Time
	var err error
	if k != nil && k.limit.Shared() {
		var claimed store.LimitedClaimed
		claimed, err = r.limitedQueue.ClaimLimited(ctx, store.LimitedClaim{
			Kind: k.kind, From: from[k.kind], Now: now, Until: until, Limit: limit, Holder: r.config.Name,
			Global: k.limit.Global, Rate: k.limit.Rate, Burst: k.limit.BucketSize(), PerKey: k.limit.PerKey,
		})
		deliveries, again = claimed.Deliveries, claimed.Again
		reached = map[store.Kind]time.Time{k.kind: claimed.Reached}
	} else {
		deliveries, err = r.queue.Claim(ctx, store.Claim{
			Kinds: step.kinds, Priority: step.priority, From: from, Now: now, Until: until, Limit: limit, Holder: r.config.Name,
		})
		reached = step.reached(deliveries, now, limit)
	}
	if err != nil {
		reached = nil
	}
	r.floors.end(reached)
	if k != nil {
		k.active.Add(int32(len(deliveries)))
	}
	if tel := r.config.Telemetry; tel != nil {
		tel.Claimed(telemetry.ClaimReport{
			Queue: r.name, Wanted: limit, Claimed: len(deliveries), Duration: time.Since(began), Err: err,
		})
	}
	failures, retryAt := step.end(r.config.Clock, err)
	if err != nil {
		r.config.Logger.ErrorContext(stop, "ironflow: claiming work failed", "queue", string(r.name), "kinds", step.names(),
			"failures", failures, "error", err)
		again = retryAt
	}
	if !again.IsZero() {
		r.alarm.set(again)
	}
	return deliveries
}

// reached is how far a claim of kinds without shared limits has come.
func (s *claimStep) reached(deliveries []store.Delivery, now time.Time, limit int) map[store.Kind]time.Time {
	reached := make(map[store.Kind]time.Time, len(s.kinds))
	if len(deliveries) < limit {
		for _, kind := range s.kinds {
			reached[kind] = now
		}
		return reached
	}
	for _, d := range deliveries { // the oldest of a kind first
		reached[d.Kind] = d.RunAt
	}
	return reached
}

// names are the kinds of the step, as in logs.
func (s *claimStep) names() []string {
	var names []string
	for _, kind := range s.kinds {
		names = append(names, kind.Workflow+"/"+kind.Name)
	}
	slices.Sort(names)
	return names
}

// leave counts a delivery out. Where there are limits, it has made room for another: one that was parked has its place in the
// order from when this one was claimed.
func (r *workerRun) leave(s shift) {
	if k := r.limited[s.Kind]; k != nil {
		k.active.Add(-1)
		if k.limit.PerKey > 0 {
			r.floors.lower(s.claimedAt, s.Kind)
		}
		r.wakeAt(r.config.Clock.Now())
	}
}

// unpark makes due what is parked of kinds that have no limit for each key any more. It reports whether that is done.
func (r *workerRun) unpark(stop context.Context) bool {
	if r.limitedQueue == nil {
		return true
	}
	var kinds []store.Kind
	for kind, route := range r.routes {
		if route.limit == nil || route.limit.PerKey == 0 {
			kinds = append(kinds, kind)
		}
	}
	err := r.limitedQueue.Unpark(stop, kinds)
	if err != nil && stop.Err() == nil {
		r.config.Logger.ErrorContext(stop, "ironflow: making parked effects due failed", "error", err)
	}
	return err == nil
}
