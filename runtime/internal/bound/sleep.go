package bound

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Sleep waits for a time of a clock. It returns false when ctx ends first.
func Sleep(ctx context.Context, clock store.Clock, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-clock.After(d):
		return true
	}
}
