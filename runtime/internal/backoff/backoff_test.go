package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
)

func TestPause(t *testing.T) {
	t.Parallel()
	b := backoff.Backoff{Base: 100 * time.Millisecond, Max: time.Second}
	for attempt, full := range map[int]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond, 4: 800 * time.Millisecond,
		5: time.Second, 6: time.Second, 1000: time.Second, math.MaxInt: time.Second,
	} {
		low, high := full, time.Duration(0)
		for range 1000 {
			d := b.Pause(attempt)
			low, high = min(low, d), max(high, d)
		}
		if low < full/2 || high > full || high-low < full/4 {
			t.Errorf("attempt %d: pauses from %v to %v, want them spread from %v to %v", attempt, low, high, full/2, full)
		}
	}
	huge := backoff.Backoff{Base: math.MaxInt64 / 3 * 2, Max: math.MaxInt64}
	if d := huge.Pause(7); d < math.MaxInt64/2 {
		t.Errorf("overflow: got %v", d)
	}
	if d := (backoff.Backoff{}).Pause(3); d != 0 {
		t.Errorf("no pause: got %v", d)
	}
}
