package runtime

import (
	"context"
	"time"
)

// sleep waits for a time of a clock. It returns false when ctx ends first.
func sleep(ctx context.Context, clock Clock, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-clock.After(d):
		return true
	}
}
