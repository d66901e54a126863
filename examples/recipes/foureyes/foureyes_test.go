package foureyes

import (
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestTwoPeople(t *testing.T) {
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{})))
	if _, err := client.Request(t.Context(), Request{TransferID: "t-1", By: "ann", AmountCents: 9_000_00}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		by       string
		accepted bool
	}{{"ann", false}, {"bob", true}, {"bob", false}, {"cleo", true}} {
		out, err := client.Approve(t.Context(), Approve{TransferID: "t-1", By: step.by})
		if err != nil || out.Accepted() != step.accepted {
			t.Fatalf("approval by %s: %v, %v", step.by, out, err)
		}
	}
	if state := recipetest.Await(t, client.State, "t-1"); state.Status != StatusReleased {
		t.Errorf("the transfer is %s", state.Status)
	}
}
