package bound

import (
	"context"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"time"
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
