package commit

import (
	"fmt"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// searched is a workflow whose state is the city, and whose inputs are customers.
type searched struct{ workflow.Erased }

func (searched) SearchFields() []string { return []string{"city", "customer"} }
func (searched) SearchState(state any) []store.SearchValue {
	return []store.SearchValue{workflow.Search("city", state)}
}
func (searched) SearchInput(input any) []store.SearchValue {
	return []store.SearchValue{workflow.Search("customer", input)}
}

// A chain stores the values of the state that have changed, and the last one of the inputs.
func TestSearchChange(t *testing.T) {
	w := &workflow.Workflow{Erased: searched{}}
	for _, test := range []struct {
		version       int64
		before, after string
		inputs        []string
		want          string
	}{
		{0, "", "Oslo", nil, "[{city Oslo}]"},
		{0, "", "", nil, "[]"},
		{3, "Oslo", "Oslo", nil, "[]"},
		{3, "Oslo", "Rome", nil, "[{city Rome}]"},
		{3, "Oslo", "", nil, "[{city }]"},
		{3, "Oslo", "Oslo", []string{"ada", "", "bob"}, "[{customer bob}]"},
		{0, "", "Oslo", []string{"ada"}, "[{customer ada} {city Oslo}]"},
	} {
		s := newSearchChange(w, &cached{version: test.version, state: test.before})
		for _, in := range test.inputs {
			s.addInput(w, in)
		}
		if got := fmt.Sprint(s.result(w, test.after)); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}
