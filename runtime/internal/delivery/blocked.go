package delivery

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// A blocked delivery is due again after half of the time for which it has been blocked, within these bounds. So a process that knows it
// claims it soon after it has started, and one that does not know it asks seldom.
const (
	minBlocked = time.Second
	maxBlocked = time.Minute
)

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
