package seal

import "strings"

// Workflow has the personal fields of a workflow's payloads.
type Workflow struct {
	State, End                 *Fields            // End is that of the delivery by which a parent hears of the end
	Inputs, Events, Rejections map[string]*Fields // by their stored names
	Effects                    map[string]*Fields // of those that are declared
}

// NewWorkflow returns the fields at paths, by the stored names of messages.
func NewWorkflow(state []string, inputs, events, effects, rejections map[string][]string) Workflow {
	all := func(paths map[string][]string) map[string]*Fields {
		fields := make(map[string]*Fields, len(paths))
		for name, list := range paths {
			fields[name] = NewFields(list)
		}
		return fields
	}
	w := Workflow{State: NewFields(state), Inputs: all(inputs), Events: all(events), Effects: all(effects), Rejections: all(rejections)}
	w.End = w.State.Under("state")
	return w
}

// Effect returns the fields of an effect or of another delivery in the outbox. Only declared effects have no colon in their kind.
func (w *Workflow) Effect(kind string) *Fields {
	if strings.Contains(kind, ":") {
		return w.End
	}
	return w.Effects[kind]
}
