package refusal

import (
	"errors"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/internal/recipetest"
	"github.com/ironflow-gen/ironflow/runtime"
)

func TestRefusedMoneyComesBack(t *testing.T) {
	client := NewClient(recipetest.Run(t, runtime.Config{}, NewWorkflow(Decider{}, Evolver{})))
	ctx := t.Context()
	check := func(outcome interface{ Accepted() bool }, err error) {
		t.Helper()
		if err != nil || !outcome.Accepted() {
			t.Fatal(outcome, err)
		}
	}
	accept := func(id string, cents int64) {
		t.Helper()
		out, err := client.Open(ctx, Open{AccountID: id, Cents: cents})
		check(out, err)
	}
	accept("ann", 100)
	accept("ben", 0)
	accept("cy", 0)
	frozen, err := client.Freeze(ctx, Freeze{AccountID: "cy"})
	check(frozen, err)
	for _, to := range []string{"ben", "cy", "nobody"} {
		sent, err := client.Transfer(ctx, Transfer{AccountID: "ann", To: to, Cents: 10})
		check(sent, err)
	}

	wantCents := func(id string, want int64) {
		t.Helper()
		var cents int64
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			state, err := client.State(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if cents = state.State.Cents; cents == want {
				return
			}
		}
		t.Errorf("%s has %d, want %d", id, cents, want)
	}
	wantCents("ben", 10)
	wantCents("ann", 90)
	wantCents("cy", 0)
	var unknown *runtime.UnknownInstance
	if _, err := client.State(ctx, "nobody"); !errors.As(err, &unknown) {
		t.Errorf("a refused deposit has created an account: %v", err)
	}
	history, err := client.History(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[Returned]bool)
	for _, h := range history {
		if returned, is := h.Event.(Returned); is {
			reasons[returned] = true
		}
	}
	if len(reasons) != 2 || !reasons[Returned{"cy", "rejected", 10}] || !reasons[Returned{"nobody", "missing", 10}] {
		t.Errorf("returned: %v", reasons)
	}
}
