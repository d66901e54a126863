package anyorder

import (
	"testing"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestAnyOrder(t *testing.T) {
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{})))
	for id, parts := range map[string][]Part{
		"a-1": {PartForm, PartPassport, PartDeposit},
		"a-2": {PartDeposit, PartForm, PartPassport},
	} {
		for _, part := range parts {
			if out, err := client.Receive(t.Context(), Receive{AccountID: id, Part: part}); err != nil || !out.Accepted() {
				t.Fatal(out, err)
			}
		}
		if state := recipetest.Await(t, client.State, id); state.Status != StatusOpen {
			t.Errorf("%s is %s", id, state.Status)
		}
	}
	if _, err := client.Receive(t.Context(), Receive{AccountID: "a-3", Part: PartForm}); err != nil {
		t.Fatal(err)
	}
	if out, err := client.Receive(t.Context(), Receive{AccountID: "a-3", Part: PartForm}); err != nil || !out.Rejected() {
		t.Errorf("the same part again: %v, %v", out, err)
	}
}
