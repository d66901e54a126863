package join

import (
	"context"
	"sync"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestJoin(t *testing.T) {
	var both sync.WaitGroup // each service waits for the other: they are asked at the same time
	both.Add(2)
	engine := recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{
		Score:  func(context.Context, string) (int32, error) { both.Done(); both.Wait(); return 7, nil },
		Income: func(context.Context, string) (int64, error) { both.Done(); both.Wait(); return 300_000, nil },
	}))
	client := NewClient(engine)
	if _, err := client.Apply(t.Context(), Apply{LoanID: "l-1"}); err != nil {
		t.Fatal(err)
	}
	state := recipetest.Await(t, client.State, "l-1")
	if *state.Score != 7 || *state.IncomeCents != 300_000 {
		t.Errorf("got score %d and income %d", *state.Score, *state.IncomeCents)
	}
}
