package runtime

import (
	"fmt"
	"strings"
)

// RegisteredTwice says that two workflows, or two projections, that were given to NewEngine have the same name.
type RegisteredTwice struct {
	What string // workflow or projection
	Name string
}

func (e *RegisteredTwice) Error() string {
	return fmt.Sprintf("%s %q is registered twice; pass it to NewEngine once", e.What, e.Name)
}

// UnknownWorkflow says that an engine was asked for a workflow that is not registered with it.
type UnknownWorkflow struct {
	Workflow   string
	Registered []string
}

func (e *UnknownWorkflow) Error() string {
	return fmt.Sprintf("workflow %q is not registered with this engine (registered: %s); pass it to NewEngine",
		e.Workflow, strings.Join(e.Registered, ", "))
}
