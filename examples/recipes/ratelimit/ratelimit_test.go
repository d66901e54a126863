package ratelimit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestRate(t *testing.T) {
	var mu sync.Mutex
	var times []time.Time
	post := func(context.Context, string, string) error {
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Now())
		return nil
	}
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{Post: post})))
	begin := time.Now()
	readers := make([]string, 11)
	if _, err := client.Send(t.Context(), Send{NewsletterID: "n-1", Readers: readers}); err != nil {
		t.Fatal(err)
	}
	recipetest.Await(t, client.State, "n-1")
	// One at once, and ten more at a hundred a second.
	if took := times[len(times)-1].Sub(begin); len(times) != 11 || took < 90*time.Millisecond {
		t.Errorf("%d letters were sent within %v", len(times), took)
	}
}
