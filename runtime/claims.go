package runtime

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// claimStep is one question to the store: for kinds without limits that follow each other in priority, or for one kind with
// limits.
type claimStep struct {
	kinds    []Kind
	priority map[Kind]int
	limited  *limitedKind
}

// limitedKind is a kind whose limits count what this process has of it.
type limitedKind struct {
	kind   Kind
	limit  *EffectLimit
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
func (w *worker) planClaims() (turns [][]claimStep, limited map[Kind]*limitedKind) {
	byPriority := make(map[int][]Kind)
	for kind, r := range w.routes {
		byPriority[r.priority] = append(byPriority[r.priority], kind)
	}
	limited = make(map[Kind]*limitedKind)
	open := false // the last turn takes more kinds
	for _, priority := range slices.Backward(slices.Sorted(maps.Keys(byPriority))) {
		plain := claimStep{priority: make(map[Kind]int)}
		var turn []claimStep
		for _, kind := range byPriority[priority] {
			if limit := w.routes[kind].limit; limit != nil {
				limited[kind] = &limitedKind{kind: kind, limit: limit}
				turn = append(turn, claimStep{limited: limited[kind]})
				continue
			}
			plain.kinds = append(plain.kinds, kind)
			if priority != 0 {
				plain.priority[kind] = priority
			}
		}
		switch {
		case len(turn) == 0 && open:
			last := &turns[len(turns)-1][0]
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

// claim leases up to limit deliveries. It does not stop half-way when the engine stops: what was claimed has cost an attempt,
// and must be served; so it is returned even with an error.
func (r *workerRun) claim(ctx context.Context, limit int) (deliveries []Delivery, until time.Time, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	if telemetry := r.config.Telemetry; telemetry != nil {
		begin := time.Now()
		defer func() {
			telemetry.Claimed(ClaimReport{
				Queue: r.name, Wanted: limit, Claimed: len(deliveries), Duration: time.Since(begin), Err: err,
			})
		}()
	}
	now := storedTime(r.config.Clock.Now())
	until = now.Add(r.config.Lease)
	for _, turn := range r.claims {
		// One step may fill all the room. With another one first each time, none with a backlog starves the rest.
		for _, i := range rand.Perm(len(turn)) {
			room := limit - len(deliveries)
			if room == 0 {
				return deliveries, until, err
			}
			claimed, failure := r.claimStep(ctx, turn[i], now, until, room)
			deliveries = append(deliveries, claimed...)
			err = errors.Join(err, failure)
		}
	}
	return deliveries, until, err
}

func (r *workerRun) claimStep(ctx context.Context, step claimStep, now, until time.Time, limit int) ([]Delivery, error) {
	k := step.limited
	if k == nil {
		return r.queue.Claim(ctx, Claim{
			Kinds: step.kinds, Priority: step.priority, Now: now, Until: until, Limit: limit, Holder: r.config.Name,
		})
	}
	if limit = k.room(limit); limit == 0 {
		return nil, nil
	}
	var claimed []Delivery
	var err error
	if k.limit.shared() {
		var again time.Time
		claimed, again, err = r.limitedQueue.ClaimLimited(ctx, LimitedClaim{
			Kind: k.kind, Now: now, Until: until, Limit: limit, Holder: r.config.Name,
			Global: k.limit.Global, Rate: k.limit.Rate, Burst: k.limit.burst(), PerKey: k.limit.PerKey,
		})
		if !again.IsZero() {
			r.wakeAt(again)
		}
	} else {
		claimed, err = r.queue.Claim(ctx, Claim{
			Kinds: []Kind{k.kind}, Now: now, Until: until, Limit: limit, Holder: r.config.Name,
		})
	}
	k.active.Add(int32(len(claimed)))
	return claimed, err
}

// leave counts a delivery out. Where there are limits, it has made room for another.
func (r *workerRun) leave(kind Kind) {
	if k := r.limited[kind]; k != nil {
		k.active.Add(-1)
		r.wakeAt(r.config.Clock.Now())
	}
}
