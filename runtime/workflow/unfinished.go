package workflow

import "fmt"

// Unfinished says that a stub was called: a method of the first skeleton, or one that "ironflow-gen generate -stubs" added, that is not
// written yet. Nothing was stored.
//
// A stub of a decider or evolver panics with it, so callers of the engine find it in a *runtime.PanicError with errors.As; a stub
// of a handler returns it, and the effect is tried again as declared, by then perhaps with the method in place. Stubs make
// it with a function of the generated package. "ironflow-gen vet" and the test in that package list them: every call of a
// function that returns an *Unfinished is one.
type Unfinished struct {
	Workflow string
	Method   string // with its type: "Decider.Pay"
}

func (e *Unfinished) Error() string {
	return fmt.Sprintf("workflow %s: %s is not written yet; write it in place of the stub", e.Workflow, e.Method)
}
