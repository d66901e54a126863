package ironflowtest

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/examples/recipes/service"
)

// heard is a decider that notes what is said of refusals.
type heard struct {
	service.Decider
	outcomes map[string]bool
}

func (h heard) BillRefused(now time.Time, s service.State, in service.BillRefused) service.BillRefusedDecision {
	h.outcomes[in.Outcome] = true
	return h.Decider.BillRefused(now, s, in)
}

// What an effect sends may be refused in each way, and also accepted.
func TestExploreRefusals(t *testing.T) {
	h := heard{outcomes: make(map[string]bool)}
	w := service.NewWorkflow(h, service.Evolver{})
	placed := false
	seen, err := explore(w, Exploration{Invariants: []func(any) error{Invariant(func(s service.State) error {
		placed = placed || s.Status == service.StatusPlaced
		return nil
	})}}.withDefaults())
	if err != nil || len(seen.Findings) > 0 {
		t.Fatalf("got %v, error %v", seen, err)
	}
	for _, outcome := range []string{"rejected", "completed", "missing", "unknown"} {
		if !h.outcomes[outcome] {
			t.Errorf("no refusal says %s: %v", outcome, h.outcomes)
		}
	}
	if len(h.outcomes) != 4 || !placed {
		t.Errorf("outcomes %v, placed %v", h.outcomes, placed)
	}
}
