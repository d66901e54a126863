package commit

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// searchChange is what a chain changes in the search fields of its instance. It is empty for a workflow without them.
type searchChange struct {
	before []store.SearchValue // of the state that the chain began at
	inputs []store.SearchValue // of the inputs that were accepted
}

func newSearchChange(w *workflow.Workflow, known *cached) (s searchChange) {
	if known.version > 0 && len(w.SearchFields()) > 0 {
		s.before = w.SearchState(known.state) // texts, which do not change with the state
	}
	return s
}

// addInput notes the values of an input that was accepted. They replace those of inputs before.
func (s *searchChange) addInput(w *workflow.Workflow, input any) {
	if len(w.SearchFields()) == 0 {
		return
	}
	for _, v := range w.SearchInput(input) {
		if v.Value == "" {
			continue
		}
		s.inputs = slices.DeleteFunc(s.inputs, func(other store.SearchValue) bool { return other.Field == v.Field })
		s.inputs = append(s.inputs, v)
	}
}

// result returns the values to store: those of the inputs, and those of the state that have changed.
func (s *searchChange) result(w *workflow.Workflow, state any) []store.SearchValue {
	if len(w.SearchFields()) == 0 {
		return nil
	}
	values := s.inputs
	for _, v := range w.SearchState(state) {
		if v.Value == "" && s.before == nil || slices.Contains(s.before, v) {
			continue
		}
		values = append(values, v)
	}
	return values
}
