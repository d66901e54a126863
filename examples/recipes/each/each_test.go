package each

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestEach(t *testing.T) {
	var now, most, all atomic.Int32
	resize := func(ctx context.Context, photo string) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		all.Add(1)
		return nil
	}
	engine := recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{Resizer: resize}))
	client := NewClient(engine)
	if _, err := client.Import(t.Context(), Import{AlbumID: "a-1", Photos: []string{"1", "2", "3", "4", "5", "5"}}); err != nil {
		t.Fatal(err)
	}
	if state := recipetest.Await(t, client.State, "a-1"); len(state.Left) != 0 {
		t.Errorf("%q are left", state.Left)
	}
	if all.Load() != 6 || most.Load() > 2 {
		t.Errorf("%d photos were resized, %d at once", all.Load(), most.Load())
	}
}
