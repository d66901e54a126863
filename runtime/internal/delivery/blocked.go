package delivery

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// A blocked delivery is due again after half of the time for which it has been blocked, within these bounds. So one that no process can take
// costs little. A process that can take it does not wait for that: see retryBlocked.
const (
	minBlocked = time.Second
	maxBlocked = time.Minute
)

// retried is how many blocked deliveries retryBlocked makes due at once.
const retried = 1000

// unable are the kinds of which this process has blocked a delivery, with the time of the last one.
type unable struct {
	mu    sync.Mutex
	since map[store.Kind]time.Time
}

func (u *unable) add(kind store.Kind, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.since == nil {
		u.since = make(map[store.Kind]time.Time)
	}
	u.since[kind] = now
}

// remove says that this process has taken a delivery that was blocked.
func (u *unable) remove(kind store.Kind) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.since, kind)
}

// has reports whether there was a blocked delivery of a kind lately.
func (u *unable) has(kind store.Kind, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	since, is := u.since[kind]
	return is && now.Sub(since).Abs() < maxBlocked
}

// retryBlocked makes blocked deliveries due, and claims soon. In a rollout an old process may have blocked them over and over, so that their pauses
// are long, and may claim them first whenever they are due. A process does so only for kinds that it has not blocked itself in the last minute, or of
// which it has taken one since.
func (r *workerRun) retryBlocked() {
	now := store.StoredTime(r.config.Clock.Now())
	var kinds []store.Kind
	for kind := range r.routes {
		if !r.unable.has(kind, now) {
			kinds = append(kinds, kind)
		}
	}
	n, err := r.queue.RetryBlocked(r.stop, kinds, now, retried)
	if err != nil {
		if r.stop.Err() == nil {
			r.config.Logger.ErrorContext(r.stop, "ironflow: the search for blocked deliveries failed", "queue", string(r.name), "error", err)
		}
		return
	}
	if n > 0 {
		r.wakeAt(now)
	}
}

// blocked returns since when a delivery is blocked, and how long it waits for another process. ok is false when its time is up.
func (w *worker) blocked(d store.Delivery, now time.Time) (since time.Time, wait time.Duration, ok bool) {
	since = d.BlockedSince
	if since.IsZero() || since.After(now) { // the clock was set back
		since = now
	}
	elapsed := now.Sub(since)
	return since, min(max(elapsed/2, minBlocked), maxBlocked), elapsed < w.config.BlockedTimeout
}

// block leaves a delivery, which this process cannot take because of err, to other processes. When its time is up, it is buried.
func (w *worker) block(ctx context.Context, log *slog.Logger, d store.Delivery, err error, now time.Time) attemptEnd {
	since, wait, ok := w.blocked(d, now)
	if !ok {
		return w.bury(ctx, log, d, err, store.Settlement{
			Lease: d.Lease, Verdict: store.Dead, At: now,
			Error: usererr.Bound("no process could take it within " + w.config.BlockedTimeout.String() + ": " + err.Error()),
		})
	}
	w.unable.add(d.Kind, now)
	level := slog.LevelDebug // after the first time
	if d.BlockedSince.IsZero() {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "ironflow: this process cannot take the delivery; it waits for a process that can", "gives_up_at", since.Add(w.config.BlockedTimeout), "error", err)
	again := now.Add(wait)
	return attemptEnd{&store.Settlement{
		Lease: d.Lease, Verdict: store.Wait, At: again, Error: usererr.Bound(err.Error()), BlockedSince: since,
	}, telemetry.DeliveryEnd{Result: telemetry.DeliveryLeft, Again: again, Err: err}}
}

// notTold comes between the error of a dead effect and the reason why its workflow could not be told yet.
const notTold = "; the workflow is not told yet: "

// blockBurial leaves a dead effect to other processes, as this one cannot tell its workflow because of err. The effect keeps the error
// that it died of. ok is false when its time is up.
func (w *worker) blockBurial(d store.Delivery, dead store.Settlement, err error) (_ attemptEnd, ok bool) {
	since, wait, ok := w.blocked(d, dead.At)
	if !ok {
		return attemptEnd{}, false
	}
	w.unable.add(d.Kind, dead.At)
	again := dead.At.Add(wait)
	return attemptEnd{&store.Settlement{
		Lease: d.Lease, Verdict: store.Wait, At: again, BlockedSince: since, Error: usererr.Bound(dead.Error + notTold + err.Error()),
		Attempts: w.routes[d.Kind].retry.MaxAttempts + 1,
	}, telemetry.DeliveryEnd{Result: telemetry.DeliveryLeft, Again: again, Err: err}}, true
}

// withoutNotTold returns the error that a dead effect died of.
func withoutNotTold(lastError string) string {
	text, _, _ := strings.Cut(lastError, notTold)
	return text
}
