package runtime

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// A blocked delivery is due again after half of the time for which it has been blocked, within these bounds. A process that can take
// it has its chance soon after it starts, and one that cannot does not ask again and again.
const (
	minBlocked = time.Second
	maxBlocked = time.Minute
)

// blocked is since when a delivery that cannot be taken is blocked, and for how long it is to wait. It is not ok when the time is up.
func (w *worker) blocked(d Delivery, now time.Time) (since time.Time, wait time.Duration, ok bool) {
	since = d.BlockedSince
	if since.IsZero() || since.After(now) { // the clock was set back
		since = now
	}
	elapsed := now.Sub(since)
	return since, min(max(elapsed/2, minBlocked), maxBlocked), elapsed < w.config.BlockedTimeout
}

// block lets a delivery wait that this process cannot take because of err, or buries it when no process could take it in time.
func (w *worker) block(ctx context.Context, log *slog.Logger, d Delivery, err error, now time.Time) ending {
	since, wait, ok := w.blocked(d, now)
	if !ok {
		return w.bury(ctx, log, d, err, Settlement{
			Lease: d.Lease, Verdict: Dead, At: now,
			Error: usererr.Bound("no process could take it within " + w.config.BlockedTimeout.String() + ": " + err.Error()),
		})
	}
	level := slog.LevelDebug // it was said when it began
	if d.BlockedSince.IsZero() {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "ironflow: blocked, left to a process that can take it", "gives_up_at", since.Add(w.config.BlockedTimeout), "error", err)
	again := now.Add(wait)
	return ending{&Settlement{
		Lease: d.Lease, Verdict: Wait, At: again, Error: usererr.Bound(err.Error()), BlockedSince: since,
	}, DeliveryEnd{Result: DeliveryLeft, Again: again, Err: err}}
}

// notTold comes between the error of a dead effect and the reason why its workflow was not told so far.
const notTold = "; the workflow is not told yet: "

// blockBurial lets a delivery wait whose workflow cannot be told that it is dead, because of err. What it died of stays its error.
// It is not ok when the time is up.
func (w *worker) blockBurial(d Delivery, dead Settlement, err error) (_ ending, ok bool) {
	since, wait, ok := w.blocked(d, dead.At)
	if !ok {
		return ending{}, false
	}
	again := dead.At.Add(wait)
	return ending{&Settlement{
		Lease: d.Lease, Verdict: Wait, At: again, BlockedSince: since, Error: usererr.Bound(dead.Error + notTold + err.Error()),
		Attempts: w.routes[d.Kind].retry.MaxAttempts + 1,
	}, DeliveryEnd{Result: DeliveryLeft, Again: again, Err: err}}, true
}

// withoutNotTold is the error of a dead effect.
func withoutNotTold(lastError string) string {
	text, _, _ := strings.Cut(lastError, notTold)
	return text
}
