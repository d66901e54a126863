package runtime

import (
	"fmt"
	"strings"
)

// RegisteredTwice says that NewEngine was given two workflows, or two projections, of the same name.
type RegisteredTwice struct {
	What string // workflow or projection
	Name string
}

func (e *RegisteredTwice) Error() string {
	return fmt.Sprintf("%s %q is registered twice; pass it to NewEngine once", e.What, e.Name)
}

// UnknownWorkflow says that a workflow is not registered with the engine.
type UnknownWorkflow struct {
	Workflow   string
	Registered []string
}

func (e *UnknownWorkflow) Error() string {
	return fmt.Sprintf("workflow %q is not registered with this engine (registered: %s); pass it to NewEngine",
		e.Workflow, strings.Join(e.Registered, ", "))
}
