package delivery

import (
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Kinds of one priority take turns; of different ones, the higher is first. As few questions as can be are asked.
func TestPlanClaims(t *testing.T) {
	t.Parallel()
	w := &worker{routes: map[store.Kind]route{}}
	limit := &workflow.EffectLimit{Global: 1}
	for name, r := range map[string]route{
		"a": {}, "b": {limit: limit}, "c": {priority: 5}, "d": {priority: 3}, "e": {priority: -1}, "f": {priority: -2}, "g": {priority: -9, limit: limit},
	} {
		w.routes[store.Kind{Name: name}] = r
	}
	turns, limited := w.planClaims()
	var got []string
	for _, turn := range turns {
		var steps []string
		for _, step := range turn {
			kinds := step.kinds
			if step.limited != nil {
				kinds = []store.Kind{step.limited.kind}
			}
			var names []string
			for _, kind := range kinds {
				names = append(names, kind.Name)
				if p := w.routes[kind].priority; step.limited == nil && step.priority[kind] != p {
					t.Errorf("%s is asked for with the priority %d, want %d", kind.Name, step.priority[kind], p)
				}
			}
			steps = append(steps, strings.Join(names, "+"))
		}
		slices.Sort(steps)
		got = append(got, strings.Join(steps, ","))
	}
	if want := []string{"c+d", "a,b", "e+f", "g"}; !slices.Equal(got, want) {
		t.Errorf("got the turns %q, want %q", got, want)
	}
	if len(limited) != 2 {
		t.Errorf("%d kinds have limits", len(limited))
	}
}
