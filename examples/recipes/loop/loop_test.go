package loop

import (
	"context"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestLoop(t *testing.T) {
	following := map[string]string{"first": "second", "second": "third"}
	read := func(ctx context.Context, page string) (int64, *string, error) {
		if next, ok := following[page]; ok {
			return 100, &next, nil
		}
		return 17, nil, nil
	}
	engine := recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{Read: read}))
	client := NewClient(engine)
	if _, err := client.Start(t.Context(), Start{ImportID: "i-1"}); err != nil {
		t.Fatal(err)
	}
	if state := recipetest.Await(t, client.State, "i-1"); state.Pages != 3 || state.Lines != 217 {
		t.Errorf("got %d pages with %d lines", state.Pages, state.Lines)
	}
}
