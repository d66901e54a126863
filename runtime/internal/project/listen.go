package project

import (
	"context"
	"log/slog"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// listenBackoff is the pause before listening again after the connection was lost. Meanwhile readers poll.
var listenBackoff = backoff.Backoff{Base: time.Second, Max: time.Minute}

// Listen calls wake for news of other processes until stop ends. It returns at once if there is no notifier.
func Listen(stop context.Context, notifier store.Notifier, logger *slog.Logger, wake func(store.News)) {
	if notifier == nil {
		return
	}
	for failures := 0; stop.Err() == nil; {
		began := time.Now()
		err := notifier.Listen(stop, wake)
		if stop.Err() != nil {
			return
		}
		if failures++; time.Since(began) > listenBackoff.Max {
			failures = 1
		}
		logger.WarnContext(stop, "ironflow: listening for other processes failed; the engine polls until it listens again", "error", err)
		bound.Sleep(stop, store.SystemClock{}, listenBackoff.Pause(failures))
	}
}
