package bound

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// IsUnavailable reports that the store said so, and not user code.
func IsUnavailable(err error) bool {
	_, is := usererr.OwnAs[*store.Unavailable](err)
	return is && !usererr.Is(err)
}

// WithUnavailableTimeout returns a context whose calls of the engine are repeated for d while the store is unavailable, and not
// until the context's deadline. 0 means that they fail at once.
func WithUnavailableTimeout(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, unavailableTimeoutKey{}, d)
}

type unavailableTimeoutKey struct{}

// UntilAvailable repeats a call that changes nothing when it fails while the store is unavailable: until the deadline of ctx, or for
// the timeout when it has none. The pauses are of the real time, as the deadline is.
func UntilAvailable[T any](ctx context.Context, timeout time.Duration, call func() (T, error)) (T, error) {
	value, err := call()
	if !IsUnavailable(err) {
		return value, err
	}
	patience, given := ctx.Value(unavailableTimeoutKey{}).(time.Duration)
	if _, ends := ctx.Deadline(); !given && !ends {
		patience, given = timeout, true
	}
	giveUp := make(<-chan time.Time)
	if given {
		giveUp = time.After(patience)
	}
	for attempt := 1; ; attempt++ {
		select {
		case <-giveUp:
			return value, err
		case <-ctx.Done():
			return value, fmt.Errorf("%w; %w", err, ctx.Err())
		case <-time.After(storeBackoff.Pause(attempt)):
		}
		last := err
		if value, err = call(); !IsUnavailable(err) {
			if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				err = fmt.Errorf("%w; before: %w", err, last)
			}
			return value, err
		}
	}
}

// storeBackoff is for calls of a store that failed and are worth repeating at once.
var storeBackoff = backoff.Backoff{Base: 50 * time.Millisecond, Max: time.Second}

// Retry repeats f while it fails because of the store and ctx lasts. It returns f's last error.
func Retry(ctx context.Context, clock store.Clock, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if _, failed := usererr.OwnAs[*StoreError](err); !failed {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-clock.After(storeBackoff.Pause(attempt)):
		}
	}
}
