package delivery

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// claimStep is one claim: of kinds without limits that follow each other in priority, or of one kind with limits.
type claimStep struct {
	kinds    []store.Kind
	priority map[store.Kind]int
	limited  *limitedKind

	mu       sync.Mutex
	asking   bool      // a claim is under way
	failures int       // in a row
	retryAt  time.Time // after a failure
}

// limitedKind is a kind with limits.
type limitedKind struct {
	kind   store.Kind
	limit  *workflow.EffectLimit
	active atomic.Int32 // deliveries that this process holds
}

// room is how many more of the kind this process may claim, at most limit.
func (k *limitedKind) room(limit int) int {
	if k.limit.Concurrency > 0 {
		limit = min(limit, k.limit.Concurrency-int(k.active.Load()))
	}
	return max(limit, 0)
}

// burst is how many attempts may begin at once.
func burst(l *workflow.EffectLimit) int {
	if l.Burst > 0 {
		return l.Burst
	}
	return max(1, int(math.Ceil(l.Rate)))
}

// planClaims puts the kinds of the routes into the order of their priority. The steps of one turn have the same priority, and are made in
// random order. Kinds without limits share a step unless a kind with limits has the same priority or one between theirs.
func (w *worker) planClaims() (turns [][]*claimStep, limited map[store.Kind]*limitedKind) {
	byPriority := make(map[int][]store.Kind)
	for kind, r := range w.routes {
		byPriority[r.priority] = append(byPriority[r.priority], kind)
	}
	limited = make(map[store.Kind]*limitedKind)
	open := false // the last turn is one step of kinds without limits
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

// claimPatience is how long a claim holds up those of other kinds. After that they go on side by side.
const claimPatience = 250 * time.Millisecond

// claim leases up to limit deliveries and starts to serve them. It returns how many, without those of a claim that takes long, which come
// later. A kind whose claim failed is left out for a time, so that it holds up no other.
func (r *workerRun) claim(limit int) (claimed int) {
	now := store.StoredTime(r.config.Clock.Now())
	for _, turn := range r.claims {
		// One step may use up the limit. In random order, no kind with a backlog starves the others.
		for _, i := range rand.Perm(len(turn)) {
			if claimed == limit {
				return claimed
			}
			step := turn[i]
			if !step.begin(now) {
				continue
			}
			until := now.Add(r.config.Lease)
			if r.store.Prompt() {
				deliveries := r.makeClaim(step, now, until, limit-claimed)
				for _, s := range r.shifts(deliveries, until) {
					r.start(s)
				}
				claimed += len(deliveries)
				continue
			}
			answer := make(chan []store.Delivery, 1)
			r.serving.Go(func() { answer <- r.makeClaim(step, now, until, limit-claimed) })
			select {
			case deliveries := <-answer:
				for _, s := range r.shifts(deliveries, until) {
					r.start(s)
				}
				claimed += len(deliveries)
				continue
			case <-time.After(claimPatience):
			}
			r.serving.Go(func() {
				deliveries := <-answer
				for _, s := range r.shifts(deliveries, until) {
					r.busy <- struct{}{}
					r.start(s)
				}
				r.alarm.set(r.config.Clock.Now())
			})
		}
	}
	return claimed
}

// begin reports whether the step may claim now. If so, end follows.
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
		s.retryAt = store.StoredTime(clock.Now().Add(backoff.Poll.Pause(s.failures)))
	}
	return s.failures, s.retryAt
}

// makeClaim makes the claim of one step. The stop of the engine does not cancel it: what was claimed has cost an attempt and must be served.
// An error is logged here.
func (r *workerRun) makeClaim(step *claimStep, now, until time.Time, limit int) []store.Delivery {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.stop), r.config.Lease)
	defer cancel()
	k := step.limited
	if k != nil {
		if limit = k.room(limit); limit == 0 {
			step.end(r.config.Clock, nil)
			return nil
		}
	}
	began := time.Now()
	number := r.claimBegins()
	from := r.floors.begin(step.kinds, now)
	var deliveries []store.Delivery
	var reached map[store.Kind]time.Time
	var again time.Time
	var err error
	if k != nil && k.limit.Shared() {
		var claimed store.LimitedClaimed
		claimed, err = r.store.ClaimLimited(ctx, store.LimitedClaim{
			Kind: k.kind, From: from[k.kind], Now: now, Until: until, Limit: limit, Holder: r.config.Name,
			Global: k.limit.Global, Rate: k.limit.Rate, Burst: burst(k.limit), PerKey: k.limit.PerKey,
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
	} else {
		r.claimEnds(number, step.kinds, len(deliveries) == limit)
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
		r.config.Logger.ErrorContext(r.stop, "ironflow: claiming work failed", "queue", string(r.name), "kinds", step.names(),
			"failures", failures, "error", err)
		again = retryAt
	}
	if !again.IsZero() {
		r.alarm.set(again)
	}
	return deliveries
}

// reached returns, for each kind of a claim, the time up to which nothing is due any more.
func (s *claimStep) reached(deliveries []store.Delivery, now time.Time, limit int) map[store.Kind]time.Time {
	reached := make(map[store.Kind]time.Time, len(s.kinds))
	if len(deliveries) < limit {
		for _, kind := range s.kinds {
			reached[kind] = now
		}
		return reached
	}
	for _, d := range deliveries { // of each kind, the oldest first
		reached[d.Kind] = d.RunAt
	}
	return reached
}

// names returns the kinds of the step for logs.
func (s *claimStep) names() []string {
	var names []string
	for _, kind := range s.kinds {
		names = append(names, kind.String())
	}
	slices.Sort(names)
	return names
}

// leave notes that a delivery has ended. If its kind has limits, there is room for another one. One that was parked is due since the time at
// which this one was claimed.
func (r *workerRun) leave(s shift) {
	if k := r.limited[s.Kind]; k != nil {
		k.active.Add(-1)
		if k.limit.PerKey > 0 {
			r.floors.lower(s.claimedAt, s.Kind)
		}
		r.wakeAt(r.config.Clock.Now())
	}
}

// unpark makes due what is parked of kinds that have no limit for each key any more. It reports whether it succeeded.
func (r *workerRun) unpark() bool {
	if r.name != store.EffectQueue {
		return true
	}
	var kinds []store.Kind
	for kind, route := range r.routes {
		if route.limit == nil || route.limit.PerKey == 0 {
			kinds = append(kinds, kind)
		}
	}
	err := r.store.Unpark(r.stop, kinds)
	if err != nil && r.stop.Err() == nil {
		r.config.Logger.ErrorContext(r.stop, "ironflow: making parked effects due failed; it is tried again", "error", err)
	}
	return err == nil
}
