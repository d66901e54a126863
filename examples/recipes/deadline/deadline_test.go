package deadline

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

// testClock shows the time that the test sets. Pauses are short, so that the engine notices at once.
type testClock struct{ now atomic.Pointer[time.Time] }

func (c *testClock) Now() time.Time    { return *c.now.Load() }
func (c *testClock) Set(now time.Time) { c.now.Store(&now) }
func (c *testClock) After(d time.Duration) <-chan time.Time {
	return time.After(min(d, 10*time.Millisecond))
}

func TestDeadlineIsForAllSteps(t *testing.T) {
	ctx, start, clock := t.Context(), time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC), &testClock{}
	clock.Set(start)
	client := NewClient(recipetest.Run(t, runtime.Config{Clock: clock}, NewWorkflow(Decider{}, Evolver{})))
	if _, err := client.Place(ctx, Place{OrderID: "o-1"}); err != nil {
		t.Fatal(err)
	}
	clock.Set(start.Add(20 * time.Hour))
	if out, err := client.Pack(ctx, Pack{OrderID: "o-1"}); err != nil || !out.Accepted() {
		t.Fatal(out, err)
	}
	clock.Set(start.Add(24 * time.Hour)) // 24 hours after the beginning, 4 hours after the second step
	if state := recipetest.Await(t, client.State, "o-1"); state.Status != StatusExpired {
		t.Errorf("the order is %s", state.Status)
	}
}
