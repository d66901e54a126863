package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// claimStep is one question to the store: for all kinds without limits that follow each other in priority, or for one kind
// with limits.
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

// planClaims puts the kinds of the routes into the order of their priority.
func (w *worker) planClaims() (steps []claimStep, limited map[Kind]*limitedKind) {
	var kinds []Kind
	for kind := range w.routes {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(w.routes[b].priority, w.routes[a].priority), cmp.Compare(a.Workflow, b.Workflow),
			cmp.Compare(a.Name, b.Name))
	})
	limited = make(map[Kind]*limitedKind)
	open := false // the last step takes more kinds
	for _, kind := range kinds {
		r := w.routes[kind]
		if r.limit != nil {
			limited[kind] = &limitedKind{kind: kind, limit: r.limit}
			steps = append(steps, claimStep{limited: limited[kind]})
			open = false
			continue
		}
		if !open {
			steps = append(steps, claimStep{priority: make(map[Kind]int)})
			open = true
		}
		step := &steps[len(steps)-1]
		step.kinds = append(step.kinds, kind)
		if r.priority != 0 {
			step.priority[kind] = r.priority
		}
	}
	return steps, limited
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
	for _, step := range r.claims {
		room := limit - len(deliveries)
		if room == 0 {
			break
		}
		claimed, failure := r.claimStep(ctx, step, now, until, room)
		deliveries = append(deliveries, claimed...)
		err = errors.Join(err, failure)
	}
	return deliveries, until, err
}

func (r *workerRun) claimStep(ctx context.Context, step claimStep, now, until time.Time, limit int) ([]Delivery, error) {
	k := step.limited
	if k == nil {
		return r.queue.Claim(ctx, Claim{Kinds: step.kinds, Priority: step.priority, Now: now, Until: until, Limit: limit})
	}
	if limit = k.room(limit); limit == 0 {
		return nil, nil
	}
	var claimed []Delivery
	var err error
	if k.limit.shared() {
		var again time.Time
		claimed, again, err = r.limitedQueue.ClaimLimited(ctx, LimitedClaim{
			Kind: k.kind, Now: now, Until: until, Limit: limit,
			Global: k.limit.Global, Rate: k.limit.Rate, Burst: k.limit.burst(), PerKey: k.limit.PerKey,
		})
		if !again.IsZero() {
			r.wakeAt(again)
		}
	} else {
		claimed, err = r.queue.Claim(ctx, Claim{Kinds: []Kind{k.kind}, Now: now, Until: until, Limit: limit})
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
