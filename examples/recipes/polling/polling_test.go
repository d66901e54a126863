package polling

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestPolling(t *testing.T) {
	var questions atomic.Int32
	ask := func(context.Context, string) (known, paid bool, err error) {
		return questions.Add(1) > 30, true, nil // more questions than there are attempts
	}
	handler := Handler{Ask: ask, Pause: time.Millisecond}
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, handler)))
	if _, err := client.Pay(t.Context(), Pay{PayoutID: "p-1", Reference: "r-1"}); err != nil {
		t.Fatal(err)
	}
	if state := recipetest.Await(t, client.State, "p-1"); state.Status != StatusPaid {
		t.Errorf("the payout is %s", state.Status)
	}
}
